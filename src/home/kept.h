/* A response kept in memory: a copy of its head, and its body as it grows. Shared by who stores it and who is sending
 * it, so it counts its users: an entry that is evicted while a slow client still reads it must live on. */
#ifndef TH_HOME_KEPT_H
#define TH_HOME_KEPT_H

#include "base/buf.h"
#include "exchange/head.h"

struct th_kept {
	const struct th_mem *mem; /* borrowed */
	unsigned users;
	size_t bytes; /* of this allocation, body not counted */
	uint16_t status;
	int64_t body_len;	 /* as announced: TH_BODY_UNKNOWN, or more than body.n while it grows */
	struct th_field *fields; /* point into this allocation */
	size_t n_fields;
	struct th_buf body;
};

/* A copy of the head with no body yet; `max` bounds the body. One user: the caller. NULL without memory. */
struct th_kept *th_kept_new(const struct th_mem *mem, const struct th_head *head, size_t max);
void th_kept_use(struct th_kept *k);
/* One user less; NULL is none. The last frees it. */
void th_kept_drop(struct th_kept *k);

/* What it takes of memory. */
static inline size_t th_kept_bytes(const struct th_kept *k)
{
	return k->bytes + k->body.cap;
}

static inline struct th_head th_kept_head(const struct th_kept *k)
{
	return (struct th_head){
		.status = k->status, .body_len = k->body_len, .fields = k->fields, .n_fields = k->n_fields
	};
}

#endif
