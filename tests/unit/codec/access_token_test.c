/* Checksums of access tokens and the names in them, against tokens that Synapse and matrix-authentication-service made.
 */
#include "unit.h"

#include <string.h>

#include "base/rng.h"
#include "codec/access_token.h"
#include "codec/base64.h"
#include "codec/text.h"

enum { CAP = 4096, REST_LEAST = 18, REST_MOST = 249 };

#define SYNAPSE "syt_dGFtc2lu_juOYubhpBMedQkMXBaAa_"
#define SYNAPSE_SUM "318SMY"
#define NAMED "syt_@tamsin_juOYubhpBMedQkMXBaAa_" /* the same, cut */
#define MAS "mat_kkLSacJDpek22jKWw4AcXG68b7U3W6_"
#define MAS_SUM "0Lg9yb"
#define MAS_REFRESH "mar_PkpplxPkfjsqvtdfUlYR1Afg2TpaHF_"
#define MAS_REFRESH_SUM "GaTQd2"
#define S "\x1e"
#define M "\x1f"

static char got[CAP];

static struct th_str cut(struct th_str plain)
{
	struct th_wr w = th_wr_init(got, sizeof(got));

	assert_int_equal(th_access_token_cut(&w, plain), TH_OK);
	assert_true(th_wr_ok(&w));
	return (struct th_str){ got, w.n };
}

static void comes_back(struct th_str c, struct th_str plain)
{
	char back[CAP];
	struct th_wr w = th_wr_init(back, sizeof(back));

	th_access_token_restore(&w, c);
	assert_int_equal(w.n, plain.n);
	assert_memory_equal(back, plain.p, w.n);
}

static void goes(struct th_str plain, struct th_str as)
{
	struct th_str c = cut(plain);

	assert_int_equal(c.n, as.n);
	assert_memory_equal(c.p, as.p, c.n);
	assert_int_equal(th_access_token_is_cut(c), !th_str_eq(plain, as));
	comes_back(c, plain);
}

static void stays(struct th_str plain)
{
	goes(plain, plain);
}

static void test_right_checksums_are_cut_and_come_back(void **state)
{
	(void)state;
	goes(TH_STR(SYNAPSE SYNAPSE_SUM), TH_STR(NAMED S));
	goes(TH_STR(MAS MAS_SUM), TH_STR(MAS M));
	goes(TH_STR("{\"access_token\":\"" SYNAPSE SYNAPSE_SUM "\",\"refresh_token\":\"" MAS_REFRESH MAS_REFRESH_SUM
		    "\"}"),
	     TH_STR("{\"access_token\":\"" NAMED S "\",\"refresh_token\":\"" MAS_REFRESH M "\"}"));
	goes(TH_STR(SYNAPSE SYNAPSE_SUM " " MAS MAS_SUM ".\n"), TH_STR(NAMED S " " MAS M ".\n"));
	/* numbers of fewer digits, and one that reads the same in both orders */
	goes(TH_STR("syt_ZGF2ZTY2NjU_HImJBJYgVKIJuYhxErhd_0Hyszb"), TH_STR("syt_@dave6665_HImJBJYgVKIJuYhxErhd_" S));
	goes(TH_STR("syl_aaaaaaaaaaaaaaaaeffh_0004s5"), TH_STR("syl_aaaaaaaaaaaaaaaaeffh_" S));
	goes(TH_STR("mat_000000000000000000000000000966_0008w5"), TH_STR("mat_000000000000000000000000000966_" M));
	goes(TH_STR("syt_bWlsbw_AAAAAAAAAAAAAA251730_1OssO1"), TH_STR("syt_bWlsbw_AAAAAAAAAAAAAA251730_" S));
	comes_back(TH_STR("syt_bWlsbw_AAAAAAAAAAAAAA251730_" M), TH_STR("syt_bWlsbw_AAAAAAAAAAAAAA251730_1OssO1"));
	/* a percent escape is no part of it */
	goes(TH_STR("/sync?access_token=" SYNAPSE SYNAPSE_SUM "%26&since=s1"),
	     TH_STR("/sync?access_token=" NAMED S "%26&since=s1"));
}

/* The mark says the order, whatever the token begins with. */
static void test_the_other_order(void **state)
{
	(void)state;
	goes(TH_STR(SYNAPSE "YMS813"), TH_STR(SYNAPSE M));
	goes(TH_STR(MAS "0by9gL"), TH_STR(MAS S));
}

