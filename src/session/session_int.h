/* What the session's files share. Nobody outside src/session includes this.
 *
 * session.c:    birth and death of all
 * send.c:       the verbs of who sends
 * receive.c:    what comes in, by kind; records; roaming
 * transmit.c:   records out, the out queue
 * table.c:      sessions: making, finding, evicting, ending, their timer
 * epoch.c:      one handshake's keys and connection IDs; name.c: by what new handshakes find old sessions
 * kept.c:       payloads that may have to be sent again or that wait for keys
 * initiator.c:  handshakes of ours; once.c: what may not be delivered twice
 * responder.c:  handshakes of others; answer.c: the second message
 * beneath, knowing nothing of sessions: handshake.c (bytes), early.c (replay of first datagrams), cookie.c (floods),
 * cid.c, record.c, noise.c
 *
 * Ownership: th_sessions owns sessions and queued datagrams, a session its epochs, kept payloads, flight and reply. All
 * that may hold secrets or payloads is wiped when it is released. A session that ends while a verb runs is marked dead,
 * and released when the outermost verb returns, since a user's callback may end it under a running function. */
#ifndef TH_SESSION_SESSION_INT_H
#define TH_SESSION_SESSION_INT_H

#include "base/heap.h"
#include "base/list.h"
#include "base/table.h"
#include "session/cid.h"
#include "session/cookie.h"
#include "session/early.h"
#include "session/handshake.h"
#include "session/path.h"
#include "session/session.h"

enum {
	TH_SESSION_KK_TRIES = 16, /* allowed keys that are tried on a KK initiation, which doesn't say whose it is */
	TH_SESSION_RENEW_REPEATS = 5,
	TH_SESSION_ANSWERS_MAX = 16, /* times that an answer to a handshake is repeated */
	TH_SESSION_NAMES = 6,
	TH_SESSION_COOKIES_MAX = 3, /* retries that one flight obeys */
	TH_SESSION_PREVIOUS = 4, /* epochs that still receive: an initiator can't know which of those it has made the
				  * responder uses, until it hears of one */
};

/* A flight is replaced by a new one, with a new time and key, when it was sent in vain so often and is so old, or is
 * twice so old; twice all that from the second on, so that a very slow answer has its chance. In the end it is younger
 * than what a responder takes early data of. */
#define TH_SESSION_RENEW_AFTER (60 * TH_SEC)

struct session;

/* ---- name.c ---- */

struct secret_name {
	struct th_slot slot;	 /* s->names, while `session` is set */
	struct session *session; /* NULL: unused */
	struct th_hs_name b;
	bool early;    /* that of the first attempt */
	uint64_t used; /* the larger, the later */
};

/* A responder's session can be found by this name as well. */
void th_name_add(struct th_sessions *s, struct session *ss, const struct th_hs_name *b);
void th_name_set_early(struct th_sessions *s, struct session *ss, const struct th_hs_name *b);
/* The session of this name; *early: by that of its first attempt, so the initiator has heard nothing of it yet. */
struct session *th_name_find(struct th_sessions *s, const struct th_hs_name *b, bool *early);
void th_names_clear(struct th_sessions *s, struct session *ss);
/* The name both sides can give a session after these messages. */
bool th_name_derive(const struct th_noise *hs, struct th_hs_name *out);

/* ---- epoch.c ---- */

struct epoch {
	struct session *session;
	struct th_record_key tx, rx;
	struct th_cid rx_cid, tx_cid; /* rx_cid: ours, in s->cids */
	bool keyed;		      /* tx and rx are there */
	bool heard;		      /* a record of the peer has come under it */
	uint64_t serial;	      /* of all epochs of this th_sessions; 0: none */
	uint64_t sure, assumed;	      /* what the peer may expect next, at least: known, and guessed */
	th_time born, last;	      /* `last`: when it may be dropped, for a previous one */
	struct th_hs_name name;
};

struct epoch *th_epoch_new(struct th_sessions *s, struct session *ss); /* with a connection ID; NULL: no memory or ID */
void th_epoch_del(struct th_sessions *s, struct epoch *e);	       /* NULL is fine */
/* Keys and name of a handshake that is through. */
enum th_err th_epoch_key(struct th_sessions *s, struct epoch *e, struct th_noise *hs, size_t tag_len, uint64_t tx_base,
			 uint64_t rx_base);
bool th_epoch_worn(const struct th_sessions *s, const struct epoch *e);

/* ---- kept.c ---- */

struct kept {
	struct th_list link;
	uint64_t number;
	unsigned flags;
	bool held;		  /* not sent under any key yet */
	bool back;		  /* held back until the peer has shown to be where it is */
	bool doubtful;		  /* an earlier life of the peer may have it */
	th_time first;		  /* when it was sent first, under whatever key; TH_NEVER: not yet */
	uint64_t serial;	  /* of the epoch it was sealed under last; 0: none */
	unsigned resends, silent; /* silent: in a row */
	th_time touched;	  /* when it was sent, or held, last */
	size_t n, sealed_n;
	uint8_t *sealed; /* behind the payload, in the same piece of memory */
	uint8_t payload[];
};

