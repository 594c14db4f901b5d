/* The Unix socket that takes commands: a line each, a line in answer. */
#ifndef TH_RELAY_CONTROL_SOCKET_H
#define TH_RELAY_CONTROL_SOCKET_H

#include "base/loop.h"
#include "emulator/command.h"

enum { TH_CONTROL_CONNECTIONS = 16 };

struct th_control_socket;

/* Only this user may connect (mode 0600). A socket that nobody listens at any more is replaced. `control` is borrowed.
 * NULL with errno: EADDRINUSE when somebody listens there, ENAMETOOLONG past 107 bytes, EEXIST for another kind of
 * file. */
struct th_control_socket *th_control_socket_new(struct th_loop *loop, const struct th_mem *mem, const char *path,
						struct th_emu_control *control);
/* Removes the socket's file too. May be NULL. */
void th_control_socket_del(struct th_control_socket *s);

/* The other side of it, for scripts: sends `line`, waits at most `patience_ms` for the answer. TH_ERR_IO with errno,
 * TH_ERR_TIMEOUT, TH_ERR_CLOSED. */
enum th_err th_control_tell(const char *path, const char *line, int patience_ms, char reply[static TH_EMU_REPLY_MAX]);

#endif
