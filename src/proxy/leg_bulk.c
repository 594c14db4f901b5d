/* Large bodies of a leg in a session: flow ⇄ stream coder (codec/bulk.h) ⇄ CoAP body.
 *
 * Out: bytes go into the coder as the flow has them, and what it makes of them into leg->out. It is flushed when the
 * engine has next to nothing left to send: on a thin link blocks grow to what the coder likes best, on a quick one
 * nobody waits. In: leg->in holds the head until it is whole, later a piece of the body that the flow has not taken
 * yet. The coder yields the next one when that is gone, so however far a stream expands, no more than a piece is ever
 * there. */
#include "codec/bulk.h"
#include "proxy/coding.h"
#include "proxy/core.h"
#include "proxy/dialogue.h"

enum {
	PIECE = 16 * 1024,
	ENOUGH = 16 * 1024, /* in leg->out: the coder goes on when it has left */
	HUNGRY = 4 * 1024,  /* of the engine: so little left to send */
};

/* ---- out ---- */

bool th_bulk_wanted(const struct th_leg *leg)
{
	return leg->dialogue && leg->dialogue->heard && leg->node->packers < TH_BULK_PACKERS_MAX;
}

void th_bulk_end_out(struct th_leg *leg)
{
	if (!leg->packer)
		return;
	th_list_remove(&leg->unflushed);
	th_bulk_encoder_del(leg->packer);
	leg->packer = NULL;
	leg->node->packers--;
}

enum th_err th_bulk_begin(struct th_leg *leg, const struct th_head *head)
{
	const struct th_field *type = th_head_find(head, TH_STR("Content-Type"));
	enum th_err err;

	leg->packer = th_bulk_encoder_new(leg->node->mem, type ? type->value : TH_STR(""),
					  th_coding_is_long_worth_it(leg) ? th_coding_piece_tools(leg) : NULL);
	if (!leg->packer)
		return TH_ERR_NO_MEMORY;
	leg->node->packers++;
	leg->packing = TH_BULK_MORE;
	err = th_coding_write_bulk_head(leg, head, &leg->out);
	if (err != TH_OK)
		th_bulk_end_out(leg);
	return err;
}

/* Codes p while leg->out has less than `enough`. *done: all of it, and what leg->packing asks for is out. Without
 * memory the coder goes. */
static size_t pack(struct th_leg *leg, const uint8_t *p, size_t n, size_t enough, bool *done)
{
	size_t taken = 0;

	*done = false;
	while (!*done && leg->out.n < enough) {
		uint8_t *room = th_buf_reserve(&leg->out, PIECE);
		struct th_bulk_step step;

		if (!room ||
		    th_bulk_encode(leg->packer, p + taken, n - taken, leg->packing, room, PIECE, &step) != TH_OK) {
			th_bulk_end_out(leg);
			leg->broken = true;
			break;
		}
		th_buf_commit(&leg->out, step.written);
		taken += step.taken;
		*done = step.done;
	}
	return taken;
}

bool th_bulk_turn(struct th_leg *leg)
{
	static const uint8_t nothing[1] = { 0 };
	bool done;

	if (leg->packing == TH_BULK_MORE && leg->out_end)
		leg->packing = TH_BULK_END;
	while (leg->packer && leg->packing != TH_BULK_MORE) {
		(void)pack(leg, nothing, 0, ENOUGH, &done);
		if (!done)
			return false;
		if (leg->packing == TH_BULK_END)
			th_bulk_end_out(leg);
		else
			leg->packing = leg->out_end ? TH_BULK_END : TH_BULK_MORE;
	}
	return true;
}

size_t th_bulk_put(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t taken;
	bool done;

	if ((leg->out.n > 0 && !leg->unanswered) || !th_bulk_turn(leg) || !leg->packer)
		return 0;
	taken = pack(leg, p, n, ENOUGH, &done);
	if (leg->packer && !th_list_linked(&leg->unflushed))
		th_list_push(&leg->node->unflushed, &leg->unflushed);
	return taken;
}

enum th_err th_bulk_take_over(struct th_leg *leg)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_buf plain = leg->out;
	struct th_head head;
	size_t len = 0;
	enum th_err err = th_envelope_length(th_buf_data(&plain), plain.n, &len);
	bool done;

	if (err == TH_OK)
		err = th_leg_is_ingress(leg) ? th_envelope_read_request(&head, fields, th_buf_data(&plain), len)
					     : th_envelope_read_response(&head, fields, th_buf_data(&plain), len);
	if (err != TH_OK)
		return err;
	th_buf_init(&leg->out, leg->node->mem, TH_LEG_BUF_MAX);
	err = th_bulk_begin(leg, &head);
	if (err == TH_OK)
		(void)pack(leg, th_buf_data(&plain) + len, plain.n - len, SIZE_MAX, &done);
	if (leg->packer) {
		th_list_push(&leg->node->unflushed, &leg->unflushed);
		th_buf_free(&plain);
		return TH_OK;
	}
	th_buf_free(&leg->out);
	leg->out = plain;
	leg->broken = false;
	return TH_ERR_NO_MEMORY;
}

void th_bulk_flush(struct th_node *n)
{
	/* Each once: those that are flushed may be back before this ends. */
	for (size_t i = n->packers; i > 0 && !th_list_empty(&n->unflushed); i--) {
		struct th_leg *leg = TH_OWNER(th_list_pop(&n->unflushed), struct th_leg, unflushed);

		if (leg->packing != TH_BULK_MORE || (leg->out.n > 0 && !leg->unanswered) ||
		    th_coap_unsent(n->coap, leg->id) > HUNGRY) {
			th_list_push(&n->unflushed, &leg->unflushed);
			continue;
		}
		leg->packing = TH_BULK_FLUSH;
		th_leg_can_send(leg);
	}
}

