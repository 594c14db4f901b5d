/* Handshake payloads as bytes, and the examples of docs/protocol.md. Argument: that page. */
#include "unit.h"
#include "guard.h"

#include "session/handshake.h"
#include "session/session.h"
#include "session/suite.h"

enum { BUF = 1024, ROUNDS = 20000, LINE_LEN = 4096, NAME_LEN = 64 };

static const char *protocol_path;
static const uint8_t KINDS[] = { TH_HS_FIRST, TH_HS_SECOND, TH_HS_THIRD, TH_HS_SECOND | TH_HS_RESUMED };

/* ---- round trips ---- */

static struct th_hs_payload some_payload(const struct th_rng *rng, uint8_t kind, const uint8_t *bytes)
{
	struct th_hs_payload p = { .version = TH_SESSION_VERSION };

	p.number = th_rng_u64(rng) >> (8 + th_rng_below(rng, 56));
	p.has_data = th_rng_below(rng, 2);
	p.data = bytes;
	p.n = p.has_data ? 1 + th_rng_below(rng, 200) : 0;
	if (kind == TH_HS_THIRD)
		return p;
	p.long_tag = th_rng_below(rng, 2);
	if (th_rng_below(rng, 2))
		p.cid = th_rng_below(rng, 2) ? (struct th_cid){ 1, { 249 } } : (struct th_cid){ 2, { 250, 3 } };
	p.hello = bytes;
	p.hello_n = th_rng_below(rng, TH_HS_HELLO_MAX + 1);
	p.time = kind == TH_HS_FIRST && p.has_data ? th_rng_u32(rng) : 0;
	if (kind == TH_HS_FIRST && th_rng_below(rng, 2)) {
		p.resumes = true;
		rng->fill(rng->ctx, p.name.b, sizeof(p.name.b));
		p.floor = th_rng_below(rng, 1000000) * TH_HS_FLOOR_UNIT;
	}
	if ((kind & TH_HS_KIND_MASK) == TH_HS_SECOND) {
		p.same_hello = th_rng_below(rng, 2);
		p.shared = p.same_hello ? 0 : th_rng_below(rng, TH_HS_HELLO_MAX + 1 - p.hello_n);
		p.hello_n = p.same_hello ? 0 : p.hello_n;
		p.continued = th_rng_below(rng, 2);
		p.refused = th_rng_below(rng, 2);
		p.time = p.refused ? th_rng_u32(rng) : 0;
	}
	if ((kind == (TH_HS_SECOND | TH_HS_RESUMED) || p.refused) && !p.continued)
		p.uptime = th_rng_u64(rng) >> (8 + th_rng_below(rng, 56));
	return p;
}

static void assert_same(const struct th_hs_payload *a, const struct th_hs_payload *b)
{
	assert_true(a->version == b->version && a->long_tag == b->long_tag && a->resumes == b->resumes);
	assert_true(a->continued == b->continued && a->refused == b->refused && a->has_data == b->has_data);
	assert_true(a->cid.n == b->cid.n && memcmp(a->cid.b, b->cid.b, a->cid.n) == 0);
	assert_true(a->time == b->time && a->number == b->number && a->floor == b->floor && a->uptime == b->uptime);
	assert_memory_equal(a->name.b, b->name.b, sizeof(a->name.b));
	assert_true(a->hello_n == b->hello_n && a->n == b->n && a->same_hello == b->same_hello &&
		    a->shared == b->shared);
	if (a->hello_n)
		assert_memory_equal(a->hello, b->hello, a->hello_n);
	if (a->n)
		assert_memory_equal(a->data, b->data, a->n);
}

static size_t write_all(uint8_t kind, const struct th_hs_payload *p, size_t total, uint8_t out[BUF])
{
	struct th_wr w = th_wr_init(out, BUF);

	th_hs_write(&w, kind, p, total);
	th_wr_bytes(&w, p->data, p->n);
	assert_true(th_wr_ok(&w));
	return w.n;
}

static void what_is_written_is_read(void **state)
{
	uint64_t seed = unit_seed("handshake", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(BUF);
	uint8_t bytes[256], out[BUF];

	(void)state;
	rng.fill(rng.ctx, bytes, sizeof(bytes));
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t kind = KINDS[i % 4];
		struct th_hs_payload p = some_payload(&rng, kind, bytes), back;
		size_t total = th_rng_below(&rng, 500), n = write_all(kind, &p, total, out);

		if (kind == TH_HS_FIRST)
			assert_true(n >= total);
		assert_int_equal(th_hs_read(&back, kind, guard_put(&g, out, n), n), TH_OK);
		assert_same(&p, &back);
		for (size_t k = 0; k < n; k++) { /* every prefix: only the data may be shorter */
			enum th_err err = th_hs_read(&back, kind, guard_put(&g, out, k), k);

			assert_true(err == TH_ERR_MALFORMED || (err == TH_OK && p.has_data && n - k < p.n));
		}
	}
	guard_del(&g);
}

