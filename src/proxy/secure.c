#include "proxy/secure.h"

#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/table.h"
#include "coap/compact.h"
#include "coap/option.h"
#include "coap/print.h"
#include "proxy/asking.h"

enum {
	BUCKETS = 256,
	PDU_MAX = TH_SESSION_PAYLOAD_MAX + 64, /* a message in its ordinary form */
	ID_AT = 8,			       /* in a virtual address */
	PATH_CHALLENGE = 0xfe,		       /* instead of a message: path.h */
	PATH_RESPONSE = 0xff,
	RECENT = 1 << 15, /* numbers that 16 bits tell from those that are on their way */
};

#define REFUSAL_LASTS (10 * TH_SEC)
#define REFUSAL_FRESH TH_SEC

static const uint8_t virtual_prefix[ID_AT] = { 0xfd, 't', 'h', 'i', 'm', 'b', 'l', 'e' }; /* a ULA: never routed */

/* What is known of a session above its keys. */
struct link {
	struct th_slot by_id;
	struct th_list all;
	th_session_id id;
	struct th_naming naming;
	bool blocked;	/* the engine waits for numbers */
	uint64_t empty; /* the peer's: the largest number of an empty message received, + 1; 0: none */
};

struct th_secure {
	const struct th_mem *mem; /* borrowed, as the following */
	struct th_coap *coap;
	const th_time *now;
	const struct th_secure_ops *ops;
	void *user;
	struct th_secure_config config; /* without its pointers to keys, which the sessions have copied */
	struct th_sessions *sessions;	/* owned */
	struct th_table by_id;
	struct th_list all; /* links, owned */

	bool peer_set, peer_has_key;
	struct th_addr peer_addr;
	uint8_t peer_key[TH_NOISE_DH];
	bool has_psk;
	struct th_noise_secret psk;
	th_session_id peer_session;  /* 0: none yet */
	th_session_id left_session;  /* to the same peer, nobody answers; its exchanges wait to the end. 0: none */
	th_time sent_at;	     /* when the last datagram left, for keepalives */
	struct th_asking asking;     /* whether the peer has another key by now */
	char refusal[TH_SECURE_WHY]; /* why that one was refused; "": it was not */
	uint8_t refused_key[TH_NOISE_DH];
	th_time refused_at;   /* when it was asked for last whether it is to be trusted, */
	th_time refused_seen; /* and when the peer was seen to have it */

	bool heard; /* the peer, in the datagram at hand */
	bool freed; /* something is over that may have kept numbers from being given */
	uint8_t pdu[PDU_MAX], compact[PDU_MAX];
};

/* ---- virtual addresses ---- */

static struct th_addr virtual_of(th_session_id id)
{
	struct th_addr a = { .port = 0 };

	memcpy(a.ip, virtual_prefix, sizeof(virtual_prefix));
	for (unsigned i = 0; i < sizeof(id); i++)
		a.ip[ID_AT + i] = (uint8_t)(id >> (8 * (sizeof(id) - 1 - i)));
	return a;
}

static th_session_id id_of(const struct th_addr *a)
{
	th_session_id id = 0;

	for (unsigned i = 0; i < sizeof(id); i++)
		id = id << 8 | a->ip[ID_AT + i];
	return id;
}

static struct link *find(const struct th_secure *s, th_session_id id)
{
	uint64_t hash = th_table_hash(&s->by_id, &id, sizeof(id));

	for (struct th_slot *n = th_table_next(&s->by_id, hash, NULL); n; n = th_table_next(&s->by_id, hash, n)) {
		struct link *l = TH_OWNER(n, struct link, by_id);

		if (l->id == id)
			return l;
	}
	return NULL;
}

static struct link *add(struct th_secure *s, th_session_id id)
{
	struct link *l = th_alloc(s->mem, sizeof(*l));
	struct th_session_info info;
	struct th_addr peer;

	if (!l)
		return NULL;
	l->id = id;
	th_naming_init(&l->naming, th_session_next(s->sessions, id));
	th_table_add(&s->by_id, &l->by_id, th_table_hash(&s->by_id, &id, sizeof(id)));
	th_list_init(&l->all);
	th_list_push(&s->all, &l->all);
	peer = virtual_of(id);
	s->ops->made(s->user, &peer, th_session_look(s->sessions, id, &info, *s->now) && info.initiator);
	return l;
}

