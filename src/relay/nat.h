/* Clients as a NAT tells them apart: by source address. Each has a socket of its own towards the target, so the target
 * sees another port for each. */
#ifndef TH_RELAY_NAT_H
#define TH_RELAY_NAT_H

#include "base/table.h"
#include "link/udp.h"

struct th_nat;

struct th_nat_client {
	struct th_slot slot;
	struct th_list link; /* longest silent first */
	struct th_nat *nat;
	struct th_addr addr;
	uint64_t id;	    /* never used twice */
	size_t place;	    /* in nat->clients */
	struct th_udp *udp; /* owned */
	th_time heard;
};

struct th_nat {
	struct th_loop *loop; /* borrowed, as is mem */
	const struct th_mem *mem;
	struct th_addr target;
	th_time timeout;
	/* A datagram of the target for this client; `p` is borrowed. */
	void (*rx)(void *user, const struct th_nat_client *c, const uint8_t *p, size_t n);
	void *user;

	struct th_nat_client **clients; /* owned, max of them, NULL: free */
	size_t max, n;
	struct th_table by_addr;
	struct th_list silent;
	struct th_alarm expiry;
	uint64_t ids;
};

/* The caller has set what stands before `clients`. TH_ERR_NO_MEMORY. */
enum th_err th_nat_init(struct th_nat *n, size_t max, uint64_t seed);
void th_nat_free(struct th_nat *n);

/* The client with this address, made when it is new; it has been heard. NULL when no socket is to be had. Not to be
 * called from `rx`. */
struct th_nat_client *th_nat_of(struct th_nat *n, const struct th_addr *addr);
/* NULL when it is forgotten. */
const struct th_nat_client *th_nat_find(const struct th_nat *n, uint64_t id);

/* Another source port for each client. What comes for the old one is lost. Not to be called from `rx`. */
void th_nat_rebind(struct th_nat *n);

#endif
