#include "site.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* RFC 7252 §12.3 */
enum { FORMAT_TEXT = 0, FORMAT_LINK = 40, FORMAT_XML = 41, FORMAT_OCTETS = 42 };

enum { OBS_MAX_AGE_S = 5, NUMBER_TEXT = 64 };

struct resource {
	const char *path, *link; /* its attributes in /.well-known/core */
	void (*get)(struct job *j);
	void (*put)(struct job *j);
	void (*post)(struct job *j);
	void (*del)(struct job *j);
};

void reply_opaque(struct reply *r, uint16_t number, const void *p, size_t n)
{
	r->options[r->n_options++] = (struct th_coap_option){ number, (uint16_t)n, p };
}

void reply_uint(struct reply *r, uint16_t number, uint32_t v)
{
	uint8_t *to = r->numbers[r->n_options];

	reply_opaque(r, number, to, peer_uint(to, v));
}

static void answer(struct job *j, uint8_t code)
{
	struct reply r = { .code = code };

	job_reply(j, &r, NULL, 0, true);
}

static void answer_body(struct job *j, uint8_t code, uint32_t format, const void *body, size_t n)
{
	struct reply r = { .code = code };

	if (format != SITE_NO_FORMAT)
		reply_uint(&r, OPT_CONTENT_FORMAT, format);
	job_reply(j, &r, body, n, true);
}

static void answer_text(struct job *j, uint8_t code, const char *text)
{
	answer_body(j, code, FORMAT_TEXT, text, strlen(text));
}

/* The number after "name=" in the query, else `otherwise`. */
static uint32_t query_number(const struct job *j, const char *name, uint32_t max, uint32_t otherwise)
{
	const char *p = j->query;
	uint64_t v;

	while (*p) {
		size_t n = strcspn(p, "&"), name_n = strlen(name);

		if (n > name_n && memcmp(p, name, name_n) == 0 && p[name_n] == '=' &&
		    peer_number((struct th_str){ p + name_n + 1, n - name_n - 1 }, max, &v))
			return (uint32_t)v;
		p += n + (p[n] == '&');
	}
	return otherwise;
}

static void slot_store(struct slot *s, const struct job *j)
{
	th_buf_consume(&s->body, s->body.n);
	th_buf_append(&s->body, th_buf_data(&j->in), j->in.n);
	s->format = j->format;
	s->version++;
	s->exists = true;
}

static void slot_get(struct job *j, const struct slot *s)
{
	if (s->exists)
		answer_body(j, TH_COAP_CODE(2, 5), s->format, th_buf_data(&s->body), s->body.n);
	else
		answer(j, TH_COAP_CODE(4, 4));
}

static void slot_put(struct job *j, struct slot *s)
{
	uint8_t code = s->exists ? TH_COAP_CODE(2, 4) : TH_COAP_CODE(2, 1);

	slot_store(s, j);
	j->site->requests++;
	answer(j, code);
}

/* /test */

static void test_get(struct job *j)
{
	slot_get(j, &j->site->test);
}

static void test_put(struct job *j)
{
	slot_put(j, &j->site->test);
}

static void test_post(struct job *j)
{
	struct reply r = { .code = TH_COAP_CODE(2, 1) };

	j->site->requests++;
	reply_opaque(&r, OPT_LOCATION_PATH, "location1", 9);
	reply_opaque(&r, OPT_LOCATION_PATH, "location2", 9);
	reply_opaque(&r, OPT_LOCATION_PATH, "location3", 9);
	job_reply(j, &r, NULL, 0, true);
}

static void test_delete(struct job *j)
{
	j->site->requests++;
	j->site->test.exists = false;
	answer(j, TH_COAP_CODE(2, 2));
}

/* How many requests that change something were executed. */
static void requests_get(struct job *j)
{
	char text[NUMBER_TEXT];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)j->site->requests);
	answer_text(j, TH_COAP_CODE(2, 5), text);
}

static void segments_get(struct job *j)
{
	answer_text(j, TH_COAP_CODE(2, 5), j->path);
}

static void query_get(struct job *j)
{
	answer_text(j, TH_COAP_CODE(2, 5), j->query);
}

static void location_query_post(struct job *j)
{
	struct reply r = { .code = TH_COAP_CODE(2, 1) };

	j->site->requests++;
	reply_opaque(&r, OPT_LOCATION_QUERY, "first=1", 7);
	reply_opaque(&r, OPT_LOCATION_QUERY, "second=2", 8);
	job_reply(j, &r, NULL, 0, true);
}

