/* A plain CoAP server on the engine, for foreign clients: peer_server [-A HOST] [-p PORT] [-P name=value]… Prints its
 * port. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "site.h"

enum { PORT_MAX = 65535 };

struct stopper {
	struct th_watch watch;
	struct th_loop *loop;
};

static void job_free(struct job *j)
{
	th_loop_cancel(j->site->peer->loop, &j->alarm);
	th_list_remove(&j->link);
	th_buf_free(&j->in);
	th_buf_free(&j->out);
	th_free(&th_mem_libc, j);
}

static struct job *job_find(struct site *s, th_coap_id id)
{
	TH_LIST_EACH(it, &s->jobs)
	{
		struct job *j = TH_OWNER(it, struct job, link);

		if (j->id == id)
			return j;
	}
	return NULL;
}

void job_alarm(struct job *j, th_time after, void (*fire)(struct th_alarm *a, th_time now))
{
	j->alarm.fire = fire;
	th_loop_alarm(j->site->peer->loop, &j->alarm, peer_now(j->site->peer) + after);
}

/* Hands over what the engine takes; `resume` comes back here. The job may be gone afterwards. */
static void job_push(struct job *j)
{
	struct peer *p = j->site->peer;
	size_t took;

	while (j->out.n > 0) {
		took = th_coap_write(p->coap, j->id, th_buf_data(&j->out), j->out.n, peer_now(p));
		if (took == 0)
			return;
		th_buf_consume(&j->out, took);
	}
	j->responding = false;
	th_coap_end(p->coap, j->id, peer_now(p));
}

void job_reply(struct job *j, const struct reply *r, const void *body, size_t n, bool last)
{
	struct peer *p = j->site->peer;
	struct th_coap_head head = {
		.code = r->code,
		.confirmable = j->confirmable,
		.observe = !last,
		.options = r->options,
		.n_options = r->n_options,
	};
	enum th_err err = th_coap_respond(p->coap, j->id, &head, peer_now(p));

	if (err != TH_OK) {
		fprintf(stderr, "respond: %s\n", th_strerror(err));
		return;
	}
	th_buf_consume(&j->out, j->out.n);
	if (n > 0)
		th_buf_append(&j->out, body, n);
	j->responding = true;
	j->observing = j->observing && !last;
	job_push(j);
}

static void text_add(char *to, size_t cap, char before, const struct th_coap_option *o)
{
	size_t at = strlen(to);

	if (at + o->n + 2 > cap)
		return;
	if (before)
		to[at++] = before;
	memcpy(to + at, o->p, o->n);
	to[at + o->n] = '\0';
}

static void tag_copy(uint8_t *to, size_t *n, const struct th_coap_option *o)
{
	*n = o->n <= SITE_ETAG_MAX ? o->n : SITE_ETAG_MAX;
	memcpy(to, o->p, *n);
}

static void read_option(struct job *j, const struct th_coap_option *o)
{
	switch (o->number) {
	case OPT_URI_PATH:
		text_add(j->path, sizeof(j->path), '/', o);
		break;
	case OPT_URI_QUERY:
		text_add(j->query, sizeof(j->query), j->query[0] ? '&' : '\0', o);
		break;
	case OPT_CONTENT_FORMAT:
		j->format = peer_uint_read(o);
		break;
	case OPT_ACCEPT:
		j->accept = peer_uint_read(o);
		break;
	case OPT_ETAG:
		tag_copy(j->etag, &j->etag_n, o);
		break;
	case OPT_IF_MATCH:
		j->has_if_match = true;
		tag_copy(j->if_match, &j->if_match_n, o);
		break;
	case OPT_IF_NONE_MATCH:
		j->if_none_match = true;
		break;
	case OPT_PROXY_URI:
	case OPT_PROXY_SCHEME:
		j->proxy = true;
		break;
	default:
		break;
	}
}

