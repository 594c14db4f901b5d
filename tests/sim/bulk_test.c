/* Large bodies in the bulk coding, both ways at once, over links that lose, double and reorder, with readers and
 * writers that pause, clients that leave and daemons that restart: what comes through is what went in, and what can be
 * coded takes a part of the bytes.
 *
 *     bulk_test [SEEDS [FIRST_SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/node.h"
#include "sim/client.h"
#include "sim/node.h"
#include "sim/world.h"

enum { SEEDS_DEFAULT = 20, CLIENTS = 3, SIZE_MAX_KB = 400, LINE = 200, TARGET = 32, SHRINKS_BY = 4 };

enum kind { JSON, ZEROS, NOISE, CHANGING, KINDS };

static const char *const kind_names[] = { "json", "zeros", "noise", "changing" };
static const char *const types[] = { "application/json", "text/plain", "image/png", "application/octet-stream" };

struct play;

struct part {
	struct play *play;
	struct sim_client client;
	struct sim_event more, leave;
	enum kind kind;
	char *body; /* owned */
	size_t n;
	char target[TARGET];
};

struct play {
	struct sim_world world;
	uint64_t rng_state;
	struct th_rng rng;
	struct part parts[CLIENTS];
	struct sim_event restart, rest;
};

static uint64_t pick(struct play *p, uint64_t below)
{
	return th_rng_below(&p->rng, below);
}

/* One event of a room after the other. */
static void write_json(struct play *p, char *out, size_t n)
{
	char line[LINE + 1];

	for (size_t at = 0; at < n;) {
		size_t len = (size_t)snprintf(
			line, sizeof(line),
			"{\"type\":\"m.room.message\",\"sender\":\"@user%u:example.org\",\"content\":{\"body\":"
			"\"number %u"
			"\",\"msgtype\":\"m.text\"},\"event_id\":\"$%08x%08x\",\"origin_server_ts\":17900%08u},",
			(unsigned)pick(p, 20), (unsigned)pick(p, 1000000), (unsigned)pick(p, UINT32_MAX),
			(unsigned)pick(p, UINT32_MAX), (unsigned)pick(p, 100000000));

		len = len < n - at ? len : n - at;
		memcpy(out + at, line, len);
		at += len;
	}
}

static void write_body(struct play *p, struct part *part)
{
	size_t coded = part->kind == NOISE ? 0 : part->kind == CHANGING ? part->n / 2 : part->n;

	part->body = malloc(part->n);
	if (!part->body)
		abort();
	if (part->kind == ZEROS)
		memset(part->body, 0, part->n);
	else
		write_json(p, part->body, coded);
	if (part->kind != ZEROS && coded < part->n)
		p->rng.fill(p->rng.ctx, (uint8_t *)part->body + coded, part->n - coded);
}

/* Clients that pause go on by pieces. */
static void more(struct sim_event *e)
{
	struct part *part = TH_OWNER(e, struct part, more);
	struct play *p = part->play;

	if (part->client.state != SIM_CLIENT_OPEN)
		return;
	sim_client_send_more(&part->client, pick(p, 40000));
	sim_client_read_more(&part->client, pick(p, 40000));
	sim_net_at(&p->world.net, &part->more, p->world.net.now + 10 * TH_MS);
}

static void leave(struct sim_event *e)
{
	struct part *part = TH_OWNER(e, struct part, leave);

	if (part->client.state == SIM_CLIENT_OPEN)
		sim_client_leave(&part->client);
}

static void restart(struct sim_event *e)
{
	struct play *p = TH_OWNER(e, struct play, restart);

	sim_world_kill(&p->world, SIM_FAR);
	sim_world_start(&p->world, SIM_FAR);
}

