#include "proxy/sync_form.h"

#include <string.h>

/* Where in the answer we are. Depth 1 is the answer's own object. */
enum { START, MEMBER, KEY, COLON, VALUE, AFTER, DONE, BROKEN };

/* Synapse, Dendrite and Conduit send these with every answer. */
static const char *const standing[] = {
	"device_one_time_keys_count",
	"device_unused_fallback_key_types",
	"org.matrix.msc2732.device_unused_fallback_key_types",
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void put(struct th_sync_form *f, char c)
{
	if (th_buf_append(&f->form, &c, 1) != TH_OK)
		f->state = BROKEN;
}

static bool key_is(const struct th_sync_form *f, const char *key)
{
	return f->key_n == strlen(key) && memcmp(f->key, key, f->key_n) == 0;
}

static bool is_standing(const struct th_sync_form *f)
{
	for (size_t i = 0; i < sizeof(standing) / sizeof(standing[0]); i++)
		if (key_is(f, standing[i]))
			return true;
	return false;
}

static void begin_member(struct th_sync_form *f)
{
	f->member_at = f->form.n;
	f->kept = true;
	f->key_n = 0;
	f->state = MEMBER;
	if (f->members > 0)
		put(f, ',');
}

static void on_start(struct th_sync_form *f, char c)
{
	if (is_space(c))
		return;
	put(f, c);
	if (c != '{') {
		f->state = BROKEN;
		return;
	}
	f->depth = 1;
	f->objects = 2;
	begin_member(f);
}

static void end_object(struct th_sync_form *f)
{
	put(f, '}');
	f->depth = 0;
	if (f->state != BROKEN)
		f->state = DONE;
}

static void on_member(struct th_sync_form *f, char c)
{
	if (c == '}' && f->members == 0 && !f->news) {
		f->form.n = f->member_at;
		end_object(f);
		return;
	}
	put(f, c);
	if (c == '"')
		f->state = f->state == BROKEN ? BROKEN : KEY;
	else if (!is_space(c))
		f->state = BROKEN;
}

static void on_key(struct th_sync_form *f, char c)
{
	put(f, c);
	if (f->state == BROKEN)
		return;
	if (c == '"') {
		f->state = COLON;
		return;
	}
	/* one that is too long, or escaped, is none of those we know */
	if (f->key_n < sizeof(f->key))
		f->key[f->key_n++] = c;
	if (c == '\\')
		f->state = BROKEN;
}

static void on_colon(struct th_sync_form *f, char c)
{
	put(f, c);
	if (f->state == BROKEN || is_space(c))
		return;
	if (c != ':') {
		f->state = BROKEN;
		return;
	}
	f->state = VALUE;
	if (key_is(f, "next_batch")) {
		if (f->next_at)
			f->state = BROKEN;
	} else if (!is_standing(f)) {
		f->kept = false;
		f->form.n = f->member_at;
	}
}

static void end_value(struct th_sync_form *f)
{
	f->state = AFTER;
	f->members += f->kept;
}

static void on_next_batch(struct th_sync_form *f, char c)
{
	if (!f->in_string && is_space(c)) {
		put(f, c);
	} else if (!f->in_string && c == '"') {
		f->in_string = true;
		put(f, '"');
		f->next_at = f->form.n;
	} else if (f->in_string && c == '"') {
		f->in_string = false;
		put(f, '"');
		if (f->state != BROKEN)
			end_value(f);
	} else if (f->in_string && th_sync_token_char(c) && f->next.since.n < sizeof(f->next.since.p)) {
		f->next.since.p[f->next.since.n++] = c;
	} else {
		f->state = BROKEN;
	}
}

static bool in_object(const struct th_sync_form *f)
{
	return f->objects >> f->depth & 1;
}

static void open_container(struct th_sync_form *f, char c)
{
	if (++f->depth == TH_SYNC_DEPTH_MAX) {
		f->state = BROKEN;
		return;
	}
	f->objects &= ~((uint64_t)1 << f->depth);
	if (c == '{')
		f->objects |= (uint64_t)1 << f->depth;
	f->key_next = c == '{';
}

static void close_container(struct th_sync_form *f, char c)
{
	if (f->depth <= 1 || in_object(f) != (c == '}')) {
		f->state = BROKEN;
		return;
	}
	if (--f->depth == 1)
		end_value(f);
}

/* Inside a string of a value. */
static void on_string(struct th_sync_form *f, char c)
{
	if (f->escaped) {
		f->escaped = false;
	} else if (c == '\\') {
		f->escaped = true;
	} else if (c == '"') {
		f->in_string = false;
		if (f->depth == 1)
			end_value(f);
	}
}

static void on_after(struct th_sync_form *f, char c);

static void on_value(struct th_sync_form *f, char c)
{
	/* a number or a word at depth 1 ends where its member does */
	if (!f->in_string && f->depth == 1 && (c == ',' || c == '}')) {
		end_value(f);
		on_after(f, c);
		return;
	}
	if (f->kept)
		put(f, c);
	if (f->state == BROKEN || (is_space(c) && !f->in_string))
		return;
	if (f->in_string) {
		on_string(f, c);
	} else if (c == '{' || c == '[') {
		open_container(f, c);
	} else if (c == '}' || c == ']') {
		close_container(f, c);
	} else if (c == ',') {
		f->key_next = in_object(f);
	} else if (c == ':') {
		f->key_next = false;
	} else {
		f->in_string = c == '"';
		/* keys tell nothing, what stands behind them does */
		f->news = f->news || !(f->kept || (f->in_string && f->depth > 1 && f->key_next));
	}
}

static void on_after(struct th_sync_form *f, char c)
{
	if (c == ',') {
		begin_member(f);
	} else if (c == '}') {
		end_object(f);
	} else if (!is_space(c)) {
		f->state = BROKEN;
	} else if (f->kept) {
		put(f, c);
	}
}

static void step(struct th_sync_form *f, char c)
{
	switch (f->state) {
	case START:
		on_start(f, c);
		break;
	case MEMBER:
		on_member(f, c);
		break;
	case KEY:
		on_key(f, c);
		break;
	case COLON:
		on_colon(f, c);
		break;
	case VALUE:
		if (key_is(f, "next_batch"))
			on_next_batch(f, c);
		else
			on_value(f, c);
		break;
	case AFTER:
		on_after(f, c);
		break;
	default: /* DONE: only white space may follow */
		if (!is_space(c))
			f->state = BROKEN;
		break;
	}
}

void th_sync_form_init(struct th_sync_form *f, const struct th_mem *mem)
{
	memset(f, 0, sizeof(*f));
	th_buf_init(&f->form, mem, TH_SYNC_FORM_MAX);
}

void th_sync_form_free(struct th_sync_form *f)
{
	th_buf_free(&f->form);
}

void th_sync_form_begin(struct th_sync_form *f)
{
	struct th_buf form = f->form;

	th_buf_free(&form);
	memset(f, 0, sizeof(*f));
	f->form = form;
}

void th_sync_form_feed(struct th_sync_form *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && f->state != BROKEN; i++)
		step(f, (char)p[i]);
}

