#include "codec/recall.h"

#include <string.h>

enum {
	POS_MASK = TH_RECALL_TEXT_MAX - 1,
	SUFFIX_MAX = 32,
	AHEAD_MAX = 100, /* how far to look for a delimiter when going along */
	LOST = 0xff,	 /* eight wrong guesses in a row */
};

static uint32_t slot_of(uint32_t h)
{
	return h >> (32 - TH_RECALL_BITS);
}

static uint32_t entry_of(uint32_t h, uint32_t at)
{
	return at | h << TH_RECALL_POS_BITS;
}

/* The place last stored under the hash, 0 for none. */
static uint32_t get(const struct th_recall *r, unsigned rule, uint32_t h)
{
	uint32_t e = r->table[rule][slot_of(h)];

	return (e ^ entry_of(h, 0)) <= POS_MASK ? e & POS_MASK : 0;
}

static void set(struct th_recall *r, unsigned rule, uint32_t h, uint32_t at)
{
	r->table[rule][slot_of(h)] = entry_of(h, at);
}

static uint32_t hash_last(const struct th_recall *r, unsigned bytes)
{
	uint64_t v = r->newest;

	if (bytes <= 8)
		v >>= 8 * (8 - bytes);
	else
		v ^= (r->older >> (8 * (16 - bytes)) | r->newest << (8 * (bytes - 8))) * 0xff51afd7ed558ccdu;
	return (uint32_t)(v * 0x9e3779b97f4a7c15u >> 32);
}

static void append(struct th_recall *r, uint8_t c)
{
	r->text[r->n++] = c;
	r->older = r->older >> 8 | r->newest << 56;
	r->newest = r->newest >> 8 | (uint64_t)c << 56;
}

/* Values of queries and heads stand next to their name, those of JSON behind a quote. */
static bool inside(const struct th_syntax *s)
{
	return s->in_string || s->phase != TH_PHASE_BODY;
}

static uint32_t key_hash(const struct th_syntax *s, uint32_t key)
{
	return th_hash2(th_hash2(key, s->value), s->value_start + 2u * inside(s));
}

static uint32_t rule_hash(const struct th_recall *r, const struct th_syntax *s, unsigned rule)
{
	switch (rule) {
	case TH_RULE_LONG:
		return hash_last(r, 12);
	case TH_RULE_MID:
		return hash_last(r, 7);
	case TH_RULE_SHORT:
		return hash_last(r, 4);
	case TH_RULE_TOKEN:
		return th_hash2(s->token + s->percent * 0x1234567u, s->token_n ? 1 : 2);
	case TH_RULE_KEY:
		return key_hash(s, s->key);
	default:
		return th_hash2(th_hash2(s->key + 3 * s->last_value, s->value), s->value_start + 2u * inside(s));
	}
}

static uint32_t column_hash(const struct th_syntax *s)
{
	return th_hash2(s->key, (uint32_t)s->account + (inside(s) ? 7 : 2000));
}

static uint32_t kind_hash(const struct th_syntax *s)
{
	return th_hash2(s->kind, (uint32_t)s->account + (s->phase == TH_PHASE_METHOD ? 1000 : 9));
}

void th_recall_init(struct th_recall *r, uint8_t *text)
{
	memset(r, 0, sizeof(*r));
	memset(text, 0, 16);
	r->text = text;
	r->n = 16;
}

static bool kind_known(const struct th_syntax *s, uint8_t c)
{
	return (c == '?' && s->phase == TH_PHASE_QUERY_NAME && s->value_start) ||
	       (c == '\n' && s->phase == TH_PHASE_NAME && s->key != 0 && s->last_key == 0);
}

void th_recall_begin(struct th_recall *r, const struct th_syntax *s)
{
	uint32_t h = kind_hash(s);

	memset(r->guess, 0, sizeof(r->guess));
	r->guess[TH_RULE_KIND].at = get(r, TH_RULE_KIND, h);
	set(r, TH_RULE_KIND, h, r->n);
}