static void test_what_is_not_right_stays(void **state)
{
	(void)state;
	stays(TH_STR(""));
	stays(TH_STR("_"));
	stays(TH_STR("______"));
	stays(TH_STR(SYNAPSE));
	stays(TH_STR(SYNAPSE "318SMZ"));
	stays(TH_STR(MAS "by9gL0"));		/* zeros on the other side */
	stays(TH_STR("x" SYNAPSE SYNAPSE_SUM)); /* the run begins before */
	stays(TH_STR(SYNAPSE SYNAPSE_SUM "_")); /* and goes on behind */
	stays(TH_STR(SYNAPSE SYNAPSE_SUM "-"));
	stays(TH_STR(SYNAPSE "318S"));
	stays(TH_STR("syt%5FdGFtc2lu%5FjuOYubhpBMedQkMXBaAa%5F" SYNAPSE_SUM));
}

/* ---- names ---- */

/* The token with that in the place of the name; a mark at its end stands for what it stands for. */
static struct th_str token_with(const char *kind, const char *name, const char *rest, char out[static CAP])
{
	char made[CAP];
	struct th_wr w = th_wr_init(out, CAP);

	snprintf(made, sizeof(made), "%s%s%s", kind, name, rest);
	th_access_token_restore(&w, th_str_of(made));
	return (struct th_str){ out, w.n };
}

#define LETTERS20 "_ABCDEFGHIJKLMNOPqrst_"

static void test_names(void **state)
{
	static const struct {
		const char *coded, *name;
	} names[] = { { "YQ", "a" },	 { "YWI", "ab" },
		      { "YWJj", "abc" }, { "Ll89Ly0r", "._=/-+" },
		      { "XzAx", "_01" }, { "YWxpY2UtMV9i", "alice-1_b" } };
	/* no base64, not canonical, capitals, other letters, nothing, an "@" */
	static const char *const others[] = { "YWJ", "YWJ-", "YWJjZ", "QWxpY2U", "w6k", "", "YUBi", "YWIA" };
	char plain[CAP], as[CAP];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct th_str t = token_with("syt_", names[i].coded, LETTERS20 S, plain);

		snprintf(as, sizeof(as), "syt_@%s" LETTERS20 S, names[i].name);
		goes(t, th_str_of(as));
		token_with("x syr_", names[i].coded, LETTERS20 S, plain);
		snprintf(as, sizeof(as), "x syr_@%s" LETTERS20 S, names[i].name);
		comes_back(th_str_of(as), token_with("x syr_", names[i].coded, LETTERS20 S, plain));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct th_str t = token_with("syt_", others[i], LETTERS20 S, plain);

		snprintf(as, sizeof(as), "syt_%s" LETTERS20 S, others[i]);
		goes(t, th_str_of(as));
	}
	/* other kinds, lengths and letters than Synapse's */
	goes(token_with("mat_", "YWI", LETTERS20 M, plain), TH_STR("mat_YWI" LETTERS20 M));
	goes(token_with("syt_", "YWI", LETTERS20 M, plain), TH_STR("syt_YWI" LETTERS20 M));
	goes(token_with("xsyt_", "YWI", LETTERS20 S, plain), TH_STR("xsyt_YWI" LETTERS20 S));
	goes(token_with("sy1_", "YWI", LETTERS20 S, plain), TH_STR("sy1_YWI" LETTERS20 S));
	goes(token_with("syt_", "YWI", "_ABCDEFGHIJKLMNOPqrs_" S, plain), TH_STR("syt_YWI_ABCDEFGHIJKLMNOPqrs_" S));
	goes(token_with("syt_", "YWI", "_ABCDEFGHIJKLMNOPqrs1_" S, plain), TH_STR("syt_YWI_ABCDEFGHIJKLMNOPqrs1_" S));
}

static void test_lengths_of_names(void **state)
{
	char name[CAP], plain[CAP], as[CAP];

	(void)state;
	for (size_t n = 1; n < 200; n++) {
		struct th_wr w = th_wr_init(name, sizeof(name) - 1);
		struct th_str t;

		memset(as, 'b', n);
		th_base64_encode(&w, (const uint8_t *)as, n, TH_BASE64_STD);
		name[w.n] = '\0';
		t = token_with("syt_", name, LETTERS20 S, plain);
		if (n > 167) { /* then the run is longer than a token's may be */
			stays((struct th_str){ plain, t.n - 1 });
			continue;
		}
		assert_int_equal(cut(t).n, 4 + 1 + n + 22 + 1);
		assert_memory_equal(got, "syt_@bbbbb", n < 5 ? 5 + n : 10);
		comes_back((struct th_str){ got, cut(t).n }, t);
	}
}

