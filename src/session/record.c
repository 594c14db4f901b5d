#include "session/record.h"

#include <assert.h>

#include "base/rd.h"
#include "base/wr.h"
#include "session/number.h"

enum {
	KIND_MASK = 0xc0,
	KIND_RECORD = 0x80,
	LONG_FLAG = 0x20,
	SHORT_MASK = 0x1f,
	LONG_EXTRA = 2, /* bytes of packet number that only the long form has */
};

_Static_assert((int)TH_RECORD_PAYLOAD_MAX <= (int)TH_CIPHER_MAX, "a nonce of 13 bytes allows no longer payload");

/* Packet numbers never come near 2^64. */
#define BASE_END ((uint64_t)1 << 62)
_Static_assert(BASE_END + TH_RECORD_PACKETS_MAX <= UINT64_MAX - TH_WINDOW_SIZE, "no sum below wraps");

struct header {
	uint64_t low;	     /* the number's low bits */
	unsigned bits;	     /* how many of them */
	const uint8_t *cid;  /* borrowed from the datagram */
	size_t len, payload; /* bytes of header, and what is left without the tag */
};

/* ---- key ---- */

enum th_err th_record_key_init(struct th_record_key *key, const struct th_noise_secret *k, size_t tag_len,
			       enum th_cipher_way way, uint64_t base)
{
	*key = (struct th_record_key){ .base = base, .acknowledged = base, .window = { .next = base } };
	if ((tag_len != TH_RECORD_TAG && tag_len != TH_RECORD_TAG_LONG) || base >= BASE_END)
		return TH_ERR_INVALID;
	return th_cipher_init(&key->cipher, k, tag_len, way) ? TH_OK : TH_ERR_NO_MEMORY;
}

void th_record_key_free(struct th_record_key *key)
{
	th_cipher_free(&key->cipher);
	*key = (struct th_record_key){ 0 };
}

static bool is_past_limit(const struct th_record_key *key, uint64_t number)
{
	return number >= key->base + TH_RECORD_PACKETS_MAX;
}

bool th_record_key_worn(const struct th_record_key *key)
{
	return key->window.next - key->base >= TH_RECORD_PACKETS_MAX / 2 || key->failures >= TH_RECORD_FAILURES_MAX / 2;
}

void th_record_acknowledged(struct th_record_key *key, uint64_t pn)
{
	if (pn < key->window.next && pn >= key->acknowledged)
		key->acknowledged = pn + 1;
}

/* ---- header ---- */

/* The peer expects a number between `acknowledged` and `newest`; 0 when no form would do. */
static unsigned bits_for(const struct th_record_key *key, uint64_t pn, uint64_t newest)
{
	if (newest - pn <= TH_RECORD_BEHIND_SHORT &&
	    th_number_fits(pn, key->acknowledged, newest, TH_RECORD_PN_SHORT_BITS))
		return TH_RECORD_PN_SHORT_BITS;
	return th_number_fits(pn, key->acknowledged, newest, TH_RECORD_PN_LONG_BITS) ? TH_RECORD_PN_LONG_BITS : 0;
}

static size_t header_len(unsigned bits, size_t cid_len)
{
	return 1u + (bits == TH_RECORD_PN_LONG_BITS ? LONG_EXTRA : 0u) + cid_len;
}

static void write_header(struct th_wr *w, uint64_t pn, unsigned bits, const uint8_t *cid, size_t cid_len)
{
	bool is_long = bits == TH_RECORD_PN_LONG_BITS;

	th_wr_uint(w, KIND_RECORD | (is_long ? LONG_FLAG : 0) | (pn & SHORT_MASK), 1);
	if (is_long)
		th_wr_uint(w, pn >> TH_RECORD_PN_SHORT_BITS & UINT16_MAX, LONG_EXTRA);
	th_wr_bytes(w, cid, cid_len);
}

/* False when the datagram is no record with at least a header and a tag. */
static bool read_header(struct header *h, const uint8_t *p, size_t n, size_t cid_len, size_t tag_len)
{
	struct th_rd r = th_rd_init(p, n);
	uint64_t first = th_rd_uint(&r, 1);

	h->low = first & SHORT_MASK;
	h->bits = TH_RECORD_PN_SHORT_BITS;
	if (first & LONG_FLAG) {
		h->low |= th_rd_uint(&r, LONG_EXTRA) << TH_RECORD_PN_SHORT_BITS;
		h->bits = TH_RECORD_PN_LONG_BITS;
	}
	h->cid = th_rd_bytes(&r, cid_len);
	if (r.err != TH_OK || (first & KIND_MASK) != KIND_RECORD || th_rd_left(&r) < tag_len)
		return false;
	h->len = n - th_rd_left(&r);
	h->payload = th_rd_left(&r) - tag_len;
	return true;
}

