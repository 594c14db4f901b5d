#include "sim/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/access_token.h"

#define FIELD(name, value)                                                                                             \
	{                                                                                                              \
		TH_STR_INIT(name), TH_STR_INIT(value)                                                                  \
	}

#define EPOCH_MS 1795426288895ull

static const th_time thinking = 30 * TH_MS, poll_time = 30 * TH_SEC;
static const char *const names[SIM_MATRIX_USERS] = { "alice", "bob" };

/* As Synapse counts them; only the first number moves. */
static const char stream[] = "s%zu_5_2_2_1_1_1_9_0_1_1_1_1_1";

static const char uploaded[] = "{\"content_uri\":\"mxc://maple.example/hzWkFQpNkRuuDBTiSkiVbaQe\"}";

static const struct sim_rule all = {
	.kind = SIM_ASK,
	.status = 200,
	.times = -1,
	.delay = 0,
	.fields = { FIELD("Server", "Synapse/1.163.2"), FIELD("Content-Type", "application/json"),
		    FIELD("Cache-Control", "no-cache, no-store, must-revalidate"),
		    FIELD("Access-Control-Allow-Origin", "*"),
		    FIELD("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
		    FIELD("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization, Date"),
		    FIELD("Access-Control-Expose-Headers", "Synapse-Trace-Id, Server") },
	.n_fields = 7,
};

static void draw(struct sim_matrix *m, unsigned of, char *out, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[th_rng_below(&m->rng, of)];
	out[n] = '\0';
}

void sim_matrix_draw(struct sim_matrix *m, char *out, size_t n)
{
	draw(m, 64, out, n);
}

/* ---- the homeserver ---- */

static size_t add(struct sim_matrix *m, size_t n, const char *text)
{
	size_t len = strlen(text);

	if (n + len >= sizeof(m->answer))
		abort();
	memcpy(m->answer + n, text, len + 1);
	return n + len;
}

static size_t add_event(struct sim_matrix *m, size_t n, const struct sim_matrix_event *e)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"content\":%s,\"event_id\":\"%s\",\"origin_server_ts\":%llu,\"sender\":\"%s\",\"type\":\"m.room."
		 "message\",\"unsigned\":{\"age\":%llu,\"membership\":\"join\"}}",
		 e->body, e->id, (unsigned long long)(EPOCH_MS + e->at / TH_MS), m->users[e->sender].id,
		 (unsigned long long)((m->world->net.now - e->at) / TH_MS + 66));
	return add(m, n, text);
}

static void answer_poll(struct sim_matrix_user *u)
{
	struct sim_matrix *m = u->matrix;
	struct sim_conn *poll = u->poll;
	char text[512], token[80];
	size_t n;

	u->poll = NULL;
	sim_net_cancel(&m->world->net, &u->timeout);
	snprintf(token, sizeof(token), stream, m->n_events);
	snprintf(text, sizeof(text),
		 "{\"next_batch\":\"%s\",\"device_one_time_keys_count\":{\"signed_curve25519\":0},"
		 "\"device_unused_fallback_key_types\":[]",
		 token);
	n = add(m, 0, text);
	if (u->since < m->n_events) {
		snprintf(text, sizeof(text), ",\"rooms\":{\"join\":{\"%s\":{\"timeline\":{\"events\":[", m->room);
		n = add(m, n, text);
		for (size_t i = u->since; i < m->n_events; i++) {
			n = i > u->since ? add(m, n, ",") : n;
			n = add_event(m, n, &m->events[i]);
		}
		snprintf(token, sizeof(token), stream, u->since);
		snprintf(text, sizeof(text),
			 "],\"prev_batch\":\"%s\",\"limited\":false},\"state\":{\"events\":[]},\"account_data\":{"
			 "\"events\":[]},\"ephemeral\":{\"events\":[]},\"unread_notifications\":{\"notification_"
			 "count\":1,\"highlight_count\":0},\"summary\":{}}}}",
			 token);
		n = add(m, n, text);
	}
	n = add(m, n, "}");
	sim_server_answer(poll, 200, m->answer, n);
}

static void poll_is_over(struct sim_event *e)
{
	answer_poll(TH_OWNER(e, struct sim_matrix_user, timeout));
}