static void begin(struct play *p, unsigned i, const char *target, size_t n, enum kind kind, bool pauses)
{
	struct part *part = &p->parts[i];
	struct sim_request r = { .method = "PUT", .target = part->target, .chunked = pick(p, 2) };

	*part = (struct part){ .play = p, .kind = kind, .n = n, .more.fire = more, .leave.fire = leave };
	snprintf(part->target, sizeof(part->target), "%s/%u", target, i);
	write_body(p, part);
	r.body = (struct sim_body){ .text = part->body, .n = n };
	r.send_limit = r.read_limit = pauses ? pick(p, 100000) : SIZE_MAX;
	r.fields[0] = (struct th_field){ TH_STR("Content-Type"), th_str_of(types[kind]) };
	r.n_fields = 1;
	sim_client_init(&part->client, &r, &p->world.net.now);
	sim_client_start(&part->client, sim_world_door(&p->world));
	if (pauses)
		sim_net_at(&p->world.net, &part->more, p->world.net.now + 10 * TH_MS);
}

static void run_until_over(struct play *p, th_time limit)
{
	bool open = true;

	limit += p->world.net.now;
	while (open && p->world.net.now < limit) {
		sim_net_run(&p->world.net, p->world.net.now + 100 * TH_MS);
		open = false;
		for (unsigned i = 0; i < CLIENTS; i++)
			open = open || p->parts[i].client.state == SIM_CLIENT_OPEN;
	}
}

