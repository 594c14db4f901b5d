/* A check of a text that is coded against others: 8 bits behind what says what it is coded against. The decoder of a
 * model turns any code into some text. Should the two ends ever see different views, by a fault of ours, this tells it
 * from the text that was sent, in 255 cases of 256 of those that the code's end does not tell. */
#ifndef TH_CODEC_CHECK_H
#define TH_CODEC_CHECK_H

#include "base/str.h"
#include "codec/range.h"

/* FNV-1a 32 of the text and, if it has an account slot, of the value that this stands for (else empty), its four bytes
 * folded into one. */
uint8_t th_check_of(const uint8_t *text, size_t n, struct th_str account);

void th_check_write(struct th_range_enc *e, uint8_t check);
uint8_t th_check_read(struct th_range_dec *d);

#endif