bool th_record_peek(const uint8_t *p, size_t n, size_t cid_len, const uint8_t **cid)
{
	struct header h;

	assert(cid_len <= TH_RECORD_CID_MAX);
	if (n > TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX || !read_header(&h, p, n, cid_len, TH_RECORD_TAG))
		return false;
	*cid = h.cid;
	return true;
}

/* ---- sealing ---- */

size_t th_record_overhead(const struct th_record_key *key, size_t cid_len)
{
	return header_len(bits_for(key, key->window.next, key->window.next), cid_len) + key->cipher.tag_len;
}

enum th_err th_record_seal(struct th_record_key *key, uint64_t number, const uint8_t *cid, size_t cid_len,
			   const uint8_t *payload, size_t n, uint8_t *out, size_t cap, size_t *out_len)
{
	unsigned bits = bits_for(key, number, number > key->window.next ? number : key->window.next);
	struct th_wr w = th_wr_init(out, cap);

	assert(cid_len <= TH_RECORD_CID_MAX);
	*out_len = 0;
	if (th_window_look(&key->window, number) != TH_WINDOW_NEW)
		return TH_ERR_INVALID;
	if (is_past_limit(key, number) || bits == 0)
		return TH_ERR_FULL;
	if (n > TH_RECORD_PAYLOAD_MAX || cap < header_len(bits, cid_len) + n + key->cipher.tag_len)
		return TH_ERR_TOO_LARGE;
	th_window_mark(&key->window, number); /* before the cipher sees it: no failure may bring it back */
	write_header(&w, number, bits, cid, cid_len);
	if (!th_cipher_seal(&key->cipher, number, cid, cid_len, payload, n, out + w.n))
		return TH_ERR_IO;
	*out_len = w.n + n + key->cipher.tag_len;
	return TH_OK;
}

enum th_err th_record_resend(const struct th_record_key *key, size_t cid_len, uint64_t pn, const uint8_t *p, size_t n,
			     uint8_t *out, size_t cap, size_t *out_len)
{
	struct th_wr w = th_wr_init(out, cap);
	struct header h;
	unsigned bits;

	assert(cid_len <= TH_RECORD_CID_MAX);
	*out_len = 0;
	if (!read_header(&h, p, n, cid_len, key->cipher.tag_len) || pn >= key->window.next ||
	    (pn & (((uint64_t)1 << h.bits) - 1)) != h.low)
		return TH_ERR_INVALID;
	bits = bits_for(key, pn, key->window.next);
	if (key->window.next - pn > TH_WINDOW_SIZE || bits == 0)
		return TH_ERR_NOT_FOUND;
	write_header(&w, pn, bits, h.cid, cid_len);
	th_wr_bytes(&w, p + h.len, n - h.len);
	if (!th_wr_ok(&w))
		return TH_ERR_TOO_LARGE;
	*out_len = w.n;
	return TH_OK;
}

/* ---- opening ---- */

enum th_err th_record_open(struct th_record_key *key, size_t cid_len, const uint8_t *p, size_t n, uint8_t *out,
			   size_t *out_len, uint64_t *pn)
{
	enum th_window_verdict seen;
	struct header h;
	uint64_t number;

	assert(cid_len <= TH_RECORD_CID_MAX);
	*out_len = 0;
	if (!read_header(&h, p, n, cid_len, key->cipher.tag_len) || h.payload > TH_RECORD_PAYLOAD_MAX)
		return TH_ERR_MALFORMED;
	if (key->failures >= TH_RECORD_FAILURES_MAX)
		return TH_ERR_FULL;
	number = th_number_restore(key->window.next, h.low, h.bits);
	seen = th_window_look(&key->window, number);
	if (seen == TH_WINDOW_OLD || is_past_limit(key, number))
		return TH_ERR_MALFORMED;
	if (!th_cipher_open(&key->cipher, number, h.cid, cid_len, p + h.len, h.payload, out)) {
		key->failures++;
		return TH_ERR_MALFORMED;
	}
	th_window_mark(&key->window, number);
	*out_len = h.payload;
	*pn = number;
	return seen == TH_WINDOW_NEW ? TH_OK : TH_ERR_NOT_FOUND;
}
