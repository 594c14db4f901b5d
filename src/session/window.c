#include "session/window.h"

#include <string.h>

enum { WORD_BITS = 64 };

static uint64_t word_of(uint64_t pn)
{
	return pn / WORD_BITS % TH_WINDOW_WORDS;
}

static uint64_t bit_of(uint64_t pn)
{
	return (uint64_t)1 << pn % WORD_BITS;
}

enum th_window_verdict th_window_look(const struct th_window *w, uint64_t pn)
{
	if (pn == UINT64_MAX) /* its successor has no place in `next` */
		return TH_WINDOW_OLD;
	if (pn >= w->next)
		return TH_WINDOW_NEW;
	if (w->next - pn > TH_WINDOW_SIZE)
		return TH_WINDOW_OLD;
	return w->bits[word_of(pn)] & bit_of(pn) ? TH_WINDOW_SEEN : TH_WINDOW_NEW;
}

/* The words that a newer number brings into the window hold what is a whole turn older. */
static void advance(struct th_window *w, uint64_t pn)
{
	uint64_t newest = w->next ? (w->next - 1) / WORD_BITS : 0, words = pn / WORD_BITS - newest;

	if (words >= TH_WINDOW_WORDS)
		memset(w->bits, 0, sizeof(w->bits));
	else
		for (uint64_t i = 1; i <= words; i++)
			w->bits[(newest + i) % TH_WINDOW_WORDS] = 0;
	w->next = pn + 1;
}

bool th_window_mark(struct th_window *w, uint64_t pn)
{
	if (th_window_look(w, pn) != TH_WINDOW_NEW)
		return false;
	if (pn >= w->next)
		advance(w, pn);
	w->bits[word_of(pn)] |= bit_of(pn);
	return true;
}
