/* Secure sessions: what stands between the CoAP engine and the socket. No I/O: datagrams, time and randomness come in;
 * datagrams, payloads and the next deadline go out.
 *
 * A *session* is the long relation of two daemons. It has one id that never changes, and for each direction one space
 * of 64-bit numbers that only rises: each payload (a CoAP message) has one, across rekeys and new handshakes. An
 * *epoch* is one handshake's keys, both ways, with their connection IDs. A session has at most three: previous,
 * current, next.
 *
 * Verbs of the owner's loop:   th_sessions_rx, th_sessions_tx, th_sessions_deadline, th_sessions_tick.
 * Verbs of who sends:          th_session_number (reserve), th_session_send, th_session_resend, th_session_forget.
 *
 * There are no timers for retransmission here: the engine's drive the handshake, too. While one is under way,
 * th_session_resend() repeats its current datagram.
 *
 * Payloads and news arrive through th_session_ops while rx, tick or a verb runs. Every verb may be called from inside
 * them; an id that is dead gives TH_ERR_NOT_FOUND. */
#ifndef TH_SESSION_SESSION_H
#define TH_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "session/noise.h"
#include "session/path.h"
#include "session/record.h"

struct th_sessions;

/* Names a session for the life of its th_sessions; never reused; 0 is none. */
typedef uint64_t th_session_id;

enum {
	TH_SESSION_PAYLOAD_MAX = TH_RECORD_PAYLOAD_MAX,
	TH_SESSION_HELLO_MAX = 63,
	TH_SESSION_DATAGRAM_MAX = TH_RECORD_PAYLOAD_MAX + 256, /* no datagram given out is longer */
	TH_SESSION_LIMIT = 1024, /* sessions: so that three epochs each always find a connection ID, or nearly */
	TH_SESSION_VERSION = 0, /* of the protocol, 0 to 2 (2 bits, one value reserved) */
};

/* NK: the responder's key is known, the initiator is anonymous. IK: the responder's is known, the initiator tells its
 * own. KK: both are known. XX: both are told; the `trust` op decides on the responder's. With a psk: the psk0 variants.
 */
enum th_session_pattern { TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_KK, TH_SESSION_XX };

/* Whom to connect to. */
struct th_session_target {
	enum th_session_pattern pattern;
	const uint8_t *key; /* the responder's static public key, TH_NOISE_DH bytes; NULL with XX. Copied */
	const struct th_noise_secret *psk; /* or NULL. Copied */
};

/* Flags of th_session_send(). */
enum {
	TH_SESSION_KEEP = 1, /* the bytes are kept for th_session_resend() until th_session_forget() */
	TH_SESSION_FINAL =
		2, /* this answers something, and nothing of this side has to follow of itself: a piggybacked response.
		    * It may ride in the handshake's second message. Without it (an empty ACK, a separate response) the
		    * handshake is answered at once, and the payload follows as soon as the initiator confirmed. */
	TH_SESSION_ONCE = 4, /* with KEEP, of an initiator: rather not at all than twice. It rides in no handshake but a
			      * cold session's first, and when a peer that has forgotten everything may have had it
			      * before, the `doubtful` op gets it instead */
};

/* Flags of the deliver op. */
enum {
	TH_SESSION_EARLY = 1, /* came with the handshake's first message: not forward secret, but not a replay either */
	TH_SESSION_COPY = 2,  /* authentic, but seen before: repeat the answer, never execute again */
};

enum th_session_end {
	TH_SESSION_END_LOCAL,	/* th_session_close() */
	TH_SESSION_END_EVICTED, /* a table was full */
	TH_SESSION_END_IDLE,	/* unused for too long, or a handshake was not finished */
	TH_SESSION_END_VERSION, /* the peer speaks another version of the protocol (see the log) */
	TH_SESSION_END_KEY,	/* the `trust` op refused the peer's key */
};

/* What is known when a session (or, for an old session, a new epoch) is there. Pointers are borrowed during the call.
 */
