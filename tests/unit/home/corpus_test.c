/* Recorded traffic replayed through the stages: whatever a client gets is what the homeserver answered in the
 * recording, byte for byte, and what did not cross is counted. Usage: home_corpus_test DIR [print]; TH_CORPUS names
 * another one. */
#include <jansson.h>

#include "home/home.h"
#include "home/stable.h"
#include "rig.h"

enum { ROWS_MAX = 4096, SKIPPED = 77, TAG_FIELD = 38 /* If-None-Match with a tag, as a line of HTTP */ };

struct row {
	double t;
	json_t *json;
};

struct sums {
	size_t n, crossed, revalidated, exact, aged;
	uint64_t bytes, bytes_crossed;
};

enum mode { DEFAULT, RELOAD_IGNORED, LEAN, MODES };
static const char *const modes[MODES] = { "default", "reload ignored", "lean" };

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_home_far *far;
	struct th_home *near;
	uint64_t seed;
};

static uint8_t *decode(const char *text, size_t *n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *out = malloc(strlen(text) + 4);
	uint32_t v = 0;
	unsigned bits = 0;

	assert_non_null(out);
	*n = 0;
	for (; *text && *text != '='; text++) {
		const char *at = strchr(alphabet, *text);

		assert_non_null(at);
		v = v << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[(*n)++] = (uint8_t)(v >> bits);
		}
	}
	return out;
}

/* Message framing is not among a flow's fields. */
static bool frames(const char *name)
{
	return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
	       strcasecmp(name, "Connection") == 0 || strcasecmp(name, "Keep-Alive") == 0;
}

static size_t fields_of(const json_t *list, bool crossing, struct th_field *out)
{
	struct th_field all[TH_HEAD_FIELDS_MAX];
	const struct th_policy policy = { false };
	struct th_head h = { .fields = all, .status = crossing ? 200 : 0 };

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(json_array_get(list, i), 0));
		const char *value = json_string_value(json_array_get(json_array_get(list, i), 1));

		if (!frames(name))
			all[h.n_fields++] = (struct th_field){ th_str_of(name), th_str_of(value) };
	}
	if (crossing)
		return th_policy_filter(&policy, &h, out);
	memcpy(out, all, h.n_fields * sizeof(*all));
	return h.n_fields;
}

static const char *text(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static void text_of(const struct th_field *f, size_t n, bool age, char out[static RIG_TEXT])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (age || !th_str_ieq(f[i].name, TH_STR("Age")))
			at += (size_t)snprintf(out + at, RIG_TEXT - at, "%.*s: %.*s\n", TH_STR_ARG(f[i].name),
					       TH_STR_ARG(f[i].value));
}

static size_t heads(const struct th_field *f, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += f[i].name.n + f[i].value.n + 4;
	return bytes;
}

/* The homeserver of the recording: its answer to this request, as it crosses the link. */
static void answer(struct rig_call *x, const json_t *row, const uint8_t *body, size_t n)
{
	struct th_field f[TH_HEAD_FIELDS_MAX];
	char line[RIG_TEXT];

	text_of(f, fields_of(json_object_get(row, "resp_headers"), true, f), true, line);
	rig_answer_bytes(x, (unsigned)json_integer_value(json_object_get(row, "status")), line, body, n, true);
}

static uint64_t revalidations(const struct world *w)
{
	struct th_home_stats s;

	th_home_stats(w->near, &s);
	return s.cache.revalidated;
}

