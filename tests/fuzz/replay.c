/* Runs one fuzz target over its corpus without libFuzzer: every file as it is, every prefix of the shorter ones, and a
 * fixed number of simple mutations each, so that plain builds exercise the target, too. Usage: replay DIR… */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, FILES_MAX = 4096, PREFIX_MAX = 300, MUTATIONS = 60 };

static struct {
	uint8_t *wall; /* inputs end here, at a page nobody may touch */
	unsigned long runs;
	uint64_t seed;
} state = { .seed = 1 };

static void make_wall(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, INPUT_MAX + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	FUZZ_CHECK(map != MAP_FAILED);
	FUZZ_CHECK(mprotect(map + INPUT_MAX, page, PROT_NONE) == 0);
	state.wall = map + INPUT_MAX;
}

static void run(const uint8_t *p, size_t n)
{
	memmove(state.wall - n, p, n);
	LLVMFuzzerTestOneInput(state.wall - n, n);
	state.runs++;
}

static uint64_t next_random(void)
{
	uint64_t z = state.seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void mutate(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n + 1);

	FUZZ_CHECK(copy);
	for (int i = 0; i < MUTATIONS && n > 0; i++) {
		size_t len = n;

		memcpy(copy, p, n);
		for (uint64_t k = 1 + next_random() % 3; k > 0; k--)
			copy[next_random() % n] = (uint8_t)next_random();
		if (next_random() % 4 == 0) {
			size_t at = next_random() % n;

			memmove(copy + at, copy + at + 1, n - at - 1);
			len--;
		}
		run(copy, len);
	}
	free(copy);
}

static void replay_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		exit(1);
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	run(bytes, n);
	for (size_t k = 0; k < n && k < PREFIX_MAX; k++)
		run(bytes, k);
	mutate(bytes, n);
}

static int is_input(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int replay_dir(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_input, alphasort);

	if (n < 0) {
		perror(dir);
		exit(1);
	}
	FUZZ_CHECK(n <= FILES_MAX);
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		replay_file(path);
		free(names[i]);
	}
	free(names);
	return n;
}

static int replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		replay_file(path);
		return 1;
	}
	return replay_dir(path);
}

int main(int argc, char **argv)
{
	int files = 0;

	make_wall();
	for (int i = 1; i < argc; i++)
		files += replay_path(argv[i]);
	printf("%d inputs, %lu runs\n", files, state.runs);
	return files > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
