/* Hostile records between two honest ends: whatever is changed, made up, lost, doubled or reordered, only what was
 * sealed opens, once, under its own number, and a refused record leaves no byte of plaintext. A byte of settings, then
 * operations of a byte and an argument each. */
#include "fuzz.h"

#include <string.h>

#include "base/rd.h"
#include "session/record.h"

enum {
	KEPT = 32,
	OPS_MAX = 400,
	NUMBERS_MAX = 4096,
	BUF = TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX,
	MARK = 0xee,
	STEP = UINT8_MAX, /* the most numbers that one jump leaves out */
};

static const uint8_t CID[TH_RECORD_CID_MAX] = { 0x5a, 0xa5 };

struct kept {
	uint8_t b[BUF];
	size_t n, payload;
	uint64_t pn;
};

static struct {
	struct th_record_key tx, rx;
	struct kept kept[KEPT]; /* the newest sealed, by turn */
	size_t sealed, cid_len;
	bool opened[NUMBERS_MAX];
} s;

static uint8_t byte_of(uint64_t pn, size_t i)
{
	return (uint8_t)(pn * 131 + i * 7);
}

static void set_up(uint8_t settings)
{
	const struct th_noise_secret k = { { 7 } };
	size_t tag = settings & 0x80 ? TH_RECORD_TAG_LONG : TH_RECORD_TAG;

	memset(&s, 0, sizeof(s));
	s.cid_len = settings % (TH_RECORD_CID_MAX + 1u);
	FUZZ_CHECK(th_record_key_init(&s.tx, &k, tag, TH_CIPHER_SEAL, 0) == TH_OK);
	FUZZ_CHECK(th_record_key_init(&s.rx, &k, tag, TH_CIPHER_OPEN, 0) == TH_OK);
}

/* Seals under the next number, which is given back when it was sealed. */
static enum th_err seal_next(struct th_record_key *key, const uint8_t *cid, size_t cid_len, const uint8_t *payload,
			     size_t n, uint8_t *out, size_t cap, size_t *len, uint64_t *pn)
{
	uint64_t number = key->window.next;
	enum th_err err = th_record_seal(key, number, cid, cid_len, payload, n, out, cap, len);

	if (err == TH_OK)
		*pn = number;
	return err;
}

static void seal(size_t n)
{
	struct kept *k = &s.kept[s.sealed % KEPT];
	size_t overhead = th_record_overhead(&s.tx, s.cid_len);
	uint64_t want = s.tx.window.next;
	uint8_t payload[BUF];
	const uint8_t *cid;

	if (want >= NUMBERS_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		payload[i] = byte_of(want, i);
	FUZZ_CHECK(seal_next(&s.tx, CID, s.cid_len, payload, n, k->b, sizeof(k->b), &k->n, &k->pn) == TH_OK);
	FUZZ_CHECK(k->pn == want && s.tx.window.next == want + 1 && k->n == n + overhead);
	FUZZ_CHECK(th_record_peek(k->b, k->n, s.cid_len, &cid) && memcmp(cid, CID, s.cid_len) == 0);
	k->payload = n;
	s.sealed++;
}

/* `sent`: what was sealed, when the datagram is a copy of it. */
static void deliver(const uint8_t *p, size_t n, const struct kept *sent)
{
	uint8_t out[BUF];
	uint64_t pn = UINT64_MAX, failures = s.rx.failures;
	struct th_window before = s.rx.window;
	size_t len;
	enum th_err err;

	memset(out, MARK, sizeof(out));
	err = th_record_open(&s.rx, s.cid_len, p, n, out, &len, &pn);
	if (err == TH_ERR_MALFORMED) {
		FUZZ_CHECK(len == 0 && pn == UINT64_MAX && s.rx.failures - failures <= 1);
		FUZZ_CHECK(memcmp(&before, &s.rx.window, sizeof(before)) == 0);
		for (size_t i = 0; i < n; i++)
			FUZZ_CHECK(out[i] == MARK || out[i] == 0);
		return;
	}
	FUZZ_CHECK(sent && (err == TH_OK || err == TH_ERR_NOT_FOUND)); /* nobody guesses a tag */
	FUZZ_CHECK(pn == sent->pn && len == sent->payload && s.rx.failures == failures);
	FUZZ_CHECK(s.opened[pn] == (err == TH_ERR_NOT_FOUND));
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(out[i] == byte_of(pn, i));
	s.opened[pn] = true;
}

static void deliver_changed(const struct kept *k, uint8_t where, uint8_t what)
{
	static uint8_t copy[BUF + 1];
	size_t at = where % k->n, n = k->n;

	memcpy(copy, k->b, n);
	if (what == 0) /* shorter, or longer */
		n = where & 1 ? at : n + (n < BUF);
	else
		copy[at] ^= what;
	deliver(copy, n, NULL);
}

/* A record written again reaches a receiver who has seen no more than was sent and no less than was acknowledged. */
static void resend(const struct kept *k)
{
	uint8_t again[BUF + 2];
	size_t n;
	enum th_err err = th_record_resend(&s.tx, s.cid_len, k->pn, k->b, k->n, again, sizeof(again), &n);

	if (s.tx.window.next - k->pn > TH_WINDOW_SIZE) {
		FUZZ_CHECK(err == TH_ERR_NOT_FOUND);
		return;
	}
	FUZZ_CHECK(err == TH_OK);
	deliver(again, n, k);
	FUZZ_CHECK(s.opened[k->pn]);
}

static void one_op(struct th_rd *r)
{
	unsigned op = (unsigned)th_rd_uint(r, 1);
	uint8_t arg = (uint8_t)th_rd_uint(r, 1);
	struct kept *k = &s.kept[arg % KEPT];

	if (op % 8 >= 2 && op % 8 <= 4 && k->n == 0)
		return;
	switch (op % 8) {
	case 0:
		seal(arg);
		break;
	case 1:
		seal(arg);
		k = &s.kept[(s.sealed + KEPT - 1) % KEPT];
		deliver(k->b, k->n, k->n ? k : NULL);
		break;
	case 2:
		deliver(k->b, k->n, k);
		break;
	case 3:
		deliver_changed(k, (uint8_t)th_rd_uint(r, 1), (uint8_t)th_rd_uint(r, 1));
		break;
	case 4:
		resend(k);
		break;
	case 5: /* news, of what has arrived */
		if (s.rx.window.next)
			th_record_acknowledged(&s.tx, s.rx.window.next - 1);
		break;
	case 6: /* numbers that were used up and lost */
		s.tx.window.next += s.tx.window.next + STEP < NUMBERS_MAX ? arg : 0u;
		break;
	default:
		deliver(r->p, arg < th_rd_left(r) ? arg : th_rd_left(r), NULL);
		th_rd_bytes(r, arg < th_rd_left(r) ? arg : th_rd_left(r));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct th_rd r = th_rd_init(data, n);

	set_up((uint8_t)th_rd_uint(&r, 1));
	for (int i = 0; i < OPS_MAX && th_rd_left(&r) > 0; i++)
		one_op(&r);
	th_record_key_free(&s.tx);
	th_record_key_free(&s.rx);
	return 0;
}
