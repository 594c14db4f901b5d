/* What our flate coder writes, for test_flate.py: usage: flate_peer CORPUS STEP
 *
 * First line: the preset dictionary and its ID. Then each STEPth message of the corpus: coded bytes, history before it,
 * method, target, status, body, and name and value of each field; all in hex, separated by blanks, "-" for nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/flate.h"
#include "corpus.h"

enum { CAP = 256 * 1024 };

static void hex(const void *p, size_t n)
{
	const unsigned char *b = p;

	if (n == 0)
		putchar('-');
	for (size_t i = 0; i < n; i++)
		printf("%02x", b[i]);
	putchar(' ');
}

static void hex_str(struct th_str s)
{
	hex(s.p, s.n);
}

static void message(struct th_flate *f, const struct corpus_message *m, struct th_flate_history history,
		    unsigned coding)
{
	static uint8_t coded[CAP];
	size_t n = th_flate_encode(f, coding, &m->head, m->body, history, coded, sizeof(coded));

	if (n == 0)
		return;
	hex(coded, n);
	hex(history.p, history.n);
	hex_str(m->head.method);
	hex_str(m->head.target);
	printf("%u ", m->head.status);
	hex_str(m->body);
	for (size_t i = 0; i < m->head.n_fields; i++) {
		hex_str(m->head.fields[i].name);
		hex_str(m->head.fields[i].value);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	static uint8_t past[CAP];
	struct th_flate *f = th_flate_new(&th_mem_libc);
	struct corpus *c = argc == 3 ? corpus_read(argv[1]) : NULL;
	size_t step = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (!c || !f || step == 0)
		return 1;
	hex(th_flate_preset, th_flate_preset_len);
	printf("%016llx\n", (unsigned long long)th_flate_preset_id);
	for (size_t i = step; i < c->n; i += step) {
		struct th_flate_history history = { past, 0 };

		if (i / step % 2)
			history.n =
				th_flate_form(f, &c->messages[i - 1].head, c->messages[i - 1].body, past, sizeof(past));
		message(f, &c->messages[i], history, i / step % 3 ? TH_CODING_FLATE : TH_CODING_FLATE_BARE);
	}
	th_flate_del(f);
	corpus_del(c);
	return 0;
}
