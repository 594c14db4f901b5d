/* Writing: plan() says which shape a message has, put_head() writes what stands before options and payload. Reading
 * builds the message the shape stands for, plans it again and compares: so there is one form for each message only. */
#include "coap/compact.h"

#include <string.h>

#include "coap/option.h"
#include "coap/shape.h"

enum {
	HEAD_MAX = 32,	       /* shape, references, two varints; or shape, code, Message ID, token */
	UINT_MAX_3 = 0xffffff, /* Observe and blocks: uint options of at most 3 bytes */
	BACK_8 = 1 << 8,       /* how far back a token's message may be */
	BACK_16 = 1 << 16,
	CONTENT_FORMAT_BYTES = 2,
};

enum {
	CODE_CHANGED = TH_COAP_CODE(2, 4),
	CODE_CONTENT = TH_COAP_CODE(2, 5),
	CODE_CONTINUE = TH_COAP_CODE(2, 31),
};

/* The code that a whole envelope or its blocks travel under in that form. */
static uint8_t envelope_code(unsigned form)
{
	return th_compact_forms[form].ref ? CODE_CHANGED : TH_COAP_POST;
}

static bool is_request(uint8_t code)
{
	return code >> 5 == 0;
}

/* What a message's shape says, and the numbers that follow it. */
struct plan {
	const struct th_compact_shape *shape;
	unsigned form, content;
	uint64_t ref;	 /* the receiver's message */
	uint64_t back;	 /* how far before that, or before the message itself, the token's is; minus 1 */
	uint64_t target; /* how far before the message the cancelled one is; minus 1 */
	uint32_t v[2];
	unsigned n_v;
	uint8_t coding;
};

/* Planning */

/* The form with 8 or 16 bits for a distance of `d` >= 1; `spelled` beyond. */
static unsigned by_distance(struct plan *p, uint64_t d, unsigned form_8, unsigned form_16, unsigned spelled)
{
	p->back = d - 1;
	if (d <= BACK_8)
		return form_8;
	return d <= BACK_16 ? form_16 : spelled;
}

static unsigned by_bits(unsigned bits, unsigned form_8, unsigned form_16, unsigned spelled)
{
	if (bits == TH_NAMING_NARROW_BITS)
		return form_8;
	return bits == TH_NAMING_WIDE_BITS ? form_16 : spelled;
}

static unsigned plan_request(struct plan *p, bool con, bool named, uint64_t token, uint64_t number)
{
	if (named && token == number)
		return con ? TH_FORM_ASK : TH_FORM_TELL;
	if (named && token < number && con)
		return by_distance(p, number - token, TH_FORM_ASK_8, TH_FORM_ASK_16, TH_FORM_OWN_CON);
	return con ? TH_FORM_OWN_CON : TH_FORM_OWN_NON;
}

/* CON and NON. */
static unsigned plan_message(struct plan *p, const struct th_coap_pdu *pdu, uint64_t number, uint64_t heard)
{
	bool con = pdu->type == TH_COAP_CON;
	uint64_t token = 0;
	bool named = th_naming_number(pdu->token, pdu->token_len, &token);

	if (pdu->mid != (uint16_t)number)
		return con ? TH_FORM_ALL_CON : TH_FORM_ALL_NON;
	if (pdu->code == TH_COAP_EMPTY)
		return con ? TH_FORM_PING : TH_FORM_OWN_NON;
	if (is_request(pdu->code))
		return plan_request(p, con, named, token, number);
	p->ref = token;
	if (con)
		return by_bits(named ? th_naming_refer(heard, token) : 0, TH_FORM_CON_8, TH_FORM_CON_16,
			       TH_FORM_OWN_CON);
	return by_bits(named ? th_naming_refer(heard, token) : 0, TH_FORM_NON_8, TH_FORM_NON_16, TH_FORM_OWN_NON);
}

