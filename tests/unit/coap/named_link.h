/* What a session does for an engine, without cryptography: numbers, the compact form, retransmission of the same
 * record. A datagram here is the record's number (8 bytes), then the compact message. */
#ifndef TH_UNIT_NAMED_LINK_H
#define TH_UNIT_NAMED_LINK_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "coap/compact.h"
#include "coap/engine.h"

enum { NAMED_NUMBER = 8, NAMED_MAX = 1400, NAMED_BUCKETS = 256 };

/* A record that may have to be sent again. */
struct named_kept {
	struct named_kept *next;
	uint64_t number;
	bool con;
	size_t n; /* 0: got a number, not sent yet */
	uint8_t bytes[NAMED_NUMBER + NAMED_MAX];
};

/* One end, with one peer. */
struct named_end {
	struct th_naming naming;
	struct named_kept *kept[NAMED_BUCKETS];
	size_t kept_n;
	bool shut; /* gives no numbers */
	uint64_t messages, overs, stale, refused, retransmissions;
	size_t compact_bytes;
};

static inline struct named_kept **named_find(struct named_end *e, uint64_t number)
{
	struct named_kept **at = &e->kept[number % NAMED_BUCKETS];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static inline void named_forget(struct named_end *e, struct named_kept **at)
{
	struct named_kept *k = *at;

	*at = k->next;
	free(k);
	e->kept_n--;
}

static inline bool named_on_number(void *user, const struct th_addr *peer, uint64_t *number)
{
	struct named_end *e = user;
	struct named_kept *k;

	(void)peer;
	if (e->shut || !th_naming_message(&e->naming, number)) {
		e->refused++;
		return false;
	}
	k = calloc(1, sizeof(*k));
	assert(k && !*named_find(e, *number));
	k->number = *number;
	k->next = e->kept[*number % NAMED_BUCKETS];
	e->kept[*number % NAMED_BUCKETS] = k;
	e->kept_n++;
	e->messages++;
	return true;
}

static inline void named_on_over(void *user, const struct th_addr *peer, uint64_t number)
{
	struct named_end *e = user;
	struct named_kept **at = named_find(e, number);

	(void)peer;
	assert(*at); /* told once, of what was numbered */
	named_forget(e, at);
	e->overs++;
}

static const struct th_coap_numbering named_ops = { named_on_number, named_on_over };

static inline void named_open(struct named_end *e, uint64_t next)
{
	memset(e, 0, sizeof(*e));
	th_naming_init(&e->naming, next);
}

static inline void named_close(struct named_end *e)
{
	for (size_t i = 0; i < NAMED_BUCKETS; i++)
		while (e->kept[i])
			named_forget(e, &e->kept[i]);
}

/* The engine's datagram as a record. Returns its length. */
static inline size_t named_pack(struct named_end *e, const uint8_t *p, size_t n, const struct th_coap_sent *sent,
				uint8_t out[NAMED_NUMBER + NAMED_MAX])
{
	static struct th_coap_pdu pdu;
	struct named_kept **kept = sent->numbered ? named_find(e, sent->number) : NULL;
	uint64_t number = sent->number;
	size_t len;

	assert(th_coap_pdu_read(&pdu, p, n) == TH_OK);
	assert(sent->numbered ? pdu.type <= TH_COAP_NON : pdu.type != TH_COAP_CON);
	if (sent->numbered) {
		assert(*kept && pdu.mid == (uint16_t)number);
		assert(sent->again == ((*kept)->n > 0));
		if (sent->again) {
			e->retransmissions++;
			memcpy(out, (*kept)->bytes, (*kept)->n);
			return (*kept)->n;
		}
	} else {
		number = th_naming_record(&e->naming);
		if (pdu.type == TH_COAP_NON)
			pdu.mid = (uint16_t)number;
	}
	for (unsigned i = 0; i < NAMED_NUMBER; i++)
		out[i] = (uint8_t)(number >> (8 * (NAMED_NUMBER - 1 - i)));
	len = NAMED_NUMBER + th_compact_write(&pdu, number, e->naming.heard, out + NAMED_NUMBER, NAMED_MAX);
	assert(len <= NAMED_NUMBER + NAMED_MAX);
	e->compact_bytes += len - NAMED_NUMBER;
	if (pdu.type == TH_COAP_NON && sent->numbered)
		named_forget(e, kept);
	if (pdu.type == TH_COAP_CON) {
		memcpy((*kept)->bytes, out, len);
		(*kept)->n = len;
	}
	return len;
}

/* A record as the datagram for the engine. 0: it refers to something stale. */
static inline size_t named_unpack(struct named_end *e, const uint8_t *p, size_t n, uint8_t out[NAMED_MAX])
{
	static struct th_coap_pdu pdu;
	static struct th_compact_room room;
	uint64_t number = 0;
	enum th_err err;
	size_t len;

	assert(n > NAMED_NUMBER);
	for (unsigned i = 0; i < NAMED_NUMBER; i++)
		number = number << 8 | p[i];
	err = th_compact_read(&pdu, &room, &e->naming, number, p + NAMED_NUMBER, n - NAMED_NUMBER);
	assert(err == TH_OK || err == TH_ERR_NOT_FOUND);
	if (err == TH_OK && room.refers)
		th_naming_proven(&e->naming, room.referred);
	th_naming_heard(&e->naming, number);
	if (err != TH_OK) {
		e->stale++;
		return 0;
	}
	len = th_coap_pdu_write(&pdu, out, NAMED_MAX);
	assert(len <= NAMED_MAX);
	return len;
}

#endif
