/* Picks a dictionary out of samples: the pieces whose content most samples share, as zstd's COVER does (Liao, Petri, Moffat, Wirth:
 * "Effective construction of relative Lempel-Ziv dictionaries", 2016). Integers only, same result on any machine. */
#ifndef TH_TOOLS_COVER_H
#define TH_TOOLS_COVER_H

#include <stddef.h>
#include <stdint.h>

struct cover_sample {
	const uint8_t *p;
	size_t n;
	size_t group; /* samples of one group are alike for reasons of their own: names, clocks */
};

/* Fills out[0..cap) from its end, best pieces last, and returns how many bytes were used: the dictionary is the last that many. SIZE_MAX when
 * there was no memory, or more content than its tables hold. */
size_t cover_pick(const struct cover_sample *samples, size_t n, uint8_t *out, size_t cap);

#endif
