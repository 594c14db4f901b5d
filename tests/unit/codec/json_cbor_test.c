#include "unit.h"

#include "codec/item.h"
#include "codec/json_cbor.h"
#include "guard.h"

enum { MAX = 256 * 1024 };

static struct th_known known;
static uint8_t cbor[MAX], back[MAX];

static struct th_str hex_of(const uint8_t *p, size_t n)
{
	static char out[4096];

	assert_true(n * 2 < sizeof(out));
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
	return (struct th_str){ out, 2 * n };
}

/* Transcodes and compares; the CBOR's length, 0 when it was refused. */
static size_t round_trip(struct th_str json, unsigned style)
{
	struct th_wr w = th_wr_init(cbor, sizeof(cbor)), out = th_wr_init(back, sizeof(back));
	struct th_rd r;

	if (th_json_to_cbor(&w, &known, json, style) != TH_OK)
		return 0;
	r = th_rd_init(cbor, w.n);
	th_cbor_to_json(&out, &r, style);
	assert_int_equal(r.err, TH_OK);
	assert_int_equal(th_rd_left(&r), 0);
	assert_int_equal(out.n, json.n);
	assert_memory_equal(back, json.p, json.n);
	return w.n;
}

/* JSON, the style found, the CBOR it becomes. "" for refused. Keys and values: numbers of known.c. */
static const struct {
	const char *json;
	unsigned style;
	const char *hex;
} table[] = {
	{ "0", 0, "00" },
	{ "-1", 0, "20" },
	{ "-0", 0, "d90106422d30" },
	{ "1.10", 0, "d9010644312e3130" },
	{ "1e2", 0, "d9010643316532" },
	{ "1E+2", 0, "d901064431452b32" },
	{ "18446744073709551615", 0, "1bffffffffffffffff" },
	{ "18446744073709551616", 0, "d90106543138343436373434303733373039353531363136" },
	{ "-18446744073709551615", 0, "3bfffffffffffffffe" },
	{ "9007199254740993", 0, "1b0020000000000001" },
	{ "01", 0, "" },
	{ "-", 0, "" },
	{ "1.", 0, "" },
	{ "1e", 0, "" },
	{ ".5", 0, "" },
	{ "+1", 0, "" },
	{ "true", 0, "f5" },
	{ "false", 0, "f4" },
	{ "null", 0, "f6" },
	{ "nul", 0, "" },
	{ "\"\"", 0, "60" },
	{ "\"a\"", 0, "6161" },
	{ "\"a\\/b\"", TH_JSON_SLASH, "63612f62" },
	{ "[\"a\\/b\",\"c/d\"]", TH_JSON_SLASH, "8263612f62d901064522632f6422" }, /* both ways at once */
	{ "\"\\u00e9\"", TH_JSON_ASCII, "62c3a9" },
	{ "\"\xc3\xa9\"", 0, "62c3a9" },
	{ "[\"\\u00e9\",\"\xc3\xa9\"]", TH_JSON_ASCII, "8262c3a9d901064422c3a922" },
	{ "\"\\u00E9\"", TH_JSON_ASCII, "d9010648225c753030453922" }, /* capital digits */
	{ "\"\\ud83d\\ude00\"", TH_JSON_ASCII, "64f09f9880" },
	{ "\"\xf0\x9f\x98\x80\"", 0, "64f09f9880" },
	{ "\"\\ud83d\"", TH_JSON_ASCII, "d9010648225c756438336422" }, /* half of a pair */
	{ "\"\\ude00\\ud83d\"", TH_JSON_ASCII, "d901064e225c75646530305c756438336422" },
	{ "\"\\u0041\"", 0, "d9010648225c753030343122" },
	{ "\"\\n\\t\\b\\f\\r\\\\\\\"\"", 0, "670a09080c0d5c22" },
	{ "\"\\u0000\\u001f\"", 0, "62001f" },
	{ "\"\\u000a\"", 0, "d9010648225c753030306122" },
	{ "\"\\u003cb\\u003e\\u0026\"", TH_JSON_HTML, "643c623e26" },
	{ "\"<b>\"", 0, "633c623e" },
	{ "\"\x7f\"", 0, "617f" },
	{ "\"\xff\"", 0, "d901064322ff22" },		 /* not UTF-8 */
	{ "\"\xed\xa0\x80\"", 0, "d901064522eda08022" }, /* a surrogate in UTF-8 */
	{ "\"\xc0\x80\"", 0, "d901064422c08022" },
	{ "\"\n\"", 0, "" },
	{ "\"a", 0, "" },
	{ "\"\\x\"", 0, "" },
	{ "\"\\u12\"", 0, "" },
	{ "{}", 0, "a0" },
	{ "[]", 0, "80" },
	{ "{\"type\":\"m.room.message\"}", 0, "a101e2" },
	{ "{\"content\":{\"body\":\"Hello World\",\"msgtype\":\"m.text\"}}", 0,
	  "a102a2166b48656c6c6f20576f726c642de1" },
	{ "{\"type\": \"m.text\", \"age\": 1}", TH_JSON_SPACED, "a201e10c01" },
	{ "{\"zz\":1,\"yy\":2}", 0, "a2627a7a0162797902" }, /* order stays */
	{ "{\"a\":1,\"a\":2}", 0, "a2616101616102" },	    /* twice, too */
	{ "{\"type\":1}\n", TH_JSON_NEWLINE, "a10101" },
	{ "{\"t\\u0079pe\":1}", 0,
	  "a1d901064b22745c7530303739706522"
	  "01" }, /* not the known key */
	{ " {}", 0, "" },
	{ "{ }", 0, "" },
	{ "{}  ", 0, "" },
	{ "{\"a\" :1}", 0, "" },
	{ "{\"a\": 1,}", TH_JSON_SPACED, "" },
	{ "{\"a\":1, \"b\":2}", TH_JSON_SPACED, "" }, /* spaces here and not there */
	{ "[1,]", 0, "" },
	{ "{\"a\"}", 0, "" },
	{ "{\"a\":1,}", 0, "" },
	{ "{1:2}", 0, "" },
	{ "[1}", 0, "" },
	{ "{}{}", 0, "" },
	{ "", 0, "" },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(table); i++) {
		struct th_str json = th_str_of(table[i].json), hex;
		size_t n;

		assert_int_equal(th_json_style(json), table[i].style);
		n = round_trip(json, table[i].style);
		hex = hex_of(cbor, n);
		if (!th_str_eq(hex, th_str_of(table[i].hex)))
			print_message("%s: %.*s instead of %s\n", table[i].json, TH_STR_ARG(hex), table[i].hex);
		assert_true(th_str_eq(hex, th_str_of(table[i].hex)));
	}
}

