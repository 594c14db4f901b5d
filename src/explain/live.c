#include "explain/live.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "explain/coder.h"
#include "explain/frame.h"
#include "explain/show.h"
#include "program/local_socket.h"

enum { CHUNK = 64 * 1024, WHERE = 96 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* Without SA_RESTART: a signal ends the wait for the next frame. */
static void catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	stopped = 0;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

static int connected(const char *path, struct th_complaints *c)
{
	int fd = th_local_socket_connect(path);

	if (fd < 0)
		th_complain(c, "%s: %s%s", path, strerror(errno),
			    errno == ENOENT || errno == ECONNREFUSED
				    ? " (does a thimble run with --explain-socket there?)"
			    : errno == EACCES ? " (only the user who runs the daemon may read it)"
					      : "");
	return fd;
}

static enum th_err show_frame(struct th_show *s, const struct th_mem *mem, struct th_frame *f, size_t number)
{
	struct th_explained e = { .is_response = f->is_response, .coded = f->coded, .costs = f->costs };
	char where[WHERE];
	enum th_err err = th_explained_measure(mem, &e);

	if (err == TH_OK)
		err = th_sums_add(s->sums, &e);
	if (err == TH_OK && f->left_out)
		fprintf(s->out, "(%u messages left out: this reader was too slow)\n", (unsigned)f->left_out);
	snprintf(where, sizeof(where), "%zu, %s %s", number, f->is_ours ? "sent" : "received",
		 f->is_response ? "response" : "request");
	if (err == TH_OK && !s->o->summary)
		th_show_message(s, where, &e);
	th_costs_free(&f->costs, mem);
	return err;
}

/* All frames that are there. */
static enum th_err show_all(struct th_show *s, const struct th_mem *mem, struct th_buf *in, size_t *number)
{
	for (;;) {
		struct th_frame f;
		size_t used;
		enum th_err err = th_frame_read(&f, mem, th_buf_data(in), in->n, &used);

		if (err != TH_OK || used == 0)
			return err;
		th_buf_consume(in, used);
		err = show_frame(s, mem, &f, ++*number);
		if (err != TH_OK)
			return err;
		fflush(s->out);
	}
}

static enum th_err follow(int fd, struct th_show *s, const struct th_mem *mem)
{
	struct th_buf in;
	size_t number = 0;
	enum th_err err = TH_OK;

	th_buf_init(&in, mem, TH_FRAME_MAX + CHUNK);
	while (err == TH_OK && !stopped) {
		uint8_t *room = th_buf_reserve(&in, CHUNK);
		ssize_t n = room ? recv(fd, room, CHUNK, 0) : 0;

		if (!room) {
			err = TH_ERR_NO_MEMORY;
		} else if (n < 0 && errno != EINTR) {
			err = TH_ERR_IO;
		} else if (n == 0) {
			break; /* the daemon has ended */
		} else if (n > 0) {
			th_buf_commit(&in, (size_t)n);
			err = show_all(s, mem, &in, &number);
		}
	}
	th_buf_free(&in);
	return err;
}

enum th_err th_explain_live(const struct th_mem *mem, const struct th_explain_options *o, FILE *out,
			    struct th_complaints *c)
{
	struct th_show show;
	enum th_err err;
	int fd = connected(o->live, c);

	if (fd < 0)
		return TH_ERR_IO;
	err = th_show_init(&show, mem, o, out);
	if (err == TH_OK) {
		th_show_begin(&show);
		fflush(out);
		catch_signals();
		err = follow(fd, &show, mem);
	}
	if (err == TH_OK)
		th_show_end(&show);
	else
		th_complain(c, "%s: %s", o->live,
			    err == TH_ERR_IO		? strerror(errno)
			    : err == TH_ERR_UNSUPPORTED ? "the daemon is another version of thimble than this program"
							: th_strerror(err));
	th_show_free(&show);
	close(fd);
	return err;
}
