/* Every option of the program: what it is, its value, and where that came from.
 *
 * One table (option_table.c) holds name, type, limits, default and help. The command line, the configuration file,
 * --dump-config, --help and both manual pages are made from it; docs/internals/daemon.md shows how to add one.
 * Values win in this order: command line, file, default. */
#ifndef TH_DAEMON_OPTIONS_H
#define TH_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "coap/params.h"
#include "exchange/policy.h"
#include "home/home.h"
#include "http/listener.h"
#include "http/upstream.h"
#include "program/option.h"

enum { TH_OPTIONS_MAX = 160 }; /* rows in the table */

enum th_option_section {
	TH_SECTION_DAEMON,
	TH_SECTION_HTTP,
	TH_SECTION_UPSTREAM,
	TH_SECTION_SESSION,
	TH_SECTION_COAP,
	TH_SECTION_HOME,
	TH_SECTION_LAST
};

/* Plain data: copied by assignment. */
struct th_options {
	bool help, version, check_config, dump_config;
	char config[TH_OPTION_PATH_MAX];

	char explain_socket[TH_OPTION_PATH_MAX];
	bool only_http, only_coap, disable_encryption, debug_log;
	th_time drain_timeout;
	struct th_policy policy;

	char http_bind_host[TH_OPTION_HOST_MAX];
	uint16_t http_port;
	struct th_listener_limits listener;

	char http_target[TH_OPTION_URL_MAX];
	char http_target_ca[TH_OPTION_PATH_MAX];
	struct th_upstream_limits upstream;

	char state_dir[TH_OPTION_PATH_MAX];
	struct th_key_list allow;
	bool identify;
	char psk_file[TH_OPTION_PATH_MAX];
	unsigned tag_length; /* 0: 8 bytes, 1: 16 */
	th_time rekey_after, session_lifetime, keepalive;
	size_t max_sessions;
	bool model;	/* code messages by the trained model */
	size_t padding; /* of coded messages, to a multiple of this */

	char coap_bind_host[TH_OPTION_HOST_MAX];
	uint16_t coap_port;
	struct th_target coap_target;
	uint64_t link_up, link_down; /* bit/s */
	th_time link_latency;
	unsigned link_jitter, link_loss; /* percent */
	size_t link_mtu;
	bool link_ours;
	struct th_coap_params coap;

	struct th_home_config home;

	uint8_t origin[TH_OPTIONS_MAX]; /* enum th_option_origin, by place in the table */
	unsigned line[TH_OPTIONS_MAX];	/* line in the file that gave it, 0 for none */
};

extern const struct th_option th_option_table[];
extern const size_t th_option_count;
extern const char *const th_section_names[TH_SECTION_LAST];
extern const char *const th_section_help[TH_SECTION_LAST];
extern const struct th_option_schema th_options_schema; /* the above as one */

/* NULL when there is none of that name. */
static inline const struct th_option *th_option_find(const char *name)
{
	return th_option_named(&th_options_schema, name);
}

/* The option whose name is nearest, NULL when none is near. */
static inline const struct th_option *th_option_nearest(const char *name)
{
	return th_option_like(&th_options_schema, name);
}

static inline const void *th_option_field(const struct th_options *o, const struct th_option *opt)
{
	return (const char *)o + opt->at;
}

/* The whole of start and reload: defaults, then argv, then the file that argv names. Every mistake is complained about;
 * TH_ERR_INVALID when there was one, TH_ERR_IO when the file cannot be read. `o` is then not to be used. */
enum th_err th_options_load(struct th_options *o, int argc, char *const argv[], struct th_complaints *c);

/* Its steps. */
void th_options_init(struct th_options *o);
enum th_err th_options_args(struct th_options *o, int argc, char *const argv[], struct th_complaints *c);
enum th_err th_options_file(struct th_options *o, const char *path, struct th_complaints *c);
/* Reads `in` to its end; `name` stands in the messages. */
enum th_err th_options_stream(struct th_options *o, FILE *in, const char *name, struct th_complaints *c);

/* What no single option can tell: options that contradict each other, and the plain profile's bounds. */
enum th_err th_options_check(const struct th_options *o, struct th_complaints *c);

/* One value, for who has read it: refuses by complaining with `where` in front ("thimble.conf:12: coap-port = 70000").
 */
enum th_err th_options_set(struct th_options *o, const struct th_option *opt, const char *text,
			   enum th_option_origin from, unsigned line, const char *where, struct th_complaints *c);

bool th_options_given(const struct th_options *o, const char *name);

/* Ingress: HTTP in; egress: HTTP out. */
static inline bool th_options_ingress(const struct th_options *o)
{
	return !o->only_coap;
}

static inline bool th_options_egress(const struct th_options *o)
{
	return !o->only_http;
}

/* Where to bind when the profile is plain and the option was not given: loopback, of the target's family. */
const char *th_options_coap_bind(const struct th_options *o);
/* The port to bind: with only-http and no coap-port any free one, so that two daemons fit on one host. */
uint16_t th_options_coap_port(const struct th_options *o);

/* A valid configuration file: every option with help, limits and default; what was not given is commented out. */
void th_options_dump(const struct th_options *o, FILE *out);
void th_options_help(FILE *out);

#endif
