/* What comes over a session as a large body, through a leg to a flow that takes it bit by bit. The first byte: bit 0
 * bytes from a hostile peer, or a body that must come back; bit 1 its length is told; bits 2 to 4 how much comes at
 * once, 5 to 7 how much the flow takes. */
#include <string.h>

#include "fuzz.h"
#include "proxy/coding.h"
#include "proxy/core.h"
#include "proxy/dialogue.h"

enum { CAP = 1 << 17, TURNS = 1 << 20, HELD_MAX = 256 * 1024, TAKEN_MAX = 1 << 24 };

struct sink {
	struct th_flow flow;
	size_t room, n;
	bool owes;
	uint8_t bytes[CAP];
};

static struct sink sink;
static int64_t told;
static bool failed, ended;

/* ---- the leg's ends ---- */

static void on_begin(struct th_leg *leg, const struct th_coap_head *head)
{
	(void)leg;
	(void)head;
}

static void on_head(struct th_leg *leg, const struct th_head *head)
{
	(void)leg;
	told = head->body_len;
}

static void on_whole(struct th_leg *leg)
{
	(void)leg;
	FUZZ_CHECK(!failed && !ended);
	ended = true;
}

static void on_failed(struct th_leg *leg, enum th_err err)
{
	FUZZ_CHECK(err != TH_OK && !ended);
	failed = true;
	th_flow_close(&leg->flow, NULL);
}

static const struct th_leg_ops leg_ops = { on_begin, on_head, on_whole, on_failed, NULL };

static size_t sink_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	size_t take = n < sink.room ? n : sink.room, keep = sink.n < CAP ? CAP - sink.n : 0;

	(void)self;
	memcpy(sink.bytes + (sink.n < CAP ? sink.n : CAP), p, take < keep ? take : keep);
	sink.n += take;
	sink.room -= take;
	sink.owes = take < n;
	return take;
}

static void nothing_happens(struct th_flow *self, const struct th_failure *why)
{
	(void)self;
	(void)why;
}

static const struct th_flow_ops sink_ops = { .data = sink_data, .close = nothing_happens };
static const struct th_flow_ops flow_ops = { .resume = th_leg_on_resume, .close = nothing_happens };

/* ---- a node that never runs: a place for legs, and the coders ---- */

static const struct th_addr peer;
static th_time now;

static struct th_node *node(void)
{
	static struct th_node *n;
	static uint64_t seed = 1;
	const struct th_rng rng = th_rng_seeded(&seed);
	const struct th_node_config config = { .coap = th_coap_params_default, .now = &now };

	if (n)
		return n;
	n = th_node_new(&th_mem_libc, &rng, &config);
	FUZZ_CHECK(n);
	n->workshop = th_workshop_new(&th_mem_libc, true);
	FUZZ_CHECK(n->workshop);
	return n;
}

static void feed(struct th_leg *leg, const uint8_t *p, size_t n, size_t piece, size_t room)
{
	size_t at = 0;
	unsigned turns = 0;

	while (at < n && !failed) {
		size_t now_n = n - at < piece ? n - at : piece, used = th_leg_take(leg, p + at, now_n);

		FUZZ_CHECK(used <= now_n && leg->in.n <= HELD_MAX && ++turns < TURNS);
		FUZZ_CHECK(used == now_n || failed || sink.owes);
		at += used;
		sink.room = room;
		if (sink.owes && th_flow_open(&sink.flow)) {
			sink.owes = false;
			th_flow_resume(&sink.flow);
		}
		if (sink.n > TAKEN_MAX)
			th_flow_close(&sink.flow, NULL); /* a reader that has had enough */
	}
	if (!failed)
		th_leg_take_end(leg);
	while (!failed && !ended && th_flow_open(&sink.flow)) {
		FUZZ_CHECK(sink.owes && ++turns < TURNS);
		sink.room = room;
		sink.owes = false;
		th_flow_resume(&sink.flow);
		if (sink.n > TAKEN_MAX)
			th_flow_close(&sink.flow, NULL);
	}
}

static size_t code(const uint8_t *p, size_t n, bool tell, uint8_t *out)
{
	static uint8_t scratch[TH_BULK_HEAD_MAX];
	const struct th_head head = { .method = TH_STR_INIT("PUT"),
				      .target = TH_STR_INIT("/_matrix/x"),
				      .body_len = tell ? (int64_t)n : TH_BODY_UNKNOWN };
	struct th_bulk_encoder *e = th_bulk_encoder_new(&th_mem_libc, TH_STR("application/json"), NULL);
	size_t len = th_bulk_head_write(NULL, 0, &head, (struct th_flate_history){ 0 }, scratch, out, CAP);
	struct th_bulk_step step = { .done = false };

	FUZZ_CHECK(e && len < CAP);
	while (!step.done) {
		FUZZ_CHECK(th_bulk_encode(e, p, n, TH_BULK_END, out + len, CAP - len, &step) == TH_OK);
		p += step.taken;
		n -= step.taken;
		len += step.written;
	}
	th_bulk_encoder_del(e);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t message[CAP];
	struct th_leg *leg;
	bool hostile;
	size_t len;

	if (n == 0 || n > CAP / 4)
		return 0;
	hostile = data[0] & 1;
	sink = (struct sink){ .flow.ops = &sink_ops, .room = 1u << (data[0] >> 5) * 2 };
	failed = ended = false;
	told = TH_BODY_UNKNOWN;
	if (hostile) {
		message[0] = TH_CODING_BULK;
		memcpy(message + 1, data + 1, n - 1);
		len = n;
	} else {
		len = code(data + 1, n - 1, data[0] & 2, message);
	}
	leg = th_leg_new(node(), &leg_ops, &flow_ops, &peer, "egress");
	FUZZ_CHECK(leg);
	leg->dialogue = th_dialogue_new(&th_mem_libc, &peer, false);
	FUZZ_CHECK(leg->dialogue);
	th_flow_join(&leg->flow, &sink.flow);
	feed(leg, message, len, 1u << (data[0] >> 2 & 7) * 2, sink.room);
	FUZZ_CHECK(told == TH_BODY_UNKNOWN || sink.n <= (uint64_t)told);
	if (!hostile)
		FUZZ_CHECK(ended && sink.n == n - 1 && memcmp(sink.bytes, data + 1, n - 1) == 0);
	if (th_flow_open(&leg->flow))
		th_flow_close(&leg->flow, NULL);
	th_dialogue_del(leg->dialogue);
	leg->dialogue = NULL;
	th_leg_settle(leg);
	th_node_tick(node());
	FUZZ_CHECK(node()->unpackers == 0 && th_list_empty(&node()->open));
	return 0;
}