/* ACK and RST. An Empty one has nothing but its Message ID, which 16 bits always are. */
static unsigned plan_reply(struct plan *p, const struct th_coap_pdu *pdu, uint64_t heard)
{
	bool ack = pdu->type == TH_COAP_ACK;
	bool known = th_naming_of_mid(heard, pdu->mid, &p->ref);
	unsigned bits = known ? th_naming_refer(heard, p->ref) : 0;
	uint64_t token = 0;
	bool named = th_naming_number(pdu->token, pdu->token_len, &token);

	if (pdu->code == TH_COAP_EMPTY) {
		bool narrow = bits == TH_NAMING_NARROW_BITS;

		p->ref = narrow ? p->ref : pdu->mid;
		if (ack)
			return narrow ? TH_FORM_EMPTY_ACK_8 : TH_FORM_EMPTY_ACK_16;
		return narrow ? TH_FORM_RST_8 : TH_FORM_RST_16;
	}
	if (!ack || bits == 0 || !named || token > p->ref)
		return ack ? TH_FORM_ALL_ACK : TH_FORM_ALL_RST;
	if (token == p->ref)
		return by_bits(bits, TH_FORM_ACK_8, TH_FORM_ACK_16, TH_FORM_ALL_ACK);
	/* both short or both long */
	return by_distance(p, p->ref - token, bits == TH_NAMING_NARROW_BITS ? TH_FORM_ACK_8_8 : TH_FORM_ACK_16_16,
			   TH_FORM_ACK_16_16, TH_FORM_ALL_ACK);
}

/* Whether the option is that number with a uint in its shortest form of at most 3 bytes. */
static bool is_uint(const struct th_coap_option *o, uint16_t number, uint32_t *v)
{
	*v = 0;
	if (o->number != number || o->n > 3 || (o->n > 0 && o->p[0] == 0))
		return false;
	*v = th_coap_option_uint(o);
	return true;
}

static bool is_format(const struct th_coap_option *o, uint16_t format)
{
	uint32_t v;

	return is_uint(o, TH_COAP_OPT_CONTENT_FORMAT, &v) && v == format;
}

static bool has_coding(const struct th_coap_pdu *pdu)
{
	return pdu->payload_len > 0 && pdu->payload_len <= TH_COMPACT_FOLD_MAX && pdu->payload[0] < TH_COMPACT_CODINGS;
}

static unsigned plan_cancel(struct plan *p, const struct th_coap_pdu *pdu, uint64_t number)
{
	uint64_t target;

	if (!th_naming_number(pdu->payload, pdu->payload_len, &target) || target >= number || number - target > BACK_16)
		return TH_CONTENT_ANY;
	p->target = number - target - 1;
	return number - target <= BACK_8 ? TH_CONTENT_CANCEL_8 : TH_CONTENT_CANCEL_16;
}

/* An envelope, whole or in blocks. */
static unsigned plan_envelope(struct plan *p, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = pdu->options;
	size_t n = pdu->n_options;

	if (pdu->code != envelope_code(p->form))
		return TH_CONTENT_ANY;
	if (n == 1)
		return has_coding(pdu) ? TH_CONTENT_ENVELOPE : TH_CONTENT_ANY;
	p->n_v = (unsigned)n - 1;
	if (n == 2 && is_uint(&o[1], TH_COAP_OPT_BLOCK1, &p->v[0]))
		return TH_CONTENT_BLOCK1;
	if (n == 2 && is_uint(&o[1], TH_COAP_OPT_BLOCK2, &p->v[0]))
		return TH_CONTENT_BLOCK2;
	if (n == 3 && is_uint(&o[1], TH_COAP_OPT_BLOCK2, &p->v[0]) && is_uint(&o[2], TH_COAP_OPT_BLOCK1, &p->v[1]))
		return TH_CONTENT_BLOCKS;
	return TH_CONTENT_ANY;
}

static unsigned plan_observe(struct plan *p, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = pdu->options;

	if (pdu->n_options != 2 || !is_uint(&o[0], TH_COAP_OPT_OBSERVE, &p->v[0]) ||
	    !is_format(&o[1], TH_COMPACT_ENVELOPE) || !has_coding(pdu))
		return TH_CONTENT_ANY;
	if (pdu->code == TH_COAP_FETCH && p->v[0] == 0)
		return TH_CONTENT_REGISTER;
	p->n_v = 1;
	return pdu->code == CODE_CONTENT ? TH_CONTENT_NOTIFY : TH_CONTENT_ANY;
}

