/* What the engine's files share. Nobody outside src/coap includes this.
 *
 * engine.c:   birth and death, timers, the out queue
 * receive.c:  what comes in, by type and match
 * peer.c:     addresses, Message IDs, pings
 * message.c:  CON and NON of ours: waiting, flying, over
 * record.c:   CON and NON of peers: duplicates, replies
 * exchange.c: birth and death of exchanges, the users' verbs
 * client.c:   requests we make; response.c: their answers
 * server.c:   answers we give; request.c: to which requests
 * observe.c:  RFC 7641, both roles
 * echo.c:     RFC 9175, the server's part
 * body.c:     bodies as streams
 * compose.c:  putting a message together
 * lane.c:     what waits to be sent to a peer: priorities, pace
 * burst.c:    large bodies between thimbles: who gets what comes; burst_out.c sends, burst_in.c receives
 *
 * Ownership: the engine owns peers, records and exchanges. A peer outlives what counts on it (`uses`). An exchange owns
 * its message while it needs its outcome; an orphan message is its peer's. A record owns its reply. What a user's
 * callback could pull away under a running function (exchanges, peers) dies at the end of the outermost verb. */
#ifndef TH_COAP_ENGINE_INT_H
#define TH_COAP_ENGINE_INT_H

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/table.h"
#include "base/wr.h"
#include "coap/block.h"
#include "coap/engine.h"
#include "coap/naming.h"
#include "coap/option.h"
#include "coap/path.h"

enum {
	TH_COAP_EMPTIES_MAX = 512,  /* empty ACKs and RSTs waiting to be sent */
	TH_COAP_ONCE_MAX = 1024,    /* datagrams nobody remembers, waiting to be sent */
	TH_COAP_ENGINE_OPTIONS = 6, /* options the engine may add to a message */
	TH_COAP_ENGINE_BYTES = 36,  /* and their room: Observe, two blocks, Request-Tag, an Echo of 8 bytes */
	TH_COAP_ETAG_MAX = 8,
	TH_COAP_ECHO_MAX = 40,
	TH_COAP_MID_GROUPS = 64, /* Message IDs become free again by groups */
	TH_COAP_MID_GROUP = 65536 / TH_COAP_MID_GROUPS,
	TH_COAP_WINDOW_TOLD = 1024, /* messages in flight, at most, where round trips say whether that is too much */
	TH_COAP_LIVES = 40,	    /* different lifetimes of records; those of profiles are coarse */
	TH_COAP_CONFIRM_EVERY = 20, /* notifications: each 20th is confirmable (RFC 7641 §4.5) */
};

enum {
	TH_COAP_CLASS_REQUEST = 0, /* §3 */
	TH_COAP_CLASS_SUCCESS = 2,
	TH_COAP_CLASS_LAST = 5,
	TH_COAP_CONTINUE = TH_COAP_CODE(2, 31),
	TH_COAP_BAD_REQUEST = TH_COAP_CODE(4, 0),
	TH_COAP_UNAUTHORIZED = TH_COAP_CODE(4, 1),
	TH_COAP_BAD_OPTION = TH_COAP_CODE(4, 2),
	TH_COAP_INCOMPLETE = TH_COAP_CODE(4, 8),
	TH_COAP_TOO_LARGE = TH_COAP_CODE(4, 13),
	TH_COAP_UNAVAILABLE = TH_COAP_CODE(5, 3),
	TH_COAP_BAD_GATEWAY = TH_COAP_CODE(5, 2),
	TH_COAP_GATEWAY_TIMEOUT = TH_COAP_CODE(5, 4),
	TH_COAP_EMPTY_BYTES = 4, /* an Empty message */
};

static inline unsigned th_coap_class(uint8_t code)
{
	return code >> 5;
}

/* A timer that is moved to TH_NEVER instead of being cancelled: moving one that is set cannot fail. */
struct th_coap_alarm {
	struct th_timer timer;
	void (*fire)(struct th_coap *c, struct th_coap_alarm *a);
};

enum th_err th_coap_alarm_init(struct th_coap *c, struct th_coap_alarm *a,
			       void (*fire)(struct th_coap *c, struct th_coap_alarm *a));
void th_coap_alarm_set(struct th_coap *c, struct th_coap_alarm *a, th_time at);
void th_coap_alarm_free(struct th_coap *c, struct th_coap_alarm *a);

/* Bytes for one address. First member of its owner; released when sent unless `kept`. */
struct th_coap_datagram {
	struct th_list queue;
	struct th_coap_peer *peer; /* borrowed; NULL: a stranger */
	struct th_addr to;
	const uint8_t *p;
	size_t n;
	/* It leaves now: only now begins its time on the wire. NULL: nobody asks. */
	void (*left)(struct th_coap *c, struct th_coap_datagram *d);
	/* Instead of p and n: writes what is best sent now that there is room; 0 for nothing. NULL: p and n. */
	size_t (*fill)(struct th_coap *c, struct th_coap_datagram *d, uint8_t *out, size_t cap);
	uint8_t priority; /* enum th_coap_priority */
	bool kept, sent;
	bool once;	 /* th_coap_sent */
	bool numbered;	 /* by c->numbering, */
	uint64_t number; /* with this */
};

