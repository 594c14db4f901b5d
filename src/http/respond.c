/* What the flow answers, or we in its stead, becomes bytes in the output buffer. */
#include "http/conn.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/wr.h"
#include "exchange/failure.h"
#include "http/response_head.h"

enum {
	FRAMING_MAX = 96,	/* Connection, Content-Length or Transfer-Encoding, the empty line, a chunk's size */
	ERROR_FIELDS_MAX = 128, /* Content-Type, Access-Control-Allow-Origin, Retry-After */
	ERROR_BODY_MAX = 1024,
	CHUNK_OVERHEAD = 24, /* a size, its CRLF and the chunk's */
};

static struct conn *conn_of(struct th_flow *self)
{
	return TH_OWNER(self, struct conn, flow);
}

static void put_chunk_size(struct th_wr *w, size_t n)
{
	char text[24];

	th_wr_bytes(w, text, (size_t)snprintf(text, sizeof(text), "%zx\r\n", n));
}

/* The last fields of the head and the empty line. `len`: for FRAME_LENGTH. */
static void put_framing(const struct conn *c, struct th_wr *w, enum conn_framing framing, uint64_t len)
{
	if (!c->keep)
		th_wr_put(w, TH_STR("Connection: close\r\n"));
	else if (c->http10)
		th_wr_put(w, TH_STR("Connection: keep-alive\r\n"));
	if (framing == FRAME_CHUNKED)
		th_wr_put(w, TH_STR("Transfer-Encoding: chunked\r\n"));
	if (framing == FRAME_LENGTH) {
		th_wr_put(w, TH_STR("Content-Length: "));
		th_wr_decimal(w, len);
		th_wr_put(w, TH_STR("\r\n"));
	}
	th_wr_put(w, TH_STR("\r\n"));
}

/* How much of the request is still to come, when that is known and worth reading for the connection's sake. */
static bool rest_is_cheap(const struct conn *c)
{
	if (c->req_ended)
		return true;
	return !c->expecting && c->body_len >= 0 && (uint64_t)c->body_len - c->body_taken <= CONN_DRAIN_BYTES;
}

static void start(struct conn *c)
{
	c->resp_started = true;
	c->keep = c->keep && !c->l->draining && rest_is_cheap(c);
	conn_schedule(c);
}

static enum conn_framing framing_for(const struct conn *c, const struct th_head *h)
{
	if (c->head_only || h->status == 204 || h->status == 304)
		return FRAME_NONE;
	return h->body_len == TH_BODY_UNKNOWN ? FRAME_UNDECIDED : FRAME_LENGTH;
}

static struct th_str date_now(struct conn *c)
{
	return th_http_date(&c->l->date, (int64_t)time(NULL));
}

static void put_head(struct conn *c, struct th_wr *w, const struct th_head *h)
{
	bool dated;

	th_response_status(w, h->status);
	dated = th_response_fields(w, h, c->framing == FRAME_NONE && h->status != 204);
	th_response_own(w, dated ? (struct th_str){ "", 0 } : date_now(c));
	c->framing_at = c->out.n + w->n;
	if (c->framing != FRAME_UNDECIDED)
		put_framing(c, w, c->framing, (uint64_t)c->resp_left);
}

static void on_head(struct th_flow *self, const struct th_head *h)
{
	static const struct th_failure broken = { TH_ERR_MALFORMED, 502, "The answer from the other side is malformed",
						  0 };
	struct conn *c = conn_of(self);
	size_t room = TH_RESPONSE_STATUS_MAX + TH_RESPONSE_OWN_MAX + FRAMING_MAX + th_head_bytes(h) + 4 * h->n_fields;
	struct th_wr w;
	uint8_t *p;

	if (c->resp_started) {
		conn_cut(c);
		return;
	}
	if (h->status < 200 || h->status > 599 || (h->body_len < 0 && h->body_len != TH_BODY_UNKNOWN) ||
	    th_head_bytes(h) > TH_HEAD_BYTES_MAX) {
		th_flow_close(self, NULL);
		conn_fail(c, &broken);
		return;
	}
	start(c);
	c->framing = framing_for(c, h);
	c->resp_left = c->framing == FRAME_LENGTH ? h->body_len : 0;
	if (c->resp_left > 0 && c->resp_left < CONN_OUT_SOFT) /* head and body in one allocation */
		room += (size_t)c->resp_left;
	p = th_buf_reserve(&c->out, room);
	if (!p) {
		conn_cut(c);
		return;
	}
	w = th_wr_init(p, room);
	put_head(c, &w, h);
	assert(th_wr_ok(&w));
	th_buf_commit(&c->out, w.n);
}

