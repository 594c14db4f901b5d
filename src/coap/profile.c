#include "coap/profile.h"

#include "base/rd.h"
#include "base/wr.h"

enum {
	FLAG_OURS = 1,
	FLAG_BLOCKS = 2,
	FLAG_MORE = 4, /* rate up, latency, jitter and loss follow */
	FLAG_DOWN = 8, /* and the rate down: it is another */
	FLAG_MTU = 16, /* and the largest datagram */
	FLAGS = FLAG_OURS | FLAG_BLOCKS | FLAG_MORE | FLAG_DOWN | FLAG_MTU,
	JITTER_STEP = 10,
	LOSS_STEP = 5,
	NIBBLE_MAX = 15,
	MTU_STEP = 16,
	BYTE_MAX = 255,
	PERCENT = 100,
	STEPS = 8, /* an octave */
	FRACTION = 16,
};

static const th_time latency_unit = 100 * TH_US;

/* Logarithmic scale: code c > 0 stands for 2^((c - 1) / 8). */

static uint64_t from_code(uint8_t code)
{
	static const uint32_t steps[STEPS] = {
		65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194
	}; /* 2^(16+i/8) */
	unsigned octave = (code - 1u) / STEPS, step = (code - 1u) % STEPS;

	if (code == 0)
		return 0;
	return ((uint64_t)steps[step] << octave) >> FRACTION;
}

/* The smallest code that is not below v. */
static uint8_t to_code(uint64_t v)
{
	uint8_t code = 0;

	while (code < BYTE_MAX && from_code(code) < v)
		code++;
	return code;
}

static uint8_t nibble(unsigned v, unsigned step)
{
	unsigned n = (v + step - 1) / step;

	return (uint8_t)(n < NIBBLE_MAX ? n : NIBBLE_MAX);
}

size_t th_link_profile_write(const struct th_link_profile *l, uint8_t out[static TH_LINK_PROFILE_BYTES])
{
	struct th_wr w = th_wr_init(out, TH_LINK_PROFILE_BYTES);
	const uint8_t up = to_code(l->up_bps), down = to_code(l->down_bps);
	const uint8_t latency = to_code((l->latency + latency_unit - 1) / latency_unit);
	const uint8_t varies =
		(uint8_t)(nibble(l->jitter_percent, JITTER_STEP) << 4 | nibble(l->loss_percent, LOSS_STEP));
	const size_t mtu = l->mtu / MTU_STEP;
	unsigned flags = (l->ours ? FLAG_OURS : 0u) | (l->blocks ? FLAG_BLOCKS : 0u);

	if (up || down || latency || varies || mtu)
		flags |= FLAG_MORE | (down != up ? FLAG_DOWN : 0u) | (mtu ? FLAG_MTU : 0u);
	th_wr_uint(&w, flags, 1);
	if (!(flags & FLAG_MORE))
		return w.n;
	th_wr_uint(&w, up, 1);
	if (flags & FLAG_DOWN)
		th_wr_uint(&w, down, 1);
	th_wr_uint(&w, latency, 1);
	th_wr_uint(&w, varies, 1);
	if (flags & FLAG_MTU)
		th_wr_uint(&w, mtu < BYTE_MAX ? mtu : BYTE_MAX, 1);
	return w.n;
}

static bool is_known(const struct th_link_profile *l)
{
	return l->up_bps || l->down_bps || l->latency || l->jitter_percent || l->loss_percent || l->mtu;
}

enum th_err th_link_profile_read(struct th_link_profile *l, const uint8_t *p, size_t n)
{
	struct th_link_profile tmp = { 0 };
	struct th_rd r = th_rd_init(p, n);
	const unsigned flags = (unsigned)th_rd_uint(&r, 1);
	bool longer = !(flags & FLAG_MORE) && flags & (FLAG_DOWN | FLAG_MTU); /* than it could be said */

	tmp.ours = flags & FLAG_OURS;
	tmp.blocks = flags & FLAG_BLOCKS;
	if (flags & FLAG_MORE) {
		uint8_t up = (uint8_t)th_rd_uint(&r, 1), down = flags & FLAG_DOWN ? (uint8_t)th_rd_uint(&r, 1) : up;
		uint8_t varies;

		tmp.up_bps = from_code(up);
		tmp.down_bps = from_code(down);
		tmp.latency = from_code((uint8_t)th_rd_uint(&r, 1)) * latency_unit;
		varies = (uint8_t)th_rd_uint(&r, 1);
		tmp.jitter_percent = (unsigned)(varies >> 4) * JITTER_STEP;
		tmp.loss_percent = (unsigned)(varies & NIBBLE_MAX) * LOSS_STEP;
		tmp.mtu = flags & FLAG_MTU ? (size_t)th_rd_uint(&r, 1) * MTU_STEP : 0;
		longer = !is_known(&tmp) || (flags & FLAG_DOWN && down == up) || (flags & FLAG_MTU && tmp.mtu == 0);
	}
	if (r.err != TH_OK || th_rd_left(&r) > 0 || flags & ~(unsigned)FLAGS || longer)
		return TH_ERR_MALFORMED;
	*l = tmp;
	return TH_OK;
}

static uint64_t smaller_known(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a | b;
	return a < b ? a : b;
}

