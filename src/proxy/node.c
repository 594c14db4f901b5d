#include "proxy/coding.h"
#include "proxy/core.h"
#include "proxy/hello.h"

enum {
	BUCKETS = 1024,
	RECORD = 10,	  /* bytes of a record beside its payload, */
	RECORD_MOST = 24, /* and at most; a handshake has more */
	FIRST_SIZE = 86,  /* bytes of the first datagram, and so of its answer: 34 beside the handshake, enough for
			     /versions, coded, and another hello; then that is one round trip */
};

struct th_leg *th_node_find(const struct th_node *n, th_coap_id id)
{
	uint64_t hash = th_table_hash(&n->by_id, &id, sizeof(id));

	for (struct th_slot *s = th_table_next(&n->by_id, hash, NULL); s; s = th_table_next(&n->by_id, hash, s)) {
		struct th_leg *leg = TH_OWNER(s, struct th_leg, by_id);

		if (leg->id == id)
			return leg;
	}
	return NULL;
}

/* ---- the engine's events ---- */

static void on_request(void *user, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head)
{
	th_egress_request(user, id, peer, head);
}

static void on_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct th_leg *leg = th_node_find(user, id);

	if (leg)
		leg->ops->begin(leg, head);
}

static size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct th_leg *leg = th_node_find(user, id);

	return leg ? th_leg_take(leg, p, n) : n;
}

static void on_end(void *user, th_coap_id id)
{
	struct th_leg *leg = th_node_find(user, id);

	if (leg)
		th_leg_take_end(leg);
}

static void on_resume(void *user, th_coap_id id)
{
	struct th_leg *leg = th_node_find(user, id);

	if (leg && leg->ops->can_send)
		leg->ops->can_send(leg);
	else if (leg)
		th_leg_can_send(leg);
}

static void on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct th_leg *leg = th_node_find(user, id);

	if (leg)
		th_leg_closed(leg, why);
}

static const struct th_coap_ops coap_ops = { on_request, on_response, on_data, on_end, on_resume, on_closed };

/* ---- the session layer's events ---- */

/* The first open leg of that peer for which `is` holds. */
static struct th_leg *leg_that(const struct th_node *n, const struct th_addr *peer, bool (*is)(const struct th_leg *leg))
{
	for (const struct th_list *l = n->open.next; l != &n->open; l = l->next) {
		struct th_leg *leg = TH_OWNER(l, struct th_leg, link);

		if (th_addr_eq(&leg->peer, peer) && is(leg))
			return leg;
	}
	return NULL;
}

static bool is_live(const struct th_leg *leg)
{
	return leg->id || leg->parked;
}

/* Pushes wait for the peer without a message under way. */
static bool waits_for_push(const struct th_leg *leg)
{
	return leg->id && leg->push && !(leg->watch && th_watch_is_asking(leg->watch));
}

static bool waits_for_answer(const struct th_leg *leg)
{
	return leg->id && !leg->push && th_coap_awaits(leg->node->coap, leg->id);
}

/* Legs may outlive their session for a while: until their flows have ended. */
static void forget_dialogue(struct th_node *n, struct th_dialogue *d)
{
	struct th_list *lists[] = { &n->open, &n->dead };

	for (size_t i = 0; d && i < sizeof(lists) / sizeof(lists[0]); i++)
		for (struct th_list *l = lists[i]->next; l != lists[i]; l = l->next) {
			struct th_leg *leg = TH_OWNER(l, struct th_leg, link);

			if (leg->dialogue == d) {
				th_list_remove(&leg->unnamed);
				leg->dialogue = NULL;
			}
		}
	th_dialogue_del(d);
}

/* Nothing will come for these exchanges any more. Each one's end may end others, so the search begins anew. */
static void on_lost(void *user, const struct th_addr *peer, enum th_session_end why)
{
	enum th_err err = why == TH_SESSION_END_KEY ? TH_ERR_REFUSED : TH_ERR_RESET;
	struct th_node *n = user;

	for (struct th_leg *leg = leg_that(n, peer, is_live); leg; leg = leg_that(n, peer, is_live))
		th_leg_lost(leg, err);
	forget_dialogue(n, th_node_dialogue(n, peer));
}

static void on_refused(void *user, const struct th_addr *peer)
{
	struct th_node *n = user;

	for (struct th_leg *leg = leg_that(n, peer, is_live); leg; leg = leg_that(n, peer, is_live))
		th_leg_lost(leg, TH_ERR_REFUSED);
}

