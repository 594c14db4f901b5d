#include "codec/text.h"

#include "base/wr.h"
#include "codec/access_token.h"
#include "codec/computed.h"
#include "codec/token.h"

#define SYNAPSE_CORS                                                                                                   \
	"Access-Control-Allow-Origin: *\n"                                                                             \
	"Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE, OPTIONS\n"                                        \
	"Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization, Date\n"
#define EXPOSE "Access-Control-Expose-Headers: Synapse-Trace-Id, Server\n"
#define NO_STORE "Cache-Control: no-cache, no-store, must-revalidate\n"
#define JSON "Content-Type: application/json\n"

/* Part of the wire format: append only. An entry is written as its number wherever it occurs in a head, longest first.
 */
const struct th_str th_text_lines[32] = {
	[1] = TH_STR_INIT("GET /_matrix/client/v3/"),
	[2] = TH_STR_INIT("PUT /_matrix/client/v3/rooms/"),
	[3] = TH_STR_INIT("POST /_matrix/client/v3/"),
	[4] = TH_STR_INIT(JSON NO_STORE SYNAPSE_CORS EXPOSE),
	[5] = TH_STR_INIT(SYNAPSE_CORS EXPOSE),
	[6] = TH_STR_INIT(JSON),
	[7] = TH_STR_INIT(NO_STORE),
	[8] = TH_STR_INIT(SYNAPSE_CORS),
	[11] = TH_STR_INIT("PUT /_matrix/client/v3/"),
	[12] = TH_STR_INIT("GET /_matrix/federation/v1/"),
	[14] = TH_STR_INIT("PUT /_matrix/federation/"),
	[15] = TH_STR_INIT("OPTIONS /_matrix/client/v3/"),
	[16] = TH_STR_INIT("Access-Control-Request-Method: "),
	[17] = TH_STR_INIT("Access-Control-Request-Headers: "),
	[18] = TH_STR_INIT("Accept-Language: en-US,en;q=0.9\n"),
	[19] = TH_STR_INIT("Authorization: #\n"),
	[20] = TH_STR_INIT("Authorization: Bearer "),
	[21] = TH_STR_INIT("Authorization: X-Matrix origin="),
	[22] = TH_STR_INIT("Access-Control-Allow-Origin: *\n"),
	[23] = TH_STR_INIT("Access-Control-Allow-Methods: "),
	[24] = TH_STR_INIT("Access-Control-Allow-Headers: "),
	[25] = TH_STR_INIT("Cross-Origin-Resource-Policy: cross-origin\n"),
	[26] = TH_STR_INIT("Content-Disposition: "),
	[27] = TH_STR_INIT("Content-Security-Policy: "),
	[28] = TH_STR_INIT("POST /_matrix/client/v3/rooms/"),
	[29] = TH_STR_INIT("GET /_matrix/client/v3/rooms/"),
};

enum { STATUS_MIN = 200, STATUS_MAX = 599, LINES = 32 };

static const struct th_str authorization = TH_STR_INIT("Authorization");
static const struct th_str http_status_end = TH_STR_INIT("\n");

/* The longest entry that `s` begins with, 0 for none. Entries begin where a line does. */
static unsigned line_at(struct th_str s)
{
	unsigned best = 0;

	for (unsigned i = 1; i < LINES; i++)
		if (th_text_lines[i].n && th_str_starts(s, th_text_lines[i]) &&
		    (!best || th_text_lines[i].n > th_text_lines[best].n))
			best = i;
	return best;
}

/* A head is first written plainly, then packed line by line. */
struct plain {
	uint8_t p[TH_TEXT_HEAD_MAX];
	struct th_wr w;
};

static void put_field(struct th_wr *w, const struct th_field *f, bool slot)
{
	th_wr_put(w, f->name);
	th_wr_put(w, TH_STR(": "));
	if (th_str_ieq(f->name, authorization)) {
		if (slot || (f->value.n && f->value.p[0] == '#'))
			th_wr_put(w, TH_STR("#"));
		if (slot) {
			th_wr_put(w, TH_STR("\n"));
			return;
		}
	}
	th_wr_put(w, f->value);
	th_wr_put(w, TH_STR("\n"));
}

