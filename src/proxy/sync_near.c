/* The ingress half of sync push: what watches (sync_watch.h) do with polls and with what comes over the link. */
#include "exchange/failure.h"
#include "exchange/route.h"
#include "proxy/plain.h"
#include "proxy/sync_watch.h"

static struct th_watch *watch_of(struct th_flow *f)
{
	return TH_OWNER(f, struct th_watch, flow);
}

static const struct th_leg_ops leg_ops;
static const struct th_flow_ops leg_flow;

/* ---- giving answers ---- */

static struct th_poll *take_poll(struct th_watch *w)
{
	struct th_poll *p = w->poll;

	w->poll = NULL;
	return p;
}

static void give(struct th_watch *w)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_poll *p = take_poll(w);
	struct th_head head;

	w->phase = TH_WATCH_GIVEN;
	th_watch_late(w, TH_COAP_ACCEPT_DELAY);
	if (th_sync_head_read(&w->head, &head, fields, false))
		th_poll_answer(p, &head, th_buf_data(&w->body), w->body.n);
}

void th_watch_idle(struct th_poll *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_watch *w = p->watch;
	struct th_failure why;
	struct th_buf body;
	struct th_head head;

	if (!w->form_ok || !th_sync_head_read(&w->head, &head, fields, false))
		return; /* never: only with these the timer is set */
	th_buf_init(&body, w->node->mem, TH_SYNC_IDLE_MAX);
	take_poll(w);
	if (w->phase == TH_WATCH_AGAIN)
		th_watch_let_go(w);
	else
		th_watch_rest(w);
	if (th_sync_form_write(&w->form, &p->query.at, &body) == TH_OK) {
		w->node->stats.sync_idle++;
		head.body_len = (int64_t)body.n;
		th_poll_answer(p, &head, th_buf_data(&body), body.n);
	} else {
		th_failure_of(&why, TH_ERR_NO_MEMORY, "thimble is out of memory.");
		th_poll_fail(p, &why);
	}
	th_buf_free(&body);
}

/* The last answer goes to the client as it comes. */
static void stream(struct th_watch *w)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head head;

	th_watch_late(w, TH_NEVER);
	if (!th_sync_head_read(&w->head, &head, fields, false))
		return;
	w->poll->streaming = true;
	th_poll_head(w->poll, &head);
}

static void hold(struct th_watch *w, struct th_poll *p)
{
	static const uint64_t day_ms = 24 * 3600 * 1000;
	uint64_t ms = p->query.timeout_ms < day_ms ? p->query.timeout_ms : day_ms;

	w->poll = p;
	p->watch = w;
	w->heard = th_watch_heard(w);
	th_watch_late(w, TH_NEVER);
	if (w->known && (w->phase == TH_WATCH_OPEN || w->phase == TH_WATCH_ASKED))
		th_sync_timer_set(w->node, &p->idle, th_time_add(p->report.started, ms * TH_MS));
	else
		th_sync_timer_set(w->node, &p->idle, TH_NEVER); /* that of a registration that was refused */
}

static uint64_t hash_of(const struct th_watch *w)
{
	return th_table_hash(&w->node->by_id, th_buf_data(&w->body), w->body.n) | 1;
}

/* What the client will ask with once it has got the last answer. */
static bool is_next(const struct th_watch *w, const struct th_sync_place *at)
{
	const struct th_sync_place next = th_sync_form_next(&w->form, &w->at);

	return th_sync_place_eq(&next, at);
}

static void accept(struct th_watch *w)
{
	w->at = th_sync_form_next(&w->form, &w->at);
	w->known = true;
	w->accepted = hash_of(w);
	w->phase = TH_WATCH_OPEN;
	th_watch_late(w, TH_NEVER);
	th_buf_free(&w->body);
	th_coap_accept(w->node->coap, w->leg->id, th_node_now(w->node));
}

/* What was accepted last, once more: the egress half has not heard that it was. */
static bool is_repeated(const struct th_watch *w)
{
	return w->accepted == hash_of(w) && is_next(w, &w->at);
}

static void accept_again(struct th_watch *w)
{
	accept(w);
	if (w->poll)
		hold(w, w->poll);
	else
		th_watch_rest_on(w);
}

/* ---- what comes over the link ---- */