static void on_doubtful(void *user, const struct th_addr *peer, uint64_t number)
{
	struct th_node *n = user;
	th_coap_id id = th_coap_numbered(n->coap, peer, number);
	struct th_leg *leg = id ? th_node_find(n, id) : NULL;

	if (leg)
		th_ingress_doubt(leg);
	else
		th_coap_cancel(n->coap, id, th_node_now(n));
}

/* What it was to push, and what it has acknowledged and not answered, it does not know any more. What is under way is sent
 * anew. */
static void on_restarted(void *user, const struct th_addr *peer)
{
	struct th_node *n = user;
	struct th_dialogue *d = th_node_dialogue(n, peer);

	if (d) {
		d->lives++;
		th_dialogue_forget(d);
	}
	for (struct th_leg *leg = leg_that(n, peer, waits_for_push); leg; leg = leg_that(n, peer, waits_for_push))
		th_leg_lost(leg, TH_ERR_RESET);
	for (struct th_leg *leg = leg_that(n, peer, waits_for_answer); leg; leg = leg_that(n, peer, waits_for_answer))
		th_ingress_forgotten(leg);
}

/* Both ends of a session are thimbles, so bodies travel in bursts. `opened`: only the datagrams before have a handshake
 * in them. */
static void tell_link(struct th_node *n, const struct th_addr *peer, const struct th_link_profile *told, bool opened)
{
	struct th_link_profile own = n->config.link, link;
	struct th_addr real = th_node_real(n, peer);
	struct th_dialogue *d = th_node_dialogue(n, peer);
	size_t below = th_secure_overhead(n->secure, peer);

	own.overhead = th_addr_overhead(&real) + (below <= RECORD_MOST ? below : RECORD);
	own.opening = opened || below <= RECORD_MOST ? 0 : below - RECORD;
	link = told ? th_link_profile_join(&own, told) : own;
	if (d)
		d->loss_percent = link.loss_percent;
	(void)th_coap_set_profile(n->coap, peer, &link, th_node_now(n)); /* without memory: RFC 7252's times */
}

struct th_dialogue *th_node_dialogue(const struct th_node *n, const struct th_addr *peer)
{
	for (const struct th_list *l = n->dialogues.next; l != &n->dialogues; l = l->next) {
		struct th_dialogue *d = TH_OWNER(l, struct th_dialogue, link);

		if (th_addr_eq(&d->peer, peer))
			return d;
	}
	return NULL;
}

struct th_dialogue *th_node_speak(struct th_node *n, const struct th_addr *peer, bool asks)
{
	struct th_dialogue *d = n->workshop ? th_node_dialogue(n, peer) : NULL;

	if (d || !n->workshop)
		return d;
	d = th_dialogue_new(n->mem, peer, asks);
	if (d)
		th_list_push(&n->dialogues, &d->link);
	return d;
}

static void on_made(void *user, const struct th_addr *peer, bool initiator)
{
	(void)th_node_speak(user, peer, initiator); /* without memory its first exchange tries again */
	tell_link(user, peer, NULL, false);
}

static void on_opened(void *user, const struct th_addr *peer, const uint8_t *p, size_t len)
{
	struct th_node *n = user;
	struct th_dialogue *d = th_node_dialogue(n, peer);
	struct th_hello hello;
	bool said = th_hello_read(&hello, p, len) == TH_OK && hello.said;

	tell_link(n, peer, said ? &hello.link : NULL, true);
	if (d && said)
		th_dialogue_heard(d, &n->hello, &hello);
}

static const struct th_secure_ops secure_ops = { on_made, on_opened, on_lost, on_refused, on_doubtful, on_restarted };

/* ---- life ---- */

static th_time longer(th_time t, const struct th_coap_params *p)
{
	th_time lifetime = th_coap_exchange_lifetime(p);

	return t > lifetime ? t : lifetime;
}

/* Copies without an answer mean a peer that has lost its keys, or a link that loses: so many that the latter explains
 * them in two cases of a hundred. */
static unsigned silent_resends(unsigned usual, unsigned loss_percent)
{
	enum { CERTAIN = 100, RARE = 2, MOST = 10 };
	unsigned lost = CERTAIN * CERTAIN - (CERTAIN - loss_percent) * (CERTAIN - loss_percent), n = 0;

	for (unsigned chance = CERTAIN * CERTAIN; chance > RARE * CERTAIN && n < MOST; n++)
		chance = chance * lost / (CERTAIN * CERTAIN);
	return n > usual ? n : usual;
}

