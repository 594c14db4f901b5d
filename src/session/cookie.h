/* What holds a flood of initiations off: a count of them, and while there are too many, stateless cookies that show
 * that an address is real before anything is computed or stored for it. */
#ifndef TH_SESSION_COOKIE_H
#define TH_SESSION_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/rng.h"
#include "session/noise.h"

enum {
	TH_COOKIE_LEN = 16,
	TH_LOAD_PLACES = 256,
	TH_LOAD_PER_PLACE = 20, /* initiations a second from one IPv4 address or /64 while under load */
};

/* ---- cookies: a MAC over address and ephemeral key under a secret that turns every two minutes ---- */

struct th_cookies {
	struct th_noise_secret secret, before;
	bool ready; /* there is a secret */
	th_time turned;
};

void th_cookie_make(struct th_cookies *c, const struct th_rng *rng, const struct th_addr *from,
		    const uint8_t ephemeral[TH_NOISE_DH], th_time now, uint8_t out[TH_COOKIE_LEN]);

/* In constant time. */
bool th_cookie_check(struct th_cookies *c, const struct th_rng *rng, const struct th_addr *from,
		     const uint8_t ephemeral[TH_NOISE_DH], th_time now, const uint8_t cookie[TH_COOKIE_LEN]);

void th_cookies_wipe(struct th_cookies *c);

/* ---- load ---- */

struct th_load {
	th_time second; /* its beginning */
	unsigned limit, count, last;
	uint8_t places[TH_LOAD_PLACES];
};

/* Counts an initiation. True: more than the limit came in this second or the one before. A limit of 0 is none. */
bool th_load_count(struct th_load *l, th_time now);

/* Under load: whether one more from this place is let in this second. `hash`: of the place, by a key outsiders don't
 * know. */
bool th_load_allows(struct th_load *l, uint64_t hash);

/* What counts as one place: an IPv4 address, or the first 64 bits of an IPv6 address. Returns its length. */
size_t th_load_place(const struct th_addr *a, const uint8_t **p);

#endif
