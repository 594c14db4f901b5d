/* Bytes and speed of the model coder beside deflate, zstd and brotli, which get trained dictionaries and the same
 * history.
 *
 * usage: bench-codec TABLES TRAIN TEST [model] [hopeful] [each] [after PERCENT]. The records (tools/model/records.py)
 * in TRAIN are for the others' dictionaries, those in TEST are coded: every session from its beginning, message by
 * message, as two ends without loss would. Prints tables; bench/codec-figures puts them together. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <brotli/encode.h>
#define ZDICT_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zlib.h>
#include <zstd.h>

#include "../tools/model/corpus.h"
#include "codec/check.h"
#include "codec/reference.h"
#include "random.h"

enum {
	DICTIONARY = 110 * 1024,
	SAMPLES_MAX = 24 * 1024 * 1024,
	WINDOW = 32 * 1024, /* of deflate */
	OUT = 1 << 20,
	CODERS = 4,
	ROUTES = 256,
};

static const char *const coder_names[CODERS] = { "model", "deflate", "zstd 19", "brotli 9" };

struct sums {
	char name[64];
	size_t messages, http, text, random, coded[CODERS];
};

static uint8_t dictionary[DICTIONARY], joined[DICTIONARY + TH_MODEL_VIEW_MAX + 4096], out[OUT];
static size_t dictionary_n, joined_n;
static double seconds_coding, seconds_history;
static size_t bytes_coded, bytes_history;
static bool only_model, hopeful;
static size_t skipped; /* percent of each session's exchanges that go before, and are not counted */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-codec: %s\n", what);
	exit(1);
}

static void train_dictionary(const struct corpus *c)
{
	uint8_t *samples = malloc(SAMPLES_MAX);
	size_t *sizes = calloc(c->n + 1, sizeof(*sizes)), n = 0, total = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (total + c->messages[i].plain_n > SAMPLES_MAX || c->messages[i].plain_n > 16384)
			continue;
		memcpy(samples + total, c->messages[i].plain, c->messages[i].plain_n);
		total += c->messages[i].plain_n;
		sizes[n++] = c->messages[i].plain_n;
	}
	dictionary_n = ZDICT_trainFromBuffer(dictionary, sizeof(dictionary), samples, sizes, (unsigned)n);
	if (ZDICT_isError(dictionary_n))
		die("no dictionary");
	free(samples);
	free(sizes);
}

/* Dictionary, then the session's last messages before that one, as they are: oldest first, so that the newest is
 * nearest. */
static void join(const struct corpus *c, size_t before)
{
	size_t first = before, sum = 0;

	while (first > 0 && c->messages[first - 1].session == c->messages[before].session &&
	       sum + c->messages[first - 1].plain_n <= TH_HISTORY_DEFAULT / 8 * 7)
		sum += c->messages[--first].plain_n;
	memcpy(joined, dictionary, dictionary_n);
	joined_n = dictionary_n;
	for (size_t i = first; i < before; i++) {
		memcpy(joined + joined_n, c->messages[i].plain, c->messages[i].plain_n);
		joined_n += c->messages[i].plain_n;
	}
}

static size_t deflated(const struct message *m)
{
	z_stream z = { 0 };
	size_t from = joined_n > WINDOW ? joined_n - WINDOW : 0;

	deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
	deflateSetDictionary(&z, joined + from, (uInt)(joined_n - from));
	z.next_in = m->plain;
	z.avail_in = (uInt)m->plain_n;
	z.next_out = out;
	z.avail_out = OUT;
	deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return z.total_out;
}

static size_t zstandard(const struct message *m)
{
	static ZSTD_CCtx *c;
	size_t n;

	if (!c)
		c = ZSTD_createCCtx();
	ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19);
	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(c, ZSTD_c_dictIDFlag, 0);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 0);
	ZSTD_CCtx_setParameter(c, ZSTD_c_format, ZSTD_f_zstd1_magicless);
	ZSTD_CCtx_loadDictionary_byReference(c, joined, joined_n);
	n = ZSTD_compress2(c, out, OUT, m->plain, m->plain_n);
	if (ZSTD_isError(n))
		die(ZSTD_getErrorName(n));
	return n;
}

static size_t brotli_step(BrotliEncoderState *b, BrotliEncoderOperation op, const uint8_t *p, size_t n)
{
	size_t total = 0;

	do {
		uint8_t *to = out;
		size_t room = OUT;

		if (!BrotliEncoderCompressStream(b, op, &n, &p, &room, &to, NULL))
			die("brotli");
		total += OUT - room;
	} while (n || BrotliEncoderHasMoreOutput(b));
	return total;
}

/* This version of the library takes no dictionary: what stands in for one goes through it first, and is not counted. */
static size_t brotlied(const struct message *m)
{
	BrotliEncoderState *b = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	size_t n;

	BrotliEncoderSetParameter(b, BROTLI_PARAM_QUALITY, 9);
	BrotliEncoderSetParameter(b, BROTLI_PARAM_LGWIN, 18);
	brotli_step(b, BROTLI_OPERATION_FLUSH, joined, joined_n);
	n = brotli_step(b, BROTLI_OPERATION_FINISH, m->plain, m->plain_n);
	BrotliEncoderDestroyInstance(b);
	return n;
}

