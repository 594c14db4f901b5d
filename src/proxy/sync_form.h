/* What is known of an answer to a sync without keeping it: its next_batch, whether it tells anything, and its *form*: the
 * answer that the homeserver would give if there were nothing to tell. Both halves make it of every answer that crosses,
 * so the ingress half can answer a poll in vain as the homeserver would, and the egress half knows what it would say.
 *
 *     {"next_batch":"s1","rooms":{…},"device_one_time_keys_count":{"signed_curve25519":50}}      an answer
 *     {"next_batch":"","device_one_time_keys_count":{"signed_curve25519":50}}                     its form
 *
 * Members that say how things stand (one-time keys left, …) are kept byte for byte; all others are news, unless there is
 * nothing in them but empty objects and arrays. Bytes are taken as they come; only the form is kept. */
#ifndef TH_PROXY_SYNC_FORM_H
#define TH_PROXY_SYNC_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proxy/sync_query.h"

enum {
	TH_SYNC_FORM_MAX = 32 * 1024, /* sliding sync repeats the rooms of its lists */
	TH_SYNC_KEY_MAX = 64,
	TH_SYNC_DEPTH_MAX = 64,
	TH_SYNC_DIGEST = 4, /* bytes */
	TH_SYNC_IDLE_MAX = TH_SYNC_FORM_MAX + 2 * TH_SYNC_TOKEN_MAX, /* bytes of an answer in vain */
};

struct th_sync_form {
	struct th_sync_place next; /* next_batch */
	bool news;
	struct th_buf form; /* owned */
	size_t next_at;	  /* where the token goes in it */
	size_t device_at; /* and that of messages to the device; 0: there is none */

	/* while the answer comes */
	uint8_t state;
	bool kept, in_string, escaped, key_next;
	unsigned depth;
	uint64_t objects; /* bit n: what is open at depth n is an object */
	size_t member_at, members;
	char key[TH_SYNC_KEY_MAX];
	size_t key_n;
};

void th_sync_form_init(struct th_sync_form *f, const struct th_mem *mem);
void th_sync_form_free(struct th_sync_form *f);
void th_sync_form_begin(struct th_sync_form *f);
void th_sync_form_feed(struct th_sync_form *f, const uint8_t *p, size_t n);
/* After the last byte. False: no answer that could be handled so, or no memory; nothing of it is to be used. */
bool th_sync_form_end(struct th_sync_form *f);

/* What a client that is there, and got the answer, will ask with. */
struct th_sync_place th_sync_form_next(const struct th_sync_form *f, const struct th_sync_place *now);

/* Appends the answer in vain for a client that is there. TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY. */
enum th_err th_sync_form_write(const struct th_sync_form *f, const struct th_sync_place *at, struct th_buf *out);

/* Of the form, not of the token: FNV-1a, 32 bits, big-endian. */
void th_sync_form_digest(const struct th_sync_form *f, uint8_t out[static TH_SYNC_DIGEST]);

#endif
