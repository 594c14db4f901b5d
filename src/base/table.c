#include "base/table.h"

#include <string.h>

enum th_err th_table_init(struct th_table *t, const struct th_mem *mem, size_t buckets, uint64_t seed)
{
	size_t size = 1;
	size_t bytes;

	*t = (struct th_table){ .mem = mem, .seed = seed };
	while (size < buckets)
		size *= 2;
	if (!th_mul(size, sizeof(struct th_slot *), &bytes))
		return TH_ERR_NO_MEMORY;
	t->buckets = th_alloc(mem, bytes);
	if (!t->buckets)
		return TH_ERR_NO_MEMORY;
	t->mask = size - 1;
	return TH_OK;
}

void th_table_free(struct th_table *t)
{
	th_free(t->mem, t->buckets);
	*t = (struct th_table){ .mem = t->mem };
}

static uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t th_table_hash(const struct th_table *t, const void *key, size_t n)
{
	const uint8_t *p = key;
	uint64_t v[4] = { t->seed ^ 0x736f6d6570736575u, ~t->seed ^ 0x646f72616e646f6du, t->seed ^ 0x6c7967656e657261u,
			  ~t->seed ^ 0x7465646279746573u };
	uint64_t m = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < n; i++)
		m |= (uint64_t)p[i] << (8 * i);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void th_table_add(struct th_table *t, struct th_slot *node, uint64_t hash)
{
	struct th_slot **head = &t->buckets[hash & t->mask];

	node->hash = hash;
	node->next = *head;
	*head = node;
	t->n++;
}

void th_table_remove(struct th_table *t, struct th_slot *node)
{
	struct th_slot **at = &t->buckets[node->hash & t->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	t->n--;
}

struct th_slot *th_table_next(const struct th_table *t, uint64_t hash, const struct th_slot *after)
{
	struct th_slot *n = after ? after->next : t->buckets[hash & t->mask];

	while (n && n->hash != hash)
		n = n->next;
	return n;
}
