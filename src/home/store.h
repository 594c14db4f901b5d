/* Answers kept for later: found by the key of their request, dropped by what they belong to, the least used first when
 * there is no room. */
#ifndef TH_HOME_STORE_H
#define TH_HOME_STORE_H

#include "base/list.h"
#include "base/table.h"
#include "home/kept.h"
#include "home/key.h"

enum { TH_STORE_WRITES = 512 }; /* remembered, so that an answer asked for before a write is not stored after it */

/* What an answer belongs to, as hashes: the path of its target, its group of the table (0: none), and who asked. */
struct th_store_groups {
	uint64_t path, group, account;
};

struct th_entry {
	struct th_list lru;
	struct th_slot by_key, by_path, by_group;
	struct th_home_key key, account;
	struct th_store_groups groups;
	struct th_kept *kept; /* owned: one user */
	size_t bytes;
	th_time stored;	   /* when it was stored or last validated */
	th_time age;	   /* what it had of Age then */
	th_time fresh_for; /* from its making on: it is fresh while age and time since are below */
};

struct th_store {
	const struct th_mem *mem; /* borrowed */
	size_t max_bytes, max_entries;
	size_t bytes, entries;
	struct th_list lru; /* oldest first */
	struct th_table by_key, by_path, by_group;
	uint64_t seed;
	uint64_t writes[TH_STORE_WRITES]; /* hashes, a ring */
	uint64_t n_writes;
	uint64_t evicted, invalidated;
};

/* Memory for the tables comes with the first entry. */
void th_store_init(struct th_store *s, const struct th_mem *mem, uint64_t seed, size_t max_bytes, size_t max_entries);
void th_store_free(struct th_store *s);
/* Drops what is too much. */
void th_store_set_limits(struct th_store *s, size_t max_bytes, size_t max_entries);

struct th_entry *th_store_find(struct th_store *s, const struct th_home_key *key);
/* Puts a whole answer in, in place of one with the same key; takes a use of `kept`. NULL when it does not fit. The
 * result is valid until the next call. */
struct th_entry *th_store_put(struct th_store *s, const struct th_home_key *key, const struct th_home_key *account,
			      const struct th_store_groups *groups, struct th_kept *kept);
void th_store_drop(struct th_store *s, struct th_entry *e);

struct th_store_groups th_store_groups_of(const struct th_store *s, struct th_str path, struct th_str group,
					  const struct th_home_key *account);

/* A write went to these: drops all entries of the same path or group, and remembers it. */
void th_store_written(struct th_store *s, const struct th_store_groups *groups);
/* Whether one of these was written, or the account forgotten, since the mark that th_store_mark() gave; also true when
 * that is not known any more. */
uint64_t th_store_mark(const struct th_store *s);
bool th_store_written_since(const struct th_store *s, uint64_t mark, const struct th_store_groups *groups);
/* Drops what the account has. */
void th_store_forget_account(struct th_store *s, const struct th_home_key *account);

#endif