static void padding_is_exact(void **state)
{
	const struct th_hs_payload p = { .number = 1 };
	uint8_t out[BUF];

	(void)state;
	for (size_t total = 0; total < 600; total++) {
		size_t n = write_all(TH_HS_FIRST, &p, total, out), want = total < 2 ? 2 : total;

		assert_true(n == want ||
			    (n == want + 1 && total == 2 + 1 + 127 + 1)); /* a length of two bytes from 128 on */
	}
}

/* Any bytes: read or refused; what is read is written again as the same bytes, so there is one form of each. */
static void nothing_has_two_forms(void **state)
{
	uint64_t seed = unit_seed("handshake_forms", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	uint8_t in[80], out[BUF];
	unsigned read = 0;

	(void)state;
	for (int i = 0; i < 20 * ROUNDS; i++) {
		size_t n = th_rng_below(&rng, sizeof(in));
		struct th_hs_payload p;
		uint8_t kind = KINDS[i % 4];

		rng.fill(rng.ctx, in, n);
		if (n > 0)
			in[0] &= 0x37; /* of our version, without padding */
		if (th_hs_read(&p, kind, in, n) != TH_OK)
			continue;
		read++;
		assert_int_equal(write_all(kind, &p, 0, out), n);
		assert_memory_equal(in, out, n);
	}
	assert_true(read > 1000);
}

static void other_versions_are_told(void **state)
{
	const uint8_t known[] = { 0x70, 250, 3, 0xff, 0xff }, cut[] = { 0x70, 250 };
	struct th_hs_payload p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(th_hs_read(&p, KINDS[i], known, sizeof(known)), TH_ERR_UNSUPPORTED);
		assert_int_equal(p.version, 1);
		assert_true(p.long_tag && p.cid.n == 2 && p.cid.b[0] == 250 && p.cid.b[1] == 3);
		assert_int_equal(th_hs_read(&p, KINDS[i], cut, sizeof(cut)), TH_ERR_MALFORMED);
	}
}

/* What goes is what comes, and hellos that are alike cost little. */
static void a_hello_is_told_by_the_other(void **state)
{
	static const struct {
		const char *theirs, *ours;
		size_t bytes; /* in the second message */
	} cases[] = {
		{ "", "", 0 },
		{ "model 7", "model 7", 0 },
		{ "model 7", "model 8", 3 },
		{ "model 7", "model", 2 },
		{ "model 7", "", 2 },
		{ "", "model 7", 9 },
		{ "a", "model 7", 9 },
	};
	uint8_t out[BUF], hello[TH_HS_HELLO_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct th_str theirs = th_str_of(cases[i].theirs), ours = th_str_of(cases[i].ours);
		struct th_hs_payload p = { .number = 1 }, back;
		size_t n;

		th_hs_set_hello(&p, theirs, ours);
		n = write_all(TH_HS_SECOND, &p, 0, out);
		assert_int_equal(n, 2 + cases[i].bytes);
		assert_int_equal(th_hs_read(&back, TH_HS_SECOND, out, n), TH_OK);
		assert_int_equal(th_hs_hello(&back, theirs, hello), ours.n);
		assert_memory_equal(hello, cases[i].ours, ours.n);
		if (back.shared > 0)
			assert_int_equal(th_hs_hello(&back, TH_STR(""), hello), -1);
	}
}

static void padding_is_zero(void **state)
{
	const uint8_t good[] = { 0x08, 0, 3, 0, 0, 0 }, bad[] = { 0x08, 0, 3, 0, 1, 0 }, odd[] = { 0x08, 0, 3, 0, 0 };
	struct th_hs_payload p;

	(void)state;
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, good, sizeof(good)), TH_OK);
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, bad, sizeof(bad)), TH_ERR_MALFORMED);
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, odd, sizeof(odd)), TH_ERR_MALFORMED);
}

