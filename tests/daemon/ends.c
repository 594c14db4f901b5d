#include "ends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUEST = 4096 };

unsigned program_number(struct program *p, const char *text)
{
	const char *at;

	program_wait_output(p, text, 0);
	at = strstr(p->output, text);
	return (unsigned)strtoul(at + strlen(text), NULL, 10);
}

unsigned program_http_port(struct program *p)
{
	return program_number(p, "part=http host=127.0.0.1 port=");
}

unsigned program_coap_port(struct program *p)
{
	return program_number(p, "part=link addr=127.0.0.1:");
}

int tcp_socket(unsigned port, bool listening)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval patience = { PROGRAM_PATIENCE_MS / 1000, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (listening) {
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_int_equal(listen(fd, 8), 0);
	} else {
		assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	}
	return fd;
}

unsigned port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

void get(int fd, char *out, size_t cap, const char *end)
{
	size_t n = 0;

	out[0] = '\0';
	while (n + 1 < cap && !(end && strstr(out, end))) {
		ssize_t k = recv(fd, out + n, cap - n - 1, 0);

		if (k <= 0)
			break;
		n += (size_t)k;
		out[n] = '\0';
	}
}

void close_ends(struct ends *k)
{
	close(k->client);
	close(k->upstream);
	close(k->server);
}

void begin_exchange(struct ends *k)
{
	char request[REQUEST];

	put(k->client, "PUT /_matrix/client/v3/rooms/%21r%3Ax/send/m.room.message/1 HTTP/1.1\r\nHost: "
		       "a\r\nAuthorization: Bearer " ACCESS_TOKEN "\r\nContent-Length: 2\r\n\r\n{}");
	k->upstream = accept(k->server, NULL, NULL);
	assert_true(k->upstream >= 0);
	get(k->upstream, request, sizeof(request), "{}");
	assert_non_null(strstr(request, "PUT /_matrix/client/v3/rooms/%21r%3Ax/send/m.room.message/1 HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "\r\nAuthorization: Bearer " ACCESS_TOKEN "\r\n"));
}

void finish_exchange(struct ends *k)
{
	char reply[REQUEST];

	put(k->upstream,
	    "HTTP/1.1 200 OK\r\nContent-Length: 17\r\nContent-Type: application/json\r\n\r\n{\"event_id\":\"$e\"}");
	get(k->client, reply, sizeof(reply), "\"$e\"}");
	assert_int_equal(strncmp(reply, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(reply, "\r\n\r\n{\"event_id\":\"$e\"}"));
}
