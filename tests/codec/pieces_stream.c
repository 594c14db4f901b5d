/* What codec/pieces.h makes of a body, for the second decoder.
 *
 * usage: pieces_stream TABLES BODY MOST. Writes the stream. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/pieces.h"
#include "codec/text.h"

enum { CAP = 8 << 20 };

static size_t read_file(const char *path, uint8_t *out)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		exit(1);
	n = fread(out, 1, CAP, f);
	fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	static uint8_t tables[CAP], body[CAP], out[CAP];
	static struct th_text text;
	struct th_piece_tools tools = { .text = &text };
	struct th_pieces_encoder *e;
	struct th_bulk_step step;
	size_t n;

	if (argc != 4)
		return 2;
	tools.model = th_model_new(&th_mem_libc, tables, read_file(argv[1], tables));
	tools.lineage = th_lineage_new(&th_mem_libc);
	e = th_pieces_encoder_new(&th_mem_libc, &tools, strtoul(argv[3], NULL, 10));
	n = read_file(argv[2], body);
	if (!tools.model || !tools.lineage || !e ||
	    th_pieces_encode(e, body, n, TH_BULK_END, out, sizeof(out), &step) != TH_OK || !step.done)
		return 1;
	fwrite(out, 1, step.written, stdout);
	th_pieces_encoder_del(e);
	th_lineage_del(tools.lineage);
	th_model_free(tools.model);
	return 0;
}
