#include "coap/rtt.h"

enum { SRTT_SHIFT = 3, RTTVAR_SHIFT = 2, RTTVAR_FACTOR = 4 }; /* RFC 6298 §2 */
enum { AMBIGUOUS_MAX = 3 }; /* so many in a row are more likely a slow path than loss */

void th_coap_rtt_sample(struct th_coap_rtt *r, th_time round_trip)
{
	th_time off;

	round_trip = round_trip ? round_trip : 1;
	r->slow = 0;
	r->ambiguous = 0;
	if (r->srtt == 0) {
		r->srtt = round_trip;
		r->rttvar = round_trip / 2;
		return;
	}
	off = r->srtt > round_trip ? r->srtt - round_trip : round_trip - r->srtt;
	r->rttvar = r->rttvar - (r->rttvar >> RTTVAR_SHIFT) + (off >> RTTVAR_SHIFT);
	r->srtt = r->srtt - (r->srtt >> SRTT_SHIFT) + (round_trip >> SRTT_SHIFT);
}

void th_coap_rtt_ambiguous(struct th_coap_rtt *r, th_time since_first_sent)
{
	r->slow = since_first_sent + since_first_sent / 2;
	r->ambiguous++;
}

th_time th_coap_rtt_timeout(const struct th_coap_rtt *r, const struct th_coap_params *params)
{
	th_time rto = params->ack_timeout;
	bool believe_slow;

	if (r->srtt)
		rto = th_time_clamp(r->srtt + RTTVAR_FACTOR * r->rttvar + params->piggyback_patience, params->rto_min,
				    params->rto_max);
	believe_slow = r->slow > rto && (r->srtt == 0 || r->ambiguous >= AMBIGUOUS_MAX);
	return believe_slow ? th_time_clamp(r->slow, rto, params->rto_max > rto ? params->rto_max : rto) : rto;
}

void th_coap_window_init(struct th_coap_window *w, const struct th_coap_params *params)
{
	*w = (struct th_coap_window){ .size = params->window_start,
				      .threshold = params->window_max,
				      .most = params->window_max };
}

void th_coap_window_acked(struct th_coap_window *w, bool full)
{
	if (!full || w->size >= w->most)
		return;
	if (w->size >= w->threshold && ++w->acked < w->size)
		return;
	w->acked = 0;
	w->size++;
}

void th_coap_window_lost(struct th_coap_window *w, th_time round_trip, th_time now, const struct th_coap_params *params)
{
	if (w->halved_at && now < th_time_add(w->halved_at, round_trip))
		return;
	w->halved_at = now;
	w->size = w->size / 2 > params->window_start ? w->size / 2 : params->window_start;
	w->threshold = w->size;
	w->acked = 0;
}
