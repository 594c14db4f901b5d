#include "codec/envelope.h"

#include "base/rd.h"
#include "base/wr.h"
#include "codec/token.h"
#include "exchange/fields.h"

/* Wire numbers of methods; 0 means that the name follows. Append only. */
static const struct th_str methods[] = {
	TH_STR_INIT(""),       TH_STR_INIT("GET"),     TH_STR_INIT("PUT"),  TH_STR_INIT("POST"),
	TH_STR_INIT("DELETE"), TH_STR_INIT("OPTIONS"), TH_STR_INIT("HEAD"), TH_STR_INIT("PATCH"),
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]), STATUS_MIN = 200, STATUS_MAX = 599 };

static void write_method(struct th_wr *w, struct th_str method)
{
	for (size_t i = 1; i < METHODS; i++) {
		if (th_str_eq(methods[i], method)) {
			th_wr_varint(w, i);
			return;
		}
	}
	th_wr_varint(w, 0);
	th_wr_str(w, method);
}

static void write_fields(struct th_wr *w, const struct th_head *head)
{
	th_wr_varint(w, head->n_fields);
	for (size_t i = 0; i < head->n_fields; i++) {
		size_t known = th_fields_find(head->fields[i].name);

		th_wr_varint(w, known);
		if (known == 0)
			th_wr_str(w, head->fields[i].name);
		th_wr_str(w, head->fields[i].value);
	}
}

static void write_head(struct th_wr *w, const struct th_head *head)
{
	th_wr_varint(w, head->body_len == TH_BODY_UNKNOWN ? 0 : (uint64_t)head->body_len + 1);
	if (head->status) {
		th_wr_varint(w, head->status);
	} else {
		write_method(w, head->method);
		th_wr_str(w, head->target);
	}
	write_fields(w, head);
}

size_t th_envelope_write(const struct th_head *head, uint8_t *out, size_t cap)
{
	struct th_wr measure = th_wr_init(NULL, 0);
	struct th_wr w = th_wr_init(out, cap);

	write_head(&measure, head);
	th_wr_uint(&w, TH_CODING_IDENTITY, 1);
	th_wr_varint(&w, measure.n);
	write_head(&w, head);
	return w.n;
}

enum th_err th_envelope_length(const uint8_t *p, size_t n, size_t *len)
{
	struct th_rd r = th_rd_init(p, n);
	uint64_t coding = th_rd_uint(&r, 1);
	size_t head;

	*len = 0;
	if (n > 0 && coding != TH_CODING_IDENTITY)
		return TH_ERR_UNSUPPORTED;
	head = (size_t)th_rd_varint(&r, TH_ENVELOPE_HEAD_MAX);
	if (r.err == TH_OK) {
		*len = n - th_rd_left(&r) + head;
		return TH_OK;
	}
	/* Cut off inside the length, or a length that breaks the rules? */
	return n < TH_ENVELOPE_PREFIX_MAX && (n < 2 || p[n - 1] & 0x80) ? TH_OK : TH_ERR_TOO_LARGE;
}

static struct th_str read_method(struct th_rd *r)
{
	size_t known = (size_t)th_rd_varint(r, METHODS - 1);
	struct th_str s = known ? methods[known] : th_rd_str(r, TH_METHOD_MAX);

	if (!th_is_token(s))
		th_rd_fail(r, TH_ERR_MALFORMED);
	return s;
}

static void read_field(struct th_rd *r, struct th_field *f)
{
	size_t known = (size_t)th_rd_varint(r, th_fields_count - 1);

	f->name = known ? th_fields[known].name : th_rd_str(r, TH_HEAD_BYTES_MAX);
	f->value = th_rd_str(r, TH_HEAD_BYTES_MAX);
	if (!th_is_token(f->name) || !th_is_value(f->value))
		th_rd_fail(r, TH_ERR_MALFORMED);
}

static int64_t read_body_len(struct th_rd *r)
{
	uint64_t v = th_rd_varint(r, INT64_MAX);

	return v ? (int64_t)(v - 1) : TH_BODY_UNKNOWN;
}

static struct th_rd head_reader(const uint8_t *p, size_t n)
{
	struct th_rd r = th_rd_init(p, n);
	size_t len;

	if (th_envelope_length(p, n, &len) != TH_OK || len != n)
		th_rd_fail(&r, TH_ERR_MALFORMED);
	th_rd_uint(&r, 1);
	th_rd_varint(&r, TH_ENVELOPE_HEAD_MAX);
	return r;
}

static enum th_err finish(struct th_head *out, struct th_head *h, struct th_field *fields, struct th_rd *r)
{
	h->fields = fields;
	h->n_fields = (size_t)th_rd_varint(r, TH_HEAD_FIELDS_MAX);
	for (size_t i = 0; i < h->n_fields; i++)
		read_field(r, &fields[i]);
	if (r->err == TH_OK && th_rd_left(r) > 0)
		th_rd_fail(r, TH_ERR_MALFORMED);
	if (r->err == TH_OK)
		*out = *h;
	return r->err;
}

enum th_err th_envelope_read_request(struct th_head *out, struct th_field *fields, const uint8_t *p, size_t n)
{
	struct th_rd r = head_reader(p, n);
	struct th_head h = { 0 };

	h.body_len = read_body_len(&r);
	h.method = read_method(&r);
	h.target = th_rd_str(&r, TH_TARGET_MAX);
	if (!th_is_target(h.target))
		th_rd_fail(&r, TH_ERR_MALFORMED);
	return finish(out, &h, fields, &r);
}

enum th_err th_envelope_read_response(struct th_head *out, struct th_field *fields, const uint8_t *p, size_t n)
{
	struct th_rd r = head_reader(p, n);
	struct th_head h = { 0 };

	h.body_len = read_body_len(&r);
	h.status = (uint16_t)th_rd_varint(&r, STATUS_MAX);
	if (h.status < STATUS_MIN)
		th_rd_fail(&r, TH_ERR_MALFORMED);
	return finish(out, &h, fields, &r);
}
