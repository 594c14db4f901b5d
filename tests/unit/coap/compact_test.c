/* The compact form: every shape, every message there and back, every byte string the only form of its message or
 * refused. Argument: docs/protocol.md, whose table and examples are checked. */
#include "unit.h"
#include "guard.h"
#include "wire.h"

#include "coap/compact.h"
#include "coap/option.h"
#include "coap/print.h"
#include "coap/shape.h"

enum { BYTES_MAX = 3000, LINE_MAX_LEN = 4096 };

static const char *protocol_path;

/* ---- messages ---- */

static void assert_same(const struct th_coap_pdu *a, const struct th_coap_pdu *b)
{
	static uint8_t x[2 * BYTES_MAX], y[2 * BYTES_MAX];
	size_t n = th_coap_pdu_write(a, x, sizeof(x)), m = th_coap_pdu_write(b, y, sizeof(y));
	char line[2][TH_COAP_LINE];

	assert_true(n <= sizeof(x));
	if (n != m || memcmp(x, y, n) != 0)
		fail_msg("%s became %s", th_coap_print(line[0], a), th_coap_print(line[1], b));
}

/* Somebody whose only message has that number. */
static void know(struct th_naming *n, uint64_t number)
{
	uint64_t got;

	th_naming_init(n, number);
	assert_true(th_naming_message(n, &got) && got == number);
}

/* The message of the receiver's that this one names, if it could be referred to. */
static uint64_t names(const struct th_coap_pdu *pdu, uint64_t heard)
{
	uint64_t number = pdu->mid;

	bool named;

	if (pdu->type == TH_COAP_ACK || pdu->type == TH_COAP_RST)
		named = th_naming_of_mid(heard, pdu->mid, &number);
	else
		named = th_naming_number(pdu->token, pdu->token_len, &number);
	return named ? number : pdu->mid;
}

/* Writes, reads and compares; the length is returned, the bytes are left in `out`. */
static size_t there_and_back(const struct th_coap_pdu *pdu, uint64_t number, uint64_t heard, uint8_t *out)
{
	static struct th_naming ours;
	static struct th_compact_room room;
	static struct th_coap_pdu back;
	size_t n = th_compact_write(pdu, number, heard, out, BYTES_MAX);
	enum th_err err;

	assert_true(n > 0 && n <= BYTES_MAX);
	assert_true(n <= th_coap_pdu_write(pdu, NULL, 0) + TH_COMPACT_EXTRA);
	know(&ours, names(pdu, heard));
	err = th_compact_read(&back, &room, &ours, number, out, n);
	if (err != TH_OK) {
		char line[TH_COAP_LINE];

		fail_msg("%s: number %llu heard %llu: %s", th_compact_print(line, pdu, out, n),
			 (unsigned long long)number, (unsigned long long)heard, th_strerror(err));
	}
	assert_same(pdu, &back);
	if (room.refers)
		assert_true(room.referred == names(pdu, heard));
	return n;
}

static void set_token(struct th_coap_pdu *pdu, uint64_t number)
{
	pdu->token_len = th_naming_token(number, pdu->token);
}

static const uint8_t envelope[] = { 0xfd, 0xe8 }, cancel[] = { 0xfd, 0xe9 };

static void add(struct th_coap_pdu *pdu, uint16_t number, const void *p, size_t n)
{
	pdu->options[pdu->n_options++] = (struct th_coap_option){ number, (uint16_t)n, p };
}

/* ---- what it is for ---- */

