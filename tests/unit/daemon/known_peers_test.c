/* Trust on first use: what is remembered, what is refused, and that the file is never half written. */
#include "scratch.h"

#include "daemon/known_peers.h"
#include "session/key.h"
#include "session/suite.h"

static const struct th_target far = { .host = "far.example", .port = 5683 };
static uint8_t keys[3][TH_NOISE_DH];
static char text[TH_KNOWN_PEERS_BYTES + 4096];

static int setup(void **state)
{
	for (size_t i = 0; i < UNIT_COUNT(keys); i++)
		memset(keys[i], (int)(i + 1), sizeof(keys[i]));
	return scratch_setup(state);
}

static int teardown(void **state)
{
	th_suite_release();
	return scratch_teardown(state);
}

static enum th_err meet(const struct th_target *t, const uint8_t *key, bool want_added)
{
	bool added = !want_added;
	enum th_err err = th_known_peers_meet(scratch.path, t, key, &added, &scratch.c);

	assert_int_equal(added, want_added);
	return err;
}

static enum th_err find(const struct th_target *t, const uint8_t *want)
{
	uint8_t key[TH_NOISE_DH] = { 0 };
	enum th_err err = th_known_peers_find(scratch.path, t, key, &scratch.c);

	if (err == TH_OK)
		assert_memory_equal(key, want, sizeof(key));
	return err;
}

static void test_first_use(void **state)
{
	(void)state;
	umask(0);
	assert_int_equal(find(&far, NULL), TH_ERR_NOT_FOUND);
	assert_int_equal(meet(&far, keys[0], true), TH_OK);
	assert_int_equal(scratch_mode(), 0600);
	scratch_read(text, sizeof(text));
	assert_string_equal(text, "far.example:5683 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n");
	assert_int_equal(meet(&far, keys[0], false), TH_OK);
	assert_int_equal(find(&far, keys[0]), TH_OK);
	scratch_assert_heard(NULL);
	assert_int_equal(scratch_clear(), 1);
}

static void test_several(void **state)
{
	static const struct th_target others[] = { { .host = "far.example", .port = 5684 },
						   { .host = "2001:db8::1", .port = 5683 },
						   { .host = "192.0.2.1", .port = 1 } };

	(void)state;
	assert_int_equal(meet(&far, keys[0], true), TH_OK);
	for (size_t i = 0; i < UNIT_COUNT(others); i++) {
		assert_int_equal(find(&others[i], NULL), TH_ERR_NOT_FOUND);
		assert_int_equal(meet(&others[i], keys[i], true), TH_OK);
	}
	for (size_t i = 0; i < UNIT_COUNT(others); i++)
		assert_int_equal(find(&others[i], keys[i]), TH_OK);
	assert_int_equal(find(&far, keys[0]), TH_OK);
	scratch_read(text, sizeof(text));
	assert_non_null(strstr(text, "\n[2001:db8::1]:5683 AgIC"));
	/* a name's case does not matter */
	assert_int_equal(find(&(struct th_target){ .host = "FAR.Example", .port = 5683 }, keys[0]), TH_OK);
	/* nor are names taken for parts of others */
	assert_int_equal(find(&(struct th_target){ .host = "ar.example", .port = 5683 }, NULL), TH_ERR_NOT_FOUND);
	assert_int_equal(find(&(struct th_target){ .host = "far.example", .port = 568 }, NULL), TH_ERR_NOT_FOUND);
	scratch_assert_heard(NULL);
}

