/* Which packet numbers have been seen: a sliding window as RFC 6479 describes it. */
#ifndef TH_SESSION_WINDOW_H
#define TH_SESSION_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TH_WINDOW_WORDS = 257,
	TH_WINDOW_SIZE = (TH_WINDOW_WORDS - 1) * 64, /* the newest 16,384 packet numbers are told apart */
};

/* All zero is an empty window. */
struct th_window {
	uint64_t next; /* newest seen + 1; 0: none */
	uint64_t bits[TH_WINDOW_WORDS];
};

enum th_window_verdict { TH_WINDOW_NEW, TH_WINDOW_SEEN, TH_WINDOW_OLD };

/* What this number would be; changes nothing. Ask before authenticating, mark after. UINT64_MAX is no packet number:
 * OLD. */
enum th_window_verdict th_window_look(const struct th_window *w, uint64_t pn);

/* Marks an authenticated number as seen. False if it was not new. */
bool th_window_mark(struct th_window *w, uint64_t pn);

#endif
