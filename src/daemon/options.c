#include "daemon/options.h"

#include <string.h>

#include "link/resolve.h"

enum { SESSIONS_DEFAULT = 1024 };

/* The struct as program/option.h works on it. */
static struct th_option_values values_of(struct th_options *o)
{
	return (struct th_option_values){ &th_options_schema, o, o->origin, o->line };
}

void th_options_init(struct th_options *o)
{
	memset(o, 0, sizeof(*o));
	o->listener = th_listener_limits_default;
	o->upstream = th_upstream_limits_default;
	o->coap = th_coap_params_loopback;
	o->home = th_home_default;
	o->max_sessions = SESSIONS_DEFAULT;
	th_option_defaults(&th_options_schema, o);
}

bool th_options_given(const struct th_options *o, const char *name)
{
	const struct th_option *opt = th_option_find(name);

	return opt && o->origin[opt - th_option_table] != TH_FROM_DEFAULT;
}

enum th_err th_options_set(struct th_options *o, const struct th_option *opt, const char *text,
			   enum th_option_origin from, unsigned line, const char *where, struct th_complaints *c)
{
	struct th_option_values v = values_of(o);

	return th_option_take(&v, opt, text, from, line, where, c);
}

enum th_err th_options_args(struct th_options *o, int argc, char *const argv[], struct th_complaints *c)
{
	struct th_option_values v = values_of(o);

	return th_option_args(&v, argc, argv, c);
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

/* The plain profile does not leave the machine. */
static void check_plain(const struct th_options *o, struct th_complaints *c)
{
	struct th_addr a;

	if (!o->disable_encryption)
		return;
	if (o->explain_socket[0])
		th_complain(c, "explain-socket shows what the model codes; with disable-encryption nothing is coded");
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
