/* The outgoing half of a leg: flow ─▶ envelope ─▶ CoAP body.
 *
 * A message that may be coded is gathered whole first; one that is too long for that streams: in the bulk coding
 * (leg_bulk.c) once the peer has said its hello, else, as one that nobody may code, in the identity coding. */
#include "codec/envelope.h"
#include "exchange/date.h"
#include "proxy/coding.h"
#include "proxy/core.h"

enum { ENCODE_STACK = 4096 };

/* What the engine does not take waits in leg->out. The engine may ask for more while it takes some. */
void th_leg_hand_on(struct th_leg *leg)
{
	size_t taken;

	if (leg->handing)
		return;
	if (leg->unanswered) {
		leg->unanswered = false;
		if (th_egress_answer(leg) != TH_OK) { /* no memory: the ingress half hears of it */
			th_leg_drop(leg);
			th_buf_free(&leg->out);
			th_flow_close(&leg->flow, NULL);
			th_leg_settle(leg);
			return;
		}
	}
	leg->handing = true;
	do {
		taken = leg->out.n == 0 ? 0
					: th_coap_write(leg->node->coap, leg->id, th_buf_data(&leg->out), leg->out.n,
							th_node_now(leg->node));
		th_buf_consume(&leg->out, taken);
	} while (taken > 0 && leg->out.n > 0);
	leg->handing = false;
	if (leg->out.n == 0)
		th_buf_free(&leg->out);
}

static enum th_err encode(struct th_leg *leg, const struct th_head *head)
{
	uint8_t small[ENCODE_STACK];
	size_t need = th_envelope_write(head, small, sizeof(small));
	uint8_t *large;

	if (need <= sizeof(small))
		return th_buf_append(&leg->out, small, need);
	if (need > TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX)
		return TH_ERR_TOO_LARGE;
	large = th_buf_reserve(&leg->out, need);
	if (!large)
		return TH_ERR_NO_MEMORY;
	th_envelope_write(head, large, need);
	th_buf_commit(&leg->out, need);
	return TH_OK;
}

/* What of a head crosses. */
static enum th_err filter(struct th_leg *leg, const struct th_head *head,
			  struct th_field fields[static TH_HEAD_FIELDS_MAX], struct th_head *out)
{
	if (head->n_fields > TH_HEAD_FIELDS_MAX)
		return TH_ERR_TOO_LARGE;
	th_leg_count_head(leg, true, head);
	leg->date = th_date_of(head);
	*out = *head;
	out->n_fields = th_policy_filter(&leg->node->config.policy, head, fields);
	out->fields = fields;
	return TH_OK;
}

/* The head of an answer whose body is coded goes with the first bytes of that: until then the answer may still break
 * off. */
static bool waits_for_body(const struct th_leg *leg)
{
	return leg->packer && leg->unanswered;
}

enum th_err th_leg_send_head(struct th_leg *leg, const struct th_head *head)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head filtered;
	enum th_err err = filter(leg, head, fields, &filtered);

	if (err != TH_OK)
		return err;
	leg->gather_max = th_coding_wanted(leg) ? th_coding_gather_max(leg, &filtered) : 0;
	leg->gathering = leg->gather_max > 0 && head->body_len <= (int64_t)leg->gather_max;
	err = !leg->gathering && th_bulk_wanted(leg) ? th_bulk_begin(leg, &filtered) : encode(leg, &filtered);
	leg->gathering = leg->gathering && err == TH_OK;
	if (err == TH_OK && !leg->gathering && !waits_for_body(leg))
		th_leg_hand_on(leg);
	return err;
}

enum th_err th_leg_compose(struct th_leg *leg, const struct th_head *head, const uint8_t *body, size_t n)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head filtered;
	enum th_err err;

	th_buf_free(&leg->out);
	leg->out_end = false;
	err = filter(leg, head, fields, &filtered);
	if (err == TH_OK)
		err = encode(leg, &filtered);
	if (err == TH_OK)
		err = th_buf_append(&leg->out, body, n);
	if (err != TH_OK) {
		th_buf_free(&leg->out);
		return err;
	}
	th_leg_count(leg, true, n);
	if (th_coding_wanted(leg))
		(void)th_coding_encode(leg, &leg->out);
	return TH_OK;
}

