#include "session/session_int.h"

#include <string.h>

void th_sessions_config_default(struct th_sessions_config *c)
{
	*c = (struct th_sessions_config){
		.accept = true,
		.cids = true,
		.tag_len = TH_RECORD_TAG,
		.sessions_max = TH_SESSION_LIMIT,
		.half_open_max = TH_SESSION_LIMIT / 4,
		.kept_max = (size_t)64 << 10,
		.queue_max = 256,
		.first_size = 100,
		.early_max = 1024,
		.guard_max = 2048,
		.early_past = 300,
		.early_future = 30,
		.patience = 100 * TH_MS,
		.rekey_age = 24 * 3600 * TH_SEC,
		.previous_life = 300 * TH_SEC,
		.half_open_life = 120 * TH_SEC,
		.idle = (th_time)7 * 24 * 3600 * TH_SEC,
		.silent_resends = 3,
		.load = 100,
	};
}

/* ---- memory ---- */

void *th_session_alloc(struct th_sessions *s, size_t n)
{
	void *p = th_alloc(s->mem, n);

	if (!p)
		s->stats.no_memory++;
	return p;
}

void th_session_release(struct th_sessions *s, void *p, size_t n)
{
	if (!p)
		return;
	th_wipe(p, n);
	th_free(s->mem, p);
}

/* ---- verbs begin and end ---- */

void th_session_enter(struct th_sessions *s, th_time now)
{
	s->depth++;
	s->now = now > s->now ? now : s->now;
	if (s->born == TH_NEVER)
		s->born = s->now;
}

void th_session_leave(struct th_sessions *s)
{
	if (--s->depth == 0)
		th_session_reap(s);
}

/* ---- all of them ---- */

static bool is_possible(const struct th_sessions_config *c)
{
	return (c->tag_len == TH_RECORD_TAG || c->tag_len == TH_RECORD_TAG_LONG) && c->sessions_max > 0 &&
	       c->sessions_max <= TH_SESSION_LIMIT && c->half_open_max > 0 && c->guard_max > 0 &&
	       c->hello_n <= TH_SESSION_HELLO_MAX && c->silent_resends > 0 && c->early_max <= TH_SESSION_PAYLOAD_MAX &&
	       (!c->accept || (c->own && c->cids));
}

static bool copy_allowed(struct th_sessions *s, const struct th_sessions_config *c)
{
	size_t bytes;

	if (c->allow_n == 0)
		return true;
	s->allow = th_mul(c->allow_n, sizeof(*c->allow), &bytes) ? th_alloc(s->mem, bytes) : NULL;
	if (!s->allow)
		return false;
	memcpy(s->allow, c->allow, bytes);
	return true;
}

static bool make_tables(struct th_sessions *s, const struct th_sessions_config *c)
{
	uint64_t seed = th_rng_u64(s->rng);

	return copy_allowed(s, c) && th_table_init(&s->by_id, s->mem, c->sessions_max, seed) == TH_OK &&
	       th_table_init(&s->names, s->mem, c->sessions_max, seed) == TH_OK &&
	       th_early_init(&s->early, s->mem, c->guard_max, c->early_mark, c->early_past, c->early_future, seed) ==
		       TH_OK;
}