static void drop(struct th_secure *s, struct link *l)
{
	if (s->peer_session == l->id)
		s->peer_session = 0;
	if (s->left_session == l->id)
		s->left_session = 0;
	th_table_remove(&s->by_id, &l->by_id);
	th_list_remove(&l->all);
	th_free(s->mem, l);
}

/* ---- numbers ---- */

/* The session takes numbers for itself now and then (an empty record that confirms keys). */
static void catch_up(struct th_secure *s, struct link *l)
{
	uint64_t next = th_session_next(s->sessions, l->id);

	if (next != UINT64_MAX && l->naming.next < next)
		l->naming.next = next;
}

/* Naming leaves numbers out, which the session then has to leave out, too. */
static bool reserve(struct th_secure *s, const struct link *l, uint64_t number)
{
	uint64_t got;

	do
		got = th_session_number(s->sessions, l->id);
	while (got < number);
	return got == number;
}

static bool on_number(void *user, const struct th_addr *peer, uint64_t *number)
{
	struct th_secure *s = user;
	struct link *l = find(s, id_of(peer));

	if (!l)
		return false;
	catch_up(s, l);
	if (!th_session_has_room(s->sessions, l->id) || !th_naming_message(&l->naming, number)) {
		l->blocked = true;
		return false;
	}
	return reserve(s, l, *number);
}

static void on_over(void *user, const struct th_addr *peer, uint64_t number)
{
	struct th_secure *s = user;
	const struct link *l = find(s, id_of(peer));

	if (l)
		th_session_forget(s->sessions, l->id, number);
	s->freed = true;
}

static void on_repeated(void *user, const struct th_addr *peer)
{
	const struct th_secure *s = user;

	th_session_repeated(s->sessions, id_of(peer));
}

static const struct th_coap_numbering numbering = { on_number, on_over, on_repeated };

/* ---- upwards ---- */

static void show(const char *way, const struct th_addr *peer, uint64_t number, const struct th_coap_pdu *pdu,
		 const uint8_t *p, size_t n)
{
	char line[TH_COAP_LINE];

	if (th_log_on(TH_LOG_DEBUG))
		th_log(TH_LOG_DEBUG, "message", "way=%s session=%llu number=%llu %s", way,
		       (unsigned long long)id_of(peer), (unsigned long long)number, th_compact_print(line, pdu, p, n));
}

static void prove(struct th_secure *s, struct link *l, uint64_t number)
{
	th_naming_proven(&l->naming, number);
	th_session_seen(s->sessions, l->id, number);
	s->freed = true;
}

/* What kept numbers from being given may be over. */
static void unblock(struct th_secure *s)
{
	for (struct th_list *i = s->all.next; s->freed && i != &s->all; i = i->next) {
		struct link *l = TH_OWNER(i, struct link, all);
		const struct th_addr peer = virtual_of(l->id);

		if (!l->blocked)
			continue;
		l->blocked = false;
		th_coap_renumber(s->coap, &peer, *s->now);
	}
	s->freed = false;
}

static void note_heard(struct th_secure *s, th_session_id id)
{
	if (id != s->peer_session && id != s->left_session)
		return;
	s->heard = true;
	s->refusal[0] = '\0';
	th_asking_stop(&s->asking, s->sessions);
}

/* Asks whether the peer is where it seems to be, or says that it is. Now or not at all. */
static void send_path(struct th_secure *s, th_session_id id, uint8_t kind, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	struct link *l = find(s, id);
	uint8_t out[1 + TH_PATH_CHALLENGE] = { kind };
	uint64_t number;

	if (!l)
		return;
	catch_up(s, l);
	number = th_naming_record(&l->naming);
	if (!reserve(s, l, number))
		return;
	memcpy(out + 1, challenge, TH_PATH_CHALLENGE);
	(void)th_session_send(s->sessions, id, number, out, sizeof(out), 0, *s->now);
	th_session_forget(s->sessions, id, number);
}

static void on_moved(void *user, th_session_id id, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	send_path(user, id, PATH_CHALLENGE, challenge);
}