static void put_first_line(struct th_wr *w, const struct th_head *h, int slot)
{
	if (h->status) {
		th_wr_decimal(w, h->status);
	} else {
		if (slot != TH_SLOT_NONE || h->method.p[0] == '#') {
			th_wr_put(w, TH_STR("#"));
			if (slot == TH_SLOT_NONE)
				th_wr_put(w, TH_STR("-"));
			else
				th_wr_decimal(w, (unsigned)slot);
			th_wr_put(w, TH_STR(" "));
		}
		th_wr_put(w, h->method);
		th_wr_put(w, TH_STR(" "));
		th_wr_put(w, h->target);
	}
	th_wr_put(w, http_status_end);
}

static bool fits(const struct th_head *h, int slot)
{
	bool has_authorization = false;

	if (h->status ? h->status < STATUS_MIN || h->status > STATUS_MAX || slot != TH_SLOT_NONE
		      : !th_is_token(h->method) || h->method.n > TH_METHOD_MAX || !th_is_target(h->target) ||
				h->target.n > TH_TARGET_MAX)
		return false;
	if (slot < TH_SLOT_NONE || slot > TH_SLOT_MAX || h->n_fields > TH_HEAD_FIELDS_MAX)
		return false;
	for (size_t i = 0; i < h->n_fields; i++) {
		if (!th_is_token(h->fields[i].name) || !th_is_value(h->fields[i].value))
			return false;
		has_authorization |= th_str_ieq(h->fields[i].name, authorization);
	}
	return (slot == TH_SLOT_NONE || has_authorization) && th_head_bytes(h) <= TH_HEAD_BYTES_MAX;
}

static size_t line_end(const uint8_t *p, size_t from, size_t n)
{
	const uint8_t *lf = memchr(p + from, '\n', n - from);

	return lf ? (size_t)(lf - p) + 1 : n;
}

/* Entries stand for text at the beginning of a line; the first line's begin after the slot. None ends within a run
 * (access_token.h), so that checksums may be left out of what is behind it. */
static void pack(struct th_wr *w, const uint8_t *p, size_t n)
{
	size_t at = 0;

	if (n && p[0] == '#') {
		while (p[at] != ' ')
			at++;
		at++;
		th_wr_bytes(w, p, at);
	}
	while (at < n) {
		unsigned line = line_at((struct th_str){ (const char *)p + at, n - at });
		size_t end;

		if (line) {
			th_wr_uint(w, line, 1);
			at += th_text_lines[line].n;
			if (p[at - 1] == '\n')
				continue;
		}
		end = line_end(p, at, n);
		/* Never refused: no head has control bytes. */
		(void)th_access_token_cut(w, (struct th_str){ (const char *)p + at, end - at });
		at = end;
	}
}

/* Appends the body without what its reader can compute: hashes of events, or else checksums of tokens. */
static enum th_err cut_body(struct th_wr *w, struct th_str body)
{
	return th_computed_concerns(body) ? th_computed_cut(w, body) : th_access_token_cut(w, body);
}

size_t th_text_whole_max(const struct th_head *head)
{
	const struct th_field *type = head->status ? th_head_find(head, TH_STR("Content-Type")) : NULL;

	return type && th_str_istarts(type->value, TH_STR("application/json")) ? TH_TEXT_LONG_MAX : TH_TEXT_WHOLE_MAX;
}

