/* Small files of our own that trust hangs on: read only when nobody else can have put them there, written whole or not
 * at all. Every refusal is complained about once, with the path and what to do. */
#ifndef TH_DAEMON_OWN_FILE_H
#define TH_DAEMON_OWN_FILE_H

#include <sys/types.h>

#include "daemon/options.h"

/* The whole of a regular file of at most `cap` bytes that belongs to this user and has none of the `forbidden` mode
 * bits. TH_ERR_NOT_FOUND, said to nobody: there is none. TH_ERR_INVALID: not such a file. TH_ERR_TOO_LARGE, TH_ERR_IO.
 */
enum th_err th_own_file_read(const char *path, mode_t forbidden, void *out, size_t cap, size_t *n,
			     struct th_complaints *c);

/* A new file, mode 0600, complete on disk when this returns. TH_ERR_FULL, said to nobody: there is one of that name,
 * which is left alone. TH_ERR_IO. */
enum th_err th_own_file_create(const char *path, const void *p, size_t n, struct th_complaints *c);

/* The same, but in the place of an older one: who reads sees the old or the new. TH_ERR_IO. */
enum th_err th_own_file_replace(const char *path, const void *p, size_t n, struct th_complaints *c);

#endif
