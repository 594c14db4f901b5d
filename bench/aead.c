/* What a small record costs: nanoseconds to seal and to open one, and bytes beside other protocols'.
 *
 * usage: bench-aead [MILLISECONDS a line] */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "session/record.h"

enum { DEFAULT_MS = 300, MAX_MS = 10000, BATCH = 200, ROUNDS = 40, NONCE = 12, TAG = 16, BUF = 2048 };

static const size_t SIZES[] = { 16, 64, 256, 1024 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-aead: %s failed\n", what);
	exit(1);
}

/* ---- what is measured: one packet of n bytes, sealed and opened ---- */

struct subject {
	struct th_record_key tx, rx;
	EVP_CIPHER_CTX *seal, *open;
	uint8_t plain[BUF], sealed[BUF], opened[BUF], nonce[NONCE];
	size_t n, record_len, cid_len;
	uint64_t pn;
};

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

/* A key is good for 2^26 packets; its counters are set back so that one key serves the whole measurement. Only here. */
static void record_seal(struct subject *s)
{
	s->tx.window.next = s->tx.acknowledged = s->tx.window.next & UINT16_MAX;
	if (seal_next(&s->tx, s->plain, s->cid_len, s->plain, s->n, s->sealed, BUF, &s->record_len, &s->pn) !=
	    TH_OK)
		die("seal");
}

static void record_open(struct subject *s)
{
	size_t len;
	uint64_t pn;

	s->rx.window.next = s->pn;
	if (th_record_open(&s->rx, s->cid_len, s->sealed, s->record_len, s->opened, &len, &pn) != TH_OK || len != s->n)
		die("open");
	s->rx.window.bits[pn / 64 % TH_WINDOW_WORDS] = 0; /* the same record is new again */
}

static void evp_seal(struct subject *s)
{
	int len;

	s->nonce[0]++;
	if (EVP_EncryptInit_ex(s->seal, NULL, NULL, NULL, s->nonce) <= 0 ||
	    EVP_EncryptUpdate(s->seal, s->sealed, &len, s->plain, (int)s->n) <= 0 ||
	    EVP_EncryptFinal_ex(s->seal, s->sealed + len, &len) <= 0 ||
	    EVP_CIPHER_CTX_ctrl(s->seal, EVP_CTRL_AEAD_GET_TAG, TAG, s->sealed + s->n) <= 0)
		die("EVP seal");
}

static void evp_open(struct subject *s)
{
	int len;

	if (EVP_DecryptInit_ex(s->open, NULL, NULL, NULL, s->nonce) <= 0 ||
	    EVP_DecryptUpdate(s->open, s->opened, &len, s->sealed, (int)s->n) <= 0 ||
	    EVP_CIPHER_CTX_ctrl(s->open, EVP_CTRL_AEAD_SET_TAG, TAG, s->sealed + s->n) <= 0 ||
	    EVP_DecryptFinal_ex(s->open, s->opened + len, &len) <= 0)
		die("EVP open");
}

/* ---- measuring ---- */

/* The best of some rounds: what the machine can do when nobody disturbs it. */
static double measure(struct subject *s, void (*fn)(struct subject *), double ms)
{
	double best = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns(), end = start;
		size_t count = 0;

		while (end - start < ms * 1e6 / ROUNDS) {
			for (int i = 0; i < BATCH; i++)
				fn(s);
			count += BATCH;
			end = now_ns();
		}
		best = (end - start) / (double)count < best ? (end - start) / (double)count : best;
	}
	return best;
}

static void line(struct subject *s, const char *name, void (*seal)(struct subject *), void (*open)(struct subject *),
		 double ms)
{
	printf("%-34s", name);
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		double a, b;

		s->n = SIZES[i];
		a = measure(s, seal, ms);
		seal(s);
		b = measure(s, open, ms);
		printf("  %5.0f %5.0f", a, b);
		fflush(stdout);
	}
	printf("\n");
}

