/* Large bodies in bounded memory, back-pressure both ways, and what idle connections cost. */
#include <sys/resource.h>

#include "rig.h"

enum { LARGE = 50 * 1000 * 1000, PEAK_MAX = 512 * 1024 };

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* Reads the rest of a body, comparing it, `at_once` bytes between two steps. Chunked framing is taken off. */
struct reader {
	struct client *c;
	bool chunked;
	uint64_t body, left; /* seen; of the chunk at hand */
	size_t wrong;
	bool end;
	enum { SIZE, DATA, AFTER } at;
};

static void eat(struct reader *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !r->end; i++) {
		char ch = p[i];

		if (!r->chunked || r->at == DATA) {
			r->wrong += (uint8_t)ch != fake_byte(r->body);
			r->body++;
			if (r->chunked && --r->left == 0)
				r->at = AFTER;
		} else if (ch == '\n') {
			r->end = r->at == SIZE && r->left == 0;
			r->at = r->at == SIZE ? DATA : SIZE;
		} else if (ch != '\r') {
			r->left = r->left * 16 + (uint64_t)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
		}
	}
}

static void download(bool unknown, size_t at_once)
{
	static char piece[1 << 20];
	struct client c = client_open(&rig);
	struct reader r = { .c = &c, .chunked = unknown };
	size_t head = 0;

	rig.fake.script = (struct fake_script){ .status = 200, .body_n = LARGE, .unknown = unknown };
	client_say(&c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	while (!head) {
		ssize_t n = recv(c.fd, c.text, 4096, MSG_DONTWAIT | MSG_PEEK);

		if (n > 0 && strstr(c.text, "\r\n\r\n"))
			head = (size_t)(strstr(c.text, "\r\n\r\n") - c.text) + 4;
		rig_step(&rig);
	}
	assert_int_equal(recv(c.fd, c.text, head, 0), head);
	assert_non_null(strstr(c.text, unknown ? "Transfer-Encoding: chunked" : "Content-Length: 50000000"));
	while (!r.end && r.body < (uint64_t)LARGE + unknown) {
		ssize_t n = recv(c.fd, piece, at_once, MSG_DONTWAIT);

		assert_int_not_equal(n, 0);
		if (n > 0)
			eat(&r, piece, (size_t)n);
		th_loop_step(rig.loop, n > 0 ? 0 : 5 * TH_MS);
	}
	assert_int_equal(r.body, LARGE);
	assert_int_equal(r.wrong, 0);
	rig_until(&rig, rig.stats.active == 0);
	printf("download of %d bytes, %s: most memory %zu\n", LARGE, unknown ? "chunked" : "known length",
	       rig.mem.peak);
	assert_true(rig.mem.peak < PEAK_MAX);
	client_close(&c);
}

static void large_download(void **state)
{
	(void)state;
	download(false, 1 << 20);
}

static void large_download_chunked(void **state)
{
	(void)state;
	download(true, 100 * 1000);
}

static void upload(bool chunked, size_t take)
{
	static uint8_t piece[70000];
	struct client c = client_open(&rig);
	struct fake_exchange *x;
	uint64_t sent = 0;
	char line[32];

	rig.fake.script.take = take;
	client_say(&c, chunked ? "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
			       : "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
	rig_until(&rig, rig.fake.n == 1);
	x = fake_last(&rig.fake);
	while (sent < LARGE) {
		size_t n = LARGE - sent < sizeof(piece) ? (size_t)(LARGE - sent) : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = fake_byte(sent + i);
		snprintf(line, sizeof(line), "%zX\r\n", n);
		if (chunked)
			client_say(&c, line);
		for (size_t i = 0; i < n;) {
			ssize_t k = send(c.fd, piece + i, n - i, MSG_DONTWAIT | MSG_NOSIGNAL);

			assert_true(k > 0 || errno == EAGAIN);
			i += k > 0 ? (size_t)k : 0;
			th_loop_step(rig.loop, 0);
			fake_resume(x);
		}
		sent += n;
		if (chunked)
			client_say(&c, "\r\n");
	}
	if (chunked)
		client_say(&c, "0\r\n\r\n");
	rig_until(&rig, (fake_resume(x), client_has(&c, "200 OK")));
	assert_int_equal(x->body_n, LARGE);
	assert_int_equal(x->wrong, 0);
	printf("upload of %d bytes, %s: most memory %zu\n", LARGE, chunked ? "chunked" : "known length", rig.mem.peak);
	assert_true(rig.mem.peak < PEAK_MAX);
	client_close(&c);
}

static void large_upload(void **state)
{
	(void)state;
	upload(false, 10000);
}

static void large_upload_chunked(void **state)
{
	(void)state;
	upload(true, 0);
}

/* The flow takes nothing more: the client's bytes stay in the kernel. */
static void upload_waits_for_the_flow(void **state)
{
	static uint8_t body[8 * 1000 * 1000];
	struct client c = client_open(&rig);
	struct fake_exchange *x;
	size_t sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = fake_byte(i);
	rig.fake.script.take = 1000;
	client_say(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n");
	rig_until(&rig, rig.fake.n == 1);
	x = fake_last(&rig.fake);
	for (int idle = 0; idle < 20;) { /* until the socket has been full for 20 steps */
		ssize_t n = send(c.fd, body + sent, sizeof(body) - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		rig_step(&rig);
	}
	assert_int_equal(x->body_n, 1000);
	assert_true(sent < sizeof(body));
	assert_true(rig.mem.peak < PEAK_MAX);
	rig.fake.script.take = 0;
	fake_resume(x);
	client_send(&c, body + sent, sizeof(body) - sent);
	rig_until(&rig, client_has(&c, "200 OK"));
	assert_int_equal(x->body_n, sizeof(body));
	assert_int_equal(x->wrong, 0);
	client_close(&c);
}

/* The client reads nothing: the flow is asked to wait, and to go on when there is room. */
static void download_waits_for_the_client(void **state)
{
	struct client c = client_open(&rig);
	struct fake_exchange *x;
	uint64_t before = 0;

	(void)state;
	rig.fake.script.body_n = LARGE;
	client_say(&c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	rig_until(&rig, rig.fake.n == 1);
	x = fake_last(&rig.fake);
	for (int same = 0; same < 20; before = x->sent) {
		rig_step(&rig);
		same = x->sent == before ? same + 1 : 0;
	}
	assert_true(x->more);
	assert_true(x->sent < LARGE);
	assert_true(rig.mem.bytes < PEAK_MAX);
	c.counting = true;
	rig_until(&rig, (client_read(&c), c.total > before + 100000));
	assert_true(x->sent > before);
	client_close(&c);
	rig_until(&rig, rig.stats.connections == 0);
	assert_true(x->closed);
}

static void idle_connections_are_cheap(void **state)
{
	enum { MANY = 1000 };
	static int fds[MANY];
	struct rlimit files = { 2 * MANY + 100, 0 }, old;
	size_t before, text;
	struct client c;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	files.rlim_max = old.rlim_max;
	if (old.rlim_max < files.rlim_cur)
		skip();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	rig.fake.script.body_n = 3000;
	before = rig.mem.bytes;
	for (int i = 0; i < MANY; i++) {
		c = client_open(&rig);
		client_say(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
		rig_until(&rig, rig.stats.active == 1);
		client_say(&c, "c");
		rig_until(&rig, (client_read(&c), c.n > 3000));
		fds[i] = c.fd;
		free(c.text);
	}
	rig_step(&rig);
	text = rig.mem.bytes - before;
	printf("%d idle connections: %zu bytes, %zu each\n", MANY, text, text / MANY);
	assert_int_equal(rig.stats.connections, MANY);
	assert_true(text <= 1000 * 1000);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	rig_until(&rig, rig.stats.connections == 0);
	setrlimit(RLIMIT_NOFILE, &old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(large_download, setup, teardown),
		cmocka_unit_test_setup_teardown(large_download_chunked, setup, teardown),
		cmocka_unit_test_setup_teardown(large_upload, setup, teardown),
		cmocka_unit_test_setup_teardown(large_upload_chunked, setup, teardown),
		cmocka_unit_test_setup_teardown(upload_waits_for_the_flow, setup, teardown),
		cmocka_unit_test_setup_teardown(download_waits_for_the_client, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_connections_are_cheap, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
