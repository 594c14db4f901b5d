#include "codec/bet.h"

static unsigned kind_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return 0;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return 1;
	return c == '"' ? 2 : 3;
}

static unsigned level_of(uint32_t run)
{
	static const uint16_t from[TH_BET_LEVELS] = { 0, 16, 24, 32, 48, 64, 128, 256 };
	unsigned level = TH_BET_LEVELS - 1;

	while (run < from[level])
		level--;
	return level;
}

static const struct th_guess *leader_of(const struct th_recall *r)
{
	const struct th_guess *leader = NULL;

	for (unsigned rule = 0; rule < TH_RULES; rule++) {
		const struct th_guess *g = &r->guess[rule];

		if (th_guess_is_sure(g) && (!leader || g->run > leader->run))
			leader = g;
	}
	return leader;
}

bool th_bet_on(struct th_bet *bet, const struct th_recall *r, unsigned place_class)
{
	const struct th_guess *leader = leader_of(r);
	unsigned agree = 0, against = 0;

	if (!leader)
		return false;
	bet->byte = r->text[leader->at];
	for (unsigned rule = 0; rule < TH_RULES; rule++) {
		const struct th_guess *g = &r->guess[rule];
		unsigned sure = th_guess_is_sure(g);

		if (!g->at)
			continue;
		if (r->text[g->at] == bet->byte)
			agree += sure;
		else
			against += 1 + sure;
	}
	if (against >= TH_BET_AGAINST)
		against = TH_BET_AGAINST - 1;
	bet->cell = (uint16_t)((((place_class * TH_BET_KINDS + kind_of(bet->byte)) * TH_BET_FOR + agree - 1) *
					TH_BET_AGAINST +
				against) *
				       TH_BET_LEVELS +
			       level_of(leader->run));
	return true;
}
