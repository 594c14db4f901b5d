#include "sim/figure.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 1 << 20, PERCENT = 100 };

static th_time samples[SAMPLES_MAX];
static size_t n_samples;
static unsigned passed, failed;

void sim_figure_clear(void)
{
	n_samples = 0;
}

void sim_figure_sample(th_time t)
{
	if (n_samples == SAMPLES_MAX)
		abort();
	samples[n_samples++] = t;
}

static int by_time(const void *a, const void *b)
{
	th_time x = *(const th_time *)a, y = *(const th_time *)b;

	return x < y ? -1 : x > y;
}

double sim_figure_percentile(unsigned percent)
{
	if (n_samples == 0)
		return 0;
	qsort(samples, n_samples, sizeof(samples[0]), by_time);
	return (double)samples[(n_samples - 1) * percent / PERCENT] / (double)TH_SEC;
}

void sim_figure_row(const char *what, double measured, double asked, bool at_least, const char *unit)
{
	bool good = asked < 0 || (at_least ? measured >= asked : measured <= asked);

	if (asked < 0)
		printf("  %-66s %9.2f %-3s\n", what, measured, unit);
	else
		printf("  %-66s %9.2f %-3s  %s %g%s\n", what, measured, unit, at_least ? ">=" : "<=", asked,
		       good ? "" : "   MISSED");
	fflush(stdout);
	passed += asked >= 0 && good;
	failed += asked >= 0 && !good;
}

int sim_figure_end(void)
{
	fprintf(stderr, "%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
