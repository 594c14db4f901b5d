#include "session/cid.h"

static size_t index_of(const uint8_t *p)
{
	return p[0] < TH_CID_ONE ? p[0] : TH_CID_ONE + (size_t)(p[0] - TH_CID_ONE) * 256 + p[1];
}

bool th_cids_take(struct th_cids *c, const struct th_rng *rng, void *owner, struct th_cid *out)
{
	bool one = c->ones < TH_CID_ONE;
	size_t first = one ? 0 : TH_CID_ONE, count = one ? TH_CID_ONE : TH_CID_TWO, at;

	if (c->n == TH_CID_COUNT)
		return false;
	at = th_rng_below(rng, count);
	while (c->owner[first + at])
		at = (at + 1) % count;
	c->owner[first + at] = owner;
	c->n++;
	c->ones += one;
	if (one)
		*out = (struct th_cid){ 1, { (uint8_t)at } };
	else
		*out = (struct th_cid){ 2, { (uint8_t)(TH_CID_ONE + at / 256), (uint8_t)at } };
	return true;
}

void th_cids_give(struct th_cids *c, struct th_cid *cid)
{
	if (cid->n == 0)
		return;
	c->owner[index_of(cid->b)] = NULL;
	c->n--;
	c->ones -= cid->n == 1;
	*cid = (struct th_cid){ 0 };
}

void *th_cids_find(const struct th_cids *c, const uint8_t *p)
{
	return c->owner[index_of(p)];
}