/* True: it was no CoAP message. A copy is not answered twice. */
static bool took_path(struct th_secure *s, th_session_id id, const uint8_t *p, size_t n, bool copy)
{
	if (n != 1 + TH_PATH_CHALLENGE || (p[0] != PATH_CHALLENGE && p[0] != PATH_RESPONSE))
		return false;
	if (p[0] == PATH_RESPONSE)
		th_session_shown(s->sessions, id, p + 1);
	else if (!copy)
		send_path(s, id, PATH_RESPONSE, p + 1);
	s->freed = true;
	return true;
}

static void on_deliver(void *user, th_session_id id, uint64_t number, const uint8_t *payload, size_t n, unsigned flags)
{
	struct th_secure *s = user;
	struct link *l = find(s, id);
	const struct th_addr peer = virtual_of(id);
	struct th_compact_room room = { .refers = false };
	struct th_coap_pdu pdu;
	size_t len;

	if (!l)
		return;
	note_heard(s, id);
	if (!(flags & TH_SESSION_COPY))
		th_naming_heard(&l->naming, number);
	if (took_path(s, id, payload, n, flags & TH_SESSION_COPY))
		return;
	if (th_compact_read(&pdu, &room, &l->naming, number, payload, n) != TH_OK)
		return;
	show("in", &peer, number, &pdu, payload, n);
	if (pdu.code == 0 && number >= l->empty)
		l->empty = number + 1;
	len = th_coap_pdu_write(&pdu, s->pdu, sizeof(s->pdu));
	if (len > sizeof(s->pdu))
		return;
	if (room.refers)
		prove(s, l, room.referred);
	th_coap_rx(s->coap, &peer, s->pdu, len, *s->now);
}

static void on_closed(void *user, th_session_id id, enum th_session_end why);

static void end(struct th_secure *s, th_session_id id)
{
	if (!id)
		return;
	th_session_close(s->sessions, id);
	on_closed(s, id, TH_SESSION_END_LOCAL);
}

/* What was refused just now is refused again without a word: each refusal is a line in the log. */
static bool trusts(struct th_secure *s, const uint8_t key[TH_NOISE_DH])
{
	bool same = s->refusal[0] && memcmp(key, s->refused_key, TH_NOISE_DH) == 0;

	s->refused_seen = *s->now;
	if (same && *s->now - s->refused_at < REFUSAL_LASTS)
		return false;
	memcpy(s->refusal, "?", sizeof("?"));
	if (s->config.trust && s->config.trust(s->config.user, key, s->refusal)) {
		s->refusal[0] = '\0';
		return true;
	}
	memcpy(s->refused_key, key, TH_NOISE_DH);
	s->refused_at = *s->now;
	return false;
}

static void refuse(struct th_secure *s, th_session_id id)
{
	const struct th_addr peer = virtual_of(id);

	if (id)
		s->ops->refused(s->user, &peer);
}

/* The next request begins a new session. Should the peer be heard in the old one after all, it still counts. */
static void leave_session(struct th_secure *s)
{
	end(s, s->left_session);
	s->left_session = s->peer_session;
	s->peer_session = 0;
}

/* What is refused proves no number to have arrived. So many, and soon the session has no further ones to give. */
static bool is_worn(const struct th_secure *s)
{
	const struct link *l = find(s, s->peer_session);

	return l && l->naming.next - l->naming.proven > 1 << (TH_NAMING_NARROW_BITS - 1);
}

/* The peer's address has another key. Unless whoever runs us has let the old one go, nothing is sent there. */
static void key_changed(struct th_secure *s, const uint8_t key[TH_NOISE_DH])
{
	if (trusts(s, key)) {
		s->peer_has_key = true;
		memcpy(s->peer_key, key, sizeof(s->peer_key));
		end(s, s->left_session);
		end(s, s->peer_session);
		return;
	}
	refuse(s, s->left_session);
	refuse(s, s->peer_session);
	if (is_worn(s))
		leave_session(s);
}

static bool on_trust(void *user, th_session_id id, const uint8_t key[TH_NOISE_DH])
{
	struct th_secure *s = user;
	struct th_session_info info;

	if (id == s->peer_session)
		return trusts(s, key);
	if (id == s->asking.session && th_session_look(s->sessions, s->peer_session, &info, *s->now) &&
	    th_asking_told(&s->asking, s->sessions, key, &info))
		key_changed(s, key);
	return false;
}

