#include "codec/keep.h"

#include <string.h>

#include "codec/secret.h"

size_t th_keep(const uint8_t *text, size_t n, struct th_str body, struct th_str notes, size_t max, uint8_t *out)
{
	size_t kept = th_secret_mask(text, n, out, max);
	struct th_wr w = th_wr_init(out + kept, TH_COMPUTED_IDS_BYTES);

	th_computed_ids(&w, body);
	kept += w.n;
	if (notes.n > max / 2)
		notes.n = 0;
	if (kept > max - notes.n)
		kept = max - notes.n;
	if (notes.n > 0)
		memcpy(out + kept, notes.p, notes.n);
	return kept + notes.n;
}
