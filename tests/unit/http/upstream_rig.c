#include "upstream_rig.h"

#include <stdio.h>

struct rig rig;
char rig_seen[256 * 1024];

void rig_step(void)
{
	assert_int_equal(th_loop_step(rig.loop, 5 * TH_MS), TH_OK);
}

void rig_settle(void)
{
	for (int i = 0; i < 4; i++)
		rig_step();
}

void rig_make_upstream(const char *scheme, const char *host, const char *base, const char *ca)
{
	char url[128];
	enum th_err err;

	snprintf(url, sizeof(url), "%s://%s:%u%s", scheme, host, (unsigned)rig.f.port, base);
	rig.u = th_upstream_new(rig.loop, &th_mem_libc, url, ca, &rig.limits, &err);
	assert_int_equal(err, TH_OK);
	assert_non_null(rig.u);
}

void rig_up_server(void (*on_data)(struct fake *, struct fake_conn *))
{
	rig.limits = th_upstream_limits_default;
	rig.loop = th_loop_new(&th_mem_libc);
	fake_start(&rig.f, rig.loop, on_data);
	rig.f.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
}

void rig_up(void (*on_data)(struct fake *, struct fake_conn *))
{
	rig_up_server(on_data);
	rig_make_upstream("http", "127.0.0.1", "", NULL);
}

void rig_down(void)
{
	th_upstream_del(rig.u);
	fake_stop(&rig.f);
	th_loop_del(rig.loop);
}

struct th_upstream_stats rig_stats(void)
{
	struct th_upstream_stats s;

	th_upstream_stats(rig.u, &s);
	return s;
}

void rig_open(struct client_end *c)
{
	assert_true(client_open(c, th_upstream_server(rig.u)));
}

void rig_exchange(struct client_end *c, const char *method, const char *target, const char *body)
{
	rig_open(c);
	client_send(c, method, target, body);
	UNTIL(c->closed);
}

void rig_assert_body(const struct client_end *c, const char *want)
{
	assert_int_equal(c->body.n, strlen(want));
	assert_memory_equal(th_buf_data(&c->body), want, c->body.n);
}

/* Keeps the request as text in f->user, then answers. */
void rig_record(struct fake *f, struct fake_conn *c)
{
	size_t n = fake_request(c);

	if (n == 0)
		return;
	assert_true(n < sizeof(rig_seen));
	memcpy(rig_seen, th_buf_data(&c->in), n);
	rig_seen[n] = '\0';
	fake_answers(f, c);
}
