#include "daemon/options.h"

#include <stdarg.h>
#include <string.h>

#include "link/resolve.h"

enum { NAME_MAX_BYTES = 40, NEAR_ENOUGH = 3 };

void th_complain(struct th_complaints *c, const char *fmt, ...)
{
	char text[TH_OPTION_MESSAGE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	c->n++;
	c->hear(c->ctx, text);
}

const struct th_option *th_option_find(const char *name)
{
	for (size_t i = 0; i < th_option_count; i++)
		if (strcmp(th_option_table[i].name, name) == 0)
			return &th_option_table[i];
	return NULL;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance with one row. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	size_t n = strlen(b);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (unsigned j = 0; j < n; j++) {
			unsigned above = row[j + 1];

			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[n];
}

const struct th_option *th_option_nearest(const char *name)
{
	const struct th_option *found = NULL;
	unsigned best = NEAR_ENOUGH + 1;

	if (strlen(name) > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < th_option_count; i++) {
		unsigned d = distance(name, th_option_table[i].name);

		if (d < best && d < strlen(th_option_table[i].name) / 2) {
			best = d;
			found = &th_option_table[i];
		}
	}
	return found;
}

void th_options_init(struct th_options *o)
{
	memset(o, 0, sizeof(*o));
	o->listener = th_listener_limits_default;
	o->upstream = th_upstream_limits_default;
	o->coap = th_coap_params_loopback;
	o->home = th_home_default;
	for (size_t i = 0; i < th_option_count; i++) {
		const struct th_option *opt = &th_option_table[i];

		if (opt->def)
			th_option_parse(opt, opt->def,
					(char *)o + opt->at); /* options_test proves that these are good */
	}
}

bool th_options_given(const struct th_options *o, const char *name)
{
	const struct th_option *opt = th_option_find(name);

	return opt && o->origin[opt - th_option_table] != TH_FROM_DEFAULT;
}

enum th_err th_options_set(struct th_options *o, const struct th_option *opt, const char *text,
			   enum th_option_origin from, unsigned line, const char *where, struct th_complaints *c)
{
	struct th_options scratch; /* as large as any field */
	size_t i = (size_t)(opt - th_option_table);
	char allowed[TH_OPTION_TEXT];
	enum th_err err = th_option_parse(opt, text, &scratch);

	switch (err) {
	case TH_OK:
		break;
	case TH_ERR_UNSUPPORTED:
		th_complain(c, "%s: a public key after # needs encryption, which this version does not have", where);
		return TH_ERR_INVALID;
	case TH_ERR_TOO_LARGE:
		th_complain(c, "%s: is too long, at most %zu bytes fit", where, opt->size - 1);
		return TH_ERR_INVALID;
	default:
		th_complain(c, "%s: must be %s", where, th_option_allowed(opt, allowed));
		return TH_ERR_INVALID;
	}
	o->line[i] = line ? line : o->line[i];
	if (from < o->origin[i])
		return TH_OK;
	memcpy((char *)o + opt->at, &scratch, opt->size);
	o->origin[i] = (uint8_t)from;
	return TH_OK;
}

enum th_err th_options_load(struct th_options *o, int argc, char *const argv[], struct th_complaints *c)
{
	enum th_err err;

	th_options_init(o);
	err = th_options_args(o, argc, argv, c);
	if (o->config[0]) {
		enum th_err file_err = th_options_file(o, o->config, c);

		err = err == TH_OK ? file_err : err;
	}
	return err;
}

const char *th_options_coap_bind(const struct th_options *o)
{
	struct th_addr target;

	if (!o->disable_encryption || th_options_given(o, "coap-bind-host"))
		return o->coap_bind_host;
	if (strchr(o->coap_target.host, ':') && th_addr_parse(&target, o->coap_target.host, 0))
		return "::1";
	return "127.0.0.1";
}

uint16_t th_options_coap_port(const struct th_options *o)
{
	return o->only_http && !th_options_given(o, "coap-port") ? 0 : o->coap_port;
}

/* "FILE:LINE: " of an option that the file gave, else "". Returns out. */
static const char *place(const struct th_options *o, const char *name, char out[TH_OPTION_MESSAGE / 2])
{
	size_t i = (size_t)(th_option_find(name) - th_option_table);

	out[0] = '\0';
	if (o->origin[i] == TH_FROM_FILE && o->config[0])
		snprintf(out, TH_OPTION_MESSAGE / 2, "%.200s:%u: ", o->config, o->line[i]);
	return out;
}

static void complain_not_loopback(const struct th_options *o, const char *name, const char *host,
				  struct th_complaints *c)
{
	char where[TH_OPTION_MESSAGE / 2];

	th_complain(c, "%s%s = %s: with disable-encryption it must be a loopback address, 127.0.0.1 or ::1",
		    place(o, name, where), name, host);
}

/* This version has no other profile than the plain one, and that one does not leave the machine. */
static void check_plain(const struct th_options *o, struct th_complaints *c)
{
	struct th_addr a;

	if (!o->disable_encryption) {
		th_complain(c, "this version of thimble has no encryption yet, only the plain profile, which is for "
			       "debugging on loopback; start it with --disable-encryption, or disable-encryption = "
			       "true in the file");
		return;
	}
	if (!th_addr_parse(&a, th_options_coap_bind(o), 0) || !th_addr_is_loopback(&a))
		complain_not_loopback(o, "coap-bind-host", o->coap_bind_host, c);
	if (th_addr_parse(&a, o->coap_target.host, 0) && !th_addr_is_loopback(&a))
		complain_not_loopback(o, "coap-target", o->coap_target.host, c);
}

static void check_coap(const struct th_coap_params *p, struct th_complaints *c)
{
	enum { HEADER_ROOM = 48 }; /* header, token and the options that go with a block */
	size_t block = (size_t)16 << p->szx;

	if (p->rto_min > p->rto_max)
		th_complain(c, "rto-min must not be above rto-max");
	if (p->window_start > p->window_max)
		th_complain(c, "window-start must not be above window-max");
	if (p->body_window < 2 * block)
		th_complain(c, "body-window must hold two blocks of block-size: at least %zu bytes", 2 * block);
	if (p->max_message < block + HEADER_ROOM)
		th_complain(c, "max-datagram must hold block-size and %d bytes more: at least %zu bytes",
			    (int)HEADER_ROOM, block + HEADER_ROOM);
}

enum th_err th_options_check(const struct th_options *o, struct th_complaints *c)
{
	unsigned before = c->n;

	if (o->only_http && o->only_coap)
		th_complain(c, "only-http and only-coap exclude each other: together they would turn both halves off");
	if (o->only_http && !o->coap_target.host[0])
		th_complain(c, "only-http needs coap-target: the daemon that the requests go to");
	check_plain(o, c);
	check_coap(&o->coap, c);
	return c->n == before ? TH_OK : TH_ERR_INVALID;
}