enum th_err th_text_write(const struct th_head *head, int slot, const uint8_t *body, size_t body_n, uint8_t *out,
			  size_t cap, size_t *need)
{
	uint8_t plain[TH_TEXT_HEAD_MAX];
	struct th_wr head_w = th_wr_init(plain, sizeof(plain));
	struct th_wr w = th_wr_init(out, cap);
	bool slot_left = slot != TH_SLOT_NONE;

	*need = 0;
	if (!fits(head, slot))
		return TH_ERR_INVALID;
	if (head->body_len != TH_BODY_UNKNOWN && (head->body_len < 0 || (uint64_t)head->body_len != body_n))
		return TH_ERR_INVALID;
	put_first_line(&head_w, head, slot);
	for (size_t i = 0; i < head->n_fields; i++) {
		bool stands_in = slot_left && th_str_ieq(head->fields[i].name, authorization);

		put_field(&head_w, &head->fields[i], stands_in);
		slot_left = slot_left && !stands_in;
	}
	if (head->body_len == TH_BODY_UNKNOWN)
		th_wr_put(&head_w, TH_STR(":\n"));
	th_wr_put(&head_w, TH_STR("\n"));
	if (!th_wr_ok(&head_w))
		return TH_ERR_INVALID;
	pack(&w, plain, head_w.n);
	if (cut_body(&w, (struct th_str){ (const char *)body, body_n }) != TH_OK)
		return TH_ERR_INVALID;
	*need = w.n;
	return TH_OK;
}

/* Copies the head with its entries unpacked, up to and with the empty line. Returns how much of p that was, 0 when the
 * head does not end or is too long. */
static size_t unpack(struct th_wr *w, const uint8_t *p, size_t n)
{
	bool line_start = false;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];

		if (c < LINES && th_text_lines[c].n) {
			th_wr_put(w, th_text_lines[c]);
			line_start = th_text_lines[c].p[th_text_lines[c].n - 1] == '\n';
		} else {
			th_wr_uint(w, c, 1);
			if (c == '\n' && line_start)
				return th_wr_ok(w) ? i + 1 : 0;
			line_start = c == '\n';
		}
		if (!th_wr_ok(w))
			return 0;
	}
	return 0;
}

struct lines {
	const char *p;
	size_t n;
};

/* Takes the next line without its LF; false at the end. */
static bool next_line(struct lines *l, struct th_str *line)
{
	const char *lf = l->n ? memchr(l->p, '\n', l->n) : NULL;

	if (!lf)
		return false;
	*line = (struct th_str){ l->p, (size_t)(lf - l->p) };
	l->n -= line->n + 1;
	l->p = lf + 1;
	return true;
}

/* Splits s at the first c; false when there is none. */
static bool split(struct th_str s, char c, struct th_str *before, struct th_str *after)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	if (!at)
		return false;
	*before = (struct th_str){ s.p, (size_t)(at - s.p) };
	*after = (struct th_str){ at + 1, s.n - before->n - 1 };
	return true;
}

/* Digits without leading zeros, at most `max`. */
static bool read_number(struct th_str s, unsigned max, unsigned *v)
{
	*v = 0;
	if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*v = *v * 10 + (unsigned)(s.p[i] - '0');
	}
	return *v <= max;
}

static bool read_request_line(struct th_text *t, struct th_str line)
{
	struct th_str slot, rest;
	unsigned v;

	t->slot = TH_SLOT_NONE;
	if (line.n && line.p[0] == '#') {
		if (!split((struct th_str){ line.p + 1, line.n - 1 }, ' ', &slot, &rest))
			return false;
		line = rest;
		if (read_number(slot, TH_SLOT_MAX, &v))
			t->slot = (int)v;
		else if (!th_str_eq(slot, TH_STR("-")) || line.n == 0 || line.p[0] != '#')
			return false;
	}
	if (!split(line, ' ', &t->head.method, &t->head.target))
		return false;
	return th_is_token(t->head.method) && t->head.method.n <= TH_METHOD_MAX && th_is_target(t->head.target) &&
	       t->head.target.n <= TH_TARGET_MAX;
}

static bool read_status_line(struct th_text *t, struct th_str line)
{
	unsigned v;

	t->slot = TH_SLOT_NONE;
	if (!read_number(line, STATUS_MAX, &v) || v < STATUS_MIN)
		return false;
	t->head.status = (uint16_t)v;
	return true;
}

