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
#include "proxy/leg.h"

enum {
	TH_CODING_MODEL = 1,
	TH_CODING_GATHER_MAX = 64 * 1024, /* longer messages stream */
};

/* Whether the leg's outgoing message should be gathered. */
bool th_coding_wanted(const struct th_leg *leg);

/* `msg` is a whole message in the identity coding, and becomes the shortest that the peer understands. */
void th_coding_encode(struct th_leg *leg, struct th_buf *msg);

/* Whether a message that begins so is in a coding of whole messages that this end knows. */
bool th_coding_knows(const struct th_leg *leg, uint8_t first);

/* The other way. TH_ERR_NOT_FOUND: it builds on what this end does not have; the peer has been told. TH_ERR_MALFORMED,
 * TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY. */
enum th_err th_coding_decode(struct th_leg *leg, struct th_buf *msg);

#endif
