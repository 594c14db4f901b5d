/* Requests that join, clients that leave and come back, and what must not be shared. */
#include "home/join.h"

#include "failmem.h"
#include "rig.h"

#define SYNC "/_matrix/client/v3/sync?since=s1&timeout=30000"
#define SEND "/_matrix/client/v3/rooms/!r:x/send/m.room.message/m1"
#define STATE "/_matrix/client/v3/rooms/!r:x/state/m.room.name"
#define MILO "Authorization: Bearer milo\n"
#define YUSUF "Authorization: Bearer yusuf\n"

enum { GRACE_S = 120 };

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_join join;
	struct rig_client a, b, c;
};

static const struct th_join_config config = {
	.grace = GRACE_S * TH_SEC, .max_exchanges = 50, .max_answer = 100000, .max_kept = 300000
};
static bool left_for_link;

static bool has_left(const struct th_flow *client)
{
	assert_non_null(client->peer);
	return left_for_link;
}

static bool begin_with(struct world *w, const struct th_mem *mem, const struct th_join_config *jc)
{
	rig_env_init(&w->e, mem);
	rig_server_init(&w->hs);
	left_for_link = true;
	if (th_join_init(&w->join, &w->e.env, &w->hs.server, jc) != TH_OK)
		return false;
	w->join.has_left = has_left;
	return true;
}

static struct world *begin(void)
{
	static struct world w;

	assert_true(begin_with(&w, &th_mem_libc, &config));
	return &w;
}

static void end(struct world *w)
{
	th_join_free(&w->join);
	rig_server_free(&w->hs);
}

static void request(struct world *w, struct rig_client *c, const char *method, const char *target, const char *fields,
		    const char *body)
{
	rig_send(c, th_join_server(&w->join), method, target, fields, body);
}

static void done(struct world *w, struct rig_client *c, unsigned status, const char *body)
{
	rig_got(c, status, body);
	rig_client_free(c);
	th_join_turn(&w->join);
}

static void gone(struct world *w, struct rig_client *c)
{
	rig_leave(c);
	rig_client_free(c);
	th_join_turn(&w->join);
}

static void idle(struct world *w)
{
	th_join_turn(&w->join);
	assert_int_equal(w->join.stats.open, 0);
	assert_int_equal(w->join.stats.kept, 0);
	assert_int_equal(w->join.stats.kept_bytes, 0);
	assert_int_equal(w->hs.open, 0);
	assert_int_equal(w->join.by_key.n, 0);
	assert_true(th_join_deadline(&w->join) == TH_NEVER);
}

static void test_alone(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "PUT", SEND, MILO, "{\"body\":\"hi\"}");
	assert_string_equal(rig_last(&w->hs)->method, "PUT");
	assert_string_equal(rig_last(&w->hs)->target, SEND);
	assert_string_equal(rig_last(&w->hs)->fields, MILO);
	assert_memory_equal(th_buf_data(&rig_last(&w->hs)->body), "{\"body\":\"hi\"}", 13);
	rig_answer(rig_last(&w->hs), 200, "X-A: b\n", "{}");
	assert_string_equal(w->a.fields, "X-A: b\n");
	done(w, &w->a, 200, "{}");
	/* answered is over: the same again is asked again */
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	rig_answer(rig_last(&w->hs), 200, "", "1");
	done(w, &w->a, 200, "1");
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	rig_answer(rig_last(&w->hs), 200, "", "2");
	done(w, &w->a, 200, "2");
	assert_int_equal(w->hs.n, 3);
	idle(w);
	end(w);
}

