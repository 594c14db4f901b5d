#include "explain/cost.h"

#include <string.h>

#include "codec/secret.h"

static const char stars[] = "***";
enum { STARS = sizeof(stars) - 1 };

void th_costs_free(struct th_costs *c, const struct th_mem *mem)
{
	if (c->text)
		th_free(mem, c->text);
	if (c->cost)
		th_free(mem, c->cost);
	*c = (struct th_costs){ .n = 0 };
}

/* Where the masked text goes on in the text: `next` is the byte that follows the secret there, which no secret holds
 * but escaped: a line ends with LF, a parameter with & too, a string with a quote. */
static size_t secret_end(const uint8_t *text, size_t at, size_t n, uint8_t next)
{
	while (at < n && text[at] != next)
		at += next == '"' && text[at] == '\\' ? 2 : 1;
	return at < n ? at : n;
}

/* Walks the text and its masked copy side by side: where they part there was a secret. */
static void put_stars(struct th_costs *c, const uint8_t *text, const uint32_t *cost, size_t n, const uint8_t *masked,
		      size_t masked_n)
{
	size_t at = 0, kept = 0;

	while (at < n) {
		size_t end;
		uint32_t sum = 0;

		if (kept < masked_n && text[at] == masked[kept]) {
			c->text[c->n] = text[at];
			c->cost[c->n++] = cost[at++];
			kept++;
			continue;
		}
		end = kept < masked_n ? secret_end(text, at, n, masked[kept]) : n;
		for (; at < end; at++)
			sum += cost[at];
		memcpy(c->text + c->n, stars, STARS);
		memset(c->cost + c->n, 0, STARS * sizeof(*c->cost));
		c->cost[c->n] = sum;
		c->n += STARS;
	}
	c->cost[c->n] = cost[n];
}

enum th_err th_costs_make(struct th_costs *out, const struct th_mem *mem, const uint8_t *text, const uint32_t *cost,
			  size_t n)
{
	size_t most = STARS * (n + 1); /* each secret has a byte at least */
	uint8_t *masked = th_alloc(mem, n + 1);

	*out = (struct th_costs){ .text = th_alloc(mem, most), .cost = th_alloc(mem, most * sizeof(*out->cost)) };
	if (!masked || !out->text || !out->cost) {
		th_costs_free(out, mem);
	} else {
		put_stars(out, text, cost, n, masked, th_secret_mask(text, n, masked, n));
	}
	if (masked)
		th_free(mem, masked);
	return out->text ? TH_OK : TH_ERR_NO_MEMORY;
}

uint64_t th_costs_sum(const struct th_costs *c)
{
	uint64_t sum = c->bases;

	for (size_t i = 0; c->cost && i <= c->n; i++)
		sum += c->cost[i];
	return sum;
}
