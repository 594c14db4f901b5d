/* Registrations: how pollers come into being. */
#include "proxy/sync_poller.h"

static const th_time stale_after = 120 * TH_SEC;

static void on_begin(struct th_leg *leg, const struct th_coap_head *head)
{
	const struct th_coap_option *etag = th_coap_option_find(head->options, head->n_options, TH_COAP_OPT_ETAG);
	struct th_poller *p = leg->poller;

	leg->code = head->code;
	leg->content = TH_LEG_ENVELOPE;
	p->known = etag && etag->n == sizeof(p->digest);
	if (p->known)
		memcpy(p->digest, etag->p, sizeof(p->digest));
}

/* Nobody acknowledges its notification: an ingress half that died without a word. (One that has only lost the link asks
 * anew when it learns that this one is gone.) */
static bool is_stale(const struct th_poller *p)
{
	return p->stage == TH_POLLER_OWED && th_poller_now(p) > th_time_add(p->owed_at, stale_after);
}

/* The one before of the same client: this one stands for it. */
static void replace(struct th_poller *p)
{
	TH_LIST_EACH(l, &p->leg->node->sync.pollers)
	{
		struct th_poller *old = TH_OWNER(l, struct th_poller, link);

		if (old == p || old->key.n == 0 || !th_sync_key_eq(&old->key, &p->key))
			continue;
		if (th_addr_eq(&old->leg->peer, &p->leg->peer) || is_stale(old))
			th_poller_end(old, th_leg_abandon);
	}
}

/* Room for one more. */
static bool make_room(struct th_node *n)
{
	TH_LIST_EACH(l, &n->sync.pollers)
	{
		struct th_poller *p = TH_OWNER(l, struct th_poller, link);

		if (n->sync.n_pollers <= TH_SYNC_POLLERS_MAX)
			return true;
		if (is_stale(p))
			th_poller_end(p, th_leg_abandon);
	}
	return n->sync.n_pollers <= TH_SYNC_POLLERS_MAX;
}

static bool prepare(struct th_poller *p, const struct th_head *h)
{
	struct th_sync_query q;

	if (!th_sync_is_poll(h, &q) || q.at.since.n == 0 || q.full_state || !make_room(p->leg->node))
		return false;
	p->sliding = q.sliding;
	p->at.since = q.at.since;
	return th_sync_head_keep(&p->ask, h) == TH_OK;
}

/* With its body, if it has one. False: it cannot be served. */
static bool begin(struct th_poller *p)
{
	const struct th_str body = th_buf_str(&p->request);
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_node *n = p->leg->node;
	enum { PATIENCE_PART = 2 };
	struct th_head h;

	if (!th_sync_head_read(&p->ask, &h, fields, true) || (int64_t)body.n != h.body_len ||
	    (p->sliding && !th_sliding_device(body, &p->at.device)) || th_sync_key(n, &h, body, &p->key) != TH_OK)
		return false;
	replace(p);
	th_sync_timer_set(n, &p->timer, th_time_add(th_node_now(n), n->config.coap.piggyback_patience / PATIENCE_PART));
	return true;
}

static size_t on_request_data(struct th_flow *self, const uint8_t *bytes, size_t n)
{
	struct th_poller *p = TH_OWNER(self, struct th_poller, taker);

	(void)th_buf_append(&p->request, bytes, n); /* what is missing is seen at the end */
	return n;
}

static void on_taker_close(struct th_flow *self, const struct th_failure *why)
{
	(void)self, (void)why;
}

static const struct th_flow_ops taker_ops = { NULL, on_request_data, NULL, NULL, on_taker_close };

static void on_request_head(struct th_leg *leg, const struct th_head *h)
{
	struct th_poller *p = leg->poller;

	if (!prepare(p, h)) { /* as any other request */
		th_poller_detach(p);
		th_egress_forward(leg, h);
		return;
	}
	th_leg_name(leg, h);
	if (p->sliding)
		th_flow_join(&leg->flow, &p->taker);
}

static void on_request_end(struct th_leg *leg)
{
	struct th_poller *p = leg->poller;

	th_flow_close(&leg->flow, NULL);
	if (begin(p))
		th_poller_ask(p);
	else
		th_poller_broken(p, TH_ERR_MALFORMED);
}

static void on_failed(struct th_leg *leg, enum th_err err)
{
	struct th_poller *p = leg->poller;

	/* by a reset the ingress half says that its client has left */
	leg->report.err = err == TH_ERR_RESET ? TH_ERR_CANCELLED : err;
	if (!leg->id) {
		th_poller_end(p, NULL);
		return;
	}
	p->stage = TH_POLLER_LAST;
	th_poller_detach(p);
	th_egress_failed(leg, err);
}

static const struct th_leg_ops leg_ops = { on_begin, on_request_head, on_request_end, on_failed, th_poller_can_send };

bool th_poller_take(struct th_leg *leg, const struct th_coap_head *head)
{
	struct th_node *n = leg->node;
	struct th_poller *p;

	if (!n->config.sync_push || head->code != TH_COAP_FETCH || !head->observe)
		return false;
	p = th_alloc(n->mem, sizeof(*p));
	if (!p || th_sync_timer_add(n, &p->timer) != TH_OK) {
		th_free(n->mem, p);
		return false;
	}
	p->leg = leg;
	p->timer.fire = th_poller_due;
	p->first = true;
	p->away_since = TH_NEVER;
	th_buf_init(&p->key, n->mem, 0);
	th_sync_head_init(&p->ask, n->mem);
	th_sync_head_init(&p->head, n->mem);
	p->taker.ops = &taker_ops;
	th_sync_form_init(&p->form, n->mem);
	th_buf_init(&p->request, n->mem, TH_SLIDING_BODY_MAX);
	th_buf_init(&p->sending, n->mem, TH_SLIDING_BODY_MAX + TH_SYNC_TOKEN_MAX);
	th_buf_init(&p->body, n->mem, TH_SYNC_BODY_MAX);
	th_list_init(&p->link);
	th_list_push(&n->sync.pollers, &p->link);
	n->sync.n_pollers++;
	leg->poller = p;
	leg->push = true;
	leg->ops = &leg_ops;
	leg->flow.ops = &th_poller_flow;
	return true;
}

/* The ingress half hears of it: its polls ask anew. */
void th_poller_drain(struct th_node *n)
{
	TH_LIST_EACH(l, &n->sync.pollers)
	th_poller_end(TH_OWNER(l, struct th_poller, link), th_leg_drop);
}
