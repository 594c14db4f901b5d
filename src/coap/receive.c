/* What comes in: which message belongs to what (§4.2, §4.3, §5.3.2). */
#include "coap/engine_int.h"

#include <string.h>

/* With c->numbering a block has no name that an RST could refer to: it would be taken for another message's. */
static bool has_name(const struct th_coap *c, const struct th_coap_pdu *pdu)
{
	return !c->numbering || pdu->type == TH_COAP_CON ||
	       (!th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_QBLOCK1) &&
		!th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_QBLOCK2));
}

static void reject(struct th_coap *c, const struct th_addr *from, const struct th_coap_pdu *pdu)
{
	if (!has_name(c, pdu))
		return;
	if (pdu->type == TH_COAP_CON || pdu->type == TH_COAP_NON)
		th_coap_send_empty(c, from, TH_COAP_RST, pdu->mid);
}

static struct th_coap_record *find_record(struct th_coap *c, const struct th_coap_arrival *a, uint64_t *key)
{
	*key = 0;
	if (!a->peer)
		return NULL;
	*key = th_coap_record_key(c, a);
	return th_coap_record_find(c, a->peer, a->pdu.mid, *key);
}

/* Blocks and reports keep no records: they name their place. */
static bool rx_burst(struct th_coap *c, struct th_coap_arrival *a)
{
	return a->peer && a->peer->path.profile.blocks && a->pdu.type == TH_COAP_NON && th_coap_burst_rx(c, a);
}

static void rx_duplicate(struct th_coap *c, const struct th_coap_arrival *a, struct th_coap_record *r)
{
	th_coap_charge_in(th_coap_exchange_find(c, r->exchange), a->n);
	th_coap_record_replay(c, r);
}

static void rx_request(struct th_coap *c, struct th_coap_arrival *a)
{
	uint64_t key;
	struct th_coap_record *r;
	bool fresh = false;

	if (rx_burst(c, a))
		return;
	r = find_record(c, a, &key);
	if (r) {
		rx_duplicate(c, a, r);
		return;
	}
	if (c->require_echo && !th_coap_echo_knows(c, a->peer, a->pdu.mid)) {
		if (!th_coap_echo_admit(c, a->from, &a->pdu))
			return;
		fresh = true;
	}
	if (!a->peer) {
		a->peer = th_coap_peer_get(c, a->from);
		key = a->peer ? th_coap_record_key(c, a) : 0;
	}
	r = a->peer ? th_coap_record_add(c, a, key) : NULL;
	if (!r) { /* no answer: the peer's retransmission asks again when there may be room */
		c->stats.refused_full++;
		return;
	}
	if (fresh)
		th_coap_echo_passed(c, a->peer, a->pdu.mid);
	th_coap_server_request(c, a, r);
}

/* Instead of the rest of a burst: the server has given it up. */
static bool breaks_off(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	return x->in.burst && !th_coap_client_expects(x, pdu) &&
	       th_coap_class(pdu->code) > TH_COAP_CLASS_SUCCESS && pdu->token_len == x->token.n &&
	       memcmp(pdu->token, x->token.p, x->token.n) == 0;
}

/* A separate response or a notification (§5.2.2, RFC 7641 §3.2). */
static void rx_response(struct th_coap *c, struct th_coap_arrival *a)
{
	uint64_t key;
	struct th_coap_record *r;
	struct th_coap_exchange *x;

	if (rx_burst(c, a))
		return;
	r = find_record(c, a, &key);
	if (r) {
		rx_duplicate(c, a, r);
		return;
	}
	x = a->peer ? th_coap_client_find(c, a->peer, &a->pdu) : NULL;
	if (x && breaks_off(x, &a->pdu)) {
		if (a->pdu.type == TH_COAP_CON)
			th_coap_send_empty(c, a->from, TH_COAP_ACK, a->pdu.mid);
		th_coap_exchange_close(c, x, TH_ERR_RESET);
		return;
	}
	if (!x || !th_coap_client_expects(x, &a->pdu)) {
		c->stats.rx_unmatched++;
		reject(c, a->from, &a->pdu);
		return;
	}
	th_coap_charge_in(x, a->n);
	if (th_coap_screen(a->peer, &a->pdu) != TH_OK) { /* §5.4.1: reject */
		reject(c, a->from, &a->pdu);
		th_coap_exchange_close(c, x, TH_ERR_UNSUPPORTED);
		return;
	}
	r = th_coap_record_add(c, a, key);
	if (!r) {
		c->stats.refused_full++;
		return;
	}
	r->exchange = x->id;
	if (a->pdu.type == TH_COAP_CON) {
		r->state = TH_COAP_RECORD_ACKED;
		th_coap_send_empty(c, a->from, TH_COAP_ACK, a->pdu.mid);
		th_coap_charge_out(x, TH_COAP_EMPTY_BYTES);
	}
	th_coap_client_response(c, x, &a->pdu);
}