static void test_two_get_one(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	request(w, &w->b, "GET", SYNC, MILO "User-Agent: other\n", NULL);
	assert_int_equal(w->hs.n, 1);
	assert_int_equal(w->join.stats.joined, 1);
	rig_answer_head(rig_last(&w->hs), 200, "X: y\n", 6);
	rig_answer_data(rig_last(&w->hs), "abc", 3);
	/* one that comes when half of it is there */
	request(w, &w->c, "GET", SYNC, MILO, NULL);
	assert_true(w->c.head);
	rig_answer_data(rig_last(&w->hs), "def", 3);
	rig_answer_end(rig_last(&w->hs));
	assert_string_equal(w->c.fields, "X: y\n");
	done(w, &w->a, 200, "abcdef");
	done(w, &w->b, 200, "abcdef");
	done(w, &w->c, 200, "abcdef");
	assert_int_equal(w->hs.n, 1);
	idle(w);
	end(w);
}

static void test_what_differs_is_asked(void **state)
{
	static const struct {
		const char *method, *target, *fields, *body;
	} others[] = {
		{ "GET", SYNC, YUSUF, NULL },
		{ "GET", SYNC, "", NULL },
		{ "HEAD", SYNC, MILO, NULL },
		{ "GET", SYNC "&x", MILO, NULL },
		{ "GET", SYNC, MILO "Range: bytes=0-\n", NULL },
		{ "GET", SYNC, MILO "Accept-Language: de\n", NULL },
		{ "GET", SYNC, MILO, "x" },
	};
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	for (size_t i = 0; i < UNIT_COUNT(others); i++) {
		request(w, &w->b, others[i].method, others[i].target, others[i].fields, others[i].body);
		assert_int_equal(w->hs.n, i + 2);
		rig_answer(rig_last(&w->hs), 404, "", "");
		done(w, &w->b, 404, "");
	}
	rig_answer(w->hs.calls[0], 200, "", "");
	done(w, &w->a, 200, "");
	idle(w);
	end(w);
}

/* The client timed out and asks again: it joins. */
static void test_retry_joins(void **state)
{
	static const char *const methods[] = { "GET", "PUT", "PUT", "POST", "DELETE" };
	static const char *const targets[] = { SYNC, SEND, STATE, "/_matrix/client/v3/createRoom", STATE };
	struct world *w = begin();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(methods); i++) {
		const char *body = i == 0 ? NULL : "{}";
		struct rig_call *x;

		request(w, &w->a, methods[i], targets[i], MILO, body);
		x = rig_last(&w->hs);
		gone(w, &w->a);
		assert_false(x->closed);
		w->e.now += 60 * TH_SEC;
		th_join_turn(&w->join);
		request(w, &w->a, methods[i], targets[i], MILO, body);
		assert_int_equal(w->hs.n, i + 1);
		/* with a client there is no hurry any more */
		w->e.now += 600 * TH_SEC;
		th_join_turn(&w->join);
		rig_answer(x, 200, "", "answer");
		done(w, &w->a, 200, "answer");
		idle(w);
	}
	assert_int_equal(w->join.stats.joined, 5);
	end(w);
}

/* The answer came while nobody was there: it is kept, and given once. */
static void test_kept(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "POST", "/_matrix/client/v3/createRoom", MILO, "{}");
	gone(w, &w->a);
	rig_answer(rig_last(&w->hs), 200, "X: y\n", "{\"room_id\":1}");
	assert_int_equal(w->join.stats.kept, 1);
	assert_int_equal(w->hs.open, 0);
	request(w, &w->a, "POST", "/_matrix/client/v3/createRoom", MILO, "{}");
	assert_string_equal(w->a.fields, "X: y\n");
	done(w, &w->a, 200, "{\"room_id\":1}");
	assert_int_equal(w->hs.n, 1);
	assert_int_equal(w->join.stats.returned, 1);
	idle(w);
	request(w, &w->a, "POST", "/_matrix/client/v3/createRoom", MILO, "{}");
	assert_int_equal(w->hs.n, 2);
	/* the client leaves in the middle of its answer: it was not given */
	w->a.take = 3;
	rig_answer(rig_last(&w->hs), 200, "", "abcdef");
	assert_int_equal(w->a.body.n, 3);
	gone(w, &w->a);
	request(w, &w->a, "POST", "/_matrix/client/v3/createRoom", MILO, "{}");
	done(w, &w->a, 200, "abcdef");
	idle(w);
	/* too late */
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	rig_answer(rig_last(&w->hs), 200, "", "abcdef");
	w->e.now += GRACE_S * TH_SEC;
	th_join_turn(&w->join);
	idle(w);
	assert_int_equal(w->join.stats.expired, 1);
	end(w);
}

