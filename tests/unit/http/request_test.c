/* The pure half of the listener: bytes to requests, without sockets. */
#include "guard.h"
#include "unit.h"

#include "http/date.h"
#include "http/request.h"
#include "http/request_line.h"

static const struct th_listener_limits limits = {
	.head_bytes = 2048, .target_bytes = 1024, .fields = 16, .body_bytes = 100000
};

/* What the steps said, as text: one "H" line a head, the bodies, "E" at ends, "!status" at a refusal. */
struct transcript {
	char text[16384];
	size_t n;
	uint16_t status;
};

static void say(struct transcript *t, const void *p, size_t n)
{
	assert_true(n < sizeof(t->text) - t->n);
	memcpy(t->text + t->n, p, n);
	t->n += n;
	t->text[t->n] = '\0';
}

static void say_head(struct transcript *t, const struct th_request_step *s)
{
	char line[128];

	say(t, "H ", 2);
	say(t, s->head.method.p, s->head.method.n);
	say(t, " ", 1);
	say(t, s->head.target.p, s->head.target.n);
	snprintf(line, sizeof(line), " 1.%u %lld%s%s\n", s->minor,
		 s->head.body_len == TH_BODY_UNKNOWN ? -1LL : (long long)s->head.body_len, s->keep_alive ? " keep" : "",
		 s->expect_continue ? " expect" : "");
	say(t, line, strlen(line));
	for (size_t i = 0; i < s->head.n_fields; i++) {
		say(t, s->head.fields[i].name.p, s->head.fields[i].name.n);
		say(t, "=", 1);
		say(t, s->head.fields[i].value.p, s->head.fields[i].value.n);
		say(t, "\n", 1);
	}
}

/* One step; false when it asks for more, or refuses. */
static bool step(struct th_request *r, const uint8_t *p, size_t n, size_t *used, struct transcript *t)
{
	struct th_request_step s;
	char line[16];

	switch (th_request_next(r, p + *used, n - *used, &s)) {
	case TH_REQUEST_MORE:
		*used += s.used;
		return false;
	case TH_REQUEST_HEAD:
		say_head(t, &s);
		break;
	case TH_REQUEST_BODY:
		say(t, s.body, s.body_n);
		assert_ptr_equal(s.body + s.body_n, p + *used + s.used);
		break;
	case TH_REQUEST_END:
		say(t, "\nE\n", 3);
		break;
	case TH_REQUEST_BAD:
		t->status = s.status;
		assert_non_null(s.reason);
		snprintf(line, sizeof(line), "!%u", s.status);
		say(t, line, strlen(line));
		return false;
	}
	*used += s.used;
	assert_true(*used <= n);
	return true;
}

/* Offers the input grown by `piece` bytes at a time; each offer ends at the end of its memory as a socket's buffer
 * might. */
static void parse(struct transcript *t, const uint8_t *p, size_t n, size_t piece)
{
	struct th_request r;
	size_t used = 0;

	t->n = 0;
	t->status = 0;
	t->text[0] = '\0';
	th_request_init(&r, &limits);
	for (size_t have = 0; have < n && !t->status;) {
		have = n - have < piece ? n : have + piece;
		while (step(&r, p, have, &used, t))
			;
	}
}

#define H "Host: h\r\n"
#define POST_CHUNKED "POST /u HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"

