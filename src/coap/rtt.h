/* How long to wait for an acknowledgement, and how many messages may wait for one at a time: per peer. */
#ifndef TH_COAP_RTT_H
#define TH_COAP_RTT_H

#include <stdbool.h>

#include "base/clock.h"
#include "coap/params.h"

/* RFC 6298's estimator. Only unambiguous round trips count (Karn): those of messages sent once. */
struct th_coap_rtt {
	th_time srtt, rttvar; /* 0 before the first sample */
	/* A path slower than our timeout would never give an unambiguous sample (draft-ietf-core-fasor): */
	th_time slow;	    /* 1.5 × the last ambiguous round trip */
	unsigned ambiguous; /* how many came since an unambiguous one */
};

void th_coap_rtt_sample(struct th_coap_rtt *r, th_time round_trip);
void th_coap_rtt_ambiguous(struct th_coap_rtt *r, th_time since_first_sent);

/* The first timeout of a message, without its random part. */
th_time th_coap_rtt_timeout(const struct th_coap_rtt *r, const struct th_coap_params *params);

/* NSTART that adapts: slow start, then one more per round trip; halved on loss. */
struct th_coap_window {
	unsigned size, threshold, acked; /* acked: since size last grew beyond the threshold */
	unsigned most;
	th_time halved_at;
};

void th_coap_window_init(struct th_coap_window *w, const struct th_coap_params *params);
/* `full`: the window was used up; one that is not needed does not grow. */
void th_coap_window_acked(struct th_coap_window *w, bool full);
/* At most one halving per round trip: the messages of one window are lost together. */
void th_coap_window_lost(struct th_coap_window *w, th_time round_trip, th_time now,
			 const struct th_coap_params *params);

#endif
