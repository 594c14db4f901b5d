/* One exchange where flow and link meet: what the ingress and the egress half have in common. Private to src/proxy.
 *
 *     flow ─ head, data, end ─▶ envelope ─▶ CoAP body        (outgoing)
 *     flow ◀─ head, data, end ─ envelope ◀─ CoAP body        (incoming)
 *
 * A leg is over when both its flow and its CoAP exchange are; it is reported then, and freed at the node's next turn.
 */
#ifndef TH_PROXY_LEG_H
#define TH_PROXY_LEG_H

#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "codec/bulk.h"
#include "codec/history.h"
#include "coap/engine.h"
#include "exchange/flow.h"
#include "proxy/node.h"

struct th_leg;

/* What the halves do differently. */
struct th_leg_ops {
	/* The incoming CoAP message begins; sets leg->content. */
	void (*begin)(struct th_leg *leg, const struct th_coap_head *head);
	/* The incoming head is whole; borrowed during the call. */
	void (*head)(struct th_leg *leg, const struct th_head *head);
	/* The incoming message is whole and, if an envelope, as long as announced. */
	void (*end)(struct th_leg *leg);
	/* The incoming bytes are no envelope, or the CoAP exchange died before its time (leg->id is 0 then). */
	void (*failed)(struct th_leg *leg, enum th_err err);
	/* The engine takes outgoing bytes again; NULL: th_leg_can_send(). */
	void (*can_send)(struct th_leg *leg);
};

/* What the incoming body holds. */
enum th_leg_content { TH_LEG_ENVELOPE, TH_LEG_SMALL };

enum {
	TH_LEG_SMALL_MAX = 240,	     /* bytes kept of a diagnostic or of a cancelled exchange's token */
	TH_LEG_BUF_MAX = 368 * 1024, /* a head and what a block brings with it; or a gathered message */
	TH_BULK_PACKERS_MAX = 8,     /* 1.5 MB each; further large bodies go as they are */
	TH_BULK_UNPACKERS_MAX = 64,  /* 0.8 MB each; further ones are refused */
};

struct th_leg {
	struct th_node *node; /* borrowed for life */
	const struct th_leg_ops *ops;
	struct th_list link;  /* on the node's list of open or of dead legs */
	struct th_slot by_id; /* in the node's table while id is not 0 */
	th_coap_id id;	      /* 0 once the CoAP exchange is over */
	struct th_addr peer;
	struct th_flow flow; /* towards the HTTP side */

	struct th_buf out;		/* outgoing bytes the engine has not taken yet */
	struct th_bulk_encoder *packer; /* owned; NULL unless the outgoing body goes through it into `out` */
	struct th_list unflushed;	/* on the node's list while it may keep bytes back */
	enum th_bulk_op packing;	/* what it was asked for */
	bool broken;			/* it was lost for want of memory */
	size_t gather_max;		/* bytes of `out` up to which it is gathered */
	bool unanswered;		/* egress: the response has not been opened yet */
	bool handing;			/* some of it is being given to the engine */
	bool gathering;			/* the outgoing message is collected there first, to be coded */
	bool owes_resume;		/* the flow was refused some of its body */
	bool out_end;			/* the outgoing message is whole, once `packer` is gone and `out` empty */

	bool dead;	  /* reported, waits to be freed */
	uint8_t code;	  /* of the incoming message */
	bool coded;	  /* the incoming message is in a coding for whole messages and not decoded yet */
	bool decoded;	  /* it was; what the flow has not taken of its body is in `in` */
	bool bulk;	  /* the incoming message is in the bulk coding */
	bool offering;	  /* some of it is being given to the flow, */
	bool again;	  /* which has asked for more meanwhile */
	struct th_buf in; /* the incoming head until it is whole; or the small content; or a coded message */
	struct th_bulk_decoder *unpacker; /* owned; NULL unless its head is whole and its body not; what the flow has
					   * not taken is in `in` */
	int64_t in_left;		  /* incoming body bytes still announced; TH_BODY_UNKNOWN */
	unsigned retry_after;		  /* seconds, from an incoming CoAP error's Max-Age */
	enum th_leg_content content;
	bool pouring;	      /* more is to come out of `unpacker` */
	bool in_whole;	      /* nothing more goes into it */
	bool in_head, in_end; /* the incoming head, the incoming message is whole */

	/* coding.c */
	bool named;	 /* number is known */
	bool exact;	 /* the request is unreadable under any other number than coded_for */
	bool tells;	 /* ingress: the request, as it was coded, has its account's value in full, or none;
			    egress: it has none, and its answer may give one */
	bool far, alone; /* it has to say that number; nothing may be referred to */
	bool pushed;	 /* answering end: something has been answered, so what comes is a notification */
	struct th_dialogue *dialogue; /* borrowed; NULL in the plain profile, and once the session is gone */
	struct th_buf plain;	      /* asking end: the request in the identity coding, to be coded anew if need be */
	struct th_buf kept;	      /* its text for the history, until it is there */
	struct th_list unnamed;	      /* on the dialogue's list until then */
	struct th_history_base base;  /* what the last message was coded against, out or in */
	uint64_t coded_for;	      /* the number that it was taken to have */
	uint64_t number;	      /* of the request, once it is known */
	int64_t date;		      /* of the outgoing response, by who made it, Unix seconds; 0: not known */
	struct th_model_about about;  /* what is known of the response beforehand */
	unsigned generation;	      /* of the dialogue, when the request was coded */
	unsigned attempts;	      /* that the peer could not read */
	unsigned forgotten;	      /* by it, when it was restarted */
	unsigned life;		      /* of it, that the exchange began in */
	bool parked;		      /* the answer, in `in`, waits for another one */
	bool idempotent;	      /* the request may be executed twice */
	bool doubtful;		      /* it may have been executed, and nobody knows */
	bool repeated;		      /* the answer was asked for once more */

