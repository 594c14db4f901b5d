/* An emulator on virtual time: what arrived when, for the tests of this folder. */
#ifndef TH_TESTS_EMULATOR_RIG_H
#define TH_TESTS_EMULATOR_RIG_H

#include <string.h>

#include "emulator/command.h"

enum { RIG_MAX = 120000, RIG_V4 = 28 };

struct rig_arrival {
	enum th_emu_way way;
	uint64_t number; /* as the payload says: counted when it was entered */
	th_time at;
};

struct rig {
	struct th_emu_control control; /* control.emu is the emulator */
	struct rig_arrival got[RIG_MAX];
	size_t n;
	uint64_t seen[TH_EMU_KINDS], entered, rebinds, told;
	th_time now;
};

static void rig_deliver(void *user, const struct th_emu_dgram *d, th_time at)
{
	struct rig *r = user;
	struct rig_arrival *a = &r->got[r->n++];

	assert_true(r->n <= RIG_MAX && d->n >= sizeof(a->number));
	a->way = d->way;
	a->at = at;
	memcpy(&a->number, d->bytes, sizeof(a->number));
}

static void rig_seen(void *user, enum th_emu_event_kind kind, const struct th_emu_dgram *d, th_time at)
{
	struct rig *r = user;

	(void)d;
	(void)at;
	r->seen[kind]++;
}

static void rig_rebind(void *user)
{
	((struct rig *)user)->rebinds++;
}

static void rig_told(void *user, const struct th_emu_command *c, th_time at)
{
	(void)c;
	(void)at;
	((struct rig *)user)->told++;
}

static const struct th_emu_ops rig_ops = { .deliver = rig_deliver, .seen = rig_seen };

static inline void rig_init(struct rig *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	th_emu_init(&r->control.emu, &th_mem_libc, &rig_ops, r, seed, RIG_V4, 0);
	r->control.rebind = rig_rebind;
	r->control.told = rig_told;
}

static inline void rig_free(struct rig *r)
{
	th_emu_free(&r->control.emu);
}

/* One command; the reply is checked. */
static inline void rig_do(struct rig *r, const char *line)
{
	char reply[TH_EMU_REPLY_MAX];

	if (th_emu_control_line(&r->control, line, r->now, reply) != TH_OK)
		fail_msg("%s: %s", line, reply);
}

/* A datagram of `bytes` at the IP level. */
static inline void rig_send(struct rig *r, enum th_emu_way way, size_t bytes)
{
	uint8_t p[65536] = { 0 };

	memcpy(p, &r->entered, sizeof(r->entered));
	r->entered++;
	th_emu_control_run(&r->control, r->now);
	th_emu_enter(&r->control.emu, way, 1, p, bytes - RIG_V4, r->now);
}

static inline void rig_run(struct rig *r, th_time until)
{
	r->now = until;
	th_emu_control_run(&r->control, until);
}

static inline struct th_emu_stats rig_stats(const struct rig *r, enum th_emu_way way)
{
	struct th_emu_stats s;

	th_emu_stats(&r->control.emu, way, &s);
	return s;
}

/* Every datagram that entered has one fate. */
static inline void rig_balance(const struct rig *r)
{
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		struct th_emu_stats s = rig_stats(r, (enum th_emu_way)w);
		uint64_t dgrams = s.waiting.dgrams + s.under_way.dgrams, bytes = s.waiting.bytes + s.under_way.bytes;

		for (int k = TH_EMU_DELIVERED; k < TH_EMU_KINDS; k++) {
			dgrams += s.counts[k].dgrams;
			bytes += s.counts[k].bytes;
		}
		assert_int_equal(s.entered.dgrams + s.counts[TH_EMU_DOUBLED].dgrams, dgrams);
		assert_int_equal(s.entered.bytes + s.counts[TH_EMU_DOUBLED].bytes, bytes);
	}
}

#endif
