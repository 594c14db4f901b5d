#include "proxy/accounts.h"

#include <string.h>

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

static void give_back(struct th_accounts *a, uint64_t number)
{
	a->taken[number % TH_ACCOUNTS_SLOTS / 8] &= (uint8_t) ~(1u << (number % 8));
}

static void put(struct th_accounts *a, uint64_t number, struct th_str value)
{
	struct th_account *x = th_alloc(a->mem, sizeof(*x) + value.n);

	*place(a, number) = x;
	if (!x)
		return;
	x->n = value.n;
	x->number = number;
	memcpy(x->value, value.p, value.n);
	a->n += value.n > 0;
}

int th_accounts_slot(const struct th_accounts *a, struct th_str value)
{
	if (!th_account_fits(value))
		return -1; /* what is to be given is no value */
	for (int i = 0; i < TH_ACCOUNTS_SLOTS; i++)
		if (a->slot[i] && a->slot[i]->answered && !a->slot[i]->spoilt && is(a->slot[i], value))
			return i;
	return -1;
}

/* Another value, or one that is to be given, has been told with that low byte: as long as the first one was not
 * answered, nobody here knows which of the two came first. */
static void overtake(struct th_account *x, struct th_str value)
{
	if (x && !x->answered && (x->n == 0 || !is(x, value)))
		x->spoilt = true;
}

void th_accounts_told(struct th_accounts *a, uint64_t number, struct th_str value)
{
	struct th_account *x = *place(a, number);

	if (!th_account_fits(value))
		return;
	if (!take(a, number))
		overtake(x, value);
	else if (a->n < TH_ACCOUNTS_MAX)
		put(a, number, value);
}

void th_accounts_asked(struct th_accounts *a, uint64_t number)
{
	struct th_account *x = *place(a, number);

	if (!take(a, number))
		overtake(x, TH_STR(""));
	else
		put(a, number, TH_STR(""));
}

void th_accounts_given(struct th_accounts *a, uint64_t number, struct th_str value)
{
	struct th_account *x = *place(a, number);

	if (!x || x->number != number || x->n > 0 || x->spoilt)
		return;
	*place(a, number) = NULL;
	th_free(a->mem, x);
	if (value.n == 0) { /* neither has the peer one there */
		give_back(a, number);
	} else if (th_account_fits(value) && a->n < TH_ACCOUNTS_MAX) {
		put(a, number, value);
		th_accounts_answered(a, number);
	}
}

void th_accounts_answered(struct th_accounts *a, uint64_t number)
{
	struct th_account *x = *place(a, number);

	if (x && x->number == number)
		x->answered = true;
}

void th_accounts_heard(struct th_accounts *a, uint64_t number, struct th_str value)
{
	if (th_account_fits(value) && take(a, number) && a->n < TH_ACCOUNTS_HEARD_MAX)
		put(a, number, value);
}

enum th_err th_accounts_value(const struct th_accounts *a, int slot, struct th_str *value)
{
	const struct th_account *x = slot >= 0 && slot < TH_ACCOUNTS_SLOTS ? a->slot[slot] : NULL;

	if (!x)
		return TH_ERR_NOT_FOUND;
	*value = (struct th_str){ x->value, x->n };
	return TH_OK;
}