/* The messages thimble sends, and how many bytes stand before the envelope. */
static void budgets(void **state)
{
	static const uint8_t payload[] = { 1, 'x', 'y', 'z' };
	static uint8_t out[BYTES_MAX];
	struct th_coap_pdu request = { .code = TH_COAP_POST, .mid = 0x1234, .payload = payload, .payload_len = 4 };
	struct th_coap_pdu response = { .type = TH_COAP_ACK, .code = TH_COAP_CODE(2, 4) };
	struct th_coap_pdu ack = { .type = TH_COAP_ACK }, ping = { .mid = 0x77 };

	(void)state;
	add(&request, 12, envelope, 2);
	set_token(&request, 0x991234);
	/* the shape holds the coding: 1 byte of header, and the envelope is one shorter */
	assert_int_equal(there_and_back(&request, 0x991234, 55, out), 1 + 3);

	response.mid = 0x1234;
	set_token(&response, 0x991234);
	add(&response, 12, envelope, 2);
	response.payload = payload;
	response.payload_len = 4;
	assert_int_equal(there_and_back(&response, 9, 0x991235, out), 2 + 3);
	assert_int_equal(there_and_back(&response, 9, 0x991235 + 63, out), 2 + 3);
	assert_int_equal(there_and_back(&response, 9, 0x991235 + 64, out), 3 + 3);

	response.type = TH_COAP_CON; /* separate */
	response.mid = 9;
	assert_int_equal(there_and_back(&response, 9, 0x991235, out), 2 + 3);
	assert_int_equal(there_and_back(&response, 9, 0x991235 + 1000, out), 3 + 3);

	ack.mid = 0x1234;
	assert_int_equal(there_and_back(&ack, 9, 0x991235, out), 2);
	assert_int_equal(there_and_back(&ping, 0x77, 0, out), 1);
}

static void block_budgets(void **state)
{
	static const uint8_t block3[] = { 3 << 4 | 8 | 6 }, payload[1024] = { 0xee };
	static uint8_t out[BYTES_MAX];
	struct th_coap_pdu next = { .code = TH_COAP_POST, .mid = 105, .payload = payload, .payload_len = 1024 };
	struct th_coap_pdu go_on = { .type = TH_COAP_ACK, .code = TH_COAP_CODE(2, 31), .mid = 105 };
	struct th_coap_pdu fetch = { .code = TH_COAP_POST, .mid = 105 };
	struct th_coap_pdu block = {
		.type = TH_COAP_ACK, .code = TH_COAP_CODE(2, 4), .mid = 105, .payload = payload, .payload_len = 1024
	};
	struct th_coap_pdu give_up = { .type = TH_COAP_NON, .code = TH_COAP_POST, .mid = 105 };

	(void)state;
	set_token(&next, 100);
	set_token(&go_on, 100);
	set_token(&fetch, 100);
	set_token(&block, 100);
	add(&next, 12, envelope, 2);
	add(&next, TH_COAP_OPT_BLOCK1, block3, 1);
	add(&go_on, TH_COAP_OPT_BLOCK1, block3, 1);
	add(&fetch, 12, envelope, 2);
	add(&fetch, TH_COAP_OPT_BLOCK2, block3, 1);
	add(&block, 12, envelope, 2);
	add(&block, TH_COAP_OPT_BLOCK2, block3, 1);
	assert_int_equal(there_and_back(&next, 105, 0, out), 3 + 1024);
	assert_int_equal(there_and_back(&go_on, 7, 106, out), 4);
	assert_int_equal(there_and_back(&fetch, 105, 0, out), 3);
	assert_int_equal(there_and_back(&block, 7, 106, out), 4 + 1024);

	set_token(&give_up, 105);
	add(&give_up, 12, cancel, 2);
	give_up.payload = (const uint8_t *)"\x64"; /* 100 */
	give_up.payload_len = 1;
	assert_int_equal(there_and_back(&give_up, 105, 0, out), 2);
	give_up.payload = (const uint8_t *)"\x6a"; /* 106: not sent yet, so it is spelled out */
	assert_int_equal(there_and_back(&give_up, 105, 0, out), 2 + 3 + 1 + 1);
}

/* ---- the table ---- */

static void table_is_sound(void **state)
{
	bool used[TH_FORM_LAST] = { false };
	unsigned next = 0;

	(void)state;
	for (size_t i = 0; i < th_compact_n_shapes; i++) {
		const struct th_compact_shape *s = &th_compact_shapes[i];
		unsigned n = th_compact_folds(s->content) ? TH_COMPACT_CODINGS : 1;

		assert_int_equal(s->first, next);
		for (unsigned k = 0; k < n; k++)
			assert_ptr_equal(th_compact_shape_of((uint8_t)(next + k)), s);
		assert_ptr_equal(th_compact_shape_for(s->form, s->content), s); /* so no two are the same */
		used[s->form] = true;
		next += n;
	}
	for (unsigned i = 0; i < TH_FORM_LAST; i++)
		assert_true(used[i]);
	assert_true(next <= 256 * 3 / 4); /* a quarter stays free */
	for (; next < 256; next++)
		assert_null(th_compact_shape_of((uint8_t)next));
}