struct th_session_news {
	bool initiator; /* this side's part in the session's handshakes */
	bool rekeyed;	/* the session was open before */
	bool continued; /* the peer still knew the session. With `rekeyed` and not `continued` the peer has restarted:
			 * what it remembered (duplicates, observations, compression history) is gone */
	bool first_contact;	       /* the key was learned by XX */
	const uint8_t *key;	       /* the peer's static public key; NULL: anonymous */
	const struct th_addr *address; /* its address now */
	const uint8_t *hello;	       /* what the peer's owner set as config.hello */
	size_t hello_n;
};

struct th_session_ops {
	/* A payload. n > 0. */
	void (*deliver)(void *user, th_session_id id, uint64_t number, const uint8_t *payload, size_t n,
			unsigned flags);
	/* XX, initiator: whether this key may be the responder's. NULL refuses all. */
	bool (*trust)(void *user, th_session_id id, const uint8_t key[TH_NOISE_DH]);
	/* Puts the early-data mark on disk before it returns. False, or NULL: early data is refused. */
	bool (*persist)(void *user, uint64_t mark);
	/* Responder: before the first payload is delivered. Initiator: when the handshake is through. May be NULL. */
	void (*opened)(void *user, th_session_id id, const struct th_session_news *news);
	/* The id is dead; not after th_session_close(). May be NULL. Responder's sessions only if they were `opened`.
	 */
	void (*closed)(void *user, th_session_id id, enum th_session_end why);
	/* A payload sent with TH_SESSION_ONCE was on its way to the peer before it was restarted: it may have been
	 * delivered then, or not. It is not kept any more. After `opened`. NULL: it is dropped. */
	void (*doubtful)(void *user, th_session_id id, uint64_t number);
	/* The peer has moved to another host. Until it has shown to be there, no more bytes go there than come from
	 * there, and the rest waits. These bytes are to be sent there, without TH_SESSION_KEEP; the peer's owner sends
	 * them back, and then th_session_shown(). NULL: it shows nothing before new keys. */
	void (*moved)(void *user, th_session_id id, const uint8_t challenge[TH_PATH_CHALLENGE]);
};

/* Pointers are borrowed during th_sessions_new() only. th_sessions_config_default() sets all that is not a key. */
struct th_sessions_config {
	const struct th_noise_pair *own;     /* needed to accept, and for IK, KK, XX; else NULL */
	const struct th_noise_secret *psk;   /* as responder: then only those who have it are answered. Or NULL */
	const uint8_t (*allow)[TH_NOISE_DH]; /* as responder: the initiators' keys; none: anybody */
	size_t allow_n;

	bool accept;	/* answer handshakes at all */
	bool accept_xx; /* answer XX, whose first message shows nothing of the sender (a psk aside) */
	bool cids; /* records towards this side carry a connection ID of 1 or 2 bytes. Without, sessions are told apart
		    * by the peer's address: for a pure ingress. Needed to accept */
	size_t tag_len; /* of records: 8 or 16; the longer one of both ends is used */

	const uint8_t *hello; /* given to the peer's owner with its `opened`; at most TH_SESSION_HELLO_MAX bytes */
	size_t hello_n;

	size_t sessions_max;   /* ≤ TH_SESSION_LIMIT */
	size_t half_open_max;  /* sessions of which no record has come yet */
	size_t kept_max;       /* bytes a session keeps: payloads for resends, and what waits for keys */
	size_t queue_max;      /* datagrams waiting for th_sessions_tx() */
	size_t first_size;     /* the first datagram is padded to this, so that its answer may be as long */
	size_t early_max;      /* a longer payload does not ride in the first datagram */
	size_t guard_max;      /* ephemeral keys remembered against replay of first datagrams */
	uint32_t early_past;   /* early data: the initiator's time may be so many seconds behind ours, */
	uint32_t early_future; /* and so many ahead */
	uint64_t early_mark;   /* the mark as last persisted; 0: none */
	th_time patience;      /* how long an answer to a handshake waits for the first payload to ride in it */
	th_time rekey_age; /* the initiator makes a new epoch for the next kept payload when the current one is so old
			    */
	uint64_t rekey_packets;	 /* or has sealed or opened so many records; 0: half of what record.h allows */
	th_time previous_life;	 /* how long an old epoch still receives once the new one is confirmed */
	th_time half_open_life;	 /* XX: for the third message */
	th_time idle;		 /* a session unused for so long ends (responder) or drops its keys (initiator) */
	unsigned silent_resends; /* the n-th resend of an unanswered message goes as a new handshake */
	unsigned load;		 /* initiations a second above which a retry cookie is asked for; 0: never */
};

