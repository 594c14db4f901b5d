#include "codec/envelope.h"
#include "exchange/failure.h"
#include "proxy/coding.h"
#include "proxy/sync_poller.h"

/* A homeserver that restarts is waited for so long; clients would only ask again and again. */
static const th_time away_max = 120 * TH_SEC;
static const th_time pause_first = TH_SEC, pause_max = 16 * TH_SEC;
/* Nobody says when the link is back: what it costs to try while it is not, and how late one hears when it is. */
static const th_time owed_first = 60 * TH_SEC, owed_max = 1800 * TH_SEC;

/* ---- life ---- */

void th_poller_free(struct th_poller *p)
{
	if (!p)
		return;
	th_sync_key_free(&p->key);
	th_sync_head_free(&p->ask);
	th_buf_free(&p->request);
	th_buf_free(&p->sending);
	th_sync_form_free(&p->form);
	th_sync_head_free(&p->head);
	th_buf_free(&p->body);
	th_free(p->body.mem, p);
}

void th_poller_detach(struct th_poller *p)
{
	if (!th_list_linked(&p->link))
		return;
	th_sync_timer_remove(p->leg->node, &p->timer);
	th_list_remove(&p->link);
	p->leg->node->sync.n_pollers--;
}

void th_poller_end(struct th_poller *p, void (*drop)(struct th_leg *leg))
{
	struct th_leg *leg = p->leg;

	th_poller_detach(p);
	if (drop && leg->id)
		drop(leg);
	th_flow_close(&leg->flow, NULL);
	th_leg_settle(leg);
}

void th_poller_broken(struct th_poller *p, enum th_err err)
{
	p->leg->report.err = err;
	th_poller_end(p, th_leg_drop);
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
	r.ended = th_poller_now(p);
	p->told_up = total.link_bytes_up;
	p->told_down = total.link_bytes_down;
	p->told_datagrams_up = total.datagrams_up;
	p->told_datagrams_down = total.datagrams_down;
	leg->report.http_bytes_up = leg->report.http_bytes_down = 0;
	leg->report.started = th_poller_now(p);
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
		th_poller_detach(p);
}

/* ---- what the homeserver says ---- */

static void wait(struct th_poller *p, th_time pause)
{
	p->stage = TH_POLLER_PAUSE;
	if (!p->told && pause > 0)
		th_poller_registered(p);
	if (th_list_linked(&p->link))
		th_sync_timer_set(p->leg->node, &p->timer, th_time_add(th_poller_now(p), pause));
}

void th_poller_accepted(struct th_poller *p)
{
	const struct th_sync_place next = th_sync_form_next(&p->form, &p->at);
	bool moved = !th_sync_place_eq(&p->at, &next);

	th_coding_accepted(p->leg);
	p->at = next;
	p->pause = 0;
	th_sync_timer_set(p->leg->node, &p->timer, TH_NEVER);
	report(p);
	if (moved || !p->form.news)
		th_poller_ask(p);
	else /* what it would say at once may be the same again */
		wait(p, pause_max);
}

