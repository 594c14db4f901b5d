#include "codec/keep.h"

#include "codec/secret.h"

size_t th_keep(const uint8_t *text, size_t n, struct th_str body, uint8_t *out)
{
	size_t kept = th_secret_mask(text, n, out);
	struct th_wr w = th_wr_init(out + kept, TH_KEEP_EXTRA);

	th_computed_ids(&w, body);
	return kept + w.n;
}