static void test_identifiers_are_packed(void **state)
{
	static const char event_id[] = "\"$F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ\"";
	static const char room_id[] = "\"!F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ\"";
	static const char key[] = "\"F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij+/klmnopQ\"";
	static const char loose[] = "\"F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij+/klmnopR\""; /* its last bits are not zero */
	static const char padded[] = "\"F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij+/klmnopQ=\"";

	(void)state;
	assert_int_equal(round_trip(th_str_of(event_id), 0), 2 + 32);
	assert_int_equal(round_trip(th_str_of(room_id), 0), 1 + 2 + 32);
	assert_int_equal(round_trip(th_str_of(key), 0), 1 + 2 + 32);
	assert_int_equal(round_trip(th_str_of(key), TH_JSON_SLASH), 1 + 2 + 32); /* packed strings know no escapes */
	assert_int_equal(round_trip(th_str_of(loose), 0), 2 + 43);
	assert_int_equal(round_trip(th_str_of(padded), 0), 2 + 44);
}

/* Containers whose number of items needs another byte move what they hold. */
static void test_sizes_of_containers(void **state)
{
	static const size_t sizes[] = { 0, 1, 23, 24, 255, 256, 65535 };
	static char json[MAX];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		size_t n = 0;

		json[n++] = '[';
		json[n++] = '[';
		for (size_t j = 0; j < sizes[i]; j++) {
			if (j)
				json[n++] = ',';
			json[n++] = '7';
		}
		json[n++] = ']';
		json[n++] = ']';
		assert_int_equal(round_trip((struct th_str){ json, n }, 0), 1 + th_cbor_head_size(sizes[i]) + sizes[i]);
	}
}

static void test_depth_is_bounded(void **state)
{
	char json[2 * TH_JSON_DEPTH_MAX + 2];
	uint8_t deep[TH_JSON_DEPTH_MAX + 2];
	struct th_wr out = th_wr_init(back, sizeof(back));
	struct th_rd r;

	(void)state;
	memset(json, '[', TH_JSON_DEPTH_MAX);
	memset(json + TH_JSON_DEPTH_MAX, ']', TH_JSON_DEPTH_MAX);
	assert_int_equal(round_trip((struct th_str){ json, 2 * TH_JSON_DEPTH_MAX }, 0), TH_JSON_DEPTH_MAX);
	memset(json, '[', TH_JSON_DEPTH_MAX + 1);
	memset(json + TH_JSON_DEPTH_MAX + 1, ']', TH_JSON_DEPTH_MAX + 1);
	assert_int_equal(round_trip((struct th_str){ json, 2 * TH_JSON_DEPTH_MAX + 2 }, 0), 0);
	memset(deep, 0x81, sizeof(deep));
	deep[sizeof(deep) - 1] = 0x80;
	r = th_rd_init(deep, sizeof(deep));
	th_cbor_to_json(&out, &r, 0);
	assert_int_equal(r.err, TH_ERR_MALFORMED);
}

