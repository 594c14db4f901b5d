/* What the daemon asks of the system for itself as a process. */
#ifndef TH_PROGRAM_PROCESS_H
#define TH_PROGRAM_PROCESS_H

#include <stddef.h>

/* Before anything else: no core dumps (they hold tokens), SIGPIPE ignored, memory given back early. */
void th_process_init(void);

/* Lets that many descriptors be open, as far as the hard limit allows; says how many there are. */
size_t th_process_descriptors(size_t wanted);

#endif