struct th_link_profile th_link_profile_join(const struct th_link_profile *own, const struct th_link_profile *told)
{
	struct th_link_profile l = { 0 };
	uint8_t bytes[TH_LINK_PROFILE_BYTES];

	/* as the peer reads it: cannot fail on what was just written */
	th_link_profile_read(&l, bytes, th_link_profile_write(own, bytes));
	l.up_bps = smaller_known(l.up_bps, told->down_bps);
	l.down_bps = smaller_known(l.down_bps, told->up_bps);
	l.latency = l.latency > told->latency ? l.latency : told->latency;
	l.jitter_percent = l.jitter_percent > told->jitter_percent ? l.jitter_percent : told->jitter_percent;
	l.loss_percent = l.loss_percent > told->loss_percent ? l.loss_percent : told->loss_percent;
	l.mtu = (size_t)smaller_known(l.mtu, told->mtu);
	l.pace_bps = own->up_bps && own->up_bps < l.up_bps ? own->up_bps : 0;
	l.overhead = own->overhead;
	l.opening = own->opening;
	l.ours = own->ours || told->ours;
	l.blocks = own->blocks && told->blocks;
	return l;
}

/* Times */

enum {
	UNKNOWN_BPS = 100,	      /* the slowest link that is worth using */
	REFERENCE_BYTES = 160,	      /* a usual message with everything below it */
	SPAN_ROUND_TRIPS = 60,	      /* ours: some fifty copies, so that even 50 % loss both ways is survived */
	SPAN_ROUND_TRIPS_SHARED = 30, /* some ten copies at growing distances */
	LATENCY_ROUND_TRIPS = 8,      /* how long a datagram may be under way: queues on the way count */
	PATIENCE_PART = 20,	      /* of a round trip: an empty ACK that is not sent saves more than it costs */
	PING_ROUND_TRIPS = 8,
};

static const th_time unknown_latency = 5 * TH_SEC;
static const th_time span_min = 120 * TH_SEC; /* a fade, a bridge, a reboot of the modem */
static const th_time span_min_shared = 300 * TH_SEC;
static const th_time rfc_latency = 100 * TH_SEC;
static const th_time latency_min = 10 * TH_SEC, latency_max = 200 * TH_SEC;
static const th_time patience_max = 2 * TH_SEC;
static const th_time round_trip_max = 600 * TH_SEC; /* what a peer says is bounded, too */

th_time th_link_round_trip(const struct th_link_profile *l, size_t up, size_t down)
{
	uint64_t slow = smaller_known(l->up_bps, l->down_bps);
	th_time latency = l->latency ? l->latency : unknown_latency;

	slow = slow ? slow : UNKNOWN_BPS;
	return 2 * (latency + latency / PERCENT * l->jitter_percent) + th_airtime(up, l->up_bps ? l->up_bps : slow) +
	       th_airtime(down, l->down_bps ? l->down_bps : slow);
}

/* Up to the next half octave of seconds: few different lives, so that records stand in few queues. */
static th_time coarse(th_time t)
{
	for (th_time step = TH_SEC;; step *= 2) {
		if (step >= t)
			return step;
		if (step + step / 2 >= t)
			return step + step / 2;
	}
}

static void of_params(struct th_coap_times *t, const struct th_coap_params *p)
{
	t->span = th_coap_max_transmit_span(p);
	t->wait = th_coap_max_transmit_wait(p);
	t->lifetime = th_coap_exchange_lifetime(p);
	t->non_lifetime = th_coap_non_lifetime(p);
	t->mid_quiet = 2 * p->max_latency + p->ack_timeout; /* PROCESSING_DELAY is ACK_TIMEOUT */
	t->patience = p->piggyback_patience;
	t->response = p->response_timeout;
	t->body = p->body_timeout;
	t->ping_after = p->ping_after;
}

void th_coap_times_of(struct th_coap_times *t, const struct th_link_profile *l, const struct th_coap_params *p)
{
	th_time rt, latency;

	of_params(t, p);
	if (!l)
		return;
	rt = th_time_min(th_link_round_trip(l, REFERENCE_BYTES, REFERENCE_BYTES), round_trip_max);
	latency = th_time_clamp(LATENCY_ROUND_TRIPS * rt, latency_min, latency_max);
	t->span = rt * (l->ours ? SPAN_ROUND_TRIPS : SPAN_ROUND_TRIPS_SHARED);
	if (t->span < (l->ours ? span_min : span_min_shared))
		t->span = l->ours ? span_min : span_min_shared;
	t->wait = t->span + LATENCY_ROUND_TRIPS / 2 * rt;
	/* copies may be late for reasons that no profile knows: RFC 7252's MAX_LATENCY is the least */
	t->lifetime = coarse(t->wait + 2 * (latency > rfc_latency ? latency : rfc_latency));
	t->non_lifetime = t->lifetime;
	t->mid_quiet = 2 * latency + rt;
	if (l->latency && (l->up_bps || l->down_bps)) /* else a fast link would pay for a slow one's patience */
		t->patience = th_time_clamp(rt / PATIENCE_PART, t->patience,
					    t->patience > patience_max ? t->patience : patience_max);
	t->response = th_time_add(t->response, t->span);
	t->body = t->body > t->lifetime ? t->body : t->lifetime;
	if (t->ping_after < PING_ROUND_TRIPS * rt)
		t->ping_after = PING_ROUND_TRIPS * rt;
}
