/* Timers: x->alarm, the earlier of x->ack_at (server: the empty ACK, when the user takes its time) and x->give_up_at
 * (client: no separate response; server: the user does not answer, or the client does not ask for the next block). */
#include "coap/engine_int.h"

#include <string.h>

static struct th_coap_exchange *find_any(const struct th_coap *c, th_coap_id id)
{
	for (struct th_slot *n = th_table_next(&c->by_id, id, NULL); n; n = th_table_next(&c->by_id, id, n)) {
		struct th_coap_exchange *x = TH_OWNER(n, struct th_coap_exchange, by_id);

		if (x->id == id)
			return x;
	}
	return NULL;
}

struct th_coap_exchange *th_coap_exchange_find(const struct th_coap *c, th_coap_id id)
{
	struct th_coap_exchange *x = find_any(c, id);

	return x && !x->closed ? x : NULL;
}

uint64_t th_coap_token_hash(const struct th_coap *c, const struct th_coap_peer *p, bool client, const uint8_t *token,
			    size_t n)
{
	uint8_t key[sizeof(p->node.hash) + 2 + TH_COAP_TOKEN_MAX] = { 0 };
	struct th_wr w = th_wr_init(key, sizeof(key));

	th_wr_uint(&w, p->node.hash, sizeof(p->node.hash));
	th_wr_uint(&w, client, 1);
	th_wr_uint(&w, n, 1);
	th_wr_bytes(&w, token, n);
	return th_table_hash(&c->by_token, key, sizeof(key));
}

struct th_coap_exchange *th_coap_exchange_named(const struct th_coap *c, const struct th_coap_peer *p, bool client,
						const uint8_t *token, size_t n, const struct th_coap_exchange *after)
{
	uint64_t hash = th_coap_token_hash(c, p, client, token, n);
	struct th_slot *node = th_table_next(&c->by_token, hash, after ? &after->by_token : NULL);

	for (; node; node = th_table_next(&c->by_token, hash, node)) {
		struct th_coap_exchange *x = TH_OWNER(node, struct th_coap_exchange, by_token);

		if (x->peer == p && x->client == client && th_coap_token_eq(&x->token, token, n))
			return x;
	}
	return NULL;
}

static void due(struct th_coap *c, struct th_coap_alarm *a)
{
	struct th_coap_exchange *x = TH_OWNER(a, struct th_coap_exchange, alarm);

	if (x->client)
		th_coap_client_due(c, x);
	else
		th_coap_server_due(c, x);
}

struct th_coap_exchange *th_coap_exchange_new(struct th_coap *c, struct th_coap_peer *p, bool client,
					      const struct th_coap_token *token, enum th_err *err)
{
	struct th_coap_exchange *x;

	*err = TH_ERR_FULL;
	if (c->by_id.n >= c->params->max_exchanges)
		return NULL;
	*err = TH_ERR_NO_MEMORY;
	x = th_alloc(c->mem, sizeof(*x));
	if (!x)
		return NULL;
	if (th_coap_alarm_init(c, &x->alarm, due) != TH_OK) {
		th_free(c->mem, x);
		return NULL;
	}
	x->client = client;
	x->peer = p;
	x->token = *token;
	x->id = ++c->last_id;
	x->ack_at = x->give_up_at = TH_NEVER;
	th_list_init(&x->dead);
	if (client)
		th_list_init(&x->c.awaiting);
	th_coap_out_init(c, &x->out, (uint8_t)c->params->szx);
	th_coap_peer_hold(p);
	th_table_add(&c->by_id, &x->by_id, x->id);
	if (!client || token->n)
		th_table_add(&c->by_token, &x->by_token, th_coap_token_hash(c, p, client, token->p, token->n));
	*err = TH_OK;
	return x;
}

void th_coap_exchange_arm(struct th_coap *c, struct th_coap_exchange *x)
{
	if (!x->closed)
		th_coap_alarm_set(c, &x->alarm, th_time_min(x->ack_at, x->give_up_at));
}

/* Nothing leads to it any more but its id. */
static void detach(struct th_coap *c, struct th_coap_exchange *x)
{
	x->closed = true;
	th_coap_burst_detach(c, x);
	if (x->client)
		th_coap_client_detach(c, x);
	else
		th_coap_server_detach(c, x);
	if (!x->client || x->token.n)
		th_table_remove(&c->by_token, &x->by_token);
	th_coap_alarm_free(c, &x->alarm);
	th_coap_peer_release(c, x->peer);
}