/* 429, 5xx and failures are for who waited, not for who comes later. */
static void test_not_kept(void **state)
{
	static const unsigned statuses[] = { 429, 500, 503 };
	struct world *w = begin();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(statuses); i++) {
		request(w, &w->a, "GET", SYNC, MILO, NULL);
		gone(w, &w->a);
		rig_answer(rig_last(&w->hs), statuses[i], "", "");
		idle(w);
	}
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	request(w, &w->b, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	rig_fail(rig_last(&w->hs), TH_ERR_TIMEOUT, 504);
	assert_int_equal(w->b.why.status, 504);
	rig_client_free(&w->b);
	idle(w);
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	rig_fail(rig_last(&w->hs), TH_ERR_TIMEOUT, 504);
	idle(w);
	w->hs.refuse = (struct th_failure){ .err = TH_ERR_FULL, .status = 503, .reason = "full", .retry_after = 5 };
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	assert_int_equal(w->a.why.retry_after, 5);
	rig_client_free(&w->a);
	idle(w);
	end(w);
}

/* What has not left for the link is cancelled at once, and so is everything when nothing is kept. */
static void test_cancelled_at_once(void **state)
{
	struct world *w = begin();

	(void)state;
	left_for_link = false;
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	assert_true(rig_last(&w->hs)->closed);
	idle(w);
	/* half a request */
	left_for_link = true;
	w->hs.take = 1;
	request(w, &w->a, "PUT", SEND, MILO, "{}");
	assert_false(rig_last(&w->hs)->ended);
	gone(w, &w->a);
	assert_true(rig_last(&w->hs)->closed);
	idle(w);
	w->hs.take = 0;
	rig_open(&w->a, th_join_server(&w->join));
	rig_head(&w->a, "PUT", SEND, MILO, 10);
	th_flow_data(&w->a.flow, (const uint8_t *)"abc", 3);
	gone(w, &w->a);
	assert_int_equal(w->hs.n, 2);
	/* no grace */
	th_join_set_config(&w->join,
			   &(struct th_join_config){ .max_exchanges = 5, .max_answer = 1000, .max_kept = 1000 });
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	assert_true(rig_last(&w->hs)->closed);
	idle(w);
	end(w);
}

static void test_grace_ends(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	assert_true(th_join_deadline(&w->join) == w->e.now + GRACE_S * TH_SEC);
	w->e.now += GRACE_S * TH_SEC - 1;
	th_join_turn(&w->join);
	assert_false(rig_last(&w->hs)->closed);
	w->e.now += 1;
	th_join_turn(&w->join);
	assert_true(rig_last(&w->hs)->closed);
	idle(w);
	/* draining does not wait for it */
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	request(w, &w->b, "GET", SEND, MILO, NULL);
	gone(w, &w->a);
	th_join_drain(&w->join);
	assert_true(w->hs.calls[1]->closed);
	rig_answer(rig_last(&w->hs), 200, "", "");
	done(w, &w->b, 200, "");
	idle(w);
	end(w);
}

