/* A plain CoAP client on the engine, for foreign servers. Prints one line per response: code, options, length; exits 0
 * for class 2, 4 and 5 for these classes, 2 for a wrong command line, 3 when the exchange failed, 6 when time ran out.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "peer.h"

enum {
	BODY_MAX = 4 << 20,
	OPTIONS_MAX = 32,
	PARALLEL_MAX = 64,
	OPTION_TEXT_MAX = 1034,
	DEFAULT_PORT = 5683,
	PORT_MAX = 65535,
	SECONDS_MAX = 600,
	NAME_MAX_LEN = 256,
};

enum { EXIT_USAGE = 2, EXIT_EXCHANGE = 3, EXIT_TIME = 6 };

struct request {
	struct client *cl; /* borrowed */
	th_coap_id id;
	size_t sent;	  /* of the payload */
	bool done, ended; /* over; the payload was handed over */
	unsigned responses;
	uint8_t code;
	struct th_buf in;
};

struct client {
	struct peer peer;
	struct th_addr to;
	struct th_coap_head head;
	struct th_coap_option options[OPTIONS_MAX];
	uint8_t values[OPTIONS_MAX][OPTION_TEXT_MAX];
	struct th_buf payload;
	const char *output; /* NULL: bodies are not kept */
	uint64_t observe;   /* how many responses to wait for; 0: no observation */
	uint64_t parallel, seconds;
	bool each_differs; /* the k-th parallel request's payload starts with the digit k */
	struct request requests[PARALLEL_MAX];
	struct th_alarm alarm;
	int status;
};

/* Options */

static bool option_add(struct client *cl, uint64_t number, const void *p, size_t n)
{
	size_t at = cl->head.n_options, i = at;

	if (at == OPTIONS_MAX || n > OPTION_TEXT_MAX)
		return false;
	memcpy(cl->values[at], p, n);
	while (i > 0 && cl->options[i - 1].number > number) {
		cl->options[i] = cl->options[i - 1];
		i--;
	}
	cl->options[i] = (struct th_coap_option){ (uint16_t)number, (uint16_t)n, cl->values[at] };
	cl->head.n_options++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = th_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "number,text", "number,0xhex" or "number,=decimal" */
static bool option_parse(struct client *cl, const char *text)
{
	const char *comma = strchr(text, ',');
	uint8_t value[OPTION_TEXT_MAX];
	uint64_t number, v;
	size_t n = 0;

	if (!comma || !peer_number((struct th_str){ text, (size_t)(comma - text) }, UINT16_MAX, &number))
		return false;
	text = comma + 1;
	if (text[0] == '=')
		return peer_number(th_str_of(text + 1), UINT32_MAX, &v) &&
		       option_add(cl, number, value, peer_uint(value, (uint32_t)v));
	if (strncmp(text, "0x", 2) != 0)
		return option_add(cl, number, text, strlen(text));
	for (text += 2; text[0] && n < sizeof(value); text += 2) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0)
			return false;
		value[n++] = (uint8_t)(high << 4 | low);
	}
	return option_add(cl, number, value, n);
}

/* The URI: coap://127.0.0.1:5683/a/b?c&d or coap://[::1]/a; names are not looked up. */

static bool pieces(struct client *cl, uint16_t number, struct th_str s, const char *separators)
{
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && !strchr(separators, s.p[n]))
			n++;
		if (!option_add(cl, number, s.p, n))
			return false;
		if (n == s.n)
			break;
		s.p += n + 1;
		s.n -= n + 1;
	}
	return true;
}

static bool host_parse(struct th_addr *to, struct th_str s)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v6 = s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
	char text[INET6_ADDRSTRLEN];

	if (v6)
		s = (struct th_str){ s.p + 1, s.n - 2 };
	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (v6)
		return inet_pton(AF_INET6, text, to->ip) == 1;
	memcpy(to->ip, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, to->ip + sizeof(mapped)) == 1;
}

static bool uri_parse(struct client *cl, const char *uri)
{
	static const char scheme[] = "coap://";
	const char *path, *query, *end;
	struct th_str authority;
	uint64_t port = DEFAULT_PORT;

	if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0)
		return false;
	uri += sizeof(scheme) - 1;
	path = uri + strcspn(uri, "/?");
	query = path + strcspn(path, "?");
	end = query + strlen(query);
	authority = (struct th_str){ uri, (size_t)(path - uri) };
	for (size_t i = authority.n; i > 0 && authority.p[i - 1] != ']'; i--) {
		if (authority.p[i - 1] != ':')
			continue;
		if (!peer_number((struct th_str){ authority.p + i, authority.n - i }, PORT_MAX, &port))
			return false;
		authority.n = i - 1;
		break;
	}
	cl->to.port = (uint16_t)port;
	if (!host_parse(&cl->to, authority))
		return false;
	if (query > path + 1 && !pieces(cl, OPT_URI_PATH, (struct th_str){ path + 1, (size_t)(query - path - 1) }, "/"))
		return false;
	return end <= query + 1 ||
	       pieces(cl, OPT_URI_QUERY, (struct th_str){ query + 1, (size_t)(end - query - 1) }, "&");
}

