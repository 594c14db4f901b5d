#include "exchange/head.h"

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
