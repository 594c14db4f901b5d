/* The state folder: where it is, how it is made, and the mark in it. */
#include "scratch.h"

#include <stdlib.h>

#include "daemon/state.h"

static void test_where(void **state)
{
	char out[TH_STATE_PATH];

	(void)state;
	setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
	assert_string_equal(th_state_path(out, "/here", "key"), "/here/key");
	assert_string_equal(th_state_path(out, "", "key"), "/var/lib/a/key");
	unsetenv("STATE_DIRECTORY");
	setenv("HOME", "/home/x", 1);
	unsetenv("XDG_STATE_HOME");
	if (geteuid() == 0)
		assert_string_equal(th_state_path(out, "", "mark"), "/var/lib/thimble/mark");
	else
		assert_string_equal(th_state_path(out, "", "mark"), "/home/x/.local/state/thimble/mark");
}

static void test_make(void **state)
{
	char path[256], above[128];
	struct stat st;

	(void)state;
	snprintf(above, sizeof(above), "%s/a", scratch.folder);
	snprintf(path, sizeof(path), "%s/b", above);
	assert_int_equal(th_state_make(path, &scratch.c), TH_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(th_state_make(path, &scratch.c), TH_OK);
	rmdir(path);
	rmdir(above);
	scratch_write("x", 1, 0600);
	snprintf(path, sizeof(path), "%s/b", scratch.path); /* below a file */
	assert_int_equal(th_state_make(path, &scratch.c), TH_ERR_IO);
	scratch_assert_heard("the state folder cannot be made");
}

static void test_mark(void **state)
{
	static const char *const bad[] = { "", "\n", "1", "x\n", "-1\n", "1 2\n", "18446744073709551616\n", " 1\n" };
	uint64_t mark = 7;

	(void)state;
	assert_int_equal(th_state_mark_load(scratch.path, &mark, &scratch.c), TH_OK);
	assert_true(mark == 0);
	assert_int_equal(th_state_mark_save(scratch.path, UINT64_MAX, &scratch.c), TH_OK);
	assert_int_equal(th_state_mark_load(scratch.path, &mark, &scratch.c), TH_OK);
	assert_true(mark == UINT64_MAX);
	assert_int_equal(th_state_mark_save(scratch.path, 5, &scratch.c), TH_OK);
	assert_int_equal(th_state_mark_load(scratch.path, &mark, &scratch.c), TH_OK);
	assert_true(mark == 5);
	scratch_assert_heard(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		scratch_write(bad[i], strlen(bad[i]), 0600);
		assert_int_equal(th_state_mark_load(scratch.path, &mark, &scratch.c), TH_ERR_MALFORMED);
		scratch_assert_heard("is not as thimble writes it");
	}
	scratch_write("5\n", 2, 0666);
	assert_int_equal(th_state_mark_load(scratch.path, &mark, &scratch.c), TH_ERR_INVALID);
	scratch_assert_heard("others may change it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_where, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_make, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_mark, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
