/* Simplified sliding sync (MSC4186): a POST whose `pos` is what `since` is to /sync, with a token of messages to the device
 * in its body besides. (Not MSC3575: its servers answer a `pos` that was asked before as they did then, and tell lists by
 * their changes.) Pure functions; JSON with white space is left alone.
 *
 *     {"lists":{…},"extensions":{"to_device":{"enabled":true,"since":"11"},…}}                               a request
 *     {"pos":"1/s8","lists":{…},"rooms":{…},"extensions":{"to_device":{"next_batch":"12","events":[…]},…}}    an answer
 *     {"pos":"","lists":{…},"rooms":{},"extensions":{"to_device":{"next_batch":"","events":[]},…}}            its form
 *
 * Of an answer `lists` stands as it is, and so do the counts of keys; rooms and what the extensions tell are news. */
#ifndef TH_PROXY_SYNC_SLIDING_H
#define TH_PROXY_SYNC_SLIDING_H

#include "base/wr.h"
#include "proxy/sync_form.h"

enum { TH_SLIDING_BODY_MAX = 16 * 1024 }; /* bytes of a request; longer ones are asked apart */

/* Where the token of messages to the device stands in a request. All 0 when there is none. */
struct th_sliding_spot {
	size_t at, n;	       /* the token, between its quotes */
	size_t member, length; /* the member that it is the value of, with a comma: what is left is a request without */
};

/* False: no JSON object without white space, or the token is none of ours. */
bool th_sliding_find(struct th_str body, struct th_sliding_spot *out);

/* That token; empty when there is none. False: as above. */
bool th_sliding_device(struct th_str body, struct th_sync_token *out);

/* Which of its loops a client asks for: its `conn_id` as it is written; empty without. */
struct th_str th_sliding_connection(struct th_str body);

/* The request with another token there, if there is one. */
void th_sliding_write(struct th_wr *w, struct th_str body, const struct th_sync_token *device);

/* The form of an answer, as th_sync_form_end() leaves it. False: no answer that could be handled so. */
bool th_sliding_form(struct th_sync_form *f, struct th_str body);

#endif
