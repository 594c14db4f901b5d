/* Files of tests/vectors/wycheproof: a vector a line, "tcId result field…" with fields in hex, "-" when empty. */
#ifndef TH_SESSION_WYCHEPROOF_H
#define TH_SESSION_WYCHEPROOF_H

#include "unit.h"

enum { WYCHE_LINE_MAX = 4096, WYCHE_FIELDS_MAX = 6, WYCHE_BYTES_MAX = 1024 };

enum wyche_result { WYCHE_VALID, WYCHE_ACCEPTABLE, WYCHE_INVALID, WYCHE_RESULTS };

static const char *const wyche_names[WYCHE_RESULTS] = { "valid", "acceptable", "invalid" };

struct wyche_bytes {
	uint8_t b[WYCHE_BYTES_MAX];
	size_t n;
};

struct wyche_vector {
	unsigned long id;
	enum wyche_result result;
	struct wyche_bytes field[WYCHE_FIELDS_MAX];
};

/* NULL, or what is wrong. */
typedef const char *wyche_check(const struct wyche_vector *v);

static inline void wyche_read_hex(const char *hex, struct wyche_bytes *out)
{
	size_t digits = strlen(hex);

	out->n = 0;
	if (strcmp(hex, "-") == 0)
		return;
	assert_int_equal(digits % 2, 0);
	assert_true(digits > 0 && digits / 2 <= sizeof(out->b));
	assert_int_equal(strspn(hex, "0123456789abcdef"), digits);
	for (; out->n < digits / 2; out->n++)
		out->b[out->n] =
			(uint8_t)strtoul((const char[]){ hex[2 * out->n], hex[2 * out->n + 1], '\0' }, NULL, 16);
}

/* Exactly `fields` of them. The line is cut up. */
static inline void wyche_read_line(char *line, size_t fields, struct wyche_vector *v)
{
	char *rest = line, *word;

	assert_non_null(strchr(line, '\n')); /* whole */
	line[strcspn(line, "\n")] = '\0';
	v->id = strtoul(strsep(&rest, " "), NULL, 10);
	word = strsep(&rest, " ");
	assert_non_null(word);
	for (v->result = 0; v->result < WYCHE_RESULTS && strcmp(word, wyche_names[v->result]) != 0;)
		v->result++;
	assert_true(v->result < WYCHE_RESULTS);
	for (size_t i = 0; i < fields; i++) {
		word = strsep(&rest, " ");
		assert_non_null(word);
		wyche_read_hex(word, &v->field[i]);
	}
	assert_null(rest);
}

/* Checks every vector of the file, names those that fail, and wants exactly so many of each result. */
static inline void wyche_play(const char *folder, const char *name, size_t fields, wyche_check *check,
			      const unsigned want[WYCHE_RESULTS])
{
	unsigned count[WYCHE_RESULTS] = { 0 }, failed = 0;
	static struct wyche_vector v;
	char line[WYCHE_LINE_MAX];
	unsigned long last = 0;
	FILE *f;

	assert_true(fields <= WYCHE_FIELDS_MAX);
	snprintf(line, sizeof(line), "%s/%s.txt", folder, name);
	f = fopen(line, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *wrong;

		if (line[0] == '#')
			continue;
		wyche_read_line(line, fields, &v);
		assert_true(v.id > last); /* none twice */
		last = v.id;
		count[v.result]++;
		wrong = check(&v);
		if (wrong) {
			print_error("%s: %s vector %lu: %s\n", name, wyche_names[v.result], v.id, wrong);
			failed++;
		}
	}
	fclose(f);
	assert_int_equal(failed, 0);
	for (size_t i = 0; i < WYCHE_RESULTS; i++)
		assert_int_equal(count[i], want[i]);
}

#endif
