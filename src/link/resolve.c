#include "link/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	HOST_MAX = 255,		  /* RFC 1035 §2.3.4 */
	STACK_BYTES = 256 * 1024, /* NSS modules want more than the minimum; the default of 8 MiB is for programs */
};

/* What the loop and the thread share. Both hold a reference, and who lets go last frees it: the loop's side may be
 * cancelled (and the loop gone) while getaddrinfo still waits for a name server. From libc, as th_mem belongs to the
 * loop's thread. */
struct job {
	atomic_int refs;
	int wake; /* eventfd: the answer is there */
	uint16_t port;
	char host[HOST_MAX + 1];
	struct th_addr addrs[TH_RESOLVE_MAX];
	size_t n;
	enum th_err err;
};

struct th_resolve {
	const struct th_mem *mem; /* borrowed */
	struct th_loop *loop;	  /* borrowed */
	th_resolve_done *done;
	void *user;
	struct th_watch watch;
	struct job *job; /* one reference */
};

static atomic_int running;

static void job_put(struct job *job)
{
	if (atomic_fetch_sub(&job->refs, 1) > 1)
		return;
	close(job->wake);
	free(job);
}

static struct job *job_new(const char *host, uint16_t port)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (job->wake < 0) {
		free(job);
		return NULL;
	}
	memcpy(job->host, host, strlen(host) + 1);
	job->port = port;
	atomic_init(&job->refs, 1);
	return job;
}

static enum th_err error_of(int eai)
{
	switch (eai) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return TH_ERR_NOT_FOUND;
	case EAI_AGAIN:
		return TH_ERR_TIMEOUT;
	case EAI_MEMORY:
		return TH_ERR_NO_MEMORY;
	default:
		return TH_ERR_IO;
	}
}

static void keep(struct job *job, const struct addrinfo *ai)
{
	struct sockaddr_storage sa = { 0 };
	struct th_addr a;

	if (job->n == TH_RESOLVE_MAX || ai->ai_addrlen > sizeof(sa))
		return;
	memcpy(&sa, ai->ai_addr, ai->ai_addrlen);
	if (!th_sockaddr_read(&a, &sa))
		return;
	a.port = job->port;
	for (size_t i = 0; i < job->n; i++)
		if (th_addr_eq(&job->addrs[i], &a))
			return;
	job->addrs[job->n++] = a;
}

static void *look_up(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct job *job = arg;
	struct addrinfo *list = NULL;
	uint64_t one = 1;
	int eai = getaddrinfo(job->host, NULL, &hints, &list);

	for (const struct addrinfo *ai = eai == 0 ? list : NULL; ai; ai = ai->ai_next)
		keep(job, ai);
	if (eai == 0)
		freeaddrinfo(list);
	if (job->n == 0)
		job->err = eai == 0 ? TH_ERR_NOT_FOUND : error_of(eai);
	/* Our reference keeps the descriptor ours until after the write. An eventfd at zero takes it always. */
	(void)!write(job->wake, &one, sizeof(one));
	job_put(job);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Signals stay the loop's: the thread is born with all of them blocked. */
static bool start_thread(struct job *job)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&job->refs, 1);
	ok = pthread_create(&thread, &attr, look_up, job) == 0;
	if (!ok)
		atomic_fetch_sub(&job->refs, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return ok;
}

static void let_go(struct th_resolve *r)
{
	th_loop_unwatch(r->loop, &r->watch);
	job_put(r->job);
	th_free(r->mem, r);
}

static void ready(struct th_watch *w, uint32_t events)
{
	struct th_resolve *r = TH_OWNER(w, struct th_resolve, watch);
	struct th_addr addrs[TH_RESOLVE_MAX];
	th_resolve_done *done = r->done;
	void *user = r->user;
	enum th_err err;
	uint64_t count;
	size_t n;

	(void)events;
	if (read(w->fd, &count, sizeof(count)) != sizeof(count))
		return;
	n = r->job->n;
	err = r->job->err;
	memcpy(addrs, r->job->addrs, sizeof(addrs));
	let_go(r);
	done(user, addrs, n, err);
}

static enum th_err start(struct th_resolve *r, const char *host, uint16_t port)
{
	r->job = job_new(host, port);
	if (!r->job)
		return TH_ERR_NO_MEMORY;
	r->watch = (struct th_watch){ .ready = ready, .fd = -1 };
	if (th_loop_watch(r->loop, &r->watch, r->job->wake, EPOLLIN) != TH_OK) {
		job_put(r->job);
		return TH_ERR_IO;
	}
	if (atomic_fetch_add(&running, 1) < TH_RESOLVE_THREADS && start_thread(r->job))
		return TH_OK;
	atomic_fetch_sub(&running, 1);
	th_loop_unwatch(r->loop, &r->watch);
	job_put(r->job);
	return TH_ERR_FULL;
}

struct th_resolve *th_resolve_start(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
				    th_resolve_done *done, void *user)
{
	struct th_resolve *r;
	struct th_addr addr;
	enum th_err err;

	if (th_addr_parse(&addr, host, port)) {
		done(user, &addr, 1, TH_OK);
		return NULL;
	}
	if (!*host || strlen(host) > HOST_MAX) {
		done(user, NULL, 0, TH_ERR_INVALID);
		return NULL;
	}
	r = th_alloc(mem, sizeof(*r));
	if (!r) {
		done(user, NULL, 0, TH_ERR_NO_MEMORY);
		return NULL;
	}
	*r = (struct th_resolve){ .mem = mem, .loop = loop, .done = done, .user = user };
	err = start(r, host, port);
	if (err == TH_OK)
		return r;
	th_free(mem, r);
	done(user, NULL, 0, err);
	return NULL;
}

void th_resolve_cancel(struct th_resolve *r)
{
	if (r)
		let_go(r);
}
