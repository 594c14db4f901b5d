#include "codec/envelope.h"
#include "proxy/coding.h"
#include "proxy/plain.h"
#include "proxy/sync_poller.h"

static struct th_coap_head answer_head(const struct th_leg *leg, struct th_coap_option *format, uint8_t bytes[static 2])
{
	*format = th_plain_option(TH_OPTION_CONTENT_FORMAT, TH_FORMAT_ENVELOPE, bytes);
	return (struct th_coap_head){ .code = TH_COAP_CODE(2, 5),
				      .confirmable = true,
				      .options = format,
				      .n_options = 1,
				      .priority = leg->priority };
}

void th_poller_registered(struct th_poller *p)
{
	const struct th_coap_head head = { .code = TH_SYNC_CODE_VALID, .confirmable = true, .observe = true };
	struct th_leg *leg = p->leg;

	p->told = true;
	if (th_coap_respond(leg->node->coap, leg->id, &head, th_poller_now(p)) == TH_OK)
		th_coap_end(leg->node->coap, leg->id, th_poller_now(p));
	else
		th_poller_end(p, th_leg_drop);
}

void th_poller_refuse(struct th_poller *p, const struct th_failure *why)
{
	p->stage = TH_POLLER_LAST;
	th_poller_detach(p);
	th_egress_refuse(p->leg, why);
	th_flow_close(&p->leg->flow, NULL);
	th_leg_settle(p->leg);
}

void th_poller_send_whole(struct th_poller *p, bool notify)
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
		th_poller_broken(p, TH_ERR_MALFORMED);
		return;
	}
	leg->report.answered = th_poller_now(p);
	leg->report.status = head.status;
	err = th_leg_compose(leg, &head, th_buf_data(&p->body), p->body.n);
	if (err != TH_OK) {
		th_poller_broken(p, err);
		return;
	}
	out.observe = out.accept = notify && leg->out.n <= th_coap_room(coap, leg->id, &out);
	if (!out.observe)
		out.code = TH_COAP_CODE(2, 4);
	if (out.observe)
		th_poller_owes(p);
	else
		p->stage = TH_POLLER_LAST;
	p->told = true;
	th_buf_free(&p->body);
	err = th_coap_respond(coap, leg->id, &out, th_poller_now(p));
	if (err != TH_OK) {
		th_poller_broken(p, err);
		return;
	}
	leg->out_end = true;
	if (!out.observe)
		th_poller_detach(p);
	th_leg_can_send(leg);
}

void th_poller_send_on(struct th_poller *p)
{
	struct th_leg *leg = p->leg;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_coap_option option;
	uint8_t bytes[2];
	struct th_coap_head out = answer_head(leg, &option, bytes);
	struct th_head head;
	enum th_err err = TH_ERR_MALFORMED;

	p->stage = TH_POLLER_LAST;
	p->streaming = true;
	leg->out_end = false; /* that of the notification before */
	th_poller_detach(p);
	out.code = TH_COAP_CODE(2, 4);
	if (th_sync_head_read(&p->head, &head, fields, false)) {
		leg->report.answered = th_poller_now(p);
		leg->report.status = head.status;
		err = th_coap_respond(leg->node->coap, leg->id, &out, th_poller_now(p));
		if (err == TH_OK)
			err = th_leg_send_head(leg, &head);
	}
	if (err != TH_OK)
		th_poller_broken(p, err);
}

bool th_poller_flush(struct th_poller *p)
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

void th_poller_can_send(struct th_leg *leg)
{
	struct th_poller *p = leg->poller;

	if (p->stage == TH_POLLER_OWED && leg->out.n == 0) {
		th_poller_accepted(p);
		return;
	}
	if (!p->streaming || leg->out_end) { /* a coder may have the end still to give */
		th_leg_can_send(leg);
		return;
	}
	th_leg_hand_on(leg);
	if (leg->out.n == 0 && leg->id && th_poller_flush(p))
		th_flow_resume(&leg->flow);
}