/* lane.c */

/* How often each queue was passed over. */
struct th_coap_turns {
	uint8_t passed[TH_COAP_PRIORITIES];
};

/* Which of the queues is next: the most urgent, but now and then one that waits. TH_COAP_PRIORITIES when all are empty.
 */
unsigned th_coap_turn(const struct th_list *queues, struct th_coap_turns *t);

struct th_coap_lane {
	struct th_list ready; /* on c->ready while the next may leave */
	struct th_list queue[TH_COAP_PRIORITIES];
	struct th_coap_turns turns;
	size_t n;	 /* datagrams that wait; while there are any the peer is held */
	th_time free_at; /* when what has left is off the wire */
	struct th_coap_alarm clock;
};

enum th_err th_coap_lane_init(struct th_coap *c, struct th_coap_lane *lane);
void th_coap_lane_free(struct th_coap *c, struct th_coap_lane *lane);
void th_coap_queue(struct th_coap *c, struct th_coap_datagram *d);   /* nothing when it waits already */
void th_coap_unqueue(struct th_coap *c, struct th_coap_datagram *d); /* nothing when it does not wait */
/* Nothing leaves for so long: what is on its way runs dry. */
void th_coap_lane_pause(struct th_coap *c, struct th_coap_peer *p, th_time t);
/* So many bytes leave by another way. */
void th_coap_lane_charge(struct th_coap *c, struct th_coap_peer *p, size_t n);
/* Takes the next datagram that may leave to any peer; NULL when none may. Its lane hears when it went. */
struct th_coap_datagram *th_coap_lane_next(struct th_coap *c);
void th_coap_lane_went(struct th_coap *c, struct th_coap_lane *lane);

struct th_coap_token {
	uint8_t n;
	uint8_t p[TH_COAP_TOKEN_MAX];
};

/* peer.c */

struct th_coap_peer {
	struct th_slot node;
	struct th_list
		idle; /* on c->idle_peers while nothing uses it: least recently idle first; or on c->dead_peers */
	struct th_addr addr;
	size_t uses; /* exchanges, messages and records that point here */
	uint32_t waiting_n, observers;
	uint16_t next_mid, block_mid;
	unsigned blocks_out; /* of bursts, that no report has settled */
	unsigned n_bursts;
	struct th_list bursts; /* bodies we send in bursts, n_bursts of them */
	bool echoed;	       /* has repeated our Echo value: its address is real */
	uint16_t echoed_mid;   /* of the request that did */
	size_t opening;	       /* what a session's first datagrams had more, until opened_at */
	th_time opened_at;     /* 0: no session that has told */
	th_time drained_at;    /* until then bursts pause, so that a queue on the way runs empty */
	th_time echoed_until;  /* until then, what was refused before may still arrive again */
	struct th_list waiting_con[TH_COAP_PRIORITIES], waiting_non, flying; /* messages */
	struct th_coap_turns turns;
	unsigned in_flight; /* CON messages among `flying` */
	struct th_coap_window window;
	struct th_coap_path path;
	struct th_coap_rtt rtt; /* of a path that was not told */
	struct th_coap_rtt accepting; /* how long the peer's user takes to accept, beyond the round trip */
	struct th_list lapsed;	      /* exchanges whose notification nobody acknowledged */
	struct th_coap_lane lane;
	struct th_list
		awaiting; /* client exchanges whose request is acknowledged and not yet answered, or not wholly */
	struct th_coap_message *ping;
	struct th_coap_alarm alarm; /* the next ping, or the next free Message ID */
	uint64_t number_group;	    /* with c->numbering: of the last number, counted without end; + 1, 0: none yet */
	th_time heard_at, mid_at;
	th_time mid_rests[TH_COAP_MID_GROUPS]; /* until when; with c->numbering: since when. 0: never used */
};

struct th_coap_peer *th_coap_peer_find(const struct th_coap *c, const struct th_addr *addr);
struct th_coap_peer *th_coap_peer_get(struct th_coap *c,
				      const struct th_addr *addr); /* NULL: at the cap or no memory */
