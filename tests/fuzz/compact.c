/* Messages inside a session. The input: a byte of settings, 3 bytes each of the record's number and of the newest
 * number its sender has received, then (settings bit 0) a compact message, or an ordinary one.
 *
 * A compact message that is read is the only form of what it says; an ordinary one comes back as it was. */
#include "fuzz.h"

#include <string.h>

#include "coap/compact.h"
#include "coap/print.h"
#include "coap/shape.h"

enum { MAX = 4096, HEADER = 7, EARLIER = 300 };

static struct th_naming ours;
static struct th_compact_room room;
static struct th_coap_pdu pdu, back;
static uint8_t out[MAX + TH_COMPACT_EXTRA], again[MAX + TH_COMPACT_EXTRA];

static uint64_t take3(const uint8_t *p)
{
	return (uint64_t)p[0] << 16 | (uint64_t)p[1] << 8 | p[2];
}

/* Somebody who has sent a message under each of the last EARLIER numbers below `next`. */
static void know_many(uint64_t next)
{
	uint64_t number;

	th_naming_init(&ours, next > EARLIER ? next - EARLIER : 0);
	while (ours.next < next) {
		FUZZ_CHECK(th_naming_message(&ours, &number));
		th_naming_proven(&ours, number);
	}
}

static void check_line(const uint8_t *p, size_t n)
{
	char line[TH_COAP_LINE];

	FUZZ_CHECK(strlen(th_compact_print(line, &pdu, p, n)) < sizeof(line));
}

static void read_first(uint64_t number, uint64_t next, const uint8_t *p, size_t n)
{
	uint64_t heard = 0;

	know_many(next);
	if (th_compact_read(&pdu, &room, &ours, number, p, n) != TH_OK)
		return;
	if (room.refers) {
		unsigned bits = th_compact_forms[th_compact_shape_of(p[0])->form].ref;

		FUZZ_CHECK(room.referred < next);
		heard = room.referred + 1 + (bits == TH_NAMING_WIDE_BITS ? TH_NAMING_NARROW_RECENT : 0);
	}
	FUZZ_CHECK(th_compact_write(&pdu, number, heard, out, sizeof(out)) == n);
	FUZZ_CHECK(memcmp(out, p, n) == 0);
	check_line(p, n);
	n = th_coap_pdu_write(&pdu, out, sizeof(out)); /* and an ordinary message it is */
	FUZZ_CHECK(n <= sizeof(out) && th_coap_pdu_read(&back, out, n) == TH_OK);
	FUZZ_CHECK(th_coap_pdu_write(&back, again, sizeof(again)) == n && memcmp(out, again, n) == 0);
}

static void write_first(uint64_t number, uint64_t heard, const uint8_t *p, size_t n)
{
	uint64_t named = 0, got;
	size_t len;

	if (th_coap_pdu_read(&pdu, p, n) != TH_OK)
		return;
	len = th_compact_write(&pdu, number, heard, out, sizeof(out));
	FUZZ_CHECK(len <= n + TH_COMPACT_EXTRA);
	check_line(out, len);
	if (pdu.type == TH_COAP_CON || pdu.type == TH_COAP_NON)
		th_naming_number(pdu.token, pdu.token_len, &named);
	else if (!th_naming_of_mid(heard, pdu.mid, &named))
		named = pdu.mid;
	th_naming_init(&ours, named);
	FUZZ_CHECK(th_naming_message(&ours, &got) && got == named);
	FUZZ_CHECK(th_compact_read(&back, &room, &ours, number, out, len) == TH_OK);
	FUZZ_CHECK(th_coap_pdu_write(&back, again, sizeof(again)) == n && memcmp(again, p, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < HEADER || n > MAX)
		return 0;
	if (data[0] & 1)
		read_first(take3(data + 1), take3(data + 4), data + HEADER, n - HEADER);
	else
		write_first(take3(data + 1), take3(data + 4), data + HEADER, n - HEADER);
	return 0;
}
