#include "unit.h"

#include "exchange/head.h"

static const struct th_field fields[] = {
	{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") },
	{ TH_STR_INIT("X-Twice"), TH_STR_INIT("one") },
	{ TH_STR_INIT("x-twice"), TH_STR_INIT("two") },
	{ TH_STR_INIT("Empty"), TH_STR_INIT("") },
};

static const struct th_head request = {
	.method = TH_STR_INIT("PUT"),
	.target = TH_STR_INIT("/_matrix/client/v3/rooms/%21a%3Ab/send/m.room.message/1?x=%2F&x="),
	.body_len = 5,
	.fields = fields,
	.n_fields = UNIT_COUNT(fields),
};

static void find_ignores_case_and_gives_the_first(void **state)
{
	(void)state;
	assert_ptr_equal(th_head_find(&request, TH_STR("content-TYPE")), &fields[0]);
	assert_ptr_equal(th_head_find(&request, TH_STR("X-TWICE")), &fields[1]);
	assert_ptr_equal(th_head_find(&request, TH_STR("empty")), &fields[3]);
	assert_null(th_head_find(&request, TH_STR("Content-Typ")));
	assert_null(th_head_find(&request, TH_STR("")));
}

static void bytes_counts_names_and_values(void **state)
{
	static const struct th_head none = { .status = 200 };

	(void)state;
	assert_int_equal(th_head_bytes(&none), 0);
	assert_int_equal(th_head_bytes(&request), 3 + request.target.n + 12 + 16 + 7 + 3 + 7 + 3 + 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_ignores_case_and_gives_the_first),
		cmocka_unit_test(bytes_counts_names_and_values),
	};

	return cmocka_run_group_tests_name("exchange/head", tests, NULL, NULL);
}