/* /separate: answers after ?ms= */

static void separate_due(struct th_alarm *a, th_time now)
{
	struct job *j = TH_OWNER(a, struct job, alarm);

	(void)now;
	answer_text(j, TH_COAP_CODE(2, 5), "separate");
}

static void separate_get(struct job *j)
{
	enum { WAIT_MS = 1000, WAIT_MAX_MS = 60000 };

	job_alarm(j, query_number(j, "ms", WAIT_MAX_MS, WAIT_MS) * TH_MS, separate_due);
}

static void separate_post(struct job *j)
{
	j->site->requests++;
	separate_get(j);
}

/* Large bodies */

static void pattern(uint32_t n, unsigned seed, struct th_buf *to)
{
	uint8_t *p;

	th_buf_init(to, &th_mem_libc, SITE_BODY_MAX);
	p = n > 0 ? th_buf_reserve(to, n) : NULL;
	if (!p)
		return;
	peer_pattern(p, n, seed);
	th_buf_commit(to, n);
}

static void large_get(struct job *j)
{
	enum { SIZE = 1280 };
	struct th_buf body;

	pattern(query_number(j, "size", SITE_BODY_MAX, SIZE), 0, &body);
	answer_body(j, TH_COAP_CODE(2, 5), FORMAT_OCTETS, th_buf_data(&body), body.n);
	th_buf_free(&body);
}

static void update_get(struct job *j)
{
	slot_get(j, &j->site->update);
}

static void update_put(struct job *j)
{
	slot_put(j, &j->site->update);
}

static void create_get(struct job *j)
{
	answer_body(j, TH_COAP_CODE(2, 5), FORMAT_OCTETS, th_buf_data(&j->site->created), j->site->created.n);
}

static void create_post(struct job *j)
{
	struct reply r = { .code = TH_COAP_CODE(2, 1) };
	struct th_buf *to = &j->site->created;

	j->site->requests++;
	th_buf_consume(to, to->n);
	th_buf_append(to, th_buf_data(&j->in), j->in.n);
	reply_opaque(&r, OPT_LOCATION_PATH, "large-create", 12);
	job_reply(j, &r, NULL, 0, true);
}

static void echo_post(struct job *j)
{
	j->site->requests++;
	answer_body(j, TH_COAP_CODE(2, 4), j->format, th_buf_data(&j->in), j->in.n);
}

/* /fail: ?code= as in 404 */
static void fail_any(struct job *j)
{
	enum { CODE = 500, CODE_MAX = 599, CODE_CLASS = 100 };
	uint32_t code = query_number(j, "code", CODE_MAX, CODE);

	answer_text(j, TH_COAP_CODE(code / CODE_CLASS, code % CODE_CLASS), "as asked");
}

/* /validate */

static void validate_get(struct job *j)
{
	const struct slot *s = &j->site->validate;
	uint8_t etag[4];
	size_t n = peer_uint(etag, s->version);
	struct reply r = { .code = TH_COAP_CODE(2, 5) };
	bool same = j->etag_n == n && memcmp(j->etag, etag, n) == 0;

	if (same)
		r.code = TH_COAP_CODE(2, 3);
	reply_opaque(&r, OPT_ETAG, etag, n);
	if (!same)
		reply_uint(&r, OPT_CONTENT_FORMAT, FORMAT_TEXT);
	job_reply(j, &r, th_buf_data(&s->body), same ? 0 : s->body.n, true);
}

static void validate_put(struct job *j)
{
	struct slot *s = &j->site->validate;
	uint8_t etag[4];
	size_t n = peer_uint(etag, s->version);

	if (j->has_if_match && (j->if_match_n != n || memcmp(j->if_match, etag, n) != 0))
		answer(j, TH_COAP_CODE(4, 12));
	else
		slot_put(j, s);
}

static void create1_get(struct job *j)
{
	slot_get(j, &j->site->create1);
}

static void create1_put(struct job *j)
{
	if (j->if_none_match && j->site->create1.exists)
		answer(j, TH_COAP_CODE(4, 12));
	else
		slot_put(j, &j->site->create1);
}

static void create1_delete(struct job *j)
{
	j->site->create1.exists = false;
	answer(j, TH_COAP_CODE(2, 2));
}

static void multi_format_get(struct job *j)
{
	if (j->accept == FORMAT_XML)
		answer_body(j, TH_COAP_CODE(2, 5), FORMAT_XML, "<xml/>", 6);
	else if (j->accept == FORMAT_TEXT || j->accept == SITE_NO_FORMAT)
		answer_text(j, TH_COAP_CODE(2, 5), "text");
	else
		answer(j, TH_COAP_CODE(4, 6));
}