/* What stands behind "syt_@" is a token itself: its checksum stays, as it would be read as that of another one. */
#define NAME_ALONE "syt_@tamsin" LETTERS20 "4O1u7K"
static void test_what_would_be_read_as_a_name_stays(void **state)
{
	char plain[CAP];
	struct th_str t = token_with("", "tamsin", LETTERS20 S, plain);
	char with_kind[CAP];

	(void)state;
	goes(t, TH_STR("tamsin" LETTERS20 S));
	snprintf(with_kind, sizeof(with_kind), "syt_@%.*s", (int)t.n, t.p);
	assert_string_equal(with_kind, NAME_ALONE);
	stays(th_str_of(with_kind));
	snprintf(with_kind, sizeof(with_kind), "asyt_@%.*s", (int)t.n, t.p);
	goes(th_str_of(with_kind), TH_STR("asyt_@tamsin" LETTERS20 S));
	snprintf(with_kind, sizeof(with_kind), "@%.*s", (int)t.n, t.p);
	goes(th_str_of(with_kind), TH_STR("@tamsin" LETTERS20 S));
}

/* ---- lengths ---- */

/* A token whose rest, with its "_", is of n bytes; the checksum is what a mark stands for. */
static struct th_str token_of(size_t n, char mark, char out[static CAP])
{
	char made[CAP];
	struct th_wr w = th_wr_init(out, CAP);

	memset(made, 'a', n);
	made[n - 1] = '_';
	made[n] = mark;
	th_access_token_restore(&w, (struct th_str){ made, n + 1 });
	return (struct th_str){ out, w.n };
}

static void test_lengths(void **state)
{
	char plain[CAP];

	(void)state;
	for (size_t n = 1; n < 300; n++) {
		bool fits = n >= REST_LEAST && n <= REST_MOST;
		struct th_str t = token_of(n, *S, plain);

		assert_int_equal(t.n, fits ? n + 6 : n + 1);
		if (fits)
			assert_int_equal(cut(t).n, n + 1);
		else
			stays(t);
	}
}

/* ---- marks that are none, and others' ---- */

static void test_what_looks_like_a_mark_is_refused(void **state)
{
	static const char *const refused[] = { SYNAPSE S,	SYNAPSE M,   MAS S " ",
					       "a " MAS M "\n", SYNAPSE S S, SYNAPSE SYNAPSE_SUM "," SYNAPSE S };
	char plain[CAP];
	struct th_wr w = th_wr_init(got, sizeof(got));

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		w.n = 0;
		assert_int_equal(th_access_token_cut(&w, th_str_of(refused[i])), TH_ERR_INVALID);
	}
	for (size_t n = 1; n < 300; n++) {
		bool fits = n >= REST_LEAST && n <= REST_MOST;

		memset(plain, '_', n);
		plain[n] = *M;
		w.n = 0;
		assert_int_equal(th_access_token_cut(&w, (struct th_str){ plain, n + 1 }),
				 fits ? TH_ERR_INVALID : TH_OK);
	}
}

static void test_other_places_of_these_bytes(void **state)
{
	(void)state;
	stays(TH_STR(S));
	stays(TH_STR(S M "\x1e\x1f_\x1e"));
	stays(TH_STR(SYNAPSE "a" S)); /* not behind "_" */
	stays(TH_STR(SYNAPSE S "a"));
	stays(TH_STR(SYNAPSE S "_" S));
	stays(TH_STR(SYNAPSE S "318SMY"));
	goes(TH_STR(S SYNAPSE SYNAPSE_SUM S), TH_STR(S NAMED S S));
	goes(TH_STR(SYNAPSE "a" S MAS MAS_SUM S M), TH_STR(SYNAPSE "a" S MAS M S M));
}