static void free_shapes_are_refused(void **state)
{
	static struct th_naming ours;
	static struct th_compact_room room;
	static struct th_coap_pdu pdu;

	(void)state;
	th_naming_init(&ours, 0);
	assert_int_equal(th_compact_read(&pdu, &room, &ours, 0, (const uint8_t *)"", 0), TH_ERR_MALFORMED);
	for (unsigned first = 0; first < 256; first++) {
		uint8_t bytes[8] = { (uint8_t)first };

		if (!th_compact_shape_of((uint8_t)first))
			assert_int_equal(th_compact_read(&pdu, &room, &ours, 0, bytes, sizeof(bytes)),
					 TH_ERR_UNSUPPORTED);
	}
}

/* ---- every message ---- */

static const uint64_t distances[] = { 0,   1,	  2,	 62,	63,    64,    65,    128,   254,   255,	  256,	257,
				      300, 16382, 16383, 16384, 16385, 32768, 65534, 65535, 65536, 65537, 70000 };

/* Each type, code and distance, with contents that have shapes and some that nearly do. */
static void every_type_code_and_distance(void **state)
{
	static const uint8_t payload[] = { 7, 0xff, 0 }, wrong[] = { 8, 1 }, seq[] = { 0x80 };
	static uint8_t out[BYTES_MAX];
	uint64_t count = 0;

	(void)state;
	for (unsigned type = 0; type < 4; type++)
		for (unsigned code = 0; code < 256; code++)
			for (size_t i = 0; i < UNIT_COUNT(distances); i++)
				for (unsigned content = 0; content < 6; content++) {
					struct th_coap_pdu pdu = { .type = (enum th_coap_type)type,
								   .code = (uint8_t)code };
					uint64_t number = 1000000, mine = number - distances[i];
					bool replies = type >= TH_COAP_ACK;

					pdu.mid = (uint16_t)(replies ? mine : number);
					if (code == 0 && content > 0)
						break;
					if (code)
						set_token(&pdu, content == 5 ? mine - 3 : mine);
					if (content == 2)
						add(&pdu, TH_COAP_OPT_OBSERVE, seq, code == TH_COAP_FETCH ? 0 : 1);
					if (content == 1 || content == 2 || content == 4 || content == 5)
						add(&pdu, 12, envelope, 2);
					if (content == 4)
						add(&pdu, TH_COAP_OPT_BLOCK1, seq, 1);
					if (content > 0) {
						pdu.payload = content == 3 ? wrong : payload;
						pdu.payload_len = content == 3 ? 2 : 3;
					}
					there_and_back(&pdu, number, number + 1, out);
					count++;
				}
	assert_true(count > 4 * 255 * UNIT_COUNT(distances) * 6);
}

/* Options that shapes have. Returns the bytes used of the pool. */
static size_t add_usual(struct th_coap_pdu *pdu, struct th_rng *rng, uint8_t *pool)
{
	static const struct {
		bool observe, format, block2, block1;
	} sets[] = { { 0, 1, 0, 0 }, { 1, 1, 0, 0 }, { 0, 1, 0, 1 }, { 0, 1, 1, 0 }, { 0, 1, 1, 1 }, { 0, 0, 0, 1 } };
	size_t set = (size_t)th_rng_below(rng, UNIT_COUNT(sets)), at = 0;
	size_t n[3] = { th_rng_below(rng, 4), th_rng_below(rng, 4), th_rng_below(rng, 4) };

	for (; at < 9; at++)
		pool[at] = (uint8_t)(1 + th_rng_below(rng, 255));
	if (sets[set].observe)
		add(pdu, TH_COAP_OPT_OBSERVE, pool, pdu->code == TH_COAP_FETCH && th_rng_below(rng, 3) ? 0 : n[0]);
	if (sets[set].format)
		add(pdu, TH_COAP_OPT_CONTENT_FORMAT, th_rng_below(rng, 5) ? envelope : cancel, 2);
	if (sets[set].block2)
		add(pdu, TH_COAP_OPT_BLOCK2, pool + 3, n[1]);
	if (sets[set].block1)
		add(pdu, TH_COAP_OPT_BLOCK1, pool + 6, n[2]);
	return at;
}

