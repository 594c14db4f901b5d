/* Which byte is bet on, and in which cell (docs/protocol.md §14.6). */
#include "unit.h"

#include <string.h>

#include "codec/bet.h"

enum { CLASSES = 32, CLASS = 11, DIGIT = 0, LETTER = 1, QUOTE = 2, OTHER = 3 };

static struct th_recall recall;
static uint8_t text[64];

/* A guess of that byte; each rule has a place of its own for it. */
static void guess(unsigned rule, uint8_t byte, uint32_t run, uint32_t suffix)
{
	recall.guess[rule] = (struct th_guess){ .at = 16 + rule, .run = run, .suffix = suffix };
	text[16 + rule] = byte;
}

static int setup(void **state)
{
	(void)state;
	memset(&recall, 0, sizeof(recall));
	recall.text = text;
	recall.n = sizeof(text);
	return 0;
}

static unsigned cell_of(unsigned kind, unsigned agree, unsigned against, unsigned level)
{
	return (((CLASS * 4u + kind) * 8 + agree - 1) * 4 + against) * 8 + level;
}

static void bets(uint8_t byte, unsigned cell)
{
	struct th_bet bet;

	assert_true(th_bet_on(&bet, &recall, CLASS));
	assert_int_equal(bet.byte, byte);
	assert_int_equal(bet.cell, cell);
}

static void test_only_when_sure(void **state)
{
	struct th_bet bet;

	(void)state;
	assert_false(th_bet_on(&bet, &recall, CLASS));
	guess(TH_RULE_LONG, 'x', 7, 11);
	assert_false(th_bet_on(&bet, &recall, CLASS));
	guess(TH_RULE_LONG, 'x', 8, 0);
	bets('x', cell_of(LETTER, 1, 0, 0));
	guess(TH_RULE_LONG, 'x', 0, 12);
	bets('x', cell_of(LETTER, 1, 0, 0));
}

static void test_kinds(void **state)
{
	static const struct {
		char c;
		unsigned kind;
	} all[] = { { '0', DIGIT }, { '9', DIGIT }, { 'a', LETTER }, { 'Z', LETTER }, { '"', QUOTE },
		    { '/', OTHER }, { ':', OTHER }, { '@', OTHER },  { '[', OTHER },  { '\0', OTHER } };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		guess(TH_RULE_KEY, (uint8_t)all[i].c, 8, 0);
		bets((uint8_t)all[i].c, cell_of(all[i].kind, 1, 0, 0));
	}
	guess(TH_RULE_KEY, 0xc3, 8, 0);
	bets(0xc3, cell_of(OTHER, 1, 0, 0));
}

static void test_leader(void **state)
{
	(void)state;
	guess(TH_RULE_MID, 'a', 20, 0);
	guess(TH_RULE_KIND, 'b', 20, 0);
	bets('a', cell_of(LETTER, 1, 2, 1)); /* of equal ones the first; the other is sure, too */
	guess(TH_RULE_KIND, 'b', 21, 0);
	bets('b', cell_of(LETTER, 1, 2, 1));
	guess(TH_RULE_LONG, 'c', 5000, 0);
	bets('c', cell_of(LETTER, 1, 3, 7)); /* four against count as three */
}

static void test_agreement(void **state)
{
	(void)state;
	guess(TH_RULE_LONG, '7', 8, 0);
	guess(TH_RULE_SHORT, '7', 0, 5); /* not sure: neither for nor against */
	guess(TH_RULE_COLUMN, '8', 1, 0);
	bets('7', cell_of(DIGIT, 1, 1, 0));
	for (unsigned rule = 0; rule < TH_RULES; rule++)
		guess(rule, '7', 300, 32);
	bets('7', cell_of(DIGIT, 8, 0, 7));
}

static void test_levels(void **state)
{
	static const uint32_t from[] = { 8, 16, 24, 32, 48, 64, 128, 256 };

	(void)state;
	for (unsigned level = 0; level < TH_BET_LEVELS; level++) {
		guess(TH_RULE_LONG, 'x', from[level], 0);
		bets('x', cell_of(LETTER, 1, 0, level));
		if (level > 0) {
			guess(TH_RULE_LONG, 'x', from[level] - 1, 0);
			bets('x', cell_of(LETTER, 1, 0, level - 1));
		}
	}
}

static void test_last_cell(void **state)
{
	struct th_bet bet;

	(void)state;
	for (unsigned rule = 0; rule < TH_RULES; rule++)
		guess(rule, ' ', 300, 32);
	assert_true(th_bet_on(&bet, &recall, CLASSES - 1));
	assert_int_equal(bet.cell, TH_BET_CELLS - TH_BET_LEVELS * TH_BET_AGAINST + TH_BET_LEVELS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_only_when_sure, setup), cmocka_unit_test_setup(test_kinds, setup),
		cmocka_unit_test_setup(test_leader, setup),	    cmocka_unit_test_setup(test_agreement, setup),
		cmocka_unit_test_setup(test_levels, setup),	    cmocka_unit_test_setup(test_last_cell, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
