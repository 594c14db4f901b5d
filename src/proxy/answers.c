#include "proxy/answers.h"

#include <string.h>

struct answer {
	struct th_list link;
	uint64_t number;
	size_t n;
	uint8_t p[];
};

void th_answers_init(struct th_answers *a, const struct th_mem *mem)
{
	memset(a, 0, sizeof(*a));
	a->mem = mem;
	th_list_init(&a->list);
}

/* The list holds n answers, and n is more than 0. */
static void drop_oldest(struct th_answers *a)
{
	struct th_list *link = th_list_pop(&a->list);
	struct answer *x;

	if (!link)
		return;
	x = TH_OWNER(link, struct answer, link);
	a->n--;
	a->bytes -= x->n;
	th_wipe(x, sizeof(*x) + x->n);
	th_free(a->mem, x);
}

void th_answers_clear(struct th_answers *a)
{
	while (a->n > 0)
		drop_oldest(a);
}

void th_answers_keep(struct th_answers *a, uint64_t number, const uint8_t *p, size_t n)
{
	struct answer *x = n <= TH_ANSWERS_BYTES ? th_alloc(a->mem, sizeof(*x) + n) : NULL;

	if (!x)
		return;
	while (a->n == TH_ANSWERS_MAX || a->bytes > TH_ANSWERS_BYTES - n)
		drop_oldest(a);
	x->number = number;
	x->n = n;
	memcpy(x->p, p, n);
	th_list_init(&x->link);
	th_list_push(&a->list, &x->link);
	a->n++;
	a->bytes += n;
}

enum th_err th_answers_find(const struct th_answers *a, uint64_t number, const uint8_t **p, size_t *n)
{
	for (const struct th_list *i = a->list.next; i != &a->list; i = i->next) {
		const struct answer *x = TH_OWNER(i, struct answer, link);

		if (x->number != number)
			continue;
		*p = x->p;
		*n = x->n;
		return TH_OK;
	}
	return TH_ERR_NOT_FOUND;
}