/* The response in an ACK matches by Message ID and by token (§5.3.2). */
static void rx_piggybacked(struct th_coap *c, struct th_coap_arrival *a, struct th_coap_message *m)
{
	struct th_coap_exchange *x = m->exchange;

	m->exchange = NULL;
	x->message = NULL;
	th_coap_message_over(c, m, TH_COAP_ACKED, a->n);
	if (th_coap_screen(a->peer, &a->pdu) == TH_OK)
		th_coap_client_response(c, x, &a->pdu);
	else
		th_coap_exchange_close(c, x, TH_ERR_UNSUPPORTED);
}

/* ACK or RST: never answered, so whatever does not fit is dropped (§4.2). */
static void rx_reply(struct th_coap *c, struct th_coap_arrival *a)
{
	struct th_coap_message *m = a->peer ? th_coap_message_find(c, a->peer, a->pdu.mid) : NULL;
	struct th_coap_exchange *x = m ? m->exchange : NULL;
	bool reset = a->pdu.type == TH_COAP_RST;
	bool empty = a->pdu.code == TH_COAP_EMPTY;
	bool fits = m && (reset ? empty : m->con);

	if (fits && !empty && x) /* nobody waits for the response to an orphan */
		fits = th_coap_class(a->pdu.code) >= TH_COAP_CLASS_SUCCESS && x->client &&
		       th_coap_client_awaits(x, &a->pdu);
	if (!fits) {
		c->stats.rx_unmatched++;
		return;
	}
	th_coap_charge_in(x, a->n);
	if (!empty && x)
		rx_piggybacked(c, a, m);
	else
		th_coap_message_over(c, m, reset ? TH_COAP_RESET : TH_COAP_ACKED, a->n);
}

static void rx_message(struct th_coap *c, struct th_coap_arrival *a)
{
	unsigned class = th_coap_class(a->pdu.code);

	if (a->pdu.type == TH_COAP_ACK || a->pdu.type == TH_COAP_RST) {
		rx_reply(c, a);
	} else if (a->pdu.code == TH_COAP_EMPTY) {
		if (a->pdu.type == TH_COAP_CON) /* a ping (§4.3) */
			reject(c, a->from, &a->pdu);
	} else if (class == TH_COAP_CLASS_REQUEST) {
		rx_request(c, a);
	} else if (class >= TH_COAP_CLASS_SUCCESS && class <= TH_COAP_CLASS_LAST) {
		rx_response(c, a);
	} else { /* reserved (§12.1) */
		c->stats.rx_malformed++;
		if (a->pdu.type == TH_COAP_CON)
			reject(c, a->from, &a->pdu);
	}
}

void th_coap_rx(struct th_coap *c, const struct th_addr *from, const uint8_t *dgram, size_t n, th_time now)
{
	struct th_coap_arrival a; /* not initialised: most of it is room for options */
	enum th_err err = th_coap_pdu_read(&a.pdu, dgram, n);

	th_coap_enter(c, now);
	if (err == TH_OK && n > c->params->max_message)
		err = TH_ERR_TOO_LARGE;
	if (err == TH_OK) {
		a.from = from;
		a.peer = th_coap_peer_find(c, from);
		a.dgram = dgram;
		a.n = n;
		if (a.peer)
			a.peer->heard_at = c->now;
		rx_message(c, &a);
	} else {
		c->stats.rx_malformed++;
		if (err != TH_ERR_UNSUPPORTED && n >= TH_COAP_EMPTY_BYTES && a.pdu.type == TH_COAP_CON)
			reject(c, from, &a.pdu);
	}
	th_coap_leave(c);
}
