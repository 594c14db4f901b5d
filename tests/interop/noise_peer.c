/* Our handshake behind a line protocol, for test_noise.py (not installed). Bytes are hex, "-" stands for none.
 *
 *     init NAME ROLE PROLOGUE STATIC-SECRET REMOTE-STATIC PSK     ROLE: i or r         ok
 *     write PAYLOAD          the next handshake message                                ok MESSAGE
 *     read MESSAGE           the other side's                                          ok PAYLOAD
 *     split                  after the last one: handshake hash, the other's key       ok HASH REMOTE-STATIC
 *     seal PAYLOAD, open MESSAGE     transport messages, counted from 0                ok BYTES
 *
 * Anything refused answers "error TEXT", and "dead" instead of "error" when the handshake is of no use any more. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "session/noise.h"
#include "session/suite.h"

enum { BYTES_MAX = TH_NOISE_MESSAGE_MAX, LINE_MAX_BYTES = 2 * BYTES_MAX + 1024, WORDS_MAX = 8 };

struct bytes {
	uint8_t b[BYTES_MAX + 1];
	size_t n;
};

static struct {
	struct th_noise hs;
	struct th_noise_secret send, receive;
	uint64_t sent, received;
	struct bytes in, out, prologue;
} peer;

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const char *hex, uint8_t *out, size_t cap, size_t *n)
{
	*n = 0;
	if (strcmp(hex, "-") == 0)
		return true;
	for (; hex[0] && hex[1] && *n < cap; hex += 2) {
		int hi = nibble(hex[0]), lo = nibble(hex[1]);

		if (hi < 0 || lo < 0)
			return false;
		out[(*n)++] = (uint8_t)(hi << 4 | lo);
	}
	return *hex == '\0';
}

static void put_hex(const uint8_t *p, size_t n)
{
	if (n == 0)
		putchar('-');
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
}

static void answer(enum th_err err, const uint8_t *p, size_t n)
{
	if (err != TH_OK) {
		printf("%s %s\n", th_noise_usable(&peer.hs) ? "error" : "dead", th_strerror(err));
		return;
	}
	printf("ok ");
	put_hex(p, n);
	putchar('\n');
}

/* 32 bytes or "-". */
static bool key_of(const char *hex, uint8_t out[TH_NOISE_KEY], bool *present)
{
	size_t n;

	*present = strcmp(hex, "-") != 0;
	return unhex(hex, out, TH_NOISE_KEY, &n) && (n == TH_NOISE_KEY || !*present);
}

static enum th_err init(char **word)
{
	struct th_noise_config c = { .protocol = th_str_of(word[1]), .initiator = word[2][0] == 'i' };
	struct th_noise_secret psk;
	struct th_noise_pair s;
	uint8_t rs[TH_NOISE_DH];
	bool has_s, has_rs, has_psk;

	if (!unhex(word[3], peer.prologue.b, BYTES_MAX, &peer.prologue.n) || !key_of(word[4], s.secret.b, &has_s) ||
	    !key_of(word[5], rs, &has_rs) || !key_of(word[6], psk.b, &has_psk))
		return TH_ERR_INVALID;
	if (has_s && !th_noise_public(s.public, &s.secret))
		return TH_ERR_IO;
	c.prologue = peer.prologue.b;
	c.prologue_len = peer.prologue.n;
	c.s = has_s ? &s : NULL;
	c.rs = has_rs ? rs : NULL;
	c.psk = has_psk ? &psk : NULL;
	peer.sent = peer.received = 0;
	return th_noise_init(&peer.hs, &c);
}

static void split(void)
{
	enum th_err err = th_noise_split(&peer.hs, &peer.send, &peer.receive);

	if (err != TH_OK) {
		answer(err, NULL, 0);
		return;
	}
	printf("ok ");
	put_hex(peer.hs.h, sizeof(peer.hs.h));
	putchar(' ');
	put_hex(peer.hs.rs, peer.hs.has_rs ? sizeof(peer.hs.rs) : 0);
	putchar('\n');
}

static void seal(void)
{
	bool ok = peer.in.n <= BYTES_MAX - TH_NOISE_TAG &&
		  th_suite_encrypt(peer.hs.suite, &peer.send, peer.sent++, NULL, 0, peer.in.b, peer.in.n, peer.out.b);

	answer(ok ? TH_OK : TH_ERR_INVALID, peer.out.b, peer.in.n + TH_NOISE_TAG);
}

static void open_one(void)
{
	bool ok = th_suite_decrypt(peer.hs.suite, &peer.receive, peer.received++, NULL, 0, peer.in.b, peer.in.n,
				   peer.out.b);

	answer(ok ? TH_OK : TH_ERR_MALFORMED, peer.out.b, ok ? peer.in.n - TH_NOISE_TAG : 0);
}

static void with_bytes(const char *verb, const char *hex)
{
	enum th_err err = TH_ERR_UNSUPPORTED;

	if (!unhex(hex, peer.in.b, BYTES_MAX, &peer.in.n)) {
		answer(TH_ERR_INVALID, NULL, 0);
		return;
	}
	if (strcmp(verb, "write") == 0)
		err = th_noise_write(&peer.hs, &th_rng_system, peer.in.b, peer.in.n, peer.out.b, BYTES_MAX,
				     &peer.out.n);
	else if (strcmp(verb, "read") == 0)
		err = th_noise_read(&peer.hs, peer.in.b, peer.in.n, peer.out.b, &peer.out.n);
	else if (strcmp(verb, "seal") == 0 && th_noise_done(&peer.hs)) {
		seal();
		return;
	} else if (strcmp(verb, "open") == 0 && th_noise_done(&peer.hs)) {
		open_one();
		return;
	}
	answer(err, peer.out.b, peer.out.n);
}

/* Words parted by single spaces, in place. */
static int cut(char *line, char **word)
{
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	while (n < WORDS_MAX) {
		char *end = strchr(line, ' ');

		word[n++] = line;
		if (!end)
			break;
		*end = '\0';
		line = end + 1;
	}
	return n;
}

int main(void)
{
	static char line[LINE_MAX_BYTES];
	char *word[WORDS_MAX];

	while (fgets(line, sizeof(line), stdin)) {
		int n = cut(line, word);

		if (n == 7 && strcmp(word[0], "init") == 0)
			answer(init(word), NULL, 0);
		else if (n == 1 && strcmp(word[0], "split") == 0)
			split();
		else if (n == 2)
			with_bytes(word[0], word[1]);
		else
			answer(TH_ERR_UNSUPPORTED, NULL, 0);
		fflush(stdout);
	}
	th_noise_wipe(&peer.hs);
	th_suite_release();
	return 0;
}