/* True: all of it was put to what is gathered. False: it does not fit, and what is gathered streams from now on. */
static bool gather(struct th_leg *leg, const uint8_t *p, size_t n)
{
	if (n <= leg->gather_max && leg->out.n <= leg->gather_max - n && th_buf_append(&leg->out, p, n) == TH_OK)
		return true;
	leg->gathering = false;
	if (th_bulk_wanted(leg))
		(void)th_bulk_take_over(leg); /* else it streams as it is */
	if (!waits_for_body(leg))
		th_leg_hand_on(leg);
	return false;
}

/* True: the coder is gone, and with it the exchange. */
static bool is_broken(struct th_leg *leg)
{
	if (!leg->broken)
		return false;
	leg->broken = false;
	th_leg_fail(leg, TH_ERR_NO_MEMORY);
	return true;
}

static size_t pack(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t taken = 0, had;

	do {
		had = leg->out.n;
		taken += leg->packer ? th_bulk_put(leg, p + taken, n - taken) : 0;
		if (!waits_for_body(leg) || leg->out.n > had)
			th_leg_hand_on(leg);
	} while (leg->packer && taken < n && leg->out.n == 0);
	if (is_broken(leg) || !leg->id)
		return n;
	th_leg_count(leg, true, taken);
	return taken;
}

static size_t take(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t taken;

	if (!leg->id)
		return n;
	if (leg->gathering && gather(leg, p, n)) {
		th_leg_count(leg, true, n);
		return n;
	}
	if (!leg->id)
		return n;
	if (leg->packer || leg->broken)
		return pack(leg, p, n);
	if (leg->out.n > 0)
		return 0;
	taken = th_coap_write(leg->node->coap, leg->id, p, n, th_node_now(leg->node));
	th_leg_count(leg, true, taken);
	return taken;
}

size_t th_leg_on_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	struct th_leg *leg = th_leg_of(self);
	size_t taken;

	leg->owes_resume = true; /* the engine may ask for more before it returns */
	taken = take(leg, p, n);
	if (taken == n)
		leg->owes_resume = false;
	return taken;
}

static void finish(struct th_leg *leg)
{
	th_coap_end(leg->node->coap, leg->id, th_node_now(leg->node));
	if (!th_leg_is_ingress(leg) || !leg->dialogue)
		return;
	th_coding_sent(leg);
	if (!leg->far && th_coding_is_late(leg)) { /* it waits, and others may go first */
		leg->far = true;
		leg->node->stats.requests_late++;
		th_ingress_again(leg);
	}
}

void th_leg_send_end(struct th_leg *leg)
{
	leg->out_end = true;
	if (!leg->id)
		return;
	if (leg->gathering) {
		leg->gathering = false;
		if (!th_coding_encode(leg, &leg->out) && th_bulk_wanted(leg))
			(void)th_bulk_take_over(leg); /* else it goes as it is */
		if (!waits_for_body(leg))
			th_leg_hand_on(leg);
	}
	if (leg->packer) {
		th_leg_can_send(leg);
		return;
	}
	if (leg->out.n > 0)
		th_leg_hand_on(leg);
	if (leg->out.n == 0 && leg->id)
		finish(leg);
}

void th_leg_can_send(struct th_leg *leg)
{
	bool more;

	if (leg->handing)
		return;
	do {
		more = leg->packer && !th_bulk_turn(leg);
		th_leg_hand_on(leg);
	} while (more && leg->out.n == 0);
	if (is_broken(leg) || leg->out.n > 0 || !leg->id)
		return;
	if (leg->out_end) {
		finish(leg);
	} else if (leg->owes_resume) {
		leg->owes_resume = false;
		th_flow_resume(&leg->flow);
	}
}
