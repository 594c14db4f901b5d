/* Options of a program as a table: what each is, its limits, and how its value goes between text and memory.
 *
 * A program has one table of rows (a schema) and one struct that holds the values. Command line, --help and manual page
 * are made from the table; docs/internals/daemon.md shows how to add a row. */
#ifndef TH_PROGRAM_OPTION_H
#define TH_PROGRAM_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "session/key.h"

enum {
	TH_OPTION_HOST_MAX = 256, /* a host name or address and its NUL */
	TH_OPTION_URL_MAX = 512,
	TH_OPTION_PATH_MAX = 1024,
	TH_OPTION_TEXT = 4096,	    /* room for any value as text */
	TH_OPTION_MESSAGE = 1024,   /* one complaint */
	TH_OPTION_KEYS_MAX = 64,    /* public keys in one list */
	TH_OPTION_FIELD_MAX = 4096, /* no field is larger, but for TH_OPTION_LINES */
	TH_PPM = 1000000,
};

enum th_option_type {
	TH_OPTION_BOOL,	    /* bool */
	TH_OPTION_PORT,	    /* uint16_t */
	TH_OPTION_ADDRESS,  /* char[TH_OPTION_HOST_MAX]: numeric IPv4 or IPv6 */
	TH_OPTION_TARGET,   /* struct th_target: HOST[:PORT][#KEY], the peer's public key */
	TH_OPTION_KEYS,	    /* struct th_key_list: public keys with spaces between; given again it grows */
	TH_OPTION_URL,	    /* char[TH_OPTION_URL_MAX]: http:// or https:// */
	TH_OPTION_FILE,	    /* char[TH_OPTION_PATH_MAX] */
	TH_OPTION_DURATION, /* th_time */
	TH_OPTION_SIZE,	    /* size_t or uint64_t: bytes */
	TH_OPTION_COUNT,    /* unsigned or size_t */
	TH_OPTION_PERCENT,  /* unsigned */
	TH_OPTION_CHOICE,   /* unsigned: place in `choices` */
	TH_OPTION_ENDPOINT, /* struct th_addr: numeric address and port */
	TH_OPTION_RATE,	    /* uint64_t: bit/s, 0 for no limit */
	TH_OPTION_FRACTION, /* unsigned: parts per million, as text a percentage with up to four decimals */
	TH_OPTION_SPREAD,   /* struct th_spread */
	TH_OPTION_LINES, /* char[]: may come several times; each takes all words up to the next option, one line each */
};

enum {
	TH_OPTION_RELOAD = 1,	    /* SIGHUP applies a new value; without it a restart does */
	TH_OPTION_COMMAND_LINE = 2, /* not for the file */
	TH_OPTION_OPTIONAL = 4,	    /* text may be empty: not set */
	TH_OPTION_NEVER = 8,	    /* a duration may be "never": TH_NEVER */
	TH_OPTION_HIDDEN = 16,	    /* --help and manual page say it in another place */
};

struct th_option {
	const char *name;
	enum th_option_type type;
	unsigned section; /* place in the schema's sections */
	unsigned flags;
	size_t at, size;   /* the field in the struct of values */
	uint64_t min, max; /* ns, bytes, bit/s, ppm, count or percent */
	const char *def;   /* NULL: the default of the module whose limit it is; then who makes the values knows */
	const char *const *choices; /* ends with NULL */
	const char *arg;	    /* what --help calls the value; NULL for bool */
	const char *help;	    /* sentences without the last full stop; ASCII, no markup */
};

struct th_target {
	char host[TH_OPTION_HOST_MAX]; /* "" when not set; IPv6 without brackets */
	uint16_t port;
	bool has_key;
	uint8_t key[TH_NOISE_DH]; /* zero without one */
};

struct th_key_list {
	size_t n;
	uint8_t key[TH_OPTION_KEYS_MAX][TH_NOISE_DH]; /* zero from n on, so that equal lists are equal bytes */
};

/* How far a time strays to both sides: by a fixed time, or by a share of it. One of the two is 0. */
struct th_spread {
	th_time time;
	uint64_t ppm;
};

enum th_option_origin { TH_FROM_DEFAULT, TH_FROM_FILE, TH_FROM_COMMAND_LINE };

/* All options of one program. Borrowed for ever: static. */
struct th_option_schema {
	const struct th_option *rows;
	size_t n;
	const char *const *sections; /* short names, as [section] in a file */
	const char *const *section_help;
	size_t n_sections;
};

/* The values of one schema while they are read. Everything is borrowed; `origin` and `line` are by place in the table.
 */
struct th_option_values {
	const struct th_option_schema *schema;
	void *fields;
	uint8_t *origin; /* enum th_option_origin */
	unsigned *line;	 /* line in the file that gave it, 0 for none */
};

/* Who hears of what is wrong. `text` is one line: "thimble.conf:12: coap-port = 70000: must be a port from 0 to 65535".
 */
struct th_complaints {
	void (*hear)(void *ctx, const char *text);
	void *ctx;
	unsigned n; /* how many there were */
};
__attribute__((format(printf, 2, 3))) void th_complain(struct th_complaints *c, const char *fmt, ...);

/* NULL when there is none of that name. */
const struct th_option *th_option_named(const struct th_option_schema *s, const char *name);
/* The option whose name is nearest, NULL when none is near. */
const struct th_option *th_option_like(const struct th_option_schema *s, const char *name);

/* Text to value: TH_ERR_INVALID, TH_ERR_TOO_LARGE for text that does not fit. `field` is untouched then, else all its
 * opt->size bytes are written. Not for TH_OPTION_LINES. */
enum th_err th_option_parse(const struct th_option *opt, const char *text, void *field);
/* Value to text that th_option_parse() takes: "2 s", "64 KiB". Returns out. */
const char *th_option_format(const struct th_option *opt, const void *field, char out[TH_OPTION_TEXT]);
/* "a port from 0 to 65535". Returns out. */
const char *th_option_allowed(const struct th_option *opt, char out[TH_OPTION_TEXT]);

/* Writes the default of every row that has one. */
void th_option_defaults(const struct th_option_schema *s, void *fields);

/* One value, for who has read it: refuses by complaining with `where` in front ("thimble.conf:12: coap-port = 70000").
 */
enum th_err th_option_take(const struct th_option_values *v, const struct th_option *opt, const char *text,
			   enum th_option_origin from, unsigned line, const char *where, struct th_complaints *c);
/* The command line. Every mistake is complained about; TH_ERR_INVALID when there was one. */
enum th_err th_option_args(const struct th_option_values *v, int argc, char *const argv[], struct th_complaints *c);

/* The list of options for --help: sections, names, meanings; defaults, read from `defaults`, in parentheses. */
void th_option_help(const struct th_option_schema *s, const void *defaults, FILE *out);
/* Words of `text` into lines of at most 96 columns, the first of which starts at `column`; each further one after
 * `lead`. Ends the line. */
void th_option_wrap(FILE *out, const char *text, int column, const char *lead);

#endif
