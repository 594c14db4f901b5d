/* The secret key's file: made once, readable to one user, refused otherwise; and the sub-commands over it. */
#include "scratch.h"

#include "daemon/key_command.h"
#include "daemon/key_file.h"
#include "session/key.h"
#include "session/suite.h"

static const char good[] = "thimble-secret-key-1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n";

static void assert_wiped(const struct th_noise_pair *p)
{
	static const struct th_noise_pair zero;

	assert_memory_equal(p, &zero, sizeof(zero));
}

static enum th_err load(struct th_noise_pair *out)
{
	memset(out, 0xa5, sizeof(*out));
	return th_key_file_load(out, scratch.path, &scratch.c);
}

static void assert_refused(enum th_err want, const char *text)
{
	struct th_noise_pair pair;

	assert_int_equal(load(&pair), want);
	assert_wiped(&pair);
	scratch_assert_heard(text);
}

static void test_make_and_load(void **state)
{
	struct th_noise_pair made, again, other;
	char text[256];

	(void)state;
	umask(0);
	assert_int_equal(th_key_file_make(&made, scratch.path, &th_rng_system, &scratch.c), TH_OK);
	assert_int_equal(scratch_mode(), 0600);
	assert_int_equal(scratch_read(text, sizeof(text)), sizeof(good) - 1);
	assert_int_equal(load(&again), TH_OK);
	assert_memory_equal(&again, &made, sizeof(made));
	/* never over an existing one, whatever it holds */
	assert_int_equal(th_key_file_make(&other, scratch.path, &th_rng_system, &scratch.c), TH_ERR_FULL);
	assert_wiped(&other);
	scratch_assert_heard("exists already and is left alone");
	assert_int_equal(load(&again), TH_OK);
	assert_memory_equal(&again, &made, sizeof(made));
	scratch_assert_heard(NULL);
	assert_int_equal(scratch_clear(), 1); /* nothing beside it */
}

static void test_fixed(void **state)
{
	struct th_noise_pair pair;
	uint8_t secret[TH_NOISE_KEY], public[TH_NOISE_DH];

	(void)state;
	memset(secret, 1, sizeof(secret));
	for (size_t n = sizeof(good) - 2; n < sizeof(good); n++) { /* without and with the newline */
		scratch_write(good, n, 0600);
		assert_int_equal(load(&pair), TH_OK);
		assert_memory_equal(pair.secret.b, secret, sizeof(secret));
		assert_true(th_noise_public(public, &pair.secret));
		assert_memory_equal(pair.public, public, sizeof(public));
	}
	scratch_write(good, sizeof(good) - 1, 0400);
	assert_int_equal(load(&pair), TH_OK);
	scratch_assert_heard(NULL);
}

static void test_modes(void **state)
{
	(void)state;
	for (mode_t mode = 0; mode < 0100; mode++) {
		struct th_noise_pair pair;

		scratch_write(good, sizeof(good) - 1, 0600 | mode);
		if (mode == 0) {
			assert_int_equal(load(&pair), TH_OK);
			continue;
		}
		assert_refused(TH_ERR_INVALID, "others may read it (mode 06");
	}
	scratch_write(good, sizeof(good) - 1, 0644);
	assert_refused(TH_ERR_INVALID, "(mode 0644); run: chmod 600 /tmp/thimble_unit_");
}

static void test_contents(void **state)
{
	char text[512];

	(void)state;
	for (size_t n = 0; n < sizeof(good) - 2; n++) {
		scratch_write(good, n, 0600);
		assert_refused(TH_ERR_MALFORMED, "holds no secret key of thimble; make one");
	}
	for (size_t at = 0; at < sizeof(good) - 2; at++) {
		memcpy(text, good, sizeof(good));
		text[at] = '~';
		scratch_write(text, sizeof(good) - 1, 0600);
		assert_refused(TH_ERR_MALFORMED, "holds no secret key");
	}
	/* a public key is not a secret one */
	scratch_write(good + 21, sizeof(good) - 22, 0600);
	assert_refused(TH_ERR_MALFORMED, "holds no secret key");
	snprintf(text, sizeof(text), "%s\n", good);
	scratch_write(text, sizeof(good), 0600);
	assert_refused(TH_ERR_MALFORMED, "holds no secret key");
	memset(text, 'x', sizeof(text));
	scratch_write(text, sizeof(text), 0600);
	assert_refused(TH_ERR_TOO_LARGE, "is too long, at most 128 bytes are expected");
}

