/* The codings of whole messages, as a leg uses them. Private to src/proxy.
 *
 * A message begins with a byte that names its coding (docs/protocol.md): identity, which streams, and those that take a
 * whole message. In the plain profile there is identity alone. */
#ifndef TH_PROXY_CODING_H
#define TH_PROXY_CODING_H

#include "base/buf.h"
#include "codec/bulk_head.h"
#include "codec/envelope.h"
#include "codec/flate.h"
#include "codec/pieces.h"
#include "proxy/hello.h"
#include "proxy/leg.h"
#include "proxy/node.h"

enum {
	TH_CODING_MODEL = 1,	   /* against history, as a message of its number */
	TH_CODING_MODEL_LATE = 6,  /* as a message of the number that two bytes say */
	TH_CODING_MODEL_ALONE = 7, /* against nothing */
};

/* Coders and their scratch, one for a node. */
struct th_workshop;

/* `flate_only` leaves the model out. NULL without memory. */
struct th_workshop *th_workshop_new(const struct th_mem *mem, bool flate_only);
void th_workshop_del(struct th_workshop *w);
/* th_node_watch() */
enum th_err th_workshop_watch(struct th_workshop *w, th_node_coded *tell, void *user);
bool th_workshop_is_watched(const struct th_workshop *w);
/* What this end can say of itself. */
void th_workshop_hello(const struct th_workshop *w, struct th_hello *hello);

/* Whether the peer reads coded messages. */
bool th_coding_wanted(const struct th_leg *leg);
/* Up to how many bytes the leg's outgoing message should be gathered, which has that head. */
size_t th_coding_gather_max(const struct th_leg *leg, const struct th_head *head);

/* What long answers in JSON are coded with, piece by piece; NULL: the peer has other tables, or there are none here. */
const struct th_piece_tools *th_coding_piece_tools(const struct th_leg *leg);
/* Egress: whether bytes cost more than the time that takes: the link is known to be thin. */
bool th_coding_is_long_worth_it(const struct th_leg *leg);

/* `msg` is a whole message in the identity coding, and becomes the shortest that the peer understands. False: it is too
 * long to go as it is, and no coding of whole messages makes it shorter. */
bool th_coding_encode(struct th_leg *leg, struct th_buf *msg);

/* Before a large body in the bulk coding, coding and head. Out: appended to `msg`. In: `msg`, which they are whole,
 * becomes a head in the identity coding. TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY; in also TH_ERR_MALFORMED,
 * TH_ERR_UNSUPPORTED. */
enum th_err th_coding_write_bulk_head(struct th_leg *leg, const struct th_head *head, struct th_buf *msg);
enum th_err th_coding_read_bulk_head(struct th_leg *leg, struct th_buf *msg);

/* Whether a message that begins so is in a coding of whole messages that this end knows. */
bool th_coding_knows(const struct th_leg *leg, uint8_t first);

/* The other way. TH_ERR_NOT_FOUND: it builds on what this end does not have. TH_ERR_UNSUPPORTED: on other tables.
 * TH_ERR_MALFORMED, TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY. */
enum th_err th_coding_decode(struct th_leg *leg, struct th_buf *msg);

/* Asking end: an answer could not be read. Is it for others, still on their way, that it counts on? */
enum th_coding_wait {
	TH_CODING_READY, /* they are here */
	TH_CODING_WAITS, /* some are to come; then it can be decoded */
	TH_CODING_LOST,	 /* one will never be here */
};
enum th_coding_wait th_coding_wait(struct th_leg *leg);

/* Answering end, of sync push: the peer has read what the leg sent last, and says so. */
void th_coding_accepted(struct th_leg *leg);

/* The leg's answer is coded, or to be read, without history. */
void th_coding_alone(struct th_leg *leg);

/* Asking end: whether the request, which has ended, has not got the number that it was coded for: it has to be coded
 * anew with leg->far set, before it leaves. */
bool th_coding_is_late(struct th_leg *leg);

/* Asking end: the request is sent, so it has its number; or it never will be. */
void th_coding_sent(struct th_leg *leg);
/* The leg is dying: what it holds for this is given back. */
void th_coding_done(struct th_leg *leg);

#endif
