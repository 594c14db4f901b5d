#include "daemon/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/own_file.h"

#define SYSTEM_FOLDER "/var/lib/thimble"

enum { MARK_DIGITS = 20, MARK_ROOM = MARK_DIGITS + 2 };

/* systemd gives several folders with colons between; the first is ours. */
static int folder(char out[TH_STATE_PATH], const char *configured)
{
	const char *given = getenv("STATE_DIRECTORY");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (configured[0])
		return snprintf(out, TH_STATE_PATH, "%s", configured);
	if (given && given[0] == '/')
		return snprintf(out, TH_STATE_PATH, "%.*s", (int)strcspn(given, ":"), given);
	if (geteuid() != 0 && xdg && xdg[0] == '/')
		return snprintf(out, TH_STATE_PATH, "%s/thimble", xdg);
	if (geteuid() != 0 && home && home[0] == '/')
		return snprintf(out, TH_STATE_PATH, "%s/.local/state/thimble", home);
	return snprintf(out, TH_STATE_PATH, SYSTEM_FOLDER);
}

const char *th_state_path(char out[TH_STATE_PATH], const char *configured, const char *file)
{
	int n = folder(out, configured);

	if (n < 0 || n + 1 + (int)strlen(file) >= TH_STATE_PATH)
		n = snprintf(out, TH_STATE_PATH, SYSTEM_FOLDER); /* longer than any path can be */
	snprintf(out + n, (size_t)(TH_STATE_PATH - n), "/%s", file);
	return out;
}

enum th_err th_state_make(const char *configured, struct th_complaints *c)
{
	char path[TH_STATE_PATH];

	th_state_path(path, configured, ""); /* ends with a slash */
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST && access(path, X_OK) != 0) {
			th_complain(c, "%s: the state folder cannot be made: %s; name another with state-dir", path,
				    strerror(errno));
			return TH_ERR_IO;
		}
		*p = '/';
	}
	return TH_OK;
}

enum th_err th_state_mark_load(const char *path, uint64_t *mark, struct th_complaints *c)
{
	char text[MARK_ROOM], *end;
	size_t n = 0;
	enum th_err err = th_own_file_read(path, S_IWGRP | S_IWOTH, text, sizeof(text) - 1, &n, c);

	*mark = 0;
	if (err == TH_ERR_NOT_FOUND)
		return TH_OK;
	if (err != TH_OK)
		return err;
	text[n] = '\0';
	errno = 0;
	*mark = strtoull(text, &end, 10);
	if (n > 1 && text[0] >= '0' && text[0] <= '9' && errno == 0 && strcmp(end, "\n") == 0)
		return TH_OK;
	th_complain(c, "%s: is not as thimble writes it; remove it once nobody can repeat what was sent to this daemon "
		       "in the last minutes", path);
	return TH_ERR_MALFORMED;
}

enum th_err th_state_mark_save(const char *path, uint64_t mark, struct th_complaints *c)
{
	char text[MARK_ROOM];
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", mark);

	return th_own_file_replace(path, text, (size_t)n, c);
}
