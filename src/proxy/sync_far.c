/* Pollers: the egress half of sync push.
 *
 *   ASKING ─an answer that tells something─▶ OWED ─accepted: the client has asked with its token─▶ ASKING
 *     │ └─one in vain─▶ ASKING, with the same since
 *     ├─the homeserver is away─▶ PAUSE ─▶ ASKING
 *     └─anything else: an error, more than a message holds─▶ LAST: it ends the observation, and the next poll begins
 * another
 *
 * Timers: poller->timer. Before anything was answered: the registration's own answer (2.03) is due; in PAUSE: the next
 * try. */
#include "codec/envelope.h"
#include "exchange/failure.h"
#include "proxy/coding.h"
#include "proxy/plain.h"
#include "proxy/sync.h"

enum stage { ASKING, OWED, PAUSE, LAST };

/* A homeserver that restarts is waited for so long; clients would only ask again and again. */
static const th_time away_max = 120 * TH_SEC;
static const th_time stale_after = 120 * TH_SEC;
static const th_time pause_first = TH_SEC, pause_max = 16 * TH_SEC;

struct th_poller {
	struct th_leg *leg; /* whose it is */
	struct th_list link;
	struct th_sync_timer timer;
	enum stage stage;
	struct th_buf key;
	struct th_sync_head ask;    /* the request as it came */
	struct th_sync_token since; /* the client has asked with it */
	bool known;		    /* what the ingress half would answer in vain: */
	uint8_t digest[TH_SYNC_DIGEST];
	bool told;	   /* the registration has been answered */
	bool first;	   /* the homeserver has not been asked before */
	bool answer_ended; /* LAST: the homeserver's answer is whole */
	bool streaming;	   /* LAST: it goes out as it comes */
	bool draining, drain_again;
	th_time asked_at;   /* when the homeserver was asked */
	th_time owed_at;    /* when the notification was made */
	th_time away_since; /* TH_NEVER: it is not */
	th_time pause;
	struct th_sync_head head; /* of its answer */
	struct th_buf body;
	struct th_sync_form form;
	uint64_t told_up, told_down; /* of the link: what reports have told */
	uint32_t told_datagrams_up, told_datagrams_down;
};

static void ask(struct th_poller *p);

static th_time now_of(const struct th_poller *p)
{
	return th_node_now(p->leg->node);
}

/* ---- life ---- */

void th_poller_free(struct th_poller *p)
{
	if (!p)
		return;
	th_sync_key_free(&p->key);
	th_sync_head_free(&p->ask);
	th_sync_head_free(&p->head);
	th_buf_free(&p->body);
	th_free(p->body.mem, p);
}

/* Off the lists; the leg frees it when it is buried. */
static void detach(struct th_poller *p)
{
	if (!th_list_linked(&p->link))
		return;
	th_sync_timer_set(p->leg->node, &p->timer, TH_NEVER);
	th_list_remove(&p->link);
	p->leg->node->sync.n_pollers--;
}

/* The observation is over here; its exchange by `drop` (th_leg_drop, th_leg_abandon; NULL: it is over). */
static void end(struct th_poller *p, void (*drop)(struct th_leg *leg))
{
	struct th_leg *leg = p->leg;

	detach(p);
	if (drop && leg->id)
		drop(leg);
	th_flow_close(&leg->flow, NULL);
	th_leg_settle(leg);
}

/* A line for each notification. */
static void report(struct th_poller *p)
{
	struct th_leg *leg = p->leg;
	struct th_node *n = leg->node;
	struct th_report r, total;

	th_leg_account(leg);
	total = leg->report;
	th_poller_bill(p);
	r = leg->report;
	r.ended = now_of(p);
	p->told_up = total.link_bytes_up;
	p->told_down = total.link_bytes_down;
	p->told_datagrams_up = total.datagrams_up;
	p->told_datagrams_down = total.datagrams_down;
	leg->report.http_bytes_up = leg->report.http_bytes_down = 0;
	leg->report.started = now_of(p);
	leg->report.answered = TH_NEVER;
	leg->report.status = 0;
	n->stats.egress_done++;
	n->stats.sync_served++;
	if (n->config.report)
		n->config.report(n->config.user, &r);
}

