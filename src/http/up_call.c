#include <stdarg.h>
#include <stdio.h>

#include "exchange/failure.h"
#include "http/request_out.h"
#include "http/up.h"

enum { REASON_BYTES = 512, STATUS_BAD_REQUEST = 400, STATUS_HEAD_TOO_LARGE = 431 };

size_t up_call_unsent(const struct up_call *call)
{
	return call->out.n - call->sent;
}

void up_call_drop_sent(struct up_call *call)
{
	if (call->sent == 0)
		return;
	th_buf_consume(&call->out, call->sent);
	call->sent = 0;
	call->out_starts = false;
}

/* Once, on a fresh connection, and only after an idle one died before a byte of the answer. Either the server cannot
 * have seen any of the request, or seeing it twice changes nothing and all of it is still here (RFC 9110 §9.2.2, RFC
 * 9112 §9.3.1). */
bool up_call_may_repeat(const struct up_call *call, const struct up_conn *c)
{
	if (!c->reused || c->answer.started || call->repeated || !call->out_starts)
		return false;
	return !c->wrote || (call->idempotent && call->request_ended);
}

void up_call_leave_queue(struct up_call *call)
{
	if (!th_list_linked(&call->link))
		return;
	th_list_remove(&call->link);
	call->u->stats.queued--;
}

/* Freed at the end of the turn: somebody further up the stack may still look at it. */
static void retire(struct up_call *call)
{
	struct th_upstream *u = call->u;

	up_call_leave_queue(call);
	th_list_remove(&call->note);
	th_list_remove(&call->all);
	th_list_push(&u->dead_calls, &call->all);
	u->n_calls--;
	up_wake(u);
}

void up_call_free(struct up_call *call)
{
	th_buf_free(&call->out);
	th_buf_free(&call->rest);
	th_free(call->u->mem, call);
}