/* `base` and `number`: what is said of them counts, too. */
static size_t modelled(struct th_model *model, const struct th_view *view, const struct message *m,
		       const struct cut *cut, const struct th_history_base *base, uint64_t number)
{
	struct th_model_about about = corpus_about(m);
	size_t need, history = 0, got;
	static uint8_t back[TH_MODEL_TEXT_MAX];
	struct th_history_base read;
	struct th_range_enc e;
	struct th_range_dec d;
	double start = now(), taken;

	for (size_t i = 0; i < view->n; i++)
		history += view->texts[i].n + view->texts[i].n_rest + 1;
	(void)th_model_encode(model, view, &about, cut->text, 0, out, OUT, &need); /* nothing but the history */
	taken = now() - start;
	seconds_history += taken;
	bytes_history += history;
	start = now();
	th_range_enc_init(&e, out, OUT);
	if (!base->parent.none) {
		th_reference_write(&e, base, m->is_response, number);
		th_check_write(&e, th_check_of(m->plain, m->plain_n, TH_STR("")));
	}
	if (th_model_encode_on(model, view, &about, cut->text, cut->n, &e, &need) != TH_OK)
		die("a text is too large");
	seconds_coding += now() - start - taken;
	bytes_coded += m->plain_n;
	th_range_dec_init(&d, out, need);
	if (!base->parent.none &&
	    (th_reference_read(&d, m->is_response, number, &read) != TH_OK || read.also != base->also ||
	     read.own != base->own || th_check_read(&d) != th_check_of(m->plain, m->plain_n, TH_STR(""))))
		die("a reference did not come back as it was");
	if (th_model_decode_on(model, view, &about, &d, back, sizeof(back), &got) != TH_OK ||
	    !corpus_restores(m, view, back, got))
		die("a text did not come back as it was");
	return need;
}

static struct sums *sums_for(struct sums *all, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	if (*n == ROUTES)
		return &all[ROUTES - 1];
	snprintf(all[*n].name, sizeof(all[*n].name), "%s", name);
	return &all[(*n)++];
}

static void add(struct sums *s, const struct message *m, size_t random, const size_t coded[CODERS])
{
	s->messages++;
	s->random += random;
	s->http += m->http_bytes;
	s->text += m->plain_n;
	for (unsigned i = 0; i < CODERS; i++)
		s->coded[i] += coded[i];
}

/* Of two sizes, after what nothing can shorten. */
static double ratio(size_t of, size_t to, size_t less)
{
	return to > less && of > less ? (double)(of - less) / (double)(to - less) : 0;
}

static void print_sums(const char *title, const struct sums *all, size_t n)
{
	printf("%-34s %8s %9s %9s", title, "messages", "HTTP", "text");
	for (unsigned i = 0; i < CODERS; i++)
		printf(" %9s", coder_names[i]);
	printf(" %7s %9s %8s\n", "zstd/m", "random", "without");
	for (size_t i = 0; i < n; i++) {
		printf("%-34s %8zu %9zu %9zu", all[i].name, all[i].messages, all[i].http, all[i].text);
		for (unsigned k = 0; k < CODERS; k++)
			printf(" %9zu", all[i].coded[k]);
		printf(" %7.2f %9zu %8.2f\n", ratio(all[i].coded[2], all[i].coded[0], 0), all[i].random,
		       ratio(all[i].coded[2], all[i].coded[0], all[i].random));
	}
}

struct pair {
	struct th_history *near, *far;
};

static void remember(const struct pair *p, const struct message *m, uint64_t number, struct th_history_base base,
		     const struct cut *cut)
{
	struct th_model_about about = corpus_about(m);
	struct th_history *sender = m->is_response ? p->far : p->near, *receiver = m->is_response ? p->near : p->far;
	struct th_history_ref me = { .sender = TH_HISTORY_OURS, .number = number };

	th_history_add(sender, me, &base, &about, cut->kept, cut->kept_n);
	base = th_history_base_mirrored(base);
	th_history_add(receiver, th_history_mirrored(me), &base, &about, cut->kept, cut->kept_n);
}

/* One line for each message: what the figures of bench/codec-figures are taken from. */
static void print_message(const struct corpus *c, const struct message *m, size_t cold, size_t warm)
{
	printf("message %s %s %s %zu %zu ", c->sessions[m->session], m->is_response ? "down" : "up", m->route, cold,
	       warm);
	for (size_t i = 0; i < m->plain_n && i < 3000; i++)
		putchar(m->plain[i] >= 32 && m->plain[i] < 127 ? m->plain[i] : '~');
	putchar('\n');
}

/* `timed`: it counts as coding. */
static void cut_for(const struct message *m, const struct th_view *view, bool timed, struct cut *cut)
{
	double start = now();

	if (!corpus_cut(m, view, TH_HISTORY_DEFAULT / TH_HISTORY_TEXT_PARTS, cut))
		die("a text cannot be cut");
	seconds_coding += timed ? now() - start : 0;
}

