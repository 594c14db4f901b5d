#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LOG_LINE = 1024 };

static struct {
	enum th_log_level max;
	th_log_sink *sink;
	void *ctx;
} state = { TH_LOG_ERROR, NULL, NULL };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void th_log_init(enum th_log_level max, th_log_sink *sink, void *ctx)
{
	state.max = max;
	state.sink = sink;
	state.ctx = ctx;
}

bool th_log_on(enum th_log_level level)
{
	return state.sink && level <= state.max;
}

void th_log(enum th_log_level level, const char *event, const char *fmt, ...)
{
	char line[LOG_LINE];
	va_list ap;
	int n;

	if (!th_log_on(level))
		return;
	n = snprintf(line, sizeof(line), "level=%s event=%s%s", level_names[level], event, *fmt ? " " : "");
	if (n < 0 || (size_t)n >= sizeof(line))
		n = 0; /* no event has so long a name */
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap); /* NOLINT(clang-analyzer-valist.Uninitialized): va_start is above */
	va_end(ap);
	state.sink(state.ctx, level, line);
}

static size_t quote_byte(char out[4], unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[c >> 4];
	out[3] = hex[c & 15];
	return 4;
}

const char *th_log_quote(char *out, size_t cap, struct th_str s)
{
	size_t n = 0;

	if (cap < 8)
		return "\"\"";
	out[n++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		char b[4];
		size_t len = quote_byte(b, (unsigned char)s.p[i]);

		if (len > cap - n - 2)
			break;
		memcpy(out + n, b, len);
		n += len;
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}
