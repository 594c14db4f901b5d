#include "proxy/leg.h"

#include "codec/envelope.h"
#include "exchange/route.h"
#include "proxy/core.h"

/* BLOCK_SLACK: a head's last block also holds the first body bytes. */
enum { BLOCK_SLACK = 65536 };
_Static_assert((int)TH_URGENCY_INTERACTIVE == (int)TH_COAP_INTERACTIVE && (int)TH_URGENCY_SYNC == (int)TH_COAP_SYNC &&
		       (int)TH_URGENCY_CHATTER == (int)TH_COAP_CHATTER && (int)TH_URGENCY_BULK == (int)TH_COAP_BULK,
	       "routes and engine count urgency alike");

enum { ENCODE_STACK = 4096, HTTP_LINE_EXTRA = 12, HTTP_FIELD_EXTRA = 4, HTTP_HEAD_END = 2 };

struct th_leg *th_leg_new(struct th_node *node, const struct th_leg_ops *ops, const struct th_flow_ops *flow,
			  const struct th_addr *peer, const char *half)
{
	struct th_leg *leg = th_alloc(node->mem, sizeof(*leg));

	if (!leg)
		return NULL;
	leg->node = node;
	leg->ops = ops;
	leg->flow.ops = flow;
	leg->peer = *peer;
	th_buf_init(&leg->out, node->mem, TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX);
	th_buf_init(&leg->in, node->mem, TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX + BLOCK_SLACK);
	leg->report = (struct th_report){
		.half = half, .route = "other", .started = th_node_now(node), .answered = TH_NEVER
	};
	th_list_push(&node->open, &leg->link);
	return leg;
}

void th_leg_bind(struct th_leg *leg, th_coap_id id)
{
	struct th_table *t = &leg->node->by_id;

	leg->id = id;
	th_table_add(t, &leg->by_id, th_table_hash(t, &id, sizeof(id)));
}

static void unbind(struct th_leg *leg)
{
	if (!leg->id)
		return;
	th_table_remove(&leg->node->by_id, &leg->by_id);
	leg->id = 0;
}

void th_leg_name(struct th_leg *leg, const struct th_head *request)
{
	size_t n = request->method.n < sizeof(leg->method) ? request->method.n : sizeof(leg->method);

	memcpy(leg->method, request->method.p, n);
	leg->report.method = (struct th_str){ leg->method, n };
	leg->report.route = th_route_name(request->target);
	leg->priority = (enum th_coap_priority)th_route_urgency(request->target);
}

/* ---- accounts ---- */

/* What the head would be as HTTP/1.1 text. */
static uint64_t http_bytes(const struct th_head *h)
{
	return th_head_bytes(h) + HTTP_LINE_EXTRA + HTTP_FIELD_EXTRA * h->n_fields + HTTP_HEAD_END;
}

/* The ingress half sends requests out, the egress half takes them in. */
static uint64_t *counter(struct th_leg *leg, bool outgoing)
{
	return outgoing == th_leg_is_ingress(leg) ? &leg->report.http_bytes_up : &leg->report.http_bytes_down;
}

static void account(struct th_leg *leg)
{
	struct th_report *r = &leg->report;
	struct th_addr real = th_node_real(leg->node, &leg->peer);
	uint64_t each = th_addr_overhead(&real);
	struct th_coap_account a;
	uint64_t out, in;

	if (!leg->id || th_coap_account(leg->node->coap, leg->id, &a) != TH_OK)
		return;
	out = a.bytes_out + each * a.datagrams_out;
	in = a.bytes_in + each * a.datagrams_in;
	r->link_bytes_up = th_leg_is_ingress(leg) ? out : in;
	r->link_bytes_down = th_leg_is_ingress(leg) ? in : out;
	r->datagrams_up = th_leg_is_ingress(leg) ? a.datagrams_out : a.datagrams_in;
	r->datagrams_down = th_leg_is_ingress(leg) ? a.datagrams_in : a.datagrams_out;
}

/* ---- outgoing ---- */

static enum th_err queue(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t taken = th_coap_write(leg->node->coap, leg->id, p, n, th_node_now(leg->node));

	return th_buf_append(&leg->out, p + taken, n - taken);
}

static enum th_err encode(struct th_leg *leg, const struct th_head *head)
{
	uint8_t small[ENCODE_STACK];
	size_t need = th_envelope_write(head, small, sizeof(small));
	uint8_t *large;
	enum th_err err;

	if (need <= sizeof(small))
		return queue(leg, small, need);
	if (need > TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX)
		return TH_ERR_TOO_LARGE;
	large = th_alloc(leg->node->mem, need);
	if (!large)
		return TH_ERR_NO_MEMORY;
	th_envelope_write(head, large, need);
	err = queue(leg, large, need);
	th_free(leg->node->mem, large);
	return err;
}

enum th_err th_leg_send_head(struct th_leg *leg, const struct th_head *head)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head filtered = *head;

	if (head->n_fields > TH_HEAD_FIELDS_MAX)
		return TH_ERR_TOO_LARGE;
	*counter(leg, true) += http_bytes(head);
	filtered.n_fields = th_policy_filter(&leg->node->config.policy, head, fields);
	filtered.fields = fields;
	return encode(leg, &filtered);
}

size_t th_leg_on_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	struct th_leg *leg = th_leg_of(self);
	size_t taken;

	if (!leg->id)
		return n;
	if (leg->out.n > 0)
		return 0;
	taken = th_coap_write(leg->node->coap, leg->id, p, n, th_node_now(leg->node));
	*counter(leg, true) += taken;
	return taken;
}