static size_t add_any(struct th_coap_pdu *pdu, struct th_rng *rng, uint8_t *pool)
{
	static const uint16_t numbers[] = { 1, 6, 6, 11, 12, 14, 23, 23, 27, 27, 60, 252, 292, 2048, 65000 };
	size_t at = 0;

	for (size_t i = 0; i < UNIT_COUNT(numbers) && th_rng_below(rng, 12); i++) {
		size_t n = th_rng_below(rng, 12) ? th_rng_below(rng, 4) : th_rng_below(rng, 300);

		if (numbers[i] == 12 && th_rng_below(rng, 8)) {
			add(pdu, 12, th_rng_below(rng, 5) ? envelope : cancel, 2);
		} else if (th_rng_below(rng, 4) == 0 && at + n < 1000) {
			for (size_t k = 0; k < n; k++)
				pool[at + k] = (uint8_t)(th_rng_below(rng, 3) ? th_rng_u32(rng) : 0);
			add(pdu, numbers[i], pool + at, n);
			at += n;
		}
	}
	return at;
}

/* A message that is likely to meet a shape, or to miss one by a little. */
static void make_pdu(struct th_coap_pdu *pdu, struct th_rng *rng, uint64_t number, uint64_t heard, uint8_t *pool,
		     size_t payload_max)
{
	static const uint8_t codes[] = { 0, 2, 2, 2, 5, 5, 0x44, 0x44, 0x44, 0x45, 0x45, 0x5f, 0x5f, 0x80, 0xa3 };
	uint64_t spread = (uint64_t)1 << th_rng_below(rng, 20);
	uint64_t mine = th_rng_below(rng, spread), theirs = th_rng_below(rng, spread);
	bool replies, answers;
	size_t at;

	memset(pdu, 0, sizeof(*pdu));
	pdu->type = (enum th_coap_type)th_rng_below(rng, 4);
	pdu->code = th_rng_below(rng, 8) ? codes[th_rng_below(rng, sizeof(codes))] : (uint8_t)th_rng_u32(rng);
	replies = pdu->type >= TH_COAP_ACK;
	answers = replies || pdu->code >= 32;
	mine = mine < number && th_rng_below(rng, 3) ? number - mine : number;
	theirs = theirs < heard ? heard - 1 - theirs : 0;
	pdu->mid = (uint16_t)(replies ? theirs : number);
	if (th_rng_below(rng, 20) == 0)
		pdu->mid = (uint16_t)th_rng_u32(rng);
	if (pdu->code == 0)
		return;
	if (replies && th_rng_below(rng, 3) == 0)
		theirs -= th_rng_below(rng, theirs < spread ? theirs + 1 : spread);
	set_token(pdu, answers ? theirs : mine);
	if (th_rng_below(rng, 20) == 0) {
		pdu->token_len = (uint8_t)th_rng_below(rng, 9);
		for (size_t i = 0; i < pdu->token_len; i++)
			pdu->token[i] = (uint8_t)(th_rng_below(rng, 2) ? th_rng_u32(rng) : 0);
	}
	at = th_rng_below(rng, 2) ? add_usual(pdu, rng, pool) : add_any(pdu, rng, pool);
	assert_true(at <= 1000);
	pool += 1000;
	pdu->payload_len =
		th_rng_below(rng, 3) ? th_rng_below(rng, 4) * th_rng_below(rng, 4) : th_rng_below(rng, payload_max);
	for (size_t k = 0; k < pdu->payload_len; k++)
		pool[k] = (uint8_t)th_rng_u32(rng);
	if (pdu->payload_len > 0 && th_rng_below(rng, 2))
		pool[0] &= 7;
	if (pdu->n_options && pdu->options[0].p == cancel && th_rng_below(rng, 8))
		pdu->payload_len = th_naming_token(spread <= number ? number - spread : number, pool);
	pdu->payload = pdu->payload_len ? pool : NULL;
}

static void random_messages(void **state)
{
	uint64_t seed = unit_seed("random_messages", 1), rng_seed = seed;
	struct th_rng rng = th_rng_seeded(&rng_seed);
	static uint8_t pool[BYTES_MAX], out[BYTES_MAX];
	static struct th_coap_pdu pdu;
	unsigned met[256] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t number = th_rng_u64(&rng) >> (2 + th_rng_below(&rng, 62));
		uint64_t heard = th_rng_u64(&rng) >> (2 + th_rng_below(&rng, 62));

		make_pdu(&pdu, &rng, number, heard, pool, 1600);
		there_and_back(&pdu, number, heard, out);
		met[out[0]]++;
	}
	for (unsigned first = 0; first < 256; first++) /* every shape was among them */
		if ((met[first] > 0) != (th_compact_shape_of((uint8_t)first) != NULL))
			fail_msg("shape %02x was met %u times", first, met[first]);
}

