/* What handshakes and records cost: bytes on the wire beside other protocols', and CPU time.
 * usage: bench-handshake */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session/session.h"

enum { ROUNDS = 400, RECORDS = 200000, PAYLOAD = 30, RESPONSE = 20, START_S = 1000 };

static void die(const char *what)
{
	fprintf(stderr, "bench-handshake: %s failed\n", what);
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- two ends; b answers at once ---- */

static struct {
	struct th_sessions *a, *b;
	th_session_id id;
	size_t answers, out, in, datagrams;
} w;

static const struct th_addr at_a = { .port = 1 }, at_b = { .port = 2 };
static const th_time now = START_S * TH_SEC;

static void deliver(void *user, th_session_id id, uint64_t number, const uint8_t *p, size_t n, unsigned flags)
{
	uint8_t out[RESPONSE] = { 'A' };

	(void)user, (void)n, (void)flags;
	if (p[0] == 'A') {
		w.answers++;
		th_session_forget(w.a, id, number);
	} else if (th_session_send(w.b, id, th_session_number(w.b, id), out, sizeof(out), TH_SESSION_FINAL, now) !=
		   TH_OK) {
		die("answering");
	}
}

static bool trust(void *user, th_session_id id, const uint8_t key[TH_NOISE_DH])
{
	(void)user, (void)id, (void)key;
	return true;
}

static bool persist(void *user, uint64_t mark)
{
	(void)user, (void)mark;
	return true;
}

static const struct th_session_ops ops = { .deliver = deliver, .trust = trust, .persist = persist };

static void exchange(void)
{
	uint8_t d[TH_SESSION_DATAGRAM_MAX], q[PAYLOAD] = { 'Q' };
	size_t before = w.answers, n;
	struct th_addr to;
	bool idle = false;

	if (th_session_send(w.a, w.id, th_session_number(w.a, w.id), q, sizeof(q), TH_SESSION_KEEP, now) != TH_OK)
		die("sending");
	while (!idle) {
		idle = true;
		while ((n = th_sessions_tx(w.a, &to, d, sizeof(d), now)) > 0) {
			w.out += n;
			w.datagrams++;
			th_sessions_rx(w.b, &at_a, d, n, now);
			idle = false;
		}
		while ((n = th_sessions_tx(w.b, &to, d, sizeof(d), now)) > 0) {
			w.in += n;
			w.datagrams++;
			th_sessions_rx(w.a, &at_b, d, n, now);
			idle = false;
		}
	}
	th_session_forget(w.a, w.id, th_session_next(w.a, w.id) - 1);
	if (w.answers != before + 1)
		die("an exchange");
}

static void open_ends(enum th_session_pattern pattern, const struct th_noise_secret *psk, size_t first_size)
{
	static struct th_noise_pair a, b;
	struct th_sessions_config ca, cb;
	struct th_session_target t = { pattern, pattern == TH_SESSION_XX ? NULL : b.public, psk };

	if (!a.public[0] && (!th_noise_keygen(&a, &th_rng_system) || !th_noise_keygen(&b, &th_rng_system)))
		die("keys");
	memset(&w, 0, sizeof(w));
	th_sessions_config_default(&ca);
	th_sessions_config_default(&cb);
	ca.own = &a;
	ca.accept = ca.cids = false;
	ca.first_size = first_size;
	cb.own = &b;
	cb.psk = psk;
	cb.accept_xx = true;
	cb.load = 0;
	if (pattern == TH_SESSION_KK) {
		cb.allow = (const uint8_t(*)[TH_NOISE_DH]) & a.public;
		cb.allow_n = 1;
	}
	w.a = th_sessions_new(&th_mem_libc, &th_rng_system, &ca, &ops, NULL);
	w.b = th_sessions_new(&th_mem_libc, &th_rng_system, &cb, &ops, NULL);
	if (!w.a || !w.b)
		die("opening");
	th_sessions_wall(w.a, 1790000000, now);
	th_sessions_wall(w.b, 1790000000, now);
	w.id = th_sessions_connect(w.a, &at_b, &t, now);
}

static void close_ends(void)
{
	th_sessions_del(w.a);
	th_sessions_del(w.b);
}

/* ---- lines ---- */

static void handshake_line(const char *name, enum th_session_pattern pattern, const struct th_noise_secret *psk)
{
	size_t out, in, datagrams, padded;
	double start;

	open_ends(pattern, psk, 0);
	exchange();
	out = w.out - PAYLOAD;
	in = w.in - RESPONSE;
	datagrams = w.datagrams;
	close_ends();
	open_ends(pattern, psk, 100);
	exchange();
	padded = w.out + w.in;
	close_ends();
	start = now_us();
	for (int i = 0; i < ROUNDS; i++) {
		open_ends(pattern, psk, 100);
		exchange();
		close_ends();
	}
	printf("  %-8s %5zu %5zu %5zu   %zu round trip%s   %5zu   %6.0f\n", name, out, in, out + in, datagrams / 2,
	       datagrams > 2 ? "s" : " ", padded, (now_us() - start) / ROUNDS);
}

static void record_line(void)
{
	double start;

	open_ends(TH_SESSION_NK, NULL, 100);
	exchange();
	w.out = w.in = 0;
	start = now_us();
	for (int i = 0; i < RECORDS; i++)
		exchange();
	printf("\nan exchange in a session: %.2f µs of CPU, both ends, payloads of %d and %d bytes\n"
	       "bytes that records add: %.2f to the responder, %.2f to the initiator\n",
	       (now_us() - start) / RECORDS, PAYLOAD, RESPONSE, (double)w.out / RECORDS - PAYLOAD,
	       (double)w.in / RECORDS - RESPONSE);
	close_ends();
}

int main(void)
{
	const struct th_noise_secret psk = { { 1 } };

	printf("a cold exchange: bytes of UDP payload beside request (%d) and response (%d), then all of it with the "
	       "first\n"
	       "datagram padded to 100, and µs of CPU of both ends, tables made and freed included\n"
	       "             out    in   sum                    padded       µs\n",
	       PAYLOAD, RESPONSE);
	handshake_line("NK", TH_SESSION_NK, NULL);
	handshake_line("NKpsk0", TH_SESSION_NK, &psk);
	handshake_line("IK", TH_SESSION_IK, NULL);
	handshake_line("KK", TH_SESSION_KK, NULL);
	handshake_line("XX", TH_SESSION_XX, NULL);
	printf("others, before the first byte of data\n"
	       "  WireGuard                   148    92   240   1 round trip, then data (its paper §5.4)\n"
	       "  DTLS 1.3, psk and ECDHE  219, 226, 56 501   1 round trip, then data (flights: "
	       "draft-ietf-iotops-security-protocol-comparison; CCM_8, with connection IDs)\n"
	       "  DTLS 1.3, raw keys      185, 454, 255 894   the same\n"
	       "  EDHOC, static DH keys    37, 45, 19   101   1.5 round trips, tags of 8 bytes (RFC 9528 §1.2)\n"
	       "records: bench-aead has the table of others' overheads\n");
	record_line();
	return 0;
}