	enum th_coap_priority priority; /* of the request; its response's is the same */
	uint64_t account;	  /* the ingress half's: whose request it is (th_sync_account); 0: of no interest */
	struct th_watch *watch;	  /* borrowed, the ingress half's; NULL once that has let go of it */
	struct th_poller *poller; /* owned, the egress half's */
	uint64_t state;		  /* hash of what the request sets (th_route_state); 0: nothing that is set anew soon */
	bool state_has_body;	  /* the body belongs to that hash */
	bool ends_account;	  /* the request logs out */
	bool push;		  /* of sync push (sync.h), no HTTP exchange */

	char method[TH_METHOD_MAX];
	struct th_report report;
};

/* A leg with no flow and no CoAP exchange yet, on the node's list; NULL without memory. */
struct th_leg *th_leg_new(struct th_node *node, const struct th_leg_ops *ops, const struct th_flow_ops *flow,
			  const struct th_addr *peer, const char *half);

/* Ties the leg to its CoAP exchange. */
void th_leg_bind(struct th_leg *leg, th_coap_id id);

/* Remembers method and route for the report, and how urgent the request is. */
void th_leg_name(struct th_leg *leg, const struct th_head *request);

/* What HTTP would have carried. */
void th_leg_count(struct th_leg *leg, bool outgoing, uint64_t n);
void th_leg_count_head(struct th_leg *leg, bool outgoing, const struct th_head *h);

/* Outgoing (leg_out.c). The head is filtered by policy, counted and encoded: TH_ERR_NO_MEMORY, TH_ERR_TOO_LARGE. The
 * engine must be ready to take body bytes. */
enum th_err th_leg_send_head(struct th_leg *leg, const struct th_head *head);
void th_leg_send_end(struct th_leg *leg);

/* The flow's verbs that are the same in both halves: outgoing body bytes, and room for incoming ones. */
size_t th_leg_on_data(struct th_flow *self, const uint8_t *p, size_t n);
void th_leg_on_resume(struct th_flow *self);

/* A whole message, coded as any. It waits in leg->out, so that its length is known, until th_leg_hand_on(). Errors as
 * above. */
enum th_err th_leg_compose(struct th_leg *leg, const struct th_head *head, const uint8_t *body, size_t n);
void th_leg_hand_on(struct th_leg *leg);

/* Another incoming message of the same exchange begins. */
void th_leg_renew(struct th_leg *leg);

/* Brings the report's account of the link up to date. */
void th_leg_account(struct th_leg *leg);

/* Incoming (leg_in.c), as the engine's events: data returns how much was taken. */
size_t th_leg_take(struct th_leg *leg, const uint8_t *p, size_t n);
void th_leg_take_end(struct th_leg *leg);
/* Parts of that: the head in the identity coding; body bytes on to the flow, how many it took; the message is whole; it
 * is no message. */
enum th_err th_leg_read_head(struct th_leg *leg, const uint8_t *p, size_t n);
size_t th_leg_take_body(struct th_leg *leg, const uint8_t *p, size_t n);
void th_leg_end_in(struct th_leg *leg);
void th_leg_fail(struct th_leg *leg, enum th_err err);

/* Large bodies in a session (leg_bulk.c). Out: whether such a one may be coded. */
bool th_bulk_wanted(const struct th_leg *leg);
/* Begins with the head, filtered; or with what was gathered in leg->out, which stays as it is on error. */
enum th_err th_bulk_begin(struct th_leg *leg, const struct th_head *head);
enum th_err th_bulk_take_over(struct th_leg *leg);
/* Body bytes; returns how many were taken: none while something waits in leg->out, but for a head that has not been
 * handed on. */
size_t th_bulk_put(struct th_leg *leg, const uint8_t *p, size_t n);
/* Goes on with a flush or the end while leg->out is short. False: call again when that has left. */
bool th_bulk_turn(struct th_leg *leg);
/* For each leg whose engine has nothing left to send: what its coder keeps back. */
void th_bulk_flush(struct th_node *n);
void th_bulk_end_out(struct th_leg *leg);
/* In: as th_leg_take(), th_leg_take_end() and the flow's resume. */
size_t th_bulk_take(struct th_leg *leg, const uint8_t *p, size_t n);
void th_bulk_take_end(struct th_leg *leg);
void th_bulk_resume(struct th_leg *leg);
void th_bulk_end_in(struct th_leg *leg);

void th_leg_can_send(struct th_leg *leg);
/* The answer that waits for another is read now, if it can be; it waits no more. */
void th_leg_unpark(struct th_leg *leg);
void th_leg_forget_parked(struct th_leg *leg);
void th_leg_closed(struct th_leg *leg, enum th_err why);

/* The peer is gone for good: the exchange is dropped, the half hears of it as of any failure. */
void th_leg_lost(struct th_leg *leg, enum th_err why);

/* Gives up the CoAP exchange, if there still is one. */
void th_leg_drop(struct th_leg *leg);
/* The same without telling the peer, who has asked for it. */
void th_leg_abandon(struct th_leg *leg);

/* Call after anything that may have ended flow or CoAP exchange: when both are over, the leg is reported and dies. */
void th_leg_settle(struct th_leg *leg);

/* Which half: the ingress leg is the server end of its flow, the egress leg the client end. */
static inline bool th_leg_is_ingress(const struct th_leg *leg)
{
	return leg->report.half[0] == 'i';
}

static inline struct th_leg *th_leg_of(struct th_flow *flow)
{
	return TH_OWNER(flow, struct th_leg, flow);
}

#endif
