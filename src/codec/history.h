/* The history of a session: earlier messages, both directions, that messages may be coded against.
 *
 * A message is known by who sent it and its packet number. It names one parent: a message that its sender knows the
 * peer to hold, as a rule the last one received from it. A response is also a child of its request, which its sender
 * holds, and the peer sent. So whatever a message can be traced back to, both ends hold, however many datagrams were
 * lost, doubled or overtaken: a parent's own parents were held by its sender when it was sent, and by its receiver when
 * it was read.
 *
 * What a message is coded against, its view, is those ancestors, the latest first by a rule that both ends follow
 * (th_history_view), up to three quarters of the store. A store forgets its oldest messages. An end that lacks an
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
	TH_HISTORY_MESSAGES = 256, /* in a store */
	TH_HISTORY_TEXT_PARTS = 4, /* a quarter of a store is the most one text may take; the rest of it is cut off */
};

enum th_history_side { TH_HISTORY_OURS, TH_HISTORY_THEIRS };

/* A message. `none` stands for no parent, or no request. */
struct th_history_ref {
	bool none;
	enum th_history_side sender;
	uint64_t number;
};

#define TH_HISTORY_NONE ((struct th_history_ref){ .none = true })

struct th_history;

/* `size` in bytes, between TH_HISTORY_MIN and _MAX, equal at both ends. The whole takes 16 kB more. `we_are_first` says
 * which end this is (the initiator of the session is the first): it makes the two ends' orders equal. NULL: no memory.
 */
struct th_history *th_history_new(const struct th_mem *mem, size_t size, bool we_are_first);
void th_history_free(struct th_history *h);

/* Remembers a message sent, or received and read. `parent` and `request` are those it was coded with (none: coded
 * without history). TH_ERR_INVALID: the message is there already. A message larger than the part of a store that one
 * may take is cut, at both ends alike. */
enum th_err th_history_add(struct th_history *h, struct th_history_ref message, struct th_history_ref parent,
			   struct th_history_ref request, const struct th_model_about *about, const uint8_t *masked,
			   size_t n);

bool th_history_has(const struct th_history *h, struct th_history_ref message);

/* The kind and account that a response to this request of the store has. TH_ERR_NOT_FOUND. */
enum th_err th_history_about(const struct th_history *h, struct th_history_ref request,
			     struct th_model_about *response);

/* The view of a message with that parent and request; it borrows from the history until that is changed. Both none: an
 * empty view, always TH_OK. TH_ERR_NOT_FOUND: an ancestor within reach is not here (receiver: say so to the peer). */
enum th_err th_history_view(struct th_history *h, struct th_history_ref parent, struct th_history_ref request,
			    struct th_view *view);

/* For a message about to be sent: sets *parent to the last message received, if any, and *request to none when it is
 * too old to count on, and gives the view. What it leaves set must reach the peer beside the code. */
void th_history_choose(struct th_history *h, struct th_history_ref *parent, struct th_history_ref *request,
		       struct th_view *view);

/* Forgets everything. */
void th_history_clear(struct th_history *h);

#endif
