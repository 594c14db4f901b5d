/* What is known of the way to a peer: its link's profile, what was measured, and what follows for the next message: how
 * long to wait for its answer, how many may be in flight, how large a block may be.
 *
 * With a rate known, round trips are kept without the airtime of what made them: so one estimate serves a short message
 * and a long one. Without, the slowest rate that explains the round trips so far stretches the timeout of messages that
 * are longer than those measured. A rate guessed from so little is never used for pacing: a homeserver's thinking looks
 * like a slow link. */
#ifndef TH_COAP_PATH_H
#define TH_COAP_PATH_H

#include "coap/profile.h"
#include "coap/rtt.h"

struct th_coap_path {
	bool told;    /* a profile was set; else RFC 7252's rules and the params hold */
	bool guessed; /* the only round trip so far had copies that cannot be told apart */
	struct th_link_profile profile;
	struct th_coap_times times;
	uint64_t up_bps, down_bps; /* told or measured; 0: unknown */
	uint64_t floor_bps;	   /* both ways together are at least as fast; 0: unknown */
	th_time last;		   /* newest round trip */
	th_time least;		   /* shortest round trip so far; 0: none */
	struct th_coap_rtt rtt;
	uint32_t reply_avg, reply_dev; /* bytes of answers that come with an ACK; 0: none yet */
	uint8_t peer_szx;	       /* the largest blocks the peer has sent: it may have measured more than we */
	uint8_t said_szx;	       /* the largest that the peer was told it may send (th_coap_path_news) */
	uint32_t sample_avg;	       /* bytes of a round trip, both ways */
	uint8_t headers;	       /* bytes that a block's message has beside the block */
};

/* A round trip: so many bytes went and came, without what lower layers add. */
struct th_coap_trip {
	size_t up, down;
	th_time since_first, since_last; /* copy that was sent */
	th_time since_before;		 /* the copy before the last; 0: none */
	unsigned copies;
	bool alone;	/* nothing else of ours waited for an answer */
	bool handshake; /* went with one, whose answer may have come apart from its own */
};

void th_coap_path_init(struct th_coap_path *p, const struct th_coap_params *params);
void th_coap_path_tell(struct th_coap_path *p, const struct th_link_profile *l, const struct th_coap_params *params);

/* An answer has come. Only for paths that were told. */
void th_coap_path_sample(struct th_coap_path *p, const struct th_coap_trip *t, size_t overhead);

/* The same for a poll and its report, which says nothing of answers. */
void th_coap_path_trip(struct th_coap_path *p, const struct th_coap_trip *t, size_t overhead);

/* How long to wait after the first copy of a message of n bytes has left; `answers` further answers are due before
 * its own, `replied`: it will be answered with more than an empty message. Without its random part. Told paths only. */
th_time th_coap_path_timeout(const struct th_coap_path *p, size_t n, bool replied, unsigned answers, size_t overhead,
			     const struct th_coap_params *params);
/* The same while no session stands yet: where the link is ours and loses as much as it was told to, a copy follows as
 * soon as the one before should have arrived. Its answer alone takes as long again, and everything waits for it; later
 * messages are shorter, and there are more of them. */
th_time th_coap_path_opening(const struct th_coap_path *p, size_t n, size_t overhead, th_time timeout);
/* How long after copy number `copies` has left, the one before having had `timeout`; copies of it go for `span`. */
th_time th_coap_path_back_off(const struct th_coap_path *p, th_time timeout, th_time first, unsigned copies, th_time span);
/* For how long copies of a message go, whose first one has this timeout: never longer than the peer counts on
 * (times.span). */
th_time th_coap_path_patience(const struct th_coap_path *p, th_time timeout, const struct th_coap_params *params);
/* Percent of a timeout that chance may add. */
unsigned th_coap_path_random(const struct th_coap_path *p, const struct th_coap_params *params);

/* Whether round trips have grown so long that datagrams must be queueing on the way: no time to send more at once. Only
 * where the pace is not known, which is what else prevents it. */
bool th_coap_path_queues(const struct th_coap_path *p);
/* How long datagrams seem to have waited on the way in the newest round trip, beyond what jitter explains: the link is
 * slower than it was told to be. 0 where the rates are not known. */
th_time th_coap_path_queue(const struct th_coap_path *p);
/* How many messages of a usual answer's size that wait for one the link holds; UINT_MAX when its rate is unknown. */
unsigned th_coap_path_holds(const struct th_coap_path *p, size_t overhead);
/* The same for blocks of a burst that no report has settled, where the rate is known. */
unsigned th_coap_path_blocks(const struct th_coap_path *p, size_t overhead);
/* The largest block exponent up to `szx` whose block is not too long on air in that direction. */
unsigned th_coap_path_szx(const struct th_coap_path *p, bool up, unsigned szx, size_t overhead);

/* The block exponent up to `szx` that measurements allow, where nobody told rates and the peer, who has sent nothing large yet,
 * cannot know it: it answers what we ask, and so measures no round trips. 0: no news. */
unsigned th_coap_path_news(const struct th_coap_path *p, unsigned szx, size_t overhead);
/* How large a body may be that goes in one message instead of blocks of that exponent. Who waits for it waits less than
 * for blocks, each with its headers, and a report; but bulk must not keep others waiting longer than a block of it. */
size_t th_coap_path_whole(const struct th_coap_path *p, bool bulk, unsigned szx, size_t overhead);

/* How many blocks of that size a body in bursts may have under way: what the link holds some times over. */
unsigned th_coap_path_window(const struct th_coap_path *p, size_t size);

#endif