static void on_begin(struct th_leg *leg, const struct th_coap_head *head)
{
	long max_age = th_plain_find(head->options, head->n_options, TH_OPTION_MAX_AGE);
	long format = th_plain_find(head->options, head->n_options, TH_OPTION_CONTENT_FORMAT);
	struct th_watch *w = leg->watch;

	th_leg_renew(leg);
	leg->code = head->code;
	leg->content = head->code >> 5 == 2 && format == TH_FORMAT_ENVELOPE ? TH_LEG_ENVELOPE : TH_LEG_SMALL;
	leg->retry_after = max_age > 0 ? (unsigned)max_age : 0;
	if (leg->content == TH_LEG_SMALL)
		return;
	w->final = !head->observe;
	w->phase = TH_WATCH_ARRIVING;
	w->form_ok = w->cut = false;
	th_sync_form_begin(&w->form);
	th_buf_free(&w->body);
	th_sync_head_free(&w->head);
	if (w->poll)
		th_sync_timer_set(w->node, &w->poll->idle, TH_NEVER);
	else
		th_watch_late(w, TH_COAP_ACCEPT_DELAY);
}

/* Nothing more comes. */
static void fail_poll(struct th_watch *w, const struct th_failure *why)
{
	if (w->poll)
		th_poll_fail(take_poll(w), why);
}

/* The registration is lost: the poll that is held asks anew, and if that happens again and again, not all the time. */
static void ask_again(struct th_watch *w, th_time wait)
{
	static const th_time wait_max = 30 * TH_SEC;
	enum { REPEATS_MAX = 5 };

	if (!w->poll)
		return;
	if (w->poll->repeats > 0 && wait == 0)
		wait = TH_SEC << w->poll->repeats;
	w->poll->repeats += w->poll->repeats < REPEATS_MAX;
	w->phase = TH_WATCH_AGAIN;
	th_watch_late(w, th_time_min(wait, wait_max));
}

static void on_failed(struct th_leg *leg, enum th_err err)
{
	struct th_watch *w = leg->watch;
	bool confirmed = w && w->phase != TH_WATCH_ASKED;
	char reason[TH_REASON_MAX];
	struct th_failure why;

	if (!w || w->leg != leg)
		return;
	th_ingress_why(leg, err, &why, reason);
	th_watch_let_go(w);
	w->alone = err == TH_ERR_NOT_FOUND;
	if (leg->id)
		th_leg_drop(leg);
	if (confirmed && w->poll && !w->poll->answering)
		ask_again(w, 0);
	else
		fail_poll(w, &why);
}

static void on_answer_head(struct th_leg *leg, const struct th_head *h)
{
	struct th_watch *w = leg->watch;

	if (th_sync_head_keep(&w->head, h) != TH_OK)
		on_failed(leg, TH_ERR_NO_MEMORY);
	else if (w->final && w->poll)
		stream(w);
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct th_watch *w = watch_of(f);
	size_t took = n;

	if (w->final) {
		if (!w->poll || !w->poll->streaming)
			return 0;
		took = th_poll_data(w->poll, p, n);
	} else if (th_buf_append(&w->body, p, n) != TH_OK) {
		on_failed(w->leg, TH_ERR_TOO_LARGE); /* no thimble sends such a notification */
		return n;
	}
	if (!w->sliding)
		th_sync_form_feed(&w->form, p, took);
	else if (w->final && !w->cut)
		w->cut = th_buf_append(&w->body, p, took) != TH_OK;
	return took;
}

/* The far half answered with a CoAP error. */
static void on_error(struct th_leg *leg)
{
	struct th_watch *w = leg->watch;
	static const th_time restart = 2 * TH_SEC;
	bool lost = leg->code == TH_COAP_CODE(5, 3) && leg->in.n == 0; /* it stops */
	th_time wait = leg->retry_after ? leg->retry_after * TH_SEC : restart;
	bool deaf = leg->code == TH_COAP_CODE(4, 5) && !w->deaf;
	char reason[TH_REASON_MAX];
	struct th_failure why;

	w->deaf = w->deaf || deaf;
	th_ingress_far_why(leg, &why, reason);
	th_watch_let_go(w);
	if (lost || deaf)
		ask_again(w, lost ? wait : 0);
	else
		fail_poll(w, &why);
}

static bool is_usable(const struct th_watch *w)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head head;

	return th_sync_head_read(&w->head, &head, fields, false) && head.status == 200;
}

/* A last answer of sliding sync that is too long to be kept has none. */
static bool has_form(struct th_watch *w)
{
	const struct th_str body = th_buf_str(&w->body);

	return w->sliding ? !w->cut && th_sliding_form(&w->form, body) : th_sync_form_end(&w->form);
}

