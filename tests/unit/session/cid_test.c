/* Connection IDs: each names one, short ones first, none twice. */
#include "unit.h"

#include "session/cid.h"

static int owners[TH_CID_COUNT];
static struct th_cid ids[TH_CID_COUNT];
static struct th_cids table;

static void all_can_be_taken_short_ones_first(void **state)
{
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_cid one;

	(void)state;
	memset(&table, 0, sizeof(table));
	for (size_t i = 0; i < TH_CID_COUNT; i++) {
		assert_true(th_cids_take(&table, &rng, &owners[i], &ids[i]));
		assert_int_equal(ids[i].n, i < TH_CID_ONE ? 1 : 2);
		assert_int_equal(th_cid_len(ids[i].b[0]), ids[i].n); /* the length follows from the first byte */
	}
	assert_false(th_cids_take(&table, &rng, &owners[0], &one));
	for (size_t i = 0; i < TH_CID_COUNT; i++)
		assert_ptr_equal(th_cids_find(&table, ids[i].b), &owners[i]);
	th_cids_give(&table, &ids[7]);
	assert_int_equal(ids[7].n, 0);
	th_cids_give(&table, &ids[7]);
	assert_true(th_cids_take(&table, &rng, &owners[7], &ids[7]));
	assert_int_equal(ids[7].n, 1);
	for (size_t i = 0; i < TH_CID_COUNT; i++)
		th_cids_give(&table, &ids[i]);
	assert_true(table.n == 0 && table.ones == 0);
	for (size_t i = 0; i < TH_CID_COUNT; i++)
		assert_null(table.owner[i]);
}

static void beside_a_model(void **state)
{
	uint64_t seed = unit_seed("cid", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	size_t live = 0;

	(void)state;
	memset(&table, 0, sizeof(table));
	memset(ids, 0, sizeof(ids));
	for (int i = 0; i < 200000; i++) {
		size_t k = th_rng_below(&rng, TH_CID_COUNT);

		if (ids[k].n) {
			assert_ptr_equal(th_cids_find(&table, ids[k].b), &owners[k]);
			th_cids_give(&table, &ids[k]);
			live--;
		} else {
			assert_true(th_cids_take(&table, &rng, &owners[k], &ids[k]));
			live++;
		}
		assert_int_equal(table.n, live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_can_be_taken_short_ones_first),
		cmocka_unit_test(beside_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
