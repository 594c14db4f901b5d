/* A pcap file that grows while the program runs. */
#ifndef TH_RELAY_CAPTURE_H
#define TH_RELAY_CAPTURE_H

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

struct th_capture;

/* Replaces a file that is there. NULL with errno. */
struct th_capture *th_capture_new(const struct th_mem *mem, const char *path);
void th_capture_del(struct th_capture *c); /* may be NULL */

/* `at` is of the monotonic clock. False once the file cannot be written; nothing more is then. */
bool th_capture_add(struct th_capture *c, th_time at, const struct th_addr *from, const struct th_addr *to,
		    const uint8_t *p, size_t n);

#endif