/* For each message whether it is of the last exchanges of its session, all but so many percent: those are counted. */
static bool *counted_of(const struct corpus *c, size_t percent)
{
	size_t *requests = calloc(c->n_sessions, sizeof(*requests)), *seen = calloc(c->n_sessions, sizeof(*seen));
	bool *counted = calloc(c->n + 1, sizeof(*counted));

	for (size_t i = 0; i < c->n; i++)
		requests[c->messages[i].session] += !c->messages[i].is_response;
	for (size_t i = 0; i < c->n; i++) {
		const struct message *m = &c->messages[i];

		if (m->is_response)
			counted[i] = counted[m->request];
		else
			counted[i] = seen[m->session]++ >= requests[m->session] * percent / 100;
	}
	free(requests);
	free(seen);
	return counted;
}

static void play(struct th_model *model, const struct corpus *c, bool each)
{
	bool *counted = counted_of(c, skipped);
	static struct sums sessions[ROUTES], routes[ROUTES];
	static struct th_view view;
	size_t n_sessions = 0, n_routes = 0, session = SIZE_MAX, also = 0, none = 0, counted_n = 0;
	uint64_t *numbers = calloc(c->n + 1, sizeof(*numbers)), next = 1;
	struct pair p = { th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true),
			  th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, false) };

	for (size_t i = 0; i < c->n; i++) {
		const struct message *m = &c->messages[i];
		struct th_history_ref request = TH_HISTORY_NONE;
		struct th_history_base base;
		size_t coded[CODERS] = { 0 }, cold = 0, random;
		struct cut cut;
		char name[64];

		if (m->session != session) {
			session = m->session;
			th_history_clear(p.near);
			th_history_clear(p.far);
			random_begin();
		}
		if (m->is_response)
			request = (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = numbers[m->request] };
		numbers[i] = m->is_response ? numbers[m->request] : next++;
		th_history_choose(m->is_response ? p.far : p.near, numbers[i], request, hopeful && m->is_response,
				  &base, &view);
		if (!th_reference_fits(&base, m->is_response, numbers[i])) {
			base = TH_HISTORY_BASELESS;
			view.n = 0;
		}
		if (each && counted[i]) {
			static const struct th_view empty;

			cut_for(m, &empty, true, &cut);
			cold = modelled(model, &empty, m, &cut, &TH_HISTORY_BASELESS, 0);
		}
		cut_for(m, &view, counted[i], &cut);
		random = random_in(cut.text, cut.n);
		if (!counted[i]) {
			remember(&p, m, numbers[i], base, &cut);
			continue;
		}
		coded[0] = modelled(model, &view, m, &cut, &base, numbers[i]);
		if (each)
			print_message(c, m, cold, coded[0]);
		if (!only_model) {
			join(c, i);
			coded[1] = deflated(m);
			coded[2] = zstandard(m);
			coded[3] = brotlied(m);
		}
		counted_n++;
		also += base.also != 0;
		none += view.n == 0;
		remember(&p, m, numbers[i], base, &cut);
		add(sums_for(sessions, &n_sessions, c->sessions[session]), m, random, coded);
		snprintf(name, sizeof(name), "%s %s", m->route, m->is_response ? "down" : "up");
		add(sums_for(routes, &n_routes, name), m, random, coded);
	}
	print_sums("file", sessions, n_sessions);
	printf("\n");
	print_sums("kind of message", routes, n_routes);
	printf("\n%zu of %zu messages name more than one parent, %zu have no history; views of %.0f bytes\n", also,
	       counted_n, none, (double)bytes_history / (double)counted_n);
	free(counted);
	free(numbers);
	th_history_free(p.near);
	th_history_free(p.far);
}

int main(int argc, char **argv)
{
	struct corpus train, test;
	struct th_model *model;
	FILE *f;
	static uint8_t *tables;
	bool each = false;
	size_t n;

	if (argc < 4)
		die("usage: bench-codec TABLES TRAIN TEST [model] [hopeful] [each]");
	f = fopen(argv[1], "rb");
	tables = aligned_alloc(64, 1 << 24);
	if (!f || !tables)
		die("no tables");
	n = fread(tables, 1, 1 << 24, f);
	fclose(f);
	model = th_model_new(&th_mem_libc, tables, n);
	if (!model)
		die("not tables of this model");
	for (int i = 4; i < argc; i++) {
		only_model |= strcmp(argv[i], "model") == 0;
		hopeful |= strcmp(argv[i], "hopeful") == 0;
		each |= strcmp(argv[i], "each") == 0;
		if (strcmp(argv[i], "after") == 0 && i + 1 < argc)
			skipped = strtoul(argv[i + 1], NULL, 10);
	}
	corpus_load(&test, argv[3]);
	if (!only_model) {
		corpus_load(&train, argv[2]);
		train_dictionary(&train);
	}
	play(model, &test, each);
	printf("\ntables %016" PRIx64 ", %.2f MiB; coding %.2f MB/s, taking in history %.1f MB/s\n", th_model_id(model),
	       (double)n / 1048576, (double)bytes_coded / seconds_coding / 1e6,
	       (double)bytes_history / seconds_history / 1e6);
	th_model_free(model);
	return 0;
}