static const struct {
	const char *bytes, *says;
} valid[] = {
	{ "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "H GET / 1.1 0 keep\nHost=h\n\nE\n" },
	{ "GET / HTTP/1.0\r\n\r\n", "H GET / 1.0 0\n\nE\n" },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "H GET / 1.0 0 keep\n\nE\n" },
	{ "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost:h\r\n\r\n",
	  "H GET / 1.1 0 keep\nHost=h\n\nE\nH GET /2 1.1 0 keep\nHost=h\n\nE\n" },
	/* Targets byte for byte. */
	{ "GET /%2F%21+?a=&&b=1&b=2#frag HTTP/1.1\r\n" H "\r\n",
	  "H GET /%2F%21+?a=&&b=1&b=2#frag 1.1 0 keep\nHost=h\n\nE\n" },
	{ "GET /\xc3\xa9\xff?\x80\"<>{}|^` HTTP/1.1\r\n" H "\r\n",
	  "H GET /\xc3\xa9\xff?\x80\"<>{}|^` 1.1 0 keep\nHost=h\n\nE\n" },
	{ "GET http://h:8/x HTTP/1.1\r\n" H "\r\n", "H GET http://h:8/x 1.1 0 keep\nHost=h\n\nE\n" },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", "H OPTIONS * 1.1 0 keep\nHost=h\n\nE\n" },
	{ "GET //a//../b HTTP/1.1\r\n" H "\r\n", "H GET //a//../b 1.1 0 keep\nHost=h\n\nE\n" },
	/* Any method. */
	{ "FROB /x HTTP/1.1\r\n" H "\r\n", "H FROB /x 1.1 0 keep\nHost=h\n\nE\n" },
	{ "get /x HTTP/1.1\r\n" H "\r\n", "H get /x 1.1 0 keep\nHost=h\n\nE\n" },
	{ "M!#$%&'*+-.^_`|~9 /x HTTP/1.1\r\n" H "\r\n", "H M!#$%&'*+-.^_`|~9 /x 1.1 0 keep\nHost=h\n\nE\n" },
	{ "HEAD /x HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi", "H HEAD /x 1.1 2 keep\nHost=h\nhi\nE\n" },
	/* Bodies. */
	{ "PUT /x HTTP/1.1\r\n" H "Content-Length: 5 \r\n\r\nhelloPUT /y HTTP/1.1\r\n" H "content-length: 0\r\n\r\n",
	  "H PUT /x 1.1 5 keep\nHost=h\nhello\nE\nH PUT /y 1.1 0 keep\nHost=h\n\nE\n" },
	{ POST_CHUNKED "5\r\nhello\r\n1;a=b\r\n \r\n005\r\nthere\r\n0\r\n\r\n",
	  "H POST /u 1.1 -1 keep\nHost=h\nhello there\nE\n" },
	{ POST_CHUNKED "0\r\nTrailer: x\r\nOther: y\r\n\r\n", "H POST /u 1.1 -1 keep\nHost=h\n\nE\n" },
	{ POST_CHUNKED "A;q=\"x y\"\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
	  "H POST /u 1.1 -1 keep\nHost=h\n0123456789\nE\nH GET / 1.1 0 keep\nHost=h\n\nE\n" },
	/* Fields: names as spelled, values trimmed; framing and hop-by-hop ones are not for the flow. */
	{ "GET / HTTP/1.1\r\n" H "aCCept:\t a, b \t\r\nX-Empty:\r\nX-Obs: \xe9\r\n\r\n",
	  "H GET / 1.1 0 keep\nHost=h\naCCept=a, b\nX-Empty=\nX-Obs=\xe9\n\nE\n" },
	{ "GET / HTTP/1.1\r\n" H
	  "Connection: close, X-Mine ,host\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: a\r\n"
	  "Upgrade: h2c\r\nProxy-Connection: x\r\nA: b\r\n\r\n",
	  "H GET / 1.1 0\nHost=h\nA=b\n\nE\n" },
	{ "POST / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
	  "H POST / 1.1 2 keep\nHost=h\nhi\nE\n" },
	{ "PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
	  "H PUT / 1.1 1 keep expect\nHost=h\nx\nE\n" },
	{ "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", "H PUT / 1.1 0 keep\nHost=h\n\nE\n" },
	{ "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "H PUT / 1.0 1\nx\nE\n" },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", "H GET / 1.1 0 keep\nHost=\n\nE\n" },
	{ "GET / HTTP/1.1\r\nHost: [::1]:8888\r\n\r\n", "H GET / 1.1 0 keep\nHost=[::1]:8888\n\nE\n" },
};

static void valid_in_any_split(void **state)
{
	struct guard g = guard_new(4096);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(valid); i++) {
		size_t n = strlen(valid[i].bytes);
		const uint8_t *p = guard_put(&g, valid[i].bytes, n);
		struct transcript t;

		for (size_t piece = 1; piece <= n; piece++) {
			parse(&t, p, n, piece);
			assert_string_equal(t.text, valid[i].says);
		}
	}
	guard_del(&g);
}

/* No prefix of a right request is refused, and what it says is a prefix of what the whole says. */
static void every_prefix(void **state)
{
	struct guard g = guard_new(4096);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(valid); i++) {
		for (size_t n = 0; n < strlen(valid[i].bytes); n++) {
			const uint8_t *p = guard_put(&g, valid[i].bytes, n);
			struct transcript t;

			parse(&t, p, n, n ? n : 1);
			assert_int_equal(t.status, 0);
			assert_memory_equal(t.text, valid[i].says, t.n);
		}
	}
	guard_del(&g);
}

