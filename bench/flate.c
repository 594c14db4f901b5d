/* Bytes and speed of the flate coding on the held-out part of the corpus, beside deflate and zstd with dictionaries
 * trained on the same messages as text: usage: bench-flate CORPUS
 *
 * History is what a session had before: all earlier messages of the file, both directions, the last 24 kB of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zdict.h>
#include <zlib.h>
#include <zstd.h>

#include "base/wr.h"
#include "codec/envelope.h"
#include "codec/flate.h"
#include "corpus.h"
#include "cover.h"

enum { DICT = 32 * 1024 - 262, ZDICT = 110 * 1024, TEXT_MAX = 256 * 1024, HISTORY = TH_FLATE_HISTORY_MAX };

struct history {
	uint8_t p[HISTORY];
	size_t n;
};

static void remember(struct history *h, const uint8_t *p, size_t n)
{
	if (n > HISTORY) {
		p += n - HISTORY;
		n = HISTORY;
	}
	if (h->n + n > HISTORY) {
		size_t drop = h->n + n - HISTORY;

		memmove(h->p, h->p + drop, h->n - drop);
		h->n -= drop;
	}
	memcpy(h->p + h->n, p, n);
	h->n += n;
}

static size_t text_of(const struct corpus_message *m, uint8_t *out)
{
	struct th_wr w = th_wr_init(out, TEXT_MAX);
	const struct th_head *h = &m->head;
	char status[16];

	if (h->status) {
		th_wr_bytes(&w, status, (size_t)snprintf(status, sizeof(status), "%u", h->status));
	} else {
		th_wr_bytes(&w, h->method.p, h->method.n);
		th_wr_bytes(&w, " ", 1);
		th_wr_bytes(&w, h->target.p, h->target.n);
	}
	th_wr_bytes(&w, "\n", 1);
	for (size_t i = 0; i < h->n_fields; i++) {
		th_wr_bytes(&w, h->fields[i].name.p, h->fields[i].name.n);
		th_wr_bytes(&w, ": ", 2);
		th_wr_bytes(&w, h->fields[i].value.p, h->fields[i].value.n);
		th_wr_bytes(&w, "\n", 1);
	}
	th_wr_bytes(&w, "\n", 1);
	th_wr_bytes(&w, m->body.p, m->body.n);
	if (!th_wr_ok(&w))
		abort();
	return w.n;
}

struct baselines {
	uint8_t dict[DICT];
	size_t dict_n;
	z_stream primed;
	ZSTD_CCtx *cctx;
	ZSTD_CDict *cdict;
	uint8_t *zdict;
	size_t zdict_n;
};

static void train(struct baselines *b, const struct corpus *c)
{
	struct cover_sample *samples = calloc(c->n, sizeof(*samples));
	size_t *sizes = calloc(c->n, sizeof(*sizes));
	uint8_t *all = malloc(64 << 20);
	size_t n = 0, at = 0, zn;

	for (size_t i = 0; i < c->n; i++) {
		char name[64];

		if (c->messages[i].held_out || c->messages[i].body.n > TEXT_MAX / 2 ||
		    strcmp(corpus_name(c, c->messages[i].file, name, sizeof(name)), "errors") == 0)
			continue;
		sizes[n] = text_of(&c->messages[i], all + at);
		samples[n] = (struct cover_sample){ all + at, sizes[n], c->messages[i].file };
		at += sizes[n++];
	}
	b->dict_n = cover_pick(samples, n, b->dict, DICT);
	memmove(b->dict, b->dict + DICT - b->dict_n, b->dict_n);
	b->zdict = malloc(ZDICT);
	zn = ZDICT_trainFromBuffer(b->zdict, ZDICT, all, sizes, (unsigned)n);
	b->zdict_n = zn;
	b->cdict = ZSTD_createCDict(b->zdict, zn, 19);
	b->cctx = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(b->cctx, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(b->cctx, ZSTD_c_checksumFlag, 0);
	ZSTD_CCtx_setParameter(b->cctx, ZSTD_c_dictIDFlag, 0);
	ZSTD_CCtx_setParameter(b->cctx, ZSTD_c_compressionLevel, 19);
	ZSTD_CCtx_refCDict(b->cctx, b->cdict);
	b->primed = (z_stream){ 0 };
	deflateInit2(&b->primed, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	deflateSetDictionary(&b->primed, b->dict, (uInt)b->dict_n);
	free(samples);
	free(sizes);
	free(all);
}

static size_t deflate_text(struct baselines *b, const struct history *h, uint8_t *p, size_t n)
{
	static uint8_t out[TEXT_MAX * 2];
	z_stream z;
	size_t got;

	deflateCopy(&z, &b->primed);
	if (h && h->n)
		deflateSetDictionary(&z, h->p, (uInt)h->n);
	z.next_in = p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = sizeof(out);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	got = sizeof(out) - z.avail_out;
	deflateEnd(&z);
	return got;
}

/* History behind the trained dictionary's content, as one prefix: what a session with zstd would do. */
static size_t zstd_history(struct baselines *b, const struct history *h, const uint8_t *p, size_t n, uint8_t *out)
{
	static uint8_t prefix[ZDICT + HISTORY];
	size_t got;

	memcpy(prefix, b->zdict, b->zdict_n);
	memcpy(prefix + b->zdict_n, h->p, h->n);
	ZSTD_CCtx_refPrefix(b->cctx, prefix, b->zdict_n + h->n);
	got = ZSTD_compress2(b->cctx, out, TEXT_MAX, p, n);
	ZSTD_CCtx_refCDict(b->cctx, b->cdict);
	return got;
}