static void bury(struct th_coap *c, struct th_coap_exchange *x)
{
	th_table_remove(&c->by_id, &x->by_id);
	th_list_push(&c->dead, &x->dead);
}

void th_coap_exchange_close(struct th_coap *c, struct th_coap_exchange *x, enum th_err why)
{
	if (x->closed)
		return;
	detach(c, x);
	c->ops->closed(c->user, x->id, why); /* may still ask for the account */
	bury(c, x);
}

void th_coap_exchange_drop(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->closed)
		return;
	detach(c, x);
	bury(c, x);
}

void th_coap_exchange_free(struct th_coap *c, struct th_coap_exchange *x)
{
	th_coap_burst_free(c, x);
	th_buf_free(&x->out.buf);
	th_free(c->mem, x->in.held);
	th_free(c->mem, x->client ? x->c.head : x->s.head);
	if (x->client)
		th_free(c->mem, x->c.held);
	th_free(c->mem, x);
}

/* The users' verbs that both roles share */

static void pump(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->closed)
		return;
	if (x->client)
		th_coap_client_pump(c, x);
	else
		th_coap_server_pump(c, x);
}

static size_t write_out(struct th_coap *c, struct th_coap_exchange *x, const uint8_t *p, size_t n)
{
	size_t room = th_buf_room(&x->out.buf);
	size_t take = n < room ? n : room;

	if (x->out.ended)
		return 0;
	if (x->out.cut)
		return n;
	if (th_buf_append(&x->out.buf, p, take) != TH_OK) {
		th_coap_exchange_close(c, x, TH_ERR_NO_MEMORY);
		return 0;
	}
	x->out.wants_room = take < n;
	pump(c, x);
	return take;
}

size_t th_coap_write(struct th_coap *c, th_coap_id id, const uint8_t *p, size_t n, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);
	size_t taken;

	if (!x)
		return 0;
	th_coap_enter(c, now);
	taken = write_out(c, x, p, n);
	th_coap_leave(c);
	return taken;
}

size_t th_coap_unsent(const struct th_coap *c, th_coap_id id)
{
	const struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x)
		return 0;
	return x->out.burst ? th_coap_burst_unsent(x) : x->out.buf.n;
}

enum th_err th_coap_end(struct th_coap *c, th_coap_id id, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x)
		return TH_ERR_NOT_FOUND;
	if (x->out.ended)
		return TH_ERR_INVALID;
	th_coap_enter(c, now);
	x->out.ended = true;
	x->out.wants_room = false;
	pump(c, x);
	th_coap_leave(c);
	return TH_OK;
}

void th_coap_resume(struct th_coap *c, th_coap_id id, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x)
		return;
	th_coap_enter(c, now);
	if (th_coap_in_offer(c, x)) {
		if (x->client)
			th_coap_client_resumed(c, x);
		else
			th_coap_server_resumed(c, x);
	}
	th_coap_leave(c);
}

static void give_up(struct th_coap *c, th_coap_id id, th_time now, bool tell)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x)
		return;
	th_coap_enter(c, now);
	if (x->client)
		th_coap_client_cancel(c, x);
	else if (tell)
		th_coap_server_cancel(c, x);
	th_coap_exchange_drop(c, x);
	th_coap_leave(c);
}

void th_coap_cancel(struct th_coap *c, th_coap_id id, th_time now)
{
	give_up(c, id, now, true);
}

void th_coap_abandon(struct th_coap *c, th_coap_id id, th_time now)
{
	give_up(c, id, now, false);
}

enum th_err th_coap_token(const struct th_coap *c, th_coap_id id, const uint8_t **token, size_t *n)
{
	const struct th_coap_exchange *x = find_any(c, id);

	if (!x || (x->client && x->token.n == 0))
		return TH_ERR_NOT_FOUND;
	*token = x->token.p;
	*n = x->token.n;
	return TH_OK;
}

th_coap_id th_coap_find(const struct th_coap *c, const struct th_addr *peer, const uint8_t *token, size_t n)
{
	const struct th_coap_peer *p = th_coap_peer_find(c, peer);
	const struct th_coap_exchange *x;

	if (!p || n > TH_COAP_TOKEN_MAX)
		return 0;
	x = th_coap_exchange_named(c, p, false, token, n, NULL);
	return x ? x->id : 0;
}

enum th_err th_coap_account(const struct th_coap *c, th_coap_id id, struct th_coap_account *out)
{
	const struct th_coap_exchange *x = find_any(c, id);

	if (!x)
		return TH_ERR_NOT_FOUND;
	*out = x->account;
	return TH_OK;
}
