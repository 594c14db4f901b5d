#include "http/answer.h"

#include "http/hop.h"

enum {
	INTERIM_MAX = 64,	/* 1xx answers before the one that counts */
	TEXT_KEPT_BYTES = 8192, /* a larger buffer is not kept for the next answer */
	DAY_S = 24 * 60 * 60,
	STATUS_SWITCHING = 101,
	STATUS_NO_CONTENT = 204,
	STATUS_NOT_MODIFIED = 304,
	STATUS_MAX = 599,
};

static struct th_answer *of(llhttp_t *p)
{
	return p->data;
}

static int bad(struct th_answer *a, const char *problem)
{
	a->problem = problem;
	return -1;
}

static int add_text(struct th_answer *a, const char *at, size_t n, uint32_t *len)
{
	enum th_err err;

	/* Also bounds trailers, which are read and dropped. */
	if (n > th_buf_room(&a->text))
		return bad(a, "its header section is larger than allowed");
	err = th_buf_append(&a->text, at, n);
	if (err != TH_OK)
		return bad(a, "there was no memory for its header section");
	*len += (uint32_t)n;
	return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
	struct th_answer *a = of(p);
	uint32_t end = (uint32_t)a->text.n;

	if (!a->field_open) {
		if (a->n_fields == TH_HEAD_FIELDS_MAX)
			return bad(a, "it has more header fields than allowed");
		a->spans[a->n_fields++] = (struct th_answer_span){ .name_at = end, .value_at = end };
		a->field_open = true;
	}
	return add_text(a, at, n, &a->spans[a->n_fields - 1].name_n);
}

/* Of a folded line llhttp drops the line break and keeps the white space behind it, as RFC 9112 §5.2 has it for
 * gateways. */
static int on_value(llhttp_t *p, const char *at, size_t n)
{
	struct th_answer *a = of(p);
	struct th_answer_span *s;

	if (!a->field_open)
		return bad(a, "a header field of it has no name");
	s = &a->spans[a->n_fields - 1];
	if (s->value_n == 0)
		s->value_at = (uint32_t)a->text.n;
	return add_text(a, at, n, &s->value_n);
}

static int on_value_complete(llhttp_t *p)
{
	of(p)->field_open = false;
	return 0;
}

static struct th_str trimmed(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return (struct th_str){ p, n };
}

static bool read_fields(const struct th_answer *a, struct th_field *out)
{
	const char *text = th_buf_str(&a->text).p;

	for (size_t i = 0; i < a->n_fields; i++) {
		const struct th_answer_span *s = &a->spans[i];

		out[i].name = (struct th_str){ text + s->name_at, s->name_n };
		out[i].value = trimmed(text + s->value_at, s->value_n);
		if (!th_http_is_token(out[i].name) || !th_http_is_value(out[i].value))
			return false;
	}
	return true;
}

/* Only "chunked", once: what else there is would change the body without its readers knowing. */
static bool coding_is_plain(const struct th_field *fields, size_t n)
{
	size_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (!th_str_ieq(fields[i].name, TH_STR("Transfer-Encoding")))
			continue;
		if (++seen > 1 || !th_str_ieq(fields[i].value, TH_STR("chunked")))
			return false;
	}
	return true;
}

static size_t end_to_end(const struct th_field *in, size_t n, bool keep_length, struct th_field *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (th_str_ieq(in[i].name, TH_STR("Content-Length")) ? !keep_length : th_hop_by_hop(in[i].name, in, n))
			continue;
		out[kept++] = in[i];
	}
	return kept;
}

/* The number behind "timeout=" (RFC 2068 §19.7.1.1), at most a day. */
static uint32_t read_timeout(struct th_str v)
{
	static const struct th_str key = TH_STR_INIT("timeout=");
	uint32_t n = 0;

	for (size_t i = 0; i + key.n < v.n; i++) {
		if (!th_str_ieq((struct th_str){ v.p + i, key.n }, key))
			continue;
		for (i += key.n; i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && n < DAY_S; i++)
			n = n * 10 + (uint32_t)(v.p[i] - '0');
		return n < DAY_S ? n : DAY_S;
	}
	return TH_ANSWER_KEEP_ALIVE_UNKNOWN;
}

static uint32_t keep_alive_s(const struct th_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (th_str_ieq(fields[i].name, TH_STR("Keep-Alive")))
			return read_timeout(fields[i].value);
	return TH_ANSWER_KEEP_ALIVE_UNKNOWN;
}

static int64_t body_len(const llhttp_t *p, bool bodiless)
{
	if (bodiless)
		return 0;
	if (p->flags & F_CHUNKED)
		return TH_BODY_UNKNOWN;
	if (p->flags & F_CONTENT_LENGTH)
		return (int64_t)p->content_length;
	return TH_BODY_UNKNOWN;
}

