#include "codec/pieces.h"

#include <string.h>

#include "base/wr.h"
#include "codec/check.h"
#include "codec/keep.h"
#include "codec/mark.h"
#include "codec/text.h"

enum {
	HEAD = 16,
	TEXT_MAX = TH_PIECES_MAX + HEAD,
	CUT_MAX = TEXT_MAX + TH_MARK_MAX,
	KEPT_MAX = 16 * 1024, /* bytes of a piece that those after it are coded against, */
	KEPT = 3,	      /* and of how many */
	PREFIX_MAX = 3,
};

static const struct th_model_about about = { .is_response = true, .account = -1 };

/* What both directions have of the pieces so far, and scratch. */
struct pieces {
	const struct th_mem *mem;
	struct th_piece_tools tools;
	struct th_view view; /* of `kept` */
	uint8_t kept[KEPT][KEPT_MAX];
	size_t n; /* pieces so far */
	uint8_t plain[TEXT_MAX], cut[CUT_MAX], keep[KEPT_MAX + TH_KEEP_EXTRA];
	size_t plain_n, cut_n;
};

struct th_pieces_encoder {
	struct pieces all;
	size_t most;
	uint8_t piece[1 + TH_PIECES_MAX]; /* the first byte is the "{" of later ones */
	size_t held;
	uint8_t code[PREFIX_MAX + TH_PIECES_CODE_MAX];
	size_t from, to; /* of the code, what has to go out */
};

struct th_pieces_decoder {
	struct pieces all;
	uint64_t prefix;
	size_t prefix_n;  /* bytes of it so far */
	size_t length, n; /* of the code, and how much of it is here; length 0: the prefix is not whole */
	uint8_t code[TH_PIECES_CODE_MAX], body[TEXT_MAX];
	const uint8_t *piece;
	size_t left; /* of the piece, what has to go out */
};

static struct th_lineage_about of_piece(const struct pieces *a)
{
	return (struct th_lineage_about){ &a->view, &about, 0 };
}

/* The piece is whole: what is in `cut` is there for the next ones. */
static void remember(struct pieces *a, struct th_str body)
{
	uint8_t *kept = a->kept[a->n++ % KEPT];
	size_t n = th_keep(a->cut, a->cut_n, body, th_lineage_notes(a->tools.lineage), KEPT_MAX, a->keep);

	memcpy(kept, a->keep, n);
	if (a->view.n == KEPT)
		memmove(&a->view.texts[0], &a->view.texts[1], (KEPT - 1) * sizeof(a->view.texts[0]));
	else
		a->view.n++;
	a->view.texts[a->view.n - 1] = (struct th_view_text){ .p = kept, .n = n, .about = about };
}

static void init(struct pieces *a, const struct th_mem *mem, const struct th_piece_tools *tools)
{
	a->mem = mem;
	a->tools = *tools;
	a->view.n = a->view.request = 0;
	a->n = 0;
}

/* Of the n bytes that begin with it. */
static void del(struct pieces *a, size_t n)
{
	const struct th_mem *mem = a->mem;

	th_wipe(a, n);
	th_free(mem, a);
}

/* ---- out ---- */

struct th_pieces_encoder *th_pieces_encoder_new(const struct th_mem *mem, const struct th_piece_tools *tools,
						size_t most)
{
	struct th_pieces_encoder *e = th_alloc(mem, sizeof(*e));

	if (!e)
		return NULL;
	init(&e->all, mem, tools);
	e->most = most;
	e->piece[0] = '{';
	e->held = e->from = e->to = 0;
	return e;
}

void th_pieces_encoder_del(struct th_pieces_encoder *e)
{
	if (e)
		del(&e->all, sizeof(*e));
}

/* Length of the code of the text in all.plain. 0: it has none. */
static size_t code_text(struct pieces *a, struct th_str body, uint8_t *out)
{
	const struct th_head head = { .status = 200, .body_len = (int64_t)body.n };
	const struct th_lineage_about lineage = of_piece(a);
	struct th_range_enc e;
	size_t need;

	if (th_text_write(&head, TH_SLOT_NONE, (const uint8_t *)body.p, body.n, a->plain, TEXT_MAX, &a->plain_n) !=
		    TH_OK ||
	    a->plain_n > TEXT_MAX ||
	    th_lineage_cut(a->tools.lineage, &lineage, a->plain, a->plain_n, a->cut, CUT_MAX, &a->cut_n) != TH_OK)
		return 0;
	th_range_enc_init(&e, out, TH_PIECES_CODE_MAX);
	th_check_write(&e, th_check_of(a->plain, a->plain_n, TH_STR("")));
	return th_model_encode_on(a->tools.model, &a->view, &about, a->cut, a->cut_n, &e, &need) == TH_OK ? need : 0;
}

/* Codes the first n bytes that are held. */
static void make_piece(struct th_pieces_encoder *e, size_t n)
{
	struct pieces *a = &e->all;
	size_t more = a->n > 0; /* with the "{" */
	const struct th_str body = { (const char *)e->piece + 1 - more, n + more };
	size_t length = code_text(a, body, e->code + PREFIX_MAX);
	struct th_wr w = th_wr_init(e->code, PREFIX_MAX);
	bool raw = length == 0 || length > n;

	if (raw) {
		memcpy(e->code + PREFIX_MAX, e->piece + 1, n);
		length = n;
	} else {
		remember(a, body);
	}
	th_wr_varint(&w, 2 * length + raw);
	e->from = PREFIX_MAX - w.n;
	e->to = PREFIX_MAX + length;
	memmove(e->code + e->from, e->code, w.n);
	e->held -= n;
	memmove(e->piece + 1, e->piece + 1 + n, e->held);
}

