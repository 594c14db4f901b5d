/* Which answers give an account's token (codec/account.h). */
#include "unit.h"

#include "codec/account.h"

static struct th_field fields[1];

static bool asked(const char *method, const char *target, const char *authorization)
{
	struct th_head h = { .method = th_str_of(method), .target = th_str_of(target), .fields = fields };

	if (authorization) {
		fields[0] = (struct th_field){ TH_STR("authorization"), th_str_of(authorization) };
		h.n_fields = 1;
	}
	return th_account_asked(&h);
}

static void test_asked(void **state)
{
	(void)state;
	assert_true(asked("POST", "/_matrix/client/v3/login", NULL));
	assert_true(asked("POST", "/_matrix/client/r0/register?kind=guest", NULL));
	assert_false(asked("GET", "/_matrix/client/v3/login", NULL));
	assert_false(asked("POST", "/_matrix/client/v3/login", "Bearer syt_alice"));
	assert_false(asked("POST", "/_matrix/push/v1/notify", NULL));
}

static void assert_given(const char *body, const char *want)
{
	char out[TH_ACCOUNT_VALUE_MAX];

	assert_true(th_str_eq(th_account_given(th_str_of(body), out), th_str_of(want)));
}

static void test_given(void **state)
{
	char out[TH_ACCOUNT_VALUE_MAX], body[TH_ACCOUNT_VALUE_MAX + 32];
	int n;

	(void)state;
	assert_given("{\"user_id\":\"@a:b\",\"access_token\":\"syt_alice\"}", "Bearer syt_alice");
	assert_given("{\"access_token\":\"one\",\"access_token\":\"two\"}", "Bearer two");
	assert_given("{\"access_token\":\"syt\\u005falice\"}", "");
	assert_given("{\"access_token\":\"\"}", "");
	assert_given("{\"access_token\":7}", "");
	assert_given("{\"a\":{\"access_token\":\"x\"}}", "");
	assert_given("[\"access_token\"]", "");
	assert_given("", "");
	n = snprintf(body, sizeof(body), "{\"access_token\":\"%0*d\"}", TH_ACCOUNT_VALUE_MAX - 7, 0);
	assert_int_equal(th_account_given((struct th_str){ body, (size_t)n }, out).n, TH_ACCOUNT_VALUE_MAX);
	n = snprintf(body, sizeof(body), "{\"access_token\":\"%0*d\"}", TH_ACCOUNT_VALUE_MAX - 6, 0);
	assert_int_equal(th_account_given((struct th_str){ body, (size_t)n }, out).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