static void on_sync(struct sim_matrix_user *u, struct sim_conn *c, const char *key)
{
	const char *since = strstr(key, "since=s");

	if (u->poll) /* as Synapse, which has no bound on polls; here the last one counts */
		answer_poll(u);
	u->poll = c;
	u->since = since ? strtoul(since + strlen("since=s"), NULL, 10) : 0;
	if (u->since < u->matrix->n_events)
		answer_poll(u);
	else
		sim_net_at(&u->matrix->world->net, &u->timeout, u->matrix->world->net.now + poll_time);
}

/* The same transaction is the same event. */
static struct sim_matrix_event *event_of(struct sim_matrix *m, unsigned sender, const char *txn)
{
	struct sim_matrix_event *e;

	for (size_t i = 0; i < m->n_events; i++)
		if (m->events[i].sender == sender && strcmp(m->events[i].txn, txn) == 0) {
			m->copies++;
			return &m->events[i];
		}
	if (m->n_events == SIM_MATRIX_EVENTS)
		abort();
	e = &m->events[m->n_events++];
	e->sender = sender;
	e->at = m->world->net.now;
	snprintf(e->txn, sizeof(e->txn), "%s", txn);
	e->id[0] = '$';
	sim_matrix_draw(m, e->id + 1, 43);
	return e;
}

static void on_send(struct sim_matrix *m, unsigned sender, struct sim_conn *c, const char *key, const uint8_t *body,
		    size_t n)
{
	struct sim_matrix_event *e = event_of(m, sender, strrchr(key, '/') + 1);
	char text[80];

	if (n >= sizeof(e->body))
		abort();
	memcpy(e->body, body, n);
	e->body[n] = '\0';
	n = (size_t)snprintf(text, sizeof(text), "{\"event_id\":\"%s\"}", e->id);
	sim_server_answer(c, 200, text, n);
	for (unsigned i = 0; i < SIM_MATRIX_USERS; i++)
		if (m->users[i].poll)
			answer_poll(&m->users[i]);
}

static void on_other(struct sim_matrix *m, struct sim_conn *c)
{
	char drawn[SIM_MATRIX_TARGET];
	int n;

	sim_matrix_draw(m, drawn, m->answer_chars);
	n = snprintf(m->answer, sizeof(m->answer), "{\"id\":\"%s\"}", drawn);
	sim_server_answer(c, 200, m->answer, (size_t)n);
}

static void on_ask(void *user, struct sim_conn *c, const struct sim_seen *seen, const uint8_t *body, size_t n)
{
	static const char stranger[] = "{\"errcode\":\"M_UNKNOWN_TOKEN\",\"error\":\"Invalid access token passed.\"}";
	struct sim_matrix *m = user;
	unsigned who = 0;

	while (who < SIM_MATRIX_USERS && !strstr(seen->head_text, m->users[who].token))
		who++;
	if (who == SIM_MATRIX_USERS)
		sim_server_answer(c, 401, stranger, strlen(stranger));
	else if (strstr(seen->key, "/sync?"))
		on_sync(&m->users[who], c, seen->key);
	else if (strstr(seen->key, "/send/"))
		on_send(m, who, c, seen->key, body, n);
	else
		on_other(m, c);
}

static void on_left(void *user, struct sim_conn *c)
{
	struct sim_matrix *m = user;

	for (unsigned i = 0; i < SIM_MATRIX_USERS; i++)
		if (m->users[i].poll == c) {
			m->users[i].poll = NULL;
			sim_net_cancel(&m->world->net, &m->users[i].timeout);
		}
}

enum { LETTERS = 52 };

/* As Synapse makes them. */
static void make_token(struct sim_matrix *m, const char *name, char *out, size_t cap)
{
	struct th_wr w = th_wr_init(out, cap - 1);
	char drawn[24], cut[64];

	draw(m, LETTERS, drawn, 20);
	snprintf(cut, sizeof(cut), "syt_%s_%s_%c", name, drawn, TH_ACCESS_TOKEN_SYNAPSE);
	th_access_token_restore(&w, th_str_of(cut));
	out[w.n] = '\0';
}

