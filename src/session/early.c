#include "session/early.h"

#include <string.h>

/* Initiators count on from whole seconds and may be one behind; at once after a start, too, they are to be past the
 * mark. */
enum { BEHIND = 2 };

struct th_early_key {
	struct th_slot slot;
	struct th_list link;
	uint64_t until; /* of the early clock: to be remembered so long */
	uint64_t tag;
	uint8_t b[TH_NOISE_DH];
};

enum th_err th_early_init(struct th_early *e, const struct th_mem *mem, size_t max, uint64_t mark, uint32_t past,
			  uint32_t future, uint64_t seed)
{
	enum th_err err;
	size_t bytes;

	*e = (struct th_early){ .mem = mem, .max = max, .floor = mark, .mark = mark, .at = TH_NEVER };
	e->clock = mark ? mark + BEHIND : 0;
	e->past = past;
	e->future = future;
	th_list_init(&e->accepted);
	th_list_init(&e->others);
	err = th_table_init(&e->table, mem, max, seed);
	if (err != TH_OK)
		return err;
	/* Memory of the system's that nobody has touched costs nothing. */
	e->keys = th_mul(max, sizeof(*e->keys), &bytes) ? th_alloc(mem, bytes) : NULL;
	if (!e->keys) {
		th_table_free(&e->table);
		return TH_ERR_NO_MEMORY;
	}
	return TH_OK;
}

void th_early_free(struct th_early *e)
{
	th_free(e->mem, e->keys);
	th_table_free(&e->table);
	e->keys = NULL;
}

/* ---- the clock ---- */

uint64_t th_early_clock(struct th_early *e, th_time now)
{
	if (e->at == TH_NEVER)
		e->at = now;
	if (now > e->at) {
		e->clock += (now - e->at) / TH_SEC;
		e->at += (now - e->at) / TH_SEC * TH_SEC;
	}
	return e->clock;
}

void th_early_wall(struct th_early *e, uint64_t seconds, th_time now)
{
	if (seconds > th_early_clock(e, now)) {
		e->clock = seconds;
		e->at = now;
	}
}

uint64_t th_early_time(uint64_t near, uint32_t low)
{
	int32_t d = (int32_t)(low - (uint32_t)near);

	if (d < 0 && near < (uint64_t) - (int64_t)d)
		return 0;
	return near + (uint64_t)(int64_t)d;
}

/* ---- keys ---- */

static struct th_early_key *find(const struct th_early *e, const uint8_t key[TH_NOISE_DH])
{
	uint64_t hash = th_table_hash(&e->table, key, TH_NOISE_DH);

	for (struct th_slot *n = th_table_next(&e->table, hash, NULL); n; n = th_table_next(&e->table, hash, n)) {
		struct th_early_key *k = TH_OWNER(n, struct th_early_key, slot);

		if (memcmp(k->b, key, TH_NOISE_DH) == 0)
			return k;
	}
	return NULL;
}

bool th_early_seen(const struct th_early *e, const uint8_t key[TH_NOISE_DH], uint64_t *tag)
{
	const struct th_early_key *k = find(e, key);

	if (k)
		*tag = k->tag;
	return k != NULL;
}

static struct th_early_key *take_back(struct th_early *e, struct th_list *from)
{
	struct th_early_key *k = TH_OWNER(th_list_pop(from), struct th_early_key, link);

	th_table_remove(&e->table, &k->slot);
	return k;
}

/* Room for one more: an unused one, else one whose time is over, else the oldest of those that nothing was accepted
 * with. */
static struct th_early_key *room(struct th_early *e, uint64_t clock)
{
	if (e->used < e->max)
		return &e->keys[e->used++];
	if (!th_list_empty(&e->accepted) && TH_OWNER(e->accepted.next, struct th_early_key, link)->until < clock)
		return take_back(e, &e->accepted);
	return th_list_empty(&e->others) ? NULL : take_back(e, &e->others);
}

/* Before the time is accepted, the mark on disk is past it. */
static bool move_mark(struct th_early *e, uint64_t time, bool (*persist)(void *user, uint64_t mark), void *user)
{
	uint64_t mark = time + TH_EARLY_STEP;

	if (time < e->mark)
		return true;
	if (!persist || !persist(user, mark))
		return false;
	e->mark = mark;
	return true;
}

/* Whether times of 32 bits are told apart: a clock half their range and more ahead of the mark makes old ones look new. */
static bool is_clear(const struct th_early *e, uint64_t clock)
{
	return e->mark == 0 || clock < e->mark + ((uint64_t)1 << 31);
}

bool th_early_admit(struct th_early *e, const uint8_t key[TH_NOISE_DH], uint64_t tag, const uint32_t *time, th_time now,
		    bool (*persist)(void *user, uint64_t mark), void *user)
{
	uint64_t clock = th_early_clock(e, now), t = time ? th_early_time(clock, *time) : 0;
	struct th_early_key *k = room(e, clock);
	bool ok;

	if (!k)
		return false;
	ok = time && t > e->floor && is_clear(e, clock) && (t >= clock ? t - clock <= e->future : clock - t <= e->past) &&
	     move_mark(e, t, persist, user);
	/* Its time is taken as this side's newest, so that the list stays in order. */
	*k = (struct th_early_key){ .until = clock + e->past + e->future, .tag = tag };
	memcpy(k->b, key, TH_NOISE_DH);
	th_table_add(&e->table, &k->slot, th_table_hash(&e->table, key, TH_NOISE_DH));
	th_list_push(ok ? &e->accepted : &e->others, &k->link);
	return ok;
}