/* A payload whose first byte no longer fits the shape's copy. */
static void long_envelopes_are_not_folded(void **state)
{
	static uint8_t payload[TH_COMPACT_FOLD_MAX + 1], out[BYTES_MAX];
	struct th_coap_pdu pdu = { .code = TH_COAP_POST, .mid = 3, .payload = payload };

	(void)state;
	set_token(&pdu, 3);
	add(&pdu, 12, envelope, 2);
	pdu.payload_len = TH_COMPACT_FOLD_MAX;
	assert_int_equal(there_and_back(&pdu, 3, 0, out), TH_COMPACT_FOLD_MAX);
	pdu.payload_len = TH_COMPACT_FOLD_MAX + 1;
	assert_int_equal(there_and_back(&pdu, 3, 0, out), TH_COMPACT_FOLD_MAX + 1 + 2 + 3 + 1);
}

/* ---- every byte string ---- */

/* Somebody with messages at most numbers below `next`. */
static void know_many(struct th_naming *n, uint64_t next)
{
	uint64_t number;

	th_naming_init(n, next - 400);
	while (n->next < next) {
		if (n->next % 7 == 0)
			th_naming_record(n);
		else
			assert_true(th_naming_message(n, &number));
		th_naming_proven(n, n->next - 1);
	}
}

/* What is read is what would be written. Returns whether it was read. */
static bool is_the_only_form(const struct th_naming *ours, uint64_t number, const uint8_t *p, size_t n)
{
	static struct th_compact_room room;
	static struct th_coap_pdu pdu;
	static uint8_t again[2 * BYTES_MAX];
	const struct th_compact_shape *s = n ? th_compact_shape_of(p[0]) : NULL;
	uint64_t heard = 0;
	size_t m;

	if (th_compact_read(&pdu, &room, ours, number, p, n) != TH_OK)
		return false;
	if (room.refers)
		heard = room.referred + 1 + (th_compact_forms[s->form].ref == 16 ? TH_NAMING_NARROW_RECENT : 0);
	m = th_compact_write(&pdu, number, heard, again, sizeof(again));
	assert_int_equal(m, n);
	assert_memory_equal(again, p, n);
	return true;
}

static void random_bytes(void **state)
{
	uint64_t seed = unit_seed("random_bytes", 1), rng_seed = seed;
	struct th_rng rng = th_rng_seeded(&rng_seed);
	struct guard g = guard_new(BYTES_MAX);
	static struct th_naming ours;
	unsigned read = 0;

	(void)state;
	know_many(&ours, 70000);
	for (unsigned i = 0; i < 1000000; i++) {
		size_t n = th_rng_below(&rng, 24);
		uint8_t *p = guard_tail(&g, n);

		for (size_t k = 0; k < n; k++)
			p[k] = (uint8_t)(th_rng_below(&rng, 3) ? th_rng_u32(&rng) : th_rng_below(&rng, 4) * 0x55);
		if (n && th_rng_below(&rng, 8))
			p[0] = (uint8_t)th_rng_below(&rng, 0x96);
		read += is_the_only_form(&ours, th_rng_below(&rng, 100000), p, n);
	}
	assert_true(read > 100000);
	guard_del(&g);
}

/* Every prefix and every changed byte of valid messages. */
static void prefixes_and_changes(void **state)
{
	uint64_t seed = unit_seed("prefixes_and_changes", 1), rng_seed = seed;
	struct th_rng rng = th_rng_seeded(&rng_seed);
	struct guard g = guard_new(BYTES_MAX);
	static uint8_t pool[BYTES_MAX], out[BYTES_MAX];
	static struct th_naming ours;
	static struct th_coap_pdu pdu;

	(void)state;
	know_many(&ours, 70000);
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t number = th_rng_below(&rng, 100000);
		size_t n;

		make_pdu(&pdu, &rng, number, 70000, pool, 40);
		n = th_compact_write(&pdu, number, 70000, out, sizeof(out));
		for (size_t k = 0; k <= n; k++)
			is_the_only_form(&ours, number, guard_put(&g, out, k), k);
		for (size_t k = 0; k < n && k < 40; k++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				out[k] ^= (uint8_t)(1 << bit);
				is_the_only_form(&ours, number, guard_put(&g, out, n), n);
				out[k] ^= (uint8_t)(1 << bit);
			}
		}
	}
	guard_del(&g);
}