/* Bytes and tokens at random: what is cut comes back, and what is restored can be cut and comes back, too. */
static void test_random_bytes(void **state)
{
	static const char token[] = SYNAPSE SYNAPSE_SUM, whole_mas[] = MAS MAS_SUM, alone[] = NAME_ALONE;
	const char *const pieces[] = { S,	M,   "_",    "-",   "\"",	   "..",
				       ".",	"a", "syt_", "@",   "syt_bWlsbw_", "syt_@a",
				       SYNAPSE, MAS, NAMED,  token, whole_mas,	   alone };
	uint64_t seed = 20261130;
	struct th_rng rng = th_rng_seeded(&seed);
	unsigned n_cut = 0, n_refused = 0;

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 300000; i++) {
		char bytes[CAP], whole[CAP];
		struct th_wr w = th_wr_init(bytes, sizeof(bytes)), c = th_wr_init(got, sizeof(got));
		struct th_wr r = th_wr_init(whole, sizeof(whole));
		struct th_str plain;

		for (size_t k = th_rng_below(&rng, 10); k > 0; k--) {
			size_t piece = th_rng_below(&rng, 1 + sizeof(pieces) / sizeof(pieces[0]));

			if (piece == 0)
				th_wr_uint(&w, th_rng_below(&rng, 256), 1);
			else
				th_wr_put(&w, th_str_of(pieces[piece - 1]));
		}
		plain = (struct th_str){ bytes, w.n };
		if (th_access_token_cut(&c, plain) == TH_OK) {
			n_cut += c.n < w.n;
			comes_back((struct th_str){ got, c.n }, plain);
		} else {
			n_refused++;
		}
		th_access_token_restore(&r, plain);
		comes_back(cut((struct th_str){ whole, r.n }), (struct th_str){ whole, r.n });
	}
	print_message("%u cut, %u refused\n", n_cut, n_refused);
	assert_true(n_cut > 5000 && n_refused > 5000);
}

/* ---- in texts ---- */

static uint8_t text[CAP];

static size_t write_text(const struct th_head *h, int slot, const char *body, size_t body_n)
{
	size_t n;

	assert_int_equal(th_text_write(h, slot, (const uint8_t *)body, body_n, text, sizeof(text), &n), TH_OK);
	assert_true(n <= sizeof(text));
	return n;
}

static void test_in_a_request(void **state)
{
	static const struct th_field fields[] = {
		{ TH_STR_INIT("Authorization"), TH_STR_INIT("Bearer " SYNAPSE SYNAPSE_SUM) },
		{ TH_STR_INIT("X-Other"), TH_STR_INIT("a, " MAS MAS_SUM) },
		{ TH_STR_INIT("X-Wrong"), TH_STR_INIT(SYNAPSE "318SMZ") },
	};
	static const char expected[] = "\x01sync?access_token=" MAS M "&since=s1\n"
				       "\x14" NAMED S "\nX-Other: a, " MAS M "\nX-Wrong: " SYNAPSE "318SMZ\n\n" NAMED S;
	static struct th_text t;
	struct th_head h = { .method = TH_STR("GET"),
			     .target = TH_STR("/_matrix/client/v3/sync?access_token=" MAS MAS_SUM "&since=s1"),
			     .fields = fields,
			     .n_fields = 3,
			     .body_len = sizeof(SYNAPSE SYNAPSE_SUM) - 1 };
	uint8_t body[CAP];
	size_t n = write_text(&h, TH_SLOT_NONE, SYNAPSE SYNAPSE_SUM, (size_t)h.body_len);

	(void)state;
	assert_int_equal(n, sizeof(expected) - 1);
	assert_memory_equal(text, expected, n);
	assert_int_equal(th_text_read_request(&t, text, n), TH_OK);
	assert_true(th_str_eq(t.head.target, h.target));
	for (size_t i = 0; i < h.n_fields; i++)
		assert_true(th_str_eq(t.head.fields[i].value, fields[i].value));
	assert_int_equal(th_text_restore(&t, body, (size_t)h.body_len - 1), TH_ERR_TOO_LARGE);
	assert_int_equal(th_text_restore(&t, body, sizeof(body)), TH_OK);
	assert_int_equal(t.head.body_len, h.body_len);
	assert_int_equal(t.body_n, h.body_len);
	assert_memory_equal(t.body, SYNAPSE SYNAPSE_SUM, t.body_n);
}

static void test_a_slot_leaves_no_token(void **state)
{
	static const struct th_field field = { TH_STR_INIT("Authorization"),
					       TH_STR_INIT("Bearer " SYNAPSE SYNAPSE_SUM) };
	struct th_head h = { .method = TH_STR("GET"), .target = TH_STR("/"), .fields = &field, .n_fields = 1 };
	size_t n = write_text(&h, 3, "", 0);

	(void)state;
	assert_int_equal(n, strlen("#3 GET /\n\x13\n"));
	assert_memory_equal(text, "#3 GET /\n\x13\n", n);
}