static void store(struct th_recall *r, const struct th_syntax *s, uint8_t c)
{
	for (unsigned rule = 0; rule < TH_RULE_HASHED; rule++)
		set(r, rule, rule_hash(r, s, rule), r->n);
	if (s->also)
		set(r, TH_RULE_KEY, key_hash(s, s->also), r->n);
	if (s->value_start)
		set(r, TH_RULE_COLUMN, column_hash(s), r->n);
	if (kind_known(s, c))
		set(r, TH_RULE_KIND, kind_hash(s), r->n);
}

void th_recall_learn(struct th_recall *r, const struct th_syntax *s, uint8_t c)
{
	append(r, c);
	store(r, s, c);
}

static bool is_delimiter(uint8_t c)
{
	return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80);
}

/* Keeps a pointer that goes along beside the same place of what is coded. */
static void go_along(const struct th_recall *r, struct th_guess *g, uint8_t c)
{
	uint8_t was = r->text[g->at];

	if (was == c || (!is_delimiter(c) && !is_delimiter(was))) {
		g->at++;
	} else if (is_delimiter(c)) {
		for (uint32_t i = g->at; i < r->n && i < g->at + AHEAD_MAX && r->text[i]; i++) {
			if (r->text[i] == c) {
				g->at = i + 1;
				break;
			}
		}
	}
	if (g->at >= r->n)
		g->at = 0;
}

static uint32_t common_suffix(const struct th_recall *r, uint32_t at)
{
	uint32_t n = 0;

	while (n < SUFFIX_MAX && n < at && r->text[at - 1 - n] == r->text[r->n - 1 - n])
		n++;
	return n;
}

/* A guess that was right has gone on already. */
static void look_up(struct th_recall *r, const struct th_syntax *s, unsigned rule)
{
	struct th_guess *g = &r->guess[rule];
	uint32_t h = rule_hash(r, s, rule);
	bool sticky = rule <= TH_RULE_SHORT && g->at && g->run > 15;
	uint32_t at = sticky ? g->at : get(r, rule, h);

	if (at && at == g->at) {
		g->suffix += g->suffix < SUFFIX_MAX;
	} else {
		g->run = 0;
		g->at = at;
		g->suffix = at ? common_suffix(r, at) : 0;
	}
	if (rule <= TH_RULE_SHORT && g->suffix < 3)
		g->at = 0;
	set(r, rule, h, r->n);
}

void th_recall_step(struct th_recall *r, const struct th_syntax *s, uint8_t c)
{
	for (unsigned rule = 0; rule < TH_RULES; rule++) {
		struct th_guess *g = &r->guess[rule];
		bool hit;

		if (!g->at)
			continue;
		hit = r->text[g->at] == c;
		g->misses = (uint8_t)(g->misses << 1 | !hit);
		g->run = hit ? g->run + 1 : 0;
		if (rule < TH_RULE_HASHED) {
			g->at = hit ? g->at + 1 : 0;
		} else {
			if (!hit && !g->order)
				g->order = c > r->text[g->at] ? 1 : 2;
		}
	}
	append(r, c);
	for (unsigned rule = 0; rule < TH_RULE_HASHED; rule++)
		look_up(r, s, rule);
	if (s->also)
		set(r, TH_RULE_KEY, key_hash(s, s->also), r->n);
	for (unsigned rule = TH_RULE_HASHED; rule < TH_RULES; rule++) {
		struct th_guess *g = &r->guess[rule];

		if (g->at)
			go_along(r, g, c);
		if (g->misses == LOST)
			g->at = 0;
	}
	if (is_delimiter(c))
		r->guess[TH_RULE_COLUMN].order = 0;
	if (s->value_start) {
		uint32_t h = column_hash(s);

		r->guess[TH_RULE_COLUMN] = (struct th_guess){ .at = get(r, TH_RULE_COLUMN, h),
							      .misses = r->guess[TH_RULE_COLUMN].misses & 0x7f };
		set(r, TH_RULE_COLUMN, h, r->n);
	}
	if (kind_known(s, c)) {
		uint32_t h = kind_hash(s);
		uint32_t at = get(r, TH_RULE_KIND, h);

		if (at)
			r->guess[TH_RULE_KIND] = (struct th_guess){ .at = at };
		set(r, TH_RULE_KIND, h, r->n);
	}
}
