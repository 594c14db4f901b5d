#include "coap/path.h"

#include "coap/block.h"

#include <limits.h>

enum {
	GUESS_BPS = 100,    /* as slow as that, when nothing is known */
	HOPEFUL_BPS = 1200, /* the first copy may be repeated early, once, as if it were faster */
	EMPTY_BYTES = 4,
	USUAL_REPLY = 90,
	SHIFT = 3,	  /* averages move by an eighth */
	STEADY_TRIES = 6, /* ours: so many copies at one distance, then further apart */
	COPIES_MIN = 50,  /* ours: at least so many fit the span */
	LOSSY_PERCENT = 15,
	RANDOM_OURS = 2, /* percent: nobody else is there to collide with */
	HOLDS_MAX = 1024,
	BITS_A_KILOBYTE = 8000,
	HEADERS = 24,	  /* of a block's message, unless told otherwise */
	WHOLE_BLOCKS = 2, /* a message may take as long as so many blocks */
	SZX_UNKNOWN = 3,
	BLOCK_SIZE_MIN = 16,
	BLOCK_SIZE_MAX = 1024,
	TOLD_VAR_PART =
		3, /* of the jitter of both ways: two that are even make a sum whose mean deviation is a third */
	FIRST_VAR_PART = 4, /* RFC 6298 has 2: three times the first round trip, which is long on a slow link */
	PERCENT = 100,
};

static const th_time hopeful = 2 * TH_SEC;
static const th_time guess_latency = 10 * TH_SEC; /* both ways */
static const th_time back_off_max = 60 * TH_SEC;  /* RFC 6298 §2.5 allows no less */
static const th_time in_the_dark =
	120 * TH_SEC; /* it may be a slow link, or nobody: three times what 100 bit/s takes */
static const th_time queue_notable = 250 * TH_MS;
static const th_time block_airtime_max = 10 * TH_SEC;

void th_coap_path_init(struct th_coap_path *p, const struct th_coap_params *params)
{
	*p = (struct th_coap_path){ .headers = HEADERS };
	th_coap_times_of(&p->times, NULL, params);
}

void th_coap_path_tell(struct th_coap_path *p, const struct th_link_profile *l, const struct th_coap_params *params)
{
	p->told = true;
	p->profile = *l;
	p->up_bps = l->up_bps ? l->up_bps : l->down_bps; /* like the other one, until it is measured */
	if (l->pace_bps)
		p->up_bps = l->pace_bps;
	p->down_bps = l->down_bps ? l->down_bps : l->up_bps;
	th_coap_times_of(&p->times, l, params);
}

static bool rates_known(const struct th_coap_path *p)
{
	return p->up_bps && p->down_bps;
}

static th_time airtimes(const struct th_coap_path *p, size_t up, size_t down)
{
	return th_airtime(up, p->up_bps) + th_airtime(down, p->down_bps);
}

static void average(uint32_t *avg, uint32_t *dev, size_t n)
{
	uint32_t off = n > *avg ? (uint32_t)n - *avg : *avg - (uint32_t)n;

	if (dev)
		*dev = *dev - (*dev >> SHIFT) + (off >> SHIFT);
	if (n >= *avg)
		*avg += (off + (1u << SHIFT) - 1) >> SHIFT;
	else
		*avg -= off >> SHIFT;
}

/* A later answer cannot be that to the last copy: shorter than the shortest round trip by more than jitter explains.
 * Every wrong guess would make timeouts longer, and the next wrong guess worse. */
static th_time too_soon(const struct th_coap_path *p, th_time least)
{
	enum { USUAL_JITTER = 40 };
	unsigned jitter = p->profile.jitter_percent ? p->profile.jitter_percent : USUAL_JITTER;

	return jitter < PERCENT ? least / 4 * 3 / PERCENT * (PERCENT - jitter) : 0;
}

/* Which copy was answered? After one copy that is clear. An answer that comes too soon after the last copy to be its
 * answer belongs to the one before. Else nobody knows, and nothing is learned (Karn); but for the very first where
 * nothing is known: that it belongs to the one before is a good guess until there is a better one. */
