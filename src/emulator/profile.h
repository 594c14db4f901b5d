/* What one direction of the emulated link is like, the table of its parameters, and presets.
 *
 * The same table makes the options of thimble-link, the names that its control socket knows, and the manual page. */
#ifndef TH_EMULATOR_PROFILE_H
#define TH_EMULATOR_PROFILE_H

#include "program/option.h"

/* Up: from those who send first (clients) to the target. */
enum th_emu_way { TH_EMU_UP, TH_EMU_DOWN, TH_EMU_WAYS };

extern const char *const th_emu_way_names[TH_EMU_WAYS];

/* Of one direction. Bytes are counted at the IP level, with IP and UDP headers. */
struct th_emu_profile {
	uint64_t rate_bps; /* 0: no limit */
	th_time latency;
	struct th_spread jitter; /* each latency is drawn from latency - spread … latency + spread */
	th_time reorder_delay;
	uint64_t queue_bytes; /* waiting, without the one that is being sent; 0: no limit */
	uint64_t mtu;	      /* larger ones are dropped; 0: no limit */
	th_time turnaround;   /* half duplex: silence before the direction changes to this one */

	unsigned queue_packets; /* as queue_bytes, counted in datagrams */
	unsigned loss;		/* this and the following chances in parts per million, for each datagram */
	/* Gilbert-Elliott: chances to enter and leave the bad state, and to be lost inside it */
	unsigned burst_enter, burst_leave, burst_loss;
	unsigned duplicate;
	unsigned reorder; /* so many are held back by reorder_delay, and those behind overtake */

	bool jitter_reorders; /* else jitter never makes one datagram overtake another */
	bool half_duplex;     /* one sends at a time; holds when either direction says so */
	bool outage;
};

/* One section; offsets into struct th_emu_profile. */
extern const struct th_option_schema th_emu_params;

/* A known kind of link. Settings are "NAME=VALUE" for both directions, "up.NAME=VALUE" for one; the array ends with
 * NULL. What is not named has its default. */
struct th_emu_preset {
	const char *name, *about;
	const char *source; /* where the figures come from */
	const char *const *settings;
};

extern const struct th_emu_preset th_emu_presets[];
extern const size_t th_emu_preset_count;

const struct th_emu_preset *th_emu_preset_named(const char *name);
/* Writes the profiles of both directions. */
void th_emu_preset_apply(const struct th_emu_preset *p, struct th_emu_profile out[static TH_EMU_WAYS]);

void th_emu_profile_init(struct th_emu_profile *p);

/* "loss" or "up.loss": the parameter, and which directions are meant. NULL when there is none of that name. */
const struct th_option *th_emu_param_find(const char *name, bool ways[static TH_EMU_WAYS]);

static inline void *th_emu_param_field(struct th_emu_profile *p, const struct th_option *opt)
{
	return (char *)p + opt->at;
}

#endif