static void test_changed_key(void **state)
{
	char before[4096], want[256], known[TH_KEY_FINGERPRINT], shown[TH_KEY_FINGERPRINT];

	(void)state;
	scratch_write("# mine\n\n", 8, 0600);
	assert_int_equal(meet(&far, keys[0], true), TH_OK);
	scratch_read(before, sizeof(before));
	assert_int_equal(meet(&far, keys[1], false), TH_ERR_RESET);
	snprintf(want, sizeof(want), "%s:3: THE KEY OF far.example:5683 HAS CHANGED. Known: %s. Shown now: %s. ",
		 scratch.path, th_key_fingerprint(known, keys[0]), th_key_fingerprint(shown, keys[1]));
	assert_non_null(strstr(scratch.heard, "delete line 3 of the file"));
	scratch_assert_heard(want);
	/* and stays refused, with the file as it was */
	assert_int_equal(meet(&far, keys[1], false), TH_ERR_RESET);
	scratch_assert_heard(want);
	scratch_read(text, sizeof(text));
	assert_string_equal(text, before);
	assert_int_equal(meet(&far, keys[0], false), TH_OK);
	scratch_assert_heard(NULL);
}

static void test_keeps_the_rest(void **state)
{
	static const char old[] =
		"# comment \xc3\xa9\n\nother:1 AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n#last, no newline";

	(void)state;
	scratch_write(old, sizeof(old) - 1, 0600);
	assert_int_equal(meet(&far, keys[0], true), TH_OK);
	scratch_read(text, sizeof(text));
	assert_int_equal(strncmp(text, old, sizeof(old) - 1), 0);
	assert_string_equal(text + sizeof(old) - 1, "\nfar.example:5683 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n");
	assert_int_equal(find(&(struct th_target){ .host = "other", .port = 1 }, keys[1]), TH_OK);
}

#define KEY "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

static void test_malformed_lines(void **state)
{
	static const char *const lines[] = {
		"far.example:5683",
		"far.example:5683 ",
		"far.example:5683  " KEY,
		"far.example:5683 " KEY " ",
		"far.example:5683 " KEY "=",
		"far.example:5683\t" KEY,
		"far.example:5683 AQ",
		"far.example " KEY,
		"far.example: " KEY,
		":5683 " KEY,
		"5683 " KEY,
		" far.example:5683 " KEY,
		"far.example:5683 " KEY "\r",
		"far\x01.example:5683 " KEY,
		KEY,
		" ",
		" # not a comment",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(lines); i++) {
		char want[256];
		int n = snprintf(text, sizeof(text), "# one\nother:1 " KEY "\n%s\nlater:1 " KEY "\n", lines[i]);

		scratch_write(text, (size_t)n, 0600);
		snprintf(want, sizeof(want), "%s:3: is not \"HOST:PORT KEY\"", scratch.path);
		assert_int_equal(meet(&far, keys[0], false), TH_ERR_MALFORMED);
		scratch_assert_heard(want);
		assert_int_equal(find(&(struct th_target){ .host = "other", .port = 1 }, NULL), TH_ERR_MALFORMED);
		scratch_assert_heard(want);
	}
	/* a NUL does not end a line */
	scratch_write("other:1 " KEY "\0x\n", sizeof("other:1 " KEY "\0x\n") - 1, 0600);
	assert_int_equal(find(&far, NULL), TH_ERR_MALFORMED);
	scratch_assert_heard(":1: is not");
}

static void test_twice(void **state)
{
	static const char twice[] = "far.example:5683 " KEY "\nFAR.example:5683 " KEY "\n";

	(void)state;
	scratch_write(twice, sizeof(twice) - 1, 0600);
	assert_int_equal(find(&far, NULL), TH_ERR_MALFORMED);
	scratch_assert_heard(":2: far.example:5683 stands in line 1 already");
}