/* A body whose length its sender did not know, and one with what has to go another way. */
static void test_in_a_response(void **state)
{
	static const char plain[] = "{\"access_token\":\"" SYNAPSE SYNAPSE_SUM "\"}", like_a_mark[] = SYNAPSE S;
	static struct th_text t;
	struct th_head h = { .status = 200, .body_len = TH_BODY_UNKNOWN };
	uint8_t body[CAP];
	size_t n = write_text(&h, TH_SLOT_NONE, plain, sizeof(plain) - 1);

	(void)state;
	assert_int_equal(th_text_read_response(&t, text, n), TH_OK);
	assert_int_equal(t.body_n, sizeof(plain) - 1 - 5 - 1);
	assert_int_equal(th_text_restore(&t, body, sizeof(body)), TH_OK);
	assert_int_equal(t.head.body_len, TH_BODY_UNKNOWN);
	assert_int_equal(t.body_n, sizeof(plain) - 1);
	assert_memory_equal(t.body, plain, t.body_n);
	assert_int_equal(th_text_write(&h, TH_SLOT_NONE, (const uint8_t *)like_a_mark, sizeof(like_a_mark) - 1, text,
				       sizeof(text), &n),
			 TH_ERR_INVALID);
}

/* A body that has events of federation keeps its tokens, and may hold what is a mark elsewhere. */
static void test_beside_events(void **state)
{
	static const char *const bodies[] = { "{\"hashes\":{\"sha256\":\"\"},\"a\":\"" SYNAPSE SYNAPSE_SUM "\"}",
					      "{\"hashes\":{\"sha256\":\"\"},\"a\":\"" SYNAPSE S "\"}" };
	static struct th_text t;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t body_n = strlen(bodies[i]), n;
		struct th_head h = { .status = 200, .body_len = (int64_t)body_n };

		n = write_text(&h, TH_SLOT_NONE, bodies[i], body_n);
		assert_memory_equal(text + n - body_n, bodies[i], body_n);
		assert_int_equal(th_text_read_response(&t, text, n), TH_OK);
		assert_int_equal(th_text_restore(&t, text, 0), TH_OK);
		assert_int_equal(t.body_n, body_n);
	}
}

static void test_heads_with_marks_elsewhere_are_malformed(void **state)
{
	static const char *const heads[] = { "GET /\nA: b" S "\n\n",
					     "GET /\nA: syt_a_" S "\n\n",
					     "GET /\nA: " SYNAPSE S "a\n\n",
					     "GET /\nA: " SYNAPSE M M "\n\n",
					     "GET /" S "\n\n",
					     "GET " SYNAPSE "a" M "\n\n",
					     S "GET /\n\n",
					     "GET /\n" M "\n\n",
					     "GET /\nA: " S "\n\n" };
	static struct th_text t;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_int_equal(th_text_read_request(&t, (const uint8_t *)heads[i], strlen(heads[i])),
				 TH_ERR_MALFORMED);
}

/* Checksums are cut from what stands behind an entry, and found in the head as a whole: a run must not reach into one.
 */
static void test_no_entry_ends_in_a_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(th_text_lines) / sizeof(th_text_lines[0]); i++)
		if (th_text_lines[i].n > 0)
			assert_non_null(memchr("\n /:=", th_text_lines[i].p[th_text_lines[i].n - 1], 5));
	assert_int_equal(th_text_lines[TH_ACCESS_TOKEN_SYNAPSE].n, 0);
	assert_int_equal(th_text_lines[TH_ACCESS_TOKEN_MAS].n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_checksums_are_cut_and_come_back),
		cmocka_unit_test(test_the_other_order),
		cmocka_unit_test(test_what_is_not_right_stays),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lengths_of_names),
		cmocka_unit_test(test_what_would_be_read_as_a_name_stays),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_what_looks_like_a_mark_is_refused),
		cmocka_unit_test(test_other_places_of_these_bytes),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_in_a_request),
		cmocka_unit_test(test_a_slot_leaves_no_token),
		cmocka_unit_test(test_in_a_response),
		cmocka_unit_test(test_beside_events),
		cmocka_unit_test(test_heads_with_marks_elsewhere_are_malformed),
		cmocka_unit_test(test_no_entry_ends_in_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