static th_time round_trip(const struct th_coap_path *p, const struct th_coap_trip *t)
{
	th_time least = p->least + airtimes(p, t->up, t->down);

	if (t->copies == 1)
		return t->since_first;
	if (p->rtt.srtt == 0 && !(rates_known(p) && p->profile.latency))
		return t->since_before;
	if (p->rtt.srtt == 0)
		return 0;
	/* one guess must not make the next one longer: until something is clear only a shorter one is better */
	if (p->guessed)
		return t->since_before < p->rtt.srtt ? t->since_before : 0;
	/* compared with the shortest, not with the usual: else one wrong guess makes the next one likelier */
	return t->since_last < too_soon(p, least) ? t->since_before : 0;
}

/* The longest round trip by the profile, without airtime; TH_NEVER when it does not say. */
static th_time told_longest(const struct th_coap_path *p)
{
	th_time latency = p->profile.latency;

	return p->profile.jitter_percent ? 2 * (latency + latency / PERCENT * p->profile.jitter_percent) : TH_NEVER;
}

void th_coap_path_trip(struct th_coap_path *p, const struct th_coap_trip *t, size_t overhead)
{
	struct th_coap_trip all = *t;
	th_time rt, air;
	uint64_t bytes;
	bool first;

	all.up += overhead;
	all.down += overhead;
	rt = round_trip(p, &all);
	if (rt == 0 || (t->handshake && rates_known(p) && p->profile.latency))
		return;
	/* beside others it may have waited for their answers: it says that the path is no slower */
	if (!t->alone && p->rtt.srtt && rates_known(p) && rt >= p->rtt.srtt + airtimes(p, all.up, all.down))
		return;
	bytes = all.up + all.down;
	if (bytes * 8 * TH_SEC / rt > p->floor_bps)
		p->floor_bps = bytes * 8 * TH_SEC / rt;
	if (p->sample_avg == 0)
		p->sample_avg = (uint32_t)bytes;
	average(&p->sample_avg, NULL, bytes);
	air = airtimes(p, all.up, all.down);
	rt = rt > air ? rt - air : 1;
	p->last = rt;
	if (p->least == 0 || rt < p->least)
		p->least = rt;
	first = p->rtt.srtt == 0 || (p->guessed && t->copies == 1);
	if (first)
		p->rtt.srtt = 0;
	th_coap_rtt_sample(&p->rtt, rt);
	if (!first)
		return;
	p->guessed = t->copies > 1;
	p->rtt.rttvar = rt / FIRST_VAR_PART;
	if (told_longest(p) != TH_NEVER && p->rtt.rttvar > (told_longest(p) - 2 * p->profile.latency) / TOLD_VAR_PART)
		p->rtt.rttvar = (told_longest(p) - 2 * p->profile.latency) / TOLD_VAR_PART;
}

void th_coap_path_sample(struct th_coap_path *p, const struct th_coap_trip *t, size_t overhead)
{
	if (t->down > EMPTY_BYTES && p->reply_avg == 0)
		p->reply_avg = (uint32_t)t->down;
	else if (t->down > EMPTY_BYTES)
		average(&p->reply_avg, &p->reply_dev, t->down);
	th_coap_path_trip(p, t, overhead);
}

/* Jitter, or a server that uses up its patience: hardly ever both at once. */
static th_time slack(th_time jitter, th_time patience)
{
	return jitter > patience ? jitter : patience;
}

static th_time told_shortest(const struct th_coap_path *p)
{
	th_time jitter = p->profile.latency / PERCENT * p->profile.jitter_percent;

	return 2 * (p->profile.latency > jitter ? p->profile.latency - jitter : 0);
}

static th_time measured(const struct th_coap_path *p, size_t bytes)
{
	enum { VARS = 4, VARS_LEAST = 2, UNSURE_PART = 4 };
	th_time t = p->rtt.srtt + VARS * p->rtt.rttvar, least = p->rtt.srtt + VARS_LEAST * p->rtt.rttvar;
	bool all;

	/* where airtime is short nothing else hides that round trips come in runs: then no less than was told, either
	 */
	all = th_airtime(bytes, p->up_bps) < p->profile.latency && p->rtt.srtt > told_shortest(p);
	if (told_longest(p) < t || (all && told_longest(p) != TH_NEVER))
		t = told_longest(p) > least ? told_longest(p) : least; /* what was told may be wrong */
	if (t < p->rtt.srtt + p->times.patience)
		t = p->rtt.srtt + p->times.patience;
	if (rates_known(p))
		return t;
	if (bytes > p->sample_avg)
		t += th_airtime(bytes - p->sample_avg, p->floor_bps);
	return t + p->rtt.srtt / UNSURE_PART;
}

