#include "home/key.h"

#include "exchange/route.h"

void th_home_tell(struct th_home_env *env, enum th_home_by by, struct th_str method, const char *route,
		  const struct th_head *answer)
{
	struct th_home_report r = { .by = by, .route = route, .method = method };

	env->answered[by]++;
	if (answer) {
		r.status = answer->status;
		r.http_bytes = th_head_http_bytes(answer) + (uint64_t)(answer->body_len > 0 ? answer->body_len : 0);
	}
	if (env->report)
		env->report(env->user, &r);
}

struct th_str th_target_path(struct th_str target)
{
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;

	return (struct th_str){ target.p, query ? (size_t)(query - target.p) : target.n };
}

/* Fields that do not change what the resource is. */
static bool for_caches(struct th_str name)
{
	static const struct th_str names[] = {
		TH_STR_INIT("Cache-Control"),	  TH_STR_INIT("Pragma"),       TH_STR_INIT("If-None-Match"),
		TH_STR_INIT("If-Modified-Since"), TH_STR_INIT("Content-Type"), TH_STR_INIT("Content-Length"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (th_str_ieq(name, names[i]))
			return true;
	return false;
}

enum kind { EXCHANGE, RESOURCE };

static bool request(const struct th_home_env *env, const struct th_head *h, enum kind kind, const uint8_t *body,
		    struct th_home_key *out)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_digest d;
	size_t n;

	if (h->n_fields > TH_HEAD_FIELDS_MAX)
		return false;
	n = th_policy_filter(env->policy, h, fields);
	th_digest_begin(&d);
	th_digest_bytes(&d, env->secret, sizeof(env->secret));
	th_digest_str(&d, kind == EXCHANGE ? TH_STR("exchange") : TH_STR("resource"));
	if (kind == EXCHANGE)
		th_digest_str(&d, h->method);
	th_digest_str(&d, h->target);
	for (size_t i = 0; i < n; i++) {
		if (kind == RESOURCE && for_caches(fields[i].name))
			continue;
		th_digest_lower(&d, fields[i].name);
		th_digest_str(&d, fields[i].value);
	}
	if (body)
		th_digest_bytes(&d, body, TH_DIGEST_BYTES);
	return th_digest_end(&d, out->b);
}

bool th_key_exchange(const struct th_home_env *env, const struct th_head *h, const uint8_t *body,
		     struct th_home_key *out)
{
	return request(env, h, EXCHANGE, body, out);
}

bool th_key_resource(const struct th_home_env *env, const struct th_head *h, struct th_home_key *out)
{
	return request(env, h, RESOURCE, NULL, out);
}

void th_key_account(const struct th_home_env *env, const struct th_head *h, struct th_home_key *out)
{
	struct th_digest d;
	bool any = false;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < h->n_fields && !any; i++)
		any = th_str_ieq(h->fields[i].name, TH_STR("Authorization")) ||
		      th_str_ieq(h->fields[i].name, TH_STR("Cookie"));
	if (!any)
		return;
	th_digest_begin(&d);
	th_digest_bytes(&d, env->secret, sizeof(env->secret));
	th_digest_str(&d, TH_STR("account"));
	for (size_t i = 0; i < h->n_fields; i++) {
		if (!th_str_ieq(h->fields[i].name, TH_STR("Authorization")) &&
		    !th_str_ieq(h->fields[i].name, TH_STR("Cookie")))
			continue;
		th_digest_lower(&d, h->fields[i].name);
		th_digest_str(&d, h->fields[i].value);
	}
	if (!th_digest_end(&d, out->b))
		memset(out->b, 0xff, sizeof(out->b));
}
