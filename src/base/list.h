/* Intrusive doubly-linked list: nodes live inside their owners, adding and removing never allocates. */
#ifndef TH_BASE_LIST_H
#define TH_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct th_list {
	struct th_list *next, *prev;
};

/* The struct of `type` whose `member` this node is. */
#define TH_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void th_list_init(struct th_list *l)
{
	l->next = l->prev = l;
}

static inline bool th_list_empty(const struct th_list *l)
{
	return l->next == l;
}

/* Whether a node that was initialised, added or removed is on a list now. */
static inline bool th_list_linked(const struct th_list *n)
{
	return n->next != n;
}

static inline void th_list_add_after(struct th_list *at, struct th_list *n)
{
	n->prev = at;
	n->next = at->next;
	at->next->prev = n;
	at->next = n;
}

static inline void th_list_push(struct th_list *l, struct th_list *n)
{
	th_list_add_after(l->prev, n);
}

/* Safe to call twice: a removed node points at itself. */
static inline void th_list_remove(struct th_list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	th_list_init(n);
}

/* Takes the oldest node, NULL when there is none. */
static inline struct th_list *th_list_pop(struct th_list *l)
{
	struct th_list *n = l->next;

	if (n == l)
		return NULL;
	th_list_remove(n);
	return n;
}

/* The body may remove the current node. */
#define TH_LIST_EACH(it, l) \
	for (struct th_list *it = (l)->next, *it##_next = it->next; it != (l); it = it##_next, it##_next = it->next)

#endif