static bool on_persist(void *user, uint64_t mark)
{
	const struct th_secure *s = user;

	return s->config.persist && s->config.persist(s->config.user, mark);
}

static void on_opened(void *user, th_session_id id, const struct th_session_news *news)
{
	struct th_secure *s = user;
	struct link *l = find(s, id);
	const struct th_addr peer = virtual_of(id);

	if (!l)
		l = add(s, id);
	if (!l)
		return;
	note_heard(s, id);
	/* Numbers go on in both directions, whatever the peer has forgotten (session.h). */
	if (news->rekeyed && !news->continued)
		s->ops->restarted(s->user, &peer);
	s->ops->opened(s->user, &peer, news->hello, news->hello_n);
}

static void on_closed(void *user, th_session_id id, enum th_session_end why)
{
	struct th_secure *s = user;
	struct link *l = find(s, id);
	const struct th_addr peer = virtual_of(id);

	if (id == s->asking.session)
		s->asking.session = 0;
	if (!l)
		return;
	drop(s, l);
	s->ops->lost(s->user, &peer, why);
}

static void on_doubtful(void *user, th_session_id id, uint64_t number)
{
	struct th_secure *s = user;
	const struct th_addr peer = virtual_of(id);

	s->ops->doubtful(s->user, &peer, number);
}

static const struct th_session_ops session_ops = { on_deliver, on_trust,    on_persist, on_opened,
						   on_closed,  on_doubtful, on_moved };

/* ---- downwards ---- */

/* Whether what was sent of a response refers to its request in a way that the peer does not understand any more: by low
 * bits that it has given to another message since (naming.h, rule 1). Now it would be written otherwise. */
static bool is_stale(struct th_secure *s, const struct link *l, const struct th_coap_pdu *pdu, uint64_t number)
{
	size_t len;

	if (pdu->code >> 5 == 0)
		return false;
	len = th_compact_write(pdu, number, l->naming.heard, s->compact, sizeof(s->compact));
	return len > sizeof(s->compact) || !th_session_keeps(s->sessions, l->id, number, s->compact, len);
}

/* The same record again. False: that would be of no use, or there is none, or it has fallen out of the peer's replay
 * window; then the message, under its old Message ID, goes as a new record. Other errors are as if it had been lost on
 * the link. */
static bool send_again(struct th_secure *s, const struct link *l, const struct th_coap_pdu *pdu, uint64_t number)
{
	enum th_err err =
		is_stale(s, l, pdu, number) ? TH_ERR_NOT_FOUND : th_session_resend(s->sessions, l->id, number, *s->now);

	return err != TH_ERR_NOT_FOUND && err != TH_ERR_INVALID;
}

/* A response that nothing else of ours has to follow. */
static bool is_final(const struct th_coap_pdu *pdu)
{
	return pdu->type == TH_COAP_ACK && pdu->code != TH_COAP_EMPTY &&
	       !th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_QBLOCK2) &&
	       !th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_OBSERVE);
}

/* Whether the peer has another key is asked when it is silent, and at once where it had one. */
static void ask(struct th_secure *s, const struct link *l, bool again)
{
	const struct th_asked whom = { s->peer_addr, s->has_psk ? &s->psk : NULL, s->config.sessions.silent_resends,
				       s->config.slow };
	struct th_session_info info;

	if (l->id != s->peer_session || !th_session_look(s->sessions, l->id, &info, *s->now) || !info.has_key)
		return;
	if (again)
		th_asking_copy(&s->asking, s->sessions, &whom, &info, *s->now);
	else if (s->refusal[0])
		th_asking_now(&s->asking, s->sessions, &whom, *s->now);
}