void th_leg_send_end(struct th_leg *leg)
{
	leg->out_end = true;
	if (leg->id && leg->out.n == 0)
		th_coap_end(leg->node->coap, leg->id, th_node_now(leg->node));
}

void th_leg_can_send(struct th_leg *leg)
{
	if (leg->out.n > 0) {
		th_buf_consume(&leg->out, th_coap_write(leg->node->coap, leg->id, th_buf_data(&leg->out), leg->out.n,
							th_node_now(leg->node)));
		if (leg->out.n > 0)
			return;
		th_buf_free(&leg->out);
	}
	if (leg->out_end)
		th_coap_end(leg->node->coap, leg->id, th_node_now(leg->node));
	else
		th_flow_resume(&leg->flow);
}

/* ---- incoming ---- */

static void fail(struct th_leg *leg, enum th_err err)
{
	leg->ops->failed(leg, err);
	th_leg_settle(leg);
}

static size_t take_small(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t keep = leg->in.n < TH_LEG_SMALL_MAX ? TH_LEG_SMALL_MAX - leg->in.n : 0;

	(void)th_buf_append(&leg->in, p, n < keep ? n : keep); /* best effort: it only explains */
	return n;
}

static enum th_err read_head(struct th_leg *leg, const uint8_t *p, size_t n)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head head;
	enum th_err err = th_leg_is_ingress(leg) ? th_envelope_read_response(&head, fields, p, n)
						 : th_envelope_read_request(&head, fields, p, n);

	if (err != TH_OK)
		return err;
	leg->in_head = true;
	leg->in_left = head.body_len;
	*counter(leg, false) += http_bytes(&head);
	leg->ops->head(leg, &head);
	return TH_OK;
}

/* Returns how many of the n bytes belonged to the head. */
static size_t take_head(struct th_leg *leg, const uint8_t *p, size_t n, enum th_err *err)
{
	size_t had = leg->in.n;
	size_t len = 0;

	*err = had ? TH_OK : th_envelope_length(p, n, &len);
	if (*err == TH_OK && had == 0 && len > 0 && len <= n) {
		*err = read_head(leg, p, len);
		return len;
	}
	if (*err == TH_OK)
		*err = th_buf_append(&leg->in, p, n);
	if (*err == TH_OK)
		*err = th_envelope_length(th_buf_data(&leg->in), leg->in.n, &len);
	if (*err != TH_OK || len == 0 || len > leg->in.n)
		return n;
	*err = read_head(leg, th_buf_data(&leg->in), len);
	th_buf_free(&leg->in);
	return len - had;
}

static size_t take_body(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t taken;

	if (leg->in_left != TH_BODY_UNKNOWN && (uint64_t)leg->in_left < n) {
		fail(leg, TH_ERR_MALFORMED);
		return n;
	}
	taken = th_flow_data(&leg->flow, p, n);
	if (leg->in_left != TH_BODY_UNKNOWN)
		leg->in_left -= (int64_t)taken;
	*counter(leg, false) += taken;
	return taken;
}

size_t th_leg_take(struct th_leg *leg, const uint8_t *p, size_t n)
{
	size_t used = 0;
	enum th_err err = TH_OK;

	if (leg->content == TH_LEG_SMALL)
		return take_small(leg, p, n);
	if (!leg->in_head)
		used = take_head(leg, p, n, &err);
	if (err != TH_OK) {
		fail(leg, err);
		return n;
	}
	if (used == n)
		return n;
	return used + take_body(leg, p + used, n - used);
}

void th_leg_take_end(struct th_leg *leg)
{
	bool whole = leg->content == TH_LEG_SMALL ||
		     (leg->in_head && (leg->in_left == 0 || leg->in_left == TH_BODY_UNKNOWN));

	if (leg->in_end)
		return;
	leg->in_end = true;
	if (!whole) {
		fail(leg, TH_ERR_CLOSED);
		return;
	}
	leg->ops->end(leg);
	th_leg_settle(leg);
}

void th_leg_on_resume(struct th_flow *self)
{
	struct th_leg *leg = th_leg_of(self);

	if (leg->id)
		th_coap_resume(leg->node->coap, leg->id, th_node_now(leg->node));
}

/* ---- ending ---- */

void th_leg_closed(struct th_leg *leg, enum th_err why)
{
	account(leg);
	unbind(leg);
	if (why != TH_OK)
		leg->ops->failed(leg, why);
	th_leg_settle(leg);
}

static th_coap_id let_go(struct th_leg *leg)
{
	th_coap_id id = leg->id;

	account(leg);
	unbind(leg);
	return id;
}

void th_leg_drop(struct th_leg *leg)
{
	th_coap_cancel(leg->node->coap, let_go(leg), th_node_now(leg->node));
}

void th_leg_abandon(struct th_leg *leg)
{
	th_coap_abandon(leg->node->coap, let_go(leg), th_node_now(leg->node));
}

void th_leg_lost(struct th_leg *leg, enum th_err why)
{
	th_leg_abandon(leg);
	leg->ops->failed(leg, why);
	th_leg_settle(leg);
}

static void die(struct th_leg *leg)
{
	struct th_node *n = leg->node;

	leg->dead = true;
	th_list_remove(&leg->link);
	th_list_push(&n->dead, &leg->link);
	leg->report.ended = th_node_now(n);
	if (leg->report.method.n == 0)
		return;
	if (th_leg_is_ingress(leg))
		n->stats.ingress_done++;
	else
		n->stats.egress_done++;
	if (leg->report.err != TH_OK)
		n->stats.failed++;
	if (n->config.report)
		n->config.report(n->config.user, &leg->report);
}

void th_leg_settle(struct th_leg *leg)
{
	if (leg->id || th_flow_open(&leg->flow) || leg->dead)
		return;
	die(leg);
}