static unsigned plan_content(struct plan *p, const struct th_coap_pdu *pdu, uint64_t number)
{
	const struct th_coap_option *o = pdu->options;

	if (pdu->code == TH_COAP_EMPTY)
		return TH_CONTENT_NONE;
	if (pdu->n_options == 0)
		return TH_CONTENT_ANY;
	if (is_format(&o[0], TH_COMPACT_ENVELOPE))
		return plan_envelope(p, pdu);
	if (o[0].number == TH_COAP_OPT_OBSERVE)
		return plan_observe(p, pdu);
	if (pdu->n_options == 1 && pdu->code == TH_COAP_POST && is_format(&o[0], TH_COMPACT_CANCEL))
		return plan_cancel(p, pdu, number);
	p->n_v = 1;
	if (pdu->n_options == 1 && pdu->code == CODE_CONTINUE && pdu->payload_len == 0 &&
	    is_uint(&o[0], TH_COAP_OPT_BLOCK1, &p->v[0]))
		return TH_CONTENT_CONTINUE;
	return TH_CONTENT_ANY;
}

static struct plan plan(const struct th_coap_pdu *pdu, uint64_t number, uint64_t heard)
{
	struct plan p = { 0 };

	if (pdu->type == TH_COAP_CON || pdu->type == TH_COAP_NON)
		p.form = plan_message(&p, pdu, number, heard);
	else
		p.form = plan_reply(&p, pdu, heard);
	p.content = plan_content(&p, pdu, number);
	p.shape = th_compact_shape_for(p.form, p.content);
	if (!p.shape) {
		p.content = TH_CONTENT_ANY;
		p.shape = th_compact_shape_for(p.form, p.content);
	}
	if (p.content == TH_CONTENT_ANY || p.content == TH_CONTENT_NONE)
		p.n_v = 0;
	if (th_compact_folds(p.content))
		p.coding = pdu->payload[0];
	return p;
}

/* Writing */

static void put_head(const struct plan *p, const struct th_coap_pdu *pdu, struct th_wr *w)
{
	const struct th_compact_form_rule *f = &th_compact_forms[p->form];

	th_wr_uint(w, p->shape->first + p->coding, 1);
	th_wr_uint(w, p->ref, f->ref / 8);
	th_wr_uint(w, p->back, f->back / 8);
	if (p->content == TH_CONTENT_CANCEL_8 || p->content == TH_CONTENT_CANCEL_16)
		th_wr_uint(w, p->target, p->content == TH_CONTENT_CANCEL_8 ? 1 : 2);
	for (unsigned i = 0; i < p->n_v; i++)
		th_wr_varint(w, p->v[i]);
	if (p->content == TH_CONTENT_ANY)
		th_wr_uint(w, pdu->code, 1);
	if (f->mid)
		th_wr_uint(w, pdu->mid, 2);
	if (f->spelled && pdu->code != TH_COAP_EMPTY) {
		th_wr_uint(w, pdu->token_len, 1);
		th_wr_bytes(w, pdu->token, pdu->token_len);
	}
}

static void put_tail(const struct plan *p, const struct th_coap_pdu *pdu, struct th_wr *w)
{
	switch (p->content) {
	case TH_CONTENT_ANY:
		th_coap_pdu_write_tail(pdu, w);
		break;
	case TH_CONTENT_ENVELOPE:
	case TH_CONTENT_REGISTER:
	case TH_CONTENT_NOTIFY:
		th_wr_bytes(w, pdu->payload + 1, pdu->payload_len - 1);
		break;
	case TH_CONTENT_BLOCK1:
	case TH_CONTENT_BLOCK2:
	case TH_CONTENT_BLOCKS:
		th_wr_bytes(w, pdu->payload, pdu->payload_len);
		break;
	default: /* all is said */
		break;
	}
}

size_t th_compact_write(const struct th_coap_pdu *pdu, uint64_t number, uint64_t heard, uint8_t *out, size_t cap)
{
	struct plan p = plan(pdu, number, heard);
	struct th_wr w = th_wr_init(out, cap);

	put_head(&p, pdu, &w);
	put_tail(&p, pdu, &w);
	return w.n;
}

/* Reading */

struct reader {
	struct th_coap_pdu *pdu;
	struct th_compact_room *room;
	size_t values_n;
	struct th_rd r;
	uint64_t number;
	uint64_t heard; /* with which the same form would be written again */
};