void th_poller_bill(struct th_poller *p)
{
	struct th_report *r = &p->leg->report;

	r->link_bytes_up -= p->told_up;
	r->link_bytes_down -= p->told_down;
	r->datagrams_up -= p->told_datagrams_up;
	r->datagrams_down -= p->told_datagrams_down;
	p->told_up = p->told_down = 0;
	p->told_datagrams_up = p->told_datagrams_down = 0;
	if (p->leg->dead)
		detach(p);
}

/* ---- towards the ingress half ---- */

static struct th_coap_head answer_head(const struct th_leg *leg, struct th_coap_option *format, uint8_t bytes[static 2])
{
	*format = th_plain_option(TH_OPTION_CONTENT_FORMAT, TH_FORMAT_ENVELOPE, bytes);
	return (struct th_coap_head){ .code = TH_COAP_CODE(2, 5),
				      .confirmable = true,
				      .options = format,
				      .n_options = 1,
				      .priority = leg->priority };
}

/* 2.03 Valid: what the client has is the newest we know of. */
static void tell_registered(struct th_poller *p)
{
	const struct th_coap_head head = { .code = TH_SYNC_CODE_VALID, .confirmable = true, .observe = true };
	struct th_leg *leg = p->leg;

	p->told = true;
	if (th_coap_respond(leg->node->coap, leg->id, &head, now_of(p)) == TH_OK)
		th_coap_end(leg->node->coap, leg->id, now_of(p));
	else
		end(p, th_leg_drop);
}

static void refuse(struct th_poller *p, const struct th_failure *why)
{
	p->stage = LAST;
	detach(p);
	th_egress_refuse(p->leg, why);
	th_flow_close(&p->leg->flow, NULL);
	th_leg_settle(p->leg);
}

static void broken(struct th_poller *p, enum th_err err)
{
	p->leg->report.err = err;
	end(p, th_leg_drop);
}

/* The answer is whole, here; it goes out as a notification if it may and fits, else as the last answer. */
static void send_whole(struct th_poller *p, bool notify)
{
	struct th_leg *leg = p->leg;
	struct th_coap *coap = leg->node->coap;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_coap_option option;
	uint8_t bytes[2];
	struct th_coap_head out = answer_head(leg, &option, bytes);
	struct th_head head;
	enum th_err err;

	if (!th_sync_head_read(&p->head, &head, fields, false)) {
		broken(p, TH_ERR_MALFORMED);
		return;
	}
	leg->report.answered = now_of(p);
	leg->report.status = head.status;
	err = th_leg_compose(leg, &head, th_buf_data(&p->body), p->body.n);
	if (err != TH_OK) {
		broken(p, err);
		return;
	}
	out.observe = out.accept = notify && leg->out.n <= th_coap_room(coap, leg->id, &out);
	if (!out.observe)
		out.code = TH_COAP_CODE(2, 4);
	p->stage = out.observe ? OWED : LAST;
	p->owed_at = now_of(p);
	p->told = true;
	th_buf_free(&p->body);
	err = th_coap_respond(coap, leg->id, &out, now_of(p));
	if (err != TH_OK) {
		broken(p, err);
		return;
	}
	leg->out_end = true;
	if (!out.observe)
		detach(p);
	th_leg_can_send(leg);
}