/* It does not answer, or says that it can't now. */
static void away(struct th_poller *p, const struct th_failure *why)
{
	th_time since = p->away_since == TH_NEVER ? th_poller_now(p) : p->away_since;

	th_buf_free(&p->body);
	if (!p->told || th_poller_now(p) > th_time_add(since, away_max)) {
		th_poller_refuse(p, why);
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
	       th_poller_now(p) > th_time_add(link.heard_at, th_time_add(check, check));
}

/* Nothing to tell that the ingress half would not say by itself. */
static void in_vain(struct th_poller *p)
{
	/* a homeserver that does not wait must not be asked all the time */
	bool waited = th_poller_now(p) >= th_time_add(p->asked_at, TH_SYNC_POLL_MS / 10 * TH_MS);

	p->leg->node->stats.sync_empty++;
	th_buf_free(&p->body);
	if (is_forsaken(p)) {
		th_poller_end(p, th_leg_drop);
		return;
	}
	p->pause = waited ? 0 : p->pause ? th_time_min(2 * p->pause, pause_max) : pause_first;
	if (waited)
		th_poller_ask(p);
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
	const struct th_str body = th_buf_str(&p->body);
	bool usable = p->sliding ? th_sliding_form(&p->form, body) : th_sync_form_end(&p->form);

	if (!th_sync_head_read(&p->head, &head, fields, false)) {
		th_poller_broken(p, TH_ERR_MALFORMED);
		return;
	}
	if (busy(head.status) && p->told &&
	    (p->away_since == TH_NEVER || th_poller_now(p) <= th_time_add(p->away_since, away_max))) {
		th_failure_of(&why, TH_ERR_CLOSED, "The homeserver is busy.");
		away(p, &why);
		return;
	}
	p->away_since = TH_NEVER;
	usable = usable && head.status == 200 && !th_head_find(&head, TH_STR("Content-Encoding"));
	if (!usable) {
		th_poller_send_whole(p, false);
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
	th_poller_send_whole(p, true);
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
	th_poller_refuse(p, &why);
}

static size_t on_data(struct th_flow *self, const uint8_t *bytes, size_t n)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_poller *p = leg->poller;

	if (!leg->id)
		return n;
	if (!p->streaming) {
		if (th_buf_append(&p->body, bytes, n) == TH_OK) {
			if (!p->sliding)
				th_sync_form_feed(&p->form, bytes, n);
			return n;
		}
		th_poller_send_on(p);
	}
	if (!leg->id || !th_poller_flush(p))
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
		th_poller_flush(p);
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
		th_poller_broken(p, why->err); /* the ingress half sees it break off */
	else
		away(p, why);
}

/* The request's body to the homeserver, as it takes it. */
static void pump(struct th_poller *p)
{
	struct th_flow *f = &p->leg->flow;

	p->pump_again = true;
	if (p->pumping)
		return;
	p->pumping = true;
	while (p->pump_again && p->sending.n > 0 && th_flow_open(f)) {
		p->pump_again = false;
		th_buf_consume(&p->sending, th_flow_data(f, th_buf_data(&p->sending), p->sending.n));
	}
	p->pumping = false;
	if (p->sending.n == 0)
		th_flow_end(f);
}

static void on_resume(struct th_flow *self)
{
	struct th_leg *leg = th_leg_of(self);

	if (leg->poller->sending.n > 0)
		pump(leg->poller);
	else
		th_leg_on_resume(self);
}

const struct th_flow_ops th_poller_flow = { on_head, on_data, on_end, on_resume, on_close };

/* ---- asking the homeserver ---- */

/* Of sliding sync: the client's, with the token that the client has by now. */
static bool make_body(struct th_poller *p)
{
	const struct th_str body = th_buf_str(&p->request);
	size_t most = body.n + TH_SYNC_TOKEN_MAX;
	uint8_t *room;
	struct th_wr w;

	th_buf_free(&p->sending);
	room = th_buf_reserve(&p->sending, most);
	if (!room)
		return false;
	w = th_wr_init(room, most);
	th_sliding_write(&w, body, &p->at.device);
	th_buf_commit(&p->sending, w.n);
	return th_wr_ok(&w);
}

void th_poller_ask(struct th_poller *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_leg *leg = p->leg;
	struct th_flow_server *upstream = leg->node->config.upstream;
	char target[TH_TARGET_MAX];
	struct th_failure why;
	struct th_head h;
	size_t n;

	p->stage = TH_POLLER_ASKING;
	p->asked_at = th_poller_now(p);
	p->answer_ended = false;
	if (!th_sync_head_read(&p->ask, &h, fields, true)) {
		th_poller_broken(p, TH_ERR_MALFORMED);
		return;
	}
	if (!p->first) {
		n = th_sync_query_write(h.target, &p->at.since, TH_SYNC_POLL_MS, target, sizeof(target));
		if (n > sizeof(target)) {
			th_poller_broken(p, TH_ERR_TOO_LARGE);
			return;
		}
		h.target = (struct th_str){ target, n };
	}
	p->first = false;
	if (p->sliding && !make_body(p)) {
		th_poller_broken(p, TH_ERR_NO_MEMORY);
		return;
	}
	h.body_len = (int64_t)p->sending.n;
	if (upstream->open(upstream, &leg->flow, &why) != TH_OK) {
		away(p, &why);
		return;
	}
	th_flow_head(&leg->flow, &h);
	if (p->sliding)
		pump(p);
	else
		th_flow_end(&leg->flow);
}

void th_poller_owes(struct th_poller *p)
{
	p->stage = TH_POLLER_OWED;
	p->owed_at = th_poller_now(p);
	p->pause = owed_first;
	th_sync_timer_set(p->leg->node, &p->timer, th_time_add(p->owed_at, p->pause));
}

static void try_again(struct th_poller *p)
{
	struct th_leg *leg = p->leg;

	if (is_forsaken(p)) {
		th_poller_end(p, th_leg_drop);
		return;
	}
	if (th_coap_renotify(leg->node->coap, leg->id, th_poller_now(p)))
		p->pause = th_time_min(2 * p->pause, owed_max);
	th_sync_timer_set(leg->node, &p->timer, th_time_add(th_poller_now(p), p->pause));
}

void th_poller_due(struct th_sync_timer *t)
{
	struct th_poller *p = TH_OWNER(t, struct th_poller, timer);

	if (p->stage == TH_POLLER_PAUSE)
		th_poller_ask(p);
	else if (p->stage == TH_POLLER_OWED)
		try_again(p);
	else if (!p->told)
		th_poller_registered(p);
}