/* What could be said shorter, or stands for nothing. */
static void other_forms_are_refused(void **state)
{
	static const struct {
		const char *why;
		uint64_t number;
		uint8_t n, bytes[16];
	} rows[] = {
		{ "a marker without a payload", 5, 6, { 0x84, 2, 0xc2, 0xfd, 0xe8, 0xff } },
		{ "an envelope in the general form", 5, 8, { 0x84, 2, 0xc2, 0xfd, 0xe8, 0xff, 0, 1 } },
		{ "token in full though it is the record's number", 5, 4, { 0x90, 2, 1, 5 } },
		{ "Message ID in full though it is the record's", 5, 6, { 0x92, 2, 0, 5, 1, 9 } },
		{ "a ping with a Message ID", 5, 4, { 0x92, 0, 0, 5 } },
		{ "16 bits back where 8 do", 500, 4, { 0x86, 0, 100, 1 } },
		{ "further back than the first number", 5, 3, { 0x85, 5, 1 } },
		{ "token of 9 bytes", 5, 12, { 0x90, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9 } },
		{ "a response as a request", 5, 2, { 0x84, 0x45 } },
		{ "an Empty message with a tail", 5, 2, { 0x60, 0 } },
		{ "a long varint", 5, 4, { 0x67, 0x86, 0x00, 1 } },
		{ "a varint beyond 3 bytes", 5, 6, { 0x67, 0x80, 0x80, 0x80, 0x08, 1 } },
		{ "2.31 with a payload", 5, 4, { 0x7e, 0, 0x0e, 1 } },
	};
	static struct th_naming ours;
	static struct th_compact_room room;
	static struct th_coap_pdu pdu;

	(void)state;
	know(&ours, 0);
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		if (th_compact_read(&pdu, &room, &ours, rows[i].number, rows[i].bytes, rows[i].n) != TH_ERR_MALFORMED)
			fail_msg("taken: %s", rows[i].why);
}

static void stale_references_are_refused(void **state)
{
	static const uint8_t ack_8[] = { 0x61, 7 }, ack_16[] = { 0x62, 0, 7 }, response[] = { 0x08, 7, 1 };
	static struct th_naming ours;
	static struct th_compact_room room;
	static struct th_coap_pdu pdu;
	uint64_t number;

	(void)state;
	th_naming_init(&ours, 7);
	assert_int_equal(th_compact_read(&pdu, &room, &ours, 0, ack_8, 2), TH_ERR_NOT_FOUND);
	th_naming_heard(&ours, 20);
	assert_true(th_naming_message(&ours, &number) && number == 7);
	for (uint64_t by = 0; by <= 20; by++) { /* sent before the peer can have seen 7 */
		assert_int_equal(th_compact_read(&pdu, &room, &ours, by, ack_8, 2), TH_ERR_NOT_FOUND);
		assert_int_equal(th_compact_read(&pdu, &room, &ours, by, ack_16, 3), TH_ERR_NOT_FOUND);
		assert_int_equal(th_compact_read(&pdu, &room, &ours, by, response, 3), TH_ERR_NOT_FOUND);
	}
	assert_int_equal(th_compact_read(&pdu, &room, &ours, 21, ack_8, 2), TH_OK);
	assert_true(room.refers && room.referred == 7);
	assert_int_equal(th_compact_read(&pdu, &room, &ours, 21, response, 3), TH_OK);
}

static void too_small_a_buffer_says_what_is_needed(void **state)
{
	uint64_t seed = unit_seed("too_small_a_buffer", 1), rng_seed = seed;
	struct th_rng rng = th_rng_seeded(&rng_seed);
	struct guard g = guard_new(BYTES_MAX);
	static uint8_t pool[BYTES_MAX], out[BYTES_MAX];
	static struct th_coap_pdu pdu;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		size_t n;

		make_pdu(&pdu, &rng, 900, 900, pool, 60);
		n = th_compact_write(&pdu, 900, 900, out, sizeof(out));
		for (size_t cap = 0; cap <= n; cap++) {
			uint8_t *p = guard_tail(&g, cap);

			assert_int_equal(th_compact_write(&pdu, 900, 900, p, cap), n);
			if (cap == n)
				assert_memory_equal(p, out, n);
		}
	}
	guard_del(&g);
}

