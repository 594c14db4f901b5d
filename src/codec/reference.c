#include "codec/reference.h"

/* Probabilities of a one, in 1/65536. */
enum {
	HALF = 32768,
	BEFORE = 256,	      /* the parent of an answer is older than its request */
	NOT_NEAREST = 16384,  /* that of a request is not the answer before it; that of an answer not its own request */
	FARTHER = 24576,      /* one more bit of that distance */
	NO_REQUEST = 512,     /* an answer is not coded against its request */
	ALSO_REQUEST = 2048,  /* there are further answers; for a request */
	ALSO_ANSWER = 11796,  /* further requests; for an answer */
	OWN_REQUEST = 512,    /* there are messages of its own; for a request */
	OWN_NEAREST = 3277,   /* for an answer whose bases so far are its request alone */
	OWN_ANSWER = 24576,   /* for another */
	NOT_NEXT = 39322,     /* some are left out before the next of these */
	MORE_LEFT_OUT = 7864, /* one more bit of how many */
	ANOTHER = 17694,      /* there is one more of these */
	SHORTER = 655,	      /* the view is shorter than it could be */
	NUMBER_BITS_MAX = 16,
	PARTS_BITS = 4,
};

/* ---- numbers: how many bits, then the bits below the first, which is a one ---- */

static void write_number(struct th_range_enc *e, uint32_t first, uint32_t more, uint32_t value)
{
	unsigned bits = 0;

	while (value + 1 >= 2u << bits)
		bits++;
	for (unsigned i = 0; i <= bits && i < NUMBER_BITS_MAX; i++)
		th_range_encode(e, i ? more : first, i < bits);
	for (unsigned i = bits; i > 0; i--)
		th_range_encode(e, HALF, (value + 1) >> (i - 1) & 1);
}

static uint32_t read_number(struct th_range_dec *d, uint32_t first, uint32_t more)
{
	uint32_t value = 1;
	unsigned bits = 0;

	while (bits < NUMBER_BITS_MAX && th_range_decode(d, bits ? more : first))
		bits++;
	for (unsigned i = bits; i > 0; i--)
		value = value << 1 | th_range_decode(d, HALF);
	return value - 1;
}

/* ---- sets of near messages: the gap before each ---- */

static void write_near(struct th_range_enc *e, uint32_t any, uint16_t bits)
{
	uint32_t gap = 0;

	th_range_encode(e, any, bits != 0);
	for (unsigned left = bits; left; left >>= 1) {
		if (!(left & 1)) {
			gap++;
			continue;
		}
		write_number(e, NOT_NEXT, MORE_LEFT_OUT, gap);
		th_range_encode(e, ANOTHER, left > 1);
		gap = 0;
	}
}

static enum th_err read_near(struct th_range_dec *d, uint32_t any, uint16_t *bits)
{
	uint32_t at = 0;

	*bits = 0;
	if (!th_range_decode(d, any))
		return TH_OK;
	do {
		at += read_number(d, NOT_NEXT, MORE_LEFT_OUT);
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

static uint32_t own_probability(const struct th_history_base *base, bool is_response, uint64_t number)
{
	if (!is_response)
		return OWN_REQUEST;
	return base->parent.number == number && !base->also ? OWN_NEAREST : OWN_ANSWER;
}

void th_reference_write(struct th_range_enc *e, const struct th_history_base *base, bool is_response, uint64_t number)
{
	int64_t distance = distance_of(base, is_response, number);

	if (is_response) {
		th_range_encode(e, BEFORE, distance < 0);
		if (distance < 0)
			distance = -distance - 1;
	}
	write_number(e, NOT_NEAREST, FARTHER, (uint32_t)distance);
	if (is_response && base->parent.number != number)
		th_range_encode(e, NO_REQUEST, base->request.none);
	write_near(e, is_response ? ALSO_ANSWER : ALSO_REQUEST, base->also);
	write_near(e, own_probability(base, is_response, number), base->own);
	th_range_encode(e, SHORTER, base->parts != 0);
	for (unsigned i = PARTS_BITS; base->parts && i > 0; i--)
		th_range_encode(e, HALF, base->parts >> (i - 1) & 1);
}

enum th_err th_reference_read(struct th_range_dec *d, bool is_response, uint64_t number, struct th_history_base *base)
{
	bool before = is_response && th_range_decode(d, BEFORE);
	uint64_t distance = read_number(d, NOT_NEAREST, FARTHER);
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
	err = read_near(d, is_response ? ALSO_ANSWER : ALSO_REQUEST, &base->also);
	if (err == TH_OK)
		err = read_near(d, own_probability(base, is_response, number), &base->own);
	if (err != TH_OK || !th_range_decode(d, SHORTER))
		return err;
	for (unsigned i = 0; i < PARTS_BITS; i++)
		base->parts = (uint8_t)((unsigned)base->parts << 1 | th_range_decode(d, HALF));
	return base->parts ? TH_OK : TH_ERR_MALFORMED;
}
