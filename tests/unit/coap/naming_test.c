/* Packet numbers as names: tokens, references, and that no reference is ever taken for one to another message, whatever
 * the path does to the records. */
#include "unit.h"

#include "coap/naming.h"

static void tokens_are_numbers(void **state)
{
	static const struct {
		uint64_t number;
		size_t n;
		uint8_t token[8];
	} rows[] = {
		{ 0, 1, { 0 } },
		{ 1, 1, { 1 } },
		{ 0xff, 1, { 0xff } },
		{ 0x100, 2, { 1, 0 } },
		{ 0xffff, 2, { 0xff, 0xff } },
		{ 0x123456, 3, { 0x12, 0x34, 0x56 } },
		{ UINT64_MAX, 8, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		uint8_t token[TH_COAP_TOKEN_MAX];
		uint64_t number;

		assert_int_equal(th_naming_token(rows[i].number, token), rows[i].n);
		assert_memory_equal(token, rows[i].token, rows[i].n);
		assert_true(th_naming_number(token, rows[i].n, &number));
		assert_true(number == rows[i].number);
	}
}

/* Every token of up to 2 bytes, and many of 3: either it is the one of its number, or it is none. */
static void other_tokens_are_no_numbers(void **state)
{
	uint64_t numbers = 0;

	(void)state;
	assert_false(th_naming_number((const uint8_t *)"", 0, &numbers));
	assert_false(th_naming_number((const uint8_t *)"123456789", 9, &numbers));
	for (size_t n = 1; n <= 3; n++) {
		for (uint32_t v = 0; v < 1u << (8 * n); v += n < 3 ? 1 : 61) {
			uint8_t token[3], again[TH_COAP_TOKEN_MAX];
			uint64_t number;

			for (size_t i = 0; i < n; i++)
				token[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
			if (!th_naming_number(token, n, &number)) {
				assert_true(n > 1 && token[0] == 0);
				continue;
			}
			assert_true(number == v);
			assert_int_equal(th_naming_token(number, again), n);
			assert_memory_equal(again, token, n);
			numbers++;
		}
	}
	assert_true(numbers > 300000);
}

static void bits_by_distance(void **state)
{
	static const uint64_t starts[] = { 1, 65, 300, 70000, (uint64_t)1 << 40 };

	(void)state;
	assert_int_equal(th_naming_refer(0, 0), 0); /* nothing has come */
	for (size_t i = 0; i < UNIT_COUNT(starts); i++) {
		uint64_t heard = starts[i];

		assert_int_equal(th_naming_refer(heard, heard), 0);
		assert_int_equal(th_naming_refer(heard, heard + 5), 0);
		for (uint64_t d = 0; d < 20000 && d < heard; d++)
			assert_int_equal(th_naming_refer(heard, heard - 1 - d), d < 64 ? 8 : d < 16384 ? 16 : 0);
	}
}

static void newest_of_a_message_id(void **state)
{
	uint64_t number;

	(void)state;
	assert_false(th_naming_of_mid(0, 0, &number));
	assert_true(th_naming_of_mid(1, 0, &number) && number == 0);
	assert_false(th_naming_of_mid(1, 1, &number));
	assert_true(th_naming_of_mid(65536, 0, &number) && number == 0);
	assert_true(th_naming_of_mid(65537, 0, &number) && number == 65536);
	assert_true(th_naming_of_mid(65537, 1, &number) && number == 1);
	for (uint64_t heard = 1; heard < 200000; heard += 77)
		for (uint64_t back = 0; back < 65536 && back < heard; back += 97)
			assert_true(th_naming_of_mid(heard, (uint16_t)(heard - 1 - back), &number) &&
				    number == heard - 1 - back);
}

static void a_message_is_found_by_its_low_bits(void **state)
{
	static struct th_naming n;
	uint64_t number, found;

	(void)state;
	th_naming_init(&n, 1000);
	assert_true(th_naming_record(&n) == 1000);
	assert_true(th_naming_message(&n, &number) && number == 1001);
	assert_true(th_naming_resolve(&n, 0, 1001 & 0xff, 8, &found) && found == 1001);
	assert_true(th_naming_resolve(&n, 0, 1001, 16, &found) && found == 1001);
	assert_false(th_naming_resolve(&n, 0, 1000 & 0xff, 8, &found)); /* no message */
	assert_false(th_naming_resolve(&n, 0, 1000, 16, &found));
	assert_false(th_naming_resolve(&n, 0, 40000, 16, &found));
	assert_false(th_naming_resolve(&n, 0, 1002 & 0xff, 8, &found)); /* not sent yet */
	assert_false(th_naming_resolve(&n, 0, 1002, 16, &found));
}

/* The attack on short tokens: the answer to 7 is held back until 7 + 256 is asked. */
static void an_answer_is_never_older_than_its_question(void **state)
{
	static struct th_naming n;
	uint64_t number = 0, found;

	(void)state;
	th_naming_init(&n, 7);
	assert_true(th_naming_message(&n, &number) && number == 7);
	/* the peer's record 0 answers 7, and does not come */
	while (number < 7 + 256) {
		assert_true(th_naming_message(&n, &number));
		th_naming_heard(&n, number); /* the peer's records 8, 9, … answer what follows */
		th_naming_proven(&n, number);
	}
	assert_true(number == 7 + 256);
	assert_false(th_naming_resolve(&n, 0, 7, 8, &found));
	assert_true(th_naming_resolve(&n, 7 + 256, 7, 8, &found) && found == 7 + 256); /* its own answer */
}

static void numbers_in_doubt_are_skipped(void **state)
{
	static struct th_naming n;
	uint64_t number;

	(void)state;
	th_naming_init(&n, 0);
	assert_true(th_naming_message(&n, &number) && number == 0);
	th_naming_proven(&n, 0);
	for (unsigned i = 1; i < 256; i++)
		assert_true(th_naming_record(&n) == i);
	assert_true(th_naming_message(&n, &number) && number == 257); /* not 256 */
	for (unsigned i = 258; i < 512; i++)
		assert_true(th_naming_record(&n) == i);
	assert_true(th_naming_message(&n, &number) && number == 514); /* 512 would be 0 again, 513 be 257 */
	th_naming_proven(&n, 321);				      /* 257 + 64 */
	for (unsigned i = 515; i < 768; i++)
		assert_true(th_naming_record(&n) == i);
	assert_true(th_naming_message(&n, &number) && number == 768); /* and 0 is long done with */
}

static void what_is_never_answered_comes_to_an_end(void **state)
{
	static struct th_naming n;
	uint64_t number;
	unsigned sent = 0;

	(void)state;
	th_naming_init(&n, 0);
	while (th_naming_message(&n, &number))
		sent++;
	assert_int_equal(sent, 256);
	assert_true(th_naming_record(&n) >= 256); /* others go on */
	th_naming_proven(&n, 100);
	for (unsigned i = 0; i <= 100 - 64; i++)
		assert_true(th_naming_message(&n, &number));
	assert_false(th_naming_message(&n, &number));
}

/* Who asks again and again, as an engine does whenever something may have changed, must not use up numbers by it. */
static void asking_in_vain_changes_nothing(void **state)
{
	static struct th_naming n;
	uint64_t number, next;

	(void)state;
	th_naming_init(&n, 0);
	while (th_naming_message(&n, &number))
		;
	next = n.next;
	for (unsigned i = 0; i < 1000; i++)
		assert_false(th_naming_message(&n, &number));
	assert_true(n.next == next);
	th_naming_proven(&n, next - 1); /* the newest one is answered, and all the others with it */
	assert_true(th_naming_message(&n, &number) && number == next);
}

/* Records that nobody refers to are never proven, however many: piggybacked answers, blocks. */
static void records_do_not_use_up_messages(void **state)
{
	static struct th_naming n;
	uint64_t number, found;

	(void)state;
	th_naming_init(&n, 0);
	for (unsigned i = 0; i < 200000; i++)
		assert_true(th_naming_record(&n) == i);
	assert_true(th_naming_message(&n, &number) && number == 200000);
	assert_true(th_naming_resolve(&n, 0, 200000 & 0xffff, 16, &found) && found == 200000);
}

/* Rule 2 for 16 bits: a group of 2^14 that is 4 groups after one with an unproven message is skipped. */
static void groups_in_doubt_are_skipped(void **state)
{
	static struct th_naming n;
	uint64_t number, found;

	(void)state;
	th_naming_init(&n, 5);
	assert_true(th_naming_message(&n, &number) && number == 5);
	th_naming_heard(&n, 77);
	th_naming_proven(&n, 5); /* its answer may be held back, and come again */
	while (n.next < 65536)
		th_naming_record(&n);
	assert_true(th_naming_message(&n, &number) && number == 81920); /* not 65541 nor any of its group */
	assert_true(th_naming_resolve(&n, 78, 81920 & 0xffff, 16, &found) && found == 81920);
	assert_true(th_naming_resolve(&n, 77, 5, 16, &found) && found == 5);
	th_naming_proven(&n, 81920);
	while (n.next < 131072) /* two groups of four on */
		th_naming_record(&n);
	assert_true(th_naming_message(&n, &number) && number == 131073); /* the low 8 bits of 131072 are those of 81920 */
}

static void only_what_was_sent_is_proven(void **state)
{
	static struct th_naming n;
	uint64_t number;

	(void)state;
	th_naming_init(&n, 5);
	th_naming_message(&n, &number);
	th_naming_proven(&n, 6);
	assert_true(n.proven == 5);
	th_naming_proven(&n, 5);
	assert_true(n.proven == 6);
	th_naming_proven(&n, 2);
	assert_true(n.proven == 6);
}

/* ---- an adversary on the path ---- */

enum { POOL = 4096, KNOWN = 1024 };

/* A record of the answering side: which message it answers, as it says and as it is. */
struct answer {
	uint64_t number, truth, low;
	unsigned bits;
};

struct world {
	struct th_rng rng;
	uint64_t seed;
	struct th_naming asker;
	uint64_t heard, next;	  /* of the answerer */
	uint64_t asked[POOL];	  /* on the way there: numbers, messages with bit 63 */
	struct answer back[POOL]; /* on the way back */
	size_t asked_n, back_n;
	uint64_t known[KNOWN]; /* messages the answerer may still answer, again and again */
	size_t known_n;
	unsigned hold; /* of 100: how often the path picks any record instead of the oldest */
	size_t held_max;
	uint64_t answered, refused, skipped;
};

#define IS_MESSAGE ((uint64_t)1 << 63)

static size_t pick(struct world *w, size_t n)
{
	if (th_rng_below(&w->rng, 100) >= w->hold)
		return 0;
	/* now and then the very newest: all others are late then */
	return th_rng_below(&w->rng, 4) == 0 ? n - 1 : (size_t)th_rng_below(&w->rng, n);
}

static void ask(struct world *w, unsigned messages_percent)
{
	uint64_t number;

	if (w->asked_n == w->held_max) /* the oldest is lost for good */
		memmove(w->asked, w->asked + 1, --w->asked_n * sizeof(w->asked[0]));
	if (th_rng_below(&w->rng, 100) >= messages_percent) {
		w->asked[w->asked_n++] = th_naming_record(&w->asker);
	} else if (th_naming_message(&w->asker, &number)) {
		w->asked[w->asked_n++] = number | IS_MESSAGE;
	} else {
		w->skipped++;
		/* what a new handshake would do: a record of the peer that says what has come */
		if (th_rng_below(&w->rng, 50) == 0) {
			th_naming_proven(&w->asker, w->heard ? w->heard - 1 : 0);
			th_naming_heard(&w->asker, w->next++);
			if (w->hold == 0)
				w->back_n = 0; /* else they would be late now */
		}
	}
}

static void arrive(struct world *w)
{
	uint64_t number;
	size_t i;

	if (w->asked_n == 0)
		return;
	i = pick(w, w->asked_n);
	number = w->asked[i] & ~IS_MESSAGE;
	if (number >= w->heard)
		w->heard = number + 1;
	if (w->asked[i] & IS_MESSAGE)
		w->known[w->known_n < KNOWN ? w->known_n++ : (size_t)th_rng_below(&w->rng, KNOWN)] = number;
	memmove(w->asked + i, w->asked + i + 1, (--w->asked_n - i) * sizeof(w->asked[0]));
}

static void answer(struct world *w)
{
	struct answer a = { .number = w->next++ };

	if (w->known_n == 0)
		return;
	/* mostly the newest, sometimes one from long ago: a long poll */
	a.truth = w->known[th_rng_below(&w->rng, 3) ? w->known_n - 1 : (size_t)th_rng_below(&w->rng, w->known_n)];
	a.bits = th_naming_refer(w->heard, a.truth);
	a.low = a.bits ? a.truth & (((uint64_t)1 << a.bits) - 1) : 0;
	if (a.bits == 0)
		return;
	if (w->back_n == w->held_max)
		memmove(w->back, w->back + 1, --w->back_n * sizeof(w->back[0]));
	w->back[w->back_n++] = a;
}

static void hear(struct world *w)
{
	struct answer a;
	uint64_t found;
	size_t i;

	if (w->back_n == 0)
		return;
	i = pick(w, w->back_n);
	a = w->back[i];
	memmove(w->back + i, w->back + i + 1, (--w->back_n - i) * sizeof(w->back[0]));
	if (th_naming_resolve(&w->asker, a.number, a.low, a.bits, &found)) {
		if (found != a.truth)
			fail_msg("record %llu answers %llu and was taken for an answer to %llu",
				 (unsigned long long)a.number, (unsigned long long)a.truth, (unsigned long long)found);
		th_naming_proven(&w->asker, found);
		w->answered++;
	} else {
		w->refused++;
		if (w->hold == 0)
			fail_msg("record %llu answers %llu and was refused though nothing was late",
				 (unsigned long long)a.number, (unsigned long long)a.truth);
	}
	th_naming_heard(&w->asker, a.number);
}

static void run(struct world *w, uint64_t seed, uint64_t steps)
{
	unsigned messages = 0, weight[4] = { 1, 1, 1, 1 };
	uint64_t start = seed % 2 ? seed % 1000 : 65000 + seed % 5000;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->rng = th_rng_seeded(&w->seed);
	w->hold = seed % 3 == 0 ? 0 : (unsigned)th_rng_below(&w->rng, 100);
	w->held_max = 1 + (size_t)th_rng_below(&w->rng, seed % 3 == 0 ? 30 : POOL - 1);
	th_naming_init(&w->asker, start);
	for (uint64_t i = 0; i < steps; i++) {
		unsigned r;

		if (i % 5000 == 0) {
			messages = (unsigned)th_rng_below(&w->rng, 101);
			for (unsigned k = 0; k < 4; k++)
				weight[k] = 1 + (unsigned)th_rng_below(&w->rng, 8);
		}
		r = (unsigned)th_rng_below(&w->rng, weight[0] + weight[1] + weight[2] + weight[3]);
		if (r < weight[0])
			ask(w, messages);
		else if (r < weight[0] + weight[1])
			arrive(w);
		else if (r < weight[0] + weight[1] + weight[2])
			answer(w);
		else
			hear(w);
	}
}

static void no_path_makes_an_answer_another(void **state)
{
	uint64_t seed = unit_seed("no_path_makes_an_answer_another", 1);
	struct world *w = malloc(sizeof(*w));
	uint64_t answered = 0, refused = 0;

	(void)state;
	assert_non_null(w);
	for (uint64_t i = 0; i < 60; i++) {
		run(w, seed + i, 200000);
		answered += w->answered;
		refused += w->refused;
	}
	printf("%llu answers found their message, %llu were refused\n", (unsigned long long)answered,
	       (unsigned long long)refused);
	assert_true(answered > 100000 && refused > 1000); /* else this showed nothing */
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_numbers),
		cmocka_unit_test(other_tokens_are_no_numbers),
		cmocka_unit_test(bits_by_distance),
		cmocka_unit_test(newest_of_a_message_id),
		cmocka_unit_test(a_message_is_found_by_its_low_bits),
		cmocka_unit_test(an_answer_is_never_older_than_its_question),
		cmocka_unit_test(numbers_in_doubt_are_skipped),
		cmocka_unit_test(what_is_never_answered_comes_to_an_end),
		cmocka_unit_test(asking_in_vain_changes_nothing),
		cmocka_unit_test(records_do_not_use_up_messages),
		cmocka_unit_test(groups_in_doubt_are_skipped),
		cmocka_unit_test(only_what_was_sent_is_proven),
		cmocka_unit_test(no_path_makes_an_answer_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