/* ---- the log ---- */

static void lines(void **state)
{
	static const uint8_t payload[] = "\1secret", block[] = { 0x3e }, opaque[] = "hidden";
	static uint8_t out[BYTES_MAX];
	struct th_coap_pdu pdu = { .code = TH_COAP_POST, .mid = 7, .payload = payload, .payload_len = 7 };
	char line[TH_COAP_LINE];
	size_t n;

	(void)state;
	set_token(&pdu, 7);
	add(&pdu, 12, envelope, 2);
	n = th_compact_write(&pdu, 7, 0, out, sizeof(out));
	assert_string_equal(th_compact_print(line, &pdu, out, n),
			    "shape=request head=01 CON 0.02 mid=7 token=07 content-format=65000 payload=7");
	add(&pdu, TH_COAP_OPT_BLOCK1, block, 1);
	n = th_compact_write(&pdu, 7, 0, out, sizeof(out));
	assert_string_equal(
		th_compact_print(line, &pdu, out, n),
		"shape=block1 head=673e CON 0.02 mid=7 token=07 content-format=65000 block1=3/1/1024 payload=7");
	add(&pdu, TH_COAP_OPT_REQUEST_TAG, opaque, 6);
	n = th_compact_write(&pdu, 7, 0, out, sizeof(out));
	assert_string_equal(th_compact_print(line, &pdu, out, n),
			    "shape=any head=8402 CON 0.02 mid=7 token=07 content-format=65000 block1=3/1/1024 "
			    "option-292=6-bytes payload=7");
	pdu.mid = 8;
	n = th_compact_write(&pdu, 7, 0, out, sizeof(out));
	assert_string_equal(th_compact_print(line, &pdu, out, n),
			    "shape=spelled head=920200080107 CON 0.02 mid=8 token=07 content-format=65000 "
			    "block1=3/1/1024 option-292=6-bytes payload=7");
	while (pdu.n_options < TH_COAP_OPTIONS_MAX)
		add(&pdu, TH_COAP_OPT_REQUEST_TAG, opaque, 6);
	th_coap_print(line, &pdu);
	assert_int_equal(strlen(line), TH_COAP_LINE - 1);
	assert_string_equal(line + TH_COAP_LINE - 4, "...");
	assert_string_equal(th_compact_print(line, &pdu, out, 0), "shape=none");
}

static void no_secret_in_a_line(void **state)
{
	uint64_t seed = unit_seed("no_secret_in_a_line", 1), rng_seed = seed;
	struct th_rng rng = th_rng_seeded(&rng_seed);
	static uint8_t pool[BYTES_MAX], out[BYTES_MAX];
	static struct th_coap_pdu pdu;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		static const char secret[] = "xQzW";
		char line[TH_COAP_LINE], hex[] = "78517a57";
		uint64_t number = th_rng_below(&rng, 300);
		size_t n;

		make_pdu(&pdu, &rng, number, 300, pool, 40);
		if (pdu.payload_len < 5 || (pdu.n_options && pdu.options[0].p == cancel))
			continue;
		memcpy(pool + 1000 + 1, secret, 4);
		n = th_compact_write(&pdu, number, 300, out, sizeof(out));
		th_compact_print(line, &pdu, out, n);
		assert_null(strstr(line, secret));
		assert_null(strstr(line, hex));
	}
}

/* ---- docs/protocol.md ---- */

static FILE *open_page(void)
{
	FILE *f = fopen(protocol_path, "r");

	if (!f)
		fail_msg("cannot read %s", protocol_path);
	return f;
}

