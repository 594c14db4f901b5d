#include "program/local_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static bool address(struct sockaddr_un *out, const char *path)
{
	_Static_assert(sizeof(out->sun_path) == TH_LOCAL_SOCKET_PATH + 1, "as the header says");

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(out->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(out->sun_path, path, strlen(path) + 1);
	return true;
}

/* Removes what a program that was killed has left. */
static bool clear_place(const struct sockaddr_un *at)
{
	struct stat st;
	int fd, refused;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED;
	close(fd);
	if (refused)
		return unlink(at->sun_path) == 0;
	errno = EADDRINUSE;
	return false;
}

int th_local_socket_listen(const char *path)
{
	struct sockaddr_un at;
	int fd, saved;
	mode_t mask;

	if (!address(&at, path) || !clear_place(&at))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, BACKLOG) == 0) {
		umask(mask);
		return fd;
	}
	saved = errno;
	umask(mask);
	close(fd);
	errno = saved;
	return -1;
}

int th_local_socket_connect(const char *path)
{
	struct sockaddr_un at;
	int fd, saved;

	if (!address(&at, path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