struct th_node *th_node_new(const struct th_mem *mem, const struct th_rng *rng, const struct th_node_config *config)
{
	struct th_node *n = th_alloc(mem, sizeof(*n));
	struct th_secure_config secure;
	uint8_t hello[TH_HELLO_MAX];

	if (!n)
		return NULL;
	n->mem = mem;
	n->config = *config;
	n->server.open = config->secure && config->sync_push ? th_sync_open : th_ingress_open;
	n->config.sync_push = config->secure && config->sync_push;
	th_list_init(&n->open);
	th_list_init(&n->dead);
	th_list_init(&n->unflushed);
	th_list_init(&n->dialogues);
	if (th_sync_init(n, rng) != TH_OK)
		goto no_sync;
	if (th_table_init(&n->by_id, mem, BUCKETS, th_rng_u64(rng)) != TH_OK)
		goto no_table;
	n->coap = th_coap_new(&n->config.coap, mem, rng, &coap_ops, n);
	if (!n->coap)
		goto no_coap;
	n->config.secure = NULL;
	if (!config->secure)
		return n;
	secure = *config->secure;
	n->config.link.blocks = true;
	n->hello.link = n->config.link;
	n->workshop = th_workshop_new(mem, config->no_model);
	if (n->workshop)
		th_workshop_hello(n->workshop, &n->hello);
	n->hello.tables ^= config->other_version;
	secure.sessions.first_size = FIRST_SIZE;
	secure.sessions.silent_resends = silent_resends(secure.sessions.silent_resends, config->link.loss_percent);
	secure.slow = th_airtime(FIRST_SIZE, config->link.up_bps) >= TH_SEC;
	secure.sessions.hello = hello;
	secure.sessions.hello_n = th_hello_write(&n->hello, hello);
	/* As long as the engine remembers what it has executed, so long must a session be found again by its peer. */
	secure.sessions.half_open_life = longer(secure.sessions.half_open_life, &config->coap);
	secure.sessions.idle = longer(secure.sessions.idle, &config->coap);
	n->secure = th_secure_new(mem, rng, &secure, n->coap, config->now, &secure_ops, n);
	if (n->secure && n->workshop)
		return n;
	th_coap_del(n->coap);
	th_secure_del(n->secure);
	th_workshop_del(n->workshop);
no_coap:
	th_table_free(&n->by_id);
no_table:
	th_sync_free(n);
no_sync:
	th_free(mem, n);
	return NULL;
}

static void bury(struct th_node *n)
{
	struct th_list *l;

	while ((l = th_list_pop(&n->dead)) != NULL) {
		struct th_leg *leg = TH_OWNER(l, struct th_leg, link);

		th_coding_done(leg);
		th_bulk_end_in(leg);
		th_buf_free(&leg->in);
		th_buf_free(&leg->out);
		th_poller_free(leg->poller);
		th_free(n->mem, leg);
	}
	th_sync_bury(n);
}

void th_node_del(struct th_node *n)
{
	const struct th_failure why = { .err = TH_ERR_CANCELLED, .status = 503, .reason = "thimble is shutting down." };

	if (!n)
		return;
	th_sync_free(n);
	while (!th_list_empty(&n->open)) {
		struct th_leg *leg = TH_OWNER(n->open.next, struct th_leg, link);

		th_leg_drop(leg);
		leg->report.err = TH_ERR_CANCELLED;
		th_flow_close(&leg->flow, th_leg_is_ingress(leg) ? &why : NULL);
		th_leg_settle(leg);
	}
	bury(n);
	th_coap_del(n->coap); /* tells the numbering what is over */
	th_secure_del(n->secure);
	while (!th_list_empty(&n->dialogues))
		th_dialogue_del(TH_OWNER(n->dialogues.next, struct th_dialogue, link));
	th_workshop_del(n->workshop);
	th_table_free(&n->by_id);
	th_free(n->mem, n);
}

/* ---- the four verbs ---- */

bool th_node_rx(struct th_node *n, const struct th_addr *from, const uint8_t *dgram, size_t len)
{
	if (n->secure)
		return th_secure_rx(n->secure, from, dgram, len);
	th_coap_rx(n->coap, from, dgram, len, th_node_now(n));
	return true;
}

/* Answers whose turn has come, and those for which it never will. Each one's end may end others, so the search begins
 * anew. */
