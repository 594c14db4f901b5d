#include "codec/form.h"

#include "codec/json_cbor.h"
#include "codec/item.h"
#include "exchange/fields.h"

/* As in the envelope; 0: a string follows. */
static const struct th_str methods[] = {
	TH_STR_INIT(""),       TH_STR_INIT("GET"),     TH_STR_INIT("PUT"),  TH_STR_INIT("POST"),
	TH_STR_INIT("DELETE"), TH_STR_INIT("OPTIONS"), TH_STR_INIT("HEAD"), TH_STR_INIT("PATCH"),
};

enum {
	METHODS = sizeof(methods) / sizeof(methods[0]),
	FIELDS_END = 0,
	FIELD_RUN = 127, /* plus the number of the run, from 1 */
	FIELD_UNKNOWN = 255,
};

void th_form_init(struct th_form *f)
{
	*f = (struct th_form){ 0 };
	th_known_init(&f->known);
}

static void write_fields(struct th_form *f, struct th_wr *w, const struct th_head *head)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		const struct th_field *field = &head->fields[i];
		unsigned run = th_known_run_at(field, head->n_fields - i);
		size_t known = th_fields_find(field->name);

		if (run && th_known_runs[run - 1].n > 0) {
			th_wr_uint(w, FIELD_RUN + run, 1);
			i += th_known_runs[run - 1].n - 1;
			continue;
		}
		th_wr_uint(w, known && known <= FIELD_RUN ? known : FIELD_UNKNOWN, 1);
		if (!known || known > FIELD_RUN)
			th_item_write_head(w, &f->known, field->name);
		th_item_write_head(w, &f->known, field->value);
	}
	th_wr_uint(w, FIELDS_END, 1);
}

/* Writes the body and returns its kind; `unknown`: the head does not tell its length. */
static enum th_form_body write_body(struct th_form *f, struct th_wr *w, struct th_str body, bool unknown, bool verbatim)
{
	unsigned style = th_json_style(body);
	size_t start = w->n;

	if (body.n == 0)
		return unknown ? TH_FORM_NONE_UNKNOWN : TH_FORM_NONE;
	if (style || unknown)
		th_wr_uint(w, style, 1);
	if (!verbatim && th_json_to_cbor(w, &f->known, body, style) == TH_OK)
		return unknown ? TH_FORM_CBOR_UNKNOWN : style ? TH_FORM_CBOR_STYLED : TH_FORM_CBOR;
	w->n = start;
	th_wr_bytes(w, body.p, body.n);
	return unknown ? TH_FORM_VERBATIM_UNKNOWN : TH_FORM_VERBATIM;
}

static unsigned method_number(struct th_str method)
{
	for (unsigned i = 1; i < METHODS; i++)
		if (th_str_eq(methods[i], method))
			return i;
	return 0;
}

void th_form_write(struct th_form *f, struct th_wr *w, const struct th_head *head, struct th_str body, bool outside,
		   bool verbatim)
{
	bool unknown = head->body_len == TH_BODY_UNKNOWN;
	unsigned known = head->status ? th_known_status(head->status) : method_number(head->method);
	unsigned style = 0, kind = TH_FORM_OUTSIDE;
	size_t first = w->n;
	struct th_wr patch;

	th_wr_uint(w, 0, 1);
	if (head->status && !known)
		th_wr_varint(w, head->status);
	if (!head->status && !known)
		th_item_write_head(w, &f->known, head->method);
	if (!head->status)
		style = th_target_write(w, &f->known, &f->scratch, head->target);
	write_fields(f, w, head);
	if (outside)
		th_wr_varint(w, unknown ? 0 : (uint64_t)head->body_len + 1);
	else
		kind = write_body(f, w, body, unknown, verbatim);
	if (!th_wr_ok(w))
		return;
	patch = th_wr_init(w->p + first, 1);
	th_wr_uint(&patch, head->status ? known << 3 | kind : known << 5 | kind << 2 | style, 1);
}

/* Strings of the head are laid one behind the other in f->strings. */
static struct th_str take_string(struct th_form *f, struct th_wr *strings, struct th_rd *r, size_t from)
{
	if (!th_wr_ok(strings))
		th_rd_fail(r, TH_ERR_TOO_LARGE);
	return r->err == TH_OK ? (struct th_str){ f->strings + from, strings->n - from } : TH_STR("");
}

static struct th_str read_string(struct th_form *f, struct th_wr *strings, struct th_rd *r)
{
	size_t from = strings->n;

	th_item_read_head(r, strings);
	return take_string(f, strings, r, from);
}

static bool add_field(struct th_form *f, struct th_head *head, struct th_field field)
{
	if (head->n_fields == TH_HEAD_FIELDS_MAX)
		return false;
	f->fields[head->n_fields++] = field;
	return true;
}

