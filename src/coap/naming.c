#include "coap/naming.h"

#include <string.h>

enum { NARROW = 1 << TH_NAMING_NARROW_BITS };

static unsigned group_of(uint64_t number)
{
	return (unsigned)(number / TH_NAMING_WIDE_RECENT % TH_NAMING_GROUPS);
}

void th_naming_init(struct th_naming *n, uint64_t next)
{
	memset(n, 0, sizeof(*n));
	n->next = n->proven = next; /* of nothing sent, all has arrived */
}

uint64_t th_naming_record(struct th_naming *n)
{
	return n->next++;
}

/* Rule 2: whether the peer may still make an 8-bit reference to the last message with these low bits. */
static bool in_doubt(const struct th_naming *n, const struct th_naming_mark *m)
{
	return m->number > 0 && n->proven < m->number + TH_NAMING_NARROW_RECENT;
}

/* The same for 16 bits, which never stand for a message of a group that has gone by when a newer one has its place. */
static bool group_in_doubt(const struct th_naming *n, uint64_t number)
{
	const struct th_naming_mark *m = &n->wide[group_of(number)];
	uint64_t old = (m->number - 1) / TH_NAMING_WIDE_RECENT;

	return m->number > 0 && old != number / TH_NAMING_WIDE_RECENT && n->proven < (old + 2) * TH_NAMING_WIDE_RECENT;
}

static bool find_next(const struct th_naming *n, uint64_t *number)
{
	uint64_t at = n->next;

	for (unsigned i = 0; i < NARROW + TH_NAMING_GROUPS; i++) {
		if (group_in_doubt(n, at)) {
			at = (at / TH_NAMING_WIDE_RECENT + 1) * TH_NAMING_WIDE_RECENT;
		} else if (in_doubt(n, &n->narrow[at % NARROW])) {
			at++;
		} else {
			*number = at;
			return true;
		}
	}
	return false;
}

bool th_naming_message(struct th_naming *n, uint64_t *number)
{
	struct th_naming_mark *narrow, *wide;

	if (!find_next(n, number))
		return false;
	n->next = *number + 1;
	narrow = &n->narrow[*number % NARROW];
	*narrow = (struct th_naming_mark){ *number + 1, n->heard };
	wide = &n->wide[group_of(*number)];
	if (wide->number == 0 || (wide->number - 1) / TH_NAMING_WIDE_RECENT != *number / TH_NAMING_WIDE_RECENT)
		*wide = *narrow;
	return true;
}

void th_naming_heard(struct th_naming *n, uint64_t number)
{
	if (number >= n->heard)
		n->heard = number + 1;
}

void th_naming_proven(struct th_naming *n, uint64_t number)
{
	if (number >= n->proven && number < n->next)
		n->proven = number + 1;
}

unsigned th_naming_refer(uint64_t heard, uint64_t number)
{
	if (number >= heard || heard - 1 - number >= TH_NAMING_WIDE_RECENT)
		return 0;
	return heard - 1 - number < TH_NAMING_NARROW_RECENT ? TH_NAMING_NARROW_BITS : TH_NAMING_WIDE_BITS;
}

bool th_naming_of_mid(uint64_t heard, uint16_t mid, uint64_t *number)
{
	uint64_t back = (heard - 1 - mid) & UINT16_MAX;

	if (heard == 0 || back > heard - 1)
		return false;
	*number = heard - 1 - back;
	return true;
}

/* In the newest group with these bits that has a message; what had been received at the first one had been received for
 * all that follow. */
static bool resolve_wide(const struct th_naming *n, uint64_t by, uint64_t low, uint64_t *number)
{
	const struct th_naming_mark *m = &n->wide[group_of(low)];

	if (m->number == 0)
		return false;
	*number = (m->number - 1) / TH_NAMING_WIDE_RECENT * TH_NAMING_WIDE_RECENT + low % TH_NAMING_WIDE_RECENT;
	return *number >= m->number - 1 && *number < n->next && by >= m->heard;
}

bool th_naming_resolve(const struct th_naming *n, uint64_t by, uint64_t low, unsigned bits, uint64_t *number)
{
	const struct th_naming_mark *m = &n->narrow[low % NARROW];

	if (bits == TH_NAMING_WIDE_BITS)
		return resolve_wide(n, by, low, number);
	*number = m->number - 1;
	return m->number > 0 && by >= m->heard;
}

uint8_t th_naming_token(uint64_t number, uint8_t token[static TH_COAP_TOKEN_MAX])
{
	uint8_t n = 1;

	while (n < TH_COAP_TOKEN_MAX && number >> (8 * n))
		n++;
	for (uint8_t i = 0; i < n; i++)
		token[i] = (uint8_t)(number >> (8 * (n - 1 - i)));
	return n;
}

bool th_naming_number(const uint8_t *token, size_t n, uint64_t *number)
{
	if (n == 0 || n > TH_COAP_TOKEN_MAX || (n > 1 && token[0] == 0))
		return false;
	*number = 0;
	for (size_t i = 0; i < n; i++)
		*number = *number << 8 | token[i];
	return true;
}
