/* The ingress half: HTTP in, CoAP out. */
#include <stdio.h>

#include "coap/naming.h"
#include "exchange/failure.h"
#include "exchange/route.h"
#include "proxy/core.h"
#include "proxy/plain.h"

enum { ATTEMPTS_MAX = 2, FORGOTTEN_MAX = 8 };

/* ---- giving up an exchange at the far half ---- */

static void cancel_begin(struct th_leg *leg, const struct th_coap_head *head)
{
	(void)head;
	leg->content = TH_LEG_SMALL;
}

static void cancel_end(struct th_leg *leg)
{
	(void)leg;
}

static void cancel_failed(struct th_leg *leg, enum th_err err)
{
	(void)leg;
	(void)err;
}

static const struct th_leg_ops cancel_ops = { cancel_begin, NULL, cancel_end, cancel_failed, NULL };

/* Best effort, one small datagram: without it the far half finds out when its answer is reset. */
void th_ingress_tell_cancelled(struct th_leg *leg)
{
	struct th_node *n = leg->node;
	uint8_t format[2];
	struct th_coap_option option = th_plain_option(TH_OPTION_CONTENT_FORMAT, TH_FORMAT_CANCEL, format);
	struct th_coap_head head = { .code = TH_COAP_POST, .options = &option, .n_options = 1 };
	struct th_coap_account account;
	struct th_leg *cancel;
	const uint8_t *token;
	size_t token_len;
	th_coap_id id;

	if (th_coap_account(n->coap, leg->id, &account) != TH_OK || account.datagrams_out == 0)
		return;
	cancel = th_leg_new(n, &cancel_ops, NULL, &leg->peer, "ingress");
	if (!cancel)
		return;
	if (th_coap_request(n->coap, &leg->peer, &head, th_node_now(n), &id) == TH_OK) {
		th_leg_bind(cancel, id);
		if (th_coap_token(n->coap, leg->id, &token, &token_len) == TH_OK)
			th_coap_write(n->coap, id, token, token_len, th_node_now(n));
		th_coap_end(n->coap, id, th_node_now(n));
	}
	th_leg_settle(cancel);
}

/* ---- failures ---- */

static void explain(char *out, size_t cap, const struct th_leg *leg, enum th_err err)
{
	struct th_addr real = th_node_real(leg->node, &leg->peer);
	char addr[TH_ADDR_TEXT];

	th_addr_text(&real, addr);
	if (leg->doubtful)
		snprintf(out, cap,
			 "The far side of the link (%s) was restarted while it had this request, which may have been "
			 "executed or not; it is not sent again.",
			 addr);
	else if (err == TH_ERR_REFUSED)
		snprintf(out, cap, "The far side of the link (%s) shows another key than the one that is known. %s",
			 addr, leg->node->secure ? th_secure_refusal(leg->node->secure) : "");
	else if (err == TH_ERR_TIMEOUT)
		snprintf(out, cap, "The far side of the link (%s) did not answer. Is it running, and is the link up?",
			 addr);
	else if (err == TH_ERR_FULL)
		snprintf(out, cap, "Too many requests wait for the link to %s. Try again later.", addr);
	else
		snprintf(out, cap, "The exchange with the far side of the link (%s) failed: %s.", addr,
			 th_strerror(err));
}

static void fail_flow(struct th_leg *leg, struct th_failure *why)
{
	leg->report.err = why->err;
	leg->report.status = leg->in_head ? leg->report.status : why->status;
	th_flow_close(&leg->flow, why);
}

/* A newer request sets what this one would have set, so it was not sent: as typing and receipts are answered by a
 * homeserver, this one is answered here. */
