#include "home/store.h"

enum { BUCKETS = 1024 };

void th_store_init(struct th_store *s, const struct th_mem *mem, uint64_t seed, size_t max_bytes, size_t max_entries)
{
	*s = (struct th_store){ .mem = mem, .seed = seed, .max_bytes = max_bytes, .max_entries = max_entries };
	s->by_key.seed = seed; /* hashes are wanted before there are buckets */
	th_list_init(&s->lru);
}

static enum th_err make_tables(struct th_store *s)
{
	if (s->by_key.buckets)
		return TH_OK;
	if (th_table_init(&s->by_key, s->mem, BUCKETS, s->seed) == TH_OK &&
	    th_table_init(&s->by_path, s->mem, BUCKETS, s->seed) == TH_OK &&
	    th_table_init(&s->by_group, s->mem, BUCKETS, s->seed) == TH_OK)
		return TH_OK;
	if (s->by_key.buckets)
		th_table_free(&s->by_key);
	if (s->by_path.buckets)
		th_table_free(&s->by_path);
	s->by_key = (struct th_table){ .seed = s->seed };
	s->by_path = (struct th_table){ .seed = s->seed };
	return TH_ERR_NO_MEMORY;
}

void th_store_drop(struct th_store *s, struct th_entry *e)
{
	th_list_remove(&e->lru);
	th_table_remove(&s->by_key, &e->by_key);
	th_table_remove(&s->by_path, &e->by_path);
	if (e->groups.group)
		th_table_remove(&s->by_group, &e->by_group);
	s->bytes -= e->bytes;
	s->entries--;
	th_kept_drop(e->kept);
	th_free(s->mem, e);
}

static void make_room(struct th_store *s, size_t bytes, size_t entries)
{
	while (s->entries > 0 && (bytes > s->max_bytes || s->bytes > s->max_bytes - bytes || entries > s->max_entries ||
				  s->entries > s->max_entries - entries)) {
		th_store_drop(s, TH_OWNER(s->lru.next, struct th_entry, lru));
		s->evicted++;
	}
}

void th_store_free(struct th_store *s)
{
	while (s->entries > 0)
		th_store_drop(s, TH_OWNER(s->lru.next, struct th_entry, lru));
	if (!s->by_key.buckets)
		return;
	th_table_free(&s->by_key);
	th_table_free(&s->by_path);
	th_table_free(&s->by_group);
}

void th_store_set_limits(struct th_store *s, size_t max_bytes, size_t max_entries)
{
	s->max_bytes = max_bytes;
	s->max_entries = max_entries;
	make_room(s, 0, 0);
}

struct th_entry *th_store_find(struct th_store *s, const struct th_home_key *key)
{
	uint64_t hash = th_key_number(key);

	if (!s->by_key.buckets)
		return NULL;
	for (struct th_slot *i = th_table_next(&s->by_key, hash, NULL); i; i = th_table_next(&s->by_key, hash, i)) {
		struct th_entry *e = TH_OWNER(i, struct th_entry, by_key);

		if (!th_key_eq(&e->key, key))
			continue;
		th_list_remove(&e->lru);
		th_list_push(&s->lru, &e->lru);
		return e;
	}
	return NULL;
}

struct th_entry *th_store_put(struct th_store *s, const struct th_home_key *key, const struct th_home_key *account,
			      const struct th_store_groups *groups, struct th_kept *kept)
{
	struct th_entry *old = th_store_find(s, key);
	size_t bytes = sizeof(*old) + th_kept_bytes(kept);
	struct th_entry *e;

	if (old)
		th_store_drop(s, old);
	if (bytes > s->max_bytes || s->max_entries == 0 || make_tables(s) != TH_OK)
		return NULL;
	make_room(s, bytes, 1);
	e = th_alloc(s->mem, sizeof(*e));
	if (!e)
		return NULL;
	e->key = *key;
	e->account = *account;
	e->groups = *groups;
	e->kept = kept;
	th_kept_use(kept);
	e->bytes = bytes;
	s->bytes += bytes;
	s->entries++;
	th_list_push(&s->lru, &e->lru);
	th_table_add(&s->by_key, &e->by_key, th_key_number(key));
	th_table_add(&s->by_path, &e->by_path, groups->path);
	if (groups->group)
		th_table_add(&s->by_group, &e->by_group, groups->group);
	return e;
}

struct th_store_groups th_store_groups_of(const struct th_store *s, struct th_str path, struct th_str group,
					  const struct th_home_key *account)
{
	struct th_store_groups g = { .path = th_table_hash(&s->by_key, path.p, path.n),
				     .account = th_key_number(account) };

	if (group.n > 0)
		g.group = th_table_hash(&s->by_key, group.p, group.n) | 1;
	return g;
}

static void drop_path(struct th_store *s, uint64_t path)
{
	struct th_slot *i;

	while ((i = th_table_next(&s->by_path, path, NULL)) != NULL) {
		th_store_drop(s, TH_OWNER(i, struct th_entry, by_path));
		s->invalidated++;
	}
}

static void drop_group(struct th_store *s, uint64_t group)
{
	struct th_slot *i;

	while ((i = th_table_next(&s->by_group, group, NULL)) != NULL) {
		th_store_drop(s, TH_OWNER(i, struct th_entry, by_group));
		s->invalidated++;
	}
}

static void remember(struct th_store *s, uint64_t hash)
{
	s->writes[s->n_writes++ % TH_STORE_WRITES] = hash;
}

void th_store_written(struct th_store *s, const struct th_store_groups *groups)
{
	remember(s, groups->path);
	if (groups->group)
		remember(s, groups->group);
	if (!s->by_key.buckets)
		return;
	drop_path(s, groups->path);
	if (groups->group)
		drop_group(s, groups->group);
}

uint64_t th_store_mark(const struct th_store *s)
{
	return s->n_writes;
}

bool th_store_written_since(const struct th_store *s, uint64_t mark, const struct th_store_groups *groups)
{
	if (s->n_writes - mark > TH_STORE_WRITES)
		return true;
	for (uint64_t i = mark; i < s->n_writes; i++) {
		uint64_t hash = s->writes[i % TH_STORE_WRITES];

		if (hash == groups->path || (groups->group && hash == groups->group) ||
		    (groups->account && hash == groups->account))
			return true;
	}
	return false;
}

void th_store_forget_account(struct th_store *s, const struct th_home_key *account)
{
	if (th_key_is_zero(account))
		return;
	remember(s, th_key_number(account));
	TH_LIST_EACH(it, &s->lru)
	{
		struct th_entry *e = TH_OWNER(it, struct th_entry, lru);

		if (!th_key_eq(&e->account, account))
			continue;
		th_store_drop(s, e);
		s->invalidated++;
	}
}
