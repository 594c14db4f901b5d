/* The model coder: a text (text.h) as few bytes, given trained tables and the session's history, and back.
 *
 * One coder serves the whole process: its tables are read-only, its scratch is as new after each call. What is coded
 * depends on the tables, the view and the text, and on nothing else; integers only, so on any machine. */
#ifndef TH_CODEC_MODEL_H
#define TH_CODEC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/range.h"

enum {
	TH_MODEL_TEXT_MAX = 368 * 1024, /* longer texts go in another coding */
	TH_MODEL_VIEW_MAX = 64 * 1024,	/* bytes of history that one message may refer to, 1 more for each text */
	TH_MODEL_VIEW_TEXTS = 1024,
};

/* What is known of a text before it is coded. A request: all zero but account, which is -1. A response: the kind and
 * account of its request, as th_model_request_kind gives them. */
struct th_model_about {
	bool is_response;
	uint32_t kind;
	int account;
};

void th_model_request_kind(const uint8_t *text, size_t n, struct th_model_about *response);

struct th_view_text {
	const uint8_t *p; /* borrowed */
	size_t n;
	struct th_model_about about;
	const uint8_t *rest; /* the text goes on here with n_rest bytes */
	size_t n_rest;
};

/* Earlier texts that both ends hold, oldest first. */
struct th_view {
	struct th_view_text texts[TH_MODEL_VIEW_TEXTS];
	size_t n;
	size_t request; /* of a response: the place of its request, counted from 1; 0: it is not there */
};

struct th_model;

/* NULL: no memory, or `tables` is not a file of tables (tables.h), which must outlive the coder. */
struct th_model *th_model_new(const struct th_mem *mem, const uint8_t *tables, size_t n);
void th_model_free(struct th_model *m);

/* Names the tables: ends with different ones cannot read each other. */
uint64_t th_model_id(const struct th_model *m);

/* Called for each byte of a text with what it cost, in 1/65536 bit; the text's end comes as the byte after the last,
 * with 0. */
typedef void th_model_cost(void *ctx, size_t at, uint8_t byte, uint32_t cost);
void th_model_watch(struct th_model *m, th_model_cost *cost, void *ctx);

/* *need is the length of the code; it is whole only when that is at most cap (TH_ERR_TOO_LARGE otherwise, also for
 * texts over TH_MODEL_TEXT_MAX and views over their limits). A view of NULL is an empty one. */
enum th_err th_model_encode(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			    const uint8_t *text, size_t n, uint8_t *out, size_t cap, size_t *need);
/* The same behind what was encoded already. */
enum th_err th_model_encode_on(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			       const uint8_t *text, size_t n, struct th_range_enc *e, size_t *need);

/* Any bytes decode to something, or to TH_ERR_TOO_LARGE when that is over cap or TH_MODEL_TEXT_MAX, or TH_ERR_MALFORMED
 * when code is left over or missing: time is bounded by cap. Zeros behind the code are padding. */
enum th_err th_model_decode(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			    const uint8_t *code, size_t n, uint8_t *out, size_t cap, size_t *text_n);
/* The same behind what was decoded already. */
enum th_err th_model_decode_on(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			       struct th_range_dec *d, uint8_t *out, size_t cap, size_t *text_n);

/* Bits that the encoder has taken so far, in 1/65536: what a code costs that others have begun. */
uint32_t th_model_taken(const struct th_range_enc *e);

#endif