void th_coap_peer_hold(struct th_coap_peer *p);
void th_coap_peer_release(struct th_coap *c, struct th_coap_peer *p);
void th_coap_peer_free(struct th_coap *c, struct th_coap_peer *p);
/* The next number, whose low 16 bits are a Message ID; false, and p->mid_at, when none is free (§4.4). */
bool th_coap_peer_number(struct th_coap *c, struct th_coap_peer *p, uint64_t *out);
void th_coap_peer_arm(struct th_coap *c, struct th_coap_peer *p);
/* Asks whether it is there, unless something else does already. */
void th_coap_peer_ping(struct th_coap *c, struct th_coap_peer *p);
bool th_coap_peer_con_waits(const struct th_coap_peer *p);
/* What lower layers add to each datagram. */
size_t th_coap_peer_overhead(const struct th_coap_peer *p);
/* The same without what only the first datagrams of a session have. */
size_t th_coap_peer_lasting(const struct th_coap_peer *p);
/* As it was when a datagram left. */
size_t th_coap_peer_overhead_at(const struct th_coap_peer *p, th_time left);

/* message.c */

/* A CON or NON of ours. */
struct th_coap_message {
	struct th_coap_datagram datagram;
	struct th_slot node; /* c->flying, while an ACK or RST may come */
	struct th_list link; /* the peer's waiting_con, waiting_non or flying */
	struct th_coap_peer *peer;
	struct th_coap_exchange *exchange; /* borrowed; NULL: nobody waits for the outcome */
	struct th_coap_alarm alarm;	   /* CON: retransmission */
	th_time sent_at, timeout;	   /* its first copy left then; how long the last copy waits */
	th_time first_timeout;
	th_time last_at, over_at;   /* no copy leaves after that; the end of patience */
	th_time copy_at, before_at; /* when the last copy left, and the one before */
	bool con, flying;	    /* flying: has its Message ID, an answer may come */
	bool unnamed;  /* it names its exchange, which has no token before it flies: there is room for one in `bytes` */
	bool flown;    /* was given out to be sent */
	bool asks;     /* a request: its answer is more than an empty message */
	bool accept;   /* the peer's user acknowledges it, so it does not count as in flight */
	bool alone;    /* nothing else waited for an answer when it left */
	uint8_t tries; /* copies that have left */
	uint16_t mid;
	uint8_t bytes[];
};

enum th_coap_outcome { TH_COAP_ACKED, TH_COAP_RESET, TH_COAP_TIMED_OUT };

/* Sends when window and Message IDs allow. The exchange x, if any, owns the message then, and hears of its outcome. */
enum th_err th_coap_message_send(struct th_coap *c, struct th_coap_peer *p, struct th_coap_exchange *x, bool con,
				 const struct th_coap_pdu *pdu);
struct th_coap_message *th_coap_message_find(struct th_coap *c, const struct th_coap_peer *p, uint16_t mid);
/* It is over. reply_n: by an ACK or RST of so many bytes, which is a sample of the round trip; 0: otherwise. */
void th_coap_message_over(struct th_coap *c, struct th_coap_message *m, enum th_coap_outcome outcome, size_t reply_n);
/* It is known to be lost, or to have gone astray: the next copy leaves now, if there may be one. */
void th_coap_message_hurry(struct th_coap *c, struct th_coap_message *m);
/* Nobody wants it any more: it is taken back. */
void th_coap_message_drop(struct th_coap *c, struct th_coap_message *m);
/* Its exchange ends, but it shall still arrive. */
void th_coap_message_orphan(struct th_coap *c, struct th_coap_message *m);
/* Ends the exchanges whose first message sets `state` and has not left yet, but for x: they are stale. */
void th_coap_message_supersede(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_exchange *x,
			       uint64_t state);
/* Lets waiting messages go as far as window and Message IDs allow. */
void th_coap_peer_pump(struct th_coap *c, struct th_coap_peer *p);

/* record.c */

enum th_coap_record_state {
	TH_COAP_RECORD_PENDING, /* nothing sent yet: a duplicate stays unanswered */
	TH_COAP_RECORD_ACKED,	/* a duplicate gets an empty ACK again */
	TH_COAP_RECORD_REPLIED, /* a duplicate gets the reply again, while it is kept */
	TH_COAP_RECORD_RESET,	/* a duplicate gets an RST again */
};

/* A CON or NON of a peer that was accepted. Its key is a keyed hash of peer, header, token and options: a
 * retransmission is the same datagram again, while a Message ID that comes with other ones has been reused, which is
 * early but not a duplicate. */
struct th_coap_record {
	struct th_slot node;
	struct th_list age; /* on the queue of its life, oldest first */
	struct th_coap_peer *peer;
	struct th_coap_reply *reply; /* owned */
	th_coap_id exchange;
	uint32_t expires; /* in ticks of 2^26 ns */
	uint16_t mid;
	uint8_t state;
};

struct th_coap_reply {
	struct th_coap_datagram datagram;
	struct th_list age;
	struct th_coap_record *record;
	th_time arrives_at; /* not before this can it have arrived: until then nobody misses it */
	uint8_t bytes[];
};

/* A datagram that came, as far as it was understood. */
struct th_coap_arrival {
	const struct th_addr *from;
	struct th_coap_peer *peer; /* NULL: a stranger */
	const uint8_t *dgram;
	size_t n;
	struct th_coap_pdu pdu;
};

