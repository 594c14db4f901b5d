/* What history keeps of a message: its text without secrets (secret.h), and the IDs of the events in it, which later messages
 * name (computed.h). Both ends make the same of the same message. */
#ifndef TH_CODEC_KEEP_H
#define TH_CODEC_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/computed.h"

enum { TH_KEEP_EXTRA = TH_COMPUTED_IDS_BYTES };

/* `body` is the message's whole body, `text` what th_text_write() made of it; `out` has room for n + TH_KEEP_EXTRA bytes.
 * Returns the length. */
size_t th_keep(const uint8_t *text, size_t n, struct th_str body, uint8_t *out);

#endif
