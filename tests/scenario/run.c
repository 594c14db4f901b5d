/* Plays scenario scripts: run [-v] [--must-fail] FILE|DIRECTORY…
 *
 * -v prints every datagram. With --must-fail each script must fail, and its failure must hold the text that its first
 * line gives after "fails:" (the runner's own test). Exit status 0 when all went as wanted. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "scenario/stage.h"

enum { FILES_MAX = 2000, PATH_BYTES = 1024 };

struct list {
	char *path[FILES_MAX];
	size_t n;
};

static void add(struct list *l, const char *dir, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name);
	if (l->n == FILES_MAX)
		abort();
	l->path[l->n] = strdup(path);
	if (!l->path[l->n++])
		abort();
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool gather(struct list *l, const char *path)
{
	struct stat st;
	struct dirent *e;
	DIR *d;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "%s: not found\n", path);
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		add(l, "", path);
		return true;
	}
	d = opendir(path);
	if (!d)
		return false;
	while ((e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n > 4 && strcmp(e->d_name + n - 4, ".scn") == 0)
			add(l, path, e->d_name);
	}
	closedir(d);
	qsort(l->path, l->n, sizeof(l->path[0]), by_name);
	return true;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct options {
	bool verbose, must_fail;
};

static bool play_file(struct stage *stage, const char *path, const struct options *o)
{
	struct script script;
	double started = seconds();
	const char *failure, *wanted;
	bool ok;

	ok = script_load(&script, path);
	failure = script.error;
	if (ok) {
		ok = stage_play(stage, &script, o->verbose);
		failure = stage->failure;
	}
	wanted = strstr(script.title, "fails: ");
	if (o->must_fail) {
		ok = !ok && wanted && strstr(failure, wanted + strlen("fails: "));
		printf("%s %s\n", ok ? "ok  " : "FAIL", path);
		if (!ok)
			fprintf(stderr, "  must fail as its first line says, but: %s\n",
				*failure ? failure : "it passed");
	} else {
		printf("%s %6.1f ms  %s: %s\n", ok ? "ok  " : "FAIL", (seconds() - started) * 1e3, path, script.title);
		if (!ok)
			fprintf(stderr, "%s\n", failure);
	}
	script_free(&script);
	return ok;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct list list = { .n = 0 };
	struct stage *stage = calloc(1, sizeof(*stage));
	double started = seconds();
	size_t failed = 0;

	if (!stage)
		return 1;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			o.verbose = true;
		else if (strcmp(argv[i], "--must-fail") == 0)
			o.must_fail = true;
		else if (!gather(&list, argv[i]))
			return 2;
	}
	for (size_t i = 0; i < list.n; i++) {
		failed += !play_file(stage, list.path[i], &o);
		fflush(stdout);
		free(list.path[i]);
	}
	free(stage);
	printf("%zu scenarios, %zu failed, %.0f ms\n", list.n, failed, (seconds() - started) * 1e3);
	return failed || list.n == 0 ? 1 : 0;
}