static void hand_down(struct th_secure *s, const struct th_addr *peer, size_t n, const struct th_coap_sent *sent)
{
	struct link *l = find(s, id_of(peer));
	bool again = sent->numbered && sent->again;
	uint64_t number = sent->number;
	struct th_coap_pdu pdu;
	unsigned flags = 0;
	size_t len;

	if (!l || th_coap_pdu_read(&pdu, s->pdu, n) != TH_OK)
		return;
	if (again && send_again(s, l, &pdu, number)) {
		ask(s, l, true);
		return;
	}
	if (!sent->numbered || again) {
		catch_up(s, l);
		number = th_naming_record(&l->naming);
		if (!reserve(s, l, number))
			return;
	}
	if (!sent->numbered && pdu.type == TH_COAP_NON)
		pdu.mid = (uint16_t)number;
	len = th_compact_write(&pdu, number, l->naming.heard, s->compact, sizeof(s->compact));
	if (len > sizeof(s->compact))
		return;
	show("out", peer, number, &pdu, s->compact, len);
	if (len < n)
		th_coap_refund(s->coap, peer, n - len);
	if (pdu.type == TH_COAP_CON && !again)
		flags |= TH_SESSION_KEEP | (sent->once ? (unsigned)TH_SESSION_ONCE : 0u);
	if (is_final(&pdu))
		flags |= TH_SESSION_FINAL;
	(void)th_session_send(s->sessions, l->id, number, s->compact, len, flags, *s->now);
	if (pdu.type == TH_COAP_CON)
		ask(s, l, again);
}

/* ---- the peer of the ingress half ---- */

void th_secure_set_peer(struct th_secure *s, const struct th_addr *addr, const uint8_t *key)
{
	bool same = s->peer_set && s->peer_has_key == (key != NULL) &&
		    (!key || memcmp(s->peer_key, key, sizeof(s->peer_key)) == 0);
	bool moves = addr && !th_addr_eq(addr, &s->peer_addr);

	s->peer_set = addr != NULL;
	s->peer_has_key = addr && key;
	s->refusal[0] = '\0';
	th_asking_stop(&s->asking, s->sessions);
	if (addr)
		s->peer_addr = *addr;
	if (addr && key)
		memcpy(s->peer_key, key, sizeof(s->peer_key));
	if (!s->peer_session)
		return;
	if (addr && same) {
		(void)th_sessions_set_address(s->sessions, s->peer_session, addr);
		if (moves) {
			const struct th_addr peer = virtual_of(s->peer_session);

			th_coap_hurry(s->coap, &peer, *s->now);
		}
		return;
	}
	end(s, s->peer_session);
}

static enum th_session_pattern pattern(const struct th_secure *s)
{
	if (!s->peer_has_key)
		return TH_SESSION_XX;
	return s->config.identify ? TH_SESSION_IK : TH_SESSION_NK;
}

enum th_err th_secure_peer(struct th_secure *s, struct th_addr *out)
{
	struct th_session_target target = { .pattern = pattern(s), .psk = s->has_psk ? &s->psk : NULL };

	if (!s->peer_set)
		return TH_ERR_NOT_FOUND;
	if (s->refusal[0] && *s->now - s->refused_seen < REFUSAL_FRESH)
		return TH_ERR_REFUSED;
	if (!s->peer_session) {
		target.key = target.pattern == TH_SESSION_XX ? NULL : s->peer_key;
		s->peer_session = th_sessions_connect(s->sessions, &s->peer_addr, &target, *s->now);
		if (!s->peer_session)
			return TH_ERR_FULL;
		if (!add(s, s->peer_session)) {
			th_session_close(s->sessions, s->peer_session);
			s->peer_session = 0;
			return TH_ERR_NO_MEMORY;
		}
	}
	*out = virtual_of(s->peer_session);
	return TH_OK;
}

void th_secure_silent(struct th_secure *s, const struct th_addr *peer, th_time since)
{
	th_session_id id = id_of(peer);
	struct th_session_info info;

	if (id != s->peer_session || !th_session_look(s->sessions, id, &info, *s->now) || info.heard > since)
		return;
	leave_session(s);
}

const char *th_secure_refusal(const struct th_secure *s)
{
	return s->refusal;
}

bool th_secure_real(const struct th_secure *s, const struct th_addr *peer, struct th_addr *out)
{
	struct th_session_info info;

	if (!th_session_look(s->sessions, id_of(peer), &info, *s->now))
		return false;
	*out = info.address;
	return true;
}

