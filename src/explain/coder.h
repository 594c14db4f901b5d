/* Codes recorded exchanges as two ends of one session would, and tells what each message took. */
#ifndef TH_EXPLAIN_CODER_H
#define TH_EXPLAIN_CODER_H

#include "codec/model.h"
#include "explain/cost.h"
#include "explain/recording.h"

/* One message, coded. */
struct th_explained {
	bool is_response;
	const char
		*not_modelled; /* why it goes in another coding, then nothing is known of costs; NULL: it is modelled */
	struct th_costs costs; /* owned */
	size_t coded;	       /* bytes of code; as zstd when it is not modelled */
	size_t http;	       /* bytes as HTTP/1.1, all recorded fields */
	size_t zlib, zstd;     /* the same, compressed by itself */
	size_t ip, datagrams;  /* on the link, about: IP, UDP and record headers, code */
};

/* What a response needs to know of its request. */
struct th_explained_request {
	struct th_model_about about; /* of the response */
	uint64_t number;
	bool modelled; /* in the histories, too */
	bool gives;    /* its answer may give an account's token */
};

struct th_coder;

/* Both directions, from an empty history on. Without `history` each message is coded by itself, but accounts keep
 * their slots. NULL: no memory. */
struct th_coder *th_coder_new(const struct th_mem *mem, bool history);
void th_coder_del(struct th_coder *c);

/* In the order in which they were sent. `out` is to be freed by th_explained_free(). TH_ERR_NO_MEMORY. */
enum th_err th_coder_request(struct th_coder *c, const struct th_recorded *r, struct th_explained_request *request,
			     struct th_explained *out);
enum th_err th_coder_response(struct th_coder *c, const struct th_recorded *r,
			      const struct th_explained_request *request, struct th_explained *out);

void th_explained_free(struct th_explained *e, const struct th_mem *mem);

/* Fills in the sizes of one that is known by its costs and code alone: http is that of the text then. TH_ERR_NO_MEMORY.
 */
enum th_err th_explained_measure(const struct th_mem *mem, struct th_explained *e);

#endif
