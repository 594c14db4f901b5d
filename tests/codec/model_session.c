/* What two ends of a session send each other in the model coding, for the second decoder beside this file to read.
 *
 * usage: model_session TABLES RECORDS STORE LOSS SEED [hopeful] [texts]. Plays the records (tools/model/records.py)
 * with the tables in a file and stores of STORE bytes, over a link that loses LOSS of 100 messages; each session of the
 * records begins anew. Lines:
 *
 *     session NAME
 *     message SENDER NUMBER CODING FATE CODE TEXT [CUT KEPT]
 *
 * SENDER up (requests) or down (responses, which have the number of their request). CODING 1: the code begins with what
 * it is coded against; 7: against nothing. FATE: read, lost, or refused (the receiver lacks what it is coded against; a
 * request is then sent once more, alone). CODE and TEXT in hex, TEXT with all event IDs. hopeful: responses count on
 * those before them that may still be on their way. texts: CODE is what the text is coded against alone, which is a
 * thousand times faster to read; CUT is the text with marks, KEPT what history has of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "base/rng.h"
#include "codec/check.h"
#include "codec/reference.h"

enum { UP, DOWN, ENDS, MESSAGES_MAX = 1 << 12, CODING_MODEL = 1, CODING_ALONE = 7 };

struct session {
	struct th_model *model;
	struct th_history *store[ENDS];
	uint64_t next;
	uint64_t number[MESSAGES_MAX]; /* of each message of the corpus */
	bool lost[MESSAGES_MAX];
	struct th_rng rng;
	unsigned loss;
	bool hopeful, texts;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "model_session: %s\n", what);
	exit(1);
}

static void put_hex(const uint8_t *p, size_t n)
{
	putchar(' ');
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
	if (n == 0)
		putchar('-');
}

/* Sends a message coded against `base`; false when the receiver refuses it. */
static bool send(struct session *s, const struct message *m, uint64_t number, struct th_history_base base,
		 const struct th_view *view, bool lost)
{
	static uint8_t code[TH_MODEL_TEXT_MAX];
	static struct th_view seen;
	struct th_model_about about = corpus_about(m);
	struct th_history_ref me = { .sender = TH_HISTORY_OURS, .number = number };
	struct th_history_base theirs = th_history_base_mirrored(base);
	unsigned from = m->is_response ? DOWN : UP;
	struct th_range_enc e;
	bool refused = false;
	struct cut cut;
	size_t need;

	if (!corpus_cut(m, view, th_history_text_max(s->store[from]), &cut))
		die("a text cannot be cut");

	th_range_enc_init(&e, code, sizeof(code));
	if (!base.parent.none) {
		th_reference_write(&e, &base, m->is_response, number);
		th_check_write(&e, th_check_of(m->plain, m->plain_n, TH_STR("")));
	}
	if (s->texts) {
		th_range_finish(&e);
		need = e.n;
	} else if (th_model_encode_on(s->model, view, &about, cut.text, cut.n, &e, &need) != TH_OK) {
		die("a text is too large");
	}
	if (!lost)
		refused = th_history_view(s->store[!from], th_history_mirrored(me), &theirs, &seen) != TH_OK;
	printf("message %s %" PRIu64 " %d %s", from == UP ? "up" : "down", number,
	       base.parent.none ? CODING_ALONE : CODING_MODEL,
	       lost	 ? "lost"
	       : refused ? "refused"
			 : "read");
	put_hex(code, need);
	put_hex(m->plain, m->plain_n);
	if (s->texts) {
		put_hex(cut.text, cut.n);
		put_hex(cut.kept, cut.kept_n);
	}
	putchar('\n');
	th_history_add(s->store[from], me, &base, &about, cut.kept, cut.kept_n);
	if (!lost && !refused)
		th_history_add(s->store[!from], th_history_mirrored(me), &theirs, &about, cut.kept, cut.kept_n);
	return !refused;
}

static void play(struct session *s, const struct corpus *c, size_t i)
{
	static const struct th_view empty;
	static struct th_view view;
	const struct message *m = &c->messages[i];
	struct th_history_ref request = TH_HISTORY_NONE;
	struct th_history_base base;

	s->lost[i] = th_rng_below(&s->rng, 100) < s->loss;
	if (m->is_response) {
		if (s->lost[m->request])
			return; /* nobody answers */
		s->number[i] = s->number[m->request];
		request = (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = s->number[i] };
	} else {
		s->number[i] = s->next++;
	}
	th_history_choose(s->store[m->is_response ? DOWN : UP], s->number[i], request, s->hopeful && m->is_response,
			  &base, &view);
	if (!th_reference_fits(&base, m->is_response, s->number[i])) {
		base = TH_HISTORY_BASELESS;
		view.n = 0;
	}
	if (send(s, m, s->number[i], base, &view, s->lost[i]) || m->is_response)
		return;
	s->number[i] = s->next++;
	send(s, m, s->number[i], TH_HISTORY_BASELESS, &empty, false);
}

static uint8_t *read_file(const char *path, size_t *n)
{
	static _Alignas(64) uint8_t file[8 << 20];
	FILE *f = fopen(path, "rb");

	if (!f)
		die("the tables cannot be read");
	*n = fread(file, 1, sizeof(file), f);
	fclose(f);
	return file;
}

int main(int argc, char **argv)
{
	static struct session s;
	struct corpus c;
	uint64_t seed;
	size_t store, tables_n;
	const uint8_t *tables;

	if (argc < 6)
		die("usage: model_session TABLES RECORDS STORE LOSS SEED [hopeful] [texts]");
	tables = read_file(argv[1], &tables_n);
	corpus_load(&c, argv[2]);
	if (c.n > sizeof(s.lost))
		die("too many messages");
	store = strtoul(argv[3], NULL, 10);
	s.loss = (unsigned)strtoul(argv[4], NULL, 10);
	seed = strtoull(argv[5], NULL, 10);
	s.rng = th_rng_seeded(&seed);
	for (int i = 6; i < argc; i++)
		*(strcmp(argv[i], "texts") == 0 ? &s.texts : &s.hopeful) = true;
	s.model = th_model_new(&th_mem_libc, tables, tables_n);
	s.store[UP] = th_history_new(&th_mem_libc, store, true);
	s.store[DOWN] = th_history_new(&th_mem_libc, store, false);
	if (!s.model || !s.store[UP] || !s.store[DOWN])
		die("no tables, no memory, or a store of that size cannot be");
	for (size_t i = 0; i < c.n; i++) {
		if (i == 0 || c.messages[i].session != c.messages[i - 1].session) {
			th_history_clear(s.store[UP]);
			th_history_clear(s.store[DOWN]);
			printf("session %s\n", c.sessions[c.messages[i].session]);
		}
		play(&s, &c, i);
	}
	th_history_free(s.store[UP]);
	th_history_free(s.store[DOWN]);
	th_model_free(s.model);
	return 0;
}