static void test_other_things(void **state)
{
	char elsewhere[256];

	(void)state;
	assert_refused(TH_ERR_NOT_FOUND, "there is no such file; make a key: thimble keygen /tmp/");
	assert_int_equal(mkdir(scratch.path, 0700), 0);
	assert_refused(TH_ERR_INVALID, "is not a regular file");
	assert_int_equal(rmdir(scratch.path), 0);
	assert_int_equal(mkfifo(scratch.path, 0600), 0);
	assert_refused(TH_ERR_INVALID, "is not a regular file");
	assert_int_equal(unlink(scratch.path), 0);
	assert_int_equal(symlink("/dev/zero", scratch.path), 0);
	assert_refused(TH_ERR_INVALID, "is not a regular file");
	assert_int_equal(unlink(scratch.path), 0);
	/* a link that leads nowhere is not written through */
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", scratch.folder);
	assert_int_equal(symlink(elsewhere, scratch.path), 0);
	assert_int_equal(th_key_file_make(&(struct th_noise_pair){ 0 }, scratch.path, &th_rng_system, &scratch.c),
			 TH_ERR_FULL);
	scratch_assert_heard("exists already");
	assert_int_not_equal(access(elsewhere, F_OK), 0);
}

static void test_owner(void **state)
{
	struct th_noise_pair pair;

	(void)state;
	if (geteuid() == 0) {
		scratch_write(good, sizeof(good) - 1, 0600);
		assert_int_equal(chown(scratch.path, 65534, 65534), 0);
		assert_refused(TH_ERR_INVALID,
			       "belongs to user 65534, but thimble runs as user 0; give it to that user: chown 0 ");
		return;
	}
	assert_int_equal(th_key_file_load(&pair, "/etc/passwd", &scratch.c), TH_ERR_INVALID);
	scratch_assert_heard("belongs to user 0");
}

static void test_obtain(void **state)
{
	struct th_noise_pair first, second;
	bool made;

	(void)state;
	assert_int_equal(th_key_file_obtain(&first, &made, scratch.path, &th_rng_system, &scratch.c), TH_OK);
	assert_true(made);
	assert_int_equal(th_key_file_obtain(&second, &made, scratch.path, &th_rng_system, &scratch.c), TH_OK);
	assert_false(made);
	assert_memory_equal(&first, &second, sizeof(first));
	scratch_assert_heard(NULL);
	/* a broken one is not replaced */
	scratch_write("", 0, 0600);
	assert_int_equal(th_key_file_obtain(&first, &made, scratch.path, &th_rng_system, &scratch.c), TH_ERR_MALFORMED);
	assert_false(made);
	assert_wiped(&first);
	scratch_assert_heard("holds no secret key");
	assert_int_equal(th_key_file_obtain(&first, &made, "/nonexistent/key", &th_rng_system, &scratch.c), TH_ERR_IO);
	assert_wiped(&first);
	scratch_assert_heard("/nonexistent/key: cannot be written: No such file or directory (make its folder first)");
}

/* ---- sub-commands ---- */

static enum th_err run(char printed[256], const char *verb, const char *file, const char *more)
{
	char *argv[] = { (char[]){ "thimble" }, strdup(verb), file ? strdup(file) : NULL, more ? strdup(more) : NULL };
	int argc = 2 + (file != NULL) + (more != NULL);
	FILE *out = fmemopen(printed, 256, "w");
	enum th_err err;

	memset(printed, 0, 256);
	assert_non_null(out);
	assert_true(th_key_command_asked(argc, argv));
	err = th_key_command(argc, argv, &th_rng_system, out, &scratch.c);
	fclose(out);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return err;
}

static void test_commands(void **state)
{
	char made[256], shown[256], want[TH_KEY_TEXT];
	struct th_noise_pair pair;

	(void)state;
	assert_int_equal(run(made, "keygen", scratch.path, NULL), TH_OK);
	assert_int_equal(run(shown, "pubkey", scratch.path, NULL), TH_OK);
	assert_string_equal(made, shown);
	assert_int_equal(strlen(made), TH_KEY_CHARS + 1);
	assert_int_equal(load(&pair), TH_OK);
	assert_int_equal(strncmp(made, th_key_text(want, pair.public), TH_KEY_CHARS), 0);
	scratch_assert_heard(NULL);
	assert_int_equal(run(made, "keygen", scratch.path, NULL), TH_ERR_FULL);
	assert_string_equal(made, "");
	scratch_assert_heard("exists already");
	assert_int_equal(run(made, "keygen", scratch.path, "x"), TH_ERR_INVALID);
	scratch_assert_heard("use: thimble keygen [FILE]");
	assert_int_equal(run(made, "pubkey", "--help", NULL), TH_ERR_INVALID);
	scratch_assert_heard("use: thimble pubkey [FILE]");
	assert_int_equal(run(made, "pubkey", "", NULL), TH_ERR_INVALID);
	scratch_assert_heard("use: thimble pubkey [FILE]");
}

static void test_not_asked(void **state)
{
	static const char *const others[] = { "--keygen", "key", "keygenx", "" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(others); i++) {
		char *argv[] = { (char[]){ "thimble" }, strdup(others[i]), (char[]){ "keygen" } };

		assert_false(th_key_command_asked(3, argv));
		assert_false(th_key_command_asked(1, argv));
		free(argv[1]);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_make_and_load), IN_FOLDER(test_fixed),	     IN_FOLDER(test_modes),
		IN_FOLDER(test_contents),      IN_FOLDER(test_other_things), IN_FOLDER(test_owner),
		IN_FOLDER(test_obtain),	       IN_FOLDER(test_commands),     cmocka_unit_test(test_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
