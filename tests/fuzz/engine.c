/* Two CoAP engines, a link between them that loses, doubles and reorders, a clock, users with limited appetite, and
 * memory that fails: the input is a list of what happens next. With the first bit of the input set, an attacker also
 * forges datagrams.
 *
 * Invariants: what is sent is well-formed and within max_message, and goes only to who asked or was asked; caps hold;
 * no event after closed or cancel; heads, data and ends alternate; no deadline that never moves on; nothing leaks.
 * Without attacker: a body arrives as a prefix of what was written, whole at its end, and nothing is executed twice.
 * engine_named.c is the same on numbers from a layer below. */
#include "fuzz.h"

#include <string.h>

#include "../unit/coap/wire.h"
#include "../unit/failmem.h"
#include "base/rng.h"
#include "coap/engine.h"

#ifndef NAMED
#define NAMED false
#endif

enum { SIDES = 2, EXCHANGES = 96, FLIGHT = 48, OPS = 400, SPIN = 5000, STRANGERS = 4, MESSAGE = 300 };

struct packet {
	unsigned from, to; /* 0, 1: the engines; beyond: strangers */
	th_time sent_at;   /* no packet lives longer than MAX_LATENCY: duplicate rejection counts on it */
	size_t n;
	uint8_t bytes[MESSAGE];
};

struct exchange {
	th_coap_id id;
	bool server, dead;
	unsigned tag;		/* names body and request; 0: a stranger's */
	size_t sent, got, want; /* of the outgoing and of the incoming body; want: how much to send */
	bool sending, receiving;
};

struct side {
	unsigned number;
	uint64_t next; /* what th_coap_numbering gives next */
	struct failmem mem;
	uint64_t seed;
	struct th_rng rng;
	struct th_coap *c;
	struct exchange ex[EXCHANGES];
	size_t n_ex;
	size_t appetite;
	bool told[2 + STRANGERS]; /* who may be sent something: asked us, or was asked by us */
};

static struct {
	struct side side[SIDES];
	struct th_coap_params params;
	struct packet flight[FLIGHT];
	size_t n_flight;
	struct packet last; /* the newest datagram anyone sent: raw material of forgeries */
	th_time now;
	unsigned tags;
	uint8_t executed[256];
	bool observed[256]; /* may be asked for again: a cancelled observation is deregistered by a GET */
	bool attacked;
	th_time longest; /* a packet lives: what the lifetimes in use count on */
	bool challenged; /* Echo was required: a late copy of a refused request is told by its message ID, and these are
			    random here */
	const uint8_t *p, *end; /* the input */
} world;

static unsigned take(void)
{
	return world.p < world.end ? *world.p++ : 0;
}

static struct th_addr address(unsigned i)
{
	return (struct th_addr){ .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)(i + 1) }, .port = 5683 };
}

static unsigned who(const struct th_addr *a)
{
	unsigned i = a->ip[15] - 1u;
	struct th_addr whole = address(i);

	FUZZ_CHECK(i < 2 + STRANGERS && th_addr_eq(a, &whole));
	return i;
}

/* Byte i of the body that exchange `tag` sends; requests and responses differ. */
static uint8_t body_byte(unsigned tag, bool response, size_t i)
{
	return (uint8_t)(i * 7 + i / 256 + tag * 31 + (response ? 101 : 0));
}

static struct exchange *find(struct side *s, th_coap_id id)
{
	for (size_t i = s->n_ex; i > 0; i--)
		if (s->ex[i - 1].id == id)
			return &s->ex[i - 1];
	return NULL;
}

static struct exchange *live(struct side *s, th_coap_id id)
{
	struct exchange *ex = find(s, id);

	FUZZ_CHECK(!ex || !ex->dead);
	return ex; /* NULL: beyond what this harness keeps */
}

static struct exchange *add(struct side *s, th_coap_id id, bool server, unsigned tag)
{
	struct exchange *ex;

