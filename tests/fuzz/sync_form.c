/* What a homeserver answers to a sync and what a client asks of sliding sync, whatever it is: the first byte says
 * which, and in which pieces it comes. What is found lies inside, a form is bounded, what both tokens are put into has
 * their lengths, and an answer in vain made from a form has that form again. */
#include "fuzz.h"

#include <string.h>

#include "proxy/sync_sliding.h"

static void check_form(const struct th_sync_form *f, bool sliding)
{
	const struct th_sync_place at = { { "s72/4", 5 }, { "9", 1 } };
	const size_t n = f->form.n;
	static struct th_sync_form again;
	uint8_t a[TH_SYNC_DIGEST], b[TH_SYNC_DIGEST];
	struct th_buf idle;

	th_sync_form_init(&again, &th_mem_libc);
	th_buf_init(&idle, &th_mem_libc, TH_SYNC_IDLE_MAX);
	FUZZ_CHECK(th_sync_form_write(f, &at, &idle) == TH_OK);
	FUZZ_CHECK(n <= TH_SYNC_FORM_MAX && f->next_at <= n && f->device_at <= n && f->next.since.n > 0);
	FUZZ_CHECK(idle.n == n + at.since.n + (f->device_at ? at.device.n : 0));
	if (sliding) {
		FUZZ_CHECK(th_sliding_form(&again, (struct th_str){ (const char *)th_buf_data(&idle), idle.n }));
	} else {
		th_sync_form_begin(&again);
		th_sync_form_feed(&again, th_buf_data(&idle), idle.n);
		FUZZ_CHECK(th_sync_form_end(&again));
	}
	FUZZ_CHECK(!again.news);
	FUZZ_CHECK(th_sync_token_eq(&again.next.since, &at.since));
	th_sync_form_digest(f, a);
	th_sync_form_digest(&again, b);
	FUZZ_CHECK(memcmp(a, b, sizeof(a)) == 0);
	th_buf_free(&idle);
	th_sync_form_free(&again);
}

static void check_request(struct th_str body)
{
	const struct th_sync_token other = { "77", 2 };
	static uint8_t out[64 * 1024];
	struct th_sliding_spot spot, again;
	struct th_wr w = th_wr_init(out, sizeof(out));

	if (!th_sliding_find(body, &spot))
		return;
	FUZZ_CHECK(spot.at + spot.n <= body.n && spot.member + spot.length <= body.n);
	th_sliding_write(&w, body, &other);
	if (!th_wr_ok(&w) || spot.n == 0)
		return;
	FUZZ_CHECK(w.n == body.n - spot.n + other.n);
	FUZZ_CHECK(th_sliding_find((struct th_str){ (const char *)out, w.n }, &again));
	FUZZ_CHECK(again.at == spot.at && again.n == other.n && again.member == spot.member);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct th_sync_form f;
	size_t piece;

	if (n == 0)
		return 0;
	th_sync_form_init(&f, &th_mem_libc);
	piece = 1 + data[0] / 3;
	data++;
	n--;
	switch (data[-1] % 3) {
	case 0:
		th_sync_form_begin(&f);
		for (size_t i = 0; i < n; i += piece)
			th_sync_form_feed(&f, data + i, n - i < piece ? n - i : piece);
		if (th_sync_form_end(&f))
			check_form(&f, false);
		break;
	case 1:
		if (th_sliding_form(&f, (struct th_str){ (const char *)data, n }))
			check_form(&f, true);
		break;
	default:
		check_request((struct th_str){ (const char *)data, n });
	}
	th_sync_form_free(&f);
	return 0;
}
