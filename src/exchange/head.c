#include "exchange/head.h"

enum th_err th_head_copy(struct th_head *to, const struct th_head *from, struct th_arena *arena)
{
	struct th_field *fields = th_arena_alloc(arena, from->n_fields * sizeof(*fields));

	*to = *from;
	to->fields = fields;
	to->method = th_arena_str(arena, from->method);
	to->target = th_arena_str(arena, from->target);
	if (!fields || !to->method.p || !to->target.p)
		return TH_ERR_TOO_LARGE;
	for (size_t i = 0; i < from->n_fields; i++) {
		fields[i].name = th_arena_str(arena, from->fields[i].name);
		fields[i].value = th_arena_str(arena, from->fields[i].value);
		if (!fields[i].name.p || !fields[i].value.p)
			return TH_ERR_TOO_LARGE;
	}
	return TH_OK;
}

const struct th_field *th_head_find(const struct th_head *h, struct th_str name)
{
	for (size_t i = 0; i < h->n_fields; i++)
		if (th_str_ieq(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

size_t th_head_bytes(const struct th_head *h)
{
	size_t n = h->method.n + h->target.n;

	for (size_t i = 0; i < h->n_fields; i++)
		n += h->fields[i].name.n + h->fields[i].value.n;
	return n;
}
