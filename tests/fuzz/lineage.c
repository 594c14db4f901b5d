/* Any text, cut already or not, with any view: what can be restored is restored within its bounds, and what is cut
 * comes back the same, with the same notes at both ends, also when it stands in the view itself.
 *
 * Input: a byte of flags, one that says how large the buffers are, then texts, each but the last ended by a byte 1E:
 * first those of the view, then the one that crosses. */
#include "fuzz.h"

#include <string.h>

#include "codec/keep.h"
#include "codec/lineage.h"
#include "codec/mark.h"

enum {
	RESPONSE = 1,
	NO_VIEW = 2,
	REQUEST = 4, /* and 8: its place in the view */
	SPLIT = 16,  /* texts of the view are in two pieces */
	DATED = 32,
	DATE = 1700000000,
	END = 0x1e,
	TEXTS = 8,
	RESTORED_MAX = 64 * 1024,
	KEPT_MAX = 16 * 1024,
};

static struct th_lineage *near, *far;
static struct th_view view;

/* The message in a block of exactly its size. */
static uint8_t *block(const void *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	FUZZ_CHECK(copy);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

static void add_text(const uint8_t *p, size_t n, bool split)
{
	size_t first = split ? n / 2 : n;

	view.texts[view.n] =
		(struct th_view_text){ p, first, { view.n % 2 == 1, 0, -1 }, split ? p + first : NULL, n - first };
	view.n++;
}

/* Whatever comes: an error, or a text. Returns its length; `out` is of `cap` bytes. */
static enum th_err restore(const struct th_lineage_about *about, const uint8_t *p, size_t n, size_t cap, uint8_t **out,
			   size_t *out_n)
{
	enum th_err err;

	*out = malloc(cap ? cap : 1);
	FUZZ_CHECK(*out);
	err = th_lineage_restore(far, about, p, n, *out, cap, out_n);
	FUZZ_CHECK(err == TH_OK || err == TH_ERR_MALFORMED || err == TH_ERR_TOO_LARGE);
	FUZZ_CHECK(err != TH_OK || (*out_n <= cap && *out_n <= n + (size_t)3 * TH_LINEAGE_EVENTS * TH_EVENT_ID));
	return err;
}

/* *kept is what history keeps of it then; NULL: it cannot go. */
static void cross(const struct th_lineage_about *about, const uint8_t *p, size_t n, uint8_t **kept, size_t *kept_n)
{
	struct th_lineage_about there = *about;
	size_t cap = n + TH_MARK_MAX, cut_n = 0, back_n = 0;
	uint8_t *cut = malloc(cap), *back;
	enum th_err err;

	FUZZ_CHECK(cut);
	*kept = NULL;
	err = th_lineage_cut(near, about, p, n, cut, cap, &cut_n);
	FUZZ_CHECK(err == TH_OK || err == TH_ERR_INVALID);
	if (err == TH_OK) {
		struct th_str a = th_lineage_notes(near), b;

		FUZZ_CHECK(cut_n <= cap && a.n <= TH_GRAPH_NOTES_MAX);
		there.date = 0;
		FUZZ_CHECK(restore(&there, cut, cut_n, n, &back, &back_n) == TH_OK);
		FUZZ_CHECK(back_n == n && (n == 0 || memcmp(back, p, n) == 0));
		b = th_lineage_notes(far);
		FUZZ_CHECK(th_str_eq(a, b));
		free(back);
		*kept = malloc((cut_n < KEPT_MAX ? cut_n : KEPT_MAX) + TH_KEEP_EXTRA);
		FUZZ_CHECK(*kept);
		*kept_n = th_keep(cut, cut_n, TH_STR(""), a, KEPT_MAX, *kept);
		FUZZ_CHECK(*kept_n <= KEPT_MAX);
	}
	free(cut);
}

/* Once more when both ends have it, so that its notes are read. */
static void cross_twice(struct th_lineage_about about, const uint8_t *p, size_t n)
{
	uint8_t *kept, *again;
	size_t kept_n = 0, again_n = 0;

	cross(&about, p, n, &kept, &kept_n);
	if (!kept)
		return;
	if (about.message->is_response)
		view.request = view.request > 0 ? view.request : view.n;
	add_text(kept, kept_n, false);
	about.view = &view;
	cross(&about, p, n, &again, &again_n);
	free(again);
	free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct th_model_about message = { false, 0, -1 };
	struct th_lineage_about about = { &view, &message, 0 };
	uint8_t *texts[TEXTS], *text, *restored;
	size_t text_n, restored_n = 0, cap;
	unsigned flags;

	if (!near)
		near = th_lineage_new(&th_mem_libc);
	if (!far)
		far = th_lineage_new(&th_mem_libc);
	FUZZ_CHECK(near && far);
	if (n < 2)
		return 0;
	flags = data[0];
	cap = data[1];
	data += 2;
	n -= 2;
	view.n = 0;
	for (const uint8_t *end; view.n < TEXTS && (end = memchr(data, END, n)) != NULL;) {
		size_t one = (size_t)(end - data);

		texts[view.n] = block(data, one);
		add_text(texts[view.n], one, (flags & SPLIT) != 0);
		data += one + 1;
		n -= one + 1;
	}
	text = block(data, n);
	text_n = n;
	n = view.n;
	view.request = flags / REQUEST % 4;
	message.is_response = (flags & RESPONSE) != 0;
	about.view = flags & NO_VIEW ? NULL : &view;
	about.date = flags & DATED ? DATE : 0;
	(void)restore(&about, text, text_n, cap, &restored, &restored_n);
	free(restored);
	if (restore(&about, text, text_n, RESTORED_MAX, &restored, &restored_n) == TH_OK)
		cross_twice(about, restored, restored_n);
	else
		cross_twice(about, text, text_n);
	free(restored);
	free(text);
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	return 0;
}
