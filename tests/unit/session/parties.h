/* Two parties of a handshake with keys of their own, for tests. */
#ifndef TH_UNIT_PARTIES_H
#define TH_UNIT_PARTIES_H

#include <stdio.h>

#include "../guard.h"
#include "../unit.h"

#include "session/noise.h"
#include "session/pattern.h"
#include "session/suite.h"

enum { PARTIES_NAME = 80, INITIATOR = 1, RESPONDER = 0 };

static const char *const parties_suites[] = { "25519_ChaChaPoly_BLAKE2s", "25519_AESGCM_SHA256" };

/* Indexed by INITIATOR and RESPONDER. */
struct parties {
	const struct th_noise_pattern *pattern;
	char name[PARTIES_NAME];
	struct th_noise_pair s[2];
	struct th_noise_secret psk;
	struct th_noise_config config[2];
	struct th_noise hs[2];
};

static inline bool parties_has_psk(const struct th_noise_pattern *p)
{
	return p->name.n > 2;
}

/* Does not start the handshakes: the test may change configs before. */
static inline void parties_init(struct parties *p, size_t pattern, const char *suite, const struct th_rng *rng)
{
	static const char prologue[] = "thimble";

	*p = (struct parties){ .pattern = &th_noise_patterns[pattern] };
	snprintf(p->name, sizeof(p->name), "Noise_%.*s_%s", TH_STR_ARG(p->pattern->name), suite);
	rng->fill(rng->ctx, p->psk.b, sizeof(p->psk.b));
	for (int i = 0; i < 2; i++)
		assert_true(th_noise_keygen(&p->s[i], rng));
	for (int i = 0; i < 2; i++)
		p->config[i] = (struct th_noise_config){
			.protocol = th_str_of(p->name),
			.initiator = i == INITIATOR,
			.prologue = prologue,
			.prologue_len = sizeof(prologue) - 1,
			.s = &p->s[i],
			.psk = parties_has_psk(p->pattern) ? &p->psk : NULL,
		};
	if (p->pattern->responder_s)
		p->config[INITIATOR].rs = p->s[RESPONDER].public;
	if (p->pattern->initiator_s)
		p->config[RESPONDER].rs = p->s[INITIATOR].public;
}

static inline void parties_start(struct parties *p)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(th_noise_init(&p->hs[i], &p->config[i]), TH_OK);
}

/* Who writes message m. */
static inline int parties_writer(size_t m)
{
	return m % 2 == 0 ? INITIATOR : RESPONDER;
}

#endif