	FUZZ_CHECK(id != 0 && !find(s, id));
	if (s->n_ex == EXCHANGES)
		return NULL;
	ex = &s->ex[s->n_ex++];
	*ex = (struct exchange){ .id = id, .server = server, .tag = tag };
	return ex;
}

static void begin_incoming(struct exchange *ex)
{
	/* a notification whose rest is gone by the time it is fetched gives way to the next */
	FUZZ_CHECK(!ex->receiving || world.observed[ex->tag]);
	ex->receiving = true;
	ex->got = 0;
}

static void on_request(void *user, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head)
{
	struct side *s = user;
	unsigned from = who(peer);
	unsigned tag = 0;
	struct exchange *ex;

	for (size_t i = 0; i < head->n_options; i++)
		if (head->options[i].number == W_URI_PATH && head->options[i].n == 1 && from < 2)
			tag = head->options[i].p[0];
	if (!world.attacked) {
		FUZZ_CHECK(tag != 0);
		FUZZ_CHECK(++world.executed[tag] == 1 || world.observed[tag] || world.challenged);
	}
	ex = add(s, id, true, tag);
	if (ex)
		begin_incoming(ex);
	else
		th_coap_cancel(s->c, id, world.now);
}

static void on_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct exchange *ex = live(user, id);

	FUZZ_CHECK(head->code >= 0x40);
	if (!ex)
		return;
	FUZZ_CHECK(!ex->server);
	begin_incoming(ex);
	if (head->code != W_205)
		ex->got = SIZE_MAX / 2; /* not a body of ours: nothing to compare */
}

static size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct side *s = user;
	struct exchange *ex = live(s, id);
	size_t took = n < s->appetite ? n : s->appetite;

	FUZZ_CHECK(n > 0);
	if (!ex)
		return n;
	FUZZ_CHECK(ex->receiving);
	s->appetite -= took;
	for (size_t i = 0; i < took && !world.attacked && ex->got < SIZE_MAX / 2; i++)
		FUZZ_CHECK(p[i] == body_byte(ex->tag, !ex->server, ex->got + i));
	ex->got += took;
	return took;
}

/* How much the other side's exchange of that tag wrote in all. */
static void check_whole(const struct side *s, const struct exchange *ex)
{
	const struct side *other = &world.side[1 - s->number];

	for (size_t i = 0; i < other->n_ex; i++) {
		const struct exchange *o = &other->ex[i];

		if (o->tag == ex->tag && o->server != ex->server && !world.attacked && !world.challenged &&
		    !world.observed[ex->tag] && ex->got < SIZE_MAX / 2)
			FUZZ_CHECK(ex->got == o->want);
	}
}

static void on_end(void *user, th_coap_id id)
{
	struct side *s = user;
	struct exchange *ex = live(s, id);

	if (!ex)
		return;
	FUZZ_CHECK(ex->receiving);
	ex->receiving = false;
	check_whole(s, ex);
}

static void feed(struct side *s, struct exchange *ex)
{
	uint8_t bytes[256];

	while (ex->sending && !ex->dead && ex->sent < ex->want) {
		size_t n = ex->want - ex->sent < sizeof(bytes) ? ex->want - ex->sent : sizeof(bytes);
		size_t took;

		for (size_t i = 0; i < n; i++)
			bytes[i] = body_byte(ex->tag, ex->server, ex->sent + i);
		took = th_coap_write(s->c, ex->id, bytes, n, world.now);
		FUZZ_CHECK(took <= n);
		ex->sent += took;
		if (took == 0)
			return;
	}
	if (!ex->sending || ex->dead)
		return;
	ex->sending = false;
	th_coap_end(s->c, ex->id, world.now);
}

static void on_resume(void *user, th_coap_id id)
{
	struct exchange *ex = live(user, id);

	if (ex)
		feed(user, ex);
}

