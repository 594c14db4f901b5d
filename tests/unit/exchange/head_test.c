#include "unit.h"
#include "failmem.h"

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

static void check_same(const struct th_head *a, const struct th_head *b)
{
	assert_true(th_str_eq(a->method, b->method));
	assert_true(th_str_eq(a->target, b->target));
	assert_int_equal(a->status, b->status);
	assert_true(a->body_len == b->body_len);
	assert_int_equal(a->n_fields, b->n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		assert_true(th_str_eq(a->fields[i].name, b->fields[i].name));
		assert_true(th_str_eq(a->fields[i].value, b->fields[i].value));
	}
}

static void a_copy_shares_nothing(void **state)
{
	char method[] = "GET", target[] = "/a", name[] = "Name", value[] = "value";
	struct th_field f = { th_str_of(name), th_str_of(value) };
	struct th_head from = { .method = th_str_of(method), .target = th_str_of(target), .fields = &f, .n_fields = 1 };
	struct failmem mem;
	struct th_arena a;
	struct th_head to;

	(void)state;
	failmem_init(&mem, 0);
	th_arena_init(&a, &mem.mem, TH_HEAD_BYTES_MAX);
	assert_int_equal(th_head_copy(&to, &from, &a), TH_OK);
	memset(method, 'z', 3);
	memset(target, 'z', 2);
	memset(name, 'z', 4);
	memset(value, 'z', 5);
	memset(&f, 0, sizeof(f));
	assert_str_is(to.method, "GET");
	assert_str_is(to.target, "/a");
	assert_str_is(to.fields[0].name, "Name");
	assert_str_is(to.fields[0].value, "value");
	th_arena_free(&a);
	assert_int_equal(mem.live, 0);
}

static void heads_of_all_kinds_copy(void **state)
{
	static const struct th_head heads[] = {
		{ .status = 204 },
		{ .status = 200, .body_len = TH_BODY_UNKNOWN, .fields = fields, .n_fields = 3 },
		{ .method = TH_STR_INIT("GET"), .target = TH_STR_INIT("/") },
	};
	struct th_arena a;
	struct th_head to;

	(void)state;
	th_arena_init(&a, &th_mem_libc, 1u << 20);
	assert_int_equal(th_head_copy(&to, &request, &a), TH_OK);
	check_same(&to, &request);
	for (size_t i = 0; i < UNIT_COUNT(heads); i++) {
		assert_int_equal(th_head_copy(&to, &heads[i], &a), TH_OK);
		check_same(&to, &heads[i]);
	}
	th_arena_free(&a);
}

static void no_room_is_too_large(void **state)
{
	struct th_arena a;
	struct th_head to;
	bool fitted = false;

	(void)state;
	for (size_t max = 0; max < 1000; max++) {
		enum th_err err;

		th_arena_init(&a, &th_mem_libc, max);
		err = th_head_copy(&to, &request, &a);
		assert_true(err == TH_ERR_TOO_LARGE || err == TH_OK);
		assert_false(fitted && err != TH_OK);
		fitted = err == TH_OK;
		if (fitted)
			check_same(&to, &request);
		th_arena_free(&a);
	}
	assert_true(fitted);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t k = 1; k < 100; k++) {
		struct failmem mem;
		struct th_arena a;
		struct th_head to;
		enum th_err err;

		failmem_init(&mem, k);
		th_arena_init(&a, &mem.mem, 1u << 20);
		err = th_head_copy(&to, &request, &a);
		assert_int_equal(err, mem.hit ? TH_ERR_TOO_LARGE : TH_OK);
		th_arena_free(&a);
		assert_int_equal(mem.live, 0);
		if (!mem.hit)
			return;
	}
	fail();
}

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
		cmocka_unit_test(a_copy_shares_nothing),
		cmocka_unit_test(heads_of_all_kinds_copy),
		cmocka_unit_test(no_room_is_too_large),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(find_ignores_case_and_gives_the_first),
		cmocka_unit_test(bytes_counts_names_and_values),
	};

	return cmocka_run_group_tests_name("exchange/head", tests, NULL, NULL);
}
