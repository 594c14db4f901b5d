#include "proxy/budget.h"

bool th_budget_left(struct th_budget *b, th_time now)
{
	static const th_time whole = 60 * TH_SEC; /* long enough for all; bounds the product */
	th_time gone = now - b->at;
	uint64_t back = (gone < whole ? gone : whole) * TH_BUDGET_A_SECOND / TH_SEC;

	b->at = gone < whole ? b->at + back * TH_SEC / TH_BUDGET_A_SECOND : now;
	b->spent -= back < b->spent ? back : b->spent;
	return b->spent < TH_BUDGET_BURST;
}

void th_budget_spend(struct th_budget *b, size_t n)
{
	b->spent += n;
}