static void test_caps(void **state)
{
	size_t n = 0;

	(void)state;
	for (int i = 0; i < TH_KNOWN_PEERS_LINES - 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "peer%d:1 " KEY "\n", i);
	scratch_write(text, n, 0600);
	assert_int_equal(meet(&far, keys[0], true), TH_OK); /* the last one */
	scratch_assert_heard(NULL);
	assert_int_equal(meet(&(struct th_target){ .host = "one.more", .port = 1 }, keys[0], false), TH_ERR_FULL);
	scratch_assert_heard("is full, so one.more:1 cannot be remembered");
	assert_int_equal(meet(&far, keys[1], false), TH_ERR_RESET);
	scratch_assert_heard(":1024: THE KEY OF far.example:5683 HAS CHANGED");
	/* by hand one too many */
	n = scratch_read(text, sizeof(text));
	n += (size_t)snprintf(text + n, sizeof(text) - n, "#\n");
	scratch_write(text, n, 0600);
	assert_int_equal(find(&far, NULL), TH_ERR_TOO_LARGE);
	scratch_assert_heard("has more than 1024 lines");
	/* and by bytes */
	memset(text, '#', TH_KNOWN_PEERS_BYTES + 1);
	scratch_write(text, TH_KNOWN_PEERS_BYTES, 0600);
	assert_int_equal(meet(&far, keys[0], false), TH_ERR_FULL);
	scratch_assert_heard("is full");
	scratch_write(text, TH_KNOWN_PEERS_BYTES + 1, 0600);
	assert_int_equal(find(&far, NULL), TH_ERR_TOO_LARGE);
	scratch_assert_heard("is too long");
}

/* The longest host there can be, into an almost full file. */
static void test_longest_name(void **state)
{
	struct th_target longest = { .port = 65535 };
	size_t n = TH_KNOWN_PEERS_BYTES - 400;

	(void)state;
	memset(longest.host, 'h', sizeof(longest.host) - 1);
	memset(text, '#', n);
	scratch_write(text, n, 0600);
	assert_int_equal(meet(&longest, keys[2], true), TH_OK);
	assert_int_equal(find(&longest, keys[2]), TH_OK);
	scratch_assert_heard(NULL);
}

static void test_whose_file(void **state)
{
	static const mode_t refused[] = { 0620, 0602, 0666, 0660 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(refused); i++) {
		scratch_write("", 0, refused[i]);
		assert_int_equal(meet(&far, keys[0], false), TH_ERR_INVALID);
		scratch_assert_heard("others may change it (mode 06");
	}
	scratch_write("", 0, 0644); /* others may read it: nothing in it is secret */
	assert_int_equal(meet(&far, keys[0], true), TH_OK);
	assert_int_equal(scratch_mode(), 0600);
	unlink(scratch.path);
	assert_int_equal(mkdir(scratch.path, 0700), 0);
	assert_int_equal(meet(&far, keys[0], false), TH_ERR_INVALID);
	scratch_assert_heard("is not a regular file");
	rmdir(scratch.path);
	if (geteuid() != 0)
		return;
	scratch_write("", 0, 0600);
	assert_int_equal(chown(scratch.path, 65534, 65534), 0);
	assert_int_equal(meet(&far, keys[0], false), TH_ERR_INVALID);
	scratch_assert_heard("belongs to user 65534");
}

static void test_unwritable(void **state)
{
	struct th_complaints *c = &scratch.c;
	bool added = true;

	(void)state;
	assert_int_equal(th_known_peers_meet("/nonexistent/known", &far, keys[0], &added, c), TH_ERR_IO);
	assert_false(added);
	scratch_assert_heard("/nonexistent/known: cannot be written: No such file or directory");
	if (geteuid() == 0)
		return;
	scratch_write("", 0, 0600);
	assert_int_equal(chmod(scratch.folder, 0500), 0);
	assert_int_equal(meet(&far, keys[0], false), TH_ERR_IO);
	scratch_assert_heard("cannot be written");
	assert_int_equal(find(&far, NULL), TH_ERR_NOT_FOUND);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_first_use),	IN_FOLDER(test_several),	 IN_FOLDER(test_changed_key),
		IN_FOLDER(test_keeps_the_rest), IN_FOLDER(test_malformed_lines), IN_FOLDER(test_twice),
		IN_FOLDER(test_caps),		IN_FOLDER(test_longest_name),	 IN_FOLDER(test_whose_file),
		IN_FOLDER(test_unwritable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
