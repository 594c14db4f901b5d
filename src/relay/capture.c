#include "relay/capture.h"

#include <stdio.h>
#include <time.h>

#include "emulator/pcap.h"

struct th_capture {
	const struct th_mem *mem; /* borrowed */
	FILE *file;
	th_time epoch; /* ns from 1970 to the monotonic clock's zero */
	bool failed;
	uint8_t record[TH_PCAP_RECORD_MAX];
};

static th_time read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (th_time)ts.tv_sec * TH_SEC + (th_time)ts.tv_nsec;
}

/* Each datagram is in the file at once: who looks at a slow link does so while it runs. */
static bool put(struct th_capture *c, const struct th_wr *w)
{
	c->failed = c->failed || !th_wr_ok(w) || fwrite(w->p, 1, w->n, c->file) != w->n || fflush(c->file) != 0;
	return !c->failed;
}

struct th_capture *th_capture_new(const struct th_mem *mem, const char *path)
{
	struct th_capture *c = th_alloc(mem, sizeof(*c));
	struct th_wr w;

	if (!c)
		return NULL;
	c->mem = mem;
	c->epoch = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
	c->file = fopen(path, "we");
	w = th_wr_init(c->record, sizeof(c->record));
	th_pcap_head(&w);
	if (c->file && put(c, &w))
		return c;
	th_capture_del(c);
	return NULL;
}

void th_capture_del(struct th_capture *c)
{
	if (!c)
		return;
	if (c->file)
		fclose(c->file);
	th_free(c->mem, c);
}

bool th_capture_add(struct th_capture *c, th_time at, const struct th_addr *from, const struct th_addr *to,
		    const uint8_t *p, size_t n)
{
	struct th_wr w = th_wr_init(c->record, sizeof(c->record));

	th_pcap_record(&w, c->epoch + at, from, to, p, n);
	return put(c, &w);
}
