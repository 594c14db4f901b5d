/* One upstream client against one fake server, driven step by step. */
#ifndef TH_TESTS_UPSTREAM_RIG_H
#define TH_TESTS_UPSTREAM_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client_end.h"
#include "fake_upstream.h"
#include "http/upstream.h"

struct rig {
	struct th_loop *loop;
	struct th_upstream *u;
	struct fake f;
	struct th_upstream_limits limits;
};

extern struct rig rig;
extern char rig_seen[256 * 1024]; /* the last request that rig_record() answered */

void rig_step(void);
void rig_settle(void);

/* Steps until `cond`, two seconds at most. */
#define UNTIL(cond)                                                                                                    \
	do {                                                                                                           \
		for (int until_i = 0; until_i < 400 && !(cond); until_i++)                                             \
			rig_step();                                                                                    \
		assert_true(cond);                                                                                     \
	} while (0)

/* The server alone, so that a test can set limits; then the client of it. */
void rig_up_server(void (*on_data)(struct fake *, struct fake_conn *));
void rig_make_upstream(const char *scheme, const char *host, const char *base, const char *ca);
void rig_up(void (*on_data)(struct fake *, struct fake_conn *)); /* both, http */
void rig_down(void);

struct th_upstream_stats rig_stats(void);
void rig_open(struct client_end *c);
void rig_exchange(struct client_end *c, const char *method, const char *target, const char *body);
void rig_assert_body(const struct client_end *c, const char *want);
void rig_record(struct fake *f, struct fake_conn *c);

#endif
