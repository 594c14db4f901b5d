#include "session/cookie.h"

#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "session/key.h"
#include "session/suite.h"

enum { V4_PREFIX = 12, V4_LEN = 4, V6_PLACE = 8, ADDR_BYTES = 16 + 4 + 2 };

#define TURN (120 * TH_SEC)

static void turn(struct th_cookies *c, const struct th_rng *rng, th_time now)
{
	bool late = !c->ready || now - c->turned >= 2 * TURN;

	if (c->ready && now - c->turned < TURN)
		return;
	c->before = c->secret;
	rng->fill(rng->ctx, c->secret.b, sizeof(c->secret.b));
	if (late)
		c->before = c->secret;
	c->ready = true;
	c->turned = now;
}

/* False, and zeroes, only when the library fails. */
static bool mac(const struct th_noise_secret *secret, const struct th_addr *from, const uint8_t ephemeral[TH_NOISE_DH],
		uint8_t out[TH_COOKIE_LEN])
{
	const struct th_noise_suite *suite = th_suite_find(TH_STR("25519_ChaChaPoly_BLAKE2s"));
	uint8_t text[ADDR_BYTES + TH_NOISE_DH], hash[TH_NOISE_HASH] = { 0 };
	struct th_wr w = th_wr_init(text, sizeof(text));
	bool ok;

	th_wr_bytes(&w, from->ip, sizeof(from->ip));
	th_wr_uint(&w, from->scope, sizeof(from->scope));
	th_wr_uint(&w, from->port, sizeof(from->port));
	th_wr_bytes(&w, ephemeral, TH_NOISE_DH);
	/* Key first, text of one length: BLAKE2s needs no more to be a MAC. */
	ok = th_suite_hash(suite, hash, secret->b, sizeof(secret->b), text, sizeof(text));
	memcpy(out, hash, TH_COOKIE_LEN);
	return ok;
}

void th_cookie_make(struct th_cookies *c, const struct th_rng *rng, const struct th_addr *from,
		    const uint8_t ephemeral[TH_NOISE_DH], th_time now, uint8_t out[TH_COOKIE_LEN])
{
	turn(c, rng, now);
	mac(&c->secret, from, ephemeral, out);
}

bool th_cookie_check(struct th_cookies *c, const struct th_rng *rng, const struct th_addr *from,
		     const uint8_t ephemeral[TH_NOISE_DH], th_time now, const uint8_t cookie[TH_COOKIE_LEN])
{
	uint8_t want[TH_COOKIE_LEN], old[TH_COOKIE_LEN];
	bool fresh, older;

	turn(c, rng, now);
	if (!mac(&c->secret, from, ephemeral, want) || !mac(&c->before, from, ephemeral, old))
		return false;
	fresh = th_bytes_equal(want, cookie, TH_COOKIE_LEN);
	older = th_bytes_equal(old, cookie, TH_COOKIE_LEN);
	return fresh || older;
}

void th_cookies_wipe(struct th_cookies *c)
{
	th_wipe(c, sizeof(*c));
}

/* ---- load ---- */

bool th_load_count(struct th_load *l, th_time now)
{
	if (now - l->second >= TH_SEC) {
		l->last = now - l->second < 2 * TH_SEC ? l->count : 0;
		l->second = now;
		l->count = 0;
		memset(l->places, 0, sizeof(l->places));
	}
	l->count++;
	return l->limit && (l->count > l->limit || l->last > l->limit);
}

bool th_load_allows(struct th_load *l, uint64_t hash)
{
	uint8_t *place = &l->places[hash % TH_LOAD_PLACES];

	if (*place >= TH_LOAD_PER_PLACE)
		return false;
	(*place)++;
	return true;
}

size_t th_load_place(const struct th_addr *a, const uint8_t **p)
{
	bool v4 = th_addr_is_v4(a);

	*p = v4 ? a->ip + V4_PREFIX : a->ip;
	return v4 ? V4_LEN : V6_PLACE;
}