/* Each row of the table begins as the code's table says, and there are no others. */
static void table_of_the_page(void **state)
{
	static const char types[][4] = { "CON", "NON", "ACK", "RST" };
	static char line[LINE_MAX_LEN];
	FILE *f = open_page();
	bool within = false;
	size_t i = 0;

	(void)state;
	while (fgets(line, sizeof(line), f)) {
		const struct th_compact_shape *s;
		const struct th_compact_form_rule *form;
		char want[128], range[16];

		if (strncmp(line, "<!-- shapes:", 12) == 0)
			within = true;
		if (within && line[0] == '#')
			break;
		if (!within || strncmp(line, "| `", 3) != 0)
			continue;
		assert_true(i < th_compact_n_shapes);
		s = &th_compact_shapes[i];
		form = &th_compact_forms[s->form];
		snprintf(range, sizeof(range), th_compact_folds(s->content) ? "`%02x`–`%02x`" : "`%02x`", s->first,
			 s->first + TH_COMPACT_CODINGS - 1);
		snprintf(want, sizeof(want), "| %s | %s | %s | %u | %u | ", range, s->name, types[form->type],
			 form->ref / 8, form->back / 8);
		if (strncmp(line, want, strlen(want)) != 0)
			fail_msg("the page says\n%sthe code\n%s", line, want);
		i++;
	}
	fclose(f);
	assert_int_equal(i, th_compact_n_shapes);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends hex digits and single spaces; stops at anything else and returns what follows. */
static const char *read_hex(const char *s, uint8_t *out, size_t *n)
{
	while (*s == ' ')
		s++;
	while (digit(s[0]) >= 0 && digit(s[1]) >= 0) {
		out[(*n)++] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
		s += 2;
		if (s[0] == ' ' && s[1] != ' ')
			s++;
	}
	return s;
}

static void check_example(uint64_t number, uint64_t heard, uint64_t message, const uint8_t *compact, size_t compact_n,
			  const uint8_t *plain, size_t plain_n)
{
	static struct th_naming ours;
	static struct th_compact_room room;
	static struct th_coap_pdu pdu;
	static uint8_t out[BYTES_MAX];

	know(&ours, message);
	assert_int_equal(th_compact_read(&pdu, &room, &ours, number, compact, compact_n), TH_OK);
	assert_int_equal(th_coap_pdu_write(&pdu, out, sizeof(out)), plain_n);
	assert_memory_equal(out, plain, plain_n);
	assert_int_equal(th_coap_pdu_read(&pdu, plain, plain_n), TH_OK);
	assert_int_equal(th_compact_write(&pdu, number, heard, out, sizeof(out)), compact_n);
	assert_memory_equal(out, compact, compact_n);
}

/* "<!-- compact: number=9 heard=300 message=298 -->": the record's number, the newest its sender has received, the
 * receiver's message it refers to. Then indented lines: hex, two spaces, what it is; a line that says "plain" gives the
 * ordinary message. */
static void examples_of_the_page(void **state)
{
	static char line[LINE_MAX_LEN];
	FILE *f = open_page();
	size_t count = 0;

	(void)state;
	while (fgets(line, sizeof(line), f)) {
		unsigned long long number, newest, message;
		uint8_t compact[256], plain[256];
		size_t compact_n = 0, plain_n = 0;

		if (strncmp(line, "<!-- compact:", 13) != 0)
			continue;
		/* the page is ours: what does not have this form fails the test */
		number = strtoull(strstr(line, "number=") + 7, NULL, 10);
		newest = strtoull(strstr(line, "heard=") + 6, NULL, 10);
		message = strtoull(strstr(line, "message=") + 8, NULL, 10);
		while (fgets(line, sizeof(line), f) && strncmp(line, "    ", 4) == 0) {
			if (strstr(line, "  plain"))
				read_hex(line, plain, &plain_n);
			else
				read_hex(line, compact, &compact_n);
		}
		check_example(number, newest + 1, message, compact, compact_n, plain, plain_n);
		count++;
	}
	fclose(f);
	assert_true(count >= 8);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budgets),
		cmocka_unit_test(block_budgets),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(free_shapes_are_refused),
		cmocka_unit_test(every_type_code_and_distance),
		cmocka_unit_test(random_messages),
		cmocka_unit_test(long_envelopes_are_not_folded),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(prefixes_and_changes),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(stale_references_are_refused),
		cmocka_unit_test(too_small_a_buffer_says_what_is_needed),
		cmocka_unit_test(lines),
		cmocka_unit_test(no_secret_in_a_line),
		cmocka_unit_test(table_of_the_page),
		cmocka_unit_test(examples_of_the_page),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s docs/protocol.md\n", argv[0]);
		return EXIT_FAILURE;
	}
	protocol_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
