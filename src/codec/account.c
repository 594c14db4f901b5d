#include "codec/account.h"

#include <string.h>

#include "codec/client_event.h"

static const struct th_str scheme = TH_STR_INIT("Bearer ");

struct th_str th_account_of(const struct th_head *request)
{
	const struct th_field *f = th_head_find(request, TH_STR("Authorization"));

	return f ? f->value : TH_STR("");
}

bool th_account_fits(struct th_str value)
{
	return value.n > scheme.n && value.n <= TH_ACCOUNT_VALUE_MAX && th_str_istarts(value, scheme);
}

bool th_account_asked(const struct th_head *request)
{
	return !th_head_find(request, TH_STR("Authorization")) && th_str_eq(request->method, TH_STR("POST")) &&
	       th_str_starts(request->target, TH_STR("/_matrix/client/"));
}

struct th_str th_account_given(struct th_str body, char out[static TH_ACCOUNT_VALUE_MAX])
{
	struct th_str token = th_client_string(body, TH_STR("access_token"));

	if (token.n == 0 || token.n > TH_ACCOUNT_VALUE_MAX - scheme.n || memchr(token.p, '\\', token.n))
		return TH_STR("");
	memcpy(out, scheme.p, scheme.n);
	memcpy(out + scheme.n, token.p, token.n);
	return (struct th_str){ out, scheme.n + token.n };
}
