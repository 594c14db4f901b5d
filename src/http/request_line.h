/* The request line (RFC 9112 §3), parsed by ourselves: llhttp knows a fixed list of methods and refuses bytes from 0x80
 * on in a target; we promise any method and the target byte for byte. */
#ifndef TH_HTTP_REQUEST_LINE_H
#define TH_HTTP_REQUEST_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct th_request_line {
	struct th_str method, target; /* borrowed from the line; absolute-form is reduced to its path */
	unsigned minor;		      /* HTTP/1.minor: 0 or 1 */
};

/* `line` without its CRLF. 0 when it is right, else the status to answer (400, 414, 501, 505) with a sentence for
 * people. */
uint16_t th_request_line_parse(struct th_request_line *out, struct th_str line, size_t target_max, const char **reason);

/* tchar of RFC 9110 §5.6.2. */
bool th_http_is_tchar(unsigned char c);

#endif
