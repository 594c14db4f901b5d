/* thimble-link: an emulated thin link between UDP sockets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "program/process.h"
#include "program/sink.h"
#include "relay/control_socket.h"
#include "relay/relay.h"

enum { STATUS_OK = 0, STATUS_SYSTEM = 1, STATUS_USAGE = 2, TELL_PATIENCE_MS = 5000 };

static void hear(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "thimble-link: %s\n", text);
}

static int printed(void)
{
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_SYSTEM;
}

/* thimble-link tell PATH COMMAND: what a running one answers. */
static int tell(int argc, char *argv[], struct th_complaints *c)
{
	char line[TH_EMU_LINE_MAX + 2] = "", reply[TH_EMU_REPLY_MAX];
	size_t n = 0;
	enum th_err err;

	if (argc < 4) {
		th_complain(c, "use: thimble-link tell PATH COMMAND, as in thimble-link tell /run/link stats");
		return STATUS_USAGE;
	}
	for (int i = 3; i < argc && n < sizeof(line); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s", i == 3 ? "" : " ", argv[i]);
	if (n > TH_EMU_LINE_MAX || strchr(line, '\n')) {
		th_complain(c, "a command has at most %d bytes and one line", (int)TH_EMU_LINE_MAX);
		return STATUS_USAGE;
	}
	err = th_control_tell(argv[2], line, TELL_PATIENCE_MS, reply);
	if (err != TH_OK) {
		th_complain(c, "%s: %s%s", argv[2], err == TH_ERR_IO ? strerror(errno) : th_strerror(err),
			    err == TH_ERR_IO && (errno == ENOENT || errno == ECONNREFUSED)
				    ? " (does a thimble-link run with --control there?)"
				    : "");
		return STATUS_SYSTEM;
	}
	puts(reply);
	return strncmp(reply, "error", strlen("error")) == 0 ? STATUS_USAGE : printed();
}

int main(int argc, char *argv[])
{
	static struct th_relay_options o; /* large */
	struct th_complaints c = { .hear = hear };
	struct th_relay *r;
	int status;

	th_process_init();
	if (argc > 1 && strcmp(argv[1], "tell") == 0)
		return tell(argc, argv, &c);
	if (th_relay_options_load(&o, argc, argv, &c) != TH_OK)
		return STATUS_USAGE;
	if (o.help) {
		th_relay_help(stdout);
		return printed();
	}
	if (o.version) {
		puts("thimble-link " THIMBLE_VERSION);
		return printed();
	}
	th_sink_init(false);
	r = th_relay_new(&th_mem_libc, &o, &c);
	if (!r)
		return STATUS_SYSTEM;
	status = th_relay_run(r);
	th_relay_del(r);
	return status;
}
