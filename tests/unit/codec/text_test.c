#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "codec/text.h"

static const struct th_field request_fields[] = {
	{ TH_STR_INIT("content-type"), TH_STR_INIT("application/json") },
	{ TH_STR_INIT("Authorization"), TH_STR_INIT("Bearer syt_x") },
	{ TH_STR_INIT("X-Custom"), TH_STR_INIT("a, b\t\xc3\xa9: c") },
	{ TH_STR_INIT("Empty"), TH_STR_INIT("") },
};

static const struct th_head request = {
	.method = TH_STR_INIT("PUT"),
	.target = TH_STR_INIT("/_matrix/client/v3/rooms/%21a:b/send/m.room.message/1?x=&x=+\xff"),
	.body_len = 2,
	.fields = request_fields,
	.n_fields = 4,
};

static void assert_heads(const struct th_head *a, const struct th_head *b)
{
	assert_true(th_str_eq(a->method, b->method));
	assert_true(th_str_eq(a->target, b->target));
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->body_len, b->body_len);
	assert_int_equal(a->n_fields, b->n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		assert_true(th_str_eq(a->fields[i].name, b->fields[i].name));
		assert_true(th_str_eq(a->fields[i].value, b->fields[i].value));
	}
}

/* The text in a block of exactly its size, so that the sanitizer sees a byte too far. */
static size_t write_exact(const struct th_head *h, int slot, const char *body, size_t body_n, uint8_t **out)
{
	size_t need, again;

	assert_int_equal(th_text_write(h, slot, (const uint8_t *)body, body_n, NULL, 0, &need), TH_OK);
	*out = malloc(need);
	assert_int_equal(th_text_write(h, slot, (const uint8_t *)body, body_n, *out, need, &again), TH_OK);
	assert_int_equal(again, need);
	return need;
}

static enum th_err read_either(struct th_text *t, const struct th_head *h, const uint8_t *p, size_t n)
{
	return h->status ? th_text_read_response(t, p, n) : th_text_read_request(t, p, n);
}

static void round_trip(const struct th_head *h, const char *body, size_t body_n)
{
	static struct th_text t;
	uint8_t *p;
	size_t n = write_exact(h, TH_SLOT_NONE, body, body_n, &p);

	assert_int_equal(read_either(&t, h, p, n), TH_OK);
	assert_heads(&t.head, h);
	assert_int_equal(t.slot, TH_SLOT_NONE);
	assert_int_equal(t.body_n, body_n);
	assert_memory_equal(t.body, body_n ? body : "", body_n);
	free(p);
}

static void test_round_trips(void **state)
{
	struct th_head h = request;
	static const struct th_field hash = { TH_STR_INIT("authorization"), TH_STR_INIT("#7") };

	(void)state;
	round_trip(&request, "{}", 2);
	h.body_len = TH_BODY_UNKNOWN;
	round_trip(&h, "\0\n\n\x01", 4);
	h.body_len = 0;
	round_trip(&h, "", 0);
	h.method = TH_STR("#x");
	round_trip(&h, "", 0);
	h.fields = &hash;
	h.n_fields = 1;
	round_trip(&h, "", 0);
	for (uint16_t status = 200; status < 600; status++) {
		struct th_head r = { .status = status, .body_len = 3 };

		round_trip(&r, "\n:\n", 3);
	}
}

