#include "codec/predict.h"

#include <string.h>

#include "codec/tables.h"

enum {
	FIRST_OF_GUESSES = 13, /* contexts from here on are made of guesses */
};

static uint32_t guessed(const struct th_recall *r, unsigned rule)
{
	const struct th_guess *g = &r->guess[rule];

	return g->at ? 1u + r->text[g->at] : 0;
}

static uint32_t guessed_after(const struct th_recall *r, unsigned rule)
{
	const struct th_guess *g = &r->guess[rule];

	return g->at && g->at + 1 < r->n ? 1u + r->text[g->at + 1] : 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static unsigned level_of(uint32_t n)
{
	return n < 3 ? n : n < 5 ? 3 : n < 9 ? 4 : n < 17 ? 5 : n < 33 ? 6 : 7;
}

static unsigned place_class(const struct th_syntax *s)
{
	if (s->part_hex)
		return 19;
	if (s->part)
		return 18;
	if (s->percent)
		return 17;
	switch (s->phase) {
	case TH_PHASE_METHOD:
		return 0;
	case TH_PHASE_PATH:
		return s->sigil ? (s->sigil == '@' ? 24 : 2) : s->value_n ? 1 : 25;
	case TH_PHASE_QUERY_NAME:
		return 3;
	case TH_PHASE_QUERY_VALUE:
		return 4;
	case TH_PHASE_NAME:
		return 5;
	case TH_PHASE_FIELD:
		return s->token_n > 12 ? 26 : 6;
	default:
		break;
	}
	if (!s->in_string)
		return s->expect_key ? 7 : s->value_n == 0 ? 8 : s->value_n < 3 ? 9 : s->value_n < 8 ? 23 : 27;
	if (s->is_key)
		return s->segment == '!' || s->segment == '$' || s->segment == '@' || s->segment == ':' ? 28 : 10;
	switch (s->sigil) {
	case '$':
		return 12;
	case '!':
		return 13;
	case '@':
		return 14;
	case '#':
		return 15;
	default:
		break;
	}
	if (s->value_n == 0)
		return 22;
	if (s->cp[0] == ' ')
		return 21;
	return s->token_n > 12 ? 16 : s->token_n > 5 ? 20 : 11;
}

#define CONTEXT(i, h) (context[i] = th_hash2((h), 0x3000 + (i)))

static uint32_t place_of(const struct th_syntax *s)
{
	return th_hash2(s->key, s->in_string + 2u * s->is_key + 4u * (unsigned)s->phase);
}

static void contexts_of_syntax(const struct th_syntax *s, uint32_t context[TH_CONTEXTS])
{
	const uint32_t *cp = s->cp;
	uint32_t c1 = th_hash2(cp[0], s->part), c2 = th_hash2(c1, cp[1]), c3 = th_hash2(c2, cp[2]),
		 c4 = th_hash2(c3, cp[3]);
	uint32_t c5 = th_hash2(c4, cp[4]), c6 = th_hash2(c5, cp[5]);
	uint32_t place = place_of(s);
	uint32_t inside = th_hash2(th_hash2(place, s->value), s->value_start);
	uint32_t word = th_hash2(s->word, s->part);

	CONTEXT(0, place_class(s));
	CONTEXT(1, c1);
	CONTEXT(2, c2);
	CONTEXT(3, c3);
	CONTEXT(4, c4);
	CONTEXT(5, c5);
	CONTEXT(6, th_hash2(c6, cp[6]));
	CONTEXT(7, th_hash2(word, s->word ? 0 : cp[0]));
	CONTEXT(8, th_hash2(word, th_hash2(s->last_word, s->word ? 0 : cp[0])));
	CONTEXT(9, inside);
	CONTEXT(10, th_hash2(inside, s->parent));
	CONTEXT(11, th_hash2(th_hash2(place, s->parent), min_u32(s->value_n, 60)));
	CONTEXT(12, th_hash2(place, th_hash2(min_u32(s->value_n, 40), cp[0] < 128 ? cp[0] & 0x60 : 0)));
}

static void contexts_of_guesses(const struct th_recall *r, const struct th_syntax *s, uint32_t context[TH_CONTEXTS])
{
	const struct th_guess *g = r->guess;
	uint32_t key = guessed(r, TH_RULE_KEY), column = guessed(r, TH_RULE_COLUMN), token = guessed(r, TH_RULE_TOKEN);
	uint32_t order = 512u * g[TH_RULE_COLUMN].order, place = place_of(s);

	CONTEXT(13, th_hash2(th_hash2(key, column + order), place_class(s)));
	CONTEXT(14, th_hash2(th_hash2(guessed(r, TH_RULE_MID), token), level_of(g[TH_RULE_MID].run)));
	CONTEXT(15, th_hash2(th_hash2(column, guessed_after(r, TH_RULE_COLUMN) + order), place));
	CONTEXT(16, th_hash2(key, guessed(r, TH_RULE_LONG) * 257 + min_u32(g[TH_RULE_LONG].suffix, 16)));
	CONTEXT(17, th_hash2(guessed(r, TH_RULE_KIND), th_hash2(th_hash2(s->cp[0], s->part), s->cp[1])));
	CONTEXT(18, th_hash2(token, th_hash2(guessed(r, TH_RULE_CHAIN), place)));
	CONTEXT(19, th_hash2(th_hash2(place, min_u32(s->value_n, 40)), th_hash2(column, s->token_n)));
}

void th_predictor_contexts(const struct th_recall *r, const struct th_syntax *s, uint32_t context[TH_CONTEXTS])
{
	contexts_of_syntax(s, context);
	contexts_of_guesses(r, s, context);
}

static unsigned rule_cell(const struct th_recall *r, unsigned rule)
{
	const struct th_guess *g = &r->guess[rule];
	unsigned second = rule == TH_RULE_COLUMN ? g->order
			  : g->suffix < 4	 ? 0
			  : g->suffix < 8	 ? 1
			  : g->suffix < 16	 ? 2
						 : 3;

	if (rule == TH_RULE_KIND)
		second = (g->misses & 0x38) != 0;
	return ((level_of(g->run) * 4 + second) * 8 + (g->misses & 7)) * 3;
}

static void rows_of_byte(struct th_predictor *p, bool lost)
{
	const struct th_syntax *s = &p->syntax;
	const struct th_recall *r = p->recall;
	uint32_t suffix = 0;
	unsigned sure = 0, found = 0;
	uint16_t base = 0;

	for (unsigned rule = 0; rule <= TH_RULE_SHORT; rule++)
		if (r->guess[rule].at && r->guess[rule].suffix > suffix)
			suffix = r->guess[rule].suffix;
	sure = (r->guess[TH_RULE_KEY].at ? 1u : 0u) + (r->guess[TH_RULE_COLUMN].at ? 2u : 0u) +
	       (r->guess[TH_RULE_TOKEN].at ? 4u : 0u);
	for (unsigned i = 1; i < 7; i++)
		found += p->bucket[i][0] != 0;
	p->byte_row[0] = (uint16_t)(base + place_class(s) * 16);
	base += TH_ROWS_0;
	p->byte_row[1] = (uint16_t)(base + level_of(suffix) * 16 + sure * 2);
	base += TH_ROWS_1;
	p->byte_row[2] = base;
	base += TH_ROWS_2;
	p->byte_row[3] = base;
	base += TH_ROWS_3;
	p->byte_row[4] = (uint16_t)(base + found * 8 + lost + (p->bucket[8][0] != 0 ? 2u : 0u) +
				    (p->bucket[10][0] != 0 ? 4u : 0u));
	base += TH_ROWS_4;
	p->byte_row[5] = (uint16_t)(base + (th_hash2(s->key, s->parent) >> 24) * 2);
}

/* The tables are larger than a processor's nearer caches: what will be looked up is asked for early. */
static void prefetch(const struct th_predictor *p, unsigned from, unsigned to, uint32_t first_half)
{
	for (unsigned i = from; i < to; i++)
		th_slots_prefetch(p->slots, th_context_half(p->context[i], first_half));
}

static void buckets_of_half(struct th_predictor *p)
{
	uint32_t half = p->bit ? p->partial : 0, known = p->bit ? p->known : ~(uint32_t)0, h[TH_CONTEXTS];

	for (unsigned i = 0; i < TH_CONTEXTS; i++)
		h[i] = th_context_half(p->context[i], half);
	if (p->bit && half != p->asked)
		for (unsigned i = 0; i < TH_CONTEXTS; i++)
			th_slots_prefetch(p->slots, h[i]);
	/* Training knows the second half of a byte only where it knows the first. */
	for (unsigned i = 0; i < TH_CONTEXTS; i++)
		p->bucket[i] = th_slots_find(p->slots, h[i], known >> i & 1);
}

/* Asks for the second half's buckets as the first guess would have it. */
static void prefetch_guess(struct th_predictor *p)
{
	p->asked = 0;
	if (p->n_votes == 0)
		return;
	p->asked = 0x10u | p->votes[0].byte >> 4;
	prefetch(p, 0, TH_CONTEXTS, p->asked);
}

static void byte_begins(struct th_predictor *p)
{
	p->partial = 1;
	p->bit = 0;
}

bool th_predictor_bet(const struct th_predictor *p, struct th_bet *bet)
{
	return th_bet_on(bet, p->recall, place_class(&p->syntax));
}

/* All guesses but those of a byte that it is not. */
static void take_guesses(struct th_predictor *p, const struct th_bet *lost)
{
	p->n_votes = 0;
	for (unsigned rule = 0; rule < TH_RULES; rule++) {
		const struct th_guess *g = &p->recall->guess[rule];
		uint8_t byte = p->recall->text[g->at];
		unsigned cell = TH_CONTEXTS * 256 + rule * TH_RULE_CELLS;

		if (!g->at || (lost && byte == lost->byte))
			continue;
		p->votes[p->n_votes++] = (struct th_vote){ .cell = (uint16_t)(cell + rule_cell(p->recall, rule)),
							   .rule = (uint8_t)rule,
							   .byte = byte,
							   .sure = th_guess_is_sure(g) };
	}
}

void th_predictor_open(struct th_predictor *p, const struct th_bet *lost)
{
	contexts_of_syntax(&p->syntax, p->context);
	prefetch(p, 0, FIRST_OF_GUESSES, 0);
	contexts_of_guesses(p->recall, &p->syntax, p->context);
	prefetch(p, FIRST_OF_GUESSES, TH_CONTEXTS, 0);
	take_guesses(p, lost);
	buckets_of_half(p);
	p->known = 0;
	for (unsigned i = 0; i < TH_CONTEXTS; i++)
		p->known |= (uint32_t)(p->bucket[i][0] != 0) << i;
	prefetch_guess(p);
	rows_of_byte(p, lost != NULL);
}

static void take_byte(struct th_predictor *p, uint8_t c)
{
	th_syntax_step(&p->syntax, c);
	th_recall_step(p->recall, &p->syntax, c);
	byte_begins(p);
}

void th_predictor_won(struct th_predictor *p, const struct th_bet *bet)
{
	take_byte(p, bet->byte);
}

void th_predictor_begin(struct th_predictor *p, bool is_response, uint32_t kind, int account)
{
	th_syntax_init(&p->syntax, is_response, kind, account);
	th_recall_begin(p->recall, &p->syntax);
	byte_begins(p);
}

/* The node of a half byte's tree that the next bit belongs to, from 0. */
static unsigned node_of(const struct th_predictor *p)
{
	if (p->bit < 4)
		return p->partial - 1;
	return ((p->partial & ((1u << (p->bit - 4)) - 1)) | 1u << (p->bit - 4)) - 1;
}

static unsigned vote_bit(const struct th_predictor *p, const struct th_vote *v)
{
	return v->byte >> (7 - p->bit) & 1;
}

/* Returns the row of gates. */
static unsigned pick_rows(const struct th_predictor *p, unsigned third, uint16_t row[TH_SETS])
{
	unsigned alive = p->n_votes > 0, strong[2] = { 0, 0 }, weak[2] = { 0, 0 }, vote;

	for (unsigned i = 0; i < p->n_votes; i++) {
		const struct th_vote *v = &p->votes[i];
		unsigned one = vote_bit(p, v);

		strong[one] += v->sure;
		weak[one] += !v->sure;
	}
	vote = ((min_u32(strong[0], 2) * 3 + min_u32(strong[1], 2)) * 3 + min_u32(weak[0], 2)) * 3 +
	       min_u32(weak[1], 2);
	row[0] = (uint16_t)(p->byte_row[0] + p->bit * 2 + alive);
	row[1] = (uint16_t)(p->byte_row[1] + alive);
	row[2] = (uint16_t)(p->byte_row[2] + vote * 3 + third);
	row[3] = (uint16_t)(p->byte_row[3] + p->partial);
	row[4] = p->byte_row[4];
	row[5] = (uint16_t)(p->byte_row[5] + (p->bit > 3));
	return (p->byte_row[0] / 16 * 2 + alive) * 3u + third;
}

static unsigned third_of(unsigned bit)
{
	return bit == 0 ? 0 : bit < 4 ? 1 : 2;
}

void th_predictor_features(const struct th_predictor *p, struct th_features *f)
{
	unsigned node = node_of(p), third = third_of(p->bit);

	for (unsigned i = 0; i < TH_CONTEXTS; i++) {
		f->cell[i] = (uint16_t)(i * 256 + p->bucket[i][node]);
		f->negative[i] = false;
	}
	for (unsigned rule = 0; rule < TH_RULES; rule++) {
		f->cell[TH_CONTEXTS + rule] = TH_NO_CELL;
		f->negative[TH_CONTEXTS + rule] = false;
	}
	for (unsigned i = 0; i < p->n_votes; i++) {
		const struct th_vote *v = &p->votes[i];

		f->cell[TH_CONTEXTS + v->rule] = (uint16_t)(v->cell + third);
		f->negative[TH_CONTEXTS + v->rule] = !vote_bit(p, v);
	}
	f->gate = (uint16_t)pick_rows(p, third, f->row);
}

static int32_t product(const int16_t *x, const int16_t *w)
{
	int32_t sum = 0;

	for (unsigned i = 0; i < TH_INPUTS; i++)
		sum += x[i] * w[i];
	return sum;
}

static int32_t clipped(int32_t v, int32_t max)
{
	return v < -max ? -max : v > max ? max : v;
}

uint32_t th_predictor_p(const struct th_predictor *p, const struct th_tables *t)
{
	unsigned node = node_of(p), third = third_of(p->bit);
	const int16_t *gate;
	uint16_t row[TH_SETS];
	int16_t x[TH_INPUTS] = { 0 };
	int32_t sum = 0;

	for (unsigned i = 0; i < TH_CONTEXTS; i++)
		x[i] = t->inputs[i * 256 + p->bucket[i][node]];
	for (unsigned i = 0; i < p->n_votes; i++) {
		const struct th_vote *v = &p->votes[i];
		int16_t input = t->inputs[v->cell + third];

		x[TH_CONTEXTS + v->rule] = (int16_t)(vote_bit(p, v) ? input : -input);
	}
	x[TH_INPUT_CONSTANT] = TH_LN_ONE;
	gate = t->gates + pick_rows(p, third, row) * TH_GATE_CELLS;
	for (unsigned set = 0; set < TH_SETS; set++)
		sum += gate[set] * clipped(product(x, t->weights + row[set] * TH_INPUTS) >> TH_WEIGHT_BITS, TH_SET_MAX);
	sum >>= TH_WEIGHT_BITS;
	return t->squash[clipped(sum, TH_SQUASH_MAX - 1) + TH_SQUASH_MAX];
}

/* Only those of them stay that have this bit. */
static void keep_votes(struct th_predictor *p, unsigned bit)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_votes; i++)
		if (vote_bit(p, &p->votes[i]) == bit)
			p->votes[n++] = p->votes[i];
	p->n_votes = n;
}

void th_predictor_update(struct th_predictor *p, unsigned bit)
{
	unsigned node = node_of(p);

	for (unsigned i = 0; i < TH_CONTEXTS; i++) {
		uint8_t *state = &p->bucket[i][node];

		*state = p->slots->next[*state][bit];
	}
	keep_votes(p, bit);
	p->partial = p->partial << 1 | bit;
	p->bit++;
	if (p->bit == 4)
		buckets_of_half(p);
	else if (p->bit == 8)
		take_byte(p, (uint8_t)p->partial);
}
