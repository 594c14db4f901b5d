/* The history of a session: earlier messages, both directions, that messages may be coded against.
 *
 * A message is known by who sent it and a number: requests, which one end sends, by that of their packet; responses,
 * the other end's, by that of their request. It names one parent: a message that its sender knows the peer to hold, as
 * a rule the last one received from it, and those others before that which cannot be traced back to from there. A
 * response is also a child of its request, which its sender holds, and the peer sent. So whatever a message can be
 * traced back to, both ends hold, however many datagrams were lost, doubled or overtaken: a parent's own parents were
 * held by its sender when it was sent, and by its receiver when it was read.
 *
 * A sender may also count on the last messages of its own that are still on their way (`own`). That saves much where an
 * answer and a sync that repeats it follow each other closely, and risks that the peer has to wait for what was lost,
 * or to ask again.
 *
 * What a message is coded against, its view, is those ancestors, the latest first by a rule that both ends follow
 * (th_history_view), up to seven eighths of the store. A store forgets its oldest messages. An end that lacks an
 * ancestor says so: the message is then sent again, coded without. Senders leave alone what the peer may have forgotten
 * by now.
 *
 * Texts are masked (secret.h) before they are added. */
#ifndef TH_CODEC_HISTORY_H
#define TH_CODEC_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/model.h"

enum {
	TH_HISTORY_DEFAULT = 64 * 1024, /* bytes of text in a store */
	TH_HISTORY_MIN = 4 * 1024,
	TH_HISTORY_MAX = 64 * 1024,
	TH_HISTORY_MESSAGES = 352, /* in a store */
	TH_HISTORY_PARTS = 16,	   /* of the largest view */
	TH_HISTORY_NEAR = 16,	   /* bits of also and own */
	TH_HISTORY_TEXT_PARTS = 4, /* a quarter of a store is the most one text may take; the rest of it is cut off */
};

enum th_history_side { TH_HISTORY_OURS, TH_HISTORY_THEIRS };

/* A message. `none` stands for no parent, or no request. */
struct th_history_ref {
	bool none;
	enum th_history_side sender;
	uint64_t number;
};

/* What a message is coded against.
 *
 * Bits count down from a place: of a message of the first end from its number, of one of the other end from the larger
 * one of its own and its parent's number, plus 1. Bit i stands for the message of number place - 1 - i, if that is not
 * the message itself. */
struct th_history_base {
	struct th_history_ref parent;  /* sent by who receives the message; without it there is nothing else */
	struct th_history_ref request; /* of a response */
	uint16_t also;		       /* bits: sent by who receives the message, too */
	uint16_t own;		       /* bits: sent by its sender, who does not know yet whether the peer has them */
	uint8_t parts; /* sixteenths of the largest view that this one has: what is older may be gone; 0: all of it */
};

#define TH_HISTORY_NONE ((struct th_history_ref){ .none = true })
#define TH_HISTORY_BASELESS ((struct th_history_base){ .parent = { .none = true }, .request = { .none = true } })

/* The same, as the other end has them. For who plays both ends. */
static inline struct th_history_ref th_history_mirrored(struct th_history_ref r)
{
	r.sender = r.sender == TH_HISTORY_OURS ? TH_HISTORY_THEIRS : TH_HISTORY_OURS;
	return r;
}

static inline struct th_history_base th_history_base_mirrored(struct th_history_base b)
{
	b.parent = th_history_mirrored(b.parent);
	b.request = th_history_mirrored(b.request);
	return b;
}

struct th_history;

/* `size` in bytes, between TH_HISTORY_MIN and _MAX, equal at both ends. The whole takes 14.4 kB more. `we_are_first`
 * says which end this is (the initiator of the session is the first): it makes the two ends' orders equal. NULL: no
 * memory.
 */
struct th_history *th_history_new(const struct th_mem *mem, size_t size, bool we_are_first);
void th_history_free(struct th_history *h);

/* Bytes of the longest text that it remembers whole. */
size_t th_history_text_max(const struct th_history *h);

/* Remembers a message sent, or received and read, with what it was coded against (TH_HISTORY_BASELESS: coded without
 * history). TH_ERR_INVALID: the message is there already. TH_ERR_NOT_FOUND: some of that is not there any more. What
 * the peer sees behind the message is not seen here then, so it is not added, and who refers to it is told so. A
 * message larger than the part of a store that one may take is cut, at both ends alike. */
enum th_err th_history_add(struct th_history *h, struct th_history_ref message, const struct th_history_base *base,
			   const struct th_model_about *about, const uint8_t *masked, size_t n);

/* What `also` and `own` of a message of that number count down from. `first`: it is the first end's. */
uint64_t th_history_place(bool first, uint64_t number, const struct th_history_base *base);

/* How far a message of ours is counted on (`own`) before the peer names it. */
enum th_history_trust {
	TH_HISTORY_HOPED_FOR, /* where the sender is hopeful: so it is at first */
	TH_HISTORY_UNSURE,    /* not at all: it may never arrive as it was sent */
	TH_HISTORY_READ,      /* the peer is known to have read it */
};
void th_history_trust(struct th_history *h, struct th_history_ref message, enum th_history_trust trust);

bool th_history_has(const struct th_history *h, struct th_history_ref message);
bool th_history_is_empty(const struct th_history *h);

/* The view of a message coded against `base`; it borrows from the history until that is changed. A base of nothing: an
 * empty view, always TH_OK. TH_ERR_NOT_FOUND: an ancestor within reach is not here (receiver: say so to the peer). */
enum th_err th_history_view(struct th_history *h, struct th_history_ref message, const struct th_history_base *base,
			    struct th_view *view);

/* For our message `number`, about to be sent, a response to `request` or none: what to code it against, and the view.
 * With `hopeful` the last messages sent count as held. A request too old to count on is left out. What `base` says must
 * reach the peer beside the code (reference.h). */
void th_history_choose(struct th_history *h, uint64_t number, struct th_history_ref request, bool hopeful,
		       struct th_history_base *base, struct th_view *view);

/* The peer lacks something that it was referred to: nothing of what is here now is referred to any more. It can be read
 * against all the same. */
void th_history_doubt(struct th_history *h);

/* Forgets everything. */
void th_history_clear(struct th_history *h);

#endif