/* The examples of docs/protocol.md. */
static void test_documented_texts(void **state)
{
	static const struct th_field fields[] = { { TH_STR_INIT("Authorization"), TH_STR_INIT("Bearer secret") },
						  { TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") } };
	static const char expected[] = "#0 \x02!a:b/typing/@c:d\n\x13\x06\n{}";
	struct th_head h = { .method = TH_STR("PUT"),
			     .target = TH_STR("/_matrix/client/v3/rooms/!a:b/typing/@c:d"),
			     .body_len = 2,
			     .fields = fields,
			     .n_fields = 2 };
	struct th_head r = { .status = 200, .body_len = 2, .fields = fields + 1, .n_fields = 1 };
	uint8_t *p;
	size_t n = write_exact(&h, 0, "{}", 2, &p);

	(void)state;
	assert_int_equal(n, sizeof(expected) - 1);
	assert_memory_equal(p, expected, n);
	free(p);
	n = write_exact(&r, TH_SLOT_NONE, "{}", 2, &p);
	assert_int_equal(n, 8);
	assert_memory_equal(p, "200\n\x06\n{}", n);
	free(p);
}

static void test_slots(void **state)
{
	static struct th_text t;

	(void)state;
	for (int slot = 0; slot <= TH_SLOT_MAX; slot++) {
		uint8_t *p;
		size_t n = write_exact(&request, slot, "{}", 2, &p);

		assert_int_equal(th_text_read_request(&t, p, n), TH_OK);
		assert_int_equal(t.slot, slot);
		assert_true(th_str_eq(t.head.fields[1].name, TH_STR("Authorization")));
		assert_int_equal(t.head.fields[1].value.n, 0);
		assert_true(th_str_eq(t.head.fields[2].value, request_fields[2].value));
		for (size_t i = 0; i + 6 <= n; i++)
			assert_memory_not_equal(p + i, "Bearer", 6);
		free(p);
	}
}

static void assert_unwritable(struct th_head h, int slot)
{
	size_t need;

	assert_int_equal(th_text_write(&h, slot, NULL, 0, NULL, 0, &need), TH_ERR_INVALID);
}

static void test_what_cannot_be_written(void **state)
{
	struct th_head good = { .method = TH_STR("GET"), .target = TH_STR("/") };
	struct th_head h = good;
	static const struct th_field bad[] = { { TH_STR_INIT("A B"), TH_STR_INIT("") },
					       { TH_STR_INIT(""), TH_STR_INIT("") },
					       { TH_STR_INIT("A"), TH_STR_INIT("a\nb") },
					       { TH_STR_INIT("A"), TH_STR_INIT("\x04") } };

	(void)state;
	assert_unwritable(good, 0); /* no Authorization to stand for */
	assert_unwritable(request, TH_SLOT_MAX + 1);
	h.target = TH_STR("/a b");
	assert_unwritable(h, TH_SLOT_NONE);
	h.target = TH_STR("/\x01");
	assert_unwritable(h, TH_SLOT_NONE);
	h = good;
	h.body_len = 1; /* the body is not that long */
	assert_unwritable(h, TH_SLOT_NONE);
	for (size_t i = 0; i < 4; i++) {
		h = good;
		h.fields = &bad[i];
		h.n_fields = 1;
		assert_unwritable(h, TH_SLOT_NONE);
	}
}

static void test_what_is_refused(void **state)
{
	static const char *const requests[] = {
		"",
		"GET /\n",	  /* no end */
		"GET\n\n",	  /* no target */
		"G(T /\n\n",	  /* not a token */
		"GET /a b\n\n",	  /* white space in the target */
		"GET /\na\n\n",	  /* no colon */
		"GET /\na:b\n\n", /* no space */
		"GET /\na b: c\n\n",
		"GET /\na: b\rc: d\n\n",
		"GET /\n:\n:\n\n",
		"GET /\n:\na: b\n\n", /* the mark is the last line */
		"#0 GET /\n\n",	      /* nothing for the slot to stand for */
		"#0 GET /\nAuthorization: x\n\n",
		"#256 GET /\nAuthorization: #\n\n",
		"#01 GET /\nAuthorization: #\n\n",
		"#- GET /\n\n",
		"GET /\nAuthorization: #\n\n", /* no slot */
		"GET /\nAuthorization: #a\n\n",
		"\x04 /\n\n",
		"GET /\x06\n\n",
		NULL,
	};
	static const char *const responses[] = { "20\n\n",   "199\n\n", "600\n\n",    "0200\n\n",
						 "200 \n\n", "200\n",	"#0 200\n\n", NULL };
	static struct th_text t;

	(void)state;
	for (const char *const *p = requests; *p; p++)
		assert_int_equal(th_text_read_request(&t, (const uint8_t *)*p, strlen(*p)), TH_ERR_MALFORMED);
	for (const char *const *p = responses; *p; p++)
		assert_int_equal(th_text_read_response(&t, (const uint8_t *)*p, strlen(*p)), TH_ERR_MALFORMED);
}

static void test_head_bombs_are_too_large(void **state)
{
	static struct th_text t;
	static uint8_t bomb[4000];

	(void)state;
	memset(bomb, 4, sizeof(bomb)); /* each stands for about 300 bytes */
	memcpy(bomb, "GET /\n", 6);
	assert_int_equal(th_text_read_request(&t, bomb, sizeof(bomb)), TH_ERR_TOO_LARGE);
	memcpy(bomb, "GET /\n", 6);
	for (size_t i = 6; i < sizeof(bomb); i++)
		bomb[i] = 7; /* one field */
	assert_int_equal(th_text_read_request(&t, bomb, 6 + TH_HEAD_FIELDS_MAX + 1), TH_ERR_MALFORMED);
	bomb[6 + TH_HEAD_FIELDS_MAX + 1] = '\n';
	assert_int_equal(th_text_read_request(&t, bomb, 6 + TH_HEAD_FIELDS_MAX + 2), TH_ERR_TOO_LARGE);
}

/* Texts made at random from what means something in them: what is read can be written, and is then the same. */
static void test_random_texts(void **state)
{
	static const char pieces[][16] = { "GET",	    " ",    "/",    "\n",   "a",    ": ",  ":",	 "#",	"0",
					   "Authorization", "\x04", "\x13", "\x14", "\x06", "200", "\t", "\x01" };
	uint64_t seed = 20261128;
	struct th_rng rng = th_rng_seeded(&seed);
	static struct th_text t, again;
	unsigned read = 0;

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 300000; i++) {
		char p[200] = "GET /\n";
		size_t n = th_rng_below(&rng, 2) ? 6 : 0;

		for (size_t k = th_rng_below(&rng, 12); k > 0; k--) {
			const char *piece = pieces[th_rng_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(p + n, piece, strlen(piece));
			n += strlen(piece);
		}
		if (th_text_read_request(&t, (const uint8_t *)p, n) == TH_OK) {
			uint8_t *out;
			size_t m = write_exact(&t.head, t.slot, (const char *)t.body, t.body_n, &out);

			assert_int_equal(th_text_read_request(&again, out, m), TH_OK);
			assert_heads(&again.head, &t.head);
			assert_int_equal(again.slot, t.slot);
			free(out);
			read++;
		}
	}
	assert_true(read > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),	cmocka_unit_test(test_documented_texts),
		cmocka_unit_test(test_slots),		cmocka_unit_test(test_what_cannot_be_written),
		cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_head_bombs_are_too_large),
		cmocka_unit_test(test_random_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