static void names_and_prologues_differ(void **state)
{
	uint8_t a[TH_HS_PROLOGUE], b[TH_HS_PROLOGUE];

	(void)state;
	for (uint8_t i = 0; i < 8; i++) {
		th_hs_prologue(TH_HS_FIRST | i, a);
		th_hs_prologue(TH_HS_FIRST | TH_HS_COOKIE | i, b);
		assert_memory_equal(a, b, sizeof(a)); /* the same message with a cookie before it */
		for (uint8_t k = 0; k < i; k++) {
			th_hs_prologue(TH_HS_FIRST | k, b);
			assert_memory_not_equal(a, b, sizeof(a));
			assert_false(th_str_eq(th_hs_protocol(i), th_hs_protocol(k)));
		}
	}
	assert_str_is(th_hs_protocol(TH_HS_FIRST), "Noise_NK_25519_ChaChaPoly_BLAKE2s");
	assert_str_is(th_hs_protocol(TH_HS_FIRST | TH_HS_PSK | TH_SESSION_XX), "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s");
}

/* ---- the page ---- */

/* Finds `    name   hex…` behind the marker; each word of hex may be followed by more, until what is no hex. */
static size_t example(const char *marker, const char *name, uint8_t *out, size_t cap)
{
	char line[LINE_LEN], want[NAME_LEN];
	bool inside = false;
	size_t n = 0;
	FILE *f = fopen(protocol_path, "r");

	assert_non_null(f);
	snprintf(want, sizeof(want), "    %s  ", name);
	while (n == 0 && fgets(line, sizeof(line), f)) {
		const char *p = line + strlen(want);
		unsigned byte;
		int used;

		if (strncmp(line, "<!-- ", 5) == 0)
			inside = strncmp(line + 5, marker, strlen(marker)) == 0;
		if (!inside || strncmp(line, want, strlen(want)) != 0)
			continue;
		p += strspn(p, " ");
		while (sscanf(p, "%2x%n", &byte, &used) == 1 && used == 2) {
			assert_true(n < cap);
			out[n++] = (uint8_t)byte;
			p += used;
			if (p[0] == ' ' && p[1] != ' ')
				p++;
		}
	}
	fclose(f);
	if (n == 0)
		fail_msg("%s: no '%s' behind <!-- %s", protocol_path, name, marker);
	return n;
}

static void is_as_on_the_page(const char *name, const void *p, size_t n)
{
	uint8_t want[BUF];
	size_t len = example("handshake NK", name, want, sizeof(want));
	bool same = len == n && memcmp(want, p, n) == 0;

	if (!same) {
		printf("    %-22s", name);
		for (size_t i = 0; i < n; i++)
			printf("%02x", ((const uint8_t *)p)[i]);
		printf("\n");
	}
	assert_true(same);
}

/* Keys as on the page, then sevens: for the connection ID. */
static struct {
	uint8_t keys[2][TH_NOISE_DH];
	size_t next;
} drawn;

static void draw(void *ctx, void *out, size_t n)
{
	const size_t *which = ctx;

	memset(out, 0, n);
	if (n == TH_NOISE_DH)
		memcpy(out, drawn.keys[*which], n);
	else
		memset(out, 7, 1);
}

static uint8_t delivered[BUF];
static size_t delivered_n;

static void on_deliver(void *user, th_session_id id, uint64_t number, const uint8_t *p, size_t n, unsigned flags)
{
	(void)user, (void)id, (void)number, (void)flags;
	memcpy(delivered, p, n);
	delivered_n = n;
}

static bool on_persist(void *user, uint64_t mark)
{
	(void)user, (void)mark;
	return true;
}

static const struct th_session_ops ops = { .deliver = on_deliver, .persist = on_persist };

static size_t next_datagram(struct th_sessions *s, uint8_t out[TH_SESSION_DATAGRAM_MAX])
{
	struct th_addr to;

	return th_sessions_tx(s, &to, out, TH_SESSION_DATAGRAM_MAX, 0);
}

