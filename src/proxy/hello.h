/* What each end tells of itself in the handshake (src/session hands it over without looking): the codings that it knows,
 * which tables it has for them, and its view of the link.
 *
 *     codings (1 byte, bit n: coding n) · [model (4)] if bit 1 · [preset (4)] if bit 2 · [link profile]
 *
 * Nothing at all, as when there is no room for it, says nothing. docs/protocol.md has the bytes. */
#ifndef TH_PROXY_HELLO_H
#define TH_PROXY_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coap/profile.h"

enum { TH_HELLO_MAX = 1 + 4 + 4 + TH_LINK_PROFILE_BYTES };

struct th_hello {
	bool said;       /* there was one */
	uint8_t codings;
	uint32_t model;  /* the first bytes of the tables' names; 0 without the coding */
	uint32_t preset;
	struct th_link_profile link;
};

size_t th_hello_write(const struct th_hello *h, uint8_t out[static TH_HELLO_MAX]);

/* All or nothing: TH_ERR_MALFORMED. */
enum th_err th_hello_read(struct th_hello *h, const uint8_t *p, size_t n);

#endif
