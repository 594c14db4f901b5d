/* The encrypted profile: sessions (src/session) beneath the CoAP engine.
 *
 *     engine ─ CoAP messages, virtual address ─▶ secure ─ compact messages ─▶ sessions ─ records, real address ─▶
 * socket
 *
 * A *virtual address* names a session: the engine knows its peer by it, and it never changes, whatever becomes of keys
 * and real addresses. Message IDs and tokens are the sessions' packet numbers (coap/naming.h). No I/O. */
#ifndef TH_PROXY_SECURE_H
#define TH_PROXY_SECURE_H

#include "coap/engine.h"
#include "session/session.h"

struct th_secure;

enum { TH_SECURE_WHY = 640 }; /* bytes of a sentence about a refused key, its NUL included */

struct th_secure_config {
	struct th_sessions_config sessions;
	bool identify;	   /* as initiator: prove our own key where the peer's is known (IK instead of NK) */
	bool slow;	   /* a handshake takes the link for long */
	th_time keepalive; /* as initiator: an empty record after this much silence; TH_NEVER */
	/* The peer of th_secure_set_peer() has shown this key; false refuses it, and `why` tells HTTP clients. */
	bool (*trust)(void *user, const uint8_t key[TH_NOISE_DH], char why[TH_SECURE_WHY]);
	/* Puts the mark of early data on disk; false when that fails. */
	bool (*persist)(void *user, uint64_t mark);
	void *user;
};

/* What its owner hears. Runs within rx, tx and tick. */
struct th_secure_ops {
	/* A session has begun, as yet without keys (initiator) or with them. */
	void (*made)(void *user, const struct th_addr *peer, bool initiator);
	/* The handshake is through: what the peer says of itself. `p` is borrowed. */
	void (*opened)(void *user, const struct th_addr *peer, const uint8_t *hello, size_t n);
	/* The exchanges with this virtual address cannot go on: the session is gone. */
	void (*lost)(void *user, const struct th_addr *peer, enum th_session_end why);
	/* There is another key behind the peer's address, and nobody answers under the one we know: its exchanges
	 * fail, the session stays. */
	void (*refused)(void *user, const struct th_addr *peer);
	/* The message of this number, of a request that may be executed only once, may have reached the peer before
	 * that was restarted. It is not sent again. */
	void (*doubtful)(void *user, const struct th_addr *peer, uint64_t number);
	/* The peer has forgotten all that it shared with us, but the session goes on. */
	void (*restarted)(void *user, const struct th_addr *peer);
};

/* `coap` gets its numbers from here from now on; it and what config's pointers point to are borrowed, the config itself
 * is copied. NULL without memory or with a config that cannot be (session.h). */
struct th_secure *th_secure_new(const struct th_mem *mem, const struct th_rng *rng,
				const struct th_secure_config *config, struct th_coap *coap, const th_time *now,
				const struct th_secure_ops *ops, void *user);
void th_secure_del(struct th_secure *s);

/* The peer of the ingress half: address and, when known, key (NULL: not known, learned by XX). The session to an older
 * address of the same peer goes on at the new one; another key ends it. */
void th_secure_set_peer(struct th_secure *s, const struct th_addr *addr, const uint8_t *key);

/* Its virtual address, for the next exchange. TH_ERR_NOT_FOUND before one is set; TH_ERR_REFUSED when its key was
 * within the last second, so that nobody's repetitions keep the link busy; TH_ERR_FULL, TH_ERR_NO_MEMORY. */
enum th_err th_secure_peer(struct th_secure *s, struct th_addr *out);

/* Why the peer's key was refused; "" when it was not, or is not any more. Borrowed. */
const char *th_secure_refusal(const struct th_secure *s);

/* An exchange with that peer, begun then, has failed because nobody answered: the next one begins a session of its own.
 */
void th_secure_silent(struct th_secure *s, const struct th_addr *peer, th_time since);

/* The real address behind a virtual one, for messages and accounts; false when the session is gone. */
bool th_secure_real(const struct th_secure *s, const struct th_addr *peer, struct th_addr *out);

/* The number of the peer's newest message without a code, an acknowledgement as a rule: nothing answers it. False:
 * there was none among the last 2^15 numbers, so that 16 bits tell it. */
bool th_secure_empty(const struct th_secure *s, const struct th_addr *peer, uint64_t *number);

/* The number that the next message to that peer gets, at least. */
uint64_t th_secure_next(const struct th_secure *s, const struct th_addr *peer);

/* What a record adds to a message to that peer. */
size_t th_secure_overhead(const struct th_secure *s, const struct th_addr *peer);

/* The wall clock, as th_sessions_wall(). */
void th_secure_wall(struct th_secure *s, uint64_t unix_seconds);

/* The four verbs. They drive the engine as well. cap >= TH_SESSION_DATAGRAM_MAX. rx: true when the far side of the
 * ingress half was heard: something of it that has authenticated. */
bool th_secure_rx(struct th_secure *s, const struct th_addr *from, const uint8_t *dgram, size_t n);
size_t th_secure_tx(struct th_secure *s, struct th_addr *to, uint8_t *out, size_t cap);
th_time th_secure_deadline(const struct th_secure *s);
void th_secure_tick(struct th_secure *s);

const struct th_session_stats *th_secure_stats(const struct th_secure *s);

#endif
