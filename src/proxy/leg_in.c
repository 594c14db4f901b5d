/* The incoming half of a leg: CoAP body ─▶ envelope ─▶ flow.
 *
 * In the identity and the bulk coding (leg_bulk.c) it streams. In any other the message is gathered whole in leg->in,
 * decoded into the identity coding there, and given to the flow as that takes it. */
#include "codec/envelope.h"
#include "proxy/coding.h"
#include "proxy/core.h"

void th_leg_fail(struct th_leg *leg, enum th_err err)
{
	leg->ops->failed(leg, err);
	th_leg_settle(leg);
}

static size_t take_small(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t keep = leg->in.n < TH_LEG_SMALL_MAX ? TH_LEG_SMALL_MAX - leg->in.n : 0;

	(void)th_buf_append(&leg->in, p, n < keep ? n : keep); /* best effort: it only explains */
	return n;
}

enum th_err th_leg_read_head(struct th_leg *leg, const uint8_t *p, size_t n)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head head;
	enum th_err err = th_leg_is_ingress(leg) ? th_envelope_read_response(&head, fields, p, n)
						 : th_envelope_read_request(&head, fields, p, n);

	if (err != TH_OK)
		return err;
	leg->in_head = true;
	leg->in_left = head.body_len;
	th_leg_count_head(leg, false, &head);
	leg->ops->head(leg, &head);
	return TH_OK;
}

/* Returns how many of the n bytes belonged to the head. */
static size_t take_head(struct th_leg *leg, const uint8_t *p, size_t n, enum th_err *err)
{
	size_t had = leg->in.n;
	size_t len = 0;

	*err = had ? TH_OK : th_envelope_length(p, n, &len);
	if (*err == TH_OK && had == 0 && len > 0 && len <= n) {
		*err = th_leg_read_head(leg, p, len);
		return len;
	}
	if (*err == TH_OK)
		*err = th_buf_append(&leg->in, p, n);
	if (*err == TH_OK)
		*err = th_envelope_length(th_buf_data(&leg->in), leg->in.n, &len);
	if (*err != TH_OK || len == 0 || len > leg->in.n)
		return n;
	*err = th_leg_read_head(leg, th_buf_data(&leg->in), len);
	th_buf_free(&leg->in);
	return len - had;
}

size_t th_leg_take_body(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t taken;

	if (leg->in_left != TH_BODY_UNKNOWN && (uint64_t)leg->in_left < n) {
		th_leg_fail(leg, TH_ERR_MALFORMED);
		return n;
	}
	taken = th_flow_data(&leg->flow, p, n);
	if (leg->in_left != TH_BODY_UNKNOWN)
		leg->in_left -= (int64_t)taken;
	th_leg_count(leg, false, taken);
	return taken;
}

size_t th_leg_take(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t used = 0;
	enum th_err err = TH_OK;

	if (leg->content == TH_LEG_SMALL)
		return take_small(leg, p, n);
	if (!leg->in_head && leg->in.n == 0 && n > 0) {
		leg->coded = th_coding_knows(leg, p[0]);
		leg->bulk = p[0] == TH_CODING_BULK && th_coding_wanted(leg);
	}
	if (leg->bulk)
		return th_bulk_take(leg, p, n);
	if (leg->coded)
		err = th_buf_append(&leg->in, p, n);
	else if (!leg->in_head)
		used = take_head(leg, p, n, &err);
	if (err != TH_OK) {
		th_leg_fail(leg, err);
		return n;
	}
	if (leg->coded || used == n)
		return n;
	return used + th_leg_take_body(leg, p + used, n - used);
}

void th_leg_end_in(struct th_leg *leg)
{
	bool whole = leg->content == TH_LEG_SMALL ||
		     (leg->in_head && (leg->in_left == 0 || leg->in_left == TH_BODY_UNKNOWN));

	leg->in_end = true;
	if (!whole) {
		th_leg_fail(leg, TH_ERR_CLOSED);
		return;
	}
	leg->ops->end(leg);
	th_leg_settle(leg);
}

/* What was decoded goes to the flow as far as it takes it. */
static void offer(struct th_leg *leg)
{
	size_t had;

	if (leg->offering)
		return;
	leg->offering = true;
	do {
		had = leg->in.n;
		th_buf_consume(&leg->in, th_leg_take_body(leg, th_buf_data(&leg->in), had));
	} while (leg->in.n > 0 && leg->in.n < had && th_flow_open(&leg->flow));
	leg->offering = false;
	if (leg->in.n == 0 && !leg->dead)
		th_leg_end_in(leg);
}

static void decode(struct th_leg *leg)
{
	enum th_err err = th_coding_decode(leg, &leg->in);
	size_t len = 0;

	leg->coded = false;
	leg->decoded = true;
	if (err == TH_OK)
		err = th_envelope_length(th_buf_data(&leg->in), leg->in.n, &len);
	if (err == TH_OK && (len == 0 || len > leg->in.n))
		err = TH_ERR_MALFORMED;
	if (err == TH_OK) {
		leg->offering = true; /* whoever gets the head may want the body at once, before it is at its place */
		err = th_leg_read_head(leg, th_buf_data(&leg->in), len);
		leg->offering = false;
	}
	if (err != TH_OK) {
		th_leg_fail(leg, err);
		return;
	}
	if (leg->dead)
		return;
	th_buf_consume(&leg->in, len);
	if (leg->in.n == 0)
		th_leg_end_in(leg);
	else
		offer(leg);
}

void th_leg_take_end(struct th_leg *leg)
{
	if (leg->in_end || leg->decoded)
		return;
	if (leg->bulk)
		th_bulk_take_end(leg);
	else if (leg->coded)
		decode(leg);
	else
		th_leg_end_in(leg);
}

void th_leg_on_resume(struct th_flow *self)
{
	struct th_leg *leg = th_leg_of(self);

	if (leg->bulk)
		th_bulk_resume(leg);
	else if (leg->decoded && !leg->in_end)
		offer(leg);
	else if (leg->id)
		th_coap_resume(leg->node->coap, leg->id, th_node_now(leg->node));
}
