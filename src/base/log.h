/* key=value log lines. The sink is set once by main (or by a test); the core only names events.
 *
 * Never log bodies, tokens, keys or whole targets: lengths, route names and ids. What a stranger can trigger is a
 * counter or a debug line. */
#ifndef TH_BASE_LOG_H
#define TH_BASE_LOG_H

#include <stdbool.h>

#include "base/str.h"

enum th_log_level { TH_LOG_ERROR, TH_LOG_WARN, TH_LOG_INFO, TH_LOG_DEBUG };

/* `line` is one line without newline or time; borrowed during the call. */
typedef void th_log_sink(void *ctx, enum th_log_level level, const char *line);

void th_log_init(enum th_log_level max, th_log_sink *sink, void *ctx);

/* Cheap: ask before composing what is costly to compose. */
bool th_log_on(enum th_log_level level);

/* th_log(TH_LOG_INFO, "exchange", "route=%s ms=%u", …) prints `level=info event=exchange route=send ms=12`. */
__attribute__((format(printf, 3, 4))) void th_log(enum th_log_level level, const char *event, const char *fmt, ...);

/* A value for logs from untrusted bytes: quoted, control bytes and quotes escaped, cut at `cap`. Returns out. */
const char *th_log_quote(char *out, size_t cap, struct th_str s);

#endif
