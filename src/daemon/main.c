#include <stdio.h>

#include "base/log.h"
#include "base/rng.h"
#include "daemon/key_command.h"
#include "daemon/options.h"
#include "explain/command.h"
#include "program/process.h"
#include "program/sink.h"
#include "daemon/wire.h"

enum { STATUS_OK = 0, STATUS_SYSTEM = 1, STATUS_USAGE = 2 };

static void hear(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "thimble: %s\n", text);
}

static int printed(void)
{
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_SYSTEM;
}

/* Of a subcommand that prints: what it could not do it has complained about. */
static int status_of(enum th_err err)
{
	if (err == TH_OK)
		return printed();
	return err == TH_ERR_INVALID || err == TH_ERR_MALFORMED ? STATUS_USAGE : STATUS_SYSTEM;
}

static int serve(const struct th_options *o, int argc, char *argv[], struct th_complaints *c)
{
	struct th_wire *w;
	int status;

	th_sink_init(o->debug_log);
	th_log(TH_LOG_INFO, "start", "version=%s", THIMBLE_VERSION);
	if (o->disable_encryption)
		th_log(TH_LOG_WARN, "plain",
		       "hint=\"encryption is disabled: whoever can read loopback traffic can read every exchange\"");
	w = th_wire_new(&th_mem_libc, o, argc, argv, c, &status);
	if (!w)
		return status;
	status = th_wire_run(w);
	th_wire_del(w);
	return status;
}

int main(int argc, char *argv[])
{
	struct th_complaints c = { .hear = hear };
	struct th_options o;

	th_process_init();
	if (th_key_command_asked(argc, argv))
		return status_of(th_key_command(argc, argv, &th_rng_system, stdout, &c));
	if (th_explain_command_asked(argc, argv))
		return status_of(th_explain_command(argc, argv, stdout, &c));
	if (th_options_load(&o, argc, argv, &c) != TH_OK)
		return STATUS_USAGE;
	if (o.help) {
		th_options_help(stdout);
		return printed();
	}
	if (o.version) {
		puts("thimble " THIMBLE_VERSION);
		return printed();
	}
	if (o.dump_config) {
		th_options_dump(&o, stdout);
		return printed();
	}
	if (th_options_check(&o, &c) != TH_OK)
		return STATUS_USAGE;
	if (o.check_config) {
		printf("thimble: %s: no mistakes found\n", o.config[0] ? o.config : "command line");
		return printed();
	}
	return serve(&o, argc, argv, &c);
}
