/* Names for requests: keyed hashes, so that tables of them hold no token. */
#ifndef TH_HOME_KEY_H
#define TH_HOME_KEY_H

#include "home/digest.h"
#include "home/env.h"

struct th_home_key {
	uint8_t b[TH_DIGEST_BYTES];
};

/* The request as the link would carry it, so whatever an answer may depend on is in it: method, target and all fields
 * that cross (so Vary is satisfied by equal keys). `body`: a hash of the body, or NULL for none. False: not to be used.
 */
bool th_key_exchange(const struct th_home_env *env, const struct th_head *h, const uint8_t *body,
		     struct th_home_key *out);

/* The same for a stored GET: without the method, and without the fields that only speak to caches (Cache-Control,
 * Pragma, the conditional ones, and Content-Type and Content-Length of no body). */
bool th_key_resource(const struct th_home_env *env, const struct th_head *h, struct th_home_key *out);

/* Who asks: Authorization and Cookie. All zero when there is neither; a key that matches nobody when hashing fails. */
void th_key_account(const struct th_home_env *env, const struct th_head *h, struct th_home_key *out);

static inline bool th_key_eq(const struct th_home_key *a, const struct th_home_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool th_key_is_zero(const struct th_home_key *k)
{
	static const struct th_home_key zero;

	return th_key_eq(k, &zero);
}

/* A number for base/table.h: the key is a hash already. */
static inline uint64_t th_key_number(const struct th_home_key *k)
{
	uint64_t n;

	memcpy(&n, k->b, sizeof(n));
	return n;
}

/* The target without its query. */
struct th_str th_target_path(struct th_str target);

#endif
