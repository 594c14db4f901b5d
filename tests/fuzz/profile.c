/* A link profile as a peer writes it: what is read is written in no more bytes that say the same, and the times that
 * follow are bounded and in order. */
#include "fuzz.h"

#include <string.h>

#include "coap/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct th_link_profile own = { .up_bps = 9600, .latency = TH_SEC, .blocks = true };
	struct th_link_profile told, l;
	uint8_t bytes[TH_LINK_PROFILE_BYTES];
	struct th_coap_times t;

	if (th_link_profile_read(&told, data, n) != TH_OK)
		return 0;
	l = th_link_profile_join(&own, &told);
	th_coap_times_of(&t, &l, &th_coap_params_default);
	FUZZ_CHECK(l.up_bps > 0 && l.latency >= TH_SEC);
	FUZZ_CHECK(t.span < t.wait && t.wait < t.lifetime && t.lifetime < 24 * 3600 * TH_SEC);
	FUZZ_CHECK(th_link_profile_write(&told, bytes) <= n);
	FUZZ_CHECK(th_link_profile_read(&l, bytes, th_link_profile_write(&told, bytes)) == TH_OK);
	FUZZ_CHECK(l.up_bps == told.up_bps && l.down_bps == told.down_bps && l.latency == told.latency);
	return 0;
}
