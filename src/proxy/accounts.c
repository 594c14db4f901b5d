#include "proxy/accounts.h"

#include <string.h>
#include <strings.h>

void th_accounts_init(struct th_accounts *a, const struct th_mem *mem)
{
	memset(a, 0, sizeof(*a));
	a->mem = mem;
}

void th_accounts_forget(struct th_accounts *a)
{
	for (size_t i = 0; i < TH_ACCOUNTS_SLOTS; i++) {
		if (!a->slot[i])
			continue;
		th_wipe(a->slot[i], sizeof(*a->slot[i]) + a->slot[i]->n);
		th_free(a->mem, a->slot[i]);
		a->slot[i] = NULL;
	}
}

void th_accounts_clear(struct th_accounts *a)
{
	th_accounts_forget(a);
	memset(a->taken, 0, sizeof(a->taken));
	a->n = 0;
}

bool th_accounts_fits(struct th_str value)
{
	static const char scheme[] = "Bearer ";

	return value.n > sizeof(scheme) - 1 && value.n <= TH_ACCOUNTS_VALUE_MAX &&
	       strncasecmp(value.p, scheme, sizeof(scheme) - 1) == 0;
}

static bool is(const struct th_account *x, struct th_str value)
{
	return x->n == value.n && memcmp(x->value, value.p, value.n) == 0;
}

static struct th_account **place(struct th_accounts *a, uint64_t number)
{
	return &a->slot[number % TH_ACCOUNTS_SLOTS];
}

/* False: a value, this one or another, came with that low byte before. */
static bool take(struct th_accounts *a, uint64_t number)
{
	uint8_t *byte = &a->taken[number % TH_ACCOUNTS_SLOTS / 8], bit = (uint8_t)(1u << (number % 8));

	if (*byte & bit)
		return false;
	*byte |= bit;
	return true;
}

static void keep(struct th_accounts *a, uint64_t number, struct th_str value)
{
	struct th_account *x = a->n < TH_ACCOUNTS_MAX ? th_alloc(a->mem, sizeof(*x) + value.n) : NULL;

	if (!x)
		return;
	x->n = value.n;
	x->number = number;
	memcpy(x->value, value.p, value.n);
	*place(a, number) = x;
	a->n++;
}

int th_accounts_slot(const struct th_accounts *a, struct th_str value)
{
	for (int i = 0; i < TH_ACCOUNTS_SLOTS; i++)
		if (a->slot[i] && a->slot[i]->answered && !a->slot[i]->spoilt && is(a->slot[i], value))
			return i;
	return -1;
}

void th_accounts_told(struct th_accounts *a, uint64_t number, struct th_str value)
{
	struct th_account *x = *place(a, number);

	if (!th_accounts_fits(value))
		return;
	if (take(a, number))
		keep(a, number, value);
	else if (x && !x->answered && !is(x, value)) /* which of the two came first, nobody here knows */
		x->spoilt = true;
}

void th_accounts_answered(struct th_accounts *a, uint64_t number)
{
	struct th_account *x = *place(a, number);

	if (x && x->number == number)
		x->answered = true;
}

void th_accounts_heard(struct th_accounts *a, uint64_t number, struct th_str value)
{
	if (th_accounts_fits(value) && take(a, number))
		keep(a, number, value);
}

enum th_err th_accounts_value(const struct th_accounts *a, int slot, struct th_str *value)
{
	const struct th_account *x = slot >= 0 && slot < TH_ACCOUNTS_SLOTS ? a->slot[slot] : NULL;

	if (!x)
		return TH_ERR_NOT_FOUND;
	*value = (struct th_str){ x->value, x->n };
	return TH_OK;
}
