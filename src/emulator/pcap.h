/* Captures for Wireshark: classic pcap with nanoseconds, raw IP, headers made up around the payload. */
#ifndef TH_EMULATOR_PCAP_H
#define TH_EMULATOR_PCAP_H

#include "base/addr.h"
#include "base/clock.h"
#include "base/wr.h"

enum {
	TH_PCAP_HEAD = 24,		      /* bytes at the start of a file */
	TH_PCAP_RECORD_MAX = 16 + 48 + 65535, /* of one datagram */
};

void th_pcap_head(struct th_wr *w);

/* One datagram. `wall` is ns since 1970. IPv4 when both ends are, else IPv6 with IPv4 ends mapped. */
void th_pcap_record(struct th_wr *w, th_time wall, const struct th_addr *from, const struct th_addr *to,
		    const uint8_t *p, size_t n);

#endif
