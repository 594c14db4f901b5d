/* The errors a Matrix client sees when thimble itself has to answer: one table, Matrix JSON bodies. */
#ifndef TH_EXCHANGE_FAILURE_H
#define TH_EXCHANGE_FAILURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "exchange/flow.h"

/* The Matrix errcode for a status thimble makes itself: M_NOT_JSON is never used, unknown statuses give M_UNKNOWN. */
const char *th_failure_errcode(uint16_t status);

/* The standard reason phrase (RFC 9110 §15), "Unknown" otherwise. */
const char *th_status_phrase(uint16_t status);

/* {"errcode":"…","error":"…"} with the reason escaped as JSON and cut at whole characters where it does not fit; with its NUL at
 * most cap bytes. Returns the length; 0 when cap (below 64) has no room for any. */
size_t th_failure_body(char *out, size_t cap, uint16_t status, const char *reason);

/* Fills `why` for an error of the link or the upstream: status and sentence from one table. */
void th_failure_of(struct th_failure *why, enum th_err err, const char *reason);

#endif
