/* The second message. It is made when the owner has a payload to ride in it, or `patience` is over; it is kept, and
 * sent again when the same first message comes again, until a record under its keys shows that the initiator has it. No
 * more goes out than came in. */
#include "session/session_int.h"

#include <string.h>

enum { BUF = TH_SESSION_DATAGRAM_MAX };

static size_t write_second(struct th_sessions *s, struct session *ss, struct th_noise *hs,
			   const struct th_hs_payload *p, uint8_t out[BUF])
{
	struct reply *r = ss->reply;
	uint8_t plain[BUF];
	struct th_wr w = th_wr_init(plain, sizeof(plain)), head = th_wr_init(out, BUF);
	size_t len = 0;
	enum th_err err = TH_ERR_TOO_LARGE;

	th_wr_uint(&head, TH_HS_SECOND, 1);
	th_wr_bytes(&head, r->cid.b, r->cid.n);
	th_hs_write(&w, (uint8_t)(TH_HS_SECOND | (r->resumes ? TH_HS_RESUMED : 0)), p, 0);
	th_wr_bytes(&w, p->data, p->n);
	if (th_wr_ok(&w) && head.n + th_noise_overhead(hs) + w.n <= r->budget)
		err = th_noise_write(hs, s->rng, plain, w.n, out + head.n, BUF - head.n, &len);
	th_wipe(plain, sizeof(plain));
	return err == TH_OK ? head.n + len : 0;
}

static void fill_second(struct th_sessions *s, const struct session *ss, struct th_hs_payload *out)
{
	const struct reply *r = ss->reply;

	*out = (struct th_hs_payload){
		.version = TH_SESSION_VERSION,
		.long_tag = s->config.tag_len == TH_RECORD_TAG_LONG,
		.cid = r->epoch->rx_cid,
		.refused = r->refused,
		.continued = r->continued,
		.time = (uint32_t)th_early_clock(&s->early, s->now),
		.number = ss->next,
		.uptime = (s->now - s->born) / TH_MS,
	};
	th_hs_set_hello(out, (struct th_str){ (const char *)r->hello, r->hello_n },
			(struct th_str){ (const char *)s->hello, s->config.hello_n });
}

/* With all that fits: the payload first, then the hello is left out. */
static size_t compose(struct th_sessions *s, struct session *ss, struct th_noise *hs, struct th_hs_payload *p,
		      uint64_t number, const uint8_t *payload, size_t n, uint8_t out[BUF])
{
	size_t len = 0;

	fill_second(s, ss, p);
	if (payload) {
		const uint64_t alone = p->number;

		p->has_data = true;
		p->number = number;
		p->data = payload;
		p->n = n;
		len = write_second(s, ss, hs, p, out);
		if (len > 0)
			return len;
		p->has_data = false;
		p->number = alone;
		p->data = NULL;
		p->n = 0;
	}
	len = write_second(s, ss, hs, p, out);
	if (len > 0 || p->shared + p->hello_n == 0)
		return len;
	p->shared = p->hello_n = 0;
	return write_second(s, ss, hs, p, out);
}

void th_responder_again(struct th_sessions *s, struct session *ss, size_t riding)
{
	struct reply *r = ss->reply;

	if (r->n > r->budget)
		return;
	r->budget -= r->n;
	s->stats.handshake_out += r->n - riding;
	ss->handshake_out += r->n - riding;
	th_session_queue(s, &r->from, &(const struct part){ r->datagram, r->n }, 1);
}

/* Keys of a two-message handshake; XX has its after the third. */
static bool take_keys(struct th_sessions *s, struct session *ss, struct th_noise *hs, uint64_t tx_base)
{
	struct reply *r = ss->reply;

	r->tx_base = tx_base;
	if (r->third) {
		r->hs = *hs;
		return true;
	}
	return th_epoch_key(s, r->epoch, hs, r->long_tag ? (size_t)TH_RECORD_TAG_LONG : s->config.tag_len, tx_base,
			    r->rx_base) == TH_OK;
}

static bool keep_datagram(struct th_sessions *s, struct reply *r, const uint8_t *p, size_t n)
{
	r->datagram = th_session_alloc(s, n);
	if (!r->datagram)
		return false;
	memcpy(r->datagram, p, n);
	r->n = n;
	return true;
}

bool th_responder_answer(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n)
{
	struct reply *r = ss->reply;
	struct th_noise hs = r->hs;
	struct th_hs_payload p;
	uint8_t datagram[BUF];
	size_t len = compose(s, ss, &hs, &p, number, payload, n, datagram);
	bool rode = len > 0 && p.has_data;

	th_noise_wipe(&r->hs);
	if (len > 0 && keep_datagram(s, r, datagram, len) && take_keys(s, ss, &hs, p.number)) {
		r->written = true;
		th_responder_again(s, ss, p.n);
		th_session_arm(s, ss);
	} else { /* no memory, or the initiation was too short to be answered */
		rode = false;
		th_reply_del(s, ss);
		th_epoch_del(s, ss->upcoming);
		ss->upcoming = NULL;
	}
	th_noise_wipe(&hs);
	th_wipe(datagram, len);
	return rode;
}