static void record_line(const char *name, size_t tag_len, size_t cid_len, double ms)
{
	struct subject s = { .cid_len = cid_len };
	const struct th_noise_secret k = { { 1 } };

	if (th_record_key_init(&s.tx, &k, tag_len, TH_CIPHER_SEAL, 0) != TH_OK ||
	    th_record_key_init(&s.rx, &k, tag_len, TH_CIPHER_OPEN, 0) != TH_OK)
		die("key");
	line(&s, name, record_seal, record_open, ms);
	th_record_key_free(&s.tx);
	th_record_key_free(&s.rx);
}

static void evp_line(const char *name, const char *cipher, double ms)
{
	struct subject s = { .seal = EVP_CIPHER_CTX_new(), .open = EVP_CIPHER_CTX_new() };
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher, NULL);
	const uint8_t key[32] = { 1 };

	if (!c || !s.seal || !s.open || EVP_EncryptInit_ex(s.seal, c, NULL, key, s.nonce) <= 0 ||
	    EVP_DecryptInit_ex(s.open, c, NULL, key, s.nonce) <= 0)
		die(name);
	line(&s, name, evp_seal, evp_open, ms);
	EVP_CIPHER_free(c);
	EVP_CIPHER_CTX_free(s.seal);
	EVP_CIPHER_CTX_free(s.open);
}

/* What a new key costs: fetching the cipher, expanding the key. */
static void key_line(double ms)
{
	const struct th_noise_secret k = { { 1 } };
	double start = now_ns(), end = start;
	size_t count = 0;

	while (end - start < ms * 1e6) {
		struct th_record_key key;

		if (th_record_key_init(&key, &k, TH_RECORD_TAG, TH_CIPHER_SEAL, 0) != TH_OK)
			die("key");
		th_record_key_free(&key);
		count++;
		end = now_ns();
	}
	printf("\na key made and wiped: %.0f ns\n", (end - start) / (double)count);
}

/* Ours is measured; the others are their formats' fixed fields, added up. */
static void overheads(void)
{
	struct th_record_key key = { .cipher = { .tag_len = TH_RECORD_TAG } };
	struct th_record_key far = { .cipher = { .tag_len = TH_RECORD_TAG }, .window = { .next = 1000 } };

	printf("\nbytes that a record adds to its payload\n"
	       "  %2zu to %zu  thimble, connection ID of 0 to 2 bytes\n"
	       "  %2zu to %zu  the same when the peer has confirmed none of the last 16\n"
	       "  11       DTLS 1.3 at its least: 1 flags, 1 number, 1 content type, 8 tag (RFC 9147 §4, CCM_8)\n"
	       "  12 to 22 DTLS 1.3 with a number of 2 bytes: 2 length where needed, tag of 8 or 16\n"
	       "  13, 11   OSCORE, request and response (RFC 8613 C.4 and C.7)\n"
	       "  29       DTLS 1.2: 13 header, 8 explicit nonce, 8 tag (RFC 6655, CCM_8)\n"
	       "  32       WireGuard: 16 header, 16 tag; and up to 15 of padding\n",
	       th_record_overhead(&key, 0), th_record_overhead(&key, 2), th_record_overhead(&far, 0),
	       th_record_overhead(&far, 2));
}

int main(int argc, char **argv)
{
	double ms = argc > 1 ? strtod(argv[1], NULL) : DEFAULT_MS;

	if (!(ms >= 1 && ms <= MAX_MS)) {
		fprintf(stderr, "usage: bench-aead [MILLISECONDS a line, 1 to %d]\n", MAX_MS);
		return 2;
	}
	printf("%-34s  %11s  %11s  %11s  %11s\n", "ns to seal and to open one packet", "16 bytes", "64 bytes",
	       "256 bytes", "1024 bytes");
	record_line("record, CCM tag 8, no ID", TH_RECORD_TAG, 0, ms);
	record_line("record, CCM tag 8, ID of 1", TH_RECORD_TAG, 1, ms);
	record_line("record, CCM tag 16, ID of 1", TH_RECORD_TAG_LONG, 1, ms);
	evp_line("AES-256-GCM alone", "AES-256-GCM", ms);
	evp_line("ChaCha20-Poly1305 alone", "ChaCha20-Poly1305", ms);
	key_line(ms);
	overheads();
	return 0;
}