/* More comes than a notification may hold. */
static void send_on(struct th_poller *p)
{
	struct th_leg *leg = p->leg;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_coap_option option;
	uint8_t bytes[2];
	struct th_coap_head out = answer_head(leg, &option, bytes);
	struct th_head head;
	enum th_err err = TH_ERR_MALFORMED;

	p->stage = LAST;
	p->streaming = true;
	leg->out_end = false; /* that of the notification before */
	detach(p);
	out.code = TH_COAP_CODE(2, 4);
	if (th_sync_head_read(&p->head, &head, fields, false)) {
		leg->report.answered = now_of(p);
		leg->report.status = head.status;
		err = th_coap_respond(leg->node->coap, leg->id, &out, now_of(p));
		if (err == TH_OK)
			err = th_leg_send_head(leg, &head);
	}
	if (err != TH_OK)
		broken(p, err);
}

/* What was kept of the answer goes first; false while some of it waits. */
static bool drain(struct th_poller *p)
{
	struct th_leg *leg = p->leg;

	if (p->draining) { /* the engine got room while it took bytes: the loop that runs goes on */
		p->drain_again = true;
		return false;
	}
	p->draining = true;
	do {
		p->drain_again = false;
		if (leg->id && p->body.n > 0)
			th_buf_consume(&p->body, th_leg_on_data(&leg->flow, th_buf_data(&p->body), p->body.n));
	} while (p->drain_again && p->body.n > 0);
	p->draining = false;
	if (p->body.n > 0)
		return false;
	if (p->answer_ended && leg->id && !leg->out_end)
		th_leg_send_end(leg);
	return true;
}

static void accepted(struct th_poller *p)
{
	p->since = p->form.next;
	report(p);
	ask(p);
}

static void on_can_send(struct th_leg *leg)
{
	struct th_poller *p = leg->poller;

	if (p->stage == OWED && leg->out.n == 0) {
		accepted(p);
		return;
	}
	if (!p->streaming) {
		th_leg_can_send(leg);
		return;
	}
	th_leg_hand_on(leg);
	if (leg->out.n > 0)
		return;
	if (leg->out_end)
		th_coap_end(leg->node->coap, leg->id, now_of(p));
	else if (drain(p))
		th_flow_resume(&leg->flow);
}

/* ---- what the homeserver says ---- */

static void wait(struct th_poller *p, th_time pause)
{
	p->stage = PAUSE;
	if (!p->told && pause > 0)
		tell_registered(p);
	if (th_list_linked(&p->link))
		th_sync_timer_set(p->leg->node, &p->timer, th_time_add(now_of(p), pause));
}

/* It does not answer, or says that it can't now. */
static void away(struct th_poller *p, const struct th_failure *why)
{
	th_time since = p->away_since == TH_NEVER ? now_of(p) : p->away_since;

	th_buf_free(&p->body);
	if (!p->told || now_of(p) > th_time_add(since, away_max)) {
		refuse(p, why);
		return;
	}
	p->away_since = since;
	p->pause = p->pause ? th_time_min(2 * p->pause, pause_max) : pause_first;
	wait(p, p->pause);
}

/* Not heard of for so long that it would have checked (sync-check), were it there. If it is, it hears of it and asks
 * anew. */
static bool is_forsaken(const struct th_poller *p)
{
	const struct th_node *n = p->leg->node;
	th_time check = n->config.sync_check;
	struct th_coap_link link;

	return th_coap_link(n->coap, &p->leg->peer, &link) != TH_OK ||
	       now_of(p) > th_time_add(link.heard_at, th_time_add(check, check));
}

/* Nothing to tell that the ingress half would not say by itself. */
static void in_vain(struct th_poller *p)
{
	/* a homeserver that does not wait must not be asked all the time */
	bool waited = now_of(p) >= th_time_add(p->asked_at, TH_SYNC_POLL_MS / 10 * TH_MS);

	p->leg->node->stats.sync_empty++;
	th_buf_free(&p->body);
	if (is_forsaken(p)) {
		end(p, th_leg_drop);
		return;
	}
	p->pause = waited ? 0 : p->pause ? th_time_min(2 * p->pause, pause_max) : pause_first;
	if (waited)
		ask(p);
	else
		wait(p, p->pause);
}