uint64_t th_coap_record_key(const struct th_coap *c, const struct th_coap_arrival *a);
struct th_coap_record *th_coap_record_find(struct th_coap *c, const struct th_coap_peer *p, uint16_t mid, uint64_t key);
/* NULL: at the cap, or no memory. */
struct th_coap_record *th_coap_record_add(struct th_coap *c, const struct th_coap_arrival *a, uint64_t key);
/* Forgets: a late copy could do nothing now. */
void th_coap_record_spent(struct th_coap *c, struct th_coap_record *r);
/* Answers a duplicate as its original was (§4.5). */
void th_coap_record_replay(struct th_coap *c, struct th_coap_record *r);
/* Sends the piggybacked response in pdu, and keeps it for duplicates. */
enum th_err th_coap_record_reply(struct th_coap *c, struct th_coap_record *r, const struct th_coap_pdu *pdu,
				 uint8_t priority);
void th_coap_records_expire(struct th_coap *c, struct th_coap_alarm *a);
void th_coap_records_free(struct th_coap *c);

/* body.c */

/* An outgoing body: the window of it that is kept, and what is known of the rest. */
struct th_coap_out {
	struct th_buf buf;
	uint64_t base;	 /* place of the buffer's first byte in the body */
	bool ended;	 /* the user has written all */
	bool cut;	 /* the peer does not want the rest: it is taken and dropped */
	bool wants_room; /* the user waits for `resume` */
	bool blockwise;	 /* does not fit one message */
	bool asked_for;	 /* the peer has said how large blocks may be */
	uint8_t szx;
	uint16_t whole;			 /* a body of so many bytes goes in one message all the same */
	struct th_coap_burst_out *burst; /* owned; NULL: not in bursts */
};

/* One block of it. */
struct th_coap_slice {
	const uint8_t *p;
	size_t n;
	bool more;
};

void th_coap_out_init(struct th_coap *c, struct th_coap_out *o, uint8_t szx);
void th_coap_out_reset(struct th_coap_out *o); /* another body begins */
/* The block at `off`; false while it is not known to be whole, or whether another follows. */
bool th_coap_out_slice(const struct th_coap_out *o, uint64_t off, struct th_coap_slice *s);
void th_coap_out_consume(struct th_coap_out *o, uint64_t until);
/* Tells the user that there is room again, if it waits. */
void th_coap_out_offer_room(struct th_coap *c, struct th_coap_exchange *x);

/* An incoming body: what the user has not taken of the last message. */
struct th_coap_in {
	uint8_t *held; /* owned */
	size_t n, off; /* held[off .. n) waits for the user */
	uint64_t next; /* place in the body where the next message must begin */
	bool more;     /* messages follow */
	bool offering, again;
	struct th_coap_burst_in *burst; /* owned; NULL: not in bursts */
};

/* Hands bytes to the user, keeps what it does not take. *all: nothing is kept. TH_ERR_NO_MEMORY. */
enum th_err th_coap_in_give(struct th_coap *c, struct th_coap_exchange *x, const uint8_t *p, size_t n, bool *all);
/* Offers what is kept. True when by this the last of it was taken. */
bool th_coap_in_offer(struct th_coap *c, struct th_coap_exchange *x);

/* compose.c */

/* The user's head of a request or response, kept for every block of it. */
struct th_coap_kept_head {
	uint8_t code;
	size_t n_options;
	struct th_coap_option options[]; /* their values follow */
};

/* NULL without memory. Options of the number `except` are left out. */
struct th_coap_kept_head *th_coap_head_keep(struct th_coap *c, const struct th_coap_head *head, uint16_t except);

/* A message being put together. */
struct th_coap_draft {
	struct th_coap_pdu pdu;
	uint8_t values[TH_COAP_ENGINE_OPTIONS * 4];
	size_t used;
};

void th_coap_draft_init(struct th_coap_draft *d, uint8_t code, const struct th_coap_token *token);
void th_coap_draft_head(struct th_coap_draft *d, const struct th_coap_kept_head *h, const struct th_coap_token *token);
void th_coap_draft_opaque(struct th_coap_draft *d, uint16_t number, const uint8_t *p, size_t n);
void th_coap_draft_uint(struct th_coap_draft *d, uint16_t number, uint32_t v);
void th_coap_draft_block(struct th_coap_draft *d, uint16_t number, const struct th_coap_block *b);
/* The largest SZX up to `szx` with which a block fits next to that head; -1 when none does. */
int th_coap_fit_szx(const struct th_coap *c, const struct th_coap_kept_head *h, unsigned szx);
/* Says how large the outgoing body may be and still go in one message; the head must stand. */
void th_coap_fit_whole(const struct th_coap *c, struct th_coap_exchange *x);
/* Options as the user sees them; `v` has room for all of the pdu's. */
struct th_coap_head th_coap_user_head(const struct th_coap_pdu *pdu, struct th_coap_option *v);
/* th_coap_options_screen(), and whether this peer may use them. */
enum th_err th_coap_screen(const struct th_coap_peer *p, struct th_coap_pdu *pdu);
/* The place of an option's block if it is there. TH_ERR_NOT_FOUND, TH_ERR_MALFORMED. */
enum th_err th_coap_block_of(const struct th_coap_pdu *pdu, uint16_t number, struct th_coap_block *out);

