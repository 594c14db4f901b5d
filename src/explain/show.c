#include "explain/show.h"

enum th_err th_show_init(struct th_show *s, const struct th_mem *mem, const struct th_explain_options *o, FILE *out)
{
	*s = (struct th_show){
		.o = o,
		.out = out,
		.how = th_paint_for(out, o->colour == TH_COLOUR_ALWAYS, o->colour == TH_COLOUR_NEVER),
		.sums = th_sums_new(mem),
		.mem = mem,
	};
	return s->sums ? TH_OK : TH_ERR_NO_MEMORY;
}

void th_show_begin(struct th_show *s)
{
	if (!s->o->summary && !s->begun) {
		th_paint_legend(s->out, s->how);
		putc('\n', s->out);
	}
	s->begun = true;
}

void th_show_free(struct th_show *s)
{
	if (s->sums)
		th_sums_del(s->sums);
	s->sums = NULL;
}

static void title(const struct th_show *s, const char *text)
{
	if (s->how == TH_PAINT_PLAIN)
		fprintf(s->out, "%s\n", text);
	else
		fprintf(s->out, "\033[1m%s\033[0m\n", text);
}

void th_show_message(struct th_show *s, const char *where, const struct th_explained *e)
{
	double bits = (double)th_costs_sum(&e->costs) / TH_COST_BIT;
	char line[300];
	int n = snprintf(line, sizeof(line), "%s: ", where);

	if (n < 0 || (size_t)n >= sizeof(line))
		return;
	th_show_begin(s);
	if (e->not_modelled)
		snprintf(line + n, sizeof(line) - (size_t)n, "not for the model, as %s; HTTP %zu, zstd %zu bytes",
			 e->not_modelled, e->http, e->zstd);
	else
		snprintf(line + n, sizeof(line) - (size_t)n,
			 "%zu bytes (%.1f bits, %.2f a byte of text), IP %zu; HTTP %zu, zlib %zu, zstd %zu", e->coded,
			 bits, e->costs.n ? bits / (double)e->costs.n : 0, e->ip, e->http, e->zlib, e->zstd);
	title(s, line);
	if (!e->not_modelled)
		th_paint_text(s->out, s->how, &e->costs, s->o->cut);
	putc('\n', s->out);
}

void th_show_end(const struct th_show *s)
{
	th_sums_print(s->sums, s->o->top, s->out);
}
