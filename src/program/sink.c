#include "program/sink.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { SINK_LINE = 1152, NS_PER_MS = 1000000 };

/* The date is made once a second. */
static struct {
	bool journal;
	time_t second;
	char date[24];
} state;

/* systemd names the device and inode of the stream it reads: it may be another one by now (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *named = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (!named || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(mine, named) == 0;
}

static int prefix(char *out, size_t cap, enum th_log_level level)
{
	static const int priority[] = { [TH_LOG_ERROR] = 3, [TH_LOG_WARN] = 4, [TH_LOG_INFO] = 6, [TH_LOG_DEBUG] = 7 };
	struct timespec ts;
	struct tm tm;

	if (state.journal)
		return snprintf(out, cap, "<%d>", priority[level]);
	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec != state.second || !state.date[0]) {
		state.second = ts.tv_sec;
		gmtime_r(&ts.tv_sec, &tm);
		strftime(state.date, sizeof(state.date), "%Y-%m-%dT%H:%M:%S", &tm);
	}
	return snprintf(out, cap, "time=%s.%03ldZ ", state.date, ts.tv_nsec / NS_PER_MS);
}

static void write_line(void *ctx, enum th_log_level level, const char *line)
{
	char out[SINK_LINE];
	size_t n = (size_t)prefix(out, sizeof(out), level);
	size_t len = (size_t)snprintf(out + n, sizeof(out) - n, "%s", line);
	ssize_t done;

	(void)ctx;
	n = len < sizeof(out) - n ? n + len : sizeof(out) - 1;
	out[n++] = '\n'; /* in the place of the NUL */
	done = write(STDERR_FILENO, out, n);
	(void)done; /* nobody is left to tell */
}

void th_sink_init(bool debug)
{
	state.journal = stderr_is_journal();
	th_sink_set_debug(debug);
}

void th_sink_set_debug(bool debug)
{
	th_log_init(debug ? TH_LOG_DEBUG : TH_LOG_INFO, write_line, NULL);
}
