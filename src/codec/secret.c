#include "codec/secret.h"

#include <stdbool.h>

#include "base/str.h"
#include "codec/text.h"

const char *const th_secret_keys[] = {
	"access_token",
	"refresh_token",
	"password",
	"new_password",
	"token",
	"login_token",
	"loginToken",
	"client_secret",
	"id_token",
	"code",
	"code_verifier",
	"secret",
	"private_key",
	"mac",
	"recovery_key",
	"passphrase",
	"pushkey",
	"macaroon",
	"session_key",
	"openid_token",
	"registration_token",
	"device_code",
	"user_code",
	"sid",
	"k",
	NULL,
};

static const char *const secret_fields[] = { "Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization", NULL };

static bool is_in(const char *const *list, struct th_str s, bool any_case)
{
	for (; *list; list++) {
		struct th_str k = th_str_of(*list);

		if (any_case ? th_str_ieq(k, s) : th_str_eq(k, s))
			return true;
	}
	return false;
}

struct masker {
	const char *p;
	size_t n, at;
	uint8_t *out;
	size_t made, cap;
};

static bool has_more(const struct masker *m)
{
	return m->at < m->n && m->made < m->cap;
}

static void copy(struct masker *m, size_t to)
{
	size_t n = to - m->at < m->cap - m->made ? to - m->at : m->cap - m->made;

	memcpy(m->out + m->made, m->p + m->at, n);
	m->made += n;
	m->at = to;
}

static size_t find(const struct masker *m, size_t from, size_t to, char c)
{
	const char *hit = to > from ? memchr(m->p + from, c, to - from) : NULL;

	return hit ? (size_t)(hit - m->p) : to;
}

/* A JSON key with its escapes resolved as far as ASCII goes; false when it is too long to be one of ours. */
static bool unescape(struct th_str s, char *buf, size_t cap, struct th_str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (n == cap)
			return false;
		if (c == '\\' && i + 1 < s.n) {
			c = s.p[++i];
			if (c == 'u' && i + 4 < s.n) {
				unsigned v = 0;

				for (size_t k = 1; k <= 4; k++) {
					char h = th_lower(s.p[i + k]);

					v = v << 4 | (unsigned)(h >= '0' && h <= '9' ? h - '0' : (h - 'a' + 10) & 15);
				}
				c = v < 128 ? (char)v : '?';
				i += 4;
			}
		}
		buf[n++] = c;
	}
	*out = (struct th_str){ buf, n };
	return true;
}

/* The end of a JSON string's contents that begin at `from`. */
static size_t string_end(const struct masker *m, size_t from)
{
	while (from < m->n && m->p[from] != '"')
		from += m->p[from] == '\\' ? 2 : 1;
	return from < m->n ? from : m->n;
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void mask_body(struct masker *m)
{
	while (has_more(m)) {
		size_t quote = find(m, m->at, m->n, '"'), end, next;
		char buf[32];
		struct th_str key;

		if (quote == m->n)
			break;
		end = string_end(m, quote + 1);
		next = end + 1;
		while (next < m->n && is_white(m->p[next]))
			next++;
		copy(m, end < m->n ? end + 1 : m->n);
		if (next >= m->n || m->p[next] != ':' ||
		    !unescape((struct th_str){ m->p + quote + 1, end - quote - 1 }, buf, sizeof(buf), &key) ||
		    !is_in(th_secret_keys, key, false))
			continue;
		next++;
		while (next < m->n && is_white(m->p[next]))
			next++;
		if (next >= m->n || m->p[next] != '"')
			continue;
		copy(m, next + 1);
		m->at = string_end(m, m->at);
		copy(m, m->at < m->n ? m->at + 1 : m->n);
	}
	copy(m, m->n);
}

static void mask_query(struct masker *m, size_t end)
{
	size_t at = find(m, m->at, end, '?');

	while (at < end) {
		size_t next = find(m, at + 1, end, '&'), equals = find(m, at + 1, next, '=');

		if (equals < next && is_in(th_secret_keys, (struct th_str){ m->p + at + 1, equals - at - 1 }, false)) {
			copy(m, equals + 1);
			m->at = next;
		}
		at = next;
	}
	copy(m, end);
}

/* The name of a field line, of which the beginning may be packed; where its value begins. */
static struct th_str field_name(const struct masker *m, size_t end, size_t *value)
{
	uint8_t c = (uint8_t)m->p[m->at];
	struct th_str line = { m->p + m->at, end - m->at };
	size_t colon;

	*value = m->at + 1;
	if (c < 32 && th_text_lines[c].n)
		line = th_text_lines[c];
	else
		*value = end;
	for (colon = 0; colon < line.n && line.p[colon] != ':'; colon++)
		;
	if (*value == end && colon + 2 <= line.n)
		*value = m->at + colon + 2;
	return (struct th_str){ line.p, colon };
}

static void mask_fields(struct masker *m)
{
	while (has_more(m) && m->p[m->at] != '\n') {
		uint8_t c = (uint8_t)m->p[m->at];
		size_t end, value;
		struct th_str name;

		if (c < 32 && th_text_lines[c].n && th_text_lines[c].p[th_text_lines[c].n - 1] == '\n') {
			copy(m, m->at + 1);
			continue;
		}
		end = find(m, m->at, m->n, '\n');
		name = field_name(m, end, &value);
		if (is_in(secret_fields, name, true) && value <= end) {
			bool x_matrix = c < 32 ? c == 21
					       : th_str_starts((struct th_str){ m->p + value, end - value },
							       TH_STR("X-Matrix "));

			if (!x_matrix) {
				copy(m, value);
				m->at = end;
			}
		}
		copy(m, end < m->n ? end + 1 : end);
	}
}

size_t th_secret_mask(const uint8_t *text, size_t n, uint8_t *out, size_t cap)
{
	struct masker m = { .p = (const char *)text, .n = n, .out = out, .cap = cap };

	mask_query(&m, find(&m, 0, n, '\n'));
	if (m.at < n)
		copy(&m, m.at + 1);
	mask_fields(&m);
	mask_body(&m);
	return m.made;
}