struct th_sessions *th_sessions_new(const struct th_mem *mem, const struct th_rng *rng,
				    const struct th_sessions_config *c, const struct th_session_ops *ops, void *user)
{
	struct th_sessions *s = is_possible(c) ? th_alloc(mem, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	*s = (struct th_sessions){
		.mem = mem, .rng = rng, .ops = ops, .user = user, .config = *c, .wall_at = TH_NEVER, .born = TH_NEVER
	};
	th_list_init(&s->initiated);
	th_list_init(&s->unconfirmed);
	th_list_init(&s->confirmed);
	th_list_init(&s->dead);
	th_list_init(&s->out);
	th_heap_init(&s->heap, mem);
	s->by_id.mem = s->names.mem = s->early.mem = s->early.table.mem =
		mem; /* or th_sessions_del() could not free them */
	s->has_own = c->own != NULL;
	if (c->own)
		s->own = *c->own;
	s->has_psk = c->psk != NULL;
	if (c->psk)
		s->psk = *c->psk;
	s->load.limit = c->load;
	if (c->hello_n)
		memcpy(s->hello, c->hello, c->hello_n);
	s->config.own = &s->own;
	s->config.psk = &s->psk;
	s->config.hello = s->hello;
	s->config.allow = NULL;
	if (make_tables(s, c))
		return s;
	th_sessions_del(s);
	return NULL;
}

static void free_list(struct th_sessions *s, struct th_list *l)
{
	while (!th_list_empty(l))
		th_session_free(s, TH_OWNER(l->next, struct session, link));
}

void th_sessions_del(struct th_sessions *s)
{
	const struct th_mem *mem;
	uint8_t bytes[1];
	struct th_addr to;

	if (!s)
		return;
	mem = s->mem;
	free_list(s, &s->initiated);
	free_list(s, &s->unconfirmed);
	free_list(s, &s->confirmed);
	free_list(s, &s->dead);
	while (!th_list_empty(&s->out))
		th_sessions_tx(s, &to, bytes, 0, 0); /* no room: dropped */
	th_early_free(&s->early);
	th_table_free(&s->names);
	th_table_free(&s->by_id);
	th_heap_free(&s->heap);
	th_free(s->mem, s->allow);
	th_cookies_wipe(&s->cookies);
	th_wipe(s, sizeof(*s));
	th_free(mem, s);
}

void th_sessions_wall(struct th_sessions *s, uint64_t unix_seconds, th_time now)
{
	if (s->born == TH_NEVER)
		s->born = now;
	s->wall = unix_seconds;
	s->wall_at = now;
	th_early_wall(&s->early, unix_seconds, now);
}

th_time th_sessions_deadline(const struct th_sessions *s)
{
	return th_heap_next(&s->heap);
}

void th_sessions_tick(struct th_sessions *s, th_time now)
{
	struct th_timer *t;

	th_session_enter(s, now);
	while ((t = th_heap_pop(&s->heap, now)) != NULL) {
		struct session *ss = TH_OWNER(t, struct session, timer);

		th_heap_set(&s->heap, t, TH_NEVER); /* there was room for it */
		if (!ss->dead)
			th_session_due(s, ss);
	}
	th_session_leave(s);
}

/* ---- one ---- */

th_session_id th_sessions_connect(struct th_sessions *s, const struct th_addr *to, const struct th_session_target *t,
				  th_time now)
{
	struct session *ss = NULL;
	bool known = t->pattern != TH_SESSION_XX;

	th_session_enter(s, now);
	if (known == (t->key != NULL) && (s->has_own || t->pattern == TH_SESSION_NK))
		ss = th_session_make(s, true, to);
	if (ss) {
		ss->pattern = t->pattern;
		ss->has_key = known;
		if (known)
			memcpy(ss->key, t->key, sizeof(ss->key));
		ss->has_psk = t->psk != NULL;
		if (t->psk)
			ss->psk = *t->psk;
	}
	th_session_leave(s);
	return ss ? ss->id : 0;
}

enum th_err th_sessions_set_address(struct th_sessions *s, th_session_id id, const struct th_addr *to)
{
	struct session *ss = th_session_find(s, id);

	if (!ss)
		return TH_ERR_NOT_FOUND;
	ss->home = *to;
	th_path_trust(&ss->path, to);
	th_session_release_back(s, ss);
	return TH_OK;
}

void th_session_close(struct th_sessions *s, th_session_id id)
{
	struct session *ss = th_session_find(s, id);

	th_session_enter(s, s->now);
	if (ss)
		th_session_end(s, ss, TH_SESSION_END_LOCAL);
	th_session_leave(s);
}

void th_session_open(struct th_sessions *s, struct session *ss, bool continued, const uint8_t *hello, size_t hello_n)
{
	const struct th_session_news news = {
		.initiator = ss->initiator,
		.rekeyed = ss->opened,
		.continued = continued,
		.first_contact = ss->first_contact,
		.key = ss->has_key ? ss->key : NULL,
		.address = &ss->path.to,
		.hello = hello,
		.hello_n = hello_n,
	};

	ss->opened = true;
	if (s->ops->opened)
		s->ops->opened(s->user, ss->id, &news);
}

uint64_t th_session_number(struct th_sessions *s, th_session_id id)
{
	struct session *ss = th_session_find(s, id);

	return ss ? ss->next++ : UINT64_MAX;
}

uint64_t th_session_next(const struct th_sessions *s, th_session_id id)
{
	const struct session *ss = th_session_find(s, id);

	return ss ? ss->next : UINT64_MAX;
}

bool th_session_has_room(const struct th_sessions *s, th_session_id id)
{
	const struct session *ss = th_session_find(s, id);

	return ss && (ss->kept_n == 0 || th_kept_fits(s, ss, TH_SESSION_PAYLOAD_MAX));
}

/* ---- looking ---- */

static unsigned most_silent(const struct session *ss)
{
	unsigned most = 0;

	TH_LIST_EACH(i, &ss->kept)
	{
		const struct kept *k = TH_OWNER(i, struct kept, link);

		if (ss->heard < k->touched && k->silent > most)
			most = k->silent;
	}
	return most;
}

bool th_session_look(const struct th_sessions *s, th_session_id id, struct th_session_info *out, th_time now)
{
	const struct session *ss = th_session_find(s, id);

	if (!ss)
		return false;
	*out = (struct th_session_info){
		.address = ss->path.to,
		.shown = !ss->path.open,
		.initiator = ss->initiator,
		.established = ss->current != NULL,
		.handshaking = ss->flight || ss->reply,
		.has_key = ss->has_key,
		.kept = ss->kept_n,
		.kept_bytes = ss->kept_bytes,
		.silent = most_silent(ss),
		.heard = ss->heard,
		.epoch_age = ss->current ? th_time_until(now, ss->current->born) : 0,
		.handshake_in = ss->handshake_in,
		.handshake_out = ss->handshake_out,
		.overhead_in = ss->overhead_in,
		.overhead_out = ss->overhead_out,
	};
	if (ss->has_key)
		memcpy(out->key, ss->key, sizeof(out->key));
	return true;
}

const struct th_session_stats *th_sessions_stats(const struct th_sessions *s)
{
	struct th_session_stats *st = &((struct th_sessions *)s)->stats;

	st->sessions = s->initiated_n + s->unconfirmed_n + s->confirmed_n;
	st->half_open = s->unconfirmed_n;
	st->queued = s->out_n;
	return st;
}

/* Numbers, time, connection ID in a handshake's payload, as a rule. */
enum { HEAD_USUAL = 12 };

size_t th_session_overhead(const struct th_sessions *s, th_session_id id)
{
	const struct session *ss = th_session_find(s, id);

	if (!ss)
		return 0;
	if (ss->current)
		return th_record_overhead(&ss->current->tx, ss->current->tx_cid.n);
	return s->config.hello_n + 1 + TH_NOISE_DH +
	       (ss->pattern == TH_SESSION_IK ? TH_NOISE_DH + TH_NOISE_TAG : 0) + TH_NOISE_TAG + HEAD_USUAL;
}