static void on_answer_end(struct th_leg *leg)
{
	struct th_watch *w = leg->watch;
	struct th_poll *p;

	if (!w) /* its head was too much for our memory */
		return;
	if (leg->content == TH_LEG_SMALL && leg->code == TH_SYNC_CODE_VALID) {
		w->phase = w->phase == TH_WATCH_ASKED ? TH_WATCH_OPEN : w->phase;
		return;
	}
	if (leg->content == TH_LEG_SMALL) {
		if (!th_ingress_try_again(leg))
			on_error(leg);
		return;
	}
	w->form_ok = has_form(w) && is_usable(w);
	if (w->final) {
		p = take_poll(w);
		if (p) {
			p->watch = NULL;
			th_watch_charge(w, &p->report);
		}
		th_watch_let_go(w);
		if (p) /* the next poll may begin by this */
			th_poll_end(p);
		return;
	}
	if (w->form_ok && is_repeated(w)) {
		accept_again(w);
		return;
	}
	w->node->stats.sync_pushed++;
	w->phase = TH_WATCH_WHOLE;
	if (!w->form_ok)
		on_failed(leg, TH_ERR_MALFORMED);
	else if (w->poll)
		give(w);
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	(void)f, (void)why; /* legs say it by `failed` */
}

static const struct th_leg_ops leg_ops = { on_begin, on_answer_head, on_answer_end, on_failed, NULL };
static const struct th_flow_ops leg_flow = { NULL, NULL, NULL, th_leg_on_resume, on_close };
const struct th_flow_ops th_watch_flow = { NULL, on_data, NULL, NULL, on_close };

/* ---- asking ---- */

enum th_err th_watch_open(struct th_leg *leg)
{
	struct th_watch *w = leg->watch;
	struct th_node *n = leg->node;
	uint8_t format[2], digest[TH_SYNC_DIGEST];
	struct th_coap_option options[2];
	struct th_coap_head request = {
		.code = w->observes ? TH_COAP_FETCH : TH_COAP_POST,
		.confirmable = true,
		.observe = w->observes,
		.accept = w->observes,
		.tagged = true,
		.priority = leg->priority,
		.options = options,
	};
	th_coap_id id;
	enum th_err err;

	if (w->known) {
		th_sync_form_digest(&w->form, digest);
		options[request.n_options++] = (struct th_coap_option){ TH_COAP_OPT_ETAG, sizeof(digest), digest };
	}
	options[request.n_options++] = th_plain_option(TH_OPTION_CONTENT_FORMAT, TH_FORMAT_ENVELOPE, format);
	err = th_coap_request(n->coap, &leg->peer, &request, th_node_now(n), &id);
	if (err == TH_OK)
		th_leg_bind(leg, id);
	return err;
}

static enum th_err ask(struct th_leg *leg, const struct th_head *h, const struct th_buf *body)
{
	enum th_err err;

	leg->priority = (enum th_coap_priority)th_route_urgency(h->target);
	err = th_watch_open(leg);
	if (err == TH_OK)
		err = th_leg_compose(leg, h, th_buf_data(body), body->n);
	if (err != TH_OK)
		return err;
	leg->out_end = true;
	th_leg_can_send(leg);
	return TH_OK;
}

void th_watch_begin(struct th_watch *w, struct th_poll *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_node *n = w->node;
	char reason[TH_REASON_MAX];
	struct th_failure why;
	struct th_leg *leg;
	struct th_addr peer;
	struct th_head h;
	enum th_err err;

	th_watch_drop(w, false);
	th_watch_late(w, TH_NEVER);
	w->observes = p->query.at.since.n > 0 && !p->query.full_state && !w->deaf;
	w->known = w->observes && w->form_ok && p->query.timeout_ms > 0 && is_next(w, &p->query.at);
	w->at = p->query.at;
	w->accepted = 0;
	if (w->sliding)
		th_watch_supersede(w);
	if (w->observes)
		th_watch_make_room(w);
	w->phase = TH_WATCH_ASKED;
	w->poll = NULL;
	err = th_node_peer(n, &peer);
	leg = err == TH_OK ? th_leg_new(n, &leg_ops, &leg_flow, &peer, "ingress") : NULL;
	if (!leg) {
		th_ingress_no_leg(n, err == TH_OK ? TH_ERR_NO_MEMORY : err, &why);
		th_watch_let_go(w);
		th_poll_fail(p, &why);
		return;
	}
	leg->push = true;
	leg->alone = w->alone;
	w->alone = false;
	leg->watch = w;
	w->leg = leg;
	th_flow_join(&leg->flow, &w->flow);
	hold(w, p);
	err = th_sync_head_read(&p->ask, &h, fields, true) ? ask(leg, &h, &p->body) : TH_ERR_INVALID;
	if (err == TH_OK) {
		n->stats.sync_asked += w->observes;
		return;
	}
	th_ingress_why(leg, err, &why, reason);
	th_watch_drop(w, false);
	fail_poll(w, &why);
}