static bool busy(uint16_t status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void judge(struct th_poller *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	uint8_t digest[TH_SYNC_DIGEST];
	struct th_failure why;
	struct th_head head;
	bool usable = th_sync_form_end(&p->form);

	if (!th_sync_head_read(&p->head, &head, fields, false)) {
		broken(p, TH_ERR_MALFORMED);
		return;
	}
	if (busy(head.status) && p->told &&
	    (p->away_since == TH_NEVER || now_of(p) <= th_time_add(p->away_since, away_max))) {
		th_failure_of(&why, TH_ERR_CLOSED, "The homeserver is busy.");
		away(p, &why);
		return;
	}
	p->away_since = TH_NEVER;
	usable = usable && head.status == 200 && !th_head_find(&head, TH_STR("Content-Encoding"));
	if (!usable) {
		send_whole(p, false);
		return;
	}
	th_sync_form_digest(&p->form, digest);
	if (!p->form.news && p->known && memcmp(digest, p->digest, sizeof(digest)) == 0) {
		in_vain(p);
		return;
	}
	p->pause = 0;
	p->known = true;
	memcpy(p->digest, digest, sizeof(digest));
	send_whole(p, true);
}

static void on_head(struct th_flow *self, const struct th_head *h)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_poller *p = leg->poller;
	struct th_failure why;

	th_sync_form_begin(&p->form);
	th_buf_free(&p->body);
	if (h->n_fields <= TH_HEAD_FIELDS_MAX && th_head_bytes(h) <= TH_HEAD_BYTES_MAX &&
	    th_sync_head_keep(&p->head, h) == TH_OK)
		return;
	th_failure_of(&why, TH_ERR_MALFORMED, "The homeserver's answer has more header fields than thimble carries.");
	refuse(p, &why);
}

static size_t on_data(struct th_flow *self, const uint8_t *bytes, size_t n)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_poller *p = leg->poller;

	if (!leg->id)
		return n;
	if (!p->streaming) {
		if (th_buf_append(&p->body, bytes, n) == TH_OK) {
			th_sync_form_feed(&p->form, bytes, n);
			return n;
		}
		send_on(p);
	}
	if (!leg->id || !drain(p))
		return 0;
	return th_leg_on_data(self, bytes, n);
}

static void on_end(struct th_flow *self)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_poller *p = leg->poller;

	th_flow_close(self, NULL);
	p->answer_ended = true;
	if (p->streaming) {
		drain(p);
		th_leg_settle(leg);
	} else {
		judge(p);
	}
}

static void on_close(struct th_flow *self, const struct th_failure *why)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_poller *p = leg->poller;
	struct th_failure unknown;

	if (!leg->id) {
		th_leg_settle(leg);
		return;
	}
	if (!why) {
		th_failure_of(&unknown, TH_ERR_CLOSED, "The homeserver's answer broke off.");
		why = &unknown;
	}
	if (p->streaming)
		broken(p, why->err); /* the ingress half sees it break off */
	else
		away(p, why);
}

static const struct th_flow_ops flow_ops = { on_head, on_data, on_end, th_leg_on_resume, on_close };

/* ---- asking the homeserver ---- */

/* The first time as the client did, then on our own. */
static void ask(struct th_poller *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_leg *leg = p->leg;
	struct th_flow_server *upstream = leg->node->config.upstream;
	char target[TH_TARGET_MAX];
	struct th_failure why;
	struct th_head h;
	size_t n;

	p->stage = ASKING;
	p->asked_at = now_of(p);
	p->answer_ended = false;
	if (!th_sync_head_read(&p->ask, &h, fields, true)) {
		broken(p, TH_ERR_MALFORMED);
		return;
	}
	if (!p->first) {
		n = th_sync_query_write(h.target, &p->since, TH_SYNC_POLL_MS, target, sizeof(target));
		if (n > sizeof(target)) {
			broken(p, TH_ERR_TOO_LARGE);
			return;
		}
		h.target = (struct th_str){ target, n };
	}
	p->first = false;
	if (upstream->open(upstream, &leg->flow, &why) != TH_OK) {
		away(p, &why);
		return;
	}
	th_flow_head(&leg->flow, &h);
	th_flow_end(&leg->flow);
}

