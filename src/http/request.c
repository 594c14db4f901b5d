#include "http/request.h"

#include "http/request_fields.h"
#include "http/request_line.h"

enum {
	BLANK_LINES_MAX = 4,	 /* before a request line (RFC 9112 §2.2) */
	VERSION_BYTES = 12,	 /* two spaces, HTTP/1.1, CRLF */
	CHUNK_EXCESS_MAX = 8192, /* extensions, leading zeros and trailers of a body, beyond: */
	CHUNK_FRAMING = 16,	 /* what one chunk may need */
};

enum state { AT_HEAD, AT_BODY, AT_END, AT_BAD };

/* What the callbacks of one llhttp_execute() report. */
struct glue {
	struct th_request *r;
	struct th_request_step *step;
	size_t n_fields;
	bool headed, ended;
};

void th_request_init(struct th_request *r, const struct th_listener_limits *limits)
{
	memset(r, 0, sizeof(*r));
	r->limits = limits;
}

bool th_request_idle(const struct th_request *r)
{
	return r->state == AT_HEAD && r->scanned == 0 && r->blank_lines == 0;
}

static enum th_request_event bad(struct th_request *r, struct th_request_step *step, uint16_t status,
				 const char *reason)
{
	r->state = AT_BAD;
	step->status = status;
	step->reason = reason;
	return TH_REQUEST_BAD;
}

static int fail(llhttp_t *http, uint16_t status, const char *reason)
{
	struct glue *g = http->data;

	g->step->status = status;
	g->step->reason = reason;
	return HPE_USER;
}

static int on_field(llhttp_t *http, const char *at, size_t n)
{
	struct glue *g = http->data;

	if (g->r->trailing)
		return 0;
	if (g->n_fields == TH_HEAD_FIELDS_MAX || g->n_fields == g->r->limits->fields)
		return fail(http, 431, "Too many header fields");
	g->step->fields[g->n_fields++] = (struct th_field){ { at, n }, { "", 0 } };
	return 0;
}

static int on_value(llhttp_t *http, const char *at, size_t n)
{
	struct glue *g = http->data;

	if (g->r->trailing)
		return 0;
	while (n && (at[n - 1] == ' ' || at[n - 1] == '\t'))
		n--;
	g->step->fields[g->n_fields - 1].value = (struct th_str){ at, n };
	return 0;
}

static int on_headers_complete(llhttp_t *http)
{
	struct glue *g = http->data;

	g->headed = true;
	http->upgrade = 0; /* other protocols are not spoken: what follows is a body or the next request */
	return 0;
}

static int on_chunk_header(llhttp_t *http)
{
	struct th_request *r = ((struct glue *)http->data)->r;

	if (http->content_length > r->limits->body_bytes - r->body_n)
		return fail(http, 413, "The body is too large");
	r->trailing = http->content_length == 0;
	return 0;
}

