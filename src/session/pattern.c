#include "session/pattern.h"

#define E TH_NOISE_E
#define S TH_NOISE_S
#define EE TH_NOISE_EE
#define ES TH_NOISE_ES
#define SE TH_NOISE_SE
#define SS TH_NOISE_SS
#define PSK TH_NOISE_PSK_TOKEN

/* psk0 puts a psk token at the start of the first message, pskN at the end of message N (§9.4). */
const struct th_noise_pattern th_noise_patterns[] = {
	{ TH_STR_INIT("NK"), false, true, 2, { { E, ES }, { E, EE } } },
	{ TH_STR_INIT("NKpsk0"), false, true, 2, { { PSK, E, ES }, { E, EE } } },
	{ TH_STR_INIT("NKpsk2"), false, true, 2, { { E, ES }, { E, EE, PSK } } },
	{ TH_STR_INIT("KK"), true, true, 2, { { E, ES, SS }, { E, EE, SE } } },
	{ TH_STR_INIT("KKpsk0"), true, true, 2, { { PSK, E, ES, SS }, { E, EE, SE } } },
	{ TH_STR_INIT("KKpsk2"), true, true, 2, { { E, ES, SS }, { E, EE, SE, PSK } } },
	{ TH_STR_INIT("IK"), false, true, 2, { { E, ES, S, SS }, { E, EE, SE } } },
	{ TH_STR_INIT("IKpsk0"), false, true, 2, { { PSK, E, ES, S, SS }, { E, EE, SE } } },
	{ TH_STR_INIT("IKpsk2"), false, true, 2, { { E, ES, S, SS }, { E, EE, SE, PSK } } },
	{ TH_STR_INIT("XX"), false, false, 3, { { E }, { E, EE, S, ES }, { S, SE } } },
	{ TH_STR_INIT("XXpsk0"), false, false, 3, { { PSK, E }, { E, EE, S, ES }, { S, SE } } },
	{ TH_STR_INIT("XXpsk2"), false, false, 3, { { E }, { E, EE, S, ES, PSK }, { S, SE } } },
	{ TH_STR_INIT("XXpsk3"), false, false, 3, { { E }, { E, EE, S, ES }, { S, SE, PSK } } },
};

const size_t th_noise_patterns_count = sizeof(th_noise_patterns) / sizeof(th_noise_patterns[0]);