/* Observable: /obs, /obs-non (small) and /obs-large. ?n= notifications, ?ms= apart, the k-th says k. */

static void obs_due(struct th_alarm *a, th_time now);

static void obs_tell(struct job *j, bool last)
{
	enum { SIZE = 1280 };
	struct reply r = { .code = TH_COAP_CODE(2, 5) };
	struct th_buf body;
	char text[NUMBER_TEXT];
	const struct slot *put = &j->site->obs;

	reply_uint(&r, OPT_CONTENT_FORMAT, put->exists ? put->format : FORMAT_TEXT);
	reply_uint(&r, OPT_MAX_AGE, OBS_MAX_AGE_S);
	snprintf(text, sizeof(text), "%u", j->told);
	if (strcmp(j->path, "/obs-large") == 0) {
		pattern(query_number(j, "size", SITE_BODY_MAX, SIZE), j->told, &body);
		job_reply(j, &r, th_buf_data(&body), body.n, last);
		th_buf_free(&body);
	} else if (put->exists && put->body.n > 0) {
		job_reply(j, &r, th_buf_data(&put->body), put->body.n, last);
	} else {
		job_reply(j, &r, text, strlen(text), last);
	}
}

static void obs_due(struct th_alarm *a, th_time now)
{
	struct job *j = TH_OWNER(a, struct job, alarm);

	(void)now;
	if (j->told >= j->tell)
		return;
	job_alarm(j, j->interval, obs_due);
	if (j->responding)
		return;
	j->told++;
	obs_tell(j, false);
}

static void obs_get(struct job *j)
{
	enum { COUNT_MAX = 100000, INTERVAL_MS = 1000, INTERVAL_MAX_MS = 60000 };

	if (!th_coap_wants_observe(j->site->peer->coap, j->id)) {
		obs_tell(j, true);
		return;
	}
	j->observing = true;
	j->confirmable = strcmp(j->path, "/obs-non") != 0;
	j->tell = query_number(j, "n", COUNT_MAX, 0);
	j->interval = query_number(j, "ms", INTERVAL_MAX_MS, INTERVAL_MS) * TH_MS;
	job_alarm(j, j->interval, obs_due);
	obs_tell(j, false);
}

static void obs_end_all(struct site *s, uint8_t code)
{
	TH_LIST_EACH(it, &s->jobs)
	{
		struct job *j = TH_OWNER(it, struct job, link);

		if (j->observing) {
			th_loop_cancel(s->peer->loop, &j->alarm);
			answer(j, code);
		}
	}
}

/* TD_COAP_OBS_08: another format than registered with ends observations, with 5.00 as ETSI's server does. OBS_09: else
 * all hear of it. */
static void obs_put(struct job *j)
{
	struct site *site = j->site; /* the job may be gone once it is answered */
	struct slot *s = &site->obs;
	uint32_t before = s->exists ? s->format : FORMAT_TEXT;

	slot_store(s, j);
	if (j->format == SITE_NO_FORMAT)
		s->format = FORMAT_TEXT;
	answer(j, TH_COAP_CODE(2, 4));
	if (s->format != before) {
		obs_end_all(site, TH_COAP_CODE(5, 0));
		return;
	}
	TH_LIST_EACH(it, &site->jobs)
	{
		struct job *o = TH_OWNER(it, struct job, link);

		if (o->observing && !o->responding)
			obs_tell(o, false);
	}
}

static void obs_delete(struct job *j)
{
	struct site *site = j->site;

	site->obs.exists = false;
	answer(j, TH_COAP_CODE(2, 2));
	obs_end_all(site, TH_COAP_CODE(4, 4));
}

static void core_get(struct job *j);