void th_sessions_config_default(struct th_sessions_config *c);

/* Counted since start. Bytes are UDP payloads. */
struct th_session_stats {
	/* drops, by reason */
	uint64_t malformed;	/* no form of ours, or of a wrong length */
	uint64_t unknown_cid;	/* a record for nobody */
	uint64_t unauthentic;	/* a record or handshake message whose tag is wrong */
	uint64_t too_old;	/* a record older than the window */
	uint64_t not_accepted;	/* an initiation of a kind that is not accepted here, or by a key that is not allowed */
	uint64_t replayed;	/* an initiation seen before */
	uint64_t unexpected;	/* a handshake message nobody waits for */
	uint64_t wrong_version; /* a peer of another version */
	uint64_t queue_full, no_memory;
	uint64_t limited; /* too many from one place: initiations under load, or records that fail */
	/* what happened */
	uint64_t copies;				      /* authentic records seen before */
	uint64_t initiations_in, initiations_out, handshakes; /* handshakes: finished, either role */
	uint64_t early_accepted, early_refused;		      /* as responder */
	uint64_t retries_in, retries_out;
	uint64_t evicted, roamed, rekeys;
	uint64_t held_back; /* datagrams for an address that was not shown to be the peer's */
	uint64_t doubtful; /* payloads that went to the op of that name */
	/* bytes */
	uint64_t bytes_in, bytes_out;	      /* all that was taken in for us and given out */
	uint64_t handshake_in, handshake_out; /* handshake datagrams without the payload that rides in them */
	uint64_t overhead_in, overhead_out;   /* records without their payloads */
	size_t sessions, half_open, queued;   /* now */
};

/* One session as it is now. */
struct th_session_info {
	struct th_addr address;
	bool initiator, established, handshaking;
	bool shown; /* that the peer is at that address */
	bool has_key;
	uint8_t key[TH_NOISE_DH];
	size_t kept, kept_bytes;
	unsigned silent;   /* the most copies that went of a payload since anything was heard */
	th_time heard;	   /* when the last new authentic record came; 0: never */
	th_time epoch_age; /* of the current epoch; 0: none */
	uint64_t handshake_in, handshake_out, overhead_in, overhead_out; /* bytes, as above */
};

/* NULL without memory, or when the config asks for what can't be (accept without own key or cids, a wrong tag length).
 * mem, rng, ops are borrowed for its life. */
struct th_sessions *th_sessions_new(const struct th_mem *mem, const struct th_rng *rng,
				    const struct th_sessions_config *config, const struct th_session_ops *ops,
				    void *user);
/* Wipes everything. `closed` is not called. */
void th_sessions_del(struct th_sessions *s);

/* The wall clock, in seconds of 1970; used for early data only, but peers are told how long ago it was told first. Tell
 * it at start and now and then (once a minute, or
 * each batch of the loop): what lies between is counted on by `now`. A host that never tells one pays one more round
 * trip for each cold start. */
void th_sessions_wall(struct th_sessions *s, uint64_t unix_seconds, th_time now);

/* ---- sessions ---- */

/* A session as initiator. Sends nothing yet. 0 when the table is full, the target lacks a key that its pattern needs,
 * or without memory. Such a session is never evicted. */
th_session_id th_sessions_connect(struct th_sessions *s, const struct th_addr *to, const struct th_session_target *t,
				  th_time now);
/* The peer's address as configured or resolved has changed. */
enum th_err th_sessions_set_address(struct th_sessions *s, th_session_id id, const struct th_addr *to);
void th_session_close(struct th_sessions *s, th_session_id id);

