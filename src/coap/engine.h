/* The CoAP engine: RFC 7252 messages and requests for both roles, RFC 7959 block-wise bodies as streams, RFC 7641 observe,
 * RFC 9175 Echo and Request-Tag. It does no I/O: datagrams, time and randomness come in; datagrams, events and the
 * next deadline go out.
 *
 * Verbs of the engine (called by the owner's loop):  th_coap_rx, th_coap_tx, th_coap_deadline, th_coap_tick.
 * Verbs of an exchange (called by its user):         request/respond/notify, write, end, resume, cancel.
 *
 * An exchange is one request with its response (with observe: its responses). It has an outgoing and an incoming body,
 * both streams: the user writes the outgoing body as the engine takes it, the engine hands on the incoming one in order
 * as the user takes it. Whether a body travels in one message or block by block is the engine's business: it waits until
 * a whole block or the end is there. Nothing is executed twice: a duplicate request is answered from the record of the
 * first (§4.5), over EXCHANGE_LIFETIME.
 *
 * Events arrive through th_coap_ops while rx, tick or a verb runs. Verbs may be called from inside events. After `closed`
 * the id is dead; a dead id in a verb is harmless (TH_ERR_NOT_FOUND). */
#ifndef TH_COAP_ENGINE_H
#define TH_COAP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/clock.h"
#include "coap/params.h"
#include "coap/pdu.h"
#include "coap/profile.h"

struct th_coap;

/* Names an exchange for the engine's lifetime; never reused; 0 is none. */
typedef uint64_t th_coap_id;

/* How urgent an exchange is, for the order in which datagrams leave. */
enum th_coap_priority {
	TH_COAP_INTERACTIVE, /* somebody waits for it */
	TH_COAP_SYNC,
	TH_COAP_CHATTER, /* soon stale: receipts, typing, presence */
	TH_COAP_BULK,
	TH_COAP_PRIORITIES,
};

/* Code and options of a request or response as the user sees them. Block1, Block2, Size1/2, Observe of responses,
 * Request-Tag and Echo are the engine's own and do not appear to the user among options unless stated. Borrowed during the call. */
struct th_coap_head {
	uint8_t code;                      /* TH_COAP_GET …, TH_COAP_CODE(2, 5) … */
	bool confirmable;                  /* CON or NON; servers answer NON with NON */
	bool observe;                      /* request: register (RFC 7641); response: this is a notification */
	bool tagged;                       /* client request: carry a Request-Tag (RFC 9175 §3), so that parallel
	                                      block-wise exchanges of the same method and options never mix; not
	                                      needed, and not sent, with th_coap_number_by() */
	bool accept;                       /* request with observe: notifications that are CONs are acknowledged by
	                                      th_coap_accept() or th_coap_cancel(); response: the peer does so. Then it is
	                                      a CON of its own even as the first answer, its timeout counts
	                                      TH_COAP_ACCEPT_DELAY in, `resume` says that it was accepted, and while
	                                      nobody acknowledges it, it is sent anew whenever the peer is heard. One that
	                                      does not fit a message (th_coap_room) ends the observation instead */
	bool once;			   /* client request: th_coap_sent tells it of each of its messages */
	enum th_coap_priority priority;    /* of this message and of all that follow in its direction */
	const struct th_coap_option *options; /* ascending by number */
	size_t n_options;
};

/* The longest that th_coap_accept() may take, by agreement of both ends. */
#define TH_COAP_ACCEPT_DELAY (5 * TH_SEC)

struct th_coap_ops {
	/* Server: a request has come (its first block, if block-wise). Answer now or later with th_coap_respond(). */
	void (*request)(void *user, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head);
	/* Client: a response begins. With observe, each notification begins one; one that comes before `end` of the one before says that
	 * the rest of that was given up for newer state. */
	void (*response)(void *user, th_coap_id id, const struct th_coap_head *head);
	/* Incoming body, in order. Returns how much was taken; when less, the user later calls th_coap_resume(). */
	size_t (*data)(void *user, th_coap_id id, const uint8_t *p, size_t n);
	/* The incoming body (of this notification) is whole. */
	void (*end)(void *user, th_coap_id id);
	/* The outgoing body has room again after th_coap_write() took less than offered, or the next notification may be made after
	 * th_coap_respond() gave TH_ERR_FULL, or because one with `accept` was accepted. */
	void (*resume)(void *user, th_coap_id id);
	/* The exchange is over. TH_OK: both directions done and acknowledged. Else: TH_ERR_TIMEOUT (the peer stayed silent),
	 * TH_ERR_RESET (RST, or the peer forgot), TH_ERR_MALFORMED, TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY, TH_ERR_CANCELLED (by the peer). Not
	 * called after the user's own th_coap_cancel(). th_coap_account() still knows the id during the call. */
	void (*closed)(void *user, th_coap_id id, enum th_err why);
};

