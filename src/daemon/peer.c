#include "daemon/peer.h"

#include "base/log.h"

#define RETRY_FIRST TH_SEC
#define RETRY_LAST (60 * TH_SEC)
#define SILENT_LAST (3600 * TH_SEC) /* name servers may be behind the very link that is down */

static bool is_v4(const struct th_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

static bool is_any(const struct th_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

/* "::" reaches both families, any other socket its own. */
static bool reachable(const struct th_peer *p, const struct th_addr *a)
{
	if (p->only_loopback && !th_addr_is_loopback(a))
		return false;
	return is_any(&p->local) || is_v4(&p->local) == is_v4(a);
}

static void retry_later(struct th_peer *p)
{
	th_loop_alarm(p->loop, &p->again, th_time_add(th_loop_now(p->loop), p->patience));
	p->patience = th_time_min(2 * p->patience, p->silent ? SILENT_LAST : RETRY_LAST);
}

/* Tells the node. A key that cannot be looked up is as bad as no address: nothing may be sent. */
static void tell(struct th_peer *p, const struct th_addr *addr)
{
	uint8_t key[TH_NOISE_DH];
	enum th_err err = p->identity ? th_identity_key(p->identity, &p->target, key) : TH_ERR_NOT_FOUND;

	if (err == TH_OK || err == TH_ERR_NOT_FOUND)
		th_node_set_peer(p->node, addr, err == TH_OK ? key : NULL);
	else
		th_node_set_peer(p->node, NULL, NULL);
}

/* Which of the addresses to use: the first that can be reached; of a silent peer the one after that in use. n: none. */
static size_t choose(const struct th_peer *p, const struct th_addr *addrs, size_t n)
{
	size_t first = n;
	bool passed = false;

	for (size_t i = 0; i < n; i++) {
		if (!reachable(p, &addrs[i]))
			continue;
		if (first == n)
			first = i;
		if (!p->silent || passed)
			return i;
		passed = p->known && th_addr_eq(&addrs[i], &p->in_use);
	}
	return first;
}

static void use(struct th_peer *p, const struct th_addr *addr)
{
	char text[TH_ADDR_TEXT];

	if (!p->silent || !p->known || !th_addr_eq(addr, &p->in_use)) {
		th_log(TH_LOG_INFO, "peer", "target=%s addr=%s", p->target.host, th_addr_text(addr, text));
		tell(p, addr);
	}
	p->known = true;
	p->in_use = *addr;
	if (p->silent)
		retry_later(p);
}

static void found(void *user, const struct th_addr *addrs, size_t n, enum th_err err)
{
	struct th_peer *p = user;
	size_t i = choose(p, addrs, n);
	char text[TH_ADDR_TEXT];

	p->looking = NULL;
	if (i < n) {
		use(p, &addrs[i]);
		return;
	}
	if (n > 0)
		th_log(TH_LOG_ERROR, "peer_unreachable", "target=%s addr=%s link=%s hint=\"%s\" retry_s=%u",
		       p->target.host, th_addr_text(&addrs[0], text), is_v4(&p->local) ? "ipv4" : "ipv6",
		       p->only_loopback
			       ? "with disable-encryption the peer must be on loopback, of coap-bind-host's family"
			       : "choose a coap-bind-host of the same family",
		       (unsigned)(p->patience / TH_SEC));
	else
		th_log(TH_LOG_WARN, "peer_unknown",
		       "target=%s err=\"%s\" hint=\"check the name in coap-target, and this host's name service\" "
		       "retry_s=%u",
		       p->target.host, th_strerror(err), (unsigned)(p->patience / TH_SEC));
	retry_later(p);
}

static void look(struct th_peer *p)
{
	p->looking = th_resolve_start(p->loop, p->mem, p->target.host, p->target.port, found, p);
}

static void look_again(struct th_alarm *a, th_time now)
{
	(void)now;
	look(TH_OWNER(a, struct th_peer, again));
}

void th_peer_init(struct th_peer *p)
{
	p->again.fire = look_again;
	p->target = (struct th_target){ .port = 0 };
	p->looking = NULL;
	p->silent = p->known = false;
}

static void stop(struct th_peer *p)
{
	if (p->looking)
		th_resolve_cancel(p->looking);
	p->looking = NULL;
	th_loop_cancel(p->loop, &p->again);
}

void th_peer_free(struct th_peer *p)
{
	stop(p);
}

static bool is_same(const struct th_target *a, const struct th_target *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port && a->has_key == b->has_key &&
	       memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

void th_peer_set(struct th_peer *p, const struct th_target *target)
{
	stop(p);
	if (!is_same(&p->target, target)) {
		th_node_set_peer(p->node, NULL, NULL);
		p->known = false;
	}
	p->target = *target;
	p->silent = false;
	p->patience = RETRY_FIRST;
	if (target->host[0])
		look(p);
}

void th_peer_silent(struct th_peer *p)
{
	if (p->silent || !p->known) /* not known: it is being looked up */
		return;
	stop(p);
	p->silent = true;
	p->patience = RETRY_LAST;
	look(p);
}

void th_peer_heard(struct th_peer *p)
{
	if (!p->silent)
		return;
	stop(p);
	p->silent = false;
}
