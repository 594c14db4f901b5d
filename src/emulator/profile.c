#include "emulator/profile.h"

#include <string.h>

#define FIELD(m) .at = offsetof(struct th_emu_profile, m), .size = sizeof(((struct th_emu_profile *)0)->m)
#define CHANCE(n, m, h)                                                                                                \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_FRACTION, FIELD(m), .max = TH_PPM, .def = "0", .arg = "PERCENT",          \
		.help = h                                                                                              \
	}
#define TIME(n, m, h)                                                                                                  \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_DURATION, FIELD(m), .max = HOUR, .def = "0", .arg = "TIME", .help = h     \
	}
#define BOOL(n, m, h)                                                                                                  \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_BOOL, FIELD(m), .def = "false", .help = h                                 \
	}
#define HOUR (3600 * TH_SEC)

static const struct th_option params[] = {
	{ .name = "rate",
	  .type = TH_OPTION_RATE,
	  FIELD(rate_bps),
	  .max = 10000000000,
	  .def = "unlimited",
	  .arg = "RATE",
	  .help = "Bits a second, IP and UDP headers counted" },
	TIME("latency", latency, "From a datagram's last bit sent to its arrival"),
	{ .name = "jitter",
	  .type = TH_OPTION_SPREAD,
	  FIELD(jitter),
	  .max = HOUR,
	  .def = "0",
	  .arg = "SPREAD",
	  .help = "Each latency strays by up to this to both sides: a share of it (40 %) or a time (200 ms). The order "
		  "is kept" },
	BOOL("jitter-reorders", jitter_reorders, "Jitter may change the order"),
	CHANCE("loss", loss, "Chance of a datagram to be lost; it has used its airtime"),
	CHANCE("burst-enter", burst_enter,
	       "Bursts (Gilbert-Elliott): chance, with each datagram, that a bad time begins"),
	CHANCE("burst-leave", burst_leave, "Chance, with each datagram, that a bad time ends"),
	CHANCE("burst-loss", burst_loss, "Chance to be lost during a bad time, in place of loss"),
	CHANCE("duplicate", duplicate, "Chance to arrive twice; the copy uses no airtime"),
	CHANCE("reorder", reorder, "Chance to be held back by reorder-delay, while those behind pass"),
	TIME("reorder-delay", reorder_delay, "How long such a datagram is held back"),
	{ .name = "queue-bytes",
	  .type = TH_OPTION_SIZE,
	  FIELD(queue_bytes),
	  .max = (uint64_t)1 << 30,
	  .def = "0",
	  .arg = "SIZE",
	  .help = "What does not fit into the queue before the link is dropped; 0: no limit" },
	{ .name = "queue-packets",
	  .type = TH_OPTION_COUNT,
	  FIELD(queue_packets),
	  .max = 1000000,
	  .def = "1000",
	  .arg = "N",
	  .help = "The same, counted in datagrams; 0: no limit" },
	{ .name = "mtu",
	  .type = TH_OPTION_SIZE,
	  FIELD(mtu),
	  .max = 65535,
	  .def = "0",
	  .arg = "SIZE",
	  .help = "Datagrams that are larger, with headers, are dropped in silence; 0: no limit" },
	BOOL("half-duplex", half_duplex, "Both directions share the air: one sends at a time"),
	TIME("turnaround", turnaround, "Half duplex: silence before this direction sends after the other has"),
	BOOL("outage", outage, "Everything sent or under way is lost"),
};

static const char *const sections[] = { "link" };
static const char *const section_help[] = { "The link, each direction" };

const struct th_option_schema th_emu_params = { params, sizeof(params) / sizeof(params[0]), sections, section_help, 1 };

const char *const th_emu_way_names[] = { "up", "down" };

void th_emu_profile_init(struct th_emu_profile *p)
{
	memset(p, 0, sizeof(*p));
	th_option_defaults(&th_emu_params, p);
}

const struct th_option *th_emu_param_find(const char *name, bool ways[static TH_EMU_WAYS])
{
	bool one = false;

	for (int w = 0; w < TH_EMU_WAYS; w++) {
		size_t n = strlen(th_emu_way_names[w]);

		ways[w] = strncmp(name, th_emu_way_names[w], n) == 0 && name[n] == '.';
		one |= ways[w];
	}
	if (one)
		name = strchr(name, '.') + 1;
	else
		ways[TH_EMU_UP] = ways[TH_EMU_DOWN] = true;
	return th_option_named(&th_emu_params, name);
}