/* POST and PUT without transaction ID are two when both clients are there. */
static void test_not_shared(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "POST", "/_matrix/client/v3/createRoom", MILO, "{}");
	request(w, &w->b, "POST", "/_matrix/client/v3/createRoom", MILO, "{}");
	assert_int_equal(w->hs.n, 2);
	rig_answer(w->hs.calls[0], 200, "", "1");
	rig_answer(w->hs.calls[1], 200, "", "2");
	done(w, &w->a, 200, "1");
	done(w, &w->b, 200, "2");
	/* with one they are one: the homeserver would say so, too */
	request(w, &w->a, "PUT", SEND, MILO, "{}");
	request(w, &w->b, "PUT", SEND, MILO, "{}");
	assert_int_equal(w->hs.n, 3);
	rig_answer(rig_last(&w->hs), 200, "", "3");
	done(w, &w->a, 200, "3");
	done(w, &w->b, 200, "3");
	idle(w);
	end(w);
}

/* A, then B, then A again: the last one is no retry of the first. */
static void test_order_of_writes(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "PUT", STATE, MILO, "{\"name\":\"A\"}");
	gone(w, &w->a);
	request(w, &w->a, "PUT", STATE, MILO, "{\"name\":\"B\"}");
	request(w, &w->b, "PUT", STATE, MILO, "{\"name\":\"A\"}");
	assert_int_equal(w->hs.n, 3);
	for (size_t i = 0; i < 3; i++)
		rig_answer(w->hs.calls[i], 200, "", "{}");
	done(w, &w->a, 200, "{}");
	done(w, &w->b, 200, "{}");
	idle(w);
	/* another account's write does not matter */
	request(w, &w->a, "PUT", STATE, MILO, "{\"name\":\"A\"}");
	gone(w, &w->a);
	request(w, &w->b, "PUT", STATE, YUSUF, "{\"name\":\"B\"}");
	request(w, &w->a, "PUT", STATE, MILO, "{\"name\":\"A\"}");
	assert_int_equal(w->hs.n, 5);
	rig_answer(w->hs.calls[3], 200, "", "{}");
	rig_answer(w->hs.calls[4], 200, "", "{}");
	done(w, &w->a, 200, "{}");
	done(w, &w->b, 200, "{}");
	idle(w);
	end(w);
}

/* Who writes and then reads gets what was written: an older read is not joined. */
static void test_read_after_write(void **state)
{
	struct world *w = begin();

	(void)state;
	request(w, &w->a, "GET", STATE, MILO, NULL);
	request(w, &w->b, "PUT", SEND, MILO, "{}");
	rig_answer(rig_last(&w->hs), 200, "", "{}");
	done(w, &w->b, 200, "{}");
	request(w, &w->b, "GET", STATE, MILO, NULL);
	assert_int_equal(w->hs.n, 3);
	rig_answer(w->hs.calls[0], 200, "", "old");
	rig_answer(w->hs.calls[2], 200, "", "new");
	done(w, &w->a, 200, "old");
	done(w, &w->b, 200, "new");
	/* but a long poll is: its answer depends on its token */
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	gone(w, &w->a);
	request(w, &w->b, "PUT", SEND, MILO, "{}");
	rig_answer(rig_last(&w->hs), 200, "", "{}");
	done(w, &w->b, 200, "{}");
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	assert_int_equal(w->hs.n, 5);
	rig_answer(w->hs.calls[3], 200, "", "batch");
	done(w, &w->a, 200, "batch");
	idle(w);
	end(w);
}

