/* A request head as HTTP/1.1 text, checked byte by byte: it may come from a hostile link, and must never become two
 * requests. */
#ifndef TH_HTTP_REQUEST_OUT_H
#define TH_HTTP_REQUEST_OUT_H

#include "base/buf.h"
#include "exchange/head.h"
#include "http/url.h"

/* Method and target byte for byte (the URL's base path before the target), Host from the URL, the flow's fields in
 * their order and spelling except those that belong to a hop, User-Agent when there is none, framing by body_len.
 * TH_ERR_MALFORMED with `*problem` naming what is wrong; TH_ERR_UNSUPPORTED (CONNECT); TH_ERR_TOO_LARGE;
 * TH_ERR_NO_MEMORY. */
enum th_err th_request_out(struct th_buf *out, const struct th_url *url, const struct th_head *h, const char **problem);

#endif
