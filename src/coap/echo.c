/* RFC 9175 §2.3: whether a peer is where its datagrams claim to come from, asked without keeping state for it. */
#include "coap/engine_int.h"

#include <string.h>

enum { VALUE_BYTES = 8 };

static const th_time slot_length = 32 * TH_SEC; /* a value is good in its slot of time and in the next */

/* Eight bytes keep the challenge within three times the shortest sensible request (§2.6). */
static void value_for(const struct th_coap *c, const struct th_addr *from, uint64_t slot,
		      uint8_t out[static VALUE_BYTES])
{
	const struct th_table key = { .seed = c->echo_secret[0] };
	uint8_t bytes[sizeof(c->echo_secret[1]) + sizeof(slot) + sizeof(from->ip) + sizeof(from->scope) +
		      sizeof(from->port)];
	struct th_wr w = th_wr_init(bytes, sizeof(bytes));
	uint64_t hash;

	th_wr_bytes(&w, &c->echo_secret[1], sizeof(c->echo_secret[1]));
	th_wr_bytes(&w, &slot, sizeof(slot));
	th_wr_bytes(&w, from->ip, sizeof(from->ip));
	th_wr_bytes(&w, &from->scope, sizeof(from->scope));
	th_wr_bytes(&w, &from->port, sizeof(from->port));
	hash = th_table_hash(&key, bytes, w.n);
	memcpy(out, &hash, VALUE_BYTES);
	th_wipe(bytes, sizeof(bytes));
}

static bool equals(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

/* A Message ID for somebody who may be no peer yet. */
static bool name_non(struct th_coap *c, const struct th_addr *to, struct th_coap_pdu *pdu, uint64_t *number)
{
	if (!c->numbering)
		*number = th_rng_u32(&c->rng);
	else if (!c->numbering->number(c->numberer, to, number))
		return false;
	pdu->mid = (uint16_t)*number;
	return true;
}

bool th_coap_echo_admit(struct th_coap *c, const struct th_addr *from, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_ECHO);
	uint64_t slot = c->now / slot_length;
	struct th_coap_token token = { .n = pdu->token_len };
	uint8_t now[VALUE_BYTES], before[VALUE_BYTES];
	struct th_coap_draft d;
	uint64_t number;

	value_for(c, from, slot, now);
	value_for(c, from, slot - 1, before);
	if (o && o->n == VALUE_BYTES && (equals(o->p, now, VALUE_BYTES) || equals(o->p, before, VALUE_BYTES)))
		return true;
	memcpy(token.p, pdu->token, pdu->token_len);
	th_coap_draft_init(&d, TH_COAP_UNAUTHORIZED, &token);
	th_coap_draft_opaque(&d, TH_COAP_OPT_ECHO, now, VALUE_BYTES);
	d.pdu.type = pdu->type == TH_COAP_CON ? TH_COAP_ACK : TH_COAP_NON;
	d.pdu.mid = pdu->mid;
	if (d.pdu.type == TH_COAP_ACK || name_non(c, from, &d.pdu, &number))
		th_coap_send_once(c, NULL, from, &d.pdu, d.pdu.type == TH_COAP_NON && c->numbering ? &number : NULL);
	return false;
}

/* A refused request keeps no record, so a late copy of it must not pass for a new one once the peer is known: what
 * comes from before the message that passed, as message IDs are counted, is asked again while copies may be under way.
 */
bool th_coap_echo_knows(const struct th_coap *c, const struct th_coap_peer *p, uint16_t mid)
{
	if (!p || !p->echoed)
		return false;
	return c->now >= p->echoed_until || (int16_t)(mid - p->echoed_mid) >= 0;
}

void th_coap_echo_passed(struct th_coap *c, struct th_coap_peer *p, uint16_t mid)
{
	p->echoed = true;
	p->echoed_mid = mid;
	p->echoed_until = th_time_add(c->now, p->path.times.lifetime);
}

void th_coap_require_echo(struct th_coap *c, bool on)
{
	c->require_echo = on;
}