static bool method_parse(struct client *cl, const char *text)
{
	static const char *const names[] = { "", "get", "post", "put", "delete", "fetch", "patch", "ipatch" };

	for (uint8_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			cl->head.code = i;
			return true;
		}
	}
	return false;
}

static bool payload_read(struct client *cl, const char *path)
{
	uint8_t block[4096];
	FILE *f = fopen(path, "rb");
	bool ok = f != NULL;
	size_t n;

	while (ok && (n = fread(block, 1, sizeof(block), f)) > 0)
		ok = th_buf_append(&cl->payload, block, n) == TH_OK;
	if (f)
		fclose(f);
	return ok;
}

/* Exchanges */

static struct request *request_find(struct client *cl, th_coap_id id)
{
	for (size_t i = 0; i < cl->parallel; i++)
		if (cl->requests[i].id == id)
			return &cl->requests[i];
	return NULL;
}

static void worse(struct client *cl, int status)
{
	if (cl->status == EXIT_SUCCESS)
		cl->status = status;
}

static void request_over(struct request *r)
{
	struct client *cl = r->cl;

	if (r->done)
		return;
	r->done = true;
	r->id = 0;
	for (size_t i = 0; i < cl->parallel; i++)
		if (!cl->requests[i].done)
			return;
	th_loop_stop(cl->peer.loop);
}

static void print_head(const struct request *r, const struct th_coap_head *head)
{
	printf("code=%u.%02u observe=%d", head->code >> 5, head->code & 31u, head->observe);
	for (size_t i = 0; i < head->n_options; i++) {
		printf(" %u=", (unsigned)head->options[i].number);
		for (size_t k = 0; k < head->options[i].n; k++)
			printf("%02x", head->options[i].p[k]);
	}
	(void)r;
}

static void on_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct request *r = request_find(user, id);

	if (!r)
		return;
	th_buf_consume(&r->in, r->in.n);
	r->code = head->code;
	print_head(r, head);
}

static size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct request *r = request_find(user, id);

	if (r && th_buf_append(&r->in, p, n) != TH_OK)
		worse(r->cl, EXIT_EXCHANGE);
	return n;
}

static void body_save(const struct request *r)
{
	const struct client *cl = r->cl;
	char name[NAME_MAX_LEN];
	FILE *f;

	if (!cl->output)
		return;
	if (cl->parallel > 1)
		snprintf(name, sizeof(name), "%s.%zu", cl->output, (size_t)(r - cl->requests));
	else
		snprintf(name, sizeof(name), "%s", cl->output);
	f = fopen(name, cl->observe > 0 && r->responses > 1 ? "ab" : "wb");
	if (!f)
		return;
	fwrite(th_buf_data(&r->in), 1, r->in.n, f);
	if (cl->observe > 0 && r->in.n < SECONDS_MAX)
		fputc('\n', f); /* small notifications: one a line */
	fclose(f);
}

static void on_end(void *user, th_coap_id id)
{
	struct request *r = request_find(user, id);
	struct client *cl = user;

	if (!r)
		return;
	r->responses++;
	printf(" bytes=%zu\n", r->in.n);
	body_save(r);
	if (r->code >> 5 != 2)
		worse(cl, r->code >> 5);
	if (cl->observe > 0 && r->responses >= cl->observe) {
		th_coap_cancel(cl->peer.coap, id, peer_now(&cl->peer));
		request_over(r);
	}
}

static void request_push(struct request *r)
{
	struct client *cl = r->cl;
	struct peer *p = &cl->peer;
	th_coap_id id = r->id;
	size_t took;

	while (r->sent < cl->payload.n && !r->done) {
		uint8_t first = (uint8_t)('0' + (r - cl->requests));
		bool mark = cl->each_differs && r->sent == 0;

		took = th_coap_write(p->coap, id, mark ? &first : th_buf_data(&cl->payload) + r->sent,
				     mark ? 1 : cl->payload.n - r->sent, peer_now(p));
		if (took == 0)
			return;
		r->sent += took;
	}
	if (r->done || r->ended)
		return;
	r->ended = true;
	th_coap_end(p->coap, id, peer_now(p));
}

static void on_resume(void *user, th_coap_id id)
{
	struct request *r = request_find(user, id);

	if (r)
		request_push(r);
}

static void on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct request *r = request_find(user, id);

	if (!r)
		return;
	if (why != TH_OK) {
		fprintf(stderr, "closed: %s\n", th_strerror(why));
		worse(r->cl, EXIT_EXCHANGE);
	}
	if (why == TH_OK && r->cl->observe > r->responses)
		fprintf(stderr, "closed after %u responses\n", r->responses);
	request_over(r);
}

static void on_time(struct th_alarm *a, th_time now)
{
	struct client *cl = TH_OWNER(a, struct client, alarm);

	(void)now;
	fprintf(stderr, "time ran out\n");
	worse(cl, EXIT_TIME);
	th_loop_stop(cl->peer.loop);
}

