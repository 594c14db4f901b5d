/* Both ends of a pair of daemons under test: the HTTP client in front of the near one, the homeserver behind the far
 * one, played by the test itself. Everything is on 127.0.0.1, every wait bounded. */
#ifndef TH_TESTS_DAEMON_ENDS_H
#define TH_TESTS_DAEMON_ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"

/* The number that follows `text` in the program's output; waits for it. */
unsigned program_number(struct program *p, const char *text);
/* Ports that a daemon says it listens on. */
unsigned program_http_port(struct program *p);
unsigned program_coap_port(struct program *p);

/* A TCP socket that listens on the port (0: any), or is connected to it. */
int tcp_socket(unsigned port, bool listening);
unsigned port_of(int fd);
void put(int fd, const char *text);
/* Until `end` has come, the other side closed, or `out` is full. NUL-terminated. */
void get(int fd, char *out, size_t cap, const char *end);

#define ACCESS_TOKEN "syt_YWxpY2U_secret"

struct ends {
	int server, client, upstream; /* listening; towards near; accepted from far */
};

/* The client's PUT of a message reaches the server; its answer is left to the test. */
void begin_exchange(struct ends *k);
void finish_exchange(struct ends *k);
void close_ends(struct ends *k);

#endif