/* For an engine that stands on a session: the layer below names what the engine sends (naming.h). These run in the
 * middle of the engine's verbs and must not call any. */
struct th_coap_numbering {
	/* A CON or NON of ours is about to be sent for the first time: the number of the record it will travel in. Numbers of
	 * a peer rise. False: not now; th_coap_renumber() later. A number may be asked for and then not be used. */
	bool (*number)(void *user, const struct th_addr *peer, uint64_t *number);
	/* The CON that got this number is acknowledged, reset, timed out or taken back: it is not sent again. */
	void (*over)(void *user, const struct th_addr *peer, uint64_t number);
	/* The peer repeats what was answered, so that the answer is likely to be lost. NULL: of no interest. */
	void (*repeated)(void *user, const struct th_addr *peer);
};

/* What th_coap_tx_named() knows of a datagram. */
struct th_coap_sent {
	bool numbered;	 /* a CON or NON that got a number; a NON without one belongs to a burst: nothing ever refers to it, and
			  * its Message ID, 0 here, is to become that of whatever record it travels in */
	bool again;	 /* the same bytes as before, for the same message: a retransmission, or a reply to a duplicate */
	bool once;	 /* of a request that may not be executed twice, though the peer be restarted (th_coap_head) */
	uint64_t number; /* that number */
};

/* What an exchange cost on the link so far: every datagram that belonged to it, retransmissions and ACKs included.
 * Bytes are UDP payload; the caller adds IP and UDP headers per datagram. */
struct th_coap_account {
	uint32_t datagrams_out, datagrams_in;
	uint64_t bytes_out, bytes_in;
};

/* Counters since start, for metrics and tests. */
struct th_coap_stats {
	uint64_t rx_malformed, rx_duplicate, rx_unmatched, retransmissions, timeouts, rst_sent, refused_full;
	uint64_t blocks_sent, blocks_again, reports_sent; /* of bodies in bursts */
	size_t peers, exchanges, records, reply_bytes;
};

/* params, mem are borrowed for the engine's life. NULL without memory. `ops` and `user` receive the events. */
struct th_coap *th_coap_new(const struct th_coap_params *params, const struct th_mem *mem, const struct th_rng *rng,
			    const struct th_coap_ops *ops, void *user);
void th_coap_del(struct th_coap *c); /* no events are sent */

/* Before the first verb. From then on Message IDs are the low 16 bits of numbers, and the token of a request is the number
 * of the message that opened its exchange (th_naming_token), which it has from its first flight. Tokens are then unique
 * at both ends, so blocks belong to the exchange of their token, and `tagged` is not needed. Both ends must do the same.
 * `ops` and `user` are borrowed for the engine's life. */
void th_coap_number_by(struct th_coap *c, const struct th_coap_numbering *ops, void *user);
/* There are numbers for that peer again. */
void th_coap_renumber(struct th_coap *c, const struct th_addr *peer, th_time now);
/* That peer is reached by another path now: what awaits an acknowledgement goes again at once, its back-off forgotten. */
void th_coap_hurry(struct th_coap *c, const struct th_addr *peer, th_time now);

/* The four engine verbs. */
void th_coap_rx(struct th_coap *c, const struct th_addr *from, const uint8_t *dgram, size_t n, th_time now);
/* The next datagram to send, its length returned; 0 when there is none now. cap >= params->max_message. */
size_t th_coap_tx(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, th_time now);
size_t th_coap_tx_named(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, th_time now,
			struct th_coap_sent *sent);
/* What was sent last to that peer has become so many bytes shorter below: the link is free earlier. */
void th_coap_refund(struct th_coap *c, const struct th_addr *peer, size_t n);
th_time th_coap_deadline(const struct th_coap *c); /* when tick wants to be called; TH_NEVER. Anything to send at once: tx says */
void th_coap_tick(struct th_coap *c, th_time now);

/* Client: opens an exchange; its first message leaves when a block of the body or its end is written (without a body too:
 * th_coap_end). Options must not hold what the engine owns, except an Observe/ETag/If-Match/… the user chose.
 * TH_ERR_FULL at a cap, TH_ERR_NO_MEMORY, TH_ERR_INVALID for options that break their table or do not fit. */
enum th_err th_coap_request(struct th_coap *c, const struct th_addr *peer, const struct th_coap_head *head, th_time now,
			    th_coap_id *out);

/* Server: the response's head, once per request (for an accepted observe request: once per notification). It may come before the
 * request's body has ended: then the rest of that body is refused, and neither `data` nor `end` follow. TH_ERR_INVALID, TH_ERR_NO_MEMORY;
 * TH_ERR_FULL while the notification before is not delivered: `resume` comes when the then newest state can be sent. A response
 * that is no notification (observe false, or an error) ends an observation once it is delivered. */