/* Two ends with these keys say exactly what stands there. */
static void the_example_of_the_page(void **state)
{
	static size_t a_is = 0, b_is = 1;
	const struct th_rng ra = { draw, &a_is }, rb = { draw, &b_is };
	struct th_noise_pair own;
	struct th_sessions_config ca, cb;
	struct th_session_target target = { TH_SESSION_NK, NULL, NULL };
	struct th_sessions *a, *b;
	const struct th_addr at = { .port = 1 };
	uint8_t d[TH_SESSION_DATAGRAM_MAX];
	th_session_id id;
	size_t n;

	(void)state;
	assert_int_equal(example("handshake NK", "responder's secret", own.secret.b, sizeof(own.secret.b)), 32);
	assert_int_equal(example("handshake NK", "initiator's ephemeral", drawn.keys[0], 32), 32);
	assert_int_equal(example("handshake NK", "responder's ephemeral", drawn.keys[1], 32), 32);
	assert_true(th_noise_public(own.public, &own.secret));
	is_as_on_the_page("responder's public", own.public, 32);
	th_sessions_config_default(&ca);
	ca.accept = ca.cids = false;
	th_sessions_config_default(&cb);
	cb.own = &own;
	a = th_sessions_new(&th_mem_libc, &ra, &ca, &ops, NULL);
	b = th_sessions_new(&th_mem_libc, &rb, &cb, &ops, NULL);
	assert_true(a && b);
	th_sessions_wall(a, 1790000000, 0);
	th_sessions_wall(b, 1790000000, 0);
	target.key = own.public;
	id = th_sessions_connect(a, &at, &target, 0);
	th_session_send(a, id, th_session_number(a, id), (const uint8_t *)"hello", 5, TH_SESSION_KEEP, 0);
	n = next_datagram(a, d);
	is_as_on_the_page("first message", d, n);
	th_sessions_rx(b, &at, d, n, 0);
	assert_memory_equal(delivered, "hello", 5);
	th_session_send(b, 1, th_session_number(b, 1), (const uint8_t *)"world", 5, TH_SESSION_FINAL, 0);
	n = next_datagram(b, d);
	is_as_on_the_page("second message", d, n);
	th_sessions_rx(a, &at, d, n, 0);
	assert_memory_equal(delivered, "world", 5);
	th_session_send(a, id, th_session_number(a, id), (const uint8_t *)"again", 5, 0, 0);
	n = next_datagram(a, d);
	is_as_on_the_page("record", d, n);
	th_sessions_rx(b, &at, d, n, 0);
	assert_memory_equal(delivered, "again", 5);
	th_sessions_del(a);
	th_sessions_del(b);
}

/* The same by the handshake alone, with what is inside. */
static void the_insides_of_the_example(void **state)
{
	static size_t a_is = 0, b_is = 1;
	const struct th_rng ra = { draw, &a_is }, rb = { draw, &b_is };
	struct th_noise_pair own;
	uint8_t prologue[TH_HS_PROLOGUE], plain[BUF], d[BUF], out[BUF];
	struct th_noise_config c = { .protocol = th_hs_protocol(TH_HS_FIRST),
				     .prologue = prologue,
				     .prologue_len = sizeof(prologue) };
	struct th_noise i, r;
	struct th_noise_secret tx, rx, name;
	struct th_hs_payload p;
	size_t n, len;

	(void)state;
	example("handshake NK", "responder's secret", own.secret.b, sizeof(own.secret.b));
	example("handshake NK", "initiator's ephemeral", drawn.keys[0], 32);
	example("handshake NK", "responder's ephemeral", drawn.keys[1], 32);
	assert_true(th_noise_public(own.public, &own.secret));
	n = example("handshake NK", "prologue", out, sizeof(out));
	th_hs_prologue(TH_HS_FIRST, prologue);
	assert_true(n == sizeof(prologue) && memcmp(out, prologue, n) == 0);
	c.s = &own;
	assert_int_equal(th_noise_init(&r, &c), TH_OK);
	c.s = NULL;
	c.rs = own.public;
	c.initiator = true;
	assert_int_equal(th_noise_init(&i, &c), TH_OK);

	n = example("handshake NK", "first payload", plain, sizeof(plain));
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, plain, n), TH_OK);
	assert_true(p.has_data && p.n == 5 && memcmp(p.data, "hello", 5) == 0 && p.time == 1790000000 && p.number == 0);
	assert_int_equal(th_noise_write(&i, &ra, plain, n, out, sizeof(out), &len), TH_OK);
	n = example("handshake NK", "first message", d, sizeof(d));
	assert_true(n == len + 1 && memcmp(d + 1, out, len) == 0 && d[0] == TH_HS_FIRST);
	assert_int_equal(th_noise_read(&r, d + 1, n - 1, out, &len), TH_OK);

	n = example("handshake NK", "second payload", plain, sizeof(plain));
	assert_int_equal(th_hs_read(&p, TH_HS_SECOND, plain, n), TH_OK);
	assert_true(p.has_data && p.n == 5 && memcmp(p.data, "world", 5) == 0 && p.cid.n == 1 && p.cid.b[0] == 7);
	assert_int_equal(th_noise_write(&r, &rb, plain, n, out, sizeof(out), &len), TH_OK);
	n = example("handshake NK", "second message", d, sizeof(d));
	assert_true(n == len + 1 && memcmp(d + 1, out, len) == 0 && d[0] == TH_HS_SECOND);
	assert_int_equal(th_noise_read(&i, d + 1, n - 1, out, &len), TH_OK);

	assert_int_equal(th_noise_split(&i, &tx, &rx), TH_OK);
	assert_int_equal(th_noise_derive(&i, TH_STR("thimble session name"), &name), TH_OK);
	is_as_on_the_page("key to the responder", tx.b, 32);
	is_as_on_the_page("key to the initiator", rx.b, 32);
	is_as_on_the_page("session name", name.b, TH_HS_NAME);
}

