/* What a daemon tells a reader of its explain socket: one frame for each message that the model coded.
 *
 *     length of the rest (4 bytes) · version (1) · flags (1) · left out (4) · code (4) · bases (4) · text (4), its
 * bytes · costs (4 bytes each, one more than the text has bytes)
 *
 * All big endian. Both ends are the same program, so the version only says so when they are not. Texts are as
 * explain/cost.h makes them: without credentials. */
#ifndef TH_EXPLAIN_FRAME_H
#define TH_EXPLAIN_FRAME_H

#include <stdbool.h>

#include "explain/cost.h"

enum {
	TH_FRAME_VERSION = 1,
	TH_FRAME_HEAD = 22, /* bytes before the text */
	TH_FRAME_TEXT_MAX = 1 << 20,
	TH_FRAME_MAX = TH_FRAME_HEAD + 5 * TH_FRAME_TEXT_MAX + 4,
};

struct th_frame {
	bool is_response;
	bool is_ours;	   /* the daemon sent it; else it came over the link */
	uint32_t left_out; /* messages before it that the reader was too slow for */
	uint32_t coded;	   /* bytes of code, with what names its bases */
	struct th_costs costs;
};

/* Length of the frame; it is whole only when that is at most cap. */
size_t th_frame_write(const struct th_frame *f, uint8_t *out, size_t cap);

/* Takes a frame from the front of n bytes: *used is 0 when it is not all there. The frame's costs are owned by the
 * caller. TH_ERR_UNSUPPORTED: another version; TH_ERR_MALFORMED; TH_ERR_NO_MEMORY. */
enum th_err th_frame_read(struct th_frame *f, const struct th_mem *mem, const uint8_t *p, size_t n, size_t *used);

#endif