/* Reserves the next number; UINT64_MAX for a dead id. Numbers may be left unused. */
uint64_t th_session_number(struct th_sessions *s, th_session_id id);

/* What th_session_number() will give next. */
uint64_t th_session_next(const struct th_sessions *s, th_session_id id);

/* Seals and queues, or holds until there are keys (within kept_max); the first payload of a cold session starts its
 * handshake and rides in it. Each number is sent once. TH_ERR_NOT_FOUND; TH_ERR_INVALID: not reserved, sent before, or
 * left behind by the window; TH_ERR_TOO_LARGE; TH_ERR_FULL: kept_max or queue_max; TH_ERR_NO_MEMORY. After an error
 * nothing is kept. */
enum th_err th_session_send(struct th_sessions *s, th_session_id id, uint64_t number, const uint8_t *payload, size_t n,
			    unsigned flags, th_time now);

/* Once more what was sent with TH_SESSION_KEEP: the identical record, or the handshake datagram that it rides on or
 * waits for, or a record of the newer epoch. TH_ERR_NOT_FOUND, TH_ERR_INVALID: nothing is kept under this number, or the
 * peer's window has left it behind (TH_WINDOW_SIZE before the newest). */
enum th_err th_session_resend(struct th_sessions *s, th_session_id id, uint64_t number, th_time now);

/* Whether these are the bytes that are kept under that number. */
bool th_session_keeps(const struct th_sessions *s, th_session_id id, uint64_t number, const uint8_t *payload, size_t n);

/* The bytes are not needed any more. */
void th_session_forget(struct th_sessions *s, th_session_id id, uint64_t number);

/* The peer has sent a message once more under a new number: what answered it is likely to be lost. The next records count
 * on no more than what the peer is known to have received. */
void th_session_repeated(struct th_sessions *s, th_session_id id);

/* The peer has sent that challenge back. Another is ignored. */
void th_session_shown(struct th_sessions *s, th_session_id id, const uint8_t challenge[TH_PATH_CHALLENGE]);

/* The peer has shown that it received this number, kept or not: later records can be shorter. Before it is forgotten. */
void th_session_seen(struct th_sessions *s, th_session_id id, uint64_t number);

/* Whether the longest payload can be kept or held. When not, who sends has to wait until something is forgotten. */
bool th_session_has_room(const struct th_sessions *s, th_session_id id);

/* Sends, or sends again, the first message of a session by XX that has nothing to send: to be told the peer's key by
 * the `trust` op, which may close the session; else it goes on. TH_ERR_NOT_FOUND once there are keys. */
enum th_err th_session_ask(struct th_sessions *s, th_session_id id, th_time now);

/* An empty record, so that a NAT on the way keeps its mapping; nothing answers it. TH_ERR_NOT_FOUND without keys. */
enum th_err th_session_keepalive(struct th_sessions *s, th_session_id id, th_time now);

bool th_session_look(const struct th_sessions *s, th_session_id id, struct th_session_info *out, th_time now);
const struct th_session_stats *th_sessions_stats(const struct th_sessions *s);

/* Bytes that a record or handshake message of this session adds to the next payload, for who has to fit an MTU. */
size_t th_session_overhead(const struct th_sessions *s, th_session_id id);

/* ---- the four verbs ---- */

/* Whether a datagram is one of ours by its first byte: 10…… a record, 11…… a handshake. */
static inline bool th_sessions_owns(const uint8_t *p, size_t n)
{
	return n > 0 && (p[0] & 0x80) != 0;
}

void th_sessions_rx(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n, th_time now);

/* The next datagram to send, with its address; 0: none. cap ≥ TH_SESSION_DATAGRAM_MAX, or longer ones are dropped. */
size_t th_sessions_tx(struct th_sessions *s, struct th_addr *to, uint8_t *out, size_t cap, th_time now);
th_time th_sessions_deadline(const struct th_sessions *s);
void th_sessions_tick(struct th_sessions *s, th_time now);

#endif
