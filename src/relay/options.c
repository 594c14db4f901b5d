#include "relay/options.h"

#include <assert.h>
#include <string.h>

#define FIELD(m) .at = offsetof(struct th_relay_options, m), .size = sizeof(((struct th_relay_options *)0)->m)

enum { SECTION_PROGRAM, SECTION_LINK, SECTIONS, NAME_MAX_BYTES = 32, PRESETS_MAX = 16 };

static const char *const sections[SECTIONS] = { "program", "link" };
static const char *const section_help[SECTIONS] = { "The program",
						    "The link, both directions; --up-NAME and --down-NAME "
						    "set one" };
static const char *const capture_points[] = { "sent", "delivered", NULL };
static const char *presets[PRESETS_MAX + 2];

static const struct th_option own[] = {
	{ .name = "help", .type = TH_OPTION_BOOL, FIELD(help), .def = "false", .help = "Print the options and end" },
	{ .name = "version",
	  .type = TH_OPTION_BOOL,
	  FIELD(version),
	  .def = "false",
	  .help = "Print the version and end" },
	{ .name = "listen",
	  .type = TH_OPTION_ENDPOINT,
	  FIELD(listen),
	  .arg = "ADDRESS:PORT",
	  .help = "Where clients send to; port 0 takes any free one, which the log names" },
	{ .name = "target",
	  .type = TH_OPTION_ENDPOINT,
	  FIELD(target),
	  .arg = "ADDRESS:PORT",
	  .help = "Where their datagrams go. IPv4 or IPv6 here says what headers are counted: 28 or 48 bytes" },
	{ .name = "control",
	  .type = TH_OPTION_FILE,
	  .flags = TH_OPTION_OPTIONAL,
	  FIELD(control),
	  .def = "",
	  .arg = "PATH",
	  .help = "Take commands at this Unix socket" },
	{ .name = "at",
	  .type = TH_OPTION_LINES,
	  FIELD(at),
	  .arg = "TIME COMMAND",
	  .help = "Do this so long after the start, as in --at 60s down --at 90s up --at 120s set loss 20 %; may come "
		  "several times" },
	{ .name = "show",
	  .type = TH_OPTION_BOOL,
	  FIELD(show),
	  .def = "false",
	  .help = "A line on standard output for each datagram at its end: direction, bytes, airtime, what became of "
		  "it" },
	{ .name = "show-start",
	  .type = TH_OPTION_BOOL,
	  FIELD(show_start),
	  .def = "false",
	  .help = "The same, and one more line when its first bit is sent" },
	{ .name = "capture",
	  .type = TH_OPTION_FILE,
	  .flags = TH_OPTION_OPTIONAL,
	  FIELD(capture),
	  .def = "",
	  .arg = "FILE",
	  .help = "Write datagrams to this pcap file, for Wireshark" },
	{ .name = "capture-at",
	  .type = TH_OPTION_CHOICE,
	  FIELD(capture_at),
	  .choices = capture_points,
	  .def = "sent",
	  .arg = "POINT",
	  .help = "What the file holds: all that was sent, lost ones too, at the time of their first bit; or all that "
		  "arrived, copies too" },
	{ .name = "seed",
	  .type = TH_OPTION_COUNT,
	  FIELD(seed),
	  .max = UINT64_MAX,
	  .def = "1",
	  .arg = "N",
	  .help = "Of chance: the n-th datagram of a direction meets the same fate in each run with the same seed" },
	{ .name = "max-clients",
	  .type = TH_OPTION_COUNT,
	  FIELD(max_clients),
	  .min = 1,
	  .max = 4096,
	  .def = "64",
	  .arg = "N",
	  .help = "Clients at once, each with a source port of its own towards the target; one more replaces the one "
		  "that has been silent longest" },
	{ .name = "nat-timeout",
	  .type = TH_OPTION_DURATION,
	  .flags = TH_OPTION_NEVER,
	  FIELD(nat_timeout),
	  .min = 100 * TH_MS,
	  .max = 24 * 3600 * TH_SEC,
	  .def = "never",
	  .arg = "TIME",
	  .help = "A client that was silent this long gets another source port, as behind a NAT (RFC 4787: at least 2 "
		  "min)" },
	{ .name = "preset",
	  .type = TH_OPTION_CHOICE,
	  .section = SECTION_LINK,
	  FIELD(preset),
	  .choices = presets,
	  .def = "none",
	  .arg = "NAME",
	  .help = "A known kind of link, see below; parameters given beside it win" },
};

enum { OWN = sizeof(own) / sizeof(own[0]) };

static struct th_option rows[TH_RELAY_OPTIONS_MAX];
static char names[TH_RELAY_OPTIONS_MAX][NAME_MAX_BYTES];
static struct th_option_schema schema;

/* A parameter as an option: its field lies in the profile that stands at `base`. */
static void add_param(const struct th_option *param, const char *prefix, size_t base, bool hidden)
{
	size_t i = schema.n++, head = strlen(prefix), tail = strlen(param->name) + 1;

	assert(i < TH_RELAY_OPTIONS_MAX && head + tail <= NAME_MAX_BYTES);
	memcpy(names[i], prefix, head);
	memcpy(names[i] + head, param->name, tail);
	rows[i] = *param;
	rows[i].name = names[i];
	rows[i].at += base;
	rows[i].section = SECTION_LINK;
	rows[i].flags |= hidden ? TH_OPTION_HIDDEN : 0;
}