/* Large answers stream, at the pace of the slowest reader, and are not kept. */
static void test_streams(void **state)
{
	struct world *w = begin();
	size_t n = 500000;
	char *body = malloc(n + 1);

	(void)state;
	for (size_t i = 0; i < n; i++)
		body[i] = (char)('a' + i % 23);
	body[n] = '\0';
	for (int tell = 0; tell < 2; tell++) {
		struct rig_call *x;

		request(w, &w->a, "GET", "/big", MILO, NULL);
		request(w, &w->b, "GET", "/big", MILO, NULL);
		x = rig_last(&w->hs);
		w->a.take = 1000;
		w->b.take = 200000;
		rig_answer_bytes(x, 200, "", body, n, tell);
		assert_true(x->out.n > 0); /* held back */
		for (unsigned i = 0; !w->a.ended && i < 1000; i++) {
			rig_read(&w->a, 7777);
			rig_read(&w->b, 50000);
		}
		done(w, &w->a, 200, body);
		if (!w->b.ended)
			rig_read(&w->b, n);
		done(w, &w->b, 200, body);
		idle(w);
		/* nobody is there to read it */
		request(w, &w->a, "GET", "/big", MILO, NULL);
		x = rig_last(&w->hs);
		gone(w, &w->a);
		assert_false(x->closed);
		rig_answer_head(x, 200, "", tell ? (int64_t)n : TH_BODY_UNKNOWN);
		if (!tell) {
			rig_answer_data(x, body, 90000);
			assert_false(x->closed);
			rig_answer_data(x, body, 90000);
		}
		assert_true(x->closed);
		idle(w);
	}
	free(body);
	end(w);
}

static void test_bounds(void **state)
{
	struct world *w = begin();
	static struct rig_client many[60];
	char target[32];
	static char body[90000];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	/* kept answers stay below their bound: the oldest go */
	for (unsigned i = 0; i < 10; i++) {
		snprintf(target, sizeof(target), "/%u", i);
		request(w, &w->a, "GET", target, MILO, NULL);
		gone(w, &w->a);
		rig_answer(rig_last(&w->hs), 200, "", body);
		assert_true(w->join.stats.kept_bytes <= config.max_kept);
		th_join_turn(&w->join);
	}
	assert_true(w->join.stats.kept >= 2);
	request(w, &w->a, "GET", "/9", MILO, NULL);
	done(w, &w->a, 200, body);
	assert_int_equal(w->hs.n, 10);
	/* more exchanges than there is room for step aside */
	for (unsigned i = 0; i < 60; i++) {
		snprintf(target, sizeof(target), "/m%u", i);
		request(w, &many[i], "GET", target, MILO, NULL);
	}
	assert_int_equal(w->join.stats.open, config.max_exchanges);
	assert_int_equal(w->hs.open, 60);
	for (unsigned i = 0; i < 60; i++) {
		rig_answer(w->hs.calls[10 + i], 200, "", "{}");
		done(w, &many[i], 200, "{}");
	}
	/* bodies that are long, or do not tell */
	rig_open(&w->a, th_join_server(&w->join));
	rig_head(&w->a, "PUT", SEND, MILO, TH_BODY_UNKNOWN);
	assert_int_equal(w->join.stats.open, 0);
	th_flow_data(&w->a.flow, (const uint8_t *)"abc", 3);
	rig_end(&w->a);
	rig_answer(rig_last(&w->hs), 200, "", "{}");
	done(w, &w->a, 200, "{}");
	rig_open(&w->a, th_join_server(&w->join));
	rig_head(&w->a, "PUT", SEND, MILO, TH_JOIN_BODY_MAX + 1);
	assert_int_equal(w->join.stats.open, 0);
	rig_leave(&w->a);
	rig_client_free(&w->a);
	idle(w);
	end(w);
}

/* The answer comes before the request's body has been taken. */
static void test_early_answer(void **state)
{
	struct world *w = begin();

	(void)state;
	w->hs.take = 1;
	request(w, &w->a, "PUT", SEND, MILO, "{\"x\":1}");
	rig_answer(rig_last(&w->hs), 413, "", "no");
	done(w, &w->a, 413, "no");
	idle(w);
	end(w);
}

static void answer_at_once(struct rig_call *x, void *user)
{
	(void)user;
	rig_answer(x, 200, "", "now");
}

static void test_synchronous(void **state)
{
	struct world *w = begin();

	(void)state;
	w->hs.at_end = answer_at_once;
	request(w, &w->a, "GET", SYNC, MILO, NULL);
	done(w, &w->a, 200, "now");
	request(w, &w->a, "PUT", SEND, MILO, "{}");
	done(w, &w->a, 200, "now");
	idle(w);
	end(w);
}