static bool insert(struct th_buf *b, size_t at, const struct th_wr *what)
{
	if (!th_buf_reserve(b, what->n))
		return false;
	memmove(b->p + b->off + at + what->n, b->p + b->off + at, b->n - at);
	memcpy(b->p + b->off + at, what->p, what->n);
	th_buf_commit(b, what->n);
	return true;
}

bool conn_settle_framing(struct conn *c)
{
	uint8_t text[FRAMING_MAX];
	struct th_wr w = th_wr_init(text, sizeof(text));
	size_t held;

	if (!c->resp_started || c->framing != FRAME_UNDECIDED)
		return true;
	held = c->out.n - c->framing_at;
	c->framing = c->http10 ? FRAME_UNTIL_CLOSE : FRAME_CHUNKED;
	c->keep = c->keep && !c->http10;
	put_framing(c, &w, c->framing, 0);
	if (held && c->framing == FRAME_CHUNKED)
		put_chunk_size(&w, held);
	if (!insert(&c->out, c->framing_at, &w))
		return false;
	if (held && c->framing == FRAME_CHUNKED)
		return th_buf_append(&c->out, "\r\n", 2) == TH_OK;
	return true;
}

static bool append_chunk(struct th_buf *out, const uint8_t *p, size_t n)
{
	uint8_t *to = th_buf_reserve(out, n + CHUNK_OVERHEAD);
	struct th_wr w;

	if (!to)
		return false;
	w = th_wr_init(to, n + CHUNK_OVERHEAD);
	put_chunk_size(&w, n);
	th_wr_bytes(&w, p, n);
	th_wr_bytes(&w, "\r\n", 2);
	th_buf_commit(out, w.n);
	return true;
}

static size_t room_for(const struct conn *c, size_t n)
{
	size_t room = c->out.n < CONN_OUT_SOFT ? CONN_OUT_SOFT - c->out.n : 0;

	if (n <= room)
		return n;
	return room < CONN_OUT_ROOM_MIN ? 0 : room;
}

static size_t on_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	struct conn *c = conn_of(self);
	size_t take = room_for(c, n);
	bool ok;

	if (c->resp_started && !c->resp_ended && c->framing == FRAME_NONE)
		return n; /* what HEAD, 204 and 304 say about a body does not come with one */
	if (!c->resp_started || c->resp_ended || (c->framing == FRAME_LENGTH && n > (uint64_t)c->resp_left)) {
		conn_cut(c);
		return n;
	}
	conn_schedule(c);
	c->want_resume = take < n;
	if (take == 0)
		return 0;
	if (c->framing == FRAME_CHUNKED)
		ok = append_chunk(&c->out, p, take);
	else
		ok = th_buf_append(&c->out, p, take) == TH_OK;
	if (!ok) {
		conn_cut(c);
		return n;
	}
	if (c->framing == FRAME_LENGTH)
		c->resp_left -= (int64_t)take;
	return take;
}

/* The whole answer came within one batch: its length is known after all. */
static bool frame_by_length(struct conn *c)
{
	uint8_t text[FRAMING_MAX];
	struct th_wr w = th_wr_init(text, sizeof(text));

	put_framing(c, &w, FRAME_LENGTH, c->out.n - c->framing_at);
	c->framing = FRAME_LENGTH;
	c->resp_left = 0;
	return insert(&c->out, c->framing_at, &w);
}

