#include "daemon/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = TH_OPTION_PATH_MAX + 8, OCTAL = 07777 };

static enum th_err check(const char *path, const struct stat *st, mode_t forbidden, struct th_complaints *c)
{
	if (!S_ISREG(st->st_mode)) {
		th_complain(c, "%s: is not a regular file", path);
		return TH_ERR_INVALID;
	}
	if (st->st_uid != geteuid()) {
		th_complain(c, "%s: belongs to user %u, but thimble runs as user %u; give it to that user: chown %u %s",
			    path, (unsigned)st->st_uid, (unsigned)geteuid(), (unsigned)geteuid(), path);
		return TH_ERR_INVALID;
	}
	if (st->st_mode & forbidden) {
		th_complain(
			c,
			"%s: others may %s it (mode %04o); run: chmod 600 %s, unless somebody may have done so already",
			path, forbidden & S_IRGRP ? "read" : "change", (unsigned)st->st_mode & OCTAL, path);
		return TH_ERR_INVALID;
	}
	return TH_OK;
}

/* One byte more than `cap` is asked for, to see that there is none. */
static enum th_err read_all(int fd, const char *path, uint8_t *out, size_t cap, size_t *n, struct th_complaints *c)
{
	uint8_t more;

	*n = 0;
	for (;;) {
		bool full = *n == cap;
		ssize_t got = full ? read(fd, &more, 1) : read(fd, out + *n, cap - *n);

		if (got == 0)
			return TH_OK;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			th_complain(c, "%s: cannot be read: %s", path, strerror(errno));
			return TH_ERR_IO;
		}
		if (full) {
			th_complain(c, "%s: is too long, at most %zu bytes are expected", path, cap);
			return TH_ERR_TOO_LARGE;
		}
		*n += (size_t)got;
	}
}

enum th_err th_own_file_read(const char *path, mode_t forbidden, void *out, size_t cap, size_t *n,
			     struct th_complaints *c)
{
	/* not to wait for a pipe's writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum th_err err;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return TH_ERR_NOT_FOUND;
	if (fd < 0 || fstat(fd, &st) != 0) {
		th_complain(c, "%s: cannot be opened: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return TH_ERR_IO;
	}
	err = check(path, &st, forbidden, c);
	if (err == TH_OK)
		err = read_all(fd, path, out, cap, n, c);
	close(fd);
	return err;
}

static bool write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

/* A complete file beside `path` that only this user may open; its name goes to `name`. */
static bool write_beside(const char *path, const void *p, size_t n, char name[PATH_ROOM])
{
	int len = snprintf(name, PATH_ROOM, "%s.XXXXXX", path), fd;
	bool ok;

	if (len < 0 || len >= PATH_ROOM) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = mkostemp(name, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return false;
	ok = write_all(fd, p, n) && fsync(fd) == 0;
	if (close(fd) == 0 && ok)
		return true;
	unlink(name);
	return false;
}

/* The folder's entry, too, is to survive a power cut. Some file systems cannot: no reason to fail. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_ROOM] = ".";
	int fd;

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static enum th_err complain_io(const char *path, struct th_complaints *c)
{
	th_complain(c, "%s: cannot be written: %s%s", path, strerror(errno),
		    errno == ENOENT ? " (make its folder first)" : "");
	return TH_ERR_IO;
}

enum th_err th_own_file_create(const char *path, const void *p, size_t n, struct th_complaints *c)
{
	char name[PATH_ROOM];
	enum th_err err = TH_OK;

	if (access(path, F_OK) == 0)
		return TH_ERR_FULL;
	if (!write_beside(path, p, n, name))
		return complain_io(path, c);
	/* link, unlike rename, leaves what has come there meanwhile alone */
	if (link(name, path) != 0)
		err = errno == EEXIST ? TH_ERR_FULL : complain_io(path, c);
	unlink(name);
	sync_folder(path);
	return err;
}

enum th_err th_own_file_replace(const char *path, const void *p, size_t n, struct th_complaints *c)
{
	char name[PATH_ROOM];
	enum th_err err;

	if (!write_beside(path, p, n, name))
		return complain_io(path, c);
	if (rename(name, path) != 0) {
		err = complain_io(path, c);
		unlink(name);
		return err;
	}
	sync_folder(path);
	return TH_OK;
}
