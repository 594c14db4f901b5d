#include "codec/target.h"

#include "codec/item.h"

enum {
	PATH_OTHER_VERSION = 255,
	QUERY_VERBATIM = 63,
	PAIRS_MAX = 61,
	PARAMS_MAX = 8,
	VERSION_SEGMENT = 3, /* counted from 1: "_matrix" is the first */
};

static const enum th_percent query_styles[TH_TARGET_STYLES] = { TH_PERCENT_UNRESERVED, TH_PERCENT_COMPONENT,
								TH_PERCENT_QUERY, TH_PERCENT_FORM };

struct params {
	size_t n;
	struct th_str at[PARAMS_MAX];
	struct th_str version; /* NULL unless it differs from the template's */
};

/* Takes up to the next `sep`, which is taken too; `more` says whether there was one. */
static struct th_str take_part(struct th_str *s, char sep, bool *more)
{
	const char *end = s->n ? memchr(s->p, sep, s->n) : NULL;
	struct th_str part = { s->p, end ? (size_t)(end - s->p) : s->n };

	*more = end != NULL;
	s->p += part.n + (end ? 1 : 0);
	s->n -= part.n + (end ? 1 : 0);
	return part;
}

static bool fits(struct th_str pattern, struct th_str path, bool any_version, struct params *out)
{
	bool more_want = true, more_got = true;

	*out = (struct params){ 0 };
	for (size_t segment = 0; more_want && more_got; segment++) {
		struct th_str want = take_part(&pattern, '/', &more_want);
		struct th_str got = take_part(&path, '/', &more_got);

		if (th_str_eq(want, TH_STR("*"))) {
			if (out->n == PARAMS_MAX)
				return false;
			out->at[out->n++] = got;
		} else if (!th_str_eq(want, got)) {
			if (!any_version || segment != VERSION_SEGMENT || want.n != 2 || want.p[0] != 'v')
				return false;
			out->version = got;
		}
	}
	return more_want == more_got;
}

static unsigned find_path(struct th_str path, struct params *params)
{
	for (int any_version = 0; any_version < 2; any_version++)
		for (unsigned i = 1; i < th_known_paths_count; i++)
			if (fits(th_known_paths[i], path, any_version, params))
				return i;
	return 0;
}

static bool all_fit(const struct params *params, enum th_percent style)
{
	for (size_t i = 0; i < params->n; i++)
		if (!th_percent_is(params->at[i], style))
			return false;
	return true;
}

static void write_decoded(struct th_wr *w, const struct th_known *k, struct th_target_scratch *scratch, struct th_str s,
			  enum th_percent style)
{
	struct th_wr plain = th_wr_init(scratch->bytes, sizeof(scratch->bytes));

	th_percent_decode(&plain, s, style);
	th_item_write_head(w, k, (struct th_str){ (const char *)scratch->bytes, plain.n });
}

/* Number of pairs, or PAIRS_MAX + 1 when the query is not made of at most PAIRS_MAX pairs of that style. */
static unsigned count_pairs(struct th_str query, enum th_percent style)
{
	unsigned n = 0;
	bool more = true, equals;

	while (more && n <= PAIRS_MAX) {
		struct th_str value = take_part(&query, '&', &more);
		struct th_str key = take_part(&value, '=', &equals);

		if (!equals || !th_percent_is(key, style) || !th_percent_is(value, style))
			return PAIRS_MAX + 1;
		n++;
	}
	return n;
}

static void write_pairs(struct th_wr *w, const struct th_known *k, struct th_target_scratch *scratch,
			struct th_str query, enum th_percent style)
{
	bool more = true, equals;

	while (more) {
		struct th_str value = take_part(&query, '&', &more);
		struct th_str key = take_part(&value, '=', &equals);
		unsigned known = th_known_query_key(key);

		th_wr_uint(w, known, 1);
		if (!known)
			write_decoded(w, k, scratch, key, style);
		write_decoded(w, k, scratch, value, style);
	}
}

static void write_query(struct th_wr *w, const struct th_known *k, struct th_target_scratch *scratch,
			struct th_str query)
{
	for (unsigned style = 0; style < TH_TARGET_STYLES; style++) {
		unsigned n = count_pairs(query, query_styles[style]);

		if (n <= PAIRS_MAX) {
			th_wr_uint(w, style << 6 | (n + 1), 1);
			write_pairs(w, k, scratch, query, query_styles[style]);
			return;
		}
	}
	th_wr_uint(w, QUERY_VERBATIM, 1);
	th_item_write_head(w, k, query);
}