void up_call_fail(struct up_call *call, enum th_err err, uint16_t status, unsigned retry_after, const char *fmt, ...)
{
	struct th_failure why = { .err = err, .status = status, .retry_after = retry_after };
	char reason[REASON_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	why.reason = reason;
	call->u->stats.failures++;
	if (call->conn)
		up_conn_close(call->conn);
	retire(call);
	th_flow_close(&call->flow, &why);
}

static void fail_flaw(struct up_call *call)
{
	struct th_failure why;

	th_failure_of(&why, call->flaw, call->flaw_text);
	if (call->flaw == TH_ERR_MALFORMED)
		why.status = STATUS_BAD_REQUEST;
	if (call->flaw == TH_ERR_TOO_LARGE)
		why.status = STATUS_HEAD_TOO_LARGE;
	up_call_fail(call, why.err, why.status, why.retry_after, "the request was not sent upstream: %s",
		     call->flaw_text);
}

static void flaw(struct up_call *call, enum th_err err, const char *text)
{
	call->flaw = err;
	call->flaw_text = text;
	up_note(call);
}

/* Whether request bytes still have somewhere to go. */
static bool takes_request(const struct up_call *call)
{
	return call->flaw == TH_OK && !call->answer_done;
}

static struct up_call *of(struct th_flow *flow)
{
	return TH_OWNER(flow, struct up_call, flow);
}

static const char *flaw_of(enum th_err err, const char *problem)
{
	switch (err) {
	case TH_ERR_MALFORMED:
		return problem;
	case TH_ERR_UNSUPPORTED:
		return "CONNECT is not supported";
	case TH_ERR_TOO_LARGE:
		return "its head is too large";
	default:
		return "there was no memory";
	}
}

static void on_head(struct th_flow *flow, const struct th_head *head)
{
	struct up_call *call = of(flow);
	struct th_upstream *u = call->u;
	const char *problem = NULL;
	enum th_err err = th_request_out(&call->out, &u->url, head, &problem);

	if (err != TH_OK) {
		flaw(call, err, flaw_of(err, problem));
		return;
	}
	u->stats.requests++;
	u->stats.queued++;
	call->to_head = th_str_eq(head->method, TH_STR("HEAD"));
	call->idempotent = th_method_is_idempotent(head->method);
	call->chunked = head->body_len == TH_BODY_UNKNOWN;
	call->body_left = call->chunked ? 0 : head->body_len;
	call->out_starts = true;
	call->queued_at = th_loop_now(u->loop);
	th_list_push(&u->queue, &call->link);
	up_wake(u);
}

static size_t room_for_body(struct up_call *call, size_t wanted)
{
	size_t extra = call->chunked ? UP_CHUNK_EXTRA : 0;

	/* What was sent is kept for a repetition as long as there is room for it. */
	if (call->out.n + wanted + extra > UP_OUT_BYTES)
		up_call_drop_sent(call);
	return call->out.n + extra < UP_OUT_BYTES ? UP_OUT_BYTES - call->out.n - extra : 0;
}

static enum th_err append_chunk(struct th_buf *out, const uint8_t *p, size_t n)
{
	char line[UP_CHUNK_EXTRA];
	int len = snprintf(line, sizeof(line), "%zx\r\n", n);
	enum th_err err = th_buf_append(out, line, (size_t)len);

	if (err == TH_OK)
		err = th_buf_append(out, p, n);
	if (err == TH_OK)
		err = th_buf_append(out, "\r\n", 2);
	return err;
}

static size_t on_data(struct th_flow *flow, const uint8_t *p, size_t n)
{
	struct up_call *call = of(flow);
	size_t take;
	enum th_err err;

	if (n == 0 || !takes_request(call))
		return n;
	if (call->conn && call->conn->write_broken) {
		call->out_starts = false;
		return n;
	}
	if (!call->chunked && (uint64_t)call->body_left < n) {
		flaw(call, TH_ERR_MALFORMED, "its body is longer than announced");
		return n;
	}
	take = room_for_body(call, n);
	take = take < n ? take : n;
	call->want_resume = take < n;
	if (take == 0)
		return 0;
	err = call->chunked ? append_chunk(&call->out, p, take) : th_buf_append(&call->out, p, take);
	if (err != TH_OK) {
		flaw(call, err == TH_ERR_TOO_LARGE ? TH_ERR_FULL : err, "there was no room for its body");
		return n;
	}
	call->body_left -= call->chunked ? 0 : (int64_t)take;
	if (call->conn)
		up_note(call);
	return take;
}

static void on_end(struct th_flow *flow)
{
	struct up_call *call = of(flow);

	call->request_ended = true;
	if (!takes_request(call))
		return;
	if (call->body_left > 0) {
		flaw(call, TH_ERR_MALFORMED, "its body is shorter than announced");
		return;
	}
	if (call->chunked && th_buf_append(&call->out, "0\r\n\r\n", 5) != TH_OK) {
		flaw(call, TH_ERR_NO_MEMORY, "there was no memory");
		return;
	}
	if (call->conn)
		up_note(call);
}

static void on_resume(struct th_flow *flow)
{
	struct up_call *call = of(flow);

	call->resumed = true;
	up_note(call);
}

/* A request that the server has seen a part of goes down with its connection, so that the server lets go of it too. */
static void on_close(struct th_flow *flow, const struct th_failure *why)
{
	struct up_call *call = of(flow);

	(void)why;
	if (call->conn)
		up_conn_abandon(call->conn);
	retire(call);
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

struct up_call *up_call_new(struct th_upstream *u)
{
	struct up_call *call = th_alloc(u->mem, sizeof(*call));

	if (!call)
		return NULL;
	call->flow.ops = &ops;
	call->u = u;
	th_list_init(&call->link);
	th_list_init(&call->note);
	th_list_push(&u->calls, &call->all);
	th_buf_init(&call->out, u->mem, UP_OUT_MAX);
	th_buf_init(&call->rest, u->mem, UP_REST_BYTES);
	u->n_calls++;
	return call;
}

static bool answer_head(void *user, const struct th_head *head)
{
	struct up_call *call = ((struct up_conn *)user)->call;

	th_flow_head(&call->flow, head);
	return th_flow_open(&call->flow);
}

static bool answer_body(void *user, const uint8_t *p, size_t n)
{
	struct up_conn *c = user;
	struct up_call *call = c->call;
	size_t took = 0;

	if (call->flaw != TH_OK)
		return true;
	if (call->rest.n == 0) {
		took = th_flow_data(&call->flow, p, n);
		if (!th_flow_open(&call->flow))
			return false;
	}
	if (took == n)
		return true;
	c->paused = true;
	if (th_buf_append(&call->rest, p + took, n - took) != TH_OK)
		flaw(call, TH_ERR_NO_MEMORY, "there was no memory for its answer");
	return true;
}

const struct th_answer_ops up_call_answer_ops = { answer_head, answer_body };

static void end_answer(struct up_call *call)
{
	th_flow_end(&call->flow);
}

void up_call_answered(struct up_call *call)
{
	call->answer_done = true;
	th_buf_free(&call->out);
	call->sent = 0;
	if (call->want_resume) { /* what else comes is swallowed */
		call->want_resume = false;
		th_flow_resume(&call->flow);
	}
	if (th_flow_open(&call->flow) && call->rest.n == 0 && call->flaw == TH_OK)
		end_answer(call);
}

static void deliver(struct up_call *call)
{
	size_t took;

	if (call->rest.n > 0) {
		took = th_flow_data(&call->flow, th_buf_data(&call->rest), call->rest.n);
		if (!th_flow_open(&call->flow))
			return;
		th_buf_consume(&call->rest, took);
		if (call->rest.n > 0)
			return;
		if (call->answer_done)
			end_answer(call);
	}
	if (call->conn && call->conn->state == UP_BUSY)
		up_conn_resume(call->conn);
}

void up_call_step(struct up_call *call)
{
	if (call->flaw != TH_OK) {
		fail_flaw(call);
		return;
	}
	if (call->resumed) {
		call->resumed = false;
		deliver(call);
	}
	if (!th_flow_open(&call->flow) || !call->conn || call->conn->state != UP_BUSY)
		return;
	up_conn_flush(call->conn);
	if (!call->conn || !call->want_resume || up_call_unsent(call) > UP_OUT_BYTES / 2)
		return;
	up_call_drop_sent(call);
	call->want_resume = false;
	th_flow_resume(&call->flow);
}