static void add_uint(struct reader *rd, uint16_t option, uint32_t v)
{
	uint8_t *at = rd->room->values + rd->values_n;
	uint8_t bytes[4];
	size_t n = th_coap_uint_put(bytes, v);

	memcpy(at, bytes, n);
	rd->values_n += n;
	rd->pdu->options[rd->pdu->n_options++] = (struct th_coap_option){ option, (uint16_t)n, at };
}

static void add_varint(struct reader *rd, uint16_t option)
{
	add_uint(rd, option, (uint32_t)th_rd_varint(&rd->r, UINT_MAX_3));
}

static enum th_err read_reference(struct reader *rd, const struct th_naming *ours, unsigned bits, uint64_t *ref)
{
	uint64_t low = th_rd_uint(&rd->r, bits / 8);

	if (rd->r.err != TH_OK)
		return rd->r.err;
	if (!th_naming_resolve(ours, rd->number, low, bits, ref))
		return TH_ERR_NOT_FOUND;
	rd->room->refers = true;
	rd->room->referred = *ref;
	rd->heard = *ref + 1 + (bits == TH_NAMING_WIDE_BITS ? TH_NAMING_NARROW_RECENT : 0);
	return TH_OK;
}

/* Message ID and token, unless they are spelled out. */
static enum th_err read_names(struct reader *rd, const struct th_naming *ours, const struct th_compact_form_rule *f)
{
	struct th_coap_pdu *pdu = rd->pdu;
	uint64_t named = rd->number, back = 0;
	enum th_err err = f->ref ? read_reference(rd, ours, f->ref, &named) : TH_OK;

	if (err != TH_OK)
		return err;
	pdu->type = (enum th_coap_type)f->type;
	pdu->mid = (uint16_t)(pdu->type == TH_COAP_ACK || pdu->type == TH_COAP_RST ? named : rd->number);
	if (f->back)
		back = th_rd_uint(&rd->r, f->back / 8) + 1;
	if (rd->r.err != TH_OK || back > named)
		return TH_ERR_MALFORMED;
	if (!f->empty && !f->spelled)
		pdu->token_len = th_naming_token(named - back, pdu->token);
	return TH_OK;
}

static void read_spelled(struct reader *rd, const struct th_compact_form_rule *f)
{
	struct th_coap_pdu *pdu = rd->pdu;
	const uint8_t *token;

	if (f->mid)
		pdu->mid = (uint16_t)th_rd_uint(&rd->r, 2);
	if (pdu->code == TH_COAP_EMPTY)
		return;
	pdu->token_len = (uint8_t)th_rd_uint(&rd->r, 1);
	token = pdu->token_len <= TH_COAP_TOKEN_MAX ? th_rd_bytes(&rd->r, pdu->token_len) : NULL;
	if (token)
		memcpy(pdu->token, token, pdu->token_len);
	else
		th_rd_fail(&rd->r, TH_ERR_MALFORMED);
}

static void read_cancel(struct reader *rd, size_t bytes)
{
	uint64_t back = th_rd_uint(&rd->r, bytes) + 1;
	uint8_t *at;

	add_uint(rd, TH_COAP_OPT_CONTENT_FORMAT, TH_COMPACT_CANCEL);
	if (back > rd->number) {
		th_rd_fail(&rd->r, TH_ERR_MALFORMED);
		return;
	}
	at = rd->room->values + CONTENT_FORMAT_BYTES;
	rd->pdu->payload = at;
	rd->pdu->payload_len = th_naming_token(rd->number - back, at);
}