static void on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct exchange *ex = live(user, id);

	FUZZ_CHECK(why <= TH_OK && why > TH_ERR_LAST);
	if (ex)
		ex->dead = true;
}

static const struct th_coap_ops ops = { on_request, on_response, on_data, on_end, on_resume, on_closed };

static bool on_number(void *user, const struct th_addr *peer, uint64_t *number)
{
	struct side *s = user;

	FUZZ_CHECK(s->told[who(peer)]);
	*number = s->next++;
	return s->next % 7 > 0; /* now and then there is none */
}

static void on_over(void *user, const struct th_addr *peer, uint64_t number)
{
	struct side *s = user;

	FUZZ_CHECK(s->told[who(peer)] && number < s->next);
}

static const struct th_coap_numbering numbering = { on_number, on_over };

static void check_caps(const struct side *s)
{
	struct th_coap_stats st;

	th_coap_stats(s->c, &st);
	FUZZ_CHECK(st.peers <= world.params.max_peers);
	FUZZ_CHECK(st.exchanges <= world.params.max_exchanges);
	FUZZ_CHECK(st.records <= world.params.max_records);
	FUZZ_CHECK(st.reply_bytes <= world.params.max_reply_bytes);
}

/* What a side wants to send goes to the link; a full link loses it. */
static void drain(struct side *s)
{
	for (unsigned spin = 0;; spin++) {
		struct packet p = { .from = s->number, .sent_at = world.now };
		static struct wire w;
		struct th_addr to;
		struct th_coap_sent sent;

		p.n = th_coap_tx_named(s->c, &to, p.bytes, world.params.max_message, world.now, &sent);
		if (p.n == 0)
			return;
		FUZZ_CHECK(spin < SPIN);
		FUZZ_CHECK(p.n <= world.params.max_message && wire_get(&w, p.bytes, p.n));
		FUZZ_CHECK(sent.numbered ? NAMED && w.type <= W_NON : !NAMED || w.type != W_CON);
		FUZZ_CHECK(!sent.numbered || w.mid == (uint16_t)sent.number);
		p.to = who(&to);
		FUZZ_CHECK(s->told[p.to]);
		world.last = p;
		if (p.to < SIDES && world.n_flight < FLIGHT)
			world.flight[world.n_flight++] = p;
	}
}

/* Whom there was no number for is told that there is one again. */
static void offer_numbers(struct side *s)
{
	for (unsigned i = 0; i < SIDES + STRANGERS; i++) {
		struct th_addr a = address(i);

		th_coap_renumber(s->c, &a, world.now);
	}
}

static void run_to(th_time to)
{
	for (unsigned spin = 0;; spin++) {
		th_time due = TH_NEVER;

		FUZZ_CHECK(spin < SPIN);
		for (unsigned i = 0; i < SIDES && NAMED; i++)
			offer_numbers(&world.side[i]);
		for (unsigned i = 0; i < SIDES; i++) {
			drain(&world.side[i]);
			check_caps(&world.side[i]);
			due = th_time_min(due, th_coap_deadline(world.side[i].c));
		}
		if (due > to)
			break;
		world.now = due > world.now ? due : world.now;
		for (unsigned i = 0; i < SIDES; i++)
			if (th_coap_deadline(world.side[i].c) <= world.now)
				th_coap_tick(world.side[i].c, world.now);
	}
	world.now = to;
}

static void deliver(const struct packet *p)
{
	struct side *s = &world.side[p->to];
	struct th_addr from = address(p->from);
	uint8_t *copy = malloc(p->n ? p->n : 1);

	FUZZ_CHECK(copy);
	memcpy(copy, p->bytes, p->n);
	s->told[p->from] = true;
	th_coap_rx(s->c, &from, copy, p->n, world.now);
	free(copy);
}

