#include "replay.h"

#include <stdlib.h>

struct replay *replay_new(const struct corpus *corpus)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->corpus = corpus;
	r->session = SIZE_MAX;
	return r;
}

static size_t kept(const struct message *m)
{
	return m->masked_n < REPLAY_TEXT ? m->masked_n : REPLAY_TEXT;
}

static void learn(struct replay *r, const struct message *m)
{
	struct th_syntax s;
	size_t n = kept(m);

	replay_syntax(&s, m);
	th_recall_begin(&r->recall, &s);
	for (size_t i = 0; i <= n; i++) {
		uint8_t c = i < n ? m->masked[i] : 0;

		th_syntax_step(&s, c);
		th_recall_learn(&r->recall, &s, c);
	}
}

/* A message leaves itself behind in the recall, which then only grows; before it is full it is made anew from the last
 * messages. */
void replay_prepare(struct replay *r, size_t i)
{
	const struct message *all = r->corpus->messages;
	size_t from = i, sum = 0;

	if (r->session != all[i].session) {
		th_recall_init(&r->recall, r->text);
		r->session = all[i].session;
		return;
	}
	if (r->recall.n < 2 * REPLAY_HISTORY)
		return;
	while (from > 0 && all[from - 1].session == r->session && sum + kept(&all[from - 1]) < REPLAY_HISTORY) {
		from--;
		sum += kept(&all[from]) + 1;
	}
	th_recall_init(&r->recall, r->text);
	for (; from < i; from++)
		learn(r, &all[from]);
}
