#include "home/cache_control.h"

#define DELTA_MAX ((int64_t)1 << 31)

int64_t th_delta_seconds(struct th_str s)
{
	int64_t n = 0;

	if (s.n == 0)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		n = n * 10 + (s.p[i] - '0');
		if (n > DELTA_MAX)
			n = DELTA_MAX;
	}
	return n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct th_str trim(struct th_str s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Takes the next element of a comma-separated list; commas in quoted strings do not separate (RFC 9110 §5.6.1). */
static struct th_str element(struct th_str *list)
{
	bool quoted = false;
	size_t i;
	struct th_str e;

	for (i = 0; i < list->n; i++) {
		char c = list->p[i];

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && i + 1 < list->n)
			i++;
		else if (c == ',' && !quoted)
			break;
	}
	e = (struct th_str){ list->p, i };
	if (i < list->n)
		i++;
	list->p += i;
	list->n -= i;
	return trim(e);
}

/* A number, also as a quoted string; anything else is stale at once. */
static int64_t seconds(struct th_str v)
{
	int64_t n;

	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
		v = (struct th_str){ v.p + 1, v.n - 2 };
	n = th_delta_seconds(v);
	return n < 0 ? 0 : n;
}

static void directive(struct th_cache_control *c, struct th_str e)
{
	const char *eq = e.n ? memchr(e.p, '=', e.n) : NULL;
	struct th_str name = trim((struct th_str){ e.p, eq ? (size_t)(eq - e.p) : e.n });
	struct th_str value = { "", 0 };

	if (eq)
		value = trim((struct th_str){ eq + 1, e.n - (size_t)(eq - e.p) - 1 });
	if (th_str_ieq(name, TH_STR("no-store")))
		c->no_store = true;
	else if (th_str_ieq(name, TH_STR("no-cache")))
		c->no_cache = true; /* with field names, too: stricter is allowed */
	else if (th_str_ieq(name, TH_STR("private")))
		c->is_private = true;
	else if (th_str_ieq(name, TH_STR("public")))
		c->is_public = true;
	else if (th_str_ieq(name, TH_STR("only-if-cached")))
		c->only_if_cached = true;
	else if (th_str_ieq(name, TH_STR("max-age")) && c->max_age == TH_DELTA_NONE)
		c->max_age = seconds(value);
	else if (th_str_ieq(name, TH_STR("s-maxage")) && c->s_maxage == TH_DELTA_NONE)
		c->s_maxage = seconds(value);
	else if (th_str_ieq(name, TH_STR("min-fresh")) && c->min_fresh == TH_DELTA_NONE)
		c->min_fresh = seconds(value);
}

void th_cache_control_read(struct th_cache_control *c, const struct th_head *h)
{
	bool pragma = false;

	*c = (struct th_cache_control){ .max_age = TH_DELTA_NONE,
					.s_maxage = TH_DELTA_NONE,
					.min_fresh = TH_DELTA_NONE };
	for (size_t i = 0; i < h->n_fields; i++) {
		struct th_str list = h->fields[i].value;

		if (th_str_ieq(h->fields[i].name, TH_STR("Pragma")))
			pragma = pragma || th_str_ieq(list, TH_STR("no-cache"));
		if (!th_str_ieq(h->fields[i].name, TH_STR("Cache-Control")))
			continue;
		c->present = true;
		while (list.n > 0)
			directive(c, element(&list));
	}
	c->no_cache = c->no_cache || (pragma && !c->present);
}
