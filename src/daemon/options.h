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

enum {
	TH_OPTIONS_MAX = 128,	  /* rows in the table */
	TH_OPTION_HOST_MAX = 256, /* a host name or address and its NUL */
	TH_OPTION_URL_MAX = 512,
	TH_OPTION_PATH_MAX = 1024,
	TH_OPTION_TEXT = 1024,	  /* room for any value as text */
	TH_OPTION_MESSAGE = 1024, /* one complaint */
};

enum th_option_type {
	TH_OPTION_BOOL,	    /* bool */
	TH_OPTION_PORT,	    /* uint16_t */
	TH_OPTION_ADDRESS,  /* char[TH_OPTION_HOST_MAX]: numeric IPv4 or IPv6 */
	TH_OPTION_TARGET,   /* struct th_target: HOST[:PORT]; `#KEY` is reserved for the peer's public key */
	TH_OPTION_URL,	    /* char[TH_OPTION_URL_MAX]: http:// or https:// */
	TH_OPTION_FILE,	    /* char[TH_OPTION_PATH_MAX] */
	TH_OPTION_DURATION, /* th_time */
	TH_OPTION_SIZE,	    /* size_t or uint64_t: bytes */
	TH_OPTION_COUNT,    /* unsigned or size_t */
	TH_OPTION_PERCENT,  /* unsigned */
	TH_OPTION_CHOICE,   /* unsigned: place in `choices` */
};

enum th_option_section {
	TH_SECTION_DAEMON,
	TH_SECTION_HTTP,
	TH_SECTION_UPSTREAM,
	TH_SECTION_COAP,
	TH_SECTION_HOME,
	TH_SECTION_LAST
};

enum {
	TH_OPTION_RELOAD = 1,	    /* SIGHUP applies a new value; without it a restart does */
	TH_OPTION_COMMAND_LINE = 2, /* not for the file */
	TH_OPTION_OPTIONAL = 4,	    /* text may be empty: not set */
	TH_OPTION_NEVER = 8,	    /* a duration may be "never": TH_NEVER */
};

struct th_option {
	const char *name;
	enum th_option_type type;
	enum th_option_section section;
	unsigned flags;
	size_t at, size;   /* the field in struct th_options */
	uint64_t min, max; /* ns, bytes, count or percent */
	const char *def;   /* NULL: the default of the module whose limit it is; then th_options_init() knows */
	const char *const *choices; /* ends with NULL */
	const char *arg;	    /* what --help calls the value; NULL for bool */
	const char *help;	    /* sentences without the last full stop; ASCII, no markup */
};

struct th_target {
	char host[TH_OPTION_HOST_MAX]; /* "" when not set; IPv6 without brackets */
	uint16_t port;
};

enum th_option_origin { TH_FROM_DEFAULT, TH_FROM_FILE, TH_FROM_COMMAND_LINE };

/* Plain data: copied by assignment. */
struct th_options {
	bool help, version, check_config, dump_config;
	char config[TH_OPTION_PATH_MAX];

	bool only_http, only_coap, disable_encryption, debug_log;
	th_time drain_timeout;
	struct th_policy policy;

	char http_bind_host[TH_OPTION_HOST_MAX];
	uint16_t http_port;
	struct th_listener_limits listener;

	char http_target[TH_OPTION_URL_MAX];
	char http_target_ca[TH_OPTION_PATH_MAX];
	struct th_upstream_limits upstream;

	char coap_bind_host[TH_OPTION_HOST_MAX];
	uint16_t coap_port;
	struct th_target coap_target;
	struct th_coap_params coap;

	struct th_home_config home;

	uint8_t origin[TH_OPTIONS_MAX]; /* enum th_option_origin, by place in the table */
	unsigned line[TH_OPTIONS_MAX];	/* line in the file that gave it, 0 for none */
};

/* Who hears of what is wrong. `text` is one line: "thimble.conf:12: coap-port = 70000: must be a port from 0 to 65535".
 */
struct th_complaints {
	void (*hear)(void *ctx, const char *text);
	void *ctx;
	unsigned n; /* how many there were */
};
__attribute__((format(printf, 2, 3))) void th_complain(struct th_complaints *c, const char *fmt, ...);

extern const struct th_option th_option_table[];
extern const size_t th_option_count;
extern const char *const th_section_names[TH_SECTION_LAST];
extern const char *const th_section_help[TH_SECTION_LAST];

/* NULL when there is none of that name. */
const struct th_option *th_option_find(const char *name);
/* The option whose name is nearest, NULL when none is near. */
const struct th_option *th_option_nearest(const char *name);

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

/* Text to value: TH_ERR_INVALID, TH_ERR_TOO_LARGE for text that does not fit; TH_ERR_UNSUPPORTED for a target with a
 * key. `field` is untouched then, else all its opt->size bytes are written. */
enum th_err th_option_parse(const struct th_option *opt, const char *text, void *field);
/* Value to text that th_option_parse() takes: "2 s", "64 KiB". Returns out. */
const char *th_option_format(const struct th_option *opt, const void *field, char out[TH_OPTION_TEXT]);
/* "a port from 0 to 65535". Returns out. */
const char *th_option_allowed(const struct th_option *opt, char out[TH_OPTION_TEXT]);

/* A valid configuration file: every option with help, limits and default; what was not given is commented out. */
void th_options_dump(const struct th_options *o, FILE *out);
void th_options_help(FILE *out);

#endif
