#include "explain/sums.h"

#include <inttypes.h>
#include <stdlib.h>

struct th_sums *th_sums_new(const struct th_mem *mem)
{
	struct th_sums *s = th_alloc(mem, sizeof(*s));

	if (!s)
		return NULL;
	s->mem = mem;
	th_labels_init(&s->labels, mem);
	return s;
}

void th_sums_del(struct th_sums *s)
{
	th_labels_free(&s->labels);
	th_free(s->mem, s);
}

static void add_fields(struct th_sums *s, const struct th_costs *c, const struct th_label *label)
{
	struct th_field_sums *bases = &s->fields[th_labels_place(&s->labels, TH_STR("which messages it builds on"))];

	bases->cost[TH_PART_NAME] += c->bases;
	bases->times++;
	s->cost += c->bases;
	for (size_t i = 0; i <= c->n; i++) {
		struct th_field_sums *f = &s->fields[label[i].field];

		f->cost[label[i].part] += c->cost[i];
		f->bytes += i < c->n;
		f->times += i == 0 || label[i - 1].field != label[i].field;
		s->cost += c->cost[i];
	}
}

enum th_err th_sums_add(struct th_sums *s, const struct th_explained *e)
{
	struct th_message_sums *m = &s->messages[e->is_response];
	struct th_label *labels;

	m->messages++;
	m->http += e->http;
	m->zlib += e->zlib;
	m->zstd += e->zstd;
	m->coded += e->coded;
	m->ip += e->ip;
	m->datagrams += e->datagrams;
	if (e->not_modelled) {
		m->not_modelled++;
		return TH_OK;
	}
	labels = th_alloc(s->mem, (e->costs.n + 1) * sizeof(*labels));
	if (!labels)
		return TH_ERR_NO_MEMORY;
	th_labels_of(&s->labels, e->costs.text, e->costs.n, e->is_response, labels);
	add_fields(s, &e->costs, labels);
	s->modelled += e->coded;
	th_free(s->mem, labels);
	return TH_OK;
}

static void print_messages(const char *what, const struct th_message_sums *m, FILE *out)
{
	fprintf(out, "%-12s %9zu %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
		what, m->messages, m->http, m->zlib, m->zstd, m->coded, m->ip, m->datagrams);
}

static double bytes_of(uint64_t cost)
{
	return (double)cost / TH_COST_BIT / 8;
}

/* A field's name and what it cost, for sorting. */
struct row {
	const char *name;
	const struct th_field_sums *sums;
	uint64_t cost;
};

static int by_cost(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_row(const struct th_sums *s, const char *name, const struct th_field_sums *f, FILE *out)
{
	double all = bytes_of(f->cost[TH_PART_NAME] + f->cost[TH_PART_VALUE]);

	fprintf(out, "%10.1f %6.1f %9.1f %9.1f %8" PRIu64 " %9" PRIu64 "  %s\n", all,
		s->modelled ? all * 100 / (double)s->modelled : 0, bytes_of(f->cost[TH_PART_NAME]),
		bytes_of(f->cost[TH_PART_VALUE]), f->times, f->bytes, name);
}

/* Names come from messages: control bytes and what is no ASCII stay out of the terminal. */
static const char *printable(const char *name, char out[static TH_LABEL_NAME_MAX + 1])
{
	size_t n = 0;

	for (; n < TH_LABEL_NAME_MAX && name[n]; n++)
		out[n] = name[n] >= ' ' && name[n] < 0x7f ? name[n] : '?';
	out[n] = '\0';
	return out;
}

static void print_fields(const struct th_sums *s, size_t top, FILE *out)
{
	struct row *rows = th_alloc(s->mem, sizeof(*rows) * (s->labels.n + 1u));
	struct th_field_sums rest = { .bytes = 0 };
	char name[TH_LABEL_NAME_MAX + 1];
	size_t n = 0;

	if (!rows) {
		fputs("\nno memory for the table of fields\n", out);
		return;
	}
	for (size_t i = 0; i < s->labels.n; i++)
		if (s->fields[i].times)
			rows[n++] = (struct row){ s->labels.names[i], &s->fields[i],
						  s->fields[i].cost[TH_PART_NAME] + s->fields[i].cost[TH_PART_VALUE] };
	qsort(rows, n, sizeof(*rows), by_cost);
	fprintf(out, "\n%10s %6s %9s %9s %8s %9s  %s\n", "bytes", "%", "of names", "of values", "times", "text",
		"field");
	for (size_t i = 0; i < n; i++) {
		if (top == 0 || i < top) {
			print_row(s, printable(rows[i].name, name), rows[i].sums, out);
			continue;
		}
		rest.cost[TH_PART_NAME] += rows[i].sums->cost[TH_PART_NAME];
		rest.cost[TH_PART_VALUE] += rows[i].sums->cost[TH_PART_VALUE];
		rest.bytes += rows[i].sums->bytes;
		rest.times += rows[i].sums->times;
	}
	if (rest.times)
		print_row(s, "all other fields", &rest, out);
	fprintf(out, "%10.1f %6.1f %38s  rounding of codes to whole bytes, and padding\n",
		(double)s->modelled - bytes_of(s->cost),
		s->modelled ? ((double)s->modelled - bytes_of(s->cost)) * 100 / (double)s->modelled : 0, "");
	fprintf(out, "%10" PRIu64 " %6.1f %38s  together\n", s->modelled, s->modelled ? 100.0 : 0, "");
	th_free(s->mem, rows);
}

void th_sums_print(const struct th_sums *s, size_t top, FILE *out)
{
	const struct th_message_sums *up = &s->messages[0], *down = &s->messages[1];
	struct th_message_sums all = {
		.messages = up->messages + down->messages,
		.not_modelled = up->not_modelled + down->not_modelled,
		.http = up->http + down->http,
		.zlib = up->zlib + down->zlib,
		.zstd = up->zstd + down->zstd,
		.coded = up->coded + down->coded,
		.ip = up->ip + down->ip,
		.datagrams = up->datagrams + down->datagrams,
	};

	fprintf(out, "%-12s %9s %10s %10s %10s %10s %10s %10s\n", "", "messages", "HTTP", "zlib 9", "zstd 19", "coded",
		"IP", "datagrams");
	print_messages("requests", up, out);
	print_messages("responses", down, out);
	print_messages("together", &all, out);
	if (all.not_modelled)
		fprintf(out,
			"%zu of these messages are not for the model: they count as what zstd makes of them, and not "
			"below.\n",
			all.not_modelled);
	print_fields(s, top, out);
}