static void op_deliver(unsigned how)
{
	size_t at = how & 0x20 ? take() % (world.n_flight ? world.n_flight : 1) : 0;
	struct packet p;

	if (world.n_flight == 0)
		return;
	p = world.flight[at];
	if (!(how & 0x40)) { /* else it stays and comes again */
		world.n_flight--;
		memmove(&world.flight[at], &world.flight[at + 1], (world.n_flight - at) * sizeof(p));
	}
	if (!(how & 0x80) && world.now - p.sent_at <= world.longest) /* else it is lost */
		deliver(&p);
}

static void op_request(struct side *s)
{
	static const uint8_t methods[] = { W_GET, W_POST, W_PUT, W_DELETE };
	unsigned bits = take();
	uint8_t path;
	struct th_coap_option o = { W_URI_PATH, 1, &path };
	struct th_coap_head head = { .code = methods[bits & 3],
				     .confirmable = (bits & 4) == 0,
				     .observe = (bits & 8) != 0,
				     .tagged = true,
				     .options = &o,
				     .n_options = 1 };
	struct th_addr to = address(1 - s->number);
	struct exchange *ex;
	th_coap_id id = 0;

	if (world.tags == 255 || s->n_ex == EXCHANGES)
		return;
	path = (uint8_t)++world.tags;
	world.observed[path] = head.observe;
	s->told[1 - s->number] = true;
	if (th_coap_request(s->c, &to, &head, world.now, &id) != TH_OK)
		return;
	ex = add(s, id, false, path);
	ex->want = bits & 1 ? (size_t)take() * 4 : 0;
	ex->sending = true;
	feed(s, ex);
}

static struct exchange *pick(struct side *s, bool server)
{
	size_t i = take();

	if (s->n_ex == 0)
		return NULL;
	for (size_t k = 0; k < s->n_ex; k++) {
		struct exchange *ex = &s->ex[(i + k) % s->n_ex];

		if (!ex->dead && (ex->server || !server))
			return ex;
	}
	return NULL;
}

static void op_respond(struct side *s)
{
	struct exchange *ex = pick(s, true);
	unsigned bits = take();
	struct th_coap_head head = { .code = W_205, .confirmable = (bits & 1) == 0, .observe = (bits & 2) != 0 };

	if (!ex || ex->sending)
		return;
	if (!th_coap_wants_observe(s->c, ex->id))
		head.observe = false;
	if (th_coap_respond(s->c, ex->id, &head, world.now) != TH_OK || ex->dead)
		return;
	ex->want = bits & 4 ? (size_t)(bits >> 3) * 40 : bits >> 3;
	ex->sent = 0;
	ex->sending = true;
	feed(s, ex);
}

static void op_cancel(struct side *s)
{
	struct exchange *ex = pick(s, false);

	if (!ex)
		return;
	ex->dead = true;
	th_coap_cancel(s->c, ex->id, world.now);
}

static void op_resume(struct side *s)
{
	struct exchange *ex = pick(s, false);

	s->appetite = take() & 1 ? SIZE_MAX : take();
	if (ex)
		th_coap_resume(s->c, ex->id, world.now);
}

/* A datagram of the attacker's own: bytes of the input, or the last real one with bytes changed, from anybody. */
static void op_forge(struct side *s)
{
	unsigned bits = take();
	struct packet p = world.last;

	if (!world.attacked)
		return;
	p.to = s->number;
	p.from = bits & 1 ? 1 - s->number : 2 + (bits >> 1) % STRANGERS;
	if (bits & 0x10) {
		p.n = take() % (MESSAGE / 2);
		for (size_t i = 0; i < p.n; i++)
			p.bytes[i] = (uint8_t)take();
	} else {
		for (unsigned k = bits >> 5; k > 0 && p.n; k--) {
			size_t at = take() % p.n;

			p.bytes[at] = (uint8_t)take();
		}
	}
	deliver(&p);
}

