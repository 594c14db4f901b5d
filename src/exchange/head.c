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

size_t th_head_http_bytes(const struct th_head *h)
{
	enum { LINE = 12, FIELD = sizeof(": \r\n") - 1, END = sizeof("\r\n") - 1 };

	return th_head_bytes(h) + LINE + FIELD * h->n_fields + END;
}

bool th_method_is_idempotent(struct th_str method)
{
	static const struct th_str methods[] = { TH_STR_INIT("GET"),   TH_STR_INIT("HEAD"), TH_STR_INIT("OPTIONS"),
						 TH_STR_INIT("TRACE"), TH_STR_INIT("PUT"),  TH_STR_INIT("DELETE") };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (th_str_eq(methods[i], method))
			return true;
	return false;
}