static void play(struct world *w, const json_t *row, struct sums *sums)
{
	struct th_field f[TH_HEAD_FIELDS_MAX], want[TH_HEAD_FIELDS_MAX];
	size_t req_n, resp_n, before = w->hs.n, n_want, size;
	uint64_t reval = revalidations(w);
	uint8_t *req = decode(text(row, "req_body"), &req_n), *resp = decode(text(row, "resp_body"), &resp_n);
	struct th_head h = { .method = th_str_of(text(row, "method")),
			     .target = th_str_of(text(row, "target")),
			     .body_len = (int64_t)req_n,
			     .fields = f };
	struct rig_client c;
	char expected[RIG_TEXT], got[RIG_TEXT];
	unsigned reports = w->e.reports;
	bool exact;

	h.n_fields = fields_of(json_object_get(row, "req_headers"), false, f);
	n_want = fields_of(json_object_get(row, "resp_headers"), true, want);
	rig_open(&c, th_home_server(w->near));
	th_flow_head(&c.flow, &h);
	if (req_n)
		assert_int_equal(th_flow_data(&c.flow, req, req_n), req_n);
	rig_end(&c);
	if (w->hs.n > before)
		answer(rig_last(&w->hs), row, resp, resp_n);
	assert_true(c.ended && c.closed);

	sums->n++;
	size = heads(f, h.n_fields) + h.method.n + h.target.n + 12 + req_n + heads(want, n_want) + 19 + resp_n;
	sums->bytes += size;
	if (w->hs.n > before) {
		bool same = revalidations(w) > reval;

		sums->crossed++;
		sums->revalidated += same;
		sums->bytes_crossed += same ? size + TAG_FIELD - heads(want, n_want) - resp_n : size;
	}
	text_of(want, n_want, true, expected);
	snprintf(got, sizeof(got), "%s", c.fields);
	if (strstr(got, "Age: ")) { /* the one thing that a stored answer has of its own */
		*strstr(got, "Age: ") = '\0';
		sums->aged++;
	}
	if (w->e.reports > reports &&
	    w->e.last_by == TH_HOME_LEAN) { /* not what the homeserver says, but what it means */
		rig_client_free(&c);
		assert_string_equal(c.text, "{}");
		sums->exact++;
		goto out;
	}
	if (c.status == 304 && w->hs.n == before)
		snprintf(got, sizeof(got), "%s", expected); /* which fields a 304 repeats is its sender's choice */
	exact = c.status == json_integer_value(json_object_get(row, "status")) && c.body.n == resp_n &&
		(resp_n == 0 || memcmp(th_buf_data(&c.body), resp, resp_n) == 0) && strcmp(got, expected) == 0;
	if (!exact)
		fail_msg("%s %s: status %u, %zu bytes\n%s--- wanted %zu bytes\n%s", text(row, "method"),
			 text(row, "target"), c.status, c.body.n, got, resp_n, expected);
	sums->exact++;
	rig_client_free(&c);
out:
	free(req);
	free(resp);
	th_home_turn(w->near);
	th_home_far_turn(w->far);
}

static int earlier(const void *a, const void *b)
{
	double x = ((const struct row *)a)->t, y = ((const struct row *)b)->t;

	return x < y ? -1 : x > y;
}

static size_t load(const char *folder, const char *name, struct row *rows)
{
	char path[1024], *line = NULL;
	size_t cap = 0, n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s.jsonl", folder, name);
	in = fopen(path, "r");
	if (!in)
		return 0;
	while (getline(&line, &cap, in) > 0) {
		json_t *row = json_loads(line, 0, NULL);

		assert_non_null(row);
		/* without the logouts, so that there is a token to start again with */
		if (strcmp(text(row, "plane"), "cs") != 0 || n == ROWS_MAX ||
		    th_stable_is_logout(th_str_of(text(row, "target")))) {
			json_decref(row);
			continue;
		}
		rows[n].t = json_number_value(json_object_get(row, "t"));
		rows[n++].json = row;
	}
	free(line);
	fclose(in);
	qsort(rows, n, sizeof(*rows), earlier);
	return n;
}

/* What a client asks for again when it starts another time, with the same token; without what it has changed in
 * between. */
static bool asked_at_start(const json_t *row)
{
	const struct th_stable *stable = th_stable_find(th_str_of(text(row, "target")));

	for (size_t i = 0; i < json_array_size(json_object_get(row, "req_headers")); i++)
		if (strcasecmp(json_string_value(
				       json_array_get(json_array_get(json_object_get(row, "req_headers"), i), 0)),
			       "Range") == 0)
			return false;
	return stable && stable->group == TH_GROUP_NONE && strcmp(text(row, "method"), "GET") == 0 &&
	       json_integer_value(json_object_get(row, "status")) == 200;
}