/* Bytes of an answer: a long one for the first timeout, a usual one for what the link holds. */
static size_t longest_reply(const struct th_coap_path *p)
{
	return p->reply_avg ? p->reply_avg + 2 * (size_t)p->reply_dev : USUAL_REPLY;
}

static size_t usual_reply(const struct th_coap_path *p)
{
	return p->reply_avg ? p->reply_avg : USUAL_REPLY / 2;
}

static th_time from_profile(const struct th_coap_path *p)
{
	th_time rt = 2 * p->profile.latency, jitter = rt / PERCENT * p->profile.jitter_percent;

	return rt + slack(jitter > rt / 8 ? jitter : rt / 8, p->times.patience);
}

th_time th_coap_path_timeout(const struct th_coap_path *p, size_t n, bool replied, unsigned answers, size_t overhead,
			     const struct th_coap_params *params)
{
	size_t reply = replied ? longest_reply(p) : EMPTY_BYTES;
	size_t up = n + overhead, down = reply + overhead;
	th_time t;

	if (p->rtt.srtt)
		t = measured(p, up + down);
	else if (rates_known(p) && p->profile.latency)
		t = from_profile(p);
	else if (rates_known(p))
		t = hopeful;
	else
		return hopeful + th_airtime(up, HOPEFUL_BPS);
	t += airtimes(p, up, down + answers * (usual_reply(p) + overhead));
	return t > params->rto_min ? t : params->rto_min;
}

th_time th_coap_path_opening(const struct th_coap_path *p, size_t n, size_t overhead, th_time timeout)
{
	const struct th_link_profile *l = &p->profile;
	th_time there = l->latency + th_airtime(n + overhead, p->up_bps);

	if (l->opening == 0 || !l->ours || !rates_known(p) || l->loss_percent < LOSSY_PERCENT)
		return timeout;
	return th_time_min(timeout, there);
}

th_time th_coap_path_back_off(const struct th_coap_path *p, th_time timeout, th_time first, unsigned copies, th_time span)
{
	th_time most;

	if (p->rtt.srtt == 0 && !rates_known(p) && copies == 2) /* it was no fast link, or it was bad luck */
		return guess_latency + (first > hopeful ? (first - hopeful) * (HOPEFUL_BPS / GUESS_BPS) : 0) +
		       th_airtime(USUAL_REPLY, GUESS_BPS);
	if (!p->profile.ours) {
		most = first > back_off_max / 2 ? 2 * first : back_off_max;
		return timeout > most / 2 ? most : 2 * timeout;
	}
	if (copies < STEADY_TRIES)
		return timeout;
	most = span / COPIES_MIN;
	most = most > first + first / 2 ? most : first + first / 2;
	timeout += timeout / 4;
	return timeout < most ? timeout : most;
}

unsigned th_coap_path_random(const struct th_coap_path *p, const struct th_coap_params *params)
{
	if (!p->told)
		return params->ack_random_percent;
	return p->profile.ours && params->ack_random_percent > RANDOM_OURS ? RANDOM_OURS : params->ack_random_percent;
}

th_time th_coap_path_patience(const struct th_coap_path *p, th_time timeout, const struct th_coap_params *params)
{
	enum { TIMEOUTS = 30 }; /* five copies at growing distances, as many as RFC 7252 has */
	bool measured = p->rtt.srtt && !p->guessed, known = rates_known(p) && p->profile.latency;
	th_time least = th_coap_max_transmit_span(params),
		enough = measured || known ? TIMEOUTS * timeout : in_the_dark;

	/* A link that is ours fades and comes back; who gave its name wants it tried for as long as the span. */
	if (!p->told || p->profile.ours)
		return p->times.span;
	return th_time_min(p->times.span, enough > least ? enough : least);
}

bool th_coap_path_queues(const struct th_coap_path *p)
{
	enum { TIMES = 3 };

	return p->told && !p->up_bps && p->last > TIMES * p->least && p->last - p->least > queue_notable;
}

