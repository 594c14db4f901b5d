#include "unit.h"
#include "failmem.h"

#include "base/table.h"

enum { NODES = 300, ROUNDS = 50000, KEYS = 100 };

struct item {
	struct th_slot node;
	uint32_t key;
	bool in;
};

static void walk_and_compare(const struct th_table *t, struct item *items, uint32_t key)
{
	uint64_t hash = th_table_hash(t, &key, sizeof(key));
	size_t found = 0, want = 0;

	for (struct th_slot *n = th_table_next(t, hash, NULL); n; n = th_table_next(t, hash, n)) {
		const struct item *it = (const struct item *)(const void *)n;

		assert_true(it->in);
		found += it->key == key ? 1 : 0;
	}
	for (size_t i = 0; i < NODES; i++)
		want += items[i].in && items[i].key == key ? 1 : 0;
	assert_int_equal(found, want);
}

static void behaves_like_a_search_through_all(void **state)
{
	uint64_t seed = unit_seed("table", 6);
	struct th_rng rng = th_rng_seeded(&seed);
	static const size_t buckets[] = { 0, 1, 2, 7, 64, 1000 };

	(void)state;
	for (size_t b = 0; b < UNIT_COUNT(buckets); b++) {
		static struct item items[NODES];
		struct failmem f;
		struct th_table t;
		size_t in = 0;

		memset(items, 0, sizeof(items));
		failmem_init(&f, 0);
		assert_int_equal(th_table_init(&t, &f.mem, buckets[b], th_rng_u64(&rng)), TH_OK);
		for (int round = 0; round < ROUNDS / 10; round++) {
			struct item *it = &items[th_rng_below(&rng, NODES)];

			if (it->in) {
				th_table_remove(&t, &it->node);
				it->in = false;
				in--;
			} else {
				it->key = (uint32_t)th_rng_below(&rng, KEYS);
				th_table_add(&t, &it->node, th_table_hash(&t, &it->key, sizeof(it->key)));
				it->in = true;
				in++;
			}
			assert_int_equal(t.n, in);
			walk_and_compare(&t, items, (uint32_t)th_rng_below(&rng, KEYS));
		}
		th_table_free(&t);
		assert_int_equal(f.live, 0);
	}
}

static void buckets_are_a_power_of_two(void **state)
{
	struct th_table t;

	(void)state;
	assert_int_equal(th_table_init(&t, &th_mem_libc, 1000, 0), TH_OK);
	assert_int_equal(t.mask, 1023);
	th_table_free(&t);
	assert_int_equal(th_table_init(&t, &th_mem_libc, 1024, 0), TH_OK);
	assert_int_equal(t.mask, 1023);
	th_table_free(&t);
}

static void without_memory_init_says_so(void **state)
{
	struct failmem f;
	struct th_table t;

	(void)state;
	failmem_init(&f, 1);
	assert_int_equal(th_table_init(&t, &f.mem, 16, 0), TH_ERR_NO_MEMORY);
	th_table_free(&t); /* harmless after a failed init */
	assert_int_equal(th_table_init(&t, &f.mem, SIZE_MAX / 4, 0), TH_ERR_NO_MEMORY);
	assert_int_equal(f.live, 0);
}

/* SipHash-1-3 computed by OpenSSL: key = seed, ~seed as little-endian words; openssl mac -macopt c-rounds:1
 * -macopt d-rounds:3 -macopt size:8 -macopt hexkey:efcdab89674523011032547698badcfe SIPHASH */
static void the_hash_is_siphash_1_3(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} cases[] = {
		{ "", 0xf4b3fee397802911u },
		{ "a", 0x091ab65b48ab727cu },
		{ "abcdefgh", 0xcd7076477db266c5u },
		{ "abcdefghi", 0x8b593deaac37b1d8u },
	};
	struct th_table t;

	(void)state;
	assert_int_equal(th_table_init(&t, &th_mem_libc, 1, 0x0123456789abcdefu), TH_OK);
	for (size_t i = 0; i < UNIT_COUNT(cases); i++)
		assert_true(th_table_hash(&t, cases[i].text, strlen(cases[i].text)) == cases[i].hash);
	th_table_free(&t);
}

static void the_seed_matters_and_keys_spread(void **state)
{
	struct th_table a, b;
	size_t filled = 0;
	bool used[256] = { false };

	(void)state;
	assert_int_equal(th_table_init(&a, &th_mem_libc, 256, 1), TH_OK);
	assert_int_equal(th_table_init(&b, &th_mem_libc, 256, 2), TH_OK);
	assert_true(th_table_hash(&a, "key", 3) != th_table_hash(&b, "key", 3));
	for (uint32_t i = 0; i < 2560; i++)
		used[th_table_hash(&a, &i, sizeof(i)) & a.mask] = true;
	for (size_t i = 0; i < UNIT_COUNT(used); i++)
		filled += used[i] ? 1 : 0;
	assert_true(filled > 250); /* 10 keys a bucket on average: each stays empty with e^-10 */
	th_table_free(&a);
	th_table_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_a_search_through_all), cmocka_unit_test(buckets_are_a_power_of_two),
		cmocka_unit_test(without_memory_init_says_so),	     cmocka_unit_test(the_hash_is_siphash_1_3),
		cmocka_unit_test(the_seed_matters_and_keys_spread),
	};

	return cmocka_run_group_tests_name("base/table", tests, NULL, NULL);
}