static void answer_superseded(struct th_leg *leg)
{
	static const struct th_field type = { TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") };
	static const uint8_t body[] = { '{', '}' };
	const struct th_head head = { .status = 200, .body_len = sizeof(body), .fields = &type, .n_fields = 1 };

	leg->in_end = true;
	leg->report.status = head.status;
	leg->report.err = TH_ERR_CANCELLED;
	th_flow_head(&leg->flow, &head);
	if (th_flow_data(&leg->flow, body, sizeof(body)) == sizeof(body))
		th_flow_end(&leg->flow);
	else
		th_flow_close(&leg->flow, NULL);
}

static enum th_err open_exchange(struct th_leg *leg, uint16_t content_format)
{
	struct th_node *n = leg->node;
	uint8_t format[2];
	struct th_coap_option option = th_plain_option(TH_OPTION_CONTENT_FORMAT, content_format, format);
	struct th_coap_head request = {
		.code = TH_COAP_POST,
		.confirmable = true,
		.tagged = true,
		.once = content_format == TH_FORMAT_ENVELOPE && !leg->idempotent,
		.priority = leg->priority,
		.options = &option,
		.n_options = 1,
	};
	th_coap_id id;
	enum th_err err = th_coap_request(n->coap, &leg->peer, &request, th_node_now(n), &id);

	if (err == TH_OK)
		th_leg_bind(leg, id);
	return err;
}

/* The answer was coded against what is not here: the far half is asked for it as it is. It executes nothing again. */
static bool ask_for_repeat(struct th_leg *leg)
{
	struct th_node *n = leg->node;
	uint8_t token[TH_COAP_TOKEN_MAX];
	size_t len;

	if (!leg->dialogue || !leg->decoded || !leg->named || leg->repeated || leg->in_head)
		return false;
	n->stats.answers_again++;
	len = th_naming_token(leg->number, token);
	leg->repeated = true;
	th_leg_drop(leg);
	th_buf_free(&leg->in);
	leg->in_end = leg->coded = leg->decoded = leg->named = false;
	th_coding_alone(leg);
	if (open_exchange(leg, TH_FORMAT_REPEAT) != TH_OK)
		return false;
	th_coap_write(n->coap, leg->id, token, len, th_node_now(n));
	th_coap_end(n->coap, leg->id, th_node_now(n));
	return true;
}

/* The far half, restarted, knows nothing of a request or body that was under way. True: the leg begins anew. */
static bool was_forgotten(struct th_leg *leg)
{
	struct th_addr real;

	if (!leg->dialogue || leg->life == leg->dialogue->lives || leg->repeated || leg->in_head ||
	    !th_secure_real(leg->node->secure, &leg->peer, &real))
		return false;
	if (!leg->idempotent) {
		leg->doubtful = true;
		return false;
	}
	if (leg->plain.n == 0 || leg->forgotten == FORGOTTEN_MAX)
		return false;
	leg->forgotten++;
	th_ingress_again(leg);
	return true;
}

static void note(struct th_leg *leg, enum th_err err)
{
	if (err == TH_ERR_TIMEOUT && leg->node->secure)
		th_secure_silent(leg->node->secure, &leg->peer, leg->report.started);
}

static void fill(struct th_leg *leg, enum th_err err, struct th_failure *why, char reason[static TH_REASON_MAX])
{
	explain(reason, TH_REASON_MAX, leg, err);
	th_failure_of(why, err, reason);
	if (err == TH_ERR_UNSUPPORTED)
		why->status = 502; /* the far side's answer was: a 501 would say that of the client's request */
}

void th_ingress_why(struct th_leg *leg, enum th_err err, struct th_failure *why, char reason[static TH_REASON_MAX])
{
	note(leg, err);
	fill(leg, err, why, reason);
}

static void failed(struct th_leg *leg, enum th_err err)
{
	char reason[TH_REASON_MAX];
	struct th_failure why;

	note(leg, err);
	if (!th_flow_open(&leg->flow))
		return;
	if (err == TH_ERR_CANCELLED && leg->state && !leg->in_head) {
		answer_superseded(leg);
		return;
	}
	if (err == TH_ERR_NOT_FOUND && ask_for_repeat(leg))
		return;
	if (err == TH_ERR_RESET && was_forgotten(leg))
		return;
	fill(leg, err, &why, reason);
	th_leg_drop(leg);
	fail_flow(leg, &why);
}

/* The far half answered with a CoAP error: its diagnostic payload (RFC 7252 §5.5.2) says why. */
void th_ingress_far_why(struct th_leg *leg, struct th_failure *why, char reason[static TH_REASON_MAX])
{
	static const struct th_str none = TH_STR_INIT("The far side of the link gave no reason.");
	struct th_str text = th_buf_str(&leg->in);

	_Static_assert((int)TH_LEG_SMALL_MAX < (int)TH_REASON_MAX, "a diagnostic fits");
	if (text.n == 0)
		text = none;
	memcpy(reason, text.p, text.n);
	reason[text.n] = '\0';
	*why = (struct th_failure){ .err = th_plain_err(leg->code),
				    .status = th_plain_status(leg->code),
				    .reason = reason,
				    .retry_after = leg->retry_after };
}

static void far_failed(struct th_leg *leg)
{
	char reason[TH_REASON_MAX];
	struct th_failure why;

	th_ingress_far_why(leg, &why, reason);
	fail_flow(leg, &why);
}

/* ---- the response ---- */

static void begin(struct th_leg *leg, const struct th_coap_head *head)
{
	long max_age = th_plain_find(head->options, head->n_options, TH_OPTION_MAX_AGE);
	long format = th_plain_find(head->options, head->n_options, TH_OPTION_CONTENT_FORMAT);
	bool good = head->code >> 5 == 2 && format == TH_FORMAT_ENVELOPE;

	leg->code = head->code;
	leg->content = good ? TH_LEG_ENVELOPE : TH_LEG_SMALL;
	leg->retry_after = max_age > 0 ? (unsigned)max_age : 0;
}

static void head(struct th_leg *leg, const struct th_head *h)
{
	leg->report.answered = th_node_now(leg->node);
	leg->report.status = h->status;
	th_sync_answered(leg, h->status);
	th_flow_head(&leg->flow, h);
}

/* The far half lacks what the request referred to, or reads no model of ours: then it gets it coded without. It has not
 * been executed. */
bool th_ingress_try_again(struct th_leg *leg)
{
	struct th_dialogue *d = leg->dialogue;

	/* Once an answer was there, the request has been executed: what is refused now is only the answer's repetition.
	 */
	if (!d || leg->plain.n == 0 || leg->attempts == ATTEMPTS_MAX || leg->repeated)
		return false;
	if (leg->code == TH_CODE_FORGOTTEN) {
		th_dialogue_refused(d, leg->generation);
	} else if (leg->code == TH_CODE_CODING) {
		if (!d->heard) /* else its hello has said which */
			d->other_tables = d->no_model; /* the request was not coded by the model */
		d->no_model = true;
	} else {
		return false;
	}
	leg->attempts++;
	leg->node->stats.requests_again++;
	leg->alone = true;
	th_ingress_again(leg);
	return true;
}

static void end(struct th_leg *leg)
{
	if (leg->content == TH_LEG_SMALL && th_ingress_try_again(leg))
		return;
	if (leg->content == TH_LEG_SMALL)
		far_failed(leg);
	else
		th_flow_end(&leg->flow);
}

static const struct th_leg_ops leg_ops = { begin, head, end, failed, NULL };

/* ---- the request ---- */

void th_ingress_again(struct th_leg *leg)
{
	enum th_err err;

	th_leg_drop(leg);
	leg->life = leg->dialogue ? leg->dialogue->lives : 0;
	th_buf_free(&leg->in);
	th_buf_free(&leg->out);
	th_buf_free(&leg->kept);
	th_list_remove(&leg->unnamed);
	leg->in_head = leg->in_end = leg->coded = leg->decoded = leg->named = false;
	err = leg->push ? th_watch_open(leg) : open_exchange(leg, TH_FORMAT_ENVELOPE);
	if (err == TH_OK)
		err = th_buf_append(&leg->out, th_buf_data(&leg->plain), leg->plain.n);
	if (err != TH_OK) {
		leg->ops->failed(leg, err);
		th_leg_settle(leg);
		return;
	}
	leg->gathering = true;
	th_leg_send_end(leg);
}

void th_ingress_doubt(struct th_leg *leg)
{
	leg->doubtful = true;
	th_leg_lost(leg, TH_ERR_RESET);
}

void th_ingress_forgotten(struct th_leg *leg)
{
	if (leg->idempotent && leg->plain.n > 0 && !leg->in_head && !leg->repeated)
		th_ingress_again(leg);
	else
		th_ingress_doubt(leg);
}

/* One state of one account. The seed of the node's table keys the hash. */
static void add_to_state(struct th_leg *leg, const void *p, size_t n)
{
	uint64_t hash = th_table_hash(&leg->node->by_id, p, n);

	leg->state = (leg->state * 31 + hash) | 1; /* never 0 */
}

static void name_state(struct th_leg *leg, const struct th_head *h)
{
	struct th_str state = th_route_state(h->method, h->target, &leg->state_has_body);
	const struct th_field *account = th_head_find(h, TH_STR("Authorization"));

	if (state.n == 0 || !account)
		return;
	add_to_state(leg, h->method.p, h->method.n);
	add_to_state(leg, state.p, state.n);
	add_to_state(leg, account->value.p, account->value.n);
}

static void on_head(struct th_flow *self, const struct th_head *h)
{
	struct th_leg *leg = th_leg_of(self);
	enum th_err err;

	th_leg_name(leg, h);
	name_state(leg, h);
	th_sync_asks(leg, h);
	err = open_exchange(leg, TH_FORMAT_ENVELOPE);
	if (err == TH_OK)
		err = th_leg_send_head(leg, h);
	if (err != TH_OK) {
		failed(leg, err);
		th_leg_settle(leg);
	}
}

static size_t on_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	struct th_leg *leg = th_leg_of(self);
	size_t taken = th_leg_on_data(self, p, n);

	if (leg->state && leg->state_has_body)
		add_to_state(leg, p, taken);
	return taken;
}