/* Too little room: never a byte too far, and said so. */
static void test_every_size_of_output(void **state)
{
	static const char json[] =
		"{\"type\":\"x\",\"a\":[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6],\"b\":\"\\u00e9\"}";
	struct guard g = guard_new(4096);
	size_t need = round_trip(th_str_of(json), TH_JSON_ASCII);
	uint8_t whole[128];

	(void)state;
	memcpy(whole, cbor, need);
	for (size_t cap = 0; cap < need; cap++) {
		struct th_wr w = th_wr_init(guard_tail(&g, cap), cap);

		assert_int_equal(th_json_to_cbor(&w, &known, th_str_of(json), TH_JSON_ASCII), TH_ERR_TOO_LARGE);
	}
	for (size_t cap = 0; cap < sizeof(json) - 1; cap++) {
		struct th_wr w = th_wr_init(guard_tail(&g, cap), cap);
		struct th_rd r = th_rd_init(whole, need);

		th_cbor_to_json(&w, &r, TH_JSON_ASCII);
		assert_true(r.err != TH_OK || !th_wr_ok(&w));
	}
	guard_del(&g);
}

static void test_every_prefix_is_refused(void **state)
{
	static const char json[] =
		"{\"type\":\"x\",\"a\":[1,-2.5,true,null],\"$F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ\":{}}";
	struct guard g = guard_new(4096);
	size_t n = round_trip(th_str_of(json), 0);
	uint8_t whole[128];

	(void)state;
	memcpy(whole, cbor, n);
	for (size_t cut = 0; cut < n; cut++) {
		struct th_rd r = th_rd_init(guard_put(&g, whole, cut), cut);
		struct th_wr w = th_wr_init(back, sizeof(back));

		th_cbor_to_json(&w, &r, 0);
		assert_int_equal(r.err, TH_ERR_MALFORMED);
	}
	for (size_t cut = 0; cut < sizeof(json) - 1; cut++) {
		const char *p = (const char *)guard_put(&g, json, cut);

		assert_int_equal(round_trip((struct th_str){ p, cut }, 0), 0);
	}
	guard_del(&g);
}

static void test_foreign_cbor_is_refused(void **state)
{
	static const char *const bad[] = {
		"1800",		      /* 0 in two bytes */
		"1b0000000000000001", /* 1 in nine */
		"9fff",
		"bfff",
		"7fff",	      /* indefinite lengths */
		"f7",	      /* undefined */
		"f818",	      /* a simple value that has a shorter form */
		"f93c00",     /* a float */
		"f4ff",	      /* more than one item: left over, see below */
		"a1f401",     /* false as a key */
		"a1190fff01", /* no key of that number */
		"a13818"
		"01",
		"c0",
		"c24101", /* other tags */
		"d9010661"
		"61",		      /* tag 262 on text */
		"d66161",	      /* base64 of text */
		"3bffffffffffffffff", /* -2^64 */
		"61ff",		      /* text that is not UTF-8 */
		"9b7fffffffffffffff", /* an array longer than the input */
		"5b7fffffffffffffff",
		"1c",
		"fc",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		struct th_wr w = th_wr_init(back, sizeof(back));
		struct th_rd r;
		size_t n = strlen(bad[i]) / 2;
		uint8_t p[32];

		for (size_t j = 0; j < n; j++) {
			char two[3] = { bad[i][2 * j], bad[i][2 * j + 1], 0 };

			p[j] = (uint8_t)strtoul(two, NULL, 16);
		}
		r = th_rd_init(p, n);
		th_cbor_to_json(&w, &r, 0);
		if (strcmp(bad[i], "f4ff") == 0)
			assert_int_equal(th_rd_left(&r), 1); /* the caller's to refuse */
		else
			assert_int_equal(r.err, TH_ERR_MALFORMED);
	}
}

/* Random JSON-like text in all styles: whatever is taken comes back. */
static void test_random_text(void **state)
{
	static const char *const bits[] = {
		"{",	   "}",	  "[",	    "]",  ",",	      ":",   ", ", ": ", "\"",	"\"type\"",	  "\"m.text\"",
		"\\u00e9", "\\/", "/",	    "<",  "\xc3\xa9", "\\n", "1",  "-0", "1.5", "\\ud83d\\ude00", "true",
		"null",	   "\n",  "\"a\":", "[]", "\\u003c"
	};
	uint64_t seed = unit_seed("json", 20261129);
	struct th_rng rng = th_rng_seeded(&seed);
	size_t taken = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		char json[256];
		size_t n = 0, parts = 1 + th_rng_below(&rng, 9);

		for (size_t j = 0; j < parts; j++) {
			const char *bit = bits[th_rng_below(&rng, UNIT_COUNT(bits))];

			memcpy(json + n, bit, strlen(bit));
			n += strlen(bit);
		}
		taken += round_trip((struct th_str){ json, n }, (unsigned)th_rng_below(&rng, TH_JSON_STYLES)) > 0;
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_identifiers_are_packed),
		cmocka_unit_test(test_sizes_of_containers),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_every_size_of_output),
		cmocka_unit_test(test_every_prefix_is_refused),
		cmocka_unit_test(test_foreign_cbor_is_refused),
		cmocka_unit_test(test_random_text),
	};

	th_known_init(&known);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
