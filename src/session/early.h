/* Early data is accepted once. A first datagram is replayable by whoever saw it, so its payload is taken only when
 *
 *   (1) the initiator's time lies within a window around this side's early clock, which is less than 2^31 s (68 years)
 *       ahead of the mark,
 *   (2) it is later than the mark found on disk at start; the mark is moved, on disk, ahead of every time that is
 *       accepted, so what a daemon accepted, and may have forgotten by a restart, is refused after it,
 *   (3) its ephemeral key is not among those remembered; those accepted are remembered while (1) could hold.
 *
 * Where one fails the handshake goes on without early data, and the answer tells the early clock.
 *
 * The *early clock* counts seconds: the wall clock, or where that is behind (a jump back, a mark of the future), what
 * is counted on from the mark by the monotonic clock. It never goes back, so an initiator that was told it once is
 * right as long as its own monotonic clock runs. */
#ifndef TH_SESSION_EARLY_H
#define TH_SESSION_EARLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"
#include "session/noise.h"

enum {
	TH_EARLY_STEP = 60, /* seconds that the mark is moved ahead at a time */
};

struct th_early_key; /* one remembered ephemeral key */

struct th_early {
	const struct th_mem *mem; /* borrowed */
	struct th_table table;
	struct th_early_key *keys; /* owned */
	size_t max, used;
	struct th_list accepted, others; /* oldest first */
	uint64_t floor, mark;		 /* at start; on disk now */
	uint64_t clock;			 /* seconds at `at` */
	th_time at;			 /* TH_NEVER: not started */
	uint32_t past, future;
};

/* mark: as last persisted, 0 for none; max: keys remembered; past, future: the window in seconds. TH_ERR_NO_MEMORY. */
enum th_err th_early_init(struct th_early *e, const struct th_mem *mem, size_t max, uint64_t mark, uint32_t past,
			  uint32_t future, uint64_t seed);
void th_early_free(struct th_early *e);

/* The wall clock says so many seconds. */
void th_early_wall(struct th_early *e, uint64_t seconds, th_time now);
uint64_t th_early_clock(struct th_early *e, th_time now);

/* The time of 32 bits that is closest to `near`. */
uint64_t th_early_time(uint64_t near, uint32_t low);

/* Whether this ephemeral key was seen before, and the `tag` it was remembered with. */
bool th_early_seen(const struct th_early *e, const uint8_t key[TH_NOISE_DH], uint64_t *tag);

/* Remembers a key that was not seen before, and says whether its early data is accepted. `time`: the initiator's, NULL:
 * it sends no early data. `persist` puts a mark on disk before it returns; NULL or false: refused. */
bool th_early_admit(struct th_early *e, const uint8_t key[TH_NOISE_DH], uint64_t tag, const uint32_t *time, th_time now,
		    bool (*persist)(void *user, uint64_t mark), void *user);

#endif