/* Code and options, up to the payload. */
static void read_content(struct reader *rd, const struct th_compact_form_rule *f, unsigned content)
{
	switch (content) {
	case TH_CONTENT_NONE:
		return;
	case TH_CONTENT_ANY:
		rd->pdu->code = (uint8_t)th_rd_uint(&rd->r, 1);
		if (f->spelled)
			read_spelled(rd, f);
		return;
	case TH_CONTENT_CANCEL_8:
		read_cancel(rd, 1);
		return;
	case TH_CONTENT_CANCEL_16:
		read_cancel(rd, 2);
		return;
	case TH_CONTENT_CONTINUE:
		rd->pdu->code = CODE_CONTINUE;
		add_varint(rd, TH_COAP_OPT_BLOCK1);
		return;
	case TH_CONTENT_REGISTER:
		rd->pdu->code = TH_COAP_FETCH;
		add_uint(rd, TH_COAP_OPT_OBSERVE, 0);
		break;
	case TH_CONTENT_NOTIFY:
		rd->pdu->code = CODE_CONTENT;
		add_varint(rd, TH_COAP_OPT_OBSERVE);
		break;
	default:
		break;
	}
	add_uint(rd, TH_COAP_OPT_CONTENT_FORMAT, TH_COMPACT_ENVELOPE);
	if (content == TH_CONTENT_BLOCK2 || content == TH_CONTENT_BLOCKS)
		add_varint(rd, TH_COAP_OPT_BLOCK2);
	if (content == TH_CONTENT_BLOCK1 || content == TH_CONTENT_BLOCKS)
		add_varint(rd, TH_COAP_OPT_BLOCK1);
}

static enum th_err read_rest(struct reader *rd, unsigned content, uint8_t coding)
{
	struct th_coap_pdu *pdu = rd->pdu;
	size_t n = th_rd_left(&rd->r);
	const uint8_t *p;

	if (content == TH_CONTENT_ANY && pdu->code != TH_COAP_EMPTY)
		return th_coap_pdu_read_tail(pdu, &rd->r);
	if (th_compact_folds(content)) {
		if (n >= TH_COMPACT_FOLD_MAX)
			return TH_ERR_MALFORMED;
		rd->room->payload[0] = coding;
		if (n)
			memcpy(rd->room->payload + 1, th_rd_bytes(&rd->r, n), n);
		pdu->payload = rd->room->payload;
		pdu->payload_len = n + 1;
		return TH_OK;
	}
	if (content != TH_CONTENT_BLOCK1 && content != TH_CONTENT_BLOCK2 && content != TH_CONTENT_BLOCKS)
		return n == 0 ? TH_OK : TH_ERR_MALFORMED;
	p = th_rd_bytes(&rd->r, n);
	pdu->payload = n ? p : NULL;
	pdu->payload_len = n;
	return TH_OK;
}

/* Whether the message's head is written as it was read. */
static bool is_canonical(const struct reader *rd, const uint8_t *p, size_t n)
{
	uint8_t head[HEAD_MAX];
	struct th_wr w = th_wr_init(head, sizeof(head));
	struct plan again = plan(rd->pdu, rd->number, rd->heard);

	put_head(&again, rd->pdu, &w);
	return th_wr_ok(&w) && w.n == n && memcmp(head, p, n) == 0;
}

enum th_err th_compact_read(struct th_coap_pdu *pdu, struct th_compact_room *room, const struct th_naming *ours,
			    uint64_t number, const uint8_t *p, size_t n)
{
	struct reader rd = { .pdu = pdu, .room = room, .r = th_rd_init(p, n), .number = number };
	uint8_t first = (uint8_t)th_rd_uint(&rd.r, 1);
	const struct th_compact_shape *shape = th_compact_shape_of(first);
	const struct th_compact_form_rule *f;
	size_t head_n;
	enum th_err err;

	pdu->token_len = 0;
	pdu->n_options = 0;
	pdu->payload = NULL;
	pdu->payload_len = 0;
	room->refers = false;
	if (rd.r.err != TH_OK)
		return TH_ERR_MALFORMED;
	if (!shape)
		return TH_ERR_UNSUPPORTED;
	f = &th_compact_forms[shape->form];
	err = read_names(&rd, ours, f);
	if (err != TH_OK)
		return err;
	pdu->code = f->empty ? TH_COAP_EMPTY : envelope_code(shape->form);
	read_content(&rd, f, shape->content);
	if (rd.r.err != TH_OK)
		return TH_ERR_MALFORMED;
	head_n = n - th_rd_left(&rd.r);
	err = read_rest(&rd, shape->content, (uint8_t)(first - shape->first));
	if (err != TH_OK)
		return err;
	return is_canonical(&rd, p, head_n) ? TH_OK : TH_ERR_MALFORMED;
}