/* exchange.c */

/* Of a client. */
enum th_coap_phase {
	/* the user writes until there is a block to send */
	TH_COAP_GATHERING,
	/* a request is under way or acknowledged, its response has not come */
	TH_COAP_ASKED,
	/* the user has not taken all of the last response */
	TH_COAP_TAKING,
	/* observing, between notifications */
	TH_COAP_IDLE,
};

struct th_coap_client {
	enum th_coap_phase phase;
	struct th_coap_kept_head *head;	  /* owned */
	struct th_coap_token fetch_token; /* for the rest of a notification (RFC 7959 §2.6); n = 0: none yet */
	struct th_coap_token tag;	  /* Request-Tag of every request; n = 0: none */
	struct th_slot by_fetch;	  /* c->by_fetch, when there is one */
	struct th_list awaiting;	  /* peer->awaiting */
	uint64_t up_off;		  /* place of the block under way */
	size_t up_n;
	uint8_t fetch_szx;
	bool fetch_apart; /* the rest of notifications is asked for under fetch_token */
	bool up_more, fetching, wants_observe, observing, echo_used;
	uint8_t response_code, etag_n, echo_n;
	uint8_t etag[TH_COAP_ETAG_MAX];
	uint8_t echo[TH_COAP_ECHO_MAX];
	uint32_t observe_seq; /* of the freshest notification, and when it came (RFC 7641 §3.4) */
	th_time observed_at;
	uint8_t *held; /* owned: a notification that came while the one before was taken or fetched */
	size_t held_n;
	bool accepts;	   /* its user acknowledges notifications */
	bool owes;	   /* one waits for that: */
	uint16_t owed_mid; /* its record */
	uint64_t owed_key;
};

/* The request being answered: the first of the exchange, or one for another block. */
struct th_coap_ask {
	struct th_coap_token token;
	uint64_t key; /* of its record */
	uint16_t mid;
	bool con, owing, acked;
	bool has_block1, has_block2;
	bool bursts; /* block1 is the first of a burst */
	bool later;  /* for another block than the first */
	uint8_t news; /* of th_coap_path_news(), from the peer; 0: none */
	struct th_coap_block block1, block2;
};

struct th_coap_server {
	struct th_coap_kept_head *head; /* owned; NULL: the user has not responded */
	struct th_slot by_key;		/* c->by_key while blocks may follow, in either direction */
	uint64_t key;			/* of its method and options (RFC 7959 §2.4, RFC 9175 §3.3) */
	struct th_coap_ask ask, before;
	uint64_t down_off; /* place of the block asked for */
	uint64_t down_end; /* end of what was sent */
	bool keyed;
	bool whole; /* no blocks of the request are to come */
	bool ended; /* the user has heard `end`, or has responded before and will not */
	bool last;  /* what was sent last is the response's last block */
	bool wants_observe, observing;
	bool notify;  /* a notification is being written */
	bool confirm; /* and to be confirmed */
	bool accept;  /* by the peer's user */
	struct th_list lapsed; /* peer->lapsed */
	uint32_t observe_seq;
	unsigned unconfirmed; /* notifications since the last CON */
	th_time confirmed_at;
};

struct th_coap_exchange {
	struct th_slot by_id, by_token;
	struct th_list dead;
	struct th_coap_peer *peer;
	th_coap_id id;
	struct th_coap_token token;	 /* a client's: n = 0 until it is named */
	struct th_coap_message *message; /* owned: the one whose outcome matters; NULL: none */
	struct th_coap_alarm alarm;
	th_time ack_at, give_up_at; /* the empty ACK; the end of patience */
	struct th_coap_account account;
	struct th_coap_out out;
	struct th_coap_in in;
	uint64_t state; /* what its request sets, so that a newer one supersedes it; 0: nothing of that kind */
	bool client, closed, confirmable;
	bool once; /* of its request's head */
	uint8_t priority;
	union {
		struct th_coap_client c;
		struct th_coap_server s;
	};
};

struct th_coap_exchange *th_coap_exchange_new(struct th_coap *c, struct th_coap_peer *p, bool client,
					      const struct th_coap_token *token, enum th_err *err);
