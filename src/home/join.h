/* Nothing is asked twice: a client that repeats a request joins the exchange under way, and one that left finds the
 * answer kept.
 *
 * A repeat is the same request byte for byte as the link would carry it (key.h): method, target, Authorization, every
 * other field that crosses, body. It joins
 *   - always, when asking twice is asking once: GET, HEAD, OPTIONS, and a PUT with a Matrix transaction ID;
 *   - else (POST, other PUT, DELETE) only when the client that asked first has left, and nobody has asked for something
 * else of that account with that target since: then it is a retry. A GET under way is not joined any more once the same
 * account has written something, unless its answer does not depend on that (sync, media): who writes and then reads
 * must read what was written.
 *
 * An exchange whose clients have all left goes on for `grace` if the request has left for the link, else it is
 * cancelled at once. Its answer, when it comes, is kept for `grace` for a client that comes back, and given once.
 * Failures, 429 and 5xx are not kept.
 *
 * Requests with a body of unknown length or above TH_JOIN_BODY_MAX step aside: they stream. */
#ifndef TH_HOME_JOIN_H
#define TH_HOME_JOIN_H

#include "base/heap.h"
#include "base/list.h"
#include "base/table.h"
#include "exchange/flow.h"
#include "home/env.h"
#include "home/kept.h"
#include "home/key.h"

enum {
	TH_JOIN_BODY_MAX = 64 * 1024, /* of a request */
	TH_JOIN_WINDOW =
		64 * 1024, /* of an answer that is too long to be kept: what its slowest reader may lag behind */
};

struct th_join_config {
	th_time grace;	      /* 0: clients that leave cancel at once, nothing is kept */
	size_t max_exchanges; /* under way and kept together; more step aside. 0: the stage is off */
	size_t max_answer;    /* bytes of one answer that may be kept */
	size_t max_kept;      /* bytes of all answers kept for clients that left */
};

struct th_join_stats {
	uint64_t joined;    /* requests that joined one under way */
	uint64_t returned;  /* requests answered with what was kept */
	uint64_t orphaned;  /* exchanges that went on without a client */
	uint64_t expired;   /* of these: nobody came back in time */
	uint64_t cancelled; /* cancelled because all clients left */
	size_t open, kept, kept_bytes;
};

struct th_join {
	struct th_flow_server server;
	struct th_home_env *env;      /* borrowed */
	struct th_flow_server *below; /* borrowed */
	struct th_join_config config;
	/* Whether anything of the request that this client end sent has left for the link; NULL: it has when its end
	 * was taken. */
	bool (*has_left)(const struct th_flow *client);
	struct th_list calls;	/* exchanges: under way, or kept */
	struct th_list waiters; /* requests whose body is still coming */
	struct th_list dead_calls, dead_waiters;
	struct th_table by_key;
	struct th_heap timers;
	struct th_join_stats stats;
};

/* TH_ERR_NO_MEMORY. */
enum th_err th_join_init(struct th_join *j, struct th_home_env *env, struct th_flow_server *below,
			 const struct th_join_config *config);
void th_join_free(struct th_join *j);
void th_join_set_config(struct th_join *j, const struct th_join_config *config);

/* Cancels what no client waits for, and stops keeping: the daemon is about to end. */
void th_join_drain(struct th_join *j);

th_time th_join_deadline(const struct th_join *j);
/* Ends what is over, frees what is dead; call between callbacks, at the deadline at the latest. */
void th_join_turn(struct th_join *j);

static inline struct th_flow_server *th_join_server(struct th_join *j)
{
	return &j->server;
}

#endif