/* NULL and *err when there is no room (TH_ERR_FULL) or memory. */
struct kept *th_kept_add(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n,
			 unsigned flags, enum th_err *err);
bool th_kept_fits(const struct th_sessions *s, const struct session *ss, size_t n);
struct kept *th_kept_find(const struct session *ss, uint64_t number);
/* What is held back already and has these bytes, to be sent once; NULL: nothing. */
struct kept *th_kept_back(const struct session *ss, const uint8_t *payload, size_t n);
/* It is sealed: unless it is kept for later, it is not needed any more. */
void th_kept_sent(struct th_sessions *s, struct session *ss, struct kept *k);
void th_kept_del(struct th_sessions *s, struct session *ss, struct kept *k);

/* ---- sessions ---- */

/* Our handshake under way. */
struct flight {
	struct th_noise hs; /* after the first message */
	struct epoch *epoch;
	bool resumes;	 /* it names the session */
	bool rides;	 /* a payload rides in it */
	bool silence;	 /* made because the peer is silent */
	size_t riding;	 /* its bytes */
	uint64_t number; /* the payload's, else where this epoch begins */
	uint64_t floor;	 /* as it was told to the responder */
	uint64_t sake;	 /* the payload that it is made for; UINT64_MAX: none */
	th_time made, sent;
	unsigned repeats, cookies;
	bool has_cookie;
	uint8_t cookie[TH_COOKIE_LEN];
	size_t n; /* datagram without cookie */
	uint8_t datagram[];
};

/* Somebody's handshake, being answered. */
struct reply {
	struct th_noise hs;  /* wiped once it is through */
	struct epoch *epoch; /* the session's upcoming one */
	struct th_addr from;
	struct th_cid cid;			      /* the initiator's */
	size_t budget;				      /* bytes that may still go to `from` */
	bool resumes;				      /* the first message names a session */
	bool written, third;			      /* third: XX, its last message is awaited */
	bool refused, continued, long_tag, announced; /* continued: the initiator's name for the session is one that
						       * both have; announced: `opened` was called */
	unsigned repeats;
	uint64_t rx_base, tx_base;
	uint8_t digest[TH_NOISE_HASH]; /* of the first message */
	uint8_t hello[TH_HS_HELLO_MAX];
	size_t hello_n;
	th_time answer_by, expires;
	size_t n;
	uint8_t *datagram; /* the second message as sent, owned */
};

struct session {
	struct th_slot slot;   /* s->by_id */
	struct th_list link;   /* s->initiated, s->unconfirmed or s->confirmed: least recently used first; or s->dead */
	struct th_timer timer; /* always set */
	th_session_id id;
	bool initiator, opened, dead, confirmed;
	enum th_session_pattern pattern;
	bool has_key, has_psk, first_contact;
	uint8_t key[TH_NOISE_DH];
	struct th_noise_secret psk;
	struct th_path path; /* to where the newest authentic record came from, or as configured */
	struct th_addr home; /* initiator: as configured */

	uint64_t next;	       /* the next number to reserve */
	struct th_window seen; /* numbers of the peer, across epochs */
	struct epoch *previous[TH_SESSION_PREVIOUS], *current, *upcoming; /* previous: newest first, then NULL */
	struct flight *flight;
	struct reply *reply;
	struct secret_name first_name, names[TH_SESSION_NAMES]; /* responder */
	struct th_hs_name early_name;				/* initiator, while there is no epoch */
	bool has_early_name;
	unsigned renewals;
	uint8_t *third; /* XX initiator: the third message until something is heard under its epoch */
	size_t third_n;

	struct th_list kept;
	size_t kept_n, kept_bytes;
	bool holds_back; /* some of it may be held back */
	th_time heard, used; /* heard: the newest new authentic datagram, of an initiator's current epoch */
	bool suspect;	     /* the peer is silent: new payloads go by a new handshake */
	unsigned copies;     /* since the last new record; at least 1 if that was one of a message that came before */
	unsigned foreign;    /* wrong tags from elsewhere in this second */
	th_time foreign_since;
	bool knows_clock;
	uint64_t peer_clock;
	th_time peer_clock_at;

	uint64_t handshake_in, handshake_out, overhead_in, overhead_out;
};

struct th_sessions {
	const struct th_mem *mem;
	const struct th_rng *rng;
	const struct th_session_ops *ops;
	void *user;
	struct th_sessions_config config; /* with pointers to the copies here */
	struct th_noise_pair own;
	bool has_own, has_psk;
	struct th_noise_secret psk;
	uint8_t (*allow)[TH_NOISE_DH]; /* owned */
	uint8_t hello[TH_SESSION_HELLO_MAX];

	struct th_table by_id, names;
	struct th_list initiated, unconfirmed, confirmed, dead;
	size_t initiated_n, unconfirmed_n, confirmed_n;
	struct th_heap heap;
	struct th_cids cids;
	struct th_early early;
	struct th_cookies cookies;
	struct th_load load;
	th_time born;	 /* TH_NEVER: nothing has happened yet */
	uint64_t wall;	 /* as told last, for initiators */
	th_time wall_at; /* TH_NEVER: never */
	struct th_list out;
	size_t out_n;
	th_session_id last_id;
	uint64_t last_serial;
	th_time now;
	unsigned depth; /* of verbs under way */
	struct th_session_stats stats;
};

