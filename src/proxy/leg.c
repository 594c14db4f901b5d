#include "proxy/leg.h"

#include "codec/envelope.h"
#include "exchange/route.h"
#include "proxy/coding.h"
#include "proxy/core.h"

_Static_assert((int)TH_URGENCY_INTERACTIVE == (int)TH_COAP_INTERACTIVE && (int)TH_URGENCY_SYNC == (int)TH_COAP_SYNC &&
		       (int)TH_URGENCY_CHATTER == (int)TH_COAP_CHATTER && (int)TH_URGENCY_BULK == (int)TH_COAP_BULK,
	       "routes and engine count urgency alike");

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
	th_buf_init(&leg->out, node->mem, TH_LEG_BUF_MAX);
	th_buf_init(&leg->in, node->mem, TH_LEG_BUF_MAX);
	th_buf_init(&leg->plain, node->mem, TH_LEG_BUF_MAX);
	th_buf_init(&leg->kept, node->mem, TH_LEG_BUF_MAX);
	th_list_init(&leg->unnamed);
	th_list_init(&leg->unflushed);
	leg->dialogue = th_node_speak(node, peer, half[0] == 'i');
	leg->life = leg->dialogue ? leg->dialogue->lives : 0;
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
	th_coding_sent(leg); /* if it was, the peer may have read it */
	th_bulk_end_out(leg);
	th_table_remove(&leg->node->by_id, &leg->by_id);
	leg->id = 0;
}

void th_leg_name(struct th_leg *leg, const struct th_head *request)
{
	size_t n = request->method.n < sizeof(leg->method) ? request->method.n : sizeof(leg->method);

	memcpy(leg->method, request->method.p, n);
	leg->report.method = (struct th_str){ leg->method, n };
	leg->idempotent = th_method_is_idempotent(request->method);
	leg->report.route = th_route_name(request->target);
	leg->priority = (enum th_coap_priority)th_route_urgency(request->target);
}

/* ---- accounts ---- */

/* The ingress half sends requests out, the egress half takes them in. */
void th_leg_count(struct th_leg *leg, bool outgoing, uint64_t n)
{
	if (outgoing == th_leg_is_ingress(leg))
		leg->report.http_bytes_up += n;
	else
		leg->report.http_bytes_down += n;
}

void th_leg_count_head(struct th_leg *leg, bool outgoing, const struct th_head *h)
{
	th_leg_count(leg, outgoing, th_head_http_bytes(h));
}

void th_leg_account(struct th_leg *leg)
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

/* ---- ending ---- */

void th_leg_closed(struct th_leg *leg, enum th_err why)
{
	th_leg_account(leg);
	unbind(leg);
	if (why != TH_OK)
		leg->ops->failed(leg, why);
	th_leg_settle(leg);
}

static th_coap_id let_go(struct th_leg *leg)
{
	th_coap_id id = leg->id;

	th_leg_account(leg);
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
	th_leg_forget_parked(leg);
	th_list_remove(&leg->link);
	th_list_push(&n->dead, &leg->link);
	leg->report.ended = th_node_now(n);
	if (leg->poller)
		th_poller_bill(leg->poller);
	if (leg->report.method.n == 0 || (leg->push && leg->report.status == 0 && leg->report.answered == TH_NEVER))
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
