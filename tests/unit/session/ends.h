/* A key to seal with and the same to open with, and what is checked each time something is opened or refused. */
#ifndef TH_SESSION_ENDS_H
#define TH_SESSION_ENDS_H

#include "guard.h"
#include "unit.h"

#include "session/record.h"

enum { RECORD_MAX = TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX };

static const uint8_t CID[TH_RECORD_CID_MAX] = { 0xc1, 0xd2 };

struct ends {
	struct th_record_key tx, rx;
	size_t cid_len;
};

struct sealed {
	uint8_t b[RECORD_MAX];
	size_t n;
	uint64_t pn;
};

static inline struct ends ends_new(size_t tag_len, size_t cid_len)
{
	struct ends e = { .cid_len = cid_len };
	struct th_noise_secret k;

	for (size_t i = 0; i < sizeof(k.b); i++)
		k.b[i] = (uint8_t)(i * 7 + tag_len);
	assert_int_equal(th_record_key_init(&e.tx, &k, tag_len, TH_CIPHER_SEAL, 0), TH_OK);
	assert_int_equal(th_record_key_init(&e.rx, &k, tag_len, TH_CIPHER_OPEN, 0), TH_OK);
	return e;
}

static inline void ends_free(struct ends *e)
{
	th_record_key_free(&e->tx);
	th_record_key_free(&e->rx);
	assert_null(e->tx.cipher.ctx);
}

/* Seals under the next number, which is given back when it was sealed. */
static inline enum th_err seal_next(struct th_record_key *key, const uint8_t *cid, size_t cid_len,
				    const uint8_t *payload, size_t n, uint8_t *out, size_t cap, size_t *len,
				    uint64_t *pn)
{
	uint64_t number = key->window.next;
	enum th_err err = th_record_seal(key, number, cid, cid_len, payload, n, out, cap, len);

	if (err == TH_OK)
		*pn = number;
	return err;
}

static inline struct sealed seal(struct ends *e, const void *payload, size_t n)
{
	struct sealed s;

	assert_int_equal(seal_next(&e->tx, CID, e->cid_len, payload, n, s.b, sizeof(s.b), &s.n, &s.pn), TH_OK);
	return s;
}

static inline enum th_err open_to(struct ends *e, const struct sealed *s, uint8_t out[RECORD_MAX], size_t *len,
				  uint64_t *pn)
{
	return th_record_open(&e->rx, e->cid_len, s->b, s->n, out, len, pn);
}

static inline void arrives(struct ends *e, const struct sealed *s, enum th_err want)
{
	uint8_t out[RECORD_MAX];
	uint64_t pn = UINT64_MAX;
	size_t len;
	enum th_err err = open_to(e, s, out, &len, &pn);

	if (err != want)
		fail_msg("number %llu (receiver expects %llu): %s, not %s", (unsigned long long)s->pn,
			 (unsigned long long)e->rx.window.next, th_strerror(err), th_strerror(want));
	if (want == TH_OK || want == TH_ERR_NOT_FOUND)
		assert_true(pn == s->pn);
}

/* Nothing is given, nothing moves; `tried`: it counts as a failure. */
static inline void refused(struct ends *e, const uint8_t *p, size_t n, bool tried)
{
	uint8_t out[RECORD_MAX];
	struct th_window before = e->rx.window;
	uint64_t pn = 77, failures = e->rx.failures;
	size_t len = 77;

	memset(out, 0xee, sizeof(out));
	assert_int_equal(th_record_open(&e->rx, e->cid_len, p, n, out, &len, &pn), TH_ERR_MALFORMED);
	assert_true(len == 0 && pn == 77);
	assert_memory_equal(&before, &e->rx.window, sizeof(before));
	if (tried)
		assert_true(e->rx.failures == failures + 1);
	for (size_t i = 0; i < n; i++)
		assert_true(out[i] == 0xee || out[i] == 0);
}

#endif