/* ---- in ---- */

void th_bulk_end_in(struct th_leg *leg)
{
	if (!leg->unpacker)
		return;
	th_bulk_decoder_del(leg->unpacker);
	leg->unpacker = NULL;
	leg->node->unpackers--;
}

/* Gathers the head, not a byte more, and begins with the body. Returns how many bytes belonged to it. */
static size_t take_head(struct th_leg *leg, const uint8_t *p, size_t n, enum th_err *err)
{
	struct th_node *node = leg->node;
	size_t used = 0, len = 0;

	*err = TH_OK;
	while (*err == TH_OK && used < n && (len == 0 || leg->in.n < len)) {
		size_t want = len ? len - leg->in.n : 1; /* the length stands in the first bytes */

		want = want < n - used ? want : n - used;
		*err = th_buf_append(&leg->in, p + used, want);
		used += want;
		if (*err == TH_OK && len == 0)
			*err = th_bulk_head_length(th_buf_data(&leg->in), leg->in.n, &len);
	}
	if (*err != TH_OK || len == 0 || leg->in.n < len)
		return used;
	if (node->unpackers >= TH_BULK_UNPACKERS_MAX)
		*err = TH_ERR_FULL;
	else
		*err = th_coding_read_bulk_head(leg, &leg->in);
	if (*err == TH_OK)
		*err = th_leg_read_head(leg, th_buf_data(&leg->in), leg->in.n);
	th_buf_free(&leg->in);
	if (*err != TH_OK)
		return used;
	leg->unpacker =
		th_bulk_decoder_new(node->mem, leg->in_left == TH_BODY_UNKNOWN ? UINT64_MAX : (uint64_t)leg->in_left,
				    th_leg_is_ingress(leg) ? th_coding_piece_tools(leg) : NULL);
	if (leg->unpacker)
		node->unpackers++;
	else
		*err = TH_ERR_NO_MEMORY;
	return used;
}

/* Decodes p into the flow as far as it takes that. Returns how much was used; leg->pouring: more is to come out of it.
 */
static size_t pour(struct th_leg *leg, const uint8_t *p, size_t n)
{
	struct th_bulk_step step = { .done = false };
	enum th_err err = TH_OK;
	size_t used = 0;

	leg->offering = leg->pouring = true;
	while (leg->pouring && th_flow_open(&leg->flow)) {
		uint8_t *room;

		leg->again = false;
		if (leg->in.n > 0)
			th_buf_consume(&leg->in, th_leg_take_body(leg, th_buf_data(&leg->in), leg->in.n));
		if (leg->in.n > 0 && leg->again)
			continue;
		if (leg->in.n > 0 || !leg->unpacker)
			break;
		if (step.done) {
			leg->pouring = false;
			break;
		}
		room = th_buf_reserve(&leg->in, PIECE);
		err = room ? th_bulk_decode(leg->unpacker, p + used, n - used, room, PIECE, &step) : TH_ERR_NO_MEMORY;
		if (err != TH_OK)
			break;
		th_buf_commit(&leg->in, step.written);
		used += step.taken;
	}
	leg->offering = false;
	if (err != TH_OK)
		th_leg_fail(leg, err);
	if (!th_flow_open(&leg->flow)) {
		leg->pouring = false; /* nobody wants the rest */
		return n;
	}
	return used;
}

/* All that came was given to the flow. */
static void end_if_whole(struct th_leg *leg)
{
	enum th_err err;

	if (!leg->in_whole || leg->pouring || leg->in_end || leg->dead)
		return;
	err = leg->unpacker && th_flow_open(&leg->flow) ? th_bulk_decoder_end(leg->unpacker) : TH_OK;
	th_bulk_end_in(leg);
	th_buf_free(&leg->in);
	if (err == TH_OK)
		th_leg_end_in(leg);
	else
		th_leg_fail(leg, err);
}

size_t th_bulk_take(struct th_leg *leg, const uint8_t *p, size_t n)
{
	enum th_err err = TH_OK;
	size_t used = 0;

	if (leg->offering || (leg->unpacker && leg->in.n > 0))
		return 0; /* who offers goes on, or the flow has to ask for more first */
	if (!leg->unpacker)
		used = take_head(leg, p, n, &err);
	if (err != TH_OK) {
		th_leg_fail(leg, err);
		return n;
	}
	return leg->unpacker ? used + pour(leg, p + used, n - used) : n;
}

void th_bulk_take_end(struct th_leg *leg)
{
	leg->in_whole = true;
	if (!leg->unpacker && !leg->in_head)
		th_leg_fail(leg, TH_ERR_CLOSED);
	else
		end_if_whole(leg);
}

void th_bulk_resume(struct th_leg *leg)
{
	static const uint8_t nothing[1] = { 0 };

	leg->again = true;
	if (leg->offering)
		return; /* who offers goes on */
	if (leg->pouring)
		(void)pour(leg, nothing, 0);
	if (leg->pouring)
		return;
	if (leg->in_whole)
		end_if_whole(leg);
	else if (leg->id)
		th_coap_resume(leg->node->coap, leg->id, th_node_now(leg->node));
}