static void on_request(void *user, th_coap_id id, const struct th_addr *from, const struct th_coap_head *head)
{
	struct site *s = user;
	struct job *j = th_alloc(&th_mem_libc, sizeof(*j));

	(void)from;
	if (!j) {
		th_coap_cancel(s->peer->coap, id, peer_now(s->peer));
		return;
	}
	j->site = s;
	j->id = id;
	j->method = head->code;
	j->confirmable = head->confirmable;
	j->format = j->accept = SITE_NO_FORMAT;
	th_buf_init(&j->in, &th_mem_libc, SITE_BODY_MAX);
	th_buf_init(&j->out, &th_mem_libc, SITE_BODY_MAX);
	th_list_push(&s->jobs, &j->link);
	for (size_t i = 0; i < head->n_options; i++)
		read_option(j, &head->options[i]);
	if (!j->path[0])
		memcpy(j->path, "/", 2);
	j->res = site_find(j->path);
}

static size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct job *j = job_find(user, id);

	if (!j || j->too_large)
		return n;
	if (th_buf_append(&j->in, p, n) != TH_OK) {
		j->too_large = true;
		site_handle(j);
	}
	return n;
}

static void on_end(void *user, th_coap_id id)
{
	struct job *j = job_find(user, id);

	if (!j || j->ended || j->too_large)
		return;
	j->ended = true;
	site_handle(j);
}

static void on_resume(void *user, th_coap_id id)
{
	struct job *j = job_find(user, id);

	if (j && j->responding)
		job_push(j);
}

static void on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct job *j = job_find(user, id);

	if (!j)
		return;
	if (why != TH_OK)
		fprintf(stderr, "closed: path=%s why=%s\n", j->path, th_strerror(why));
	job_free(j);
}

static void on_signal(struct th_watch *w, uint32_t events)
{
	(void)events;
	th_loop_stop(TH_OWNER(w, struct stopper, watch)->loop);
}

static enum th_err stop_on_signals(struct stopper *st, struct th_loop *loop)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return TH_ERR_IO;
	st->loop = loop;
	st->watch.ready = on_signal;
	return th_loop_watch(loop, &st->watch, fd, 1 /* EPOLLIN */);
}

static void print_stats(const struct peer *p)
{
	struct th_coap_stats st;

	th_coap_stats(p->coap, &st);
	printf("malformed=%llu duplicate=%llu unmatched=%llu retransmissions=%llu timeouts=%llu rst=%llu full=%llu "
	       "exchanges=%zu\n",
	       (unsigned long long)st.rx_malformed, (unsigned long long)st.rx_duplicate,
	       (unsigned long long)st.rx_unmatched, (unsigned long long)st.retransmissions,
	       (unsigned long long)st.timeouts, (unsigned long long)st.rst_sent, (unsigned long long)st.refused_full,
	       st.exchanges);
}

static int serve(struct peer *p, const char *host, uint16_t port, bool echo)
{
	static const struct th_coap_ops ops = {
		.request = on_request,
		.data = on_data,
		.end = on_end,
		.resume = on_resume,
		.closed = on_closed,
	};
	struct stopper stopper = { 0 };
	struct site site;
	enum th_err err;

	site_init(&site, p);
	err = peer_open(p, host, port, &ops, &site);
	if (err == TH_OK)
		err = stop_on_signals(&stopper, p->loop);
	if (err == TH_OK) {
		th_coap_require_echo(p->coap, echo);
		printf("port=%u\n", (unsigned)th_udp_local(p->udp).port);
		fflush(stdout);
		err = th_loop_run(p->loop);
		print_stats(p);
		close(stopper.watch.fd);
	}
	if (err != TH_OK)
		fprintf(stderr, "%s\n", th_strerror(err));
	TH_LIST_EACH(it, &site.jobs)
	job_free(TH_OWNER(it, struct job, link));
	peer_close(p);
	site_free(&site);
	return err == TH_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(void)
{
	fprintf(stderr, "peer_server [-A HOST] [-p PORT] [-E (require Echo)] [-P name=value]...\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct peer peer = { .params = th_coap_params_default };
	const char *host = "::1";
	uint64_t port = 0;
	bool echo = false;
	int c;

	while ((c = getopt(argc, argv, "A:p:EP:")) != -1) {
		if (c == 'A')
			host = optarg;
		else if (c == 'E')
			echo = true;
		else if (c == 'p' && !peer_number(th_str_of(optarg), PORT_MAX, &port))
			return usage();
		else if (c == 'P' && peer_param(&peer.params, optarg) != TH_OK)
			return usage();
		else if (c == '?')
			return usage();
	}
	return serve(&peer, host, (uint16_t)port, echo);
}