bool th_secure_empty(const struct th_secure *s, const struct th_addr *peer, uint64_t *number)
{
	const struct link *l = find(s, id_of(peer));

	if (!l || l->empty == 0 || l->naming.heard - l->empty > RECENT)
		return false;
	*number = l->empty - 1;
	return true;
}

uint64_t th_secure_next(const struct th_secure *s, const struct th_addr *peer)
{
	return th_session_next(s->sessions, id_of(peer));
}

size_t th_secure_overhead(const struct th_secure *s, const struct th_addr *peer)
{
	return th_session_overhead(s->sessions, id_of(peer));
}

void th_secure_wall(struct th_secure *s, uint64_t unix_seconds)
{
	th_sessions_wall(s->sessions, unix_seconds, *s->now);
}

/* ---- the four verbs ---- */

bool th_secure_rx(struct th_secure *s, const struct th_addr *from, const uint8_t *dgram, size_t n)
{
	s->heard = false;
	if (th_sessions_owns(dgram, n))
		th_sessions_rx(s->sessions, from, dgram, n, *s->now);
	return s->heard;
}

size_t th_secure_tx(struct th_secure *s, struct th_addr *to, uint8_t *out, size_t cap)
{
	struct th_coap_sent sent;
	struct th_addr peer;
	size_t n;

	unblock(s);
	for (;;) {
		n = th_sessions_tx(s->sessions, to, out, cap, *s->now);
		if (n > 0) {
			s->sent_at = *s->now;
			return n;
		}
		n = th_coap_tx_named(s->coap, &peer, s->pdu, sizeof(s->pdu), *s->now, &sent);
		if (n == 0)
			return 0;
		hand_down(s, &peer, n, &sent);
	}
}

/* When the peer's session has been silent for so long that a NAT on the way may forget it. */
static th_time keepalive_at(const struct th_secure *s)
{
	struct th_session_info info;

	if (s->config.keepalive == TH_NEVER || !th_session_look(s->sessions, s->peer_session, &info, *s->now) ||
	    !info.established)
		return TH_NEVER;
	return th_time_add(s->sent_at, s->config.keepalive);
}

th_time th_secure_deadline(const struct th_secure *s)
{
	return th_time_min(th_time_min(th_coap_deadline(s->coap), th_sessions_deadline(s->sessions)), keepalive_at(s));
}

void th_secure_tick(struct th_secure *s)
{
	if (*s->now >= keepalive_at(s)) {
		(void)th_session_keepalive(s->sessions, s->peer_session, *s->now); /* what fails is like a loss */
		s->sent_at = *s->now;
	}
	th_sessions_tick(s->sessions, *s->now);
	th_coap_tick(s->coap, *s->now);
}

const struct th_session_stats *th_secure_stats(const struct th_secure *s)
{
	return th_sessions_stats(s->sessions);
}

/* ---- life ---- */

struct th_secure *th_secure_new(const struct th_mem *mem, const struct th_rng *rng,
				const struct th_secure_config *config, struct th_coap *coap, const th_time *now,
				const struct th_secure_ops *ops, void *user)
{
	struct th_secure *s = th_alloc(mem, sizeof(*s));

	if (!s)
		return NULL;
	s->mem = mem;
	s->coap = coap;
	s->now = now;
	s->ops = ops;
	s->user = user;
	s->config = *config;
	if (config->sessions.psk) {
		s->has_psk = true;
		s->psk = *config->sessions.psk;
	}
	th_list_init(&s->all);
	if (th_table_init(&s->by_id, mem, BUCKETS, th_rng_u64(rng)) != TH_OK)
		goto no_table;
	s->sessions = th_sessions_new(mem, rng, &config->sessions, &session_ops, s);
	if (!s->sessions)
		goto no_sessions;
	th_coap_number_by(coap, &numbering, s);
	return s;
no_sessions:
	th_table_free(&s->by_id);
no_table:
	th_wipe(&s->psk, sizeof(s->psk));
	th_free(mem, s);
	return NULL;
}

void th_secure_del(struct th_secure *s)
{
	if (!s)
		return;
	while (!th_list_empty(&s->all))
		drop(s, TH_OWNER(s->all.next, struct link, all));
	th_sessions_del(s->sessions);
	th_table_free(&s->by_id);
	th_wipe(&s->psk, sizeof(s->psk));
	th_free(s->mem, s);
}
