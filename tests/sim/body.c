#include "sim/body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint8_t pattern_byte(uint64_t seed, size_t i)
{
	uint64_t word = mix(seed * 0x9e3779b97f4a7c15u + i / sizeof(uint64_t) + 1);

	return (uint8_t)(word >> (8 * (i % sizeof(uint64_t))));
}

void sim_body_read(const struct sim_body *b, size_t off, uint8_t *out, size_t n)
{
	if (n == 0)
		return;
	if (b->text) {
		memcpy(out, b->text + off, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = pattern_byte(b->seed, off + i);
}

void sim_sum_init(struct sim_sum *s)
{
	*s = (struct sim_sum){ .fnv = 0xcbf29ce484222325u };
}

void sim_sum_add(struct sim_sum *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s->n < SIM_SUM_SHOWN)
			s->shown[s->n] = (char)p[i];
		s->n++;
		s->fnv = (s->fnv ^ p[i]) * 0x100000001b3u;
	}
}

void sim_sum_of(struct sim_sum *s, const struct sim_body *b)
{
	uint8_t chunk[4096];

	sim_sum_init(s);
	for (size_t off = 0; off < b->n;) {
		size_t n = b->n - off < sizeof(chunk) ? b->n - off : sizeof(chunk);

		sim_body_read(b, off, chunk, n);
		sim_sum_add(s, chunk, n);
		off += n;
	}
}

bool sim_sum_eq(const struct sim_sum *a, const struct sim_sum *b)
{
	return a->n == b->n && a->fnv == b->fnv;
}

const char *sim_sum_text(const struct sim_sum *s, char *out, size_t cap)
{
	char quoted[4 * SIM_SUM_SHOWN + 8];
	size_t shown = s->n < SIM_SUM_SHOWN ? (size_t)s->n : SIM_SUM_SHOWN;

	th_log_quote(quoted, sizeof(quoted), (struct th_str){ s->shown, shown });
	snprintf(out, cap, "%" PRIu64 " bytes, checksum %016" PRIx64 ": %s", s->n, s->fnv, quoted);
	return out;
}