static void on_end(struct th_flow *self)
{
	struct conn *c = conn_of(self);
	bool ok = c->resp_started && !c->resp_ended;

	if (ok && c->framing == FRAME_UNDECIDED)
		ok = frame_by_length(c);
	else if (ok && c->framing == FRAME_CHUNKED)
		ok = th_buf_append(&c->out, "0\r\n\r\n", 5) == TH_OK;
	if (!ok || (c->framing == FRAME_LENGTH && c->resp_left)) {
		conn_cut(c);
		return;
	}
	c->resp_ended = true;
	conn_schedule(c);
}

static void on_resume(struct th_flow *self)
{
	struct conn *c = conn_of(self);

	c->up_blocked = false;
	c->resumed = true;
	conn_schedule(c);
}

static void on_close(struct th_flow *self, const struct th_failure *why)
{
	static const struct th_failure gone = { TH_ERR_CLOSED, 502, "The other side gave up without an answer", 0 };
	struct conn *c = conn_of(self);

	c->up_blocked = false;
	conn_schedule(c);
	if (c->resp_ended)
		return;
	if (c->resp_started)
		conn_cut(c);
	else
		conn_fail(c, why ? why : &gone);
}

const struct th_flow_ops conn_flow_ops = { on_head, on_data, on_end, on_resume, on_close };

void conn_continue(struct conn *c)
{
	if (th_buf_append(&c->out, "HTTP/1.1 100 Continue\r\n\r\n", 25) != TH_OK)
		conn_cut(c);
	conn_schedule(c);
}

/* Errors made here carry the CORS field: a browser hides from its page what lacks it. */
static void put_error(struct conn *c, const struct th_failure *why)
{
	char body[ERROR_BODY_MAX];
	size_t n = th_failure_body(body, sizeof(body), why->status, why->reason);
	size_t room = TH_RESPONSE_STATUS_MAX + TH_RESPONSE_OWN_MAX + FRAMING_MAX + ERROR_FIELDS_MAX + n;
	uint8_t *p = th_buf_reserve(&c->out, room);
	struct th_wr w;

	if (!p) {
		conn_cut(c);
		return;
	}
	w = th_wr_init(p, room);
	th_response_status(&w, why->status);
	th_response_own(&w, date_now(c));
	th_wr_put(&w, TH_STR("Content-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n"));
	if (why->retry_after) {
		th_wr_put(&w, TH_STR("Retry-After: "));
		th_wr_decimal(&w, why->retry_after);
		th_wr_put(&w, TH_STR("\r\n"));
	}
	put_framing(c, &w, FRAME_LENGTH, n);
	if (!c->head_only)
		th_wr_bytes(&w, body, n);
	assert(th_wr_ok(&w));
	th_buf_commit(&c->out, w.n);
}

static void answer_error(struct conn *c, const struct th_failure *why)
{
	if (c->phase == CONN_DEAD)
		return;
	start(c);
	c->framing = FRAME_LENGTH;
	c->resp_left = 0;
	c->resp_ended = true;
	if (why->status < 500 || why->status == 503)
		c->l->stats.refused++;
	th_log(TH_LOG_DEBUG, "http_error", "status=%u", why->status);
	put_error(c, why);
}

void conn_fail(struct conn *c, const struct th_failure *why)
{
	struct th_failure w = *why;

	if (w.status < 400 || w.status > 599)
		w.status = 502;
	if (!w.reason)
		w.reason = th_strerror(w.err);
	answer_error(c, &w);
}

void conn_refuse(struct conn *c, uint16_t status, const char *reason)
{
	struct th_failure why = { TH_ERR_MALFORMED, status, reason, 0 };

	th_flow_close(&c->flow, NULL);
	if (c->resp_ended) { /* in this very batch: the answer stands, the rest of the request did not make it */
		c->keep = false;
		conn_schedule(c);
		return;
	}
	if (c->resp_started) {
		conn_cut(c);
		return;
	}
	conn_set_exchange(c, true);
	c->keep = false;
	answer_error(c, &why);
}