static const struct resource resources[] = {
	{ "/.well-known/core", NULL, core_get, NULL, NULL, NULL },
	{ "/", "rt=\"root\"", query_get, NULL, NULL, NULL },
	{ "/test", "rt=\"test\"", test_get, test_put, test_post, test_delete },
	{ "/requests", NULL, requests_get, NULL, NULL, NULL },
	{ "/seg1/seg2/seg3", "rt=\"segments\"", segments_get, NULL, NULL, NULL },
	{ "/query", "rt=\"query\"", query_get, NULL, NULL, NULL },
	{ "/location-query", NULL, NULL, NULL, location_query_post, NULL },
	{ "/separate", "rt=\"separate\"", separate_get, NULL, separate_post, NULL },
	{ "/large", "rt=\"block\";sz=1280", large_get, NULL, NULL, NULL },
	{ "/large-update", "rt=\"block\"", update_get, update_put, NULL, NULL },
	{ "/large-create", "rt=\"block\"", create_get, NULL, create_post, NULL },
	{ "/large-post", "rt=\"block\"", NULL, NULL, echo_post, NULL },
	{ "/echo", NULL, NULL, NULL, echo_post, NULL },
	{ "/fail", NULL, fail_any, fail_any, fail_any, fail_any },
	{ "/validate", NULL, validate_get, validate_put, NULL, NULL },
	{ "/create1", NULL, create1_get, create1_put, NULL, create1_delete },
	{ "/multi-format", "ct=\"0 41\"", multi_format_get, NULL, NULL, NULL },
	{ "/obs", "obs;rt=\"observe\"", obs_get, obs_put, NULL, obs_delete },
	{ "/obs-non", "obs;rt=\"observe\"", obs_get, NULL, NULL, NULL },
	{ "/obs-large", "obs;rt=\"observe\"", obs_get, NULL, NULL, NULL },
};

enum { RESOURCES = sizeof(resources) / sizeof(resources[0]) };

/* RFC 6690 §4.1 in the one form that the tests ask for: ?rt=NAME. */
static bool core_wanted(const struct job *j, const struct resource *r)
{
	char want[SITE_QUERY_MAX];

	if (!r->link)
		return false;
	if (strncmp(j->query, "rt=", 3) != 0)
		return true;
	snprintf(want, sizeof(want), "rt=\"%s\"", j->query + 3);
	return strstr(r->link, want) != NULL;
}

static void core_get(struct job *j)
{
	struct th_buf body;
	char line[SITE_QUERY_MAX];

	th_buf_init(&body, &th_mem_libc, SITE_BODY_MAX);
	for (size_t i = 0; i < RESOURCES; i++) {
		if (!core_wanted(j, &resources[i]))
			continue;
		snprintf(line, sizeof(line), "%s<%s>;%s", body.n > 0 ? "," : "", resources[i].path, resources[i].link);
		th_buf_append(&body, line, strlen(line));
	}
	answer_body(j, TH_COAP_CODE(2, 5), FORMAT_LINK, th_buf_data(&body), body.n);
	th_buf_free(&body);
}

const struct resource *site_find(const char *path)
{
	for (size_t i = 0; i < RESOURCES; i++)
		if (strcmp(path, resources[i].path) == 0)
			return &resources[i];
	return NULL;
}

void site_handle(struct job *j)
{
	void (*fn)(struct job * j) = NULL;

	if (j->too_large) {
		answer(j, TH_COAP_CODE(4, 13));
		return;
	}
	if (j->proxy) {
		answer(j, TH_COAP_CODE(5, 5));
		return;
	}
	if (!j->res) {
		answer(j, TH_COAP_CODE(4, 4));
		return;
	}
	switch (j->method) {
	case TH_COAP_GET:
		fn = j->res->get;
		break;
	case TH_COAP_PUT:
		fn = j->res->put;
		break;
	case TH_COAP_POST:
		fn = j->res->post;
		break;
	case TH_COAP_DELETE:
		fn = j->res->del;
		break;
	default:
		break;
	}
	if (fn)
		fn(j);
	else
		answer(j, TH_COAP_CODE(4, 5));
}

static void slot_init(struct slot *s, const char *text)
{
	th_buf_init(&s->body, &th_mem_libc, SITE_BODY_MAX);
	th_buf_append(&s->body, text, strlen(text));
	s->exists = *text != '\0';
	s->format = FORMAT_TEXT;
	s->version = 1;
}

void site_init(struct site *s, struct peer *peer)
{
	*s = (struct site){ .peer = peer };
	th_list_init(&s->jobs);
	slot_init(&s->test, "hello");
	slot_init(&s->update, "");
	slot_init(&s->validate, "first");
	slot_init(&s->create1, "");
	slot_init(&s->obs, "");
	th_buf_init(&s->created, &th_mem_libc, SITE_BODY_MAX);
}

void site_free(struct site *s)
{
	th_buf_free(&s->test.body);
	th_buf_free(&s->update.body);
	th_buf_free(&s->validate.body);
	th_buf_free(&s->create1.body);
	th_buf_free(&s->obs.body);
	th_buf_free(&s->created);
}
