#include "emulator/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Grows at the end of `out` as long as there is room. */
struct text {
	char *out;
	size_t n, cap;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->n >= t->cap)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->out + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	t->n += n > 0 ? (size_t)n : 0;
}

static double seconds(th_time t)
{
	return (double)t / (double)TH_SEC;
}

void th_emu_report_profile(const struct th_emu *e, const struct th_option *param, const bool ways[static TH_EMU_WAYS],
			   char *out, size_t cap)
{
	struct text t = { out, 0, cap };
	char value[TH_OPTION_TEXT];
	const char *between = "";

	say(&t, "{");
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		const char *comma = "";

		if (!ways[w])
			continue;
		say(&t, "%s\"%s\":{", between, th_emu_way_names[w]);
		between = ",";
		for (size_t i = 0; i < th_emu_params.n; i++) {
			const struct th_option *opt = &th_emu_params.rows[i];

			if (param && param != opt)
				continue;
			th_option_format(opt, (const char *)&e->way[w].profile + opt->at, value);
			say(&t, "%s\"%s\":\"%s\"", comma, opt->name, value);
			comma = ",";
		}
		say(&t, "}");
	}
	say(&t, "}");
}

static void say_count(struct text *t, const char *name, const struct th_emu_count *c)
{
	say(t, "\"%s\":{\"datagrams\":%" PRIu64 ",\"bytes\":%" PRIu64 "},", name, c->dgrams, c->bytes);
}

static void say_stats(struct text *t, const struct th_emu_stats *s)
{
	say_count(t, "entered", &s->entered);
	for (int k = TH_EMU_DOUBLED; k < TH_EMU_KINDS; k++)
		say_count(t, th_emu_kind_text((enum th_emu_event_kind)k), &s->counts[k]);
	say_count(t, "waiting", &s->waiting);
	say_count(t, "under-way", &s->under_way);
	say(t, "\"airtime_s\":%.6f,\"utilisation\":%.4f,\"waited_s\":%.6f,\"waited_max_s\":%.6f", seconds(s->airtime),
	    s->elapsed ? (double)s->airtime / (double)s->elapsed : 0.0, seconds(s->waited), seconds(s->waited_max));
}

void th_emu_report_stats(const struct th_emu *e, char *out, size_t cap)
{
	struct text t = { out, 0, cap };
	struct th_emu_stats s;

	say(&t, "{\"seconds\":%.6f", seconds(e->now - e->since));
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		th_emu_stats(e, (enum th_emu_way)w, &s);
		say(&t, ",\"%s\":{", th_emu_way_names[w]);
		say_stats(&t, &s);
		say(&t, "}");
	}
	say(&t, "}");
}

void th_emu_report_dgram(const struct th_emu *e, enum th_emu_event_kind kind, const struct th_emu_dgram *d, th_time at,
			 const char *client, char out[static TH_EMU_SHOW_MAX])
{
	struct text t = { out, 0, TH_EMU_SHOW_MAX };

	say(&t, "time=%.3f dir=%s event=%s number=%" PRIu64 " bytes=%zu", seconds(at - e->begun),
	    th_emu_way_names[d->way], th_emu_kind_text(kind), d->number, d->n + e->overhead);
	if (d->number)
		say(&t, " airtime=%.3f waited=%.3f", seconds(d->departs - d->started),
		    seconds(d->started - d->entered));
	if (kind != TH_EMU_STARTED)
		say(&t, " took=%.3f", seconds(at - d->entered));
	say(&t, "%s client=%s", d->twin ? " copy=true" : "", client);
}