const struct th_option_schema *th_relay_schema(void)
{
	static const char *const prefixes[TH_EMU_WAYS] = { "up-", "down-" };

	if (schema.n)
		return &schema;
	assert(th_emu_preset_count <= PRESETS_MAX);
	presets[0] = "none";
	for (size_t i = 0; i < th_emu_preset_count; i++)
		presets[i + 1] = th_emu_presets[i].name;
	memcpy(rows, own, sizeof(own));
	schema = (struct th_option_schema){ rows, OWN, sections, section_help, SECTIONS };
	for (size_t i = 0; i < th_emu_params.n; i++)
		add_param(&th_emu_params.rows[i], "", offsetof(struct th_relay_options, both), false);
	for (size_t w = 0; w < TH_EMU_WAYS; w++)
		for (size_t i = 0; i < th_emu_params.n; i++)
			add_param(&th_emu_params.rows[i], prefixes[w],
				  offsetof(struct th_relay_options, way) + w * sizeof(struct th_emu_profile), true);
	return &schema;
}

void th_relay_options_init(struct th_relay_options *o)
{
	memset(o, 0, sizeof(*o));
	th_option_defaults(th_relay_schema(), o);
}

static bool given(const struct th_relay_options *o, const char *name)
{
	return o->origin[th_option_named(&schema, name) - rows] != TH_FROM_DEFAULT;
}

static void ignore(void *user, const struct th_emu_command *c)
{
	(void)c;
	++*(unsigned *)user;
}

static void check(const struct th_relay_options *o, struct th_complaints *c)
{
	char why[TH_OPTION_MESSAGE];
	unsigned commands = 0;

	if (!given(o, "listen"))
		th_complain(c, "--listen is needed: where clients send to, as in --listen 127.0.0.1:5690");
	if (o->target.port == 0)
		th_complain(c,
			    "--target is needed, with a port: where their datagrams go, as in --target 127.0.0.1:5683");
	if (th_relay_schedule(o, ignore, &commands, why) != TH_OK)
		th_complain(c, "%s", why);
	if (commands > TH_EMU_SCHEDULE_MAX)
		th_complain(c, "--at: %u commands, at most %d fit", commands, (int)TH_EMU_SCHEDULE_MAX);
}

enum th_err th_relay_options_load(struct th_relay_options *o, int argc, char *const argv[], struct th_complaints *c)
{
	struct th_option_values v = { th_relay_schema(), o, o->origin, o->line };
	unsigned before = c->n;

	th_relay_options_init(o);
	th_option_args(&v, argc, argv, c);
	if (c->n == before && !o->help && !o->version)
		check(o, c);
	return c->n == before ? TH_OK : TH_ERR_INVALID;
}

/* Of parameters that were given: both directions' rows come first, each direction's after them. */
void th_relay_profiles(const struct th_relay_options *o, struct th_emu_profile out[static TH_EMU_WAYS])
{
	for (size_t w = 0; w < TH_EMU_WAYS; w++)
		th_emu_profile_init(&out[w]);
	if (o->preset)
		th_emu_preset_apply(&th_emu_presets[o->preset - 1], out);
	for (size_t w = 0; w < TH_EMU_WAYS; w++)
		for (size_t i = 0; i < th_emu_params.n; i++) {
			const struct th_option *param = &th_emu_params.rows[i];
			void *field = th_emu_param_field(&out[w], param);

			if (o->origin[OWN + i] != TH_FROM_DEFAULT)
				memcpy(field, (const char *)&o->both + param->at, param->size);
			if (o->origin[OWN + (1 + w) * th_emu_params.n + i] != TH_FROM_DEFAULT)
				memcpy(field, (const char *)&o->way[w] + param->at, param->size);
		}
}

enum th_err th_relay_schedule(const struct th_relay_options *o,
			      void (*each)(void *user, const struct th_emu_command *c), void *user,
			      char why[static TH_OPTION_MESSAGE])
{
	for (const char *p = o->at; *p; p += strcspn(p, "\n") + 1) {
		int n = (int)strcspn(p, "\n");
		char line[TH_EMU_LINE_MAX + 8], mistake[TH_OPTION_MESSAGE];
		struct th_emu_command c;

		snprintf(line, sizeof(line), "at %.*s", n, p);
		if (th_emu_command_parse(&c, line, mistake) != TH_OK) {
			snprintf(why, TH_OPTION_MESSAGE, "command line: --at %.*s: %.700s", n < 100 ? n : 100, p,
				 mistake);
			return TH_ERR_INVALID;
		}
		each(user, &c);
	}
	return TH_OK;
}

void th_relay_help(FILE *out)
{
	struct th_relay_options defaults;

	th_relay_options_init(&defaults);
	fputs("Usage: thimble-link --listen ADDRESS:PORT --target ADDRESS:PORT [OPTION]...\n"
	      "       thimble-link tell PATH COMMAND\n"
	      "Carries UDP datagrams between clients and a target over an emulated thin link.\n"
	      "Options are --name VALUE or --name=VALUE, switches --name or --no-name.\n"
	      "Defaults stand in parentheses.\n",
	      out);
	th_option_help(th_relay_schema(), &defaults, out);
	fputs("\nPresets:\n", out);
	for (size_t i = 0; i < th_emu_preset_count; i++)
		fprintf(out, "  %-8s %s\n", th_emu_presets[i].name, th_emu_presets[i].about);
	fputs("\nCommands, for --at, tell and the control socket:\n"
	      "  get [NAME]   set NAME VALUE   preset NAME   stats   reset   down   up   rebind   at TIME COMMAND\n"
	      "\nSee thimble-link(1).\n",
	      out);
}
