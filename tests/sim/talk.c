#include "sim/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EACH_MAX = SIM_MATRIX_EVENTS / SIM_MATRIX_USERS };

/* What people say. None of it is in the corpus that the model is made from. */
static const char *const texts[] = {
	"Hi, are you there?",
	"Yes, just came back from the pier",
	"How does the antenna look after the storm?",
	"One guy wire is loose, the rest held",
	"ok",
	"Can you fix it before the evening window?",
	"I will need the long ladder, Petra has it",
	"She is at the lighthouse until four",
	"Then I go there first",
	"Take the spare insulators with you, they are in the blue box under the bench",
	"Found them, four left",
	"That should do",
	"What is the forecast for tomorrow?",
	"Wind 5 to 6 from northwest, showers, better in the afternoon",
	"Good enough for the ferry then",
	"The captain says they sail at 14:30",
	"Great, I'll tell the others 👍",
	"Did the parcel with the batteries arrive?",
	"Not yet, maybe with the ferry",
	"We have two that still hold charge",
	"Use them only for the receiver please",
	"Sure",
	"Ladder is here, going up now",
	"Careful, the second rung is cracked",
	"Wire is tight again, SWR looks fine: 1.3",
	"Wonderful, thank you so much!",
	"Soup is ready when you come down",
	"On my way, save me some bread",
	"Too late 😄",
	"See you in ten minutes",
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

struct said {
	th_time at;
	bool heard;
	char txn[SIM_MATRIX_TXN], body[SIM_MATRIX_BODY], target[SIM_MATRIX_TARGET];
};

struct talk;

struct talker {
	struct talk *talk;
	unsigned who;
	/* what it says */
	struct said said[EACH_MAX];
	unsigned n_said, n_sent; /* n_sent: of them, answered */
	struct sim_client send;
	struct sim_event say_on;
	char send_text[128];
	/* what it hears */
	struct sim_client sync;
	struct sim_event sync_on;
	size_t next; /* stream position */
	char sync_target[SIM_MATRIX_TARGET], sync_text[SIM_MATRIX_ANSWER];
};

struct talk {
	struct sim_stage *stage;
	const struct sim_talk *config;
	struct sim_talk_result *out;
	struct talker users[SIM_MATRIX_USERS];
	struct sim_event turn;
	unsigned turns;
};

static const th_time retry = 5 * TH_SEC;

static th_time now(const struct talk *t)
{
	return t->stage->world.net.now;
}

/* ---- hearing ---- */

static void hear(struct talker *u, const struct sim_matrix_event *e)
{
	struct talk *t = u->talk;
	struct talker *other = &t->users[e->sender];

	if (e->sender == u->who)
		return;
	for (unsigned i = 0; i < other->n_said; i++) {
		struct said *s = &other->said[i];

		if (strcmp(s->txn, e->txn) != 0)
			continue;
		t->out->wrong += s->heard || strcmp(s->body, e->body) != 0;
		t->out->heard += !s->heard;
		s->heard = true;
		t->out->took = now(t);
		if (t->config->heard)
			t->config->heard(now(t) - s->at);
		return;
	}
	t->out->wrong++;
}

/* Every event that the homeserver has between the two positions, in its order, with its content. */
static void read_sync(struct talker *u, size_t until)
{
	struct talk *t = u->talk;
	const struct sim_matrix *m = &t->stage->matrix;
	const char *at = u->sync_text;

	if (until < u->next || until > m->n_events) {
		t->out->wrong++;
		return;
	}
	for (; u->next < until; u->next++) {
		const struct sim_matrix_event *e = &m->events[u->next];
		const char *body = strstr(at, e->body), *id = body ? strstr(body, e->id) : NULL;

		if (!id) {
			t->out->wrong++;
			continue;
		}
		at = id;
		hear(u, e);
	}
}

static void sync_on(struct sim_event *ev)
{
	struct talker *u = TH_OWNER(ev, struct talker, sync_on);
	struct sim_stage *g = u->talk->stage;
	struct sim_request r = sim_matrix_sync(&g->matrix, u->who, u->next, u->sync_target);

	void (*done)(struct sim_client *) = u->sync.done;

	sim_client_init(&u->sync, &r, &g->world.net.now);
	u->sync.done = done;
	u->sync.user = u;
	u->sync.text = u->sync_text;
	u->sync.text_cap = sizeof(u->sync_text);
	sim_client_start(&u->sync, sim_world_door(&g->world));
}

static void synced(struct sim_client *c)
{
	struct talker *u = c->user;
	bool good = c->state == SIM_CLIENT_DONE && c->status == 200 && !c->bug;
	size_t until;

	if (good && sim_matrix_next(u->sync_text, &until))
		read_sync(u, until);
	else
		u->talk->out->asked_again++;
	sim_net_at(&u->talk->stage->world.net, &u->sync_on, now(u->talk) + (good ? 0 : retry));
}

/* ---- saying ---- */

static void say_on(struct sim_event *ev)
{
	struct talker *u = TH_OWNER(ev, struct talker, say_on);
	struct sim_stage *g = u->talk->stage;
	struct said *s = &u->said[u->n_sent];
	void (*done)(struct sim_client *) = u->send.done;
	char body[SIM_MATRIX_BODY];
	struct sim_request r;

	if (u->n_sent == u->n_said || u->send.state == SIM_CLIENT_OPEN)
		return;
	r = sim_matrix_send(&g->matrix, u->who, "", s->txn, s->target, body);
	r.body = (struct sim_body){ .text = s->body, .n = strlen(s->body) };
	sim_client_init(&u->send, &r, &g->world.net.now);
	u->send.done = done;
	u->send.user = u;
	u->send.text = u->send_text;
	u->send.text_cap = sizeof(u->send_text);
	sim_client_start(&u->send, sim_world_door(&g->world));
}

static void sent(struct sim_client *c)
{
	struct talker *u = c->user;
	bool good = c->state == SIM_CLIENT_DONE && c->status == 200 && !c->bug;

	u->n_sent += good;
	u->talk->out->asked_again += !good;
	sim_net_at(&u->talk->stage->world.net, &u->say_on, now(u->talk) + (good ? 0 : retry));
}

static void turn(struct sim_event *ev)
{
	struct talk *t = TH_OWNER(ev, struct talk, turn);
	struct sim_stage *g = t->stage;
	struct talker *u = &t->users[t->turns % SIM_MATRIX_USERS];
	struct said *s = &u->said[u->n_said];
	char target[SIM_MATRIX_TARGET];

	sim_matrix_txn(&g->matrix, s->txn);
	sim_matrix_send(&g->matrix, u->who, texts[t->turns % TEXTS], s->txn, target, s->body);
	s->at = now(t);
	u->n_said++;
	if (u->send.state != SIM_CLIENT_OPEN && !th_timer_is_set(&u->say_on.timer))
		sim_net_at(&g->world.net, &u->say_on, now(t));
	if (++t->turns < t->config->each * SIM_MATRIX_USERS)
		sim_net_at(&g->world.net, &t->turn,
			   now(t) + t->config->pause / 2 + th_rng_below(&g->matrix.rng, t->config->pause));
}

static th_time on_air(const struct sim_pipe *p)
{
	return p->counts[SIM_SENT].bytes * 8 * TH_SEC / p->profile.rate_bps;
}

void sim_talk_run(struct sim_stage *g, const struct sim_talk *config, struct sim_talk_result *out)
{
	struct talk *t = calloc(1, sizeof(*t));
	unsigned all = config->each * SIM_MATRIX_USERS;

	if (!t || config->each > EACH_MAX)
		abort();
	*out = (struct sim_talk_result){ 0 };
	t->stage = g;
	t->config = config;
	t->out = out;
	t->turn.fire = turn;
	for (unsigned i = 0; i < SIM_MATRIX_USERS; i++) {
		struct talker *u = &t->users[i];

		u->talk = t;
		u->who = i;
		u->say_on.fire = say_on;
		u->sync_on.fire = sync_on;
		u->send.done = sent;
		u->sync.done = synced;
		sim_net_at(&g->world.net, &u->sync_on, i * TH_SEC);
	}
	sim_net_at(&g->world.net, &t->turn, config->pause);
	while (out->heard < all && sim_net_step(&g->world.net, config->limit))
		;
	out->on_air[0] = on_air(&g->world.up);
	out->on_air[1] = on_air(&g->world.down);
	out->wrong += g->matrix.n_events != all || sim_world_bug(&g->world);
	for (unsigned i = 0; i < SIM_MATRIX_USERS; i++) {
		struct talker *u = &t->users[i];

		u->send.done = u->sync.done = NULL;
		sim_client_leave(&u->send);
		sim_client_leave(&u->sync);
		sim_net_cancel(&g->world.net, &u->say_on);
		sim_net_cancel(&g->world.net, &u->sync_on);
	}
	sim_net_cancel(&g->world.net, &t->turn);
	free(t);
}
