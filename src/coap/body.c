#include "coap/engine_int.h"

#include <string.h>

void th_coap_out_init(struct th_coap *c, struct th_coap_out *o, uint8_t szx)
{
	*o = (struct th_coap_out){ .szx = szx };
	th_buf_init(&o->buf, c->mem, c->params->body_window);
}

void th_coap_out_reset(struct th_coap_out *o)
{
	th_buf_consume(&o->buf, o->buf.n);
	o->base = 0;
	o->ended = false;
	o->cut = false;
	o->blockwise = false;
}

bool th_coap_out_slice(const struct th_coap_out *o, uint64_t off, struct th_coap_slice *s)
{
	size_t size = th_coap_block_size(o->szx);
	uint64_t end = o->base + o->buf.n;
	size_t n;

	if (off < o->base || off > end)
		return false;
	n = (size_t)(end - off);
	if (off == 0 && size < o->whole)
		size = n > o->whole ? size : o->whole;
	s->more = n > size; /* M says whether more follows: one byte beyond the block, or the end, must be known */
	if (!s->more && !o->ended)
		return false;
	s->n = s->more ? size : n;
	s->p = s->n ? th_buf_data(&o->buf) + (off - o->base) : NULL;
	return true;
}

void th_coap_out_consume(struct th_coap_out *o, uint64_t until)
{
	if (until <= o->base)
		return;
	th_buf_consume(&o->buf, (size_t)(until - o->base));
	o->base = until;
}

void th_coap_out_offer_room(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->closed || !x->out.wants_room || th_buf_room(&x->out.buf) == 0)
		return;
	x->out.wants_room = false;
	c->ops->resume(c->user, x->id);
}

/* Whether the user still expects the incoming body: not after its response, given before the end. */
static bool wanted(const struct th_coap_exchange *x)
{
	return !x->closed && (x->client || !x->s.ended);
}

/* Offers p; what is not taken stays at p[return..]. A resume from inside `data` is another turn, not a recursion. */
static size_t offer(struct th_coap *c, struct th_coap_exchange *x, const uint8_t *p, size_t n)
{
	size_t off = 0;

	x->in.offering = true;
	do {
		x->in.again = false;
		off += c->ops->data(c->user, x->id, p + off, n - off);
	} while (off < n && x->in.again && wanted(x));
	x->in.offering = false;
	return off;
}

enum th_err th_coap_in_give(struct th_coap *c, struct th_coap_exchange *x, const uint8_t *p, size_t n, bool *all)
{
	size_t taken = n ? offer(c, x, p, n) : 0;

	*all = taken == n;
	if (*all || !wanted(x))
		return TH_OK;
	x->in.held = th_alloc(c->mem, n - taken);
	if (!x->in.held)
		return TH_ERR_NO_MEMORY;
	memcpy(x->in.held, p + taken, n - taken);
	x->in.n = n - taken;
	x->in.off = 0;
	return TH_OK;
}

bool th_coap_in_offer(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->in.offering) {
		x->in.again = true;
		return false;
	}
	if (!x->in.held || !wanted(x))
		return false;
	x->in.off += offer(c, x, x->in.held + x->in.off, x->in.n - x->in.off);
	if (x->in.off < x->in.n || x->closed)
		return false;
	th_free(c->mem, x->in.held);
	x->in.held = NULL;
	return true;
}
