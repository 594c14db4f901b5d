/* Handshake patterns as data (Noise §7): who sends which tokens when. */
#ifndef TH_SESSION_PATTERN_H
#define TH_SESSION_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum th_noise_token {
	TH_NOISE_END,
	TH_NOISE_E,
	TH_NOISE_S,
	TH_NOISE_EE,
	TH_NOISE_ES,
	TH_NOISE_SE,
	TH_NOISE_SS,
	TH_NOISE_PSK_TOKEN,
};

enum { TH_NOISE_MESSAGES_MAX = 3, TH_NOISE_TOKENS_MAX = 6 };

struct th_noise_pattern {
	struct th_str name;
	bool initiator_s, responder_s; /* pre-messages: static keys known before */
	uint8_t messages;	       /* the initiator's first, then in turn */
	uint8_t tokens[TH_NOISE_MESSAGES_MAX][TH_NOISE_TOKENS_MAX + 1];
};

extern const struct th_noise_pattern th_noise_patterns[];
extern const size_t th_noise_patterns_count;

#endif
