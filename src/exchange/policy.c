#include "exchange/policy.h"

#include "exchange/fields.h"

static bool is_noise_value(const struct th_field_known *k, struct th_str value)
{
	if (!k->noise_values)
		return false;
	for (const char *const *v = k->noise_values; *v; v++)
		if (th_str_ieq(th_str_of(*v), value))
			return true;
	return false;
}

static bool crosses(const struct th_policy *p, const struct th_field *f, bool is_request)
{
	size_t i = th_fields_find(f->name);
	const struct th_field_known *k = &th_fields[i];

	if (i == 0)
		return p->pass_unknown;
	if ((is_request ? k->request : k->response) != TH_FIELD_PASS)
		return false;
	return !is_noise_value(k, f->value);
}

size_t th_policy_filter(const struct th_policy *p, const struct th_head *from, struct th_field *out)
{
	bool is_request = from->status == 0;
	size_t n = 0;

	for (size_t i = 0; i < from->n_fields; i++)
		if (crosses(p, &from->fields[i], is_request))
			out[n++] = from->fields[i];
	return n;
}