void sim_matrix_init(struct sim_matrix *m, struct sim_world *w, uint64_t seed)
{
	struct sim_rule rule = all;

	memset(m, 0, sizeof(*m));
	m->world = w;
	m->rng_state = seed * 77 + 5;
	m->rng = th_rng_seeded(&m->rng_state);
	rule.delay = thinking;
	m->room[0] = '!';
	sim_matrix_draw(m, m->room + 1, 43);
	for (unsigned i = 0; i < SIM_MATRIX_USERS; i++) {
		struct sim_matrix_user *u = &m->users[i];

		u->matrix = m;
		u->timeout.fire = poll_is_over;
		snprintf(u->id, sizeof(u->id), "@%s:maple.example", names[i]);
		make_token(m, i ? "Ym9i" : "YWxpY2U", u->token, sizeof(u->token));
		snprintf(u->authorization, sizeof(u->authorization), "Bearer %s", u->token);
	}
	w->server.ask = on_ask;
	w->server.left = on_left;
	w->server.user = m;
	sim_server_rule(&w->server, &rule);
}

void sim_matrix_old_room(struct sim_matrix *m)
{
	char letters[19];

	draw(m, LETTERS, letters, sizeof(letters) - 1);
	snprintf(m->room, sizeof(m->room), "!%s:maple.example", letters);
}

void sim_matrix_media(struct sim_matrix *m, size_t n)
{
	struct sim_rule rule = { .method = "GET",
				 .target = "/_matrix/client/v1/media/download/*",
				 .kind = SIM_ANSWER,
				 .status = 200,
				 .times = -1,
				 .body = { .n = n, .seed = SIM_MATRIX_MEDIA_SEED },
				 .fields = { FIELD("Content-Type", "image/jpeg") },
				 .n_fields = 1 };

	sim_server_rule(&m->world->server, &rule);
	rule.method = "POST";
	rule.target = "/_matrix/media/v3/upload*";
	rule.body = (struct sim_body){ .text = uploaded, .n = sizeof(uploaded) - 1 };
	rule.fields[0] = (struct th_field)FIELD("Content-Type", "application/json");
	sim_server_rule(&m->world->server, &rule);
}

/* ---- its clients ---- */

struct sim_request sim_matrix_request(const struct sim_matrix *m, unsigned user, const char *method, const char *target)
{
	return (struct sim_request){
		.method = method,
		.target = target,
		.send_limit = SIZE_MAX,
		.read_limit = SIZE_MAX,
		.fields = { FIELD("Content-Type", "application/json"),
			    { TH_STR_INIT("Authorization"), th_str_of(m->users[user].authorization) },
			    FIELD("Accept", "*/*"),
			    FIELD("Accept-Encoding", "gzip, deflate"),
			    FIELD("User-Agent", "Python/3.11 aiohttp/3.14.5") },
		.n_fields = 5,
	};
}

struct sim_request sim_matrix_send(struct sim_matrix *m, unsigned user, const char *text, const char *txn,
				   char target[static SIM_MATRIX_TARGET], char body[static SIM_MATRIX_BODY])
{
	struct sim_request r = sim_matrix_request(m, user, "PUT", target);

	snprintf(target, SIM_MATRIX_TARGET, "/_matrix/client/v3/rooms/%s/send/m.room.message/%s", m->room, txn);
	snprintf(body, SIM_MATRIX_BODY, "{\"msgtype\":\"m.text\",\"body\":\"%s\"}", text);
	r.body = (struct sim_body){ .text = body, .n = strlen(body) };
	return r;
}

struct sim_request sim_matrix_sync(struct sim_matrix *m, unsigned user, size_t since,
				   char target[static SIM_MATRIX_TARGET])
{
	char token[80];

	snprintf(token, sizeof(token), stream, since);
	snprintf(target, SIM_MATRIX_TARGET, "/_matrix/client/v3/sync?since=%s&timeout=30000&set_presence=online",
		 token);
	return sim_matrix_request(m, user, "GET", target);
}

void sim_matrix_txn(struct sim_matrix *m, char out[static SIM_MATRIX_TXN])
{
	unsigned long long ms = EPOCH_MS + m->world->net.now / TH_MS;

	snprintf(out, SIM_MATRIX_TXN, "m%llu.%u", ms, m->txns++);
}

bool sim_matrix_next(const char *answer, size_t *next)
{
	static const char key[] = "{\"next_batch\":\"s";

	if (strncmp(answer, key, sizeof(key) - 1) != 0)
		return false;
	*next = strtoul(answer + sizeof(key) - 1, NULL, 10);
	return true;
}
