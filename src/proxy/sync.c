#include "proxy/sync.h"

#include "codec/envelope.h"
#include "exchange/policy.h"
#include "exchange/route.h"

/* ---- heads that are kept ---- */

void th_sync_head_init(struct th_sync_head *h, const struct th_mem *mem)
{
	th_buf_init(&h->bytes, mem, TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX);
}

void th_sync_head_free(struct th_sync_head *h)
{
	if (h->bytes.p)
		th_wipe(h->bytes.p, h->bytes.cap);
	th_buf_free(&h->bytes);
}

enum th_err th_sync_head_keep(struct th_sync_head *h, const struct th_head *head)
{
	size_t n = th_envelope_write(head, NULL, 0);
	uint8_t *at;

	th_sync_head_free(h);
	if (head->n_fields > TH_HEAD_FIELDS_MAX || n > h->bytes.max)
		return TH_ERR_TOO_LARGE;
	at = th_buf_reserve(&h->bytes, n);
	if (!at)
		return TH_ERR_NO_MEMORY;
	th_envelope_write(head, at, n);
	th_buf_commit(&h->bytes, n);
	return TH_OK;
}

bool th_sync_head_read(const struct th_sync_head *h, struct th_head *out, struct th_field *fields, bool request)
{
	if (h->bytes.n == 0)
		return false;
	return (request ? th_envelope_read_request(out, fields, th_buf_data(&h->bytes), h->bytes.n)
			: th_envelope_read_response(out, fields, th_buf_data(&h->bytes), h->bytes.n)) == TH_OK;
}

/* ---- polls ---- */

bool th_sync_is_poll(const struct th_head *h, struct th_sync_query *q)
{
	if (!th_sync_query_read(q, h->target))
		return false;
	if (q->sliding)
		return th_str_eq(h->method, TH_STR("POST")) && h->body_len > 0 && h->body_len <= TH_SLIDING_BODY_MAX;
	return th_str_eq(h->method, TH_STR("GET")) && h->body_len == 0;
}

/* ---- keys ---- */

static enum th_err add(struct th_buf *out, struct th_str s)
{
	uint32_t n = (uint32_t)s.n;
	enum th_err err = th_buf_append(out, &n, sizeof(n));

	return err == TH_OK ? th_buf_append(out, s.p, s.n) : err;
}

enum th_err th_sync_key(const struct th_node *n, const struct th_head *request, struct th_str body, struct th_buf *out)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	char rest[TH_TARGET_MAX];
	enum th_err err;
	struct th_sliding_spot spot;
	size_t count, rest_at;

	th_buf_init(out, n->mem,
		    TH_HEAD_BYTES_MAX + TH_SLIDING_BODY_MAX + (TH_HEAD_FIELDS_MAX * 2 + 3) * sizeof(uint32_t));
	if (request->target.n > sizeof(rest) || request->n_fields > TH_HEAD_FIELDS_MAX)
		return TH_ERR_TOO_LARGE;
	count = th_policy_filter(&n->config.policy, request, fields);
	err = add(out, (struct th_str){ rest, th_sync_query_rest(request->target, rest) });
	for (size_t i = 0; i < count && err == TH_OK; i++) {
		err = add(out, fields[i].name);
		if (err == TH_OK)
			err = add(out, fields[i].value);
	}
	if (err != TH_OK || body.n == 0)
		return err;
	if (!th_sliding_find(body, &spot))
		return TH_ERR_INVALID;
	rest_at = spot.member + spot.length;
	err = th_buf_append(out, body.p, spot.member);
	return err == TH_OK ? th_buf_append(out, body.p + rest_at, body.n - rest_at) : err;
}

uint64_t th_sync_account(const struct th_node *n, const struct th_head *request)
{
	const struct th_field *f = th_head_find(request, TH_STR("Authorization"));

	return f && n->config.sync_push ? th_table_hash(&n->sync.by_key, f->value.p, f->value.n) : 0;
}

uint64_t th_sync_connection(const struct th_node *n, const struct th_head *request, struct th_str body)
{
	const struct th_str connection = th_sliding_connection(body);
	char rest[TH_TARGET_MAX];
	size_t len = request->target.n <= sizeof(rest) ? th_sync_query_rest(request->target, rest) : 0;
	const uint64_t parts[] = { th_sync_account(n, request), th_table_hash(&n->sync.by_key, rest, len),
				   th_table_hash(&n->sync.by_key, connection.p, connection.n) };

	return th_table_hash(&n->sync.by_key, parts, sizeof(parts));
}

void th_sync_asks(struct th_leg *leg, const struct th_head *request)
{
	struct th_str target = request->target;

	leg->account = th_sync_account(leg->node, request);
	leg->ends_account =
		th_route_fits("client/*/logout/**", target) || th_route_fits("client/*/account/deactivate", target);
}

/* POST and DELETE also get 401 when more than the token is wanted (user-interactive authentication). */
void th_sync_answered(struct th_leg *leg, unsigned status)
{
	struct th_str method = leg->report.method;
	bool refused = status == 401 && (th_str_eq(method, TH_STR("GET")) || th_str_eq(method, TH_STR("PUT")));

	if (leg->account && (refused || (leg->ends_account && status == 200)))
		th_sync_doubt(leg->node, leg->account);
}

bool th_sync_key_eq(const struct th_buf *a, const struct th_buf *b)
{
	const uint8_t *p = th_buf_data(a), *q = th_buf_data(b);
	uint8_t differs = 0;

	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		differs |= p[i] ^ q[i];
	return differs == 0;
}

void th_sync_key_free(struct th_buf *key)
{
	if (key->p)
		th_wipe(key->p, key->cap);
	th_buf_free(key);
}

/* ---- time ---- */

enum th_err th_sync_timer_add(struct th_node *n, struct th_sync_timer *t)
{
	return th_heap_set(&n->sync.timers, &t->timer, TH_NEVER);
}

void th_sync_timer_remove(struct th_node *n, struct th_sync_timer *t)
{
	th_heap_cancel(&n->sync.timers, &t->timer);
}

void th_sync_timer_set(struct th_node *n, struct th_sync_timer *t, th_time at)
{
	if (th_timer_is_set(&t->timer))
		th_heap_set(&n->sync.timers, &t->timer, at); /* it is there already, so this can't fail */
}

void th_sync_tick(struct th_node *n)
{
	struct th_timer *t;

	while ((t = th_heap_pop(&n->sync.timers, th_node_now(n))) != NULL) {
		struct th_sync_timer *s = TH_OWNER(t, struct th_sync_timer, timer);

		th_heap_set(&n->sync.timers, t, TH_NEVER); /* its slot was just freed */
		s->fire(s);
	}
}

/* ---- life ---- */

enum { BUCKETS = 256 };

enum th_err th_sync_init(struct th_node *n, const struct th_rng *rng)
{
	struct th_sync *s = &n->sync;

	th_heap_init(&s->timers, n->mem);
	th_list_init(&s->watches);
	th_list_init(&s->polls);
	th_list_init(&s->dead_polls);
	th_list_init(&s->pollers);
	/* without push the table stays empty */
	return th_table_init(&s->by_key, n->mem, BUCKETS, n->config.sync_push ? th_rng_u64(rng) : 0);
}