static void on_end(struct th_flow *self)
{
	struct th_leg *leg = th_leg_of(self);

	if (leg->state && leg->id)
		th_coap_supersede(leg->node->coap, leg->id, leg->state, th_node_now(leg->node));
	th_leg_send_end(leg);
}

static void on_close(struct th_flow *self, const struct th_failure *why)
{
	struct th_leg *leg = th_leg_of(self);

	(void)why; /* a client end gives none */
	if (!leg->in_end) {
		leg->report.err = TH_ERR_CANCELLED;
		if (leg->id)
			th_ingress_tell_cancelled(leg);
		th_leg_drop(leg);
	}
	th_leg_settle(leg);
}

static const struct th_flow_ops flow_ops = { on_head, on_data, on_end, th_leg_on_resume, on_close };

void th_ingress_no_leg(const struct th_node *n, enum th_err err, struct th_failure *why)
{
	if (err == TH_ERR_NOT_FOUND)
		th_failure_of(why, err, "The far side of the link is not known: set coap-target, and see the log for its "
					"name look-up.");
	else if (err == TH_ERR_REFUSED)
		th_failure_of(why, err, th_secure_refusal(n->secure));
	else if (err == TH_ERR_FULL)
		th_failure_of(why, err, "Too many sessions are open; see max-sessions.");
	else
		th_failure_of(why, TH_ERR_NO_MEMORY, "thimble is out of memory.");
}

bool th_node_has_left(const struct th_flow *client)
{
	struct th_coap_account account;
	const struct th_leg *leg;

	if (!client->peer || client->peer->ops != &flow_ops)
		return th_node_waits(client);
	leg = th_leg_of(client->peer);
	return th_coap_account(leg->node->coap, leg->id, &account) != TH_OK || account.datagrams_out > 0;
}

enum th_err th_ingress_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct th_node *n = TH_OWNER(self, struct th_node, server);
	struct th_addr peer;
	enum th_err err = th_node_peer(n, &peer);
	struct th_leg *leg = NULL;

	if (err == TH_OK) {
		leg = th_leg_new(n, &leg_ops, &flow_ops, &peer, "ingress");
		err = leg ? TH_OK : TH_ERR_NO_MEMORY;
	}
	if (err != TH_OK) {
		th_ingress_no_leg(n, err, why);
		return err;
	}
	th_flow_join(&leg->flow, client);
	return TH_OK;
}
