/* What src/home reads of requests and answers: filters as JSON and in queries, Cache-Control, preflights, groups of
 * targets. The first byte says which. A narrowed filter is an object again, and narrowing it once more changes nothing.
 */
#include "fuzz.h"

#include <string.h>

#include "home/cache_rules.h"
#include "home/narrow.h"
#include "home/preflight.h"
#include "home/json.h"

static const struct th_narrow all = { .lazy_members = true, .no_presence = true, .timeline_limit = 10 };

static struct th_str text_of(const struct th_buf *b)
{
	return (struct th_str){ b->n ? (const char *)th_buf_data(b) : "", b->n };
}

static void filter(struct th_str s)
{
	struct th_buf once, twice;
	struct th_str value;
	enum th_err err;

	th_buf_init(&once, &th_mem_libc, 1 << 20);
	th_buf_init(&twice, &th_mem_libc, 1 << 20);
	(void)th_json_member(s, TH_STR("room"), &value);
	err = th_narrow_filter(&all, s, &once);
	FUZZ_CHECK(err != TH_OK || th_json_is_object(s));
	FUZZ_CHECK(err != TH_OK || th_json_is_object(text_of(&once)));
	if (err == TH_OK && th_narrow_filter(&all, text_of(&once), &twice) == TH_OK)
		FUZZ_CHECK(th_str_eq(text_of(&once), text_of(&twice)));
	th_buf_free(&once);
	th_buf_free(&twice);
}

static void target(struct th_str s)
{
	char group[TH_GROUP_NAME_MAX];
	struct th_buf out;

	th_buf_init(&out, &th_mem_libc, 1 << 20);
	(void)th_narrow_target(&all, s, &out);
	th_buf_free(&out);
	FUZZ_CHECK(th_stable_group(th_stable_find(s), s, group).n <= TH_GROUP_NAME_MAX);
	(void)th_preflight_scope(s);
}

/* The text twice: as the value of each field that is read. */
static void fields(struct th_str s)
{
	static const char *const names[] = { "Cache-Control",
					     "Vary",
					     "Age",
					     "If-None-Match",
					     "ETag",
					     "Access-Control-Allow-Methods",
					     "Access-Control-Allow-Headers" };
	struct th_field f[sizeof(names) / sizeof(names[0])];
	struct th_head h = { .status = 200, .fields = f, .n_fields = sizeof(names) / sizeof(names[0]) };
	struct th_cache_control c;
	struct th_preflight p = { .origin = s, .method = s, .headers = s };
	th_time fresh = 0;

	for (size_t i = 0; i < h.n_fields; i++)
		f[i] = (struct th_field){ th_str_of(names[i]), s };
	th_cache_control_read(&c, &h);
	FUZZ_CHECK(c.max_age >= TH_DELTA_NONE && c.s_maxage >= TH_DELTA_NONE && c.min_fresh >= TH_DELTA_NONE);
	(void)th_cache_may_store(&h, NULL, false, &fresh);
	FUZZ_CHECK(fresh <= (th_time)400 * 24 * 3600 * TH_SEC);
	(void)th_cache_not_modified(&h, &h);
	(void)th_cache_age(&h);
	(void)th_preflight_covers(&h, s, s);
	(void)th_preflight_mirrors(&h, &p);
	(void)th_preflight_any_origin(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct th_str s = { (const char *)data + 1, n ? n - 1 : 0 };

	if (n == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		filter(s);
		break;
	case 1:
		target(s);
		break;
	default:
		fields(s);
	}
	return 0;
}
