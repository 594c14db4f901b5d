#include "home/cache_rules.h"

#define YEAR_S ((int64_t)365 * 24 * 60 * 60)

static bool has(const struct th_head *h, const char *name)
{
	return th_head_find(h, th_str_of(name)) != NULL;
}

bool th_cache_is_safe(struct th_str method)
{
	return th_str_eq(method, TH_STR("GET")) || th_str_eq(method, TH_STR("HEAD")) ||
	       th_str_eq(method, TH_STR("OPTIONS")) || th_str_eq(method, TH_STR("TRACE"));
}

bool th_cache_may_ask(const struct th_head *h)
{
	if (!th_str_eq(h->method, TH_STR("GET")) && !th_str_eq(h->method, TH_STR("HEAD")))
		return false;
	return h->body_len == 0 && !has(h, "Range") && !has(h, "If-Range") && !has(h, "If-Match") &&
	       !has(h, "If-Unmodified-Since");
}

static int64_t explicit_s(const struct th_cache_control *c, bool anonymous)
{
	if (c->no_cache)
		return 0;
	return anonymous && c->s_maxage != TH_DELTA_NONE ? c->s_maxage : c->max_age;
}

bool th_cache_may_store(const struct th_head *answer, const struct th_stable *row, bool anonymous, th_time *fresh_for)
{
	const struct th_field *vary = th_head_find(answer, TH_STR("Vary"));
	struct th_cache_control c;
	int64_t fresh;

	if (answer->status != 200 || has(answer, "Set-Cookie") || has(answer, "Content-Range") ||
	    (vary && memchr(vary->value.p, '*', vary->value.n)))
		return false;
	th_cache_control_read(&c, answer);
	if (c.is_private && anonymous)
		return false;
	if (!row && c.no_store)
		return false;
	fresh = c.no_store ? TH_DELTA_NONE : explicit_s(&c, anonymous);
	/* A blanket "no-cache" on everything is no mark of this route, a lifetime is. */
	if (row && (fresh <= 0 || (row->immutable && fresh < row->fresh_s)))
		fresh = row->fresh_s;
	if (fresh < 0) {
		if (!has(answer, "ETag") && !has(answer, "Last-Modified"))
			return false;
		fresh = 0;
	}
	*fresh_for = (th_time)(fresh < YEAR_S ? fresh : YEAR_S) * TH_SEC;
	return true;
}

bool th_cache_is_fresh(const struct th_cache_control *request, th_time age, th_time fresh_for, bool ignore_reload)
{
	if (age >= fresh_for)
		return false;
	if (ignore_reload)
		return true;
	if (request->no_cache)
		return false;
	/* An age of 0 s is "at most 0 s" only by rounding: max-age=0 asks for validation. */
	if (request->max_age != TH_DELTA_NONE && age >= (th_time)request->max_age * TH_SEC)
		return false;
	return request->min_fresh == TH_DELTA_NONE || fresh_for - age >= (th_time)request->min_fresh * TH_SEC;
}

bool th_cache_is_conditional(const struct th_head *request)
{
	return has(request, "If-None-Match") || has(request, "If-Modified-Since");
}

static struct th_str opaque(struct th_str etag)
{
	if (th_str_starts(etag, TH_STR("W/")))
		return (struct th_str){ etag.p + 2, etag.n - 2 };
	return etag;
}

static struct th_str trimmed(struct th_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct th_str){ s.p + 1, s.n - 1 };
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* Weak comparison with each element of the list (RFC 9110 §13.1.2). An ETag without quotes, as Synapse has it, is taken
 * as it is. */
static bool names(struct th_str list, struct th_str etag)
{
	while (list.n > 0) {
		bool quoted = false;
		size_t i;
		struct th_str e;

		for (i = 0; i < list.n && (quoted || list.p[i] != ','); i++)
			quoted ^= list.p[i] == '"';
		e = trimmed((struct th_str){ list.p, i });
		if (th_str_eq(e, TH_STR("*")) || th_str_eq(opaque(e), opaque(etag)))
			return true;
		i += i < list.n;
		list = (struct th_str){ list.p + i, list.n - i };
	}
	return false;
}

bool th_cache_not_modified(const struct th_head *request, const struct th_head *stored)
{
	const struct th_field *etag = th_head_find(stored, TH_STR("ETag"));
	const struct th_field *modified = th_head_find(stored, TH_STR("Last-Modified"));
	const struct th_field *since = th_head_find(request, TH_STR("If-Modified-Since"));

	if (has(request, "If-None-Match")) {
		for (size_t i = 0; etag && i < request->n_fields; i++)
			if (th_str_ieq(request->fields[i].name, TH_STR("If-None-Match")) &&
			    names(request->fields[i].value, etag->value))
				return true;
		return false;
	}
	/* Dates are compared as text: another one gets the whole answer, which is always allowed. */
	return since && modified && th_str_eq(since->value, modified->value);
}

th_time th_cache_age(const struct th_head *answer)
{
	const struct th_field *age = th_head_find(answer, TH_STR("Age"));
	int64_t s = age ? th_delta_seconds(age->value) : 0;

	return s > 0 ? (th_time)s * TH_SEC : 0;
}
