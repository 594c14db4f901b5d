#include "unit.h"

#include "codec/known.h"
#include "exchange/fields.h"

static void assert_all_found(const struct th_str *strings, size_t n,
			     unsigned (*find)(const struct th_known *, struct th_str))
{
	struct th_known k;

	th_known_init(&k);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(find(&k, strings[i]), i); /* so none is there twice */
	assert_int_equal(find(&k, TH_STR("no such name")), TH_KNOWN_NONE);
	assert_int_equal(find(&k, TH_STR("")), TH_KNOWN_NONE);
}

static void test_every_name_is_found(void **state)
{
	(void)state;
	assert_all_found(th_known_keys, th_known_keys_count, th_known_key);
	assert_all_found(th_known_values, th_known_values_count, th_known_value);
	for (unsigned i = 1; i < th_known_query_count; i++)
		assert_int_equal(th_known_query_key(th_known_query[i]), i);
	for (unsigned i = 1; i < th_known_statuses_count; i++)
		assert_int_equal(th_known_status(th_known_statuses[i]), i);
}

/* What the wire has room for. */
static void test_sizes_fit_the_codes(void **state)
{
	(void)state;
	assert_true(th_known_keys_count <= 24 + 24 + 232);
	assert_true(th_known_values_count <= 20 + 224);
	assert_true(th_known_paths_count <= 255);
	assert_true(th_known_query_count <= 256);
	assert_true(th_known_statuses_count <= 32);
	assert_true(th_known_runs_count <= 127);
	assert_true(th_fields_count <= 128);
}

/* Values are written into JSON without escapes. */
static void test_values_need_no_escapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < th_known_values_count; i++)
		for (size_t j = 0; j < th_known_values[i].n; j++) {
			char c = th_known_values[i].p[j];

			assert_true(c > ' ' && c < 0x7f && c != '"' && c != '\\');
		}
}

static void test_runs_have_known_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < th_known_runs_count; i++) {
		assert_true(th_known_runs[i].n > 0);
		for (size_t j = 0; j < th_known_runs[i].n; j++)
			assert_int_not_equal(th_fields_find(th_known_runs[i].fields[j].name), 0);
	}
}

static void test_the_longest_run_is_taken(void **state)
{
	struct th_field fields[16];
	size_t n = th_known_runs[0].n;

	(void)state;
	memcpy(fields, th_known_runs[0].fields, n * sizeof(fields[0]));
	assert_int_equal(th_known_run_at(fields, n), 1);
	assert_int_equal(th_known_run_at(fields, n - 1), 2); /* Content-Type alone */
	fields[0].name = TH_STR("content-TYPE");
	assert_int_equal(th_known_run_at(fields, n), 1);
	fields[0].value = TH_STR("application/JSON");
	assert_int_equal(th_known_run_at(fields, n), 0);
	assert_int_equal(th_known_run_at(fields, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name_is_found),	 cmocka_unit_test(test_sizes_fit_the_codes),
		cmocka_unit_test(test_values_need_no_escapes),	 cmocka_unit_test(test_runs_have_known_names),
		cmocka_unit_test(test_the_longest_run_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