/* Whether the recording was there. `again`: of its requests for what is stable, half an hour later. */
static bool replay(const char *folder, const char *name, enum mode mode, struct sums *sums, struct sums *again)
{
	static struct row rows[ROWS_MAX];
	struct th_home_config config = th_home_default;
	static struct world w;
	size_t n = load(folder, name, rows);
	struct th_rng rng;

	memset(sums, 0, sizeof(*sums));
	if (n == 0)
		return false;
	config.cache.ignore_reload = mode != DEFAULT;
	config.lean.typing = config.lean.receipts = config.lean.presence = mode == LEAN;
	rig_env_init(&w.e, &th_mem_libc);
	w.seed = 1;
	rng = th_rng_seeded(&w.seed);
	rig_server_init(&w.hs);
	w.far = th_home_far_new(&th_mem_libc, &w.e.now, &w.e.policy, &config, &w.hs.server);
	w.near = th_home_new(&th_mem_libc, &rng, &w.e.now, &w.e.policy, &config, th_home_far_server(w.far));
	th_home_set_report(w.near, rig_on_report, &w.e);
	for (size_t i = 0; i < n; i++) {
		w.e.now = 1000 * TH_SEC + (th_time)(rows[i].t * 1e9);
		play(&w, rows[i].json, sums);
	}
	memset(again, 0, sizeof(*again));
	w.e.now += 1800 * TH_SEC;
	for (size_t i = 0; i < n; i++) {
		if (asked_at_start(rows[i].json))
			play(&w, rows[i].json, again);
		json_decref(rows[i].json);
	}
	th_home_del(w.near);
	th_home_far_del(w.far);
	rig_server_free(&w.hs);
	return true;
}

static const char *folder;

static void print(const char *name, const char *how, const struct sums *s)
{
	printf("%-9s %-14s: %4zu exchanges, %3zu at home, %2zu unchanged (304), %7llu bytes of HTTP, %7llu crossed "
	       "(-%.1f %%)\n",
	       name, how, s->n, s->n - s->crossed, s->revalidated, (unsigned long long)s->bytes,
	       (unsigned long long)s->bytes_crossed,
	       s->bytes ? 100.0 * (double)(s->bytes - s->bytes_crossed) / (double)s->bytes : 0.0);
}

static void test_replay(void **state)
{
	static const struct {
		const char *name;
		size_t home; /* must at least stay at home */
	} files[] = {
		{ "web", 87 }, { "nio-basic", 0 }, { "js-sdk", 0 }, { "e2ee", 0 },  { "sliding", 0 },
		{ "hand", 0 }, { "errors", 0 },	   { "fed-2", 0 },  { "fed-3", 0 },
	};

	(void)state;
	for (enum mode mode = DEFAULT; mode < MODES; mode++) {
		for (size_t i = 0; i < UNIT_COUNT(files); i++) {
			struct sums s, again;

			if (!replay(folder, files[i].name, mode, &s, &again))
				continue;
			print(files[i].name, modes[mode], &s);
			print(files[i].name, "started again", &again);
			assert_int_equal(s.exact, s.n);
			assert_int_equal(again.exact, again.n);
			assert_true(s.n - s.crossed >= files[i].home);
			/* nothing of what is stable crosses a second time: at most a question whether it is the same */
			if (strcmp(files[i].name, "errors") != 0) /* where a 401 ends the account */
				assert_int_equal(again.crossed, again.revalidated);
		}
	}
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_replay) };
	char probe[1024];
	FILE *in;

	folder = getenv("TH_CORPUS") ? getenv("TH_CORPUS") : argc > 1 ? argv[1] : ".";
	snprintf(probe, sizeof(probe), "%s/web.jsonl", folder);
	in = fopen(probe, "r");
	if (!in) {
		printf("no recordings in %s\n", folder);
		return SKIPPED;
	}
	fclose(in);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
