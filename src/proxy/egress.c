/* The egress half: CoAP in, HTTP out. */
#include "coap/naming.h"
#include "exchange/failure.h"
#include "proxy/core.h"
#include "proxy/plain.h"

static void respond(struct th_leg *leg, uint8_t code, struct th_coap_option *options, size_t n_options,
		    struct th_str payload)
{
	struct th_coap_head head = { .code = code, .confirmable = true, .options = options, .n_options = n_options };
	struct th_node *n = leg->node;

	if (!leg->id)
		return;
	leg->out_end = true;
	if (th_coap_respond(n->coap, leg->id, &head, th_node_now(n)) != TH_OK) {
		th_leg_drop(leg);
		th_leg_settle(leg);
		return;
	}
	th_coap_write(n->coap, leg->id, (const uint8_t *)payload.p, payload.n, th_node_now(n));
	th_coap_end(n->coap, leg->id, th_node_now(n));
}

/* A CoAP error with the reason as diagnostic payload (RFC 7252 §5.5.2). */
void th_egress_refuse(struct th_leg *leg, const struct th_failure *why)
{
	uint8_t age[2];
	struct th_coap_option option = th_plain_option(TH_OPTION_MAX_AGE, (uint16_t)why->retry_after, age);
	struct th_str reason = th_str_of(why->reason);

	leg->report.err = why->err;
	leg->report.status = why->status;
	if (reason.n > TH_LEG_SMALL_MAX)
		reason.n = TH_LEG_SMALL_MAX;
	respond(leg, th_plain_code(why->status), &option, why->retry_after ? 1 : 0, reason);
}

void th_egress_failed(struct th_leg *leg, enum th_err err)
{
	struct th_failure why;

	leg->report.err = err;
	th_flow_close(&leg->flow, NULL);
	if (!leg->id)
		return;
	if (leg->decoded && (err == TH_ERR_NOT_FOUND || err == TH_ERR_UNSUPPORTED)) {
		respond(leg, err == TH_ERR_NOT_FOUND ? TH_CODE_FORGOTTEN : TH_CODE_CODING, NULL, 0, TH_STR(""));
		return;
	}
	th_failure_of(&why, err, "The request does not follow thimble's envelope: do both ends run the same version?");
	if (err != TH_ERR_FULL)
		why.status = 400;
	th_egress_refuse(leg, &why);
}

/* ---- the request ---- */

static void begin(struct th_leg *leg, const struct th_coap_head *head)
{
	long format = th_plain_find(head->options, head->n_options, TH_OPTION_CONTENT_FORMAT);

	leg->code = head->code;
	leg->content = format == TH_FORMAT_ENVELOPE ? TH_LEG_ENVELOPE : TH_LEG_SMALL;
}

static void head(struct th_leg *leg, const struct th_head *h)
{
	struct th_flow_server *upstream = leg->node->config.upstream;
	struct th_failure why;

	th_leg_name(leg, h);
	if (upstream->open(upstream, &leg->flow, &why) != TH_OK) {
		th_egress_refuse(leg, &why);
		return;
	}
	th_flow_head(&leg->flow, h);
}

static void end(struct th_leg *leg)
{
	if (leg->content == TH_LEG_ENVELOPE)
		th_flow_end(&leg->flow);
}

static const struct th_leg_ops leg_ops = { begin, head, end, th_egress_failed, NULL };

/* ---- the response ---- */

static void refuse_answer(struct th_leg *leg, const char *reason)
{
	struct th_failure why;

	th_failure_of(&why, TH_ERR_MALFORMED, reason);
	th_egress_refuse(leg, &why);
	th_flow_close(&leg->flow, NULL);
	th_leg_settle(leg);
}

enum th_err th_egress_answer(struct th_leg *leg)
{
	struct th_node *n = leg->node;
	uint8_t format[2];
	struct th_coap_option option = th_plain_option(TH_OPTION_CONTENT_FORMAT, TH_FORMAT_ENVELOPE, format);
	struct th_coap_head response = {
		.code = TH_COAP_CODE(2, 4),
		.confirmable = true,
		.options = &option,
		.n_options = 1,
		.priority = leg->priority,
	};

	return th_coap_respond(n->coap, leg->id, &response, th_node_now(n));
}

static void on_head(struct th_flow *self, const struct th_head *h)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_node *n = leg->node;
	enum th_err err;

	if (!leg->id)
		return;
	if (h->n_fields > TH_HEAD_FIELDS_MAX || th_head_bytes(h) > TH_HEAD_BYTES_MAX) {
		refuse_answer(leg, "The homeserver's answer has more header fields than thimble carries.");
		return;
	}
	leg->report.answered = th_node_now(n);
	leg->report.status = h->status;
	leg->unanswered = true; /* until something of it is to leave: a gathered answer may still break off */
	err = th_leg_send_head(leg, h);
	if (err == TH_OK)
		return;
	leg->report.err = err;
	th_leg_drop(leg);
	th_flow_close(self, NULL);
	th_leg_settle(leg);
}

static void on_end(struct th_flow *self)
{
	struct th_leg *leg = th_leg_of(self);

	th_leg_send_end(leg);
	th_flow_close(self, NULL);
	th_leg_settle(leg);
}

