/* What the emulator says of itself: JSON for the control socket, a line per datagram for people and scripts. */
#ifndef TH_EMULATOR_REPORT_H
#define TH_EMULATOR_REPORT_H

#include "emulator/emulator.h"

/* {"up":{"rate":"100 bit/s",…},"down":{…}}: one parameter, or all when `param` is NULL, of the directions wanted. Cut
 * at `cap`. */
void th_emu_report_profile(const struct th_emu *e, const struct th_option *param, const bool ways[static TH_EMU_WAYS],
			   char *out, size_t cap);

/* {"seconds":60.000,"up":{"entered":{"datagrams":2,"bytes":250},…,"airtime_s":20.000,"utilisation":0.3333,…},…} */
void th_emu_report_stats(const struct th_emu *e, char *out, size_t cap);

enum { TH_EMU_SHOW_MAX = 320 };

/* time=12.345 dir=up event=delivered number=7 bytes=125 airtime=10.000 waited=0.000 took=12.100 client=…: seconds; time
 * since the start, bytes at the IP level, took since it entered. `client` is put at the end as it is. */
void th_emu_report_dgram(const struct th_emu *e, enum th_emu_event_kind kind, const struct th_emu_dgram *d, th_time at,
			 const char *client, char out[static TH_EMU_SHOW_MAX]);

#endif
