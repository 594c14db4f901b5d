#include "codec/reference.h"

/* Probabilities of a one, in 1/65536. */
enum {
	HALF = 32768,
	NOT_NEAREST =
		6554,	   /* the parent of a request is not the answer before it; of a response, not its own request */
	FARTHER = 39322,   /* one more bit of distance, after the first */
	BEFORE = 1024,	   /* the parent of a response is older than its request */
	NO_REQUEST = 2048, /* it is not coded against its request */
	ANY = 4096,	   /* there are further messages of the peer; of its own */
	ANOTHER = 16384,   /* one more */
	DISTANCE_BITS_MAX = 16,
};

/* ---- numbers: how many bits, then the bits below the first, which is a one ---- */

static void write_number(struct th_range_enc *e, uint32_t first, uint32_t value)
{
	unsigned bits = 0;

	while (value + 1 >= 2u << bits)
		bits++;
	for (unsigned i = 0; i <= bits && i < DISTANCE_BITS_MAX; i++)
		th_range_encode(e, i ? FARTHER : first, i < bits);
	for (unsigned i = bits; i > 0; i--)
		th_range_encode(e, HALF, (value + 1) >> (i - 1) & 1);
}

static uint32_t read_number(struct th_range_dec *d, uint32_t first)
{
	uint32_t value = 1;
	unsigned bits = 0;

	while (bits < DISTANCE_BITS_MAX && th_range_decode(d, bits ? FARTHER : first))
		bits++;
	for (unsigned i = bits; i > 0; i--)
		value = value << 1 | th_range_decode(d, HALF);
	return value - 1;
}

/* ---- sets of near messages: the gap before each ---- */

static void write_near(struct th_range_enc *e, uint16_t bits)
{
	uint32_t gap = 0;

	th_range_encode(e, ANY, bits != 0);
	for (unsigned left = bits; left; left >>= 1) {
		if (!(left & 1)) {
			gap++;
			continue;
		}
		write_number(e, HALF, gap);
		th_range_encode(e, ANOTHER, left > 1);
		gap = 0;
	}
}

static enum th_err read_near(struct th_range_dec *d, uint16_t *bits)
{
	uint32_t at = 0;

	*bits = 0;
	if (!th_range_decode(d, ANY))
		return TH_OK;
	do {
		at += read_number(d, HALF);
		if (at >= TH_HISTORY_NEAR)
			return TH_ERR_MALFORMED;
		*bits |= (uint16_t)(1u << at++);
	} while (th_range_decode(d, ANOTHER));
	return TH_OK;
}

/* ---- the whole ---- */

/* How far a request is after the parent, less the 1 that it always is; a response before it, its own request being at
 * 0. */
static int64_t distance_of(const struct th_history_base *base, bool is_response, uint64_t number)
{
	return is_response ? (int64_t)(base->parent.number - number) : (int64_t)(number - base->parent.number - 1);
}

bool th_reference_fits(const struct th_history_base *base, bool is_response, uint64_t number)
{
	int64_t distance = base->parent.none ? 0 : distance_of(base, is_response, number);

	return !base->parent.none && distance <= TH_REFERENCE_DISTANCE_MAX &&
	       distance >= (is_response ? -TH_REFERENCE_DISTANCE_MAX : 0);
}

void th_reference_write(struct th_range_enc *e, const struct th_history_base *base, bool is_response, uint64_t number)
{
	int64_t distance = distance_of(base, is_response, number);

	if (is_response) {
		th_range_encode(e, BEFORE, distance < 0);
		if (distance < 0)
			distance = -distance - 1;
	}
	write_number(e, NOT_NEAREST, (uint32_t)distance);
	if (is_response && base->parent.number != number)
		th_range_encode(e, NO_REQUEST, base->request.none);
	write_near(e, base->also);
	write_near(e, base->own);
}

enum th_err th_reference_read(struct th_range_dec *d, bool is_response, uint64_t number, struct th_history_base *base)
{
	bool before = is_response && th_range_decode(d, BEFORE);
	uint64_t distance = read_number(d, NOT_NEAREST);
	enum th_err err;

	*base = TH_HISTORY_BASELESS;
	if (before || !is_response)
		distance++;
	if ((before || !is_response) && distance > number)
		return TH_ERR_MALFORMED;
	base->parent = (struct th_history_ref){
		.sender = TH_HISTORY_OURS,
		.number = before || !is_response ? number - distance : number + distance,
	};
	if (is_response && (base->parent.number == number || !th_range_decode(d, NO_REQUEST)))
		base->request = (struct th_history_ref){ .sender = TH_HISTORY_OURS, .number = number };
	err = read_near(d, &base->also);
	return err == TH_OK ? read_near(d, &base->own) : err;
}