static const struct {
	const char *bytes;
	size_t n; /* 0: strlen */
	uint16_t status;
} bad[] = {
	/* Request line. */
	{ "GET /\r\n\r\n", 0, 400 }, /* HTTP/0.9 */
	{ "GET / HTTP/0.9\r\n\r\n", 0, 505 },
	{ "GET / HTTP/2.0\r\n" H "\r\n", 0, 505 },
	{ "GET / HTTP/1.2\r\n" H "\r\n", 0, 505 },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 505 },
	{ "PRI / HTTP/1.1\r\n" H "\r\n", 0, 501 },
	{ "CONNECT h:443 HTTP/1.1\r\n" H "\r\n", 0, 501 },
	{ "GET / http/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET / HTTP/1.1 \r\n" H "\r\n", 0, 400 },
	{ "GET  / HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET /a b HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET\t/ HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ " GET / HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "G(T / HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "G\xc3T / HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET x HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET * HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET /\x7f HTTP/1.1\r\n" H "\r\n", 0, 400 },
	{ "GET /\0 HTTP/1.1\r\n" H "\r\n", 28, 400 },
	{ "\x16\x03\x01", 0, 400 }, /* TLS */
	{ "\n", 0, 400 },
	{ "\r\n\r\n\r\n\r\n\r\n", 0, 400 },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" H "\r\n", 0, 501 },
	/* Host. */
	{ "GET / HTTP/1.1\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H H "\r\n", 0, 400 },
	{ "GET / HTTP/1.0\r\n" H H "\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 0, 400 },
	/* Lines and fields. */
	{ "GET / HTTP/1.1\n" H "\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\nHost: h\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A: b\rC: d\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r" H "\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A: b\r\n folded\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n A: b\r\n" H "\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A B: b\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "A: x\0y\r\n\r\n", 35, 400 },
	{ "GET / HTTP/1.1\r\n" H "A\0: xy\r\n\r\n", 35, 400 },
	{ "GET / HTTP/1.1\r\n" H "\xe9: x\r\n\r\n", 0, 400 },
	{ "GET / HTTP/1.1\r\n" H "Expect: 200-maybe\r\n\r\n", 0, 417 },
	{ "GET / HTTP/1.1\r\n" H
	  "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6,7\r\n\r\n",
	  0, 400 },
	{ "GET / HTTP/1.1\r\n" H
	  "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n10:\r\n11:\r\n12:\r\n13:\r\n14:\r\n"
	  "15:\r\n16:\r\n\r\n",
	  0, 431 },
	/* Framing. */
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999\r\n\r\nx", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\nx", 0, 413 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 100001\r\n\r\nx", 0, 413 },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 501 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 0, 400 },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\x0b"
	  "chunked\r\n\r\n0\r\n\r\n",
	  0, 400 },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400 },
	/* Chunks. */
	{ POST_CHUNKED "x\r\n", 0, 400 },
	{ POST_CHUNKED "0x5\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "+5\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "-5\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED " 5\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "5 \r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "5\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "5\r\nhello\n0\r\n\r\n", 0, 400 },
	{ POST_CHUNKED "5\r\nhello0\r\n\r\n", 0, 400 },
	{ POST_CHUNKED "5\r\nhelloo\r\n0\r\n\r\n", 0, 400 },
	{ POST_CHUNKED "0\r\n\n", 0, 400 },
	{ POST_CHUNKED "0\r\nA: b\n\r\n", 0, 400 },
	{ POST_CHUNKED "0\r\nA: b\r\n\n", 0, 400 },
	{ POST_CHUNKED "0\r\nA : b\r\n\r\n", 0, 400 },
	{ POST_CHUNKED "5;a\nb\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "5;a\rb\r\nhello\r\n", 0, 400 },
	{ POST_CHUNKED "ffffffffffffffff\r\n", 0, 413 },
	{ POST_CHUNKED "10000000000000000\r\n", 0, 400 },
	{ POST_CHUNKED "186a1\r\n", 0, 413 }, /* body_bytes + 1 */
};

/* Whole and a byte at a time give the same refusal. */
static void refused(void **state)
{
	struct guard g = guard_new(4096);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		size_t n = bad[i].n ? bad[i].n : strlen(bad[i].bytes);
		const uint8_t *p = guard_put(&g, bad[i].bytes, n);
		struct transcript t;

		for (size_t piece = 1; piece <= n; piece++) {
			parse(&t, p, n, piece);
			if (t.status != bad[i].status)
				print_error("case %zu, pieces of %zu: %s -> %u\n", i, piece, bad[i].bytes, t.status);
			assert_int_equal(t.status, bad[i].status);
		}
	}
	guard_del(&g);
}

static uint16_t status_of(const char *bytes, size_t n, size_t piece)
{
	static struct transcript t;

	parse(&t, (const uint8_t *)bytes, n, piece);
	return t.status;
}

static size_t fill(char *out, const char *before, char c, size_t n, const char *after)
{
	size_t a = strlen(before), b = strlen(after);

	memcpy(out, before, a);
	memset(out + a, c, n);
	memcpy(out + a + n, after, b);
	return a + n + b;
}

/* At a limit it passes, one byte past it does not, whole and in pieces; an endless line is refused without its end. */
static void at_the_limits(void **state)
{
	static char buf[32768];
	size_t n;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(buf); piece = piece * 7 + 1) {
		n = fill(buf, "GET /", 'a', limits.target_bytes - 1, " HTTP/1.1\r\n" H "\r\n");
		assert_int_equal(status_of(buf, n, piece), 0);
		n = fill(buf, "GET /", 'a', limits.target_bytes, " HTTP/1.1\r\n" H "\r\n");
		assert_int_equal(status_of(buf, n, piece), 414);
		n = fill(buf, "GET /", 'a', 20000, "");
		assert_int_equal(status_of(buf, n, piece), 414);
		n = fill(buf, "GET / HTTP/1.1\r\n" H "A:", 'a', limits.head_bytes - 31, "\r\n\r\n");
		assert_int_equal(n, limits.head_bytes);
		assert_int_equal(status_of(buf, n, piece), 0);
		n = fill(buf, "GET / HTTP/1.1\r\n" H "A:", 'a', limits.head_bytes - 30, "\r\n\r\n");
		assert_int_equal(status_of(buf, n, piece), 431);
		n = fill(buf, "GET / HTTP/1.1\r\n" H "A:", 'a', 20000, "");
		assert_int_equal(status_of(buf, n, piece), 431);
		n = fill(buf, POST_CHUNKED "5;", 'a', 4000, "\r\nhello\r\n0\r\n\r\n");
		assert_int_equal(status_of(buf, n, piece), 0);
		n = fill(buf, POST_CHUNKED "5;", 'a', 9000, "\r\nhello\r\n0\r\n\r\n");
		assert_int_equal(status_of(buf, n, piece), 400);
		n = fill(buf, POST_CHUNKED, '0', 9000, "5\r\nhello\r\n0\r\n\r\n");
		assert_int_equal(status_of(buf, n, piece), 400);
		n = fill(buf, POST_CHUNKED "0\r\nA:", 'a', 9000, "\r\n\r\n");
		assert_int_equal(status_of(buf, n, piece), 431);
	}
}