/* ---- session.c ---- */

void th_session_enter(struct th_sessions *s, th_time now);
void th_session_leave(struct th_sessions *s);
void *th_session_alloc(struct th_sessions *s, size_t n);	   /* counts failures */
void th_session_release(struct th_sessions *s, void *p, size_t n); /* wipes first; NULL is fine */
void th_session_open(struct th_sessions *s, struct session *ss, bool continued, const uint8_t *hello, size_t hello_n);

/* ---- table.c ---- */

/* NULL at the cap or without memory. A responder's session may evict another. */
struct session *th_session_make(struct th_sessions *s, bool initiator, const struct th_addr *to);
struct session *th_session_find(const struct th_sessions *s, th_session_id id);
void th_session_end(struct th_sessions *s, struct session *ss, enum th_session_end why);
void th_session_reap(struct th_sessions *s);
void th_session_free(struct th_sessions *s, struct session *ss);
void th_session_used(struct th_sessions *s, struct session *ss);    /* to the end of its list */
void th_session_confirm(struct th_sessions *s, struct session *ss); /* a responder's: the peer has the upcoming keys */
void th_session_promote(struct th_sessions *s, struct session *ss); /* upcoming → current → previous */
void th_session_forget_epochs(struct th_sessions *s, struct session *ss);
void th_session_arm(struct th_sessions *s, struct session *ss);
void th_session_due(struct th_sessions *s, struct session *ss);
void th_reply_del(struct th_sessions *s, struct session *ss);
void th_flight_del(struct th_sessions *s, struct session *ss); /* with its epoch, if that has no keys */

/* ---- transmit.c ---- */

/* Queues one datagram of `parts`; TH_ERR_FULL, TH_ERR_NO_MEMORY. */
struct part {
	const uint8_t *p;
	size_t n;
};
enum th_err th_session_queue(struct th_sessions *s, const struct th_addr *to, const struct part *parts, size_t n);
/* The same to where the peer is. Without a word nothing goes when that is not shown and takes no more (path.h): then
 * *back, if not NULL. */
enum th_err th_session_to_peer(struct th_sessions *s, struct session *ss, const struct part *parts, size_t n,
			       bool *back);
/* Seals under the current epoch. */
enum th_err th_session_seal(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload,
			    size_t n);
enum th_err th_session_seal_kept(struct th_sessions *s, struct session *ss, struct kept *k);
/* The record of k again, or one of the current epoch if it was sealed under an older one. */
enum th_err th_session_again(struct th_sessions *s, struct session *ss, struct kept *k);
size_t th_session_flush(struct th_sessions *s,
			struct session *ss); /* what is held, now that there are keys. How many */
void th_session_confirm_ours(struct th_sessions *s, struct session *ss); /* an empty record */
/* What was held back goes, if the peer's address is shown by now. After all that may have shown it. */
void th_session_release_back(struct th_sessions *s, struct session *ss);

/* ---- initiator.c ---- */

/* k: for whose sake, which rides if it fits; NULL: nobody's. */
enum th_err th_flight_start(struct th_sessions *s, struct session *ss, struct kept *k, bool silence);
enum th_err th_flight_repeat(struct th_sessions *s, struct session *ss, struct kept *k);
void th_initiator_second(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n);
void th_initiator_retry(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n);
/* Whether the next kept payload is to go by a new handshake. */
bool th_initiator_wants_epoch(const struct th_sessions *s, const struct session *ss);

/* ---- once.c ---- */

/* Whether k may ride in the handshake that is to be made. k may be NULL. */
bool th_once_may_ride(const struct th_sessions *s, const struct session *ss, const struct kept *k);
/* A new responder has answered f: notes what one before it may have had. Before the flight goes. */
void th_once_note(const struct th_sessions *s, struct session *ss, const struct flight *f,
		  const struct th_hs_payload *p);
/* Gives that back to the owner. */
void th_once_tell(struct th_sessions *s, struct session *ss);

/* ---- responder.c, answer.c ---- */

void th_responder_first(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n);
void th_responder_third(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n);
/* Answers now, with this payload if it fits (then true), else without any. NULL: without. */
bool th_responder_answer(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n);
/* The answer as it was written, if as many bytes have come. `riding`: of these, the payload's. */
void th_responder_again(struct th_sessions *s, struct session *ss, size_t riding);

/* ---- receive.c ---- */

/* An authentic number of the peer: new, a copy, or too old (then it is not to be delivered). Marks it. */
enum th_window_verdict th_session_note(struct th_sessions *s, struct session *ss, uint64_t number);
/* A datagram of so many bytes came from where the peer is now; asks whether it is there. */
void th_session_came(struct th_sessions *s, struct session *ss, size_t n);
/* Hands a payload up. n may be 0: then there is none. */
void th_session_deliver(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n,
			unsigned flags);

#endif
