/* Tells what each message costs that the model codes, for who asks (th_node_watch). Private to src/proxy. */
#ifndef TH_PROXY_CODED_H
#define TH_PROXY_CODED_H

#include "codec/check.h"
#include "codec/reference.h"
#include "proxy/node.h"

struct th_coded_watch {
	th_node_coded *tell; /* NULL: nobody asks, and nothing here does anything */
	void *user;
	uint32_t *cost; /* owned; NULL as tell */
	size_t room;	/* bytes of text that it has room for */
	uint32_t bases;
};

/* TH_ERR_NO_MEMORY. With `tell` NULL it gives the memory back. */
enum th_err th_coded_watch(struct th_coded_watch *w, const struct th_mem *mem, size_t room, th_node_coded *tell,
			   void *user);

/* Around th_model_encode_on(): the encoder holds the message's bases, and its check. */
void th_coded_begin(struct th_coded_watch *w, struct th_model *m, const struct th_range_enc *e);
void th_coded_end(const struct th_coded_watch *w, struct th_model *m);

/* What was coded last is sent. `coded`: bytes of its code, padding included. */
void th_coded_tell(const struct th_coded_watch *w, bool is_response, const uint8_t *text, size_t n, size_t coded);

/* A message was received and read: codes it once more to see what it cost. `out` is scratch. */
struct th_coded_received {
	const struct th_view *view;
	const struct th_model_about *about;
	const struct th_history_base *base;
	uint64_t number; /* that the bases were read with */
	size_t coded;
	struct th_str plain; /* the text without marks: what the check is of */
};
void th_coded_received(struct th_coded_watch *w, struct th_model *m, const struct th_coded_received *r,
		       const uint8_t *text, size_t n, uint8_t *out, size_t cap);

#endif
