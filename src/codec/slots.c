#include "codec/slots.h"

#include <string.h>

_Static_assert(sizeof(struct th_line) == TH_LINE_BYTES, "a line is a cache line");

void th_slots_clear(struct th_slots *s)
{
	for (uint32_t i = 0; i < s->n_used; i++) {
		uint16_t line = s->used[i];

		memset(&s->lines[line], 0, sizeof(s->lines[line]));
		s->is_used[line] = 0;
		s->turn[line] = 0;
	}
	s->n_used = 0;
}

static unsigned pick(const struct th_line *line, uint8_t check)
{
	for (unsigned i = 0; i < TH_LINE_BUCKETS; i++)
		if (line->check[i] == check)
			return i;
	return TH_LINE_BUCKETS;
}

uint8_t *th_slots_find(struct th_slots *s, uint32_t h)
{
	uint32_t at = (h * 0x2545f491u) >> (32 - TH_SCRATCH_BITS);
	struct th_line *line = &s->lines[at];
	uint8_t check = th_slots_check(h);
	unsigned i = pick(line, check), from;
	const struct th_line *trained;

	if (i < TH_LINE_BUCKETS)
		return line->states[i];
	if (!s->is_used[at]) {
		s->is_used[at] = 1;
		s->used[s->n_used++] = (uint16_t)at;
	}
	i = pick(line, 0);
	if (i == TH_LINE_BUCKETS) {
		i = s->turn[at] & 3;
		s->turn[at]++;
	}
	line->check[i] = check;
	trained = &s->trained[th_slots_line(h, s->trained_bits)];
	from = pick(trained, check);
	if (from < TH_LINE_BUCKETS)
		memcpy(line->states[i], trained->states[from], TH_BUCKET_NODES);
	else
		memset(line->states[i], 0, TH_BUCKET_NODES);
	return line->states[i];
}