/* How much of what is held makes a piece: up to where the last room of its second half begins, or event, or all. */
static size_t piece_end(const struct th_pieces_encoder *e)
{
	static const struct th_str begins[] = { TH_STR_INIT("\"!"), TH_STR_INIT("{") };
	const uint8_t *p = e->piece + 1;

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		for (size_t at = e->held - begins[i].n; at > e->most / 2; at--)
			if (p[at - 1] == ',' && p[at - 2] == '}' && memcmp(p + at, begins[i].p, begins[i].n) == 0)
				return at;
	return e->held;
}

enum th_err th_pieces_encode(struct th_pieces_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op, uint8_t *out,
			     size_t cap, struct th_bulk_step *step)
{
	*step = (struct th_bulk_step){ 0 };
	for (;;) {
		size_t room = cap - step->written, part = e->to - e->from < room ? e->to - e->from : room;

		memcpy(out + step->written, e->code + e->from, part);
		step->written += part;
		e->from += part;
		if (e->from < e->to)
			return TH_OK;
		part = n - step->taken < e->most - e->held ? n - step->taken : e->most - e->held;
		if (part > 0)
			memcpy(e->piece + 1 + e->held, in + step->taken, part);
		e->held += part;
		step->taken += part;
		if (e->held == e->most)
			make_piece(e, piece_end(e));
		else if (op == TH_BULK_END && e->held > 0)
			make_piece(e, e->held);
		else
			break;
	}
	step->done = true;
	return TH_OK;
}

/* ---- in ---- */

struct th_pieces_decoder *th_pieces_decoder_new(const struct th_mem *mem, const struct th_piece_tools *tools)
{
	struct th_pieces_decoder *d = th_alloc(mem, sizeof(*d));

	if (!d)
		return NULL;
	init(&d->all, mem, tools);
	d->prefix = 0;
	d->prefix_n = d->length = d->n = d->left = 0;
	d->piece = d->body;
	return d;
}

void th_pieces_decoder_del(struct th_pieces_decoder *d)
{
	if (d)
		del(&d->all, sizeof(*d));
}

static enum th_err read_text(struct th_pieces_decoder *d)
{
	struct pieces *a = &d->all;
	const struct th_lineage_about lineage = of_piece(a);
	struct th_text *t = a->tools.text;
	struct th_range_dec r;
	uint8_t check;
	enum th_err err;

	th_range_dec_init(&r, d->code, d->length);
	check = th_check_read(&r);
	err = th_model_decode_on(a->tools.model, &a->view, &about, &r, a->cut, CUT_MAX, &a->cut_n);
	if (err == TH_OK)
		err = th_lineage_restore(a->tools.lineage, &lineage, a->cut, a->cut_n, a->plain, TEXT_MAX, &a->plain_n);
	if (err == TH_OK && th_check_of(a->plain, a->plain_n, TH_STR("")) != check)
		err = TH_ERR_MALFORMED;
	if (err == TH_OK)
		err = th_text_read_response(t, a->plain, a->plain_n);
	if (err == TH_OK)
		err = th_text_restore(t, d->body, sizeof(d->body));
	if (err == TH_OK &&
	    (t->head.status != 200 || t->head.n_fields > 0 || (a->n > 0 && (t->body_n == 0 || t->body[0] != '{'))))
		err = TH_ERR_MALFORMED;
	return err;
}

/* The code is whole. */
static enum th_err read_piece(struct th_pieces_decoder *d)
{
	const struct th_text *t = d->all.tools.text;
	size_t more = d->all.n > 0;
	enum th_err err;

	d->piece = d->code;
	d->left = d->length;
	if (!(d->prefix & 1)) {
		err = read_text(d);
		if (err != TH_OK)
			return err;
		remember(&d->all, (struct th_str){ (const char *)t->body, t->body_n });
		if (t->body != d->body)
			memcpy(d->body, t->body, t->body_n);
		d->piece = d->body + more;
		d->left = t->body_n - more;
	}
	if (d->left == 0)
		return TH_ERR_MALFORMED; /* a stream of nothing would have no end */
	d->prefix = 0;
	d->prefix_n = d->length = d->n = 0;
	return TH_OK;
}

/* One byte of what tells the length. */
static enum th_err take_prefix(struct th_pieces_decoder *d, uint8_t c)
{
	if (d->prefix_n == PREFIX_MAX)
		return TH_ERR_MALFORMED;
	d->prefix |= (uint64_t)(c & 0x7f) << 7 * d->prefix_n++;
	if (c & 0x80)
		return TH_OK;
	d->length = (size_t)(d->prefix >> 1);
	return d->length == 0 || d->length > TH_PIECES_CODE_MAX || (c == 0 && d->prefix_n > 1) ? TH_ERR_MALFORMED
											       : TH_OK;
}

enum th_err th_pieces_decode(struct th_pieces_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			     struct th_bulk_step *step)
{
	enum th_err err = TH_OK;

	*step = (struct th_bulk_step){ 0 };
	while (err == TH_OK) {
		size_t room = cap - step->written, part = d->left < room ? d->left : room;

		if (part > 0)
			memcpy(out + step->written, d->piece, part);
		step->written += part;
		d->piece += part;
		d->left -= part;
		if (d->left > 0)
			return TH_OK;
		if (step->taken == n)
			break;
		if (d->length == 0) {
			err = take_prefix(d, in[step->taken++]);
			continue;
		}
		part = d->length - d->n < n - step->taken ? d->length - d->n : n - step->taken;
		memcpy(d->code + d->n, in + step->taken, part);
		d->n += part;
		step->taken += part;
		if (d->n == d->length)
			err = read_piece(d);
	}
	step->done = true;
	return err;
}

bool th_pieces_whole(const struct th_pieces_decoder *d)
{
	return d->left == 0 && d->prefix_n == 0;
}
