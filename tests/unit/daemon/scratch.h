/* A folder of its own for a test's files, and what was complained about. */
#ifndef TH_UNIT_SCRATCH_H
#define TH_UNIT_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "daemon/options.h"

static struct {
	char folder[64], path[128]; /* of the file under test */
	char heard[TH_OPTION_MESSAGE];
	struct th_complaints c;
} scratch;

static void scratch_hear(void *ctx, const char *text)
{
	(void)ctx;
	snprintf(scratch.heard, sizeof(scratch.heard), "%s", text);
}

static inline int scratch_setup(void **state)
{
	(void)state;
	snprintf(scratch.folder, sizeof(scratch.folder), "/tmp/thimble_unit_XXXXXX");
	assert_non_null(mkdtemp(scratch.folder));
	snprintf(scratch.path, sizeof(scratch.path), "%s/file", scratch.folder);
	scratch.c = (struct th_complaints){ .hear = scratch_hear };
	scratch.heard[0] = '\0';
	return 0;
}

/* Removes what is in the folder; returns how many entries there were. */
static inline unsigned scratch_clear(void)
{
	DIR *d = opendir(scratch.folder);
	char path[512];
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", scratch.folder, e->d_name);
		if (unlink(path) != 0)
			rmdir(path);
		n++;
	}
	closedir(d);
	return n;
}

static inline int scratch_teardown(void **state)
{
	(void)state;
	chmod(scratch.folder, 0700);
	scratch_clear();
	return rmdir(scratch.folder);
}

static inline void scratch_write(const char *text, size_t n, mode_t mode)
{
	int fd = open(scratch.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline size_t scratch_read(char *out, size_t cap)
{
	int fd = open(scratch.path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, out, cap - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	close(fd);
	return (size_t)n;
}

static inline mode_t scratch_mode(void)
{
	struct stat st;

	assert_int_equal(stat(scratch.path, &st), 0);
	return st.st_mode & 07777;
}

/* Exactly one complaint since the last call, and it holds `text`; NULL: none. */
static inline void scratch_assert_heard(const char *text)
{
	if (!text) {
		if (scratch.c.n)
			fail_msg("heard: %s", scratch.heard);
		return;
	}
	assert_int_equal(scratch.c.n, 1);
	if (!strstr(scratch.heard, text))
		fail_msg("no \"%s\" in: %s", text, scratch.heard);
	scratch.c.n = 0;
	scratch.heard[0] = '\0';
}

#endif
