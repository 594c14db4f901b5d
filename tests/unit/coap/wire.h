/* CoAP messages for tests, coded by a second hand: nothing here uses src/coap, so that a misreading of RFC 7252 there
 * is not confirmed by itself. Slow, bounded, and free to build what is wrong. */
#ifndef TH_UNIT_WIRE_H
#define TH_UNIT_WIRE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_MAX = 4096, WIRE_OPTIONS = 80 };

enum { W_CON = 0, W_NON = 1, W_ACK = 2, W_RST = 3 };

/* Codes as RFC 7252 §12.1 lists them. */
enum {
	W_EMPTY = 0x00,
	W_GET = 0x01,
	W_POST = 0x02,
	W_PUT = 0x03,
	W_DELETE = 0x04,
	W_201 = 0x41,
	W_202 = 0x42,
	W_203 = 0x43,
	W_204 = 0x44,
	W_205 = 0x45,
	W_231 = 0x5f,
	W_400 = 0x80,
	W_401 = 0x81,
	W_402 = 0x82,
	W_404 = 0x84,
	W_408 = 0x88,
	W_413 = 0x8d,
	W_500 = 0xa0,
	W_503 = 0xa3,
	W_504 = 0xa4,
};

enum {
	W_IF_MATCH = 1,
	W_URI_HOST = 3,
	W_ETAG = 4,
	W_OBSERVE = 6,
	W_URI_PATH = 11,
	W_CONTENT_FORMAT = 12,
	W_MAX_AGE = 14,
	W_URI_QUERY = 15,
	W_ACCEPT = 17,
	W_BLOCK2 = 23,
	W_BLOCK1 = 27,
	W_SIZE2 = 28,
	W_SIZE1 = 60,
	W_ECHO = 252,
	W_REQUEST_TAG = 292,
};

struct wire_option {
	uint32_t number;
	size_t n;
	const uint8_t *p; /* into pool or into the datagram read */
};

struct wire {
	unsigned version, type;
	uint8_t code;
	uint16_t mid;
	size_t token_len;
	uint8_t token[15];
	size_t n_options;
	struct wire_option options[WIRE_OPTIONS]; /* ascending */
	const uint8_t *payload;
	size_t payload_len;
	uint8_t pool[WIRE_MAX]; /* option values of a message being built */
	size_t pool_n;
};

static inline void wire_init(struct wire *w, unsigned type, uint8_t code, uint16_t mid, const char *token)
{
	memset(w, 0, offsetof(struct wire, pool));
	w->pool_n = 0;
	w->version = 1;
	w->type = type;
	w->code = code;
	w->mid = mid;
	w->token_len = strlen(token);
	assert(w->token_len <= sizeof(w->token));
	memcpy(w->token, token, w->token_len);
}

/* After those of the same number, before those of a higher one. */
static inline void wire_option(struct wire *w, uint32_t number, const void *p, size_t n)
{
	size_t at = w->n_options;

	assert(w->n_options < WIRE_OPTIONS && n <= WIRE_MAX - w->pool_n);
	while (at > 0 && w->options[at - 1].number > number)
		at--;
	memmove(&w->options[at + 1], &w->options[at], (w->n_options - at) * sizeof(w->options[0]));
	w->n_options++;
	if (n)
		memcpy(w->pool + w->pool_n, p, n);
	w->options[at] = (struct wire_option){ number, n, w->pool + w->pool_n };
	w->pool_n += n;
}

static inline void wire_text(struct wire *w, uint32_t number, const char *text)
{
	wire_option(w, number, text, strlen(text));
}

static inline void wire_number(struct wire *w, uint32_t number, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	size_t skip = v > 0xffffff ? 0 : v > 0xffff ? 1 : v > 0xff ? 2 : v > 0 ? 3 : 4;

	wire_option(w, number, b + skip, 4 - skip);
}

/* NUM/M/SIZE as RFC 7959 writes them, SIZE in bytes. */
static inline void wire_block(struct wire *w, uint32_t number, uint32_t num, bool more, unsigned size)
{
	unsigned szx = 0;

	while (16u << szx < size)
		szx++;
	wire_number(w, number, num << 4 | (more ? 8u : 0u) | szx);
}

/* Borrows p until the message is put. */
static inline void wire_payload(struct wire *w, const void *p, size_t n)
{
	w->payload = p;
	w->payload_len = n;
}

static inline size_t wire_put_nibble(uint8_t *ext, uint32_t v, unsigned *nibble)
{
	if (v >= 269) {
		*nibble = 14;
		ext[0] = (uint8_t)((v - 269) / 256);
		ext[1] = (uint8_t)((v - 269) % 256);
		return 2;
	}
	if (v >= 13) {
		*nibble = 13;
		ext[0] = (uint8_t)(v - 13);
		return 1;
	}
	*nibble = v;
	return 0;
}