static int hand_on_head(struct th_answer *a, llhttp_t *p, const struct th_field *fields)
{
	struct th_field kept[TH_HEAD_FIELDS_MAX];
	bool bodiless = a->to_head || p->status_code == STATUS_NO_CONTENT || p->status_code == STATUS_NOT_MODIFIED;
	struct th_head head = {
		.status = p->status_code,
		.body_len = body_len(p, bodiless),
		.fields = kept,
		.n_fields = end_to_end(fields, a->n_fields, bodiless && p->status_code != STATUS_NO_CONTENT, kept),
	};

	a->head_done = true;
	a->keep_alive_s = keep_alive_s(fields, a->n_fields);
	if (!a->ops->head(a->user, &head)) {
		a->stopped = true;
		return -1;
	}
	return bodiless ? 1 : 0;
}

static int on_head(llhttp_t *p)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_answer *a = of(p);

	if (p->http_major != 1)
		return bad(a, "it is not HTTP/1.x");
	if (!read_fields(a, fields))
		return bad(a, "a header field of it holds bytes that do not belong there");
	if (!coding_is_plain(fields, a->n_fields))
		return bad(a, "its transfer coding is not supported");
	if ((p->flags & F_CONTENT_LENGTH) && p->content_length > INT64_MAX)
		return bad(a, "its Content-Length is too large");
	if (p->status_code == STATUS_SWITCHING)
		return bad(a, "it switches to another protocol");
	if (p->status_code < 100 || p->status_code > STATUS_MAX)
		return bad(a, "its status is not one of HTTP's");
	if (p->status_code < 200) {
		a->interim = true;
		return ++a->interims > INTERIM_MAX ? bad(a, "too many interim answers came before it") : 1;
	}
	return hand_on_head(a, p, fields);
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	struct th_answer *a = of(p);

	if (n == 0 || a->ops->body(a->user, (const uint8_t *)at, n))
		return 0;
	a->stopped = true;
	return -1;
}

/* Pauses, so that not one byte behind the answer is looked at as if it belonged to it. */
static int on_complete(llhttp_t *p)
{
	struct th_answer *a = of(p);

	a->complete = !a->interim;
	a->keep = llhttp_should_keep_alive(p) != 0;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

void th_answer_init(struct th_answer *a, const struct th_mem *mem, size_t head_bytes, const struct th_answer_ops *ops,
		    void *user)
{
	a->ops = ops;
	a->user = user;
	th_buf_init(&a->text, mem, head_bytes);
	th_answer_begin(a, false);
}

void th_answer_free(struct th_answer *a)
{
	th_buf_free(&a->text);
}

static void next_head(struct th_answer *a)
{
	llhttp_init(&a->parser, HTTP_RESPONSE, &settings);
	a->parser.data = a;
	if (a->text.cap > TEXT_KEPT_BYTES)
		th_buf_free(&a->text);
	th_buf_consume(&a->text, a->text.n);
	a->n_fields = 0;
	a->head_seen = 0;
	a->field_open = a->head_done = a->interim = a->stopped = a->complete = a->keep = false;
	a->problem = NULL;
}

void th_answer_begin(struct th_answer *a, bool to_head)
{
	next_head(a);
	a->to_head = to_head;
	a->started = false;
	a->interims = 0;
	a->keep_alive_s = TH_ANSWER_KEEP_ALIVE_UNKNOWN;
}

static enum th_answer_step failed(struct th_answer *a)
{
	if (a->stopped)
		return TH_ANSWER_STOPPED;
	if (!a->problem)
		a->problem = llhttp_get_error_reason(&a->parser);
	if (!a->problem || !*a->problem)
		a->problem = "it is not HTTP";
	return TH_ANSWER_BAD;
}

enum th_answer_step th_answer_feed(struct th_answer *a, const uint8_t *p, size_t n, size_t *used)
{
	const char *at = (const char *)p, *end = at + n;

	a->started = a->started || n > 0;
	while (at < end) {
		llhttp_errno_t e = llhttp_execute(&a->parser, at, (size_t)(end - at));

		if (e == HPE_OK) {
			/* Status lines and white space are not in `text`; they count all the same. */
			a->head_seen += a->head_done ? 0 : (size_t)(end - at);
			if (a->head_seen <= a->text.max)
				break;
			bad(a, "its header section is larger than allowed");
			return TH_ANSWER_BAD;
		}
		if (e != HPE_PAUSED)
			return failed(a);
		at = llhttp_get_error_pos(&a->parser);
		if (a->complete) {
			*used = (size_t)(at - (const char *)p);
			return TH_ANSWER_COMPLETE;
		}
		next_head(a);
	}
	*used = n;
	return TH_ANSWER_MORE;
}

bool th_answer_eof(struct th_answer *a)
{
	if (!a->complete && a->head_done)
		llhttp_finish(&a->parser);
	return a->complete;
}
