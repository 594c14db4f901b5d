/* Where log lines go: standard error, one write(2) each.
 *
 * Under systemd's journal the line carries the priority as "<6>" and no time, as the journal has its own; elsewhere it
 * begins with time=2024-05-01T12:00:00.123Z. */
#ifndef TH_PROGRAM_SINK_H
#define TH_PROGRAM_SINK_H

#include <stdbool.h>

void th_sink_init(bool debug);
void th_sink_set_debug(bool debug);

#endif
