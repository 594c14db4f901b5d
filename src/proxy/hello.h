/* What each end tells of itself in the handshake (src/session hands it over without looking): which tables it has for
 * the codings, whether it codes by the model, and its view of the link.
 *
 *     tables (3) · link profile, whose first byte has the bit TH_HELLO_NO_MODEL
 *
 * It is in every first datagram, so it is short. All ends know the other codings (docs/protocol.md, section 12).
 * Nothing at all, as when there is no room for it, says nothing. */
#ifndef TH_PROXY_HELLO_H
#define TH_PROXY_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coap/profile.h"

enum {
	TH_HELLO_TABLES = 3,
	TH_HELLO_NO_MODEL = 0x20, /* has them, but does not use the model's */
	TH_HELLO_MAX = TH_HELLO_TABLES + TH_LINK_PROFILE_BYTES,
};

struct th_hello {
	bool said; /* there was one */
	bool no_model;
	uint32_t tables; /* the name of a version's trained tables and preset dictionary: 24 bits */
	struct th_link_profile link;
};

/* The name of the two, given their IDs. */
uint32_t th_hello_tables(uint64_t model, uint64_t preset);

size_t th_hello_write(const struct th_hello *h, uint8_t out[static TH_HELLO_MAX]);

/* All or nothing: TH_ERR_MALFORMED. */
enum th_err th_hello_read(struct th_hello *h, const uint8_t *p, size_t n);

#endif
