#include "proxy/coded.h"

enum th_err th_coded_watch(struct th_coded_watch *w, const struct th_mem *mem, size_t room, th_node_coded *tell,
			   void *user)
{
	if (tell && !w->cost) {
		w->cost = th_alloc(mem, (room + 1) * sizeof(*w->cost));
		if (!w->cost)
			return TH_ERR_NO_MEMORY;
	} else if (!tell && w->cost) {
		th_free(mem, w->cost);
		w->cost = NULL;
	}
	w->tell = tell;
	w->user = user;
	w->room = room;
	return TH_OK;
}

static void note_cost(void *ctx, size_t at, uint8_t byte, uint32_t cost)
{
	struct th_coded_watch *w = ctx;

	(void)byte;
	if (at <= w->room)
		w->cost[at] = cost;
}

void th_coded_begin(struct th_coded_watch *w, struct th_model *m, const struct th_range_enc *e)
{
	if (!w->tell)
		return;
	w->bases = th_model_taken(e);
	th_model_watch(m, note_cost, w);
}

void th_coded_end(const struct th_coded_watch *w, struct th_model *m)
{
	if (w->tell)
		th_model_watch(m, NULL, NULL);
}

static void tell(const struct th_coded_watch *w, bool is_response, bool is_ours, const uint8_t *text, size_t n,
		 size_t coded)
{
	struct th_coded c = {
		.is_response = is_response,
		.is_ours = is_ours,
		.text = text,
		.n = n,
		.cost = w->cost,
		.bases = w->bases,
		.coded = coded,
	};

	if (w->tell && n <= w->room)
		w->tell(w->user, &c);
}

void th_coded_tell(const struct th_coded_watch *w, bool is_response, const uint8_t *text, size_t n, size_t coded)
{
	tell(w, is_response, true, text, n, coded);
}

void th_coded_received(struct th_coded_watch *w, struct th_model *m, const struct th_coded_received *r,
		       const uint8_t *text, size_t n, uint8_t *out, size_t cap)
{
	struct th_range_enc e;
	struct th_history_base base = *r->base;
	size_t need;

	if (!w->tell)
		return;
	/* As its sender saw it. */
	base.parent.sender = base.request.sender = TH_HISTORY_THEIRS;
	th_range_enc_init(&e, out, cap);
	if (!base.parent.none) {
		th_reference_write(&e, &base, r->about->is_response, r->number);
		th_check_write(&e, th_check_of((const uint8_t *)r->plain.p, r->plain.n, TH_STR("")));
	}
	th_coded_begin(w, m, &e);
	(void)th_model_encode_on(m, r->view, r->about, text, n, &e, &need);
	th_coded_end(w, m);
	tell(w, r->about->is_response, false, text, n, r->coded);
}
