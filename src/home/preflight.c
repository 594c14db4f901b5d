#include "home/preflight.h"

#include "home/key.h"

bool th_preflight_read(struct th_preflight *p, const struct th_head *h)
{
	*p = (struct th_preflight){ .origin.n = 0 };
	if (!th_str_eq(h->method, TH_STR("OPTIONS")) || h->body_len != 0)
		return false;
	for (size_t i = 0; i < h->n_fields; i++) {
		struct th_str name = h->fields[i].name, value = h->fields[i].value;
		struct th_str *to = NULL;

		if (th_str_ieq(name, TH_STR("Origin")))
			to = &p->origin;
		else if (th_str_ieq(name, TH_STR("Access-Control-Request-Method")))
			to = &p->method;
		else if (th_str_ieq(name, TH_STR("Access-Control-Request-Headers")))
			to = &p->headers;
		else if (th_str_ieq(name, TH_STR("Authorization")) || th_str_ieq(name, TH_STR("Cookie")))
			return false; /* a preflight has no credentials */
		else if (th_str_ieq(name, TH_STR("Access-Control-Request-Private-Network")))
			p->more = true;
		if (!to)
			continue;
		if (to->n > 0)
			return false; /* twice: not from a browser */
		*to = value;
	}
	return p->origin.n > 0 && p->method.n > 0;
}

struct th_str th_preflight_scope(struct th_str target)
{
	static const struct th_str prefixes[] = {
		TH_STR_INIT("/_matrix/client/"),
		TH_STR_INIT("/_matrix/media/"),
		TH_STR_INIT("/.well-known/matrix/"),
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (th_str_starts(target, prefixes[i]))
			return prefixes[i];
	return th_target_path(target);
}

/* Takes the next name of a comma-separated list; empty at its end. */
static struct th_str next_name(struct th_str *list)
{
	while (list->n > 0) {
		const char *comma = memchr(list->p, ',', list->n);
		struct th_str e = { list->p, comma ? (size_t)(comma - list->p) : list->n };

		list->p += e.n + (comma != NULL);
		list->n -= e.n + (comma != NULL);
		while (e.n > 0 && (e.p[0] == ' ' || e.p[0] == '\t'))
			e = (struct th_str){ e.p + 1, e.n - 1 };
		while (e.n > 0 && (e.p[e.n - 1] == ' ' || e.p[e.n - 1] == '\t'))
			e.n--;
		if (e.n > 0)
			return e;
	}
	return (struct th_str){ "", 0 };
}

/* Names a name in any of the answer's fields of that name. `*` counts as itself only: what it stands for depends on
 * credentials. */
static bool lists(const struct th_head *answer, struct th_str field, struct th_str name, bool exact)
{
	for (size_t i = 0; i < answer->n_fields; i++) {
		struct th_str list = answer->fields[i].value, e;

		if (!th_str_ieq(answer->fields[i].name, field))
			continue;
		while ((e = next_name(&list)).n > 0)
			if (exact ? th_str_eq(e, name) : th_str_ieq(e, name))
				return true;
	}
	return false;
}

bool th_preflight_covers(const struct th_head *answer, struct th_str method, struct th_str headers)
{
	struct th_str e;

	if (!lists(answer, TH_STR("Access-Control-Allow-Methods"), method, true))
		return false;
	while ((e = next_name(&headers)).n > 0)
		if (!lists(answer, TH_STR("Access-Control-Allow-Headers"), e, false))
			return false;
	return true;
}

bool th_preflight_any_origin(const struct th_head *answer)
{
	bool any = false;

	for (size_t i = 0; i < answer->n_fields; i++) {
		struct th_str name = answer->fields[i].name, value = answer->fields[i].value, e;

		if (th_str_ieq(name, TH_STR("Access-Control-Allow-Origin")))
			any = th_str_eq(value, TH_STR("*"));
		if (!th_str_ieq(name, TH_STR("Vary")))
			continue;
		while ((e = next_name(&value)).n > 0)
			if (th_str_ieq(e, TH_STR("Origin")) || th_str_eq(e, TH_STR("*")))
				return false;
	}
	return any;
}

/* Whether the field lists something that was not asked for. */
static bool lists_more(const struct th_head *answer, struct th_str field, struct th_str asked)
{
	for (size_t i = 0; i < answer->n_fields; i++) {
		struct th_str list = answer->fields[i].value, e;

		if (!th_str_ieq(answer->fields[i].name, field))
			continue;
		while ((e = next_name(&list)).n > 0) {
			struct th_str left = asked, a;
			bool was_asked = false;

			while ((a = next_name(&left)).n > 0)
				was_asked = was_asked || th_str_ieq(a, e);
			if (!was_asked)
				return true;
		}
	}
	return false;
}

bool th_preflight_mirrors(const struct th_head *answer, const struct th_preflight *p)
{
	return !lists_more(answer, TH_STR("Access-Control-Allow-Methods"), p->method) ||
	       !lists_more(answer, TH_STR("Access-Control-Allow-Headers"), p->headers);
}