unsigned th_target_write(struct th_wr *w, const struct th_known *k, struct th_target_scratch *scratch,
			 struct th_str target)
{
	struct params params;
	bool query;
	struct th_str path = take_part(&target, '?', &query);
	unsigned known = find_path(path, &params);
	unsigned style = 0;

	while (known && style < TH_TARGET_STYLES && !all_fit(&params, (enum th_percent)style))
		style++;
	if (style == TH_TARGET_STYLES)
		known = style = 0;
	if (known && params.version.p)
		th_wr_uint(w, PATH_OTHER_VERSION, 1);
	th_wr_uint(w, known, 1);
	if (known && params.version.p)
		th_item_write_head(w, k, params.version);
	if (!known)
		th_item_write_head(w, k, path);
	for (size_t i = 0; known && i < params.n; i++)
		write_decoded(w, k, scratch, params.at[i], (enum th_percent)style);
	if (query)
		write_query(w, k, scratch, target);
	else
		th_wr_uint(w, 0, 1);
	return style;
}

static void read_encoded(struct th_wr *out, struct th_rd *r, struct th_target_scratch *scratch, enum th_percent style)
{
	struct th_wr plain = th_wr_init(scratch->bytes, sizeof(scratch->bytes));

	th_item_read_head(r, &plain);
	if (!th_wr_ok(&plain))
		th_rd_fail(r, TH_ERR_TOO_LARGE);
	if (r->err == TH_OK)
		th_percent_encode(out, (struct th_str){ (const char *)scratch->bytes, plain.n }, style);
}

static void read_path(struct th_wr *out, struct th_rd *r, struct th_target_scratch *scratch, unsigned style)
{
	size_t known = (size_t)th_rd_uint(r, 1);
	bool other_version = known == PATH_OTHER_VERSION, more = true;
	struct th_str pattern;

	if (other_version)
		known = (size_t)th_rd_uint(r, 1);
	if (known >= th_known_paths_count || (other_version && known == 0)) {
		th_rd_fail(r, TH_ERR_MALFORMED);
		return;
	}
	if (known == 0) {
		th_item_read_head(r, out);
		return;
	}
	pattern = th_known_paths[known];
	for (size_t segment = 0; more && r->err == TH_OK; segment++) {
		struct th_str want = take_part(&pattern, '/', &more);

		if (segment)
			th_wr_bytes(out, "/", 1);
		if (other_version && segment == VERSION_SEGMENT)
			th_item_read_head(r, out);
		else if (th_str_eq(want, TH_STR("*")))
			read_encoded(out, r, scratch, (enum th_percent)style);
		else
			th_wr_bytes(out, want.p, want.n);
	}
}

static void read_pairs(struct th_wr *out, struct th_rd *r, struct th_target_scratch *scratch, enum th_percent style,
		       unsigned n)
{
	for (unsigned i = 0; i < n && r->err == TH_OK; i++) {
		size_t known = (size_t)th_rd_uint(r, 1);

		if (known >= th_known_query_count) {
			th_rd_fail(r, TH_ERR_MALFORMED);
			return;
		}
		if (i)
			th_wr_bytes(out, "&", 1);
		if (known)
			th_wr_bytes(out, th_known_query[known].p, th_known_query[known].n);
		else
			read_encoded(out, r, scratch, style);
		th_wr_bytes(out, "=", 1);
		read_encoded(out, r, scratch, style);
	}
}

void th_target_read(struct th_wr *out, struct th_rd *r, struct th_target_scratch *scratch, unsigned style)
{
	unsigned query;

	read_path(out, r, scratch, style);
	query = (unsigned)th_rd_uint(r, 1);
	if (query == 0)
		return;
	th_wr_bytes(out, "?", 1);
	if (query == QUERY_VERBATIM)
		th_item_read_head(r, out);
	else if ((query & 63) == QUERY_VERBATIM || (query & 63) == 0)
		th_rd_fail(r, TH_ERR_MALFORMED);
	else
		read_pairs(out, r, scratch, query_styles[query >> 6], (query & 63) - 1);
}
