/* Answers as they were before they were coded against the history: should the peer lack what one was coded against (its
 * store has forgotten, since many long messages crossed), it asks for it once more, and nothing is executed again. A few
 * of the newest are kept. They may hold secrets: they are wiped. */
#ifndef TH_PROXY_ANSWERS_H
#define TH_PROXY_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	TH_ANSWERS_MAX = 512,		/* kept: a copy of one may be read when hundreds of others were */
	TH_ANSWERS_BYTES = 2048 * 1024, /* of all: some long ones leave room */
};

struct th_answers {
	const struct th_mem *mem; /* borrowed */
	struct th_list list;	  /* owned, oldest first */
	size_t n, bytes;
};

void th_answers_init(struct th_answers *a, const struct th_mem *mem);
void th_answers_clear(struct th_answers *a);

/* Keeps the answer to the request of that number, as far as there is room and memory. */
void th_answers_keep(struct th_answers *a, uint64_t number, const uint8_t *p, size_t n);

/* Borrowed until the next call. TH_ERR_NOT_FOUND. */
enum th_err th_answers_find(const struct th_answers *a, uint64_t number, const uint8_t **p, size_t *n);

#endif
