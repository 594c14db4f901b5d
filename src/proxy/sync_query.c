#include "proxy/sync_query.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/wr.h"
#include "exchange/route.h"

enum { TIMEOUT_DIGITS_MAX = 12 };

/* RFC 3986 §2.3 and §3.4, and what tokens of homeservers are made of besides. */
bool th_sync_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.' || c == '~' || c == '/';
}

static bool is_percent(const char *p, size_t left, const char *hex)
{
	return left >= 3 && p[0] == '%' && p[1] == hex[0] && (p[2] == hex[1] || p[2] == hex[1] + ('a' - 'A'));
}

/* Only what a token needs. */
static bool read_token(struct th_sync_token *t, struct th_str v)
{
	t->n = 0;
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (is_percent(v.p + i, v.n - i, "7E")) {
			c = '~';
			i += 2;
		} else if (is_percent(v.p + i, v.n - i, "2F")) {
			c = '/';
			i += 2;
		}
		if (!th_sync_token_char(c) || t->n == sizeof(t->p))
			return false;
		t->p[t->n++] = c;
	}
	return t->n > 0;
}

static bool read_number(uint64_t *out, struct th_str v)
{
	if (v.n == 0 || v.n > TIMEOUT_DIGITS_MAX)
		return false;
	*out = 0;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(v.p[i] - '0');
	}
	return true;
}

/* The query's parameters one by one, as `key=value`. */
struct walk {
	const char *p, *end;
};

static struct walk walk_of(struct th_str target)
{
	const char *end = target.p + target.n;
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;

	return (struct walk){ query ? query + 1 : end, end };
}

static bool next(struct walk *w, struct th_str *param, struct th_str *key, struct th_str *value)
{
	const char *end, *eq;

	if (w->p >= w->end)
		return false;
	end = memchr(w->p, '&', (size_t)(w->end - w->p));
	end = end ? end : w->end;
	*param = (struct th_str){ w->p, (size_t)(end - w->p) };
	eq = param->n ? memchr(param->p, '=', param->n) : NULL;
	*key = (struct th_str){ param->p, eq ? (size_t)(eq - param->p) : param->n };
	*value = eq ? (struct th_str){ eq + 1, (size_t)(end - eq - 1) } : (struct th_str){ end, 0 };
	w->p = end + 1;
	return true;
}

enum { SINCE = 1, TIMEOUT = 2, FULL_STATE = 4 };

static bool is_sliding(struct th_str target)
{
	return th_route_fits("client/unstable/org.matrix.simplified_msc3575/sync", target);
}

static unsigned which(struct th_str key, bool sliding)
{
	if (th_str_eq(key, sliding ? TH_STR("pos") : TH_STR("since")))
		return SINCE;
	if (th_str_eq(key, TH_STR("timeout")))
		return TIMEOUT;
	return th_str_eq(key, TH_STR("full_state")) ? FULL_STATE : 0;
}

bool th_sync_query_read(struct th_sync_query *q, struct th_str target)
{
	struct walk w = walk_of(target);
	struct th_str param, key, value;
	unsigned seen = 0;

	q->at.since.n = 0;
	q->timeout_ms = 0;
	q->full_state = false;
	q->sliding = is_sliding(target);
	if (!q->sliding && strcmp(th_route_name(target), "sync") != 0)
		return false;
	while (next(&w, &param, &key, &value)) {
		unsigned bit = which(key, q->sliding);

		if ((seen & bit) || (key.n && memchr(key.p, '%', key.n)))
			return false;
		seen |= bit;
		if (bit == SINCE && !read_token(&q->at.since, value))
			return false;
		if (bit == TIMEOUT && !read_number(&q->timeout_ms, value))
			return false;
		if (bit == FULL_STATE)
			q->full_state = !th_str_eq(value, TH_STR("false"));
	}
	return true;
}

size_t th_sync_query_rest(struct th_str target, char *out)
{
	struct walk w = walk_of(target);
	struct th_str param, key, value;
	size_t path = (size_t)(w.p - target.p), n = path;
	bool sliding = is_sliding(target);

	memcpy(out, target.p, path);
	while (next(&w, &param, &key, &value)) {
		if (which(key, sliding))
			continue;
		if (n > path)
			out[n++] = '&';
		memcpy(out + n, param.p, param.n);
		n += param.n;
	}
	return n;
}

size_t th_sync_query_write(struct th_str target, const struct th_sync_token *since, uint64_t timeout_ms, char *out,
			   size_t cap)
{
	struct th_wr wr = th_wr_init((uint8_t *)out, cap);
	struct walk w = walk_of(target);
	struct th_str param, key, value;
	char number[32];
	bool first = true, sliding = is_sliding(target);

	if (w.p == w.end && (target.n == 0 || target.p[target.n - 1] != '?')) {
		th_wr_bytes(&wr, target.p, target.n);
		th_wr_bytes(&wr, "?", 1);
	} else {
		th_wr_bytes(&wr, target.p, (size_t)(w.p - target.p));
	}
	while (next(&w, &param, &key, &value)) {
		unsigned bit = which(key, sliding);

		if (bit == SINCE || bit == TIMEOUT)
			continue;
		if (!first)
			th_wr_bytes(&wr, "&", 1);
		first = false;
		th_wr_bytes(&wr, param.p, param.n);
	}
	th_wr_put(&wr, first ? TH_STR("") : TH_STR("&"));
	th_wr_put(&wr, sliding ? TH_STR("pos=") : TH_STR("since="));
	th_wr_bytes(&wr, since->p, since->n);
	snprintf(number, sizeof(number), "&timeout=%" PRIu64, timeout_ms);
	th_wr_bytes(&wr, number, strlen(number));
	return wr.n;
}