enum th_err th_coap_respond(struct th_coap *c, th_coap_id id, const struct th_coap_head *head, th_time now);

/* Outgoing body. Returns how much was taken, 0 when full; then `resume` comes once there is room. What a
 * client writes after its response has begun is taken and dropped; the `resume` for it comes after `end`. */
size_t th_coap_write(struct th_coap *c, th_coap_id id, const uint8_t *p, size_t n, th_time now);
enum th_err th_coap_end(struct th_coap *c, th_coap_id id, th_time now);
/* How much of what was written waits for its turn: not sent yet, or, in block-wise transfer, not acknowledged yet. */
size_t th_coap_unsent(const struct th_coap *c, th_coap_id id);

/* The user can take incoming body again. */
void th_coap_resume(struct th_coap *c, th_coap_id id, th_time now);

/* Gives up. Client: nothing more is sent for it, late answers are reset (a running observation is so deregistered).
 * Server: an unanswered request gets 5.03, or 5.02 when its response was begun; a running observation ends, a half-sent body is dropped. No `closed` follows. */
void th_coap_cancel(struct th_coap *c, th_coap_id id, th_time now);

/* The same without a word: for a peer that is known to have given up itself, or is gone. */
void th_coap_abandon(struct th_coap *c, th_coap_id id, th_time now);

/* Client, of a request with `accept`: the last notification is acknowledged now. Nothing when none waits for that.
 * th_coap_cancel() resets it instead, which ends the observation at the server (RFC 7641 §3.6). */
void th_coap_accept(struct th_coap *c, th_coap_id id, th_time now);

/* Server: sends anew a notification with `accept` that has been given up, without waiting for the peer to be heard.
 * False: none has. */
bool th_coap_renotify(struct th_coap *c, th_coap_id id, th_time now);

/* Server: how many bytes of payload fit one message beside that head; 0 without memory or for a dead id. */
size_t th_coap_room(struct th_coap *c, th_coap_id id, const struct th_coap_head *head);

/* Server: whether the exchange's requester asked to observe. */
bool th_coap_wants_observe(const struct th_coap *c, th_coap_id id);

/* Server: refuses the first request of a new peer with 4.01 and an Echo option until the peer repeats it (RFC 9175 §2.3). */
void th_coap_require_echo(struct th_coap *c, bool on);

/* The client's token of an exchange (either role), at most 8 bytes, borrowed until it closes; the peers' common name for it.
 * TH_ERR_NOT_FOUND: no such exchange, or with th_coap_number_by(): not sent yet. */
enum th_err th_coap_token(const struct th_coap *c, th_coap_id id, const uint8_t **token, size_t *n);
/* The exchange whose message got this number from th_coap_numbering, while it is not over; 0: none. */
th_coap_id th_coap_numbered(struct th_coap *c, const struct th_addr *peer, uint64_t number);
/* Client: whether the peer has acknowledged the whole request, and still owes the response or blocks of it. */
bool th_coap_awaits(const struct th_coap *c, th_coap_id id);
/* Server: the open exchange of that peer with that token, 0 when there is none. */
th_coap_id th_coap_find(const struct th_coap *c, const struct th_addr *peer, const uint8_t *token, size_t n);

/* Client: the request, not ended yet, sets what `state` names (not 0; of one peer). Older requests that set the same and have not left
 * yet are closed with TH_ERR_CANCELLED: nobody needs them any more. */
void th_coap_supersede(struct th_coap *c, th_coap_id id, uint64_t state, th_time now);

/* What is known of the link to that peer (profile.h): from now on timeouts, pace, block sizes and lifetimes follow from it. Both ends
 * must be given the same, joined profile. TH_ERR_FULL, TH_ERR_NO_MEMORY. */
enum th_err th_coap_set_profile(struct th_coap *c, const struct th_addr *peer, const struct th_link_profile *l, th_time now);

/* How the link to a peer does. */
struct th_coap_link {
	uint64_t up_bps, down_bps;	    /* told or measured; 0: unknown */
	th_time round_trip;		    /* smoothed, without airtime where rates are known; 0: unknown */
	th_time heard_at;		    /* the last datagram from there */
	th_time busy_until;		    /* what has left is off the wire then */
	size_t queued[TH_COAP_PRIORITIES]; /* datagrams and messages that wait */
	unsigned in_flight;
};

/* The shortest round trip to that peer so far, without airtime where rates are known; 0: unknown. */
th_time th_coap_shortest_trip(const struct th_coap *c, const struct th_addr *peer);

/* TH_ERR_NOT_FOUND for an unknown peer. */
enum th_err th_coap_link(const struct th_coap *c, const struct th_addr *peer, struct th_coap_link *out);

enum th_err th_coap_account(const struct th_coap *c, th_coap_id id, struct th_coap_account *out);
void th_coap_stats(const struct th_coap *c, struct th_coap_stats *out);

#endif
