/* Connection IDs of records towards this side, and whom they name. One byte, 0 to 249, for the first 250; then two, the
 * first of them 250 to 255. So the length follows from the first byte. */
#ifndef TH_SESSION_CID_H
#define TH_SESSION_CID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

enum {
	TH_CID_MAX = 2,
	TH_CID_ONE = 250,
	TH_CID_TWO = (256 - TH_CID_ONE) * 256,
	TH_CID_COUNT = TH_CID_ONE + TH_CID_TWO,
};

struct th_cid {
	uint8_t n; /* 0: none */
	uint8_t b[TH_CID_MAX];
};

/* All zero is an empty table. */
struct th_cids {
	void *owner[TH_CID_COUNT]; /* borrowed */
	size_t ones, n;		   /* taken: of one byte; in all */
};

static inline size_t th_cid_len(uint8_t first)
{
	return first < TH_CID_ONE ? 1 : 2;
}

/* A free one by chance, so that it tells nothing; a short one if there is any. False when all are taken. */
bool th_cids_take(struct th_cids *c, const struct th_rng *rng, void *owner, struct th_cid *out);

/* Gives it back; no ID is fine. */
void th_cids_give(struct th_cids *c, struct th_cid *cid);

/* Whose it is; NULL: nobody's. `p` has th_cid_len(p[0]) bytes. */
void *th_cids_find(const struct th_cids *c, const uint8_t *p);

#endif