static enum th_err start(struct client *cl)
{
	enum th_err err = TH_OK;

	cl->head.options = cl->options;
	cl->head.observe = cl->observe > 0;
	for (size_t i = 0; i < cl->parallel && err == TH_OK; i++) {
		struct request *r = &cl->requests[i];

		r->cl = cl;
		th_buf_init(&r->in, &th_mem_libc, BODY_MAX);
		err = th_coap_request(cl->peer.coap, &cl->to, &cl->head, peer_now(&cl->peer), &r->id);
		if (err == TH_OK)
			request_push(r);
	}
	cl->alarm.fire = on_time;
	if (err == TH_OK)
		err = th_loop_alarm(cl->peer.loop, &cl->alarm, peer_now(&cl->peer) + cl->seconds * TH_SEC);
	peer_flush(&cl->peer); /* hooks run after a batch of events, and none has come yet */
	return err;
}

/* Drains what the engine still owes (the ACK of the last response) before the socket closes. */
static void drain(struct client *cl)
{
	enum { DRAIN_MS = 20 };
	th_time until;

	th_loop_step(cl->peer.loop, 0);
	until = peer_now(&cl->peer) + DRAIN_MS * TH_MS;
	while (peer_now(&cl->peer) < until)
		th_loop_step(cl->peer.loop, DRAIN_MS * TH_MS / 4);
}

static void print_stats(const struct client *cl)
{
	struct th_coap_stats st;

	th_coap_stats(cl->peer.coap, &st);
	fprintf(stderr, "malformed=%llu duplicate=%llu unmatched=%llu retransmissions=%llu timeouts=%llu rst=%llu\n",
		(unsigned long long)st.rx_malformed, (unsigned long long)st.rx_duplicate,
		(unsigned long long)st.rx_unmatched, (unsigned long long)st.retransmissions,
		(unsigned long long)st.timeouts, (unsigned long long)st.rst_sent);
}

static int run(struct client *cl)
{
	static const struct th_coap_ops ops = {
		.response = on_response,
		.data = on_data,
		.end = on_end,
		.resume = on_resume,
		.closed = on_closed,
	};
	enum th_err err = peer_open(&cl->peer, "::", 0, &ops, cl);

	if (err == TH_OK)
		err = start(cl);
	if (err == TH_OK)
		err = th_loop_run(cl->peer.loop);
	if (err == TH_OK) {
		drain(cl);
		print_stats(cl);
	} else {
		fprintf(stderr, "%s\n", th_strerror(err));
		worse(cl, EXIT_EXCHANGE);
	}
	peer_close(&cl->peer);
	for (size_t i = 0; i < cl->parallel; i++)
		if (cl->requests[i].cl)
			th_buf_free(&cl->requests[i].in);
	return cl->status;
}

static int usage(void)
{
	fprintf(stderr,
		"peer_client [-m METHOD] [-N] [-e TEXT | -f FILE] [-o FILE] [-s RESPONSES] [-O number,value]...\n"
		"            [-c PARALLEL [-d]] [-t] [-w SECONDS] [-P name=value]... "
		"coap://ADDRESS[:PORT]/PATH?QUERY\n");
	return EXIT_USAGE;
}

static bool flag(struct client *cl, int c, const char *arg)
{
	switch (c) {
	case 'm':
		return method_parse(cl, arg);
	case 'N':
		cl->head.confirmable = false;
		return true;
	case 'e':
		return th_buf_append(&cl->payload, arg, strlen(arg)) == TH_OK;
	case 'f':
		return payload_read(cl, arg);
	case 'o':
		cl->output = arg;
		return true;
	case 's':
		return peer_number(th_str_of(arg), UINT32_MAX, &cl->observe);
	case 'O':
		return option_parse(cl, arg);
	case 'c':
		return peer_number(th_str_of(arg), PARALLEL_MAX, &cl->parallel) && cl->parallel > 0;
	case 'd':
		cl->each_differs = true;
		return true;
	case 't':
		cl->head.tagged = true;
		return true;
	case 'w':
		return peer_number(th_str_of(arg), SECONDS_MAX, &cl->seconds);
	case 'P':
		return peer_param(&cl->peer.params, arg) == TH_OK;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static struct client cl = { .parallel = 1, .seconds = 60 };
	bool ok = true;
	int c, status = EXIT_USAGE;

	cl.peer.params = th_coap_params_default;
	cl.head.code = TH_COAP_GET;
	cl.head.confirmable = true;
	th_buf_init(&cl.payload, &th_mem_libc, BODY_MAX);
	while (ok && (c = getopt(argc, argv, "m:Ne:f:o:s:O:c:dtw:P:")) != -1)
		ok = flag(&cl, c, optarg);
	if (!ok || optind + 1 != argc || !uri_parse(&cl, argv[optind]))
		usage();
	else
		status = run(&cl);
	th_buf_free(&cl.payload);
	return status;
}
