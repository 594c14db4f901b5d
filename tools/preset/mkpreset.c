/* Writes the preset dictionary of the flate coding as C: usage: mkpreset CORPUS OUT.c [DEPFILE]
 *
 * Samples are the compact forms (src/codec/form.h) of the corpus' training messages, each file a group. Without a
 * corpus the dictionary is empty. The output depends on nothing else: same corpus, same bytes. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/form.h"
#include "corpus.h"
#include "cover.h"

enum {
	PRESET_MAX = 32000, /* of a window of 32,768, of which zlib reaches 32,506 */
	BODY_MAX = 64 * 1024,
	FORM_MAX = 2 * BODY_MAX + TH_HEAD_BYTES_MAX,
};

static const char *const not_for_training[] = { "errors" }; /* long runs of constants, made by hand */

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < sizeof(not_for_training) / sizeof(not_for_training[0]); i++)
		if (strcmp(name, not_for_training[i]) == 0)
			return true;
	return false;
}

static size_t collect(const struct corpus *c, struct cover_sample *samples)
{
	static struct th_form form;
	static uint8_t buf[FORM_MAX];
	size_t n = 0;

	th_form_init(&form);
	for (size_t i = 0; i < c->n; i++) {
		const struct corpus_message *m = &c->messages[i];
		struct th_wr w = th_wr_init(buf, sizeof(buf));
		uint8_t *p;
		char name[256];

		if (m->held_out || m->body.n > BODY_MAX || is_left_out(corpus_name(c, m->file, name, sizeof(name))))
			continue;
		th_form_write(&form, &w, &m->head, m->body, false, false);
		if (!th_wr_ok(&w))
			continue;
		p = malloc(w.n);
		if (!p)
			abort();
		memcpy(p, buf, w.n);
		samples[n++] = (struct cover_sample){ p, w.n, m->file };
	}
	return n;
}

static void hash_strings(EVP_MD_CTX *ctx, const struct th_str *strings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		EVP_DigestUpdate(ctx, strings[i].p, strings[i].n);
		EVP_DigestUpdate(ctx, "", 1);
	}
	EVP_DigestUpdate(ctx, "", 1);
}

/* Dictionary and tables: whatever two ends must have in common. */
static uint64_t id_of(const uint8_t *p, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint64_t id = 0;

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		abort();
	hash_strings(ctx, th_known_keys, th_known_keys_count);
	hash_strings(ctx, th_known_values, th_known_values_count);
	hash_strings(ctx, th_known_paths, th_known_paths_count);
	hash_strings(ctx, th_known_query, th_known_query_count);
	for (size_t i = 0; i < th_known_statuses_count; i++) {
		uint8_t two[2] = { (uint8_t)(th_known_statuses[i] >> 8), (uint8_t)th_known_statuses[i] };

		EVP_DigestUpdate(ctx, two, 2);
	}
	for (size_t i = 0; i < th_known_runs_count; i++)
		for (size_t j = 0; j < th_known_runs[i].n; j++) {
			const struct th_field *field = &th_known_runs[i].fields[j];

			hash_strings(ctx, (struct th_str[]){ field->name, field->value }, 2);
		}
	EVP_DigestUpdate(ctx, p, n);
	EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; i < 8; i++)
		id = id << 8 | digest[i];
	return id;
}

static int write_c(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return 1;
	fprintf(f, "/* Made by mkpreset from the corpus. */\n#include \"codec/flate.h\"\n\nconst uint8_t "
		   "th_flate_preset[] = {");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s0x%02x,", i % 20 ? "" : "\n\t", p[i]);
	fprintf(f, "%s};\n", n ? "\n" : " 0 ");
	fprintf(f, "const size_t th_flate_preset_len = %zu;\nconst uint64_t th_flate_preset_id = 0x%016llxu;\n", n,
		(unsigned long long)id_of(p, n));
	return fclose(f) == 0 ? 0 : 1;
}

static int write_depfile(const char *path, const char *target, const struct corpus *c)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return 1;
	fprintf(f, "%s:", target);
	for (size_t i = 0; i < c->n_files; i++)
		fprintf(f, " %s", c->files[i]);
	fprintf(f, "\n");
	return fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static uint8_t preset[PRESET_MAX];
	struct cover_sample *samples;
	struct corpus *c;
	size_t n, used;
	int failed;

	if (argc < 3) {
		fprintf(stderr, "usage: mkpreset CORPUS OUT.c [DEPFILE]\n");
		return 2;
	}
	c = corpus_read(argv[1]);
	if (!c)
		return 1;
	samples = calloc(c->n + 1, sizeof(*samples));
	if (!samples)
		return 1;
	n = collect(c, samples);
	used = cover_pick(samples, n, preset, sizeof(preset));
	if (used > sizeof(preset)) {
		fprintf(stderr, "mkpreset: the corpus is too large for cover.c\n");
		return 1;
	}
	failed = write_c(argv[2], preset + sizeof(preset) - used, used);
	if (argc > 3)
		failed |= write_depfile(argv[3], argv[2], c);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)samples[i].p);
	free(samples);
	corpus_del(c);
	return failed;
}