struct th_coap_exchange *th_coap_exchange_find(const struct th_coap *c, th_coap_id id); /* NULL when closed */
void th_coap_exchange_arm(struct th_coap *c, struct th_coap_exchange *x);
/* Ends it and tells the user. Safe on a closed one. */
void th_coap_exchange_close(struct th_coap *c, struct th_coap_exchange *x, enum th_err why);
/* Ends it silently. */
void th_coap_exchange_drop(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_exchange_free(struct th_coap *c, struct th_coap_exchange *x);
/* The next exchange of that peer, role and token: first with NULL, then with the last result. */
struct th_coap_exchange *th_coap_exchange_named(const struct th_coap *c, const struct th_coap_peer *p, bool client,
						const uint8_t *token, size_t n, const struct th_coap_exchange *after);
uint64_t th_coap_token_hash(const struct th_coap *c, const struct th_coap_peer *p, bool client, const uint8_t *token,
			    size_t n);

static inline bool th_coap_token_eq(const struct th_coap_token *a, const uint8_t *p, size_t n)
{
	return a->n == n && memcmp(a->p, p, n) == 0;
}

static inline void th_coap_charge_out(struct th_coap_exchange *x, size_t n)
{
	if (!x)
		return;
	x->account.datagrams_out++;
	x->account.bytes_out += n;
}

static inline void th_coap_charge_in(struct th_coap_exchange *x, size_t n)
{
	if (!x)
		return;
	x->account.datagrams_in++;
	x->account.bytes_in += n;
}

/* burst.c: bodies in bursts of blocks, for peers whose profile has `blocks` (docs/protocol.md, Bursts of blocks). */

enum {
	TH_COAP_BURST = 256,	   /* blocks between the first that is missing and the last that is sent, at most */
	TH_COAP_BURST_GENS = 128,  /* generations count modulo this */
	TH_COAP_BURST_POLL = 0x80, /* in the first payload byte: a report is asked for */
	TH_COAP_BURST_GONE = TH_COAP_BLOCK_NUM_MAX, /* a report's NUM: nobody knows this body (any more) */
	TH_COAP_BURST_HEADER = 3,		    /* of a report's payload: generation, and room in two bytes */
	TH_COAP_BURST_REPORT_MAX = TH_COAP_BURST_HEADER + TH_COAP_BURST / 8,
};

enum th_coap_block_state { TH_COAP_BLOCK_NEW, TH_COAP_BLOCK_SENT, TH_COAP_BLOCK_MISSING, TH_COAP_BLOCK_THERE };

/* Timers: alarm, when the report that was asked for does not come. */
struct th_coap_burst_out {
	struct th_coap_datagram source; /* in the lane while there is something to send */
	struct th_coap_alarm alarm;
	struct th_list link; /* peer->bursts */
	struct th_coap_exchange *x;
	uint32_t base;	       /* first block that is not known to be there */
	uint32_t next;	       /* first block that was never sent */
	uint32_t limit;	       /* first block that the peer has no room for */
	unsigned window;       /* blocks; what the peer's room is until it has said so */
	unsigned out, missing; /* how many are SENT, are MISSING */
	unsigned since_poll;
	uint8_t gen;	   /* of what is sent now; each poll closes one */
	uint8_t asked_gen; /* of the last poll */
	uint8_t told_gen;  /* of the newest report */
	bool asked, probe; /* a report is due; ask again, with a probe */
	bool lossy, twin;  /* blocks were lost; so ask twice where nothing follows that could ask again */
	unsigned probes;
	unsigned waits; /* for the first block alone */
	th_time asked_at, timeout, first_timeout;
	size_t asked_n;
	th_time progress_at;
	uint8_t state[TH_COAP_BURST], gens[TH_COAP_BURST];
};

struct th_coap_burst_in {
	struct th_coap_datagram source; /* the report, while one is due */
	struct th_coap_exchange *x;
	uint32_t taken; /* blocks that the user has, or that are kept for it in in.held */
	uint32_t first; /* the first block that has not come */
	uint32_t total; /* 0: not known yet */
	uint32_t told;	/* limit of the last report */
	unsigned window;
	uint8_t szx, gen; /* gen: of the newest poll */
	struct {
		uint8_t *p; /* owned; NULL: not there */
		size_t n;
	} slot[TH_COAP_BURST];
};

/* Whether bodies of this exchange travel in bursts. */
bool th_coap_burst_wanted(const struct th_coap_exchange *x);
/* A NON of a thimble. False when it is none of a burst's. */
bool th_coap_burst_rx(struct th_coap *c, struct th_coap_arrival *a);
void th_coap_burst_free(struct th_coap *c, struct th_coap_exchange *x);
/* The blocks that have come belong to nothing that is to come. */
void th_coap_burst_forget(struct th_coap *c, struct th_coap_exchange *x);
/* Out of the lane: the exchange ends. */
void th_coap_burst_detach(struct th_coap *c, struct th_coap_exchange *x);

/* The first block travels by other means; the others do from now on. TH_ERR_NO_MEMORY. */
enum th_err th_coap_burst_start(struct th_coap *c, struct th_coap_exchange *x);
/* Bytes that were never sent. */
size_t th_coap_burst_unsent(const struct th_coap_exchange *x);
/* Something may have become sendable; for any body of that peer. */
void th_coap_burst_pump(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_burst_pump_all(struct th_coap *c, struct th_coap_peer *p);
/* The Message ID of a block or report, which nobody refers to: with c->numbering it is not known here (engine.h). */
uint16_t th_coap_burst_mid(const struct th_coap *c, struct th_coap_peer *p);
void th_coap_burst_report(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu, uint32_t num);
void th_coap_burst_stop(struct th_coap *c, struct th_coap_exchange *x);

/* The first block has come, by other means: blocks of that size follow. TH_ERR_NO_MEMORY, TH_ERR_MALFORMED. */
enum th_err th_coap_burst_expect(struct th_coap *c, struct th_coap_exchange *x, uint8_t szx);
void th_coap_burst_block(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_block *b,
			 const uint8_t *payload, size_t n);
/* The user has taken all that was given to it: more may be there. */
void th_coap_burst_deliver(struct th_coap *c, struct th_coap_exchange *x);
/* The payload of a report; returns its length. */
size_t th_coap_burst_map(struct th_coap_burst_in *b, uint8_t out[static TH_COAP_BURST_REPORT_MAX]);
/* At once, and whatever becomes of the exchange. */
void th_coap_burst_tell(struct th_coap *c, struct th_coap_exchange *x);

static inline bool th_coap_gen_is_newer(uint8_t a, uint8_t b)
{
	unsigned ahead = (unsigned)(a - b) % TH_COAP_BURST_GENS;

	return ahead > 0 && ahead < TH_COAP_BURST_GENS / 2;
}

/* client.c */

struct th_coap_exchange *th_coap_client_find(struct th_coap *c, const struct th_coap_peer *p,
					     const struct th_coap_pdu *pdu);
/* Whether a response with this token is awaited. */
bool th_coap_client_awaits(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu);
/* That, or a notification. */
bool th_coap_client_expects(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu);
void th_coap_client_pump(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_client_over(struct th_coap *c, struct th_coap_exchange *x, enum th_coap_outcome outcome);
void th_coap_client_due(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_client_cancel(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_client_detach(struct th_coap *c, struct th_coap_exchange *x);
/* Waits for a response: the request is there. */
void th_coap_client_await(struct th_coap *c, struct th_coap_exchange *x);
/* Sends the request for what comes next. */
void th_coap_client_ask(struct th_coap *c, struct th_coap_exchange *x);
/* Whether the next request needs a token that it gets only when it flies; and that it has flown. */
bool th_coap_client_is_unnamed(const struct th_coap *c, const struct th_coap_exchange *x);
const struct th_coap_token *th_coap_client_name(struct th_coap *c, struct th_coap_exchange *x, uint64_t number);
/* Notifications are larger than one message: their rest is asked for under another token. */
void th_coap_client_fetch_apart(struct th_coap *c, struct th_coap_exchange *x);
/* It has its response, or will not have one. */
void th_coap_client_unawait(struct th_coap *c, struct th_coap_exchange *x);

/* response.c */

void th_coap_client_response(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu);
void th_coap_client_resumed(struct th_coap *c, struct th_coap_exchange *x);
/* A response that begins: head, first block. */
void th_coap_client_begin(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu);

/* server.c */

void th_coap_server_pump(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_server_resumed(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_server_over(struct th_coap *c, struct th_coap_exchange *x, enum th_coap_outcome outcome);
void th_coap_server_due(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_server_cancel(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_server_detach(struct th_coap *c, struct th_coap_exchange *x);
/* An error without options or body, from nobody but the engine. */
void th_coap_server_refuse(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_ask *ask, uint8_t code);
/* The empty ACK to what is being answered. */
void th_coap_server_acknowledge(struct th_coap *c, struct th_coap_exchange *x);
/* The next bytes of the request's body. */
void th_coap_server_receive(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu, bool more);
/* The first block of a response has been sent as that of a burst: the others follow. */
void th_coap_server_burst(struct th_coap *c, struct th_coap_exchange *x);
/* What was sent has arrived, or nobody will tell whether. */
void th_coap_server_delivered(struct th_coap *c, struct th_coap_exchange *x);
/* The first block of a burst is there: tells how much room there is for others. */
void th_coap_server_continue(struct th_coap *c, struct th_coap_exchange *x);
/* Blocks of this exchange will be asked for: it must be found by its key. */
void th_coap_server_key(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_server_unkey(struct th_coap *c, struct th_coap_exchange *x);

/* request.c */

void th_coap_server_request(struct th_coap *c, struct th_coap_arrival *a, struct th_coap_record *r);

/* observe.c */

/* Client: a notification came (§3.2). */
void th_coap_observe_notified(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu);
/* Client: whether this response is one of an observation, and its place among them. */
void th_coap_observe_begin(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu);
/* Client: the notification before is done with. */
void th_coap_observe_idle(struct th_coap *c, struct th_coap_exchange *x);
void th_coap_observe_deregister(struct th_coap *c, struct th_coap_exchange *x);
/* Server: a new request with that token ends the observation it had (§3.6, §4.1). */
void th_coap_observe_replace(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_pdu *pdu);
bool th_coap_observe_wanted(const struct th_coap *c, const struct th_coap_peer *p, const struct th_coap_pdu *pdu);
/* Server: a response's head decides whether the observation begins, goes on or ends. */
void th_coap_observe_respond(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_head *head);
void th_coap_observe_stop(struct th_coap_exchange *x);
/* Server: tells the client that no more notifications come. */
void th_coap_observe_end(struct th_coap *c, struct th_coap_exchange *x);
/* Server: puts the Observe option into a response of an observation. */
void th_coap_observe_mark(struct th_coap_exchange *x, struct th_coap_draft *d);
/* Server: sends the notification once its first block is known. */
void th_coap_observe_notify(struct th_coap *c, struct th_coap_exchange *x);
/* Client: the user acknowledges this one. */
void th_coap_observe_owe(struct th_coap_exchange *x, struct th_coap_record *r);
bool th_coap_observe_owes(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu, th_time now);
/* Client: what is owed to the exchange's last notification is sent: an ACK, or an RST. */
void th_coap_observe_settle(struct th_coap *c, struct th_coap_exchange *x, bool accept);
/* Server: more than one message: nobody could accept it, so it is the last. */
void th_coap_observe_too_large(struct th_coap_exchange *x);
/* Server: nobody has acknowledged the notification. False: then the exchange is over. */
bool th_coap_observe_lapse(struct th_coap_exchange *x);
/* Server: the peer was heard: what it missed is sent anew. */
void th_coap_observe_revive(struct th_coap *c, struct th_coap_peer *p);
/* Server: the notification before is done with; the user may make the next. */
void th_coap_observe_ready(struct th_coap *c, struct th_coap_exchange *x);

/* echo.c */

/* Whether the request may go on; when not, the challenge has been sent (RFC 9175 §2.3). */
bool th_coap_echo_admit(struct th_coap *c, const struct th_addr *from, const struct th_coap_pdu *pdu);
/* Whether the peer's address is proven, for a message of this ID; and that it is now. */
bool th_coap_echo_knows(const struct th_coap *c, const struct th_coap_peer *p, uint16_t mid);
void th_coap_echo_passed(struct th_coap *c, struct th_coap_peer *p, uint16_t mid);

/* engine.c */

/* Records that live equally long: the oldest goes first. */
struct th_coap_life {
	th_time life;
	struct th_list age;
};

struct th_coap_empty {
	struct th_addr to;
	uint16_t mid;
	uint8_t type;
};

struct th_coap {
	const struct th_coap_params *params; /* borrowed */
	const struct th_mem *mem;	     /* borrowed */
	struct th_rng rng;
	const struct th_coap_ops *ops; /* borrowed */
	void *user;
	const struct th_coap_numbering *numbering; /* borrowed; NULL: Message IDs and tokens are counters here */
	void *numberer;
	th_time now;
	unsigned depth; /* of verbs within events */
	struct th_heap timers;
	struct th_table peers, flying, records, by_id, by_token, by_fetch, by_key;
	struct th_list out;   /* datagrams to strangers */
	struct th_list ready; /* lanes of peers to whom something may leave now */
	size_t once;	      /* datagrams that wait and are not kept by anybody */
	bool paced;	      /* some peer's rate is known */
	struct th_list dead, dead_peers, idle_peers;
	struct th_coap_life lives[TH_COAP_LIVES];
	size_t n_lives;
	struct th_coap_alarm record_alarm;
	struct th_list replies; /* oldest first */
	th_coap_id last_id;
	uint64_t next_token;
	bool require_echo;
	uint64_t echo_secret[2];
	struct th_coap_stats stats;
	uint8_t *scratch; /* one message, or the options of one */
	size_t scratch_n;
	size_t empty_first, empty_n;
	struct th_coap_empty empties[TH_COAP_EMPTIES_MAX];
};

void th_coap_enter(struct th_coap *c, th_time now);
void th_coap_leave(struct th_coap *c);
void th_coap_send_empty(struct th_coap *c, const struct th_addr *to, enum th_coap_type type, uint16_t mid);
/* A datagram that nobody remembers; `p` is NULL for a stranger's. `number`: of a NON, by c->numbering; else NULL. */
void th_coap_send_once(struct th_coap *c, struct th_coap_peer *p, const struct th_addr *to,
		       const struct th_coap_pdu *pdu, const uint64_t *number);

#endif
