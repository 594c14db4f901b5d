/* JSON text that is taken comes back byte for byte; CBOR from outside makes no harm and, when it makes JSON, the same
 * JSON again. The first byte: bits 0 to 4 the style, bit 7 CBOR instead of JSON. */
#include <string.h>

#include "codec/json_cbor.h"
#include "fuzz.h"

enum { CAP = 64 * 1024 };

static struct th_known known;

static void there_and_back(struct th_str json, unsigned style)
{
	static uint8_t cbor[CAP], back[CAP];
	struct th_wr w = th_wr_init(cbor, sizeof(cbor)), out = th_wr_init(back, sizeof(back));
	struct th_rd r;

	if (th_json_to_cbor(&w, &known, json, style) != TH_OK)
		return;
	FUZZ_CHECK(th_wr_ok(&w));
	r = th_rd_init(cbor, w.n);
	th_cbor_to_json(&out, &r, style);
	FUZZ_CHECK(r.err == TH_OK && th_rd_left(&r) == 0);
	FUZZ_CHECK(out.n == json.n && memcmp(back, json.p, json.n) == 0);
}

static void from_outside(const uint8_t *p, size_t n, unsigned style)
{
	static uint8_t json[CAP];
	size_t cap = n < 4 ? n : CAP; /* now and then too little room */
	struct th_wr out = th_wr_init(json, cap);
	struct th_rd r = th_rd_init(p, n);

	th_cbor_to_json(&out, &r, style);
	if (r.err == TH_OK && th_wr_ok(&out))
		there_and_back((struct th_str){ (const char *)json, out.n }, style);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct th_str json = { (const char *)data + 1, n - 1 };

	if (!ready)
		th_known_init(&known);
	ready = true;
	if (n == 0)
		return 0;
	if (data[0] & 0x80) {
		from_outside(data + 1, n - 1, data[0] % TH_JSON_STYLES);
		return 0;
	}
	there_and_back(json, data[0] % TH_JSON_STYLES);
	there_and_back(json, th_json_style(json));
	return 0;
}