th_time th_coap_path_queue(const struct th_coap_path *p)
{
	th_time span = 4 * p->profile.latency / PERCENT * p->profile.jitter_percent;

	span = p->least + (span ? span : p->least) + queue_notable;
	return p->told && rates_known(p) && p->last > span ? p->last - span : 0;
}

/* A queue on the way makes round trips longer, but the link holds no more by that. */
static th_time shortest(const struct th_coap_path *p)
{
	return p->least ? p->least + p->least / 4 : 2 * p->profile.latency;
}

unsigned th_coap_path_blocks(const struct th_coap_path *p, size_t overhead)
{
	enum { TIMES = 2, LEAST = 48 };
	size_t block = (size_t)BLOCK_SIZE_MIN << th_coap_path_szx(p, true, TH_COAP_SZX_MAX, overhead);
	th_time each = th_airtime(block + p->headers + overhead, p->up_bps);
	th_time held = each ? shortest(p) / each : HOLDS_MAX;

	return held < HOLDS_MAX ? (unsigned)held * TIMES + LEAST : HOLDS_MAX;
}

unsigned th_coap_path_holds(const struct th_coap_path *p, size_t overhead)
{
	size_t n = usual_reply(p) + overhead;
	th_time up = th_airtime(n, p->up_bps), down = th_airtime(n, p->down_bps);
	th_time longest = up > down ? up : down, rt;

	if (!rates_known(p) || longest == 0)
		return UINT_MAX;
	rt = shortest(p) + up + down;
	rt = rt / longest + 1;
	return rt < HOLDS_MAX ? (unsigned)rt : HOLDS_MAX;
}

static bool too_long(const struct th_coap_path *p, size_t n, uint64_t bps)
{
	return th_airtime(n, bps) > block_airtime_max || (p->profile.mtu && n > p->profile.mtu);
}

unsigned th_coap_path_szx(const struct th_coap_path *p, bool up, unsigned szx, size_t overhead)
{
	uint64_t bps = up ? p->up_bps : p->down_bps;
	unsigned least = p->peer_szx > SZX_UNKNOWN ? p->peer_szx : SZX_UNKNOWN;

	if (!p->told)
		return szx;
	least = bps ? 0 : szx < least ? szx : least;
	bps = bps ? bps : p->floor_bps;
	if (bps == 0)
		return least;
	while (szx > least && too_long(p, ((size_t)BLOCK_SIZE_MIN << szx) + p->headers + overhead, bps))
		szx--;
	return szx;
}

unsigned th_coap_path_news(const struct th_coap_path *p, unsigned szx, size_t overhead)
{
	unsigned known = p->peer_szx > p->said_szx ? p->peer_szx : p->said_szx;

	if (!p->told || !p->profile.blocks || p->up_bps || p->down_bps || p->floor_bps == 0)
		return 0;
	szx = th_coap_path_szx(p, false, szx, overhead);
	return szx > SZX_UNKNOWN && szx > known ? szx : 0;
}

size_t th_coap_path_whole(const struct th_coap_path *p, bool bulk, unsigned szx, size_t overhead)
{
	uint64_t bps = p->up_bps ? p->up_bps : p->floor_bps;
	size_t block = (size_t)BLOCK_SIZE_MIN << szx, beside = p->headers + overhead;
	th_time longest = block_airtime_max * (bulk ? 1 : WHOLE_BLOCKS);
	uint64_t most;

	if (!p->told)
		return block;
	most = bps ? longest / TH_MS * bps / BITS_A_KILOBYTE : (block + beside) * WHOLE_BLOCKS;
	if (p->profile.mtu && most > p->profile.mtu)
		most = p->profile.mtu;
	most = most > beside ? most - beside : 0;
	if (most > BLOCK_SIZE_MAX)
		most = BLOCK_SIZE_MAX;
	return most > block ? (size_t)most : block;
}

unsigned th_coap_path_window(const struct th_coap_path *p, size_t size)
{
	enum { LEAST = 128, MOST = 256, TIMES = 3 };
	const struct th_link_profile *l = &p->profile;
	th_time rt = th_link_round_trip(l, size, size);
	uint64_t fast = l->up_bps > l->down_bps ? l->up_bps : l->down_bps; /* the same at both ends */
	uint64_t held = fast ? rt / TH_MS * fast / 8000 / size * TIMES : MOST;

	if (held < LEAST)
		return LEAST;
	return held < MOST ? (unsigned)held : MOST;
}