static void on_close(struct th_flow *self, const struct th_failure *why)
{
	struct th_leg *leg = th_leg_of(self);
	struct th_failure unknown;

	if (!why) {
		th_failure_of(&unknown, TH_ERR_CLOSED, "The homeserver's answer broke off.");
		why = &unknown;
	}
	if (leg->report.answered == TH_NEVER || leg->unanswered) {
		leg->gathering = leg->unanswered = false;
		th_buf_free(&leg->out);
		th_egress_refuse(leg, why);
	} else {
		leg->report.err = why->err;
		th_leg_drop(leg); /* the ingress half sees the answer break off */
	}
	th_leg_settle(leg);
}

static const struct th_flow_ops flow_ops = { on_head, th_leg_on_data, on_end, th_leg_on_resume, on_close };

/* ---- cancellation: the ingress half names an exchange whose client has left ---- */

static void cancel_end(struct th_leg *leg)
{
	struct th_node *n = leg->node;
	th_coap_id id = th_coap_find(n->coap, &leg->peer, th_buf_data(&leg->in), leg->in.n);
	struct th_leg *target = id ? th_node_find(n, id) : NULL;

	if (target && target != leg) {
		target->report.err = TH_ERR_CANCELLED;
		th_leg_abandon(target);
		th_flow_close(&target->flow, NULL);
		th_leg_settle(target);
	}
	respond(leg, TH_COAP_CODE(2, 4), NULL, 0, TH_STR(""));
}

static void cancel_failed(struct th_leg *leg, enum th_err err)
{
	(void)leg;
	(void)err;
}

static const struct th_leg_ops cancel_ops = { begin, NULL, cancel_end, cancel_failed, NULL };

/* ---- an answer once more, for an ingress half that could not read it ---- */

static void repeat_end(struct th_leg *leg)
{
	const uint8_t *p;
	uint64_t number;
	size_t n;

	if (!leg->dialogue || !th_naming_number(th_buf_data(&leg->in), leg->in.n, &number) ||
	    th_answers_find(&leg->dialogue->answers, number, &p, &n) != TH_OK ||
	    th_buf_append(&leg->out, p, n) != TH_OK) {
		respond(leg, TH_CODE_FORGOTTEN, NULL, 0, TH_STR(""));
		return;
	}
	th_dialogue_hoped_in_vain(leg->dialogue);
	th_coding_alone(leg);
	leg->gathering = true;
	leg->unanswered = true;
	th_leg_send_end(leg);
}

static const struct th_leg_ops repeat_ops = { begin, NULL, repeat_end, cancel_failed, NULL };

/* ---- a request begins ---- */

static const struct th_leg_ops *ops_for(const struct th_coap_head *head)
{
	long format = th_plain_find(head->options, head->n_options, TH_OPTION_CONTENT_FORMAT);

	if (format == TH_FORMAT_REPEAT)
		return &repeat_ops;
	return format == TH_FORMAT_CANCEL ? &cancel_ops : &leg_ops;
}

/* Why such a request is refused: a CoAP code, 0 when it is not. */
static uint8_t refusal(const struct th_node *n, const struct th_coap_head *head, struct th_str *reason)
{
	long format = th_plain_find(head->options, head->n_options, TH_OPTION_CONTENT_FORMAT);

	if (!n->config.upstream) {
		*reason = TH_STR("The egress half of this daemon is off.");
		return TH_COAP_CODE(5, 1);
	}
	if (head->observe && n->sync.draining)
		return TH_COAP_CODE(5, 3);
	if (head->code != TH_COAP_POST && head->code != TH_COAP_FETCH) {
		*reason = TH_STR("thimble takes its envelope by POST, or FETCH.");
		return TH_COAP_CODE(4, 5);
	}
	if (head->observe && n->secure && !n->config.sync_push) { /* else the ingress half would answer for a registration there is none of */
		*reason = TH_STR("Sync push is off here.");
		return TH_COAP_CODE(4, 5);
	}
	if (format != TH_FORMAT_ENVELOPE && format != TH_FORMAT_CANCEL && format != TH_FORMAT_REPEAT) {
		*reason = TH_STR("thimble takes content format 65000, its envelope.");
		return TH_COAP_CODE(4, 15);
	}
	return 0;
}

void th_egress_request(struct th_node *n, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head)
{
	struct th_leg *leg = th_leg_new(n, ops_for(head), &flow_ops, peer, "egress");
	struct th_str reason = TH_STR("");
	uint8_t code;

	if (!leg) {
		th_coap_cancel(n->coap, id, th_node_now(n));
		return;
	}
	th_leg_bind(leg, id);
	code = refusal(n, head, &reason);
	if (!code && leg->ops == &leg_ops)
		th_poller_take(leg, head);
	leg->ops->begin(leg, head);
	if (code) {
		leg->content = TH_LEG_SMALL;
		leg->ops = &cancel_ops;
		leg->in_end = true;
		respond(leg, code, NULL, 0, reason);
	}
}

void th_egress_forward(struct th_leg *leg, const struct th_head *h)
{
	leg->push = false;
	leg->ops = &leg_ops;
	leg->flow.ops = &flow_ops;
	head(leg, h);
}
