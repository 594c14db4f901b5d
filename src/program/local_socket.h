/* Unix sockets that only this user may connect to. */
#ifndef TH_PROGRAM_LOCAL_SOCKET_H
#define TH_PROGRAM_LOCAL_SOCKET_H

enum { TH_LOCAL_SOCKET_PATH = 107 }; /* most bytes of a path */

/* A listening socket (non-blocking, mode 0600). One that nobody listens at any more is replaced. -1 with errno:
 * EADDRINUSE when somebody listens there, ENAMETOOLONG, EEXIST for another kind of file, or what the system says. */
int th_local_socket_listen(const char *path);

/* The other side: a blocking socket. -1 with errno; ENOENT, ECONNREFUSED when nobody listens. */
int th_local_socket_connect(const char *path);

#endif