/* Both sides learn the same of their link. */
static void op_tell(void)
{
	static const uint64_t rates[] = { 0, 100, 9600, 1000000 };
	unsigned bits = take();
	const struct th_link_profile l = { .up_bps = rates[bits >> 2 & 3],
					   .down_bps = rates[bits >> 2 & 3],
					   .latency = (bits >> 4 & 3) * 500 * TH_MS,
					   .ours = bits & 1,
					   .blocks = !(bits & 2),
					   .mtu = bits & 0x40 ? 100 : 0 };

	for (unsigned i = 0; i < SIDES; i++) {
		struct th_addr peer = address(1 - i);

		th_coap_set_profile(world.side[i].c, &peer, &l, world.now);
	}
	world.longest = 10 * TH_SEC;
}

static void one_op(void)
{
	unsigned op = take();
	struct side *s = &world.side[op >> 4 & 1];

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
		op_deliver(op);
		break;
	case 3:
		run_to(world.now + TH_MS * take());
		break;
	case 4:
		run_to(world.now + TH_SEC * take());
		break;
	case 5:
	case 6:
		op_request(s);
		break;
	case 7:
	case 8:
		op_respond(s);
		break;
	case 9:
		op_cancel(s);
		break;
	case 10:
		op_resume(s);
		break;
	case 11:
		s->mem.fail_at = s->mem.count + 1 + take() % 16;
		break;
	case 12:
		op_forge(s);
		break;
	case 13:
		op_tell();
		break;
	case 14: /* all that flies arrives */
		for (unsigned k = 0; k < 2 * FLIGHT && world.n_flight; k++) {
			op_deliver(0);
			run_to(world.now);
		}
		break;
	default:
		world.challenged = true;
		th_coap_require_echo(s->c, op & 0x80);
	}
	run_to(world.now);
}

static void start(void)
{
	unsigned bits = take();

	memset(&world.side, 0, sizeof(world.side));
	memset(world.executed, 0, sizeof(world.executed));
	memset(world.observed, 0, sizeof(world.observed));
	world.n_flight = world.tags = 0;
	world.last.n = 0;
	world.attacked = bits & 1;
	world.longest = th_coap_params_default.max_latency;
	world.challenged = false;
	world.now = 1000 * TH_SEC;
	world.params = th_coap_params_default;
	world.params.szx = bits >> 1 & 3; /* 16 to 128 bytes: many blocks in few bytes of input */
	world.params.max_message = MESSAGE;
	world.params.body_window = 512;
	world.params.piggyback_patience = bits & 8 ? 0 : 50 * TH_MS;
	world.params.window_start = bits & 16 ? 4 : 1;
	world.params.window_max = 8;
	world.params.max_peers = 4;
	world.params.max_exchanges = bits & 32 ? 4 : 64;
	world.params.max_observers = 2;
	world.params.max_records = bits & 64 ? 16 : 512;
	world.params.max_reply_bytes = bits & 128 ? 600 : 64 * 1024;
	for (unsigned i = 0; i < SIDES; i++) {
		struct side *s = &world.side[i];

		s->number = i;
		s->seed = i + 1;
		s->rng = th_rng_seeded(&s->seed);
		s->appetite = SIZE_MAX;
		failmem_init(&s->mem, 0);
		s->c = th_coap_new(&world.params, &s->mem.mem, &s->rng, &ops, s);
		FUZZ_CHECK(s->c);
		s->next = 65500 + i;
		if (NAMED)
			th_coap_number_by(s->c, &numbering, s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	world.p = data;
	world.end = data + n;
	start();
	for (unsigned i = 0; i < OPS && world.p < world.end; i++)
		one_op();
	world.n_flight = 0;
	for (unsigned i = 0; i < SIDES; i++)
		world.side[i].appetite = SIZE_MAX;
	run_to(world.now + 2000 * TH_SEC);
	for (unsigned i = 0; i < SIDES; i++) {
		th_coap_del(world.side[i].c);
		FUZZ_CHECK(world.side[i].mem.live == 0);
	}
	return 0;
}