/* Chunks of one byte are wasteful but right: their framing does not add up to a refusal. */
static void many_small_chunks(void **state)
{
	struct th_request r;
	struct th_request_step s;
	static const char head[] = POST_CHUNKED;
	uint64_t body = 0;

	(void)state;
	th_request_init(&r, &limits);
	assert_int_equal(th_request_next(&r, (const uint8_t *)head, sizeof(head) - 1, &s), TH_REQUEST_HEAD);
	for (int i = 0; i < 50000; i++) {
		const uint8_t *p = (const uint8_t *)"1;x\r\ny\r\n";
		size_t n = 8;

		for (;;) {
			enum th_request_event ev = th_request_next(&r, p, n, &s);

			assert_true(ev == TH_REQUEST_MORE || ev == TH_REQUEST_BODY);
			body += s.body_n;
			p += s.used;
			n -= s.used;
			if (ev == TH_REQUEST_MORE)
				break;
		}
		assert_int_equal(n, 0);
	}
	assert_int_equal(body, 50000);
}

/* The table of tchar against the list in RFC 9110 §5.6.2. */
static void token_bytes(void **state)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	(void)state;
	for (int c = 0; c < 256; c++)
		assert_int_equal(th_http_is_tchar((unsigned char)c), c && strchr(allowed, c));
}

static void dates(void **state)
{
	struct th_http_date d = { 0 };

	(void)state;
	assert_str_is(th_http_date(&d, 784111777), "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110 §5.6.7 */
	assert_str_is(th_http_date(&d, 784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_str_is(th_http_date(&d, 951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
	assert_str_is(th_http_date(&d, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_in_any_split),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(refused),
		cmocka_unit_test(at_the_limits),
		cmocka_unit_test(many_small_chunks),
		cmocka_unit_test(token_bytes),
		cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