/* Returns the length; the message must fit. */
static inline size_t wire_put(const struct wire *w, uint8_t *out, size_t cap)
{
	uint8_t buf[2 * WIRE_MAX];
	uint32_t last = 0;
	size_t n = 4;

	assert(w->payload_len <= WIRE_MAX);
	buf[0] = (uint8_t)(w->version * 64 + w->type * 16 + w->token_len);
	buf[1] = w->code;
	buf[2] = (uint8_t)(w->mid / 256);
	buf[3] = (uint8_t)(w->mid % 256);
	memcpy(buf + n, w->token, w->token_len);
	n += w->token_len;
	for (size_t i = 0; i < w->n_options; i++) {
		uint8_t ext[4];
		unsigned delta, len;
		size_t d = wire_put_nibble(ext, w->options[i].number - last, &delta);
		size_t l = wire_put_nibble(ext + d, (uint32_t)w->options[i].n, &len);

		buf[n++] = (uint8_t)(delta * 16 + len);
		memcpy(buf + n, ext, d + l);
		n += d + l;
		memcpy(buf + n, w->options[i].p, w->options[i].n);
		n += w->options[i].n;
		last = w->options[i].number;
	}
	if (w->payload_len) {
		buf[n++] = 0xff;
		memcpy(buf + n, w->payload, w->payload_len);
		n += w->payload_len;
	}
	assert(n <= cap);
	memcpy(out, buf, n);
	return n;
}

static inline bool wire_get_nibble(const uint8_t *p, size_t n, size_t *at, unsigned nibble, uint32_t *out)
{
	size_t more = nibble == 13 ? 1 : nibble == 14 ? 2 : 0;

	if (nibble == 15 || n - *at < more)
		return false;
	*out = nibble;
	if (more == 1)
		*out = p[*at] + 13u;
	if (more == 2)
		*out = p[*at] * 256u + p[*at + 1] + 269u;
	*at += more;
	return true;
}

/* Whether the bytes are a well-formed message of RFC 7252 §3; options beyond WIRE_OPTIONS make it false, too. */
static inline bool wire_get(struct wire *w, const uint8_t *p, size_t n)
{
	size_t at = 4;
	uint32_t number = 0;

	memset(w, 0, offsetof(struct wire, pool));
	w->pool_n = 0;
	if (n < 4)
		return false;
	w->version = p[0] / 64;
	w->type = p[0] / 16 % 4;
	w->token_len = p[0] % 16;
	w->code = p[1];
	w->mid = (uint16_t)(p[2] * 256 + p[3]);
	if (w->version != 1 || w->token_len > 8 || w->token_len > n - 4 || (w->code == 0 && n > 4))
		return false;
	memcpy(w->token, p + 4, w->token_len);
	at += w->token_len;
	while (at < n && p[at] != 0xff) {
		unsigned delta = p[at] / 16, len = p[at] % 16;
		uint32_t d, l;

		at++;
		if (!wire_get_nibble(p, n, &at, delta, &d) || !wire_get_nibble(p, n, &at, len, &l) || l > n - at)
			return false;
		number += d;
		if (number > 65535 || w->n_options == WIRE_OPTIONS)
			return false;
		w->options[w->n_options++] = (struct wire_option){ number, l, p + at };
		at += l;
	}
	if (at == n)
		return true;
	w->payload = p + at + 1;
	w->payload_len = n - at - 1;
	return w->payload_len > 0;
}

static inline const struct wire_option *wire_find(const struct wire *w, uint32_t number)
{
	for (size_t i = 0; i < w->n_options; i++)
		if (w->options[i].number == number)
			return &w->options[i];
	return NULL;
}

/* The option as a number; UINT32_MAX when it is missing. */
static inline uint32_t wire_uint(const struct wire *w, uint32_t number)
{
	const struct wire_option *o = wire_find(w, number);
	uint32_t v = 0;

	if (!o)
		return UINT32_MAX;
	assert(o->n <= 4);
	for (size_t i = 0; i < o->n; i++)
		v = v * 256 + o->p[i];
	return v;
}

struct wire_block {
	bool there, more;
	uint32_t num;
	size_t size;
};

static inline struct wire_block wire_block_of(const struct wire *w, uint32_t number)
{
	uint32_t v = wire_uint(w, number);

	if (v == UINT32_MAX)
		return (struct wire_block){ 0 };
	return (struct wire_block){ true, (v & 8) != 0, v >> 4, (size_t)16 << (v & 7) };
}

static inline bool wire_token_is(const struct wire *w, const char *token)
{
	return w->token_len == strlen(token) && memcmp(w->token, token, w->token_len) == 0;
}

#endif
