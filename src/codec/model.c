#include "codec/model.h"

#include <string.h>

#include "codec/range.h"
#include "codec/tables.h"

enum {
	END = 0,	       /* the byte that ends a text */
	LITERAL_RARE = 64,     /* a zero that is text, in 1/65536, before the first one */
	LITERAL_OFTEN = 65000, /* and after it */
	CODE_SLACK = 8,	       /* bytes the decoder may read past the code */
};

struct th_model {
	const struct th_mem *mem; /* borrowed */
	struct th_tables tables;
	struct th_predictor predictor;
	struct th_slots slots;
	struct th_recall recall;
	struct th_recall seed; /* what recall is before each message: the tables' seed texts */
	uint8_t text[TH_RECALL_TEXT_MAX];
	bool zeros; /* the text had a zero */
	th_model_cost *cost;
	void *cost_ctx;
};

_Static_assert(TH_MODEL_TEXT_MAX + TH_MODEL_VIEW_MAX + TH_TABLES_SEED_MAX + 64 <= TH_RECALL_TEXT_MAX, "places fit");

static void learn_bytes(struct th_recall *r, struct th_syntax *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		th_syntax_step(s, p[i]);
		th_recall_learn(r, s, p[i]);
	}
}

static void learn(struct th_recall *r, const struct th_view_text *t)
{
	const uint8_t end = END;
	struct th_syntax s;

	th_syntax_init(&s, t->about.is_response, t->about.kind, t->about.account);
	th_recall_begin(r, &s);
	learn_bytes(r, &s, t->p, t->n);
	learn_bytes(r, &s, t->rest, t->n_rest);
	learn_bytes(r, &s, &end, 1);
}

static void learn_seed(struct th_model *m)
{
	struct th_seed seed;
	size_t at = 0;

	th_recall_init(&m->seed, m->text);
	while (th_tables_seed(&m->tables, &at, &seed)) {
		struct th_view_text t = { .p = seed.p, .n = seed.n, .about = { seed.is_response, seed.kind, -1 } };

		learn(&m->seed, &t);
	}
}

struct th_model *th_model_new(const struct th_mem *mem, const uint8_t *tables, size_t n)
{
	struct th_tables t;
	struct th_model *m;

	if (th_tables_read(&t, tables, n) != TH_OK)
		return NULL;
	m = th_alloc(mem, sizeof(*m));
	if (!m)
		return NULL;
	m->mem = mem;
	m->tables = t;
	m->slots.trained = t.lines;
	m->slots.trained_bits = t.bits;
	m->slots.next = t.next;
	m->predictor.slots = &m->slots;
	m->predictor.recall = &m->recall;
	learn_seed(m);
	return m;
}

void th_model_free(struct th_model *m)
{
	if (m)
		th_free(m->mem, m);
}

uint64_t th_model_id(const struct th_model *m)
{
	return m->tables.id;
}

void th_model_watch(struct th_model *m, th_model_cost *cost, void *ctx)
{
	m->cost = cost;
	m->cost_ctx = ctx;
}

void th_model_request_kind(const uint8_t *text, size_t n, struct th_model_about *response)
{
	response->is_response = true;
	th_syntax_request(text, n, &response->kind, &response->account);
}

static enum th_err begin(struct th_model *m, const struct th_view *view, const struct th_model_about *about)
{
	size_t total = 0;

	if (view && view->n > TH_MODEL_VIEW_TEXTS)
		return TH_ERR_TOO_LARGE;
	for (size_t i = 0; view && i < view->n; i++) {
		size_t left = TH_MODEL_VIEW_MAX - total;

		if (view->texts[i].n >= left || view->texts[i].n_rest >= left - view->texts[i].n)
			return TH_ERR_TOO_LARGE;
		total += view->texts[i].n + view->texts[i].n_rest + 1;
	}
	th_slots_clear(&m->slots);
	m->recall = m->seed;
	for (size_t i = 0; view && i < view->n; i++)
		learn(&m->recall, &view->texts[i]);
	m->zeros = false;
	th_predictor_begin(&m->predictor, about->is_response, about->kind, about->account);
	return TH_OK;
}

/* Probability of a one in 1/65536. */
static uint32_t predict(const struct th_model *m)
{
	return th_predictor_p(&m->predictor, &m->tables);
}

/* -log2(p / 65536) in 1/65536 bit, for 0 < p < 65536; at most one of these too much. Long texts cost next to nothing a
 * bit, so it has to be that exact. */
static uint32_t cost_of(uint32_t p)
{
	uint64_t m = (uint64_t)p << 15; /* of 1 << 31 */
	uint32_t whole = 1, part = 0;

	while (m < 1u << 30) { /* 1 <= m < 2 in 1 << 30 */
		m <<= 1;
		whole++;
	}
	for (unsigned i = 0; i < 16; i++) {
		m = m * m >> 30;
		part <<= 1;
		if (m >> 31) {
			m >>= 1;
			part++;
		}
	}
	return (whole << 16) - part;
}