static struct th_leg *unparked(const struct th_node *n)
{
	for (const struct th_list *i = n->open.next; i != &n->open; i = i->next) {
		struct th_leg *leg = TH_OWNER(i, struct th_leg, link);

		if (leg->parked && th_coding_wait(leg) != TH_CODING_WAITS)
			return leg;
	}
	return NULL;
}

static void unpark(struct th_node *n)
{
	struct th_leg *leg;

	while (n->parked > 0 && (leg = unparked(n)) != NULL)
		th_leg_unpark(leg);
}

size_t th_node_tx(struct th_node *n, struct th_addr *to, uint8_t *out, size_t cap)
{
	unpark(n);
	th_bulk_flush(n);
	bury(n);
	return n->secure ? th_secure_tx(n->secure, to, out, cap) : th_coap_tx(n->coap, to, out, cap, th_node_now(n));
}

th_time th_node_deadline(const struct th_node *n)
{
	th_time at = n->secure ? th_secure_deadline(n->secure) : th_coap_deadline(n->coap);

	return th_time_min(at, th_heap_next(&n->sync.timers));
}

void th_node_tick(struct th_node *n)
{
	if (n->secure)
		th_secure_tick(n->secure);
	else
		th_coap_tick(n->coap, th_node_now(n));
	unpark(n);
	th_sync_tick(n);
	bury(n);
}

/* Observations stay open while nothing happens; but a long answer to one may be under way. */
static bool is_idle(const struct th_node *n)
{
	if (n->packers > 0 || n->unpackers > 0)
		return false; /* they work with what the workshop has */
	for (const struct th_list *l = n->open.next; l != &n->open; l = l->next)
		if (!TH_OWNER(l, struct th_leg, link)->push)
			return false;
	return true;
}

void th_node_rest(struct th_node *n)
{
	struct th_workshop *fresh;

	if (!n->workshop || !is_idle(n) || th_workshop_is_watched(n->workshop))
		return;
	fresh = th_workshop_new(n->mem, n->config.no_model); /* none of its pages is there before it is used */
	if (!fresh)
		return;
	th_workshop_del(n->workshop);
	n->workshop = fresh;
}

/* ---- the peer ---- */

void th_node_set_peer(struct th_node *n, const struct th_addr *peer, const uint8_t *key)
{
	n->peer_known = peer && n->config.ingress;
	if (peer)
		n->peer = *peer;
	if (n->secure)
		th_secure_set_peer(n->secure, n->peer_known ? peer : NULL, key);
}

enum th_err th_node_peer(struct th_node *n, struct th_addr *out)
{
	if (n->secure)
		return th_secure_peer(n->secure, out);
	*out = n->peer;
	return n->peer_known ? TH_OK : TH_ERR_NOT_FOUND;
}

struct th_addr th_node_real(const struct th_node *n, const struct th_addr *peer)
{
	struct th_addr real = *peer;

	if (n->secure && !th_secure_real(n->secure, peer, &real))
		return n->peer;
	return real;
}

void th_node_wall(struct th_node *n, uint64_t unix_seconds)
{
	if (n->secure)
		th_secure_wall(n->secure, unix_seconds);
}

enum th_err th_node_set_profile(struct th_node *n, const struct th_addr *peer, const struct th_link_profile *l)
{
	return th_coap_set_profile(n->coap, peer, l, th_node_now(n));
}

/* ---- settings and figures ---- */

struct th_flow_server *th_node_server(struct th_node *n)
{
	return &n->server;
}

void th_node_drain(struct th_node *n)
{
	th_sync_drain(n);
}

enum th_err th_node_watch(struct th_node *n, th_node_coded *tell, void *user)
{
	return n->workshop ? th_workshop_watch(n->workshop, tell, user) : TH_ERR_UNSUPPORTED;
}

void th_node_set_policy(struct th_node *n, const struct th_policy *policy)
{
	n->config.policy = *policy;
}

void th_node_stats(const struct th_node *n, struct th_node_stats *out)
{
	*out = n->stats;
	th_coap_stats(n->coap, &out->coap);
	out->encrypted = n->secure != NULL;
	if (n->secure)
		out->session = *th_secure_stats(n->secure);
	out->ingress_open = n->sync.n_polls;
	out->sync_watches = n->sync.n_watches;
	out->sync_pollers = n->sync.n_pollers;
	for (const struct th_list *l = n->open.next; l != &n->open; l = l->next) {
		const struct th_leg *leg = TH_OWNER(l, struct th_leg, link);

		if (leg->push)
			continue;
		if (leg->report.half[0] == 'i')
			out->ingress_open++;
		else
			out->egress_open++;
	}
}