/* ---- polls ---- */

/* Whether the other daemon may have died in silence: nothing else would ever tell. */
static bool is_in_doubt(const struct th_watch *w)
{
	struct th_node *n = w->node;
	struct th_coap_link link;

	return th_coap_link(n->coap, &w->leg->peer, &link) != TH_OK ||
	       th_node_now(n) > th_time_add(link.heard_at, n->config.sync_check);
}

/* Whether what is there, or comes, answers this poll. */
static bool goes_on(struct th_watch *w, struct th_poll *p)
{
	bool waits = p->query.timeout_ms > 0 && !p->query.full_state;
	bool same = !p->query.full_state && th_sync_place_eq(&p->query.at, &w->at);

	switch (w->phase) {
	case TH_WATCH_OPEN:
		if (!waits || !same || is_in_doubt(w))
			return false;
		hold(w, p);
		return true;
	case TH_WATCH_GIVEN:
		/* the egress half can put in another token, but not the first */
		if (waits && is_next(w, &p->query.at) && (w->at.device.n == 0) == (p->query.at.device.n == 0)) {
			accept(w);
			hold(w, p);
			return true;
		}
		if (!same || is_next(w, &w->at))
			return false;
		hold(w, p); /* it has not got its answer */
		give(w);
		return true;
	case TH_WATCH_WHOLE:
		if (same) {
			hold(w, p);
			give(w);
		}
		return same;
	case TH_WATCH_ARRIVING:
		if (!same)
			return false;
		hold(w, p);
		if (w->final && w->head.bytes.n > 0) {
			stream(w);
			if (w->poll == p)
				th_flow_resume(&w->flow);
		}
		return true;
	case TH_WATCH_ASKED:
		if (same)
			hold(w, p);
		return same;
	default:
		return false;
	}
}

bool th_watch_take(struct th_node *n, struct th_poll *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	const struct th_str body = th_buf_str(&p->body);
	struct th_watch *w;
	struct th_buf key;
	struct th_head h;

	if (!th_sync_head_read(&p->ask, &h, fields, true))
		return false;
	if (th_sync_key(n, &h, body, &key) != TH_OK) {
		th_sync_key_free(&key);
		return false;
	}
	w = th_watch_get(n, &key, th_sync_account(n, &h));
	if (!w || w->poll) /* two polls of one loop at a time: this one is asked apart */
		return false;
	p->watch = w;
	w->sliding = p->query.sliding;
	w->connection = w->sliding ? th_sync_connection(n, &h, body) : 0;
	if (!goes_on(w, p))
		th_watch_begin(w, p);
	return true;
}

bool th_watch_is_asking(const struct th_watch *w)
{
	return w->phase == TH_WATCH_ASKED;
}

bool th_watch_waits(const struct th_watch *w)
{
	return w->phase == TH_WATCH_ASKED || w->phase == TH_WATCH_ARRIVING;
}

/* Whether it may come back for the same answer. What has not moved while the client was patient is asked for anew. */
static bool may_come_back(struct th_watch *w, const struct th_poll *p)
{
	struct th_coap_account cost;

	if (w->phase == TH_WATCH_ASKED)
		return w->observes && th_coap_account(w->node->coap, w->leg->id, &cost) == TH_OK &&
		       cost.datagrams_out > 0;
	if (w->phase == TH_WATCH_ARRIVING)
		return !p->streaming && th_watch_heard(w) > w->heard;
	return true;
}

void th_watch_left(struct th_poll *p)
{
	struct th_watch *w = p->watch;

	p->watch = NULL;
	if (w->poll != p)
		return;
	w->poll = NULL;
	if (w->phase == TH_WATCH_AGAIN)
		th_watch_let_go(w);
	if (!may_come_back(w, p) || th_watch_superseded(w)) {
		w->form_ok = false;
		th_ingress_tell_cancelled(w->leg);
		th_watch_drop(w, false);
	} else if (w->phase == TH_WATCH_ARRIVING) {
		th_watch_late(w, TH_COAP_ACCEPT_DELAY);
	} else if (w->phase == TH_WATCH_OPEN || w->phase == TH_WATCH_ASKED) {
		th_watch_rest(w);
	}
}

void th_watch_resume(struct th_poll *p)
{
	if (p->watch && p->watch->poll == p)
		th_flow_resume(&p->watch->flow);
}