static void payloads_of_the_page(void **state)
{
	uint8_t b[BUF];
	struct th_hs_payload p;
	size_t n;

	(void)state;
	n = example("payload first resumes", "payload", b, sizeof(b));
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, b, n), TH_OK);
	assert_true(p.resumes && p.floor == 2 * TH_HS_FLOOR_UNIT && p.number == 300 && p.name.b[0] == 0xa0);
	assert_true(p.hello_n == 3 && memcmp(p.hello, "m-7", 3) == 0 && p.n == 4 && p.cid.n == 2 && p.cid.b[1] == 0x11);
	n = example("payload second refused", "payload", b, sizeof(b));
	assert_int_equal(th_hs_read(&p, TH_HS_SECOND, b, n), TH_OK);
	assert_true(p.refused && !p.continued && !p.has_data && p.time == 1790000000 && p.number == 0 && p.long_tag);
	assert_int_equal(p.uptime, 90000);
	n = example("payload second anew", "payload", b, sizeof(b));
	assert_int_equal(th_hs_read(&p, TH_HS_SECOND | TH_HS_RESUMED, b, n), TH_OK);
	assert_true(!p.refused && !p.continued && !p.has_data && p.number == 2 * TH_HS_FLOOR_UNIT && p.uptime == 90000);
	assert_int_equal(th_hs_hello(&p, TH_STR("m-7"), b), 3);
	assert_memory_equal(b, "m-8", 3);
	n = example("payload third", "payload", b, sizeof(b));
	assert_int_equal(th_hs_read(&p, TH_HS_THIRD, b, n), TH_OK);
	assert_true(p.has_data && p.number == 0 && p.n == 5);
}

static void numbers_and_flags_of_the_first(void **state)
{
	static const struct {
		uint8_t p[12];
		enum th_err err;
		size_t n;
	} cases[] = {
		{ { 0x00, 0x00 }, TH_OK, 2 },
		{ { 0x00, 0x02, 'a', 'b' }, TH_OK, 4 },		   /* number 0, a hello of two bytes */
		{ { 0x00, 0x42, 'a', 'b' }, TH_OK, 4 },		   /* number 1 */
		{ { 0x00, 0x02, 'a' }, TH_ERR_MALFORMED, 3 },	   /* cut short */
		{ { 0x04, 0x02, 'a', 'b' }, TH_ERR_MALFORMED, 4 }, /* a flag of the second */
		{ { 0x00, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f }, TH_OK, 10 },		  /* 2^56 - 1 */
		{ { 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40 }, TH_ERR_MALFORMED, 10 }, /* 2^56 */
	};
	struct th_hs_payload p;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++)
		assert_int_equal(th_hs_read(&p, TH_HS_FIRST, cases[i].p, cases[i].n), cases[i].err);
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, cases[2].p, cases[2].n), TH_OK);
	assert_true(p.number == 1 && p.hello_n == 2 && memcmp(p.hello, "ab", 2) == 0);
	assert_int_equal(th_hs_read(&p, TH_HS_FIRST, cases[5].p, cases[5].n), TH_OK);
	assert_true(p.number == TH_HS_NUMBER_MAX && p.hello_n == 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),	  cmocka_unit_test(padding_is_exact),
		cmocka_unit_test(nothing_has_two_forms),	  cmocka_unit_test(other_versions_are_told),
		cmocka_unit_test(numbers_and_flags_of_the_first), cmocka_unit_test(padding_is_zero),
		cmocka_unit_test(names_and_prologues_differ),	  cmocka_unit_test(the_example_of_the_page),
		cmocka_unit_test(the_insides_of_the_example),	  cmocka_unit_test(payloads_of_the_page),
		cmocka_unit_test(a_hello_is_told_by_the_other),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s PROTOCOL.MD\n", argv[0]);
		return 2;
	}
	protocol_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