bool th_sync_form_end(struct th_sync_form *f)
{
	bool whole = f->state == DONE && f->next.since.n > 0;

	if (!whole)
		f->state = BROKEN;
	return whole;
}

struct th_sync_place th_sync_form_next(const struct th_sync_form *f, const struct th_sync_place *now)
{
	struct th_sync_place next = f->next;

	if (next.device.n == 0)
		next.device = now->device;
	return next;
}

enum th_err th_sync_form_write(const struct th_sync_form *f, const struct th_sync_place *at, struct th_buf *out)
{
	const struct th_sync_token *device = at->device.n > 0 ? &at->device : &f->next.device;
	const uint8_t *form = th_buf_data(&f->form);
	bool device_first = f->device_at && f->device_at < f->next_at;
	size_t first = device_first ? f->device_at : f->next_at;
	size_t second = device_first || !f->device_at ? f->next_at : f->device_at;
	const struct th_sync_token *one = device_first ? device : &at->since, *two = device_first ? &at->since : device;
	enum th_err err = th_buf_append(out, form, first);

	if (err == TH_OK)
		err = th_buf_append(out, one->p, one->n);
	if (err == TH_OK)
		err = th_buf_append(out, form + first, second - first);
	if (err == TH_OK && f->device_at)
		err = th_buf_append(out, two->p, two->n);
	return err == TH_OK ? th_buf_append(out, form + second, f->form.n - second) : err;
}

void th_sync_form_digest(const struct th_sync_form *f, uint8_t out[static TH_SYNC_DIGEST])
{
	uint32_t h = th_str_hash(th_buf_str(&f->form));

	for (unsigned i = 0; i < TH_SYNC_DIGEST; i++)
		out[i] = (uint8_t)(h >> (8 * (TH_SYNC_DIGEST - 1 - i)));
}