static int on_body(llhttp_t *http, const char *at, size_t n)
{
	struct glue *g = http->data;

	g->step->body = (const uint8_t *)at;
	g->step->body_n = n;
	g->r->body_n += n;
	return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *http)
{
	((struct glue *)http->data)->ended = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static llhttp_errno_t feed(struct th_request *r, struct glue *g, const char *p, size_t n)
{
	llhttp_errno_t err;

	r->http.data = g;
	err = llhttp_execute(&r->http, p, n);
	r->http.data = NULL;
	return err;
}

static enum th_request_event bad_feed(struct th_request *r, struct th_request_step *step)
{
	if (step->status) /* fail() said why */
		return bad(r, step, step->status, step->reason);
	return bad(r, step, 400, llhttp_get_error_reason(&r->http));
}

static enum th_request_event parse_head(struct th_request *r, const uint8_t *p, size_t n, struct th_request_step *step)
{
	static const struct th_str stead[2] = { TH_STR_INIT("POST / HTTP/1.0\r\n"),
						TH_STR_INIT("POST / HTTP/1.1\r\n") };
	const char *text = (const char *)p;
	struct glue g = { .r = r, .step = step };
	struct th_request_line line;
	struct th_request_facts facts;
	llhttp_errno_t err;
	uint16_t status;

	status = th_request_line_parse(&line, (struct th_str){ text, r->line_end - 2 }, r->limits->target_bytes,
				       &step->reason);
	if (status)
		return bad(r, step, status, step->reason);
	llhttp_init(&r->http, HTTP_REQUEST, &settings);
	feed(r, &g, stead[line.minor].p, stead[line.minor].n);
	err = feed(r, &g, text + r->line_end, n - r->line_end);
	if (err != HPE_OK && err != HPE_PAUSED)
		return bad_feed(r, step);
	status = th_request_fields_judge(&facts, step->fields, &g.n_fields, line.minor, &step->reason);
	if (status)
		return bad(r, step, status, step->reason);
	if (!g.headed || g.ended != (facts.body_len == 0))
		return bad(r, step, 400, "Ambiguous message framing");
	if (facts.body_len > 0 && (uint64_t)facts.body_len > r->limits->body_bytes)
		return bad(r, step, 413, "The body is too large");
	llhttp_resume(&r->http);
	step->head = (struct th_head){ line.method, line.target, 0, facts.body_len, step->fields, g.n_fields };
	step->minor = line.minor;
	step->keep_alive = facts.keep_alive;
	step->expect_continue = facts.expect_continue && !g.ended;
	step->used += n;
	r->state = g.ended ? AT_END : AT_BODY;
	return TH_REQUEST_HEAD;
}

/* Judges the line p[line_start..end), which ends in LF. MORE: go on. */
static enum th_request_event scan_line(struct th_request *r, const uint8_t *p, size_t end, struct th_request_step *step)
{
	const uint8_t *line = p + r->line_start;
	size_t n = end - r->line_start;

	if (n < 2 || line[n - 2] != '\r')
		return bad(r, step, 400, "A line ends in a bare LF");
	if (r->line_end == 0) {
		struct th_request_line parsed;
		uint16_t status = th_request_line_parse(&parsed, (struct th_str){ (const char *)line, n - 2 },
							r->limits->target_bytes, &step->reason);

		if (status)
			return bad(r, step, status, step->reason);
		r->line_end = end;
	} else if (n == 2) {
		return TH_REQUEST_HEAD;
	} else if (line[0] == ' ' || line[0] == '\t') {
		return bad(r, step, 400, "A header field is folded"); /* obs-fold, RFC 9112 §5.2 */
	}
	r->line_start = end;
	return TH_REQUEST_MORE;
}

static enum th_request_event too_long(struct th_request *r, size_t n, struct th_request_step *step)
{
	const struct th_listener_limits *limits = r->limits;

	if (r->line_end == 0 && (n > limits->head_bytes || n > limits->target_bytes + TH_METHOD_MAX + VERSION_BYTES))
		return bad(r, step, 414, "The request line is too long");
	if (n > limits->head_bytes)
		return bad(r, step, 431, "The header section is too large");
	return TH_REQUEST_MORE;
}

static enum th_request_event next_head(struct th_request *r, const uint8_t *p, size_t n, struct th_request_step *step)
{
	while (r->scanned == 0 && n >= 2 && p[0] == '\r' && p[1] == '\n') {
		if (r->blank_lines++ == BLANK_LINES_MAX)
			return bad(r, step, 400, "Too many blank lines");
		step->used += 2;
		p += 2;
		n -= 2;
	}
	if (n == 0 || (n == 1 && p[0] == '\r'))
		return TH_REQUEST_MORE;
	if (!th_http_is_tchar(p[0]))
		return bad(r, step, 400, "Malformed request line: the method is not a token");
	while (r->scanned < n) {
		const uint8_t *lf = memchr(p + r->scanned, '\n', n - r->scanned);
		enum th_request_event ev;

		r->scanned = lf ? (size_t)(lf - p) + 1 : n;
		ev = too_long(r, r->scanned, step);
		if (ev == TH_REQUEST_MORE && lf)
			ev = scan_line(r, p, r->scanned, step);
		if (ev == TH_REQUEST_HEAD)
			return parse_head(r, p, r->scanned, step);
		if (ev != TH_REQUEST_MORE)
			return ev;
	}
	return TH_REQUEST_MORE;
}

static enum th_request_event over(struct th_request *r)
{
	th_request_init(r, r->limits);
	return TH_REQUEST_END;
}

/* llhttp takes LF alone for the last line of the trailers. */
static bool ends_in_crlf(const struct th_request *r, const uint8_t *p, size_t used)
{
	return used == 0 || (used > 1 ? p[used - 2] : r->last_byte) == '\r';
}

static enum th_request_event next_body(struct th_request *r, const uint8_t *p, size_t n, struct th_request_step *step)
{
	struct glue g = { .r = r, .step = step };
	llhttp_errno_t err;
	size_t framing;

	/* With no bytes too: llhttp reports a body's end only when called again after it. */
	err = feed(r, &g, n ? (const char *)p : "", n);
	if (err != HPE_OK && err != HPE_PAUSED)
		return bad_feed(r, step);
	step->used = err == HPE_OK || n == 0 ? n : (size_t)((const uint8_t *)llhttp_get_error_pos(&r->http) - p);
	llhttp_resume(&r->http);
	if (step->body_n)
		r->excess -= r->excess < CHUNK_FRAMING ? r->excess : CHUNK_FRAMING;
	framing = step->used - step->body_n;
	if (framing > CHUNK_EXCESS_MAX - r->excess)
		return bad(r, step, r->trailing ? 431 : 400, "Too much around the chunks of the body");
	r->excess += framing;
	if (g.ended && r->trailing && !ends_in_crlf(r, p, step->used))
		return bad(r, step, 400, "A line ends in a bare LF");
	if (step->used)
		r->last_byte = p[step->used - 1];
	if (g.ended)
		return over(r);
	return step->body_n ? TH_REQUEST_BODY : TH_REQUEST_MORE;
}

enum th_request_event th_request_next(struct th_request *r, const uint8_t *p, size_t n, struct th_request_step *step)
{
	step->used = 0;
	step->status = 0;
	step->body = NULL;
	step->body_n = 0;
	switch ((enum state)r->state) {
	case AT_HEAD:
		return next_head(r, p, n, step);
	case AT_BODY:
		return next_body(r, p, n, step);
	case AT_END:
		return over(r);
	case AT_BAD:
		break;
	}
	return TH_REQUEST_BAD;
}