static uint32_t encode_bit(struct th_range_enc *e, uint32_t p1, unsigned bit)
{
	th_range_encode(e, p1, bit);
	return cost_of(bit ? p1 : 65536 - p1);
}

/* Probability of winning a bet on the next byte in 1/65536; 0: there is none. */
static uint32_t bet_on(const struct th_model *m, struct th_bet *bet)
{
	return th_predictor_bet(&m->predictor, bet) ? m->tables.bets[bet->cell] : 0;
}

static uint32_t encode_bits(struct th_model *m, struct th_range_enc *e, uint8_t c)
{
	uint32_t cost = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = c >> (7 - i) & 1;
		uint32_t p1 = predict(m);

		th_range_encode(e, p1, bit);
		if (m->cost)
			cost += cost_of(bit ? p1 : 65536 - p1);
		th_predictor_update(&m->predictor, bit);
	}
	return cost;
}

static uint32_t encode_byte(struct th_model *m, struct th_range_enc *e, uint8_t c)
{
	struct th_bet bet;
	uint32_t wins = bet_on(m, &bet), cost = 0;
	bool won = wins && c == bet.byte;

	if (wins) {
		th_range_encode(e, wins, won);
		if (m->cost)
			cost = cost_of(won ? wins : 65536 - wins);
	}
	if (won) {
		th_predictor_won(&m->predictor, &bet);
		return cost;
	}
	th_predictor_open(&m->predictor, wins ? &bet : NULL);
	return cost + encode_bits(m, e, c);
}

enum th_err th_model_encode(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			    const uint8_t *text, size_t n, uint8_t *out, size_t cap, size_t *need)
{
	struct th_range_enc e;

	th_range_enc_init(&e, out, cap);
	return th_model_encode_on(m, view, about, text, n, &e, need);
}

enum th_err th_model_encode_on(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			       const uint8_t *text, size_t n, struct th_range_enc *e, size_t *need)
{
	enum th_err err;

	*need = 0;
	if (n > TH_MODEL_TEXT_MAX)
		return TH_ERR_TOO_LARGE;
	err = begin(m, view, about);
	if (err != TH_OK)
		return err;
	for (size_t i = 0; i <= n; i++) {
		uint8_t c = i < n ? text[i] : END;
		uint32_t cost = encode_byte(m, e, c);

		if (c == END) {
			cost += encode_bit(e, m->zeros ? LITERAL_OFTEN : LITERAL_RARE, i < n);
			m->zeros = true;
		}
		if (m->cost)
			m->cost(m->cost_ctx, i, c, cost);
	}
	th_range_finish(e);
	*need = e->n;
	return e->n <= e->cap ? TH_OK : TH_ERR_TOO_LARGE;
}

static uint8_t decode_byte(struct th_model *m, struct th_range_dec *d)
{
	struct th_bet bet;
	uint32_t wins = bet_on(m, &bet);
	unsigned c = 0;

	if (wins && th_range_decode(d, wins)) {
		th_predictor_won(&m->predictor, &bet);
		return bet.byte;
	}
	th_predictor_open(&m->predictor, wins ? &bet : NULL);
	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = th_range_decode(d, predict(m));

		th_predictor_update(&m->predictor, bit);
		c = c << 1 | bit;
	}
	return (uint8_t)c;
}

enum th_err th_model_decode(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			    const uint8_t *code, size_t n, uint8_t *out, size_t cap, size_t *text_n)
{
	struct th_range_dec d;

	th_range_dec_init(&d, code, n);
	return th_model_decode_on(m, view, about, &d, out, cap, text_n);
}

enum th_err th_model_decode_on(struct th_model *m, const struct th_view *view, const struct th_model_about *about,
			       struct th_range_dec *d, uint8_t *out, size_t cap, size_t *text_n)
{
	size_t done = 0;
	enum th_err err = begin(m, view, about);

	*text_n = 0;
	if (err != TH_OK)
		return err;
	for (;;) {
		uint8_t c = decode_byte(m, d);

		if (c == END) {
			bool literal = th_range_decode(d, m->zeros ? LITERAL_OFTEN : LITERAL_RARE) != 0;

			m->zeros = true;
			if (!literal)
				break;
		}
		if (d->at > d->n + CODE_SLACK)
			return TH_ERR_MALFORMED;
		if (done == cap || done == TH_MODEL_TEXT_MAX)
			return TH_ERR_TOO_LARGE;
		out[done++] = c;
	}
	if (!th_range_only_zeros_left(d))
		return TH_ERR_MALFORMED; /* code is left over */
	*text_n = done;
	return TH_OK;
}

uint32_t th_model_taken(const struct th_range_enc *e)
{
	uint32_t last = e->high - e->low; /* the range is one more */
	int32_t left = last == UINT32_MAX ? 32 * 256 : th_log2(last + 1);

	return (uint32_t)((int32_t)(e->n * 8 * 256) + 32 * 256 - left) * 256;
}