enum column {
	TEXT,
	IDENTITY,
	DEFLATE,
	ZSTD_DICT,
	DEFLATE_HISTORY,
	ZSTD_HISTORY,
	FLATE,
	FLATE_HISTORY,
	FLATE_TEXT_HISTORY,
	BARE,
	COLUMNS
};

static const char *const titles[COLUMNS] = { "text",   "identity", "deflate", "zstd 19",   "deflate+h",
					     "zstd+h", "flate",	   "flate+h", "flate+txt", "bare+h" };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t flate(struct th_flate *f, unsigned coding, const struct corpus_message *m, const struct history *h,
		    uint8_t *out)
{
	struct th_flate_history history = { h ? h->p : NULL, h ? h->n : 0 };
	size_t n = th_flate_encode(f, coding, &m->head, m->body, history, out, TEXT_MAX);

	return n ? n : th_envelope_write(&m->head, NULL, 0) + m->body.n;
}

static void row(const char *name, size_t messages, const size_t *sums)
{
	printf("%-14s %8zu", name, messages);
	for (size_t i = 0; i < COLUMNS; i++)
		printf(" %9zu", sums[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	static struct baselines b;
	static struct history text_h, form_h;
	static uint8_t text[TEXT_MAX], form[TEXT_MAX], out[TEXT_MAX];
	static struct th_flate_message got;
	struct corpus *c = argc > 1 ? corpus_read(argv[1]) : NULL;
	struct th_flate *f = th_flate_new(&th_mem_libc);
	size_t sums[64][COLUMNS] = { { 0 } }, counts[64] = { 0 }, total[COLUMNS] = { 0 }, messages = 0, bytes = 0;
	double encode = 0, decode = 0, t;

	if (!c || !f || c->n == 0 || c->n_files > 64)
		return 1;
	train(&b, c);
	for (size_t i = 0; i < c->n; i++) {
		const struct corpus_message *m = &c->messages[i];
		size_t *s = sums[m->file], n, forms, packed;

		if (i == 0 || m->file != c->messages[i - 1].file)
			text_h.n = form_h.n = 0;
		if (m->body.n > TEXT_MAX / 2)
			continue;
		n = text_of(m, text);
		forms = th_flate_form(f, &m->head, m->body, form, sizeof(form));
		if (m->held_out) {
			counts[m->file]++;
			s[TEXT] += n;
			s[IDENTITY] += th_envelope_write(&m->head, NULL, 0) + m->body.n;
			s[DEFLATE] += deflate_text(&b, NULL, text, n);
			s[DEFLATE_HISTORY] += deflate_text(&b, &text_h, text, n);
			s[ZSTD_DICT] += ZSTD_compress2(b.cctx, out, sizeof(out), text, n);
			s[ZSTD_HISTORY] += zstd_history(&b, &text_h, text, n, out);
			s[FLATE] += flate(f, TH_CODING_FLATE, m, NULL, out);
			s[FLATE_TEXT_HISTORY] += flate(f, TH_CODING_FLATE, m, &text_h, out);
			s[BARE] += flate(f, TH_CODING_FLATE_BARE, m, &form_h, out);
			t = now();
			s[FLATE_HISTORY] += packed = flate(f, TH_CODING_FLATE, m, &form_h, out);
			encode += now() - t;
			if (out[0] == TH_CODING_FLATE) {
				t = now();
				if (th_flate_decode(f, out, packed, m->head.status != 0,
						    (struct th_flate_history){ form_h.p, form_h.n }, &got, text,
						    sizeof(text)) != TH_OK)
					abort();
				decode += now() - t;
				bytes += n;
			}
			n = text_of(m, text);
		}
		remember(&text_h, text, n);
		if (forms && forms <= sizeof(form))
			remember(&form_h, form, forms);
	}
	printf("%-14s %8s", "file", "messages");
	for (size_t i = 0; i < COLUMNS; i++)
		printf(" %9s", titles[i]);
	printf("\n");
	for (size_t i = 0; i < c->n_files; i++) {
		char name[64];

		row(corpus_name(c, i, name, sizeof(name)), counts[i], sums[i]);
		if (strcmp(name, "errors") == 0)
			continue;
		messages += counts[i];
		for (size_t j = 0; j < COLUMNS; j++)
			total[j] += sums[i][j];
	}
	row("all but errors", messages, total);
	printf("flate with history: encodes %.1f MB/s, %.0f us a message; decodes %.1f MB/s, %.0f us a message\n",
	       (double)bytes / encode / 1e6, encode / (double)messages * 1e6, (double)bytes / decode / 1e6,
	       decode / (double)messages * 1e6);
	th_flate_del(f);
	corpus_del(c);
	return 0;
}
