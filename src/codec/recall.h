/* Recall: what earlier text of the session, and this message's own so far, says comes next.
 *
 * All text stands in one buffer: the history's messages, oldest first, each ended by a zero, then the message being
 * coded. Several rules each point at one place in it, whose byte is that rule's guess of the next one:
 *
 *     LONG, MID, SHORT  where the last 12, 7, 4 bytes stood before; a pointer that guesses right stays
 *     TOKEN             the last identifier that begins like this one, escaped or not
 *     KEY               the last value of this key that begins like this one
 *     CHAIN             the same, after the same value before it
 *     COLUMN            the last value of this key in this account, however it begins: goes along with this one, place
 * by place KIND              the last message of this kind: goes along with this one
 *
 * Everything is bounded by the buffer, and the same at both ends. */
#ifndef TH_CODEC_RECALL_H
#define TH_CODEC_RECALL_H

#include "codec/syntax.h"

enum {
	TH_RECALL_POS_BITS = 19,
	TH_RECALL_TEXT_MAX = 1 << TH_RECALL_POS_BITS, /* bytes of history and message together */
	TH_RECALL_BITS = 13,			      /* of a rule's table */
};

enum th_rule {
	TH_RULE_LONG,
	TH_RULE_MID,
	TH_RULE_SHORT,
	TH_RULE_TOKEN,
	TH_RULE_KEY,
	TH_RULE_CHAIN,
	TH_RULE_HASHED, /* how many of them look up at every byte */
	TH_RULE_COLUMN = TH_RULE_HASHED,
	TH_RULE_KIND,
	TH_RULES,
};

struct th_guess {
	uint32_t at;	 /* place of the guessed byte; 0 for no guess */
	uint32_t run;	 /* right guesses in a row */
	uint32_t suffix; /* bytes before `at` that equal the newest ones, up to 32 */
	uint8_t misses;	 /* the last eight guesses, newest lowest: 1 was wrong */
	uint8_t order;	 /* COLUMN: 0 equal so far, 1 this is greater, 2 smaller */
};

struct th_recall {
	uint8_t *text;		/* borrowed: TH_RECALL_TEXT_MAX bytes; [0] is unused */
	uint32_t n;		/* bytes in use */
	uint64_t newest, older; /* the last eight of them, the very last one highest; the eight before */
	struct th_guess guess[TH_RULES];
	uint32_t table[TH_RULES][1 << TH_RECALL_BITS];
};

void th_recall_init(struct th_recall *r, uint8_t *text);

/* Starts the next message of the buffer. */
void th_recall_begin(struct th_recall *r, const struct th_syntax *s);

/* Takes a byte of history: `s` has taken it already. */
void th_recall_learn(struct th_recall *r, const struct th_syntax *s, uint8_t c);

/* Takes a byte of the message being coded, and makes the guesses for the next one. */
void th_recall_step(struct th_recall *r, const struct th_syntax *s, uint8_t c);

#endif