static void make(struct play *p, uint64_t seed, bool rough, bool thin)
{
	const struct sim_profile link = {
		.latency = 20 * TH_MS,
		.jitter_percent = 50,
		.loss_permille = 50,
		.dup_permille = 30,
		.reorder_permille = 30,
		.reorder_delay = 50 * TH_MS,
	};
	static const struct th_field echoed[] = {
		{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/octet-stream") },
		{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") },
	};
	struct sim_rule echo = { .kind = SIM_ECHO, .status = 200, .times = -1, .n_fields = 1 };
	struct sim_world_config c;

	memset(p, 0, sizeof(*p));
	p->rng_state = seed * 977;
	p->rng = th_rng_seeded(&p->rng_state);
	/* On a thin link long answers in JSON go in pieces. */
	thin = thin || (rough && pick(p, 2));
	echo.fields[0] = echoed[rough && pick(p, 2)];
	sim_world_config_default(&c);
	c.seed = seed;
	c.secure = true;
	c.sync_push = true;
	for (int side = 0; side < SIM_SIDES; side++) {
		c.params[side].ack_timeout = c.params[side].rto_min = 100 * TH_MS;
		c.profile[side].ours = true;
		if (thin)
			c.profile[side].up_bps = c.profile[side].down_bps = 1000 * 1000;
	}
	c.up.latency = c.down.latency = 5 * TH_MS;
	if (rough)
		c.up = c.down = link;
	sim_world_init(&p->world, &c);
	echo.chunked = pick(p, 2);
	sim_server_rule(&p->world.server, &echo);
	p->restart.fire = restart;
}

static void end(struct play *p)
{
	sim_world_free(&p->world);
	for (unsigned i = 0; i < CLIENTS; i++)
		free(p->parts[i].body);
}

/* Whether the client got its own bytes back, and the homeserver got them; `most`: so often. */
static bool is_right(struct play *p, unsigned i, uint64_t most)
{
	struct part *part = &p->parts[i];
	const struct sim_body sent = { .text = part->body, .n = part->n };
	const struct sim_seen *seen = sim_server_seen(&p->world.server, "PUT", part->target);
	struct sim_sum want;

	sim_sum_of(&want, &sent);
	if (part->client.bug || sim_world_bug(&p->world)) {
		printf("    %s\n", part->client.bug ? part->client.bug : sim_world_bug(&p->world));
		return false;
	}
	if (part->client.state == SIM_CLIENT_DONE && part->client.status == 200 &&
	    sim_sum_eq(&part->client.sum, &want) && seen && seen->whole > 0 && seen->whole <= most &&
	    sim_sum_eq(&seen->last, &want))
		return true;
	printf("    %s, %zu bytes: %s, status %u, %" PRIu64 " bytes came, executed %u times\n", kind_names[part->kind],
	       part->n, sim_client_state_text(part->client.state), part->client.status, part->client.sum.n,
	       seen ? seen->whole : 0);
	return false;
}

/* An exchange that brings the session up: before the peers have heard what the other one knows, large bodies go as they
 * are. */
static void warm_up(struct play *p)
{
	begin(p, 0, "/warm", 10, JSON, false);
	run_until_over(p, 60 * TH_SEC);
	free(p->parts[0].body);
	memset(p->parts, 0, sizeof(p->parts));
}

/* What one body of a kind takes on a quiet link. */
static unsigned play_sizes(uint64_t seed)
{
	unsigned wrong = 0;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		size_t n = 300 * 1000, most = kind == NOISE	 ? n + n / 10
					      : kind == CHANGING ? n / 2 + n / 5
								 : n / SHRINKS_BY;
		struct play p;
		uint64_t up, down;

		make(&p, seed, false, false);
		warm_up(&p);
		up = p.world.up.counts[SIM_SENT].bytes;
		down = p.world.down.counts[SIM_SENT].bytes;
		begin(&p, 0, "/size", n, kind, false);
		run_until_over(&p, 600 * TH_SEC);
		up = p.world.up.counts[SIM_SENT].bytes - up;
		down = p.world.down.counts[SIM_SENT].bytes - down;
		printf("%8s: of %zu bytes %" PRIu64 " up, %" PRIu64 " down\n", kind_names[kind], n, up, down);
		wrong += !is_right(&p, 0, 1) || up > most || down > most;
		end(&p);
	}
	return wrong;
}

/* What the daemons do when nothing happens for some time: scratch is given back, but what is under way keeps its own.
 */
static void rest(struct sim_event *e)
{
	struct play *p = TH_OWNER(e, struct play, rest);

	for (int side = 0; side < SIM_SIDES; side++)
		th_node_rest(sim_node_inside(p->world.side[side].node));
	sim_net_at(&p->world.net, e, p->world.net.now + 7 * TH_MS);
}

/* An answer in JSON: coded whole up to 300 KiB, if that makes it shorter. */
static bool answers(struct play *p, const char *target, enum kind kind, size_t n, size_t most)
{
	struct sim_request r = { .method = "GET", .target = target, .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };
	static const struct th_field type = { TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") };
	struct part *part = &p->parts[0];
	struct sim_rule rule = { .target = target, .status = 200, .times = 1, .fields = { type }, .n_fields = 1 };
	uint64_t down = p->world.down.counts[SIM_SENT].bytes;
	struct sim_sum want;
	bool right;

	*part = (struct part){ .play = p, .kind = kind, .n = n };
	write_body(p, part);
	rule.body = (struct sim_body){ .text = part->body, .n = n };
	rule.chunked = pick(p, 2);
	sim_server_rule(&p->world.server, &rule);
	r.fields[0] = (struct th_field){ TH_STR("Authorization"), TH_STR("Bearer syt_x") };
	r.n_fields = 1;
	sim_client_init(&part->client, &r, &p->world.net.now);
	sim_client_start(&part->client, sim_world_door(&p->world));
	run_until_over(p, 600 * TH_SEC);
	down = p->world.down.counts[SIM_SENT].bytes - down;
	sim_sum_of(&want, &rule.body);
	right = part->client.state == SIM_CLIENT_DONE && sim_sum_eq(&part->client.sum, &want) && down <= most;
	printf("%8s, an answer: %zu bytes by %" PRIu64 "%s\n", kind_names[kind], n, down, right ? "" : ", WRONG");
	free(part->body);
	memset(p->parts, 0, sizeof(p->parts));
	return right;
}

static unsigned play_answers(uint64_t seed)
{
	enum { LONG = 300 * 1024, LESS = 100 * 1000, PART = 6, HEAD = 40, MB = 1000 * 1000 };
	unsigned wrong = 0;
	struct play p;

	make(&p, seed, false, true);
	warm_up(&p);
	wrong += !answers(&p, "/answer", JSON, LESS, LESS / PART);
	wrong += !answers(&p, "/answer", JSON, LONG - HEAD, LONG / PART);
	wrong += !answers(&p, "/answer", JSON, LONG + 1, LONG / PART);
	wrong += !answers(&p, "/answer", JSON, MB, MB / PART);
	wrong += !answers(&p, "/answer", NOISE, MB, MB + MB / 10);
	wrong += !answers(&p, "/answer", CHANGING, MB, MB / 2 + MB / 6);
	/* The last answer to an observation. */
	p.rest.fire = rest;
	sim_net_at(&p.world.net, &p.rest, p.world.net.now);
	wrong += !answers(&p, "/_matrix/client/v3/sync?since=s1&timeout=30000", JSON, MB, MB / PART);
	wrong += !answers(&p, "/_matrix/client/v3/sync?since=s2&timeout=30000", CHANGING, MB, MB / 2 + MB / 6);
	wrong += !answers(&p, "/_matrix/client/v3/sync?since=s3&timeout=30000", NOISE, MB, MB + MB / 10);
	sim_net_cancel(&p.world.net, &p.rest);
	wrong += !answers(&p, "/answer", NOISE, LESS, LESS + LESS / 10);
	wrong += !answers(&p, "/answer", CHANGING, LONG - HEAD, LONG / 2 + LONG / 6);
	end(&p);
	return wrong;
}

static unsigned play_rough(uint64_t seed)
{
	unsigned wrong = 0;
	struct play p;

	make(&p, seed, true, false);
	if (pick(&p, 4))
		warm_up(&p);
	for (unsigned i = 0; i < CLIENTS; i++)
		begin(&p, i, "/large", 1 + pick(&p, SIZE_MAX_KB * 1000), (enum kind)pick(&p, KINDS), pick(&p, 2));
	run_until_over(&p, 3600 * TH_SEC);
	for (unsigned i = 0; i < CLIENTS; i++)
		wrong += !is_right(&p, i, 1);
	end(&p);
	return wrong;
}

/* Clients leave, the far daemon restarts: all ends, and then it works again. */
static unsigned play_broken(uint64_t seed)
{
	unsigned wrong = 0;
	struct play p;

	make(&p, seed, true, false);
	warm_up(&p);
	for (unsigned i = 0; i < CLIENTS; i++) {
		begin(&p, i, "/large", 1 + pick(&p, SIZE_MAX_KB * 1000), (enum kind)pick(&p, KINDS), pick(&p, 2));
		if (pick(&p, 2))
			sim_net_at(&p.world.net, &p.parts[i].leave, p.world.net.now + pick(&p, 3000) * TH_MS);
	}
	if (pick(&p, 2))
		sim_net_at(&p.world.net, &p.restart, p.world.net.now + pick(&p, 3000) * TH_MS);
	run_until_over(&p, 36000 * TH_SEC); /* whoever only waits for a restarted peer waits long: it may be the link */
	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct part *part = &p.parts[i];

		if (part->client.state == SIM_CLIENT_DONE)
			wrong += !is_right(&p, i, 2); /* a PUT may be asked again when the far side was restarted */
		if (part->client.state == SIM_CLIENT_OPEN) {
			printf("    %s, %zu bytes: still open\n", kind_names[part->kind], part->n);
			wrong++;
		}
		sim_net_cancel(&p.world.net, &p.parts[i].leave);
		sim_net_cancel(&p.world.net, &p.parts[i].more);
		free(p.parts[i].body);
		p.parts[i].body = NULL;
	}
	sim_net_cancel(&p.world.net, &p.restart);
	begin(&p, 0, "/after", 100000, JSON, false);
	run_until_over(&p, 3600 * TH_SEC);
	wrong += !is_right(&p, 0, 1);
	if (sim_world_bug(&p.world)) {
		printf("    %s\n", sim_world_bug(&p.world));
		wrong++;
	}
	end(&p);
	return wrong;
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : SEEDS_DEFAULT;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, failed = play_sizes(first) > 0;

	failed += play_answers(first) > 0;

	for (uint64_t seed = first; seed < first + seeds; seed++) {
		unsigned rough = play_rough(seed), broken = play_broken(seed);

		if (rough || broken)
			printf("seed %" PRIu64 ": %u wrong on a rough link, %u when broken off\n", seed, rough, broken);
		failed += rough || broken;
	}
	printf("%" PRIu64 " of %" PRIu64 " seeds failed\n", failed, seeds);
	return failed || seeds == 0 ? 1 : 0;
}