/* Random clients against a model: each gets the whole answer of its own request, and no request that was answered or is
 * under way is asked twice. */
static void test_random(void **state)
{
	uint64_t seed = unit_seed("join", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	static const char *const targets[] = { SYNC, SEND, STATE, "/xyz" };
	static struct rig_client cl[8];
	bool used[8] = { false };
	struct world *w = begin();
	char want[128];

	(void)state;
	for (unsigned step = 0; step < 900; step++) {
		size_t i = th_rng_below(&rng, UNIT_COUNT(cl));

		switch (th_rng_below(&rng, 5)) {
		case 0:
		case 1:
			if (used[i] || w->hs.n > RIG_CALLS - 20)
				break;
			used[i] = true;
			request(w, &cl[i], i % 2 ? "GET" : "PUT", targets[i / 2], i % 3 ? MILO : YUSUF,
				i % 2 ? NULL : "{}");
			break;
		case 2:
			if (used[i] && !cl[i].closed)
				rig_leave(&cl[i]);
			break;
		case 3:
			for (size_t k = 0; k < w->hs.n; k++) {
				struct rig_call *x = w->hs.calls[k];

				if (x->closed || x->answered || th_rng_below(&rng, 2))
					continue;
				snprintf(want, sizeof(want), "%s %.50s", x->method, x->target + strlen(x->target) - 3);
				rig_answer(x, 200, x->fields, want);
			}
			break;
		default:
			w->e.now += th_rng_below(&rng, 100) * TH_SEC;
			th_join_turn(&w->join);
		}
		for (size_t k = 0; k < UNIT_COUNT(cl); k++) {
			if (!used[k] || !cl[k].closed)
				continue;
			if (cl[k].ended) {
				const char *t = targets[k / 2];

				snprintf(want, sizeof(want), "%s %.50s", k % 2 ? "GET" : "PUT", t + strlen(t) - 3);
				rig_got(&cl[k], 200, want);
				assert_string_equal(cl[k].fields, k % 3 ? MILO : YUSUF);
			}
			rig_client_free(&cl[k]);
			used[k] = false;
		}
	}
	for (size_t k = 0; k < UNIT_COUNT(cl); k++) {
		if (!used[k])
			continue;
		rig_leave(&cl[k]);
		rig_client_free(&cl[k]);
	}
	assert_true(w->join.stats.joined > 3 && w->join.stats.returned > 3);
	w->e.now += 1000 * TH_SEC;
	idle(w);
	end(w);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		static struct world w;

		failmem_init(&f, k);
		if (begin_with(&w, &f.mem, &config)) {
			request(&w, &w.a, "PUT", SEND, MILO, "{}");
			if (!w.a.closed)
				rig_leave(&w.a);
			request(&w, &w.b, "PUT", SEND, MILO, "{}");
			for (size_t i = 0; i < w.hs.n; i++)
				if (!w.hs.calls[i]->closed)
					rig_answer(w.hs.calls[i], 200, "", "0123456789");
			if (!w.b.closed)
				rig_leave(&w.b);
			if (w.b.ended)
				rig_got(&w.b, 200, "0123456789");
			rig_client_free(&w.a);
			rig_client_free(&w.b);
			th_join_turn(&w.join);
			th_join_free(&w.join);
		}
		rig_server_free(&w.hs);
		assert_int_equal(f.live, 0);
		if (!f.hit)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_two_get_one),
		cmocka_unit_test(test_what_differs_is_asked),
		cmocka_unit_test(test_retry_joins),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_cancelled_at_once),
		cmocka_unit_test(test_grace_ends),
		cmocka_unit_test(test_not_shared),
		cmocka_unit_test(test_order_of_writes),
		cmocka_unit_test(test_read_after_write),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_early_answer),
		cmocka_unit_test(test_synchronous),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
