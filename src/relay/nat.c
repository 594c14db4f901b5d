#include "relay/nat.h"

#include "base/log.h"

static void from_target(void *user, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct th_nat_client *c = user;

	if (th_addr_eq(from, &c->nat->target)) /* others have no business with this port */
		c->nat->rx(c->nat->user, c, p, n);
}

static void writable(void *user)
{
	(void)user; /* what the system did not take is lost */
}

static const struct th_udp_ops ops = { from_target, writable };

static struct th_udp *open_port(struct th_nat *n, struct th_nat_client *c)
{
	enum th_err err;

	return th_udp_new(n->loop, n->mem, th_addr_is_v4(&n->target) ? "0.0.0.0" : "::", 0, &ops, c, &err);
}

static void tell(const struct th_nat_client *c, const char *event)
{
	struct th_addr local = th_udp_local(c->udp);
	char addr[TH_ADDR_TEXT];

	th_log(TH_LOG_INFO, event, "client=%s port=%u", th_addr_text(&c->addr, addr), (unsigned)local.port);
}

static void forget(struct th_nat *n, struct th_nat_client *c)
{
	th_list_remove(&c->link);
	th_table_remove(&n->by_addr, &c->slot);
	n->clients[c->place] = NULL;
	n->n--;
	th_udp_del(c->udp);
	th_free(n->mem, c);
}

static struct th_nat_client *longest_silent(const struct th_nat *n)
{
	return TH_OWNER(n->silent.next, struct th_nat_client, link);
}

static void set_expiry(struct th_nat *n)
{
	if (n->n && n->timeout != TH_NEVER)
		th_loop_alarm(n->loop, &n->expiry, th_time_add(longest_silent(n)->heard, n->timeout));
}

static void expire(struct th_alarm *a, th_time now)
{
	struct th_nat *n = TH_OWNER(a, struct th_nat, expiry);

	while (n->n && th_time_add(longest_silent(n)->heard, n->timeout) <= now) {
		tell(longest_silent(n), "nat_timeout");
		forget(n, longest_silent(n));
	}
	set_expiry(n);
}

enum th_err th_nat_init(struct th_nat *n, size_t max, uint64_t seed)
{
	n->max = max;
	n->n = 0;
	n->ids = 0;
	n->expiry = (struct th_alarm){ .fire = expire };
	th_list_init(&n->silent);
	n->clients = th_alloc(n->mem, max * sizeof(struct th_nat_client *));
	if (n->clients && th_table_init(&n->by_addr, n->mem, max, seed) == TH_OK)
		return TH_OK;
	th_free(n->mem, n->clients);
	n->clients = NULL;
	return TH_ERR_NO_MEMORY;
}

void th_nat_free(struct th_nat *n)
{
	if (!n->clients)
		return;
	while (n->n)
		forget(n, longest_silent(n));
	th_loop_cancel(n->loop, &n->expiry);
	th_table_free(&n->by_addr);
	th_free(n->mem, n->clients);
	n->clients = NULL;
}

static uint64_t hash_of(const struct th_nat *n, const struct th_addr *a)
{
	uint8_t key[sizeof(a->ip) + sizeof(a->port)];

	memcpy(key, a->ip, sizeof(a->ip));
	memcpy(key + sizeof(a->ip), &a->port, sizeof(a->port));
	return th_table_hash(&n->by_addr, key, sizeof(key));
}

static size_t free_place(const struct th_nat *n)
{
	size_t i = 0;

	while (n->clients[i])
		i++;
	return i;
}

static struct th_nat_client *add(struct th_nat *n, const struct th_addr *addr, uint64_t hash)
{
	struct th_nat_client *c;

	if (n->n == n->max) {
		tell(longest_silent(n), "replaced");
		forget(n, longest_silent(n));
	}
	c = th_alloc(n->mem, sizeof(*c));
	if (!c)
		return NULL;
	c->nat = n;
	c->addr = *addr;
	c->udp = open_port(n, c);
	if (!c->udp) {
		th_free(n->mem, c);
		return NULL;
	}
	c->place = free_place(n);
	c->id = n->ids++ * n->max + c->place;
	n->clients[c->place] = c;
	n->n++;
	th_table_add(&n->by_addr, &c->slot, hash);
	th_list_push(&n->silent, &c->link);
	tell(c, "client");
	return c;
}

struct th_nat_client *th_nat_of(struct th_nat *n, const struct th_addr *addr)
{
	uint64_t hash = hash_of(n, addr);
	struct th_slot *s = NULL;
	struct th_nat_client *c = NULL;

	while (!c && (s = th_table_next(&n->by_addr, hash, s)) != NULL)
		if (th_addr_eq(&TH_OWNER(s, struct th_nat_client, slot)->addr, addr))
			c = TH_OWNER(s, struct th_nat_client, slot);
	if (!c)
		c = add(n, addr, hash);
	if (!c)
		return NULL;
	c->heard = th_loop_now(n->loop);
	th_list_remove(&c->link);
	th_list_push(&n->silent, &c->link);
	if (!th_timer_is_set(&n->expiry.timer))
		set_expiry(n);
	return c;
}

const struct th_nat_client *th_nat_find(const struct th_nat *n, uint64_t id)
{
	const struct th_nat_client *c = n->clients[id % n->max];

	return c && c->id == id ? c : NULL;
}

void th_nat_rebind(struct th_nat *n)
{
	TH_LIST_EACH(it, &n->silent)
	{
		struct th_nat_client *c = TH_OWNER(it, struct th_nat_client, link);
		struct th_udp *fresh = open_port(n, c); /* before the old one closes: it cannot be the same port */

		if (!fresh) {
			th_log(TH_LOG_WARN, "rebind", "ok=false hint=\"no socket to be had; the port stays\"");
			continue;
		}
		th_udp_del(c->udp);
		c->udp = fresh;
		tell(c, "rebind");
	}
}