static bool read_field(struct th_field *f, struct th_str line, bool *slot_left)
{
	struct th_str value;

	if (!split(line, ':', &f->name, &value) || value.n == 0 || value.p[0] != ' ')
		return false;
	f->value = (struct th_str){ value.p + 1, value.n - 1 };
	if (th_str_ieq(f->name, authorization)) {
		if (*slot_left) {
			if (!th_str_eq(f->value, TH_STR("#")))
				return false;
			f->value.n = 0;
			*slot_left = false;
		} else if (f->value.n && f->value.p[0] == '#') {
			if (f->value.n < 2 || f->value.p[1] != '#')
				return false;
			f->value.p++;
			f->value.n--;
		}
	}
	return th_is_token(f->name) && th_is_value(f->value);
}

static enum th_err read_text(struct th_text *t, const uint8_t *p, size_t n,
			     bool (*first)(struct th_text *, struct th_str))
{
	uint8_t unpacked[TH_TEXT_HEAD_MAX];
	struct th_wr w = th_wr_init(unpacked, sizeof(unpacked)), whole = th_wr_init(t->bytes, sizeof(t->bytes));
	size_t used = unpack(&w, p, n);
	struct lines l;
	struct th_str line;
	bool slot_left, unknown = false;

	t->head = (struct th_head){ .fields = t->fields };
	if (!used)
		return th_wr_ok(&w) ? TH_ERR_MALFORMED : TH_ERR_TOO_LARGE;
	th_access_token_restore(&whole, (struct th_str){ (const char *)unpacked, w.n });
	if (!th_wr_ok(&whole))
		return TH_ERR_TOO_LARGE;
	l = (struct lines){ (const char *)t->bytes, whole.n };
	if (!next_line(&l, &line) || !first(t, line))
		return TH_ERR_MALFORMED;
	slot_left = t->slot != TH_SLOT_NONE;
	while (next_line(&l, &line) && line.n) {
		if (unknown)
			return TH_ERR_MALFORMED;
		if (th_str_eq(line, TH_STR(":"))) {
			unknown = true;
			continue;
		}
		if (t->head.n_fields == TH_HEAD_FIELDS_MAX)
			return TH_ERR_TOO_LARGE;
		if (!read_field(&t->fields[t->head.n_fields], line, &slot_left))
			return TH_ERR_MALFORMED;
		t->head.n_fields++;
	}
	if (l.n || slot_left)
		return TH_ERR_MALFORMED;
	if (th_head_bytes(&t->head) > TH_HEAD_BYTES_MAX)
		return TH_ERR_TOO_LARGE;
	t->body = p + used;
	t->body_n = n - used;
	t->head.body_len = unknown ? TH_BODY_UNKNOWN : (int64_t)t->body_n;
	return TH_OK;
}

enum th_err th_text_read_request(struct th_text *out, const uint8_t *p, size_t n)
{
	return read_text(out, p, n, read_request_line);
}

enum th_err th_text_read_response(struct th_text *out, const uint8_t *p, size_t n)
{
	return read_text(out, p, n, read_status_line);
}

enum th_err th_text_restore(struct th_text *t, uint8_t *buf, size_t cap)
{
	const struct th_str body = { (const char *)t->body, t->body_n };
	struct th_wr w = th_wr_init(buf, cap);
	bool hashes = th_computed_concerns(body);
	enum th_err err = TH_OK;

	if (!(hashes ? th_computed_is_cut(body) : th_access_token_is_cut(body)))
		return TH_OK;
	if (hashes)
		err = th_computed_restore(&w, body);
	else
		th_access_token_restore(&w, body);
	if (err != TH_OK)
		return err;
	if (!th_wr_ok(&w))
		return TH_ERR_TOO_LARGE;
	t->body = buf;
	t->body_n = w.n;
	if (t->head.body_len != TH_BODY_UNKNOWN)
		t->head.body_len = (int64_t)w.n;
	return TH_OK;
}
