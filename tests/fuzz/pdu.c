/* One datagram: src/coap and the slow reader of the unit tests agree on it, and what was read is written as it was. */
#include "fuzz.h"

#include <string.h>

#include "../unit/coap/wire.h"
#include "coap/pdu.h"

static void check_inside(const struct th_coap_pdu *pdu, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < pdu->n_options; i++) {
		const struct th_coap_option *o = &pdu->options[i];

		FUZZ_CHECK(i == 0 || o->number >= o[-1].number);
		FUZZ_CHECK(o->n == 0 || (o->p >= data && o->n <= (size_t)(data + n - o->p)));
	}
	if (pdu->payload_len)
		FUZZ_CHECK(pdu->payload + pdu->payload_len == data + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct th_coap_pdu pdu;
	static struct wire w;
	static uint8_t out[WIRE_MAX];
	bool good;
	enum th_err err;

	if (n > WIRE_MAX)
		return 0;
	good = wire_get(&w, data, n) && w.n_options <= TH_COAP_OPTIONS_MAX;
	err = th_coap_pdu_read(&pdu, data, n);
	FUZZ_CHECK(good == (err == TH_OK));
	if (!good)
		return 0;
	check_inside(&pdu, data, n);
	FUZZ_CHECK(th_coap_pdu_write(&pdu, out, sizeof(out)) == n);
	FUZZ_CHECK(memcmp(out, data, n) == 0);
	FUZZ_CHECK(th_coap_pdu_write(&pdu, out, n / 2) == n);
	return 0;
}