static bool add_run(struct th_form *f, struct th_head *head, size_t run)
{
	if (run >= th_known_runs_count)
		return false;
	for (size_t i = 0; i < th_known_runs[run].n; i++)
		if (!add_field(f, head, th_known_runs[run].fields[i]))
			return false;
	return true;
}

static bool read_field(struct th_form *f, struct th_head *head, struct th_wr *strings, struct th_rd *r, size_t code)
{
	struct th_field field;

	if (code > FIELD_RUN && code < FIELD_UNKNOWN)
		return add_run(f, head, code - FIELD_RUN - 1);
	if (code != FIELD_UNKNOWN && code >= th_fields_count)
		return false;
	field.name = code == FIELD_UNKNOWN ? read_string(f, strings, r) : th_fields[code].name;
	field.value = read_string(f, strings, r);
	return add_field(f, head, field);
}

static void read_fields(struct th_form *f, struct th_head *head, struct th_wr *strings, struct th_rd *r)
{
	head->fields = f->fields;
	while (r->err == TH_OK) {
		size_t code = (size_t)th_rd_uint(r, 1);

		if (r->err != TH_OK || code == FIELDS_END)
			return;
		if (!read_field(f, head, strings, r, code))
			th_rd_fail(r, TH_ERR_MALFORMED);
	}
}

static void read_json(struct th_wr *body, struct th_rd *r, bool styled)
{
	unsigned style = styled ? (unsigned)th_rd_uint(r, 1) : 0;

	if (style >= TH_JSON_STYLES)
		th_rd_fail(r, TH_ERR_MALFORMED);
	if (r->err == TH_OK)
		th_cbor_to_json(body, r, style);
}

/* Reads the body of a kind, and says in *len what the head tells about its length. */
static void read_body(struct th_wr *body, struct th_rd *r, enum th_form_body kind, int64_t *len)
{
	uint64_t outside;

	switch (kind) {
	case TH_FORM_NONE:
	case TH_FORM_NONE_UNKNOWN:
		break;
	case TH_FORM_VERBATIM:
	case TH_FORM_VERBATIM_UNKNOWN:
		th_wr_bytes(body, r->p, th_rd_left(r));
		th_rd_bytes(r, th_rd_left(r));
		break;
	case TH_FORM_CBOR:
	case TH_FORM_CBOR_STYLED:
	case TH_FORM_CBOR_UNKNOWN:
		read_json(body, r, kind != TH_FORM_CBOR);
		break;
	case TH_FORM_OUTSIDE:
		outside = th_rd_varint(r, INT64_MAX);
		*len = outside ? (int64_t)(outside - 1) : TH_BODY_UNKNOWN;
		return;
	}
	*len = kind >= TH_FORM_NONE_UNKNOWN ? TH_BODY_UNKNOWN : (int64_t)body->n;
}

static void read_start(struct th_form *f, struct th_rd *r, struct th_wr *strings, bool response, struct th_head *h,
		       enum th_form_body *kind)
{
	unsigned first = (unsigned)th_rd_uint(r, 1);
	size_t known = response ? first >> 3 : first >> 5;
	size_t from;

	*kind = (enum th_form_body)(response ? first & 7 : first >> 2 & 7);
	if (response) {
		if (known >= th_known_statuses_count)
			th_rd_fail(r, TH_ERR_MALFORMED);
		else
			h->status = known ? th_known_statuses[known] : (uint16_t)th_rd_varint(r, UINT16_MAX);
		if (h->status == 0)
			th_rd_fail(r, TH_ERR_MALFORMED); /* would be a request */
		return;
	}
	h->method = known ? methods[known] : read_string(f, strings, r);
	from = strings->n;
	th_target_read(strings, r, &f->scratch, first & 3);
	h->target = take_string(f, strings, r, from);
}

enum th_err th_form_read(struct th_form *f, const uint8_t *p, size_t n, bool response, struct th_head *head,
			 struct th_wr *body, bool *outside)
{
	struct th_rd r = th_rd_init(p, n);
	struct th_wr strings = th_wr_init(f->strings, sizeof(f->strings));
	struct th_head h = { 0 };
	enum th_form_body kind;

	read_start(f, &r, &strings, response, &h, &kind);
	read_fields(f, &h, &strings, &r);
	if (r.err == TH_OK)
		read_body(body, &r, kind, &h.body_len);
	if (!th_wr_ok(body))
		th_rd_fail(&r, TH_ERR_TOO_LARGE);
	if (th_rd_left(&r) > 0)
		th_rd_fail(&r, TH_ERR_MALFORMED);
	if (r.err == TH_OK) {
		*head = h;
		*outside = kind == TH_FORM_OUTSIDE;
	}
	return r.err;
}