static void on_timer(struct th_sync_timer *t)
{
	struct th_poller *p = TH_OWNER(t, struct th_poller, timer);

	if (p->stage == PAUSE)
		ask(p);
	else if (!p->told)
		tell_registered(p);
}

/* ---- a registration ---- */

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
	return p->stage == OWED && now_of(p) > th_time_add(p->owed_at, stale_after);
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
			end(old, th_leg_abandon);
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
			end(p, th_leg_abandon);
	}
	return n->sync.n_pollers <= TH_SYNC_POLLERS_MAX;
}

static bool prepare(struct th_poller *p, const struct th_head *h)
{
	struct th_sync_query q;

	if (!th_str_eq(h->method, TH_STR("GET")) || h->body_len != 0 || !th_sync_query_read(&q, h->target) ||
	    q.since.n == 0 || q.full_state || !make_room(p->leg->node))
		return false;
	p->since = q.since;
	return th_sync_key(p->leg->node, h, &p->key) == TH_OK && th_sync_head_keep(&p->ask, h) == TH_OK;
}

static void on_request_head(struct th_leg *leg, const struct th_head *h)
{
	enum { PATIENCE_PART = 2 };
	struct th_poller *p = leg->poller;
	struct th_node *n = leg->node;

	if (!prepare(p, h)) { /* as any other request */
		detach(p);
		th_egress_forward(leg, h);
		return;
	}
	th_leg_name(leg, h);
	replace(p);
	th_sync_timer_set(n, &p->timer, th_time_add(th_node_now(n), n->config.coap.piggyback_patience / PATIENCE_PART));
}

static void on_request_end(struct th_leg *leg)
{
	ask(leg->poller);
}

static void on_failed(struct th_leg *leg, enum th_err err)
{
	struct th_poller *p = leg->poller;

	/* by a reset the ingress half says that its client has left */
	leg->report.err = err == TH_ERR_RESET ? TH_ERR_CANCELLED : err;
	if (!leg->id) {
		end(p, NULL);
		return;
	}
	p->stage = LAST;
	detach(p);
	th_egress_failed(leg, err);
}

static const struct th_leg_ops leg_ops = { on_begin, on_request_head, on_request_end, on_failed, on_can_send };

bool th_poller_take(struct th_leg *leg, const struct th_coap_head *head)
{
	struct th_node *n = leg->node;
	struct th_poller *p;

	if (!n->config.sync_push || head->code != TH_COAP_FETCH || !head->observe)
		return false;
	p = th_alloc(n->mem, sizeof(*p));
	if (!p)
		return false;
	p->leg = leg;
	p->timer.fire = on_timer;
	p->first = true;
	p->away_since = TH_NEVER;
	th_buf_init(&p->key, n->mem, 0);
	th_sync_head_init(&p->ask, n->mem);
	th_sync_head_init(&p->head, n->mem);
	th_buf_init(&p->body, n->mem, TH_SYNC_BODY_MAX);
	th_list_init(&p->link);
	th_list_push(&n->sync.pollers, &p->link);
	n->sync.n_pollers++;
	leg->poller = p;
	leg->push = true;
	leg->ops = &leg_ops;
	leg->flow.ops = &flow_ops;
	return true;
}

/* The ingress half hears of it: its polls ask anew. */
void th_poller_drain(struct th_node *n)
{
	TH_LIST_EACH(l, &n->sync.pollers)
	end(TH_OWNER(l, struct th_poller, link), th_leg_drop);
}
