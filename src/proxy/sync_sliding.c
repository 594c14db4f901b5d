#include "proxy/sync_sliding.h"

#include "codec/event.h"

/* What says how things stand, in extensions. */
static const struct th_str standing[] = { TH_STR_INIT("device_one_time_keys_count"),
					  TH_STR_INIT("device_unused_fallback_key_types") };

/* The string between the quotes of a value, if all of it could be a token. */
static bool token_of(struct th_str value, struct th_str *out)
{
	if (value.n < 3 || value.n - 2 > TH_SYNC_TOKEN_MAX || value.p[0] != '"')
		return false;
	*out = (struct th_str){ value.p + 1, value.n - 2 };
	for (size_t i = 0; i < out->n; i++)
		if (!th_sync_token_char(out->p[i]))
			return false;
	return true;
}

/* ---- requests ---- */

/* The member of that name, the only one. *whole: the object could be read to its end. */
static bool member(struct th_str object, struct th_str name, struct th_event_member *out, bool *whole)
{
	struct th_event_member m;
	unsigned found = 0;
	size_t at = 0;

	*whole = false;
	if (object.n == 0 || object.p[0] != '{')
		return false;
	while (th_event_member_next(object, &at, &m))
		if (th_str_eq(m.name, name)) {
			*out = m;
			found++;
		}
	*whole = at == object.n && found <= 1;
	return *whole && found == 1;
}

bool th_sliding_find(struct th_str body, struct th_sliding_spot *out)
{
	struct th_event_member extensions, device, since;
	struct th_str token;
	bool whole;

	*out = (struct th_sliding_spot){ .at = 0 };
	if (!member(body, TH_STR("extensions"), &extensions, &whole) ||
	    !member(extensions.value, TH_STR("to_device"), &device, &whole) ||
	    !member(device.value, TH_STR("since"), &since, &whole))
		return whole;
	if (!token_of(since.value, &token))
		return false;
	out->at = (size_t)(token.p - body.p);
	out->n = token.n;
	out->member = (size_t)(since.whole.p - body.p);
	out->length = since.whole.n;
	if (body.p[out->member - 1] == ',') {
		out->member--;
		out->length++;
	} else if (body.p[out->member + out->length] == ',') {
		out->length++;
	}
	return true;
}

bool th_sliding_device(struct th_str body, struct th_sync_token *out)
{
	struct th_sliding_spot spot;
	bool found = th_sliding_find(body, &spot);

	out->n = spot.n;
	memcpy(out->p, body.p + spot.at, spot.n);
	return found;
}

struct th_str th_sliding_connection(struct th_str body)
{
	struct th_event_member connection;
	bool whole;

	return member(body, TH_STR("conn_id"), &connection, &whole) ? connection.value : TH_STR("");
}

void th_sliding_write(struct th_wr *w, struct th_str body, const struct th_sync_token *device)
{
	struct th_sliding_spot spot;

	if (!th_sliding_find(body, &spot) || spot.n == 0) {
		th_wr_bytes(w, body.p, body.n);
		return;
	}
	th_wr_bytes(w, body.p, spot.at);
	th_wr_bytes(w, device->p, device->n);
	th_wr_bytes(w, body.p + spot.at + spot.n, body.n - spot.at - spot.n);
}

/* ---- answers ---- */

/* A form being written. */
struct maker {
	struct th_sync_form *f;
	bool bad;
};

typedef void member_fn(struct maker *m, const struct th_event_member *e);

static void put(struct maker *m, struct th_str s)
{
	if (th_buf_append(&m->f->form, s.p, s.n) != TH_OK)
		m->bad = true;
}

static void put_name(struct maker *m, struct th_str name)
{
	put(m, TH_STR("\""));
	put(m, name);
	put(m, TH_STR("\":"));
}

/* All members of an object, each as `each` writes it. */
static void object(struct maker *m, struct th_str value, member_fn *each)
{
	struct th_event_member e;
	size_t at = 0, begun;

	if (value.n < 2 || value.p[0] != '{') {
		m->bad = true;
		return;
	}
	put(m, TH_STR("{"));
	begun = m->f->form.n;
	while (th_event_member_next(value, &at, &e)) {
		if (m->f->form.n > begun)
			put(m, TH_STR(","));
		each(m, &e);
	}
	m->bad = m->bad || at != value.n;
	put(m, TH_STR("}"));
}

static void token(struct maker *m, const struct th_event_member *e, struct th_sync_token *out, size_t *at)
{
	struct th_str t;

	if (*at || !token_of(e->value, &t)) {
		m->bad = true;
		return;
	}
	put_name(m, e->name);
	put(m, TH_STR("\""));
	*at = m->f->form.n;
	put(m, TH_STR("\""));
	memcpy(out->p, t.p, t.n);
	out->n = t.n;
}

/* What is in it is news; what is left is what holds it. */
static void empty(struct maker *m, const struct th_event_member *e)
{
	bool list = e->value.p[0] == '[';

	m->bad = m->bad || (!list && e->value.p[0] != '{'); /* nobody knows what it says when there is nothing to say */
	m->f->news = m->f->news || e->value.n > 2;
	put_name(m, e->name);
	put(m, list ? TH_STR("[]") : TH_STR("{}"));
}

static void keep(struct maker *m, const struct th_event_member *e)
{
	put(m, e->whole);
}

static void in_extension(struct maker *m, const struct th_event_member *e)
{
	for (size_t i = 0; i < sizeof(standing) / sizeof(standing[0]); i++)
		if (th_str_eq(e->name, standing[i])) {
			keep(m, e);
			return;
		}
	if (!th_str_eq(e->name, TH_STR("device_lists"))) {
		empty(m, e);
		return;
	}
	put_name(m, e->name);
	object(m, e->value, empty);
}

static void in_to_device(struct maker *m, const struct th_event_member *e)
{
	if (th_str_eq(e->name, TH_STR("next_batch")))
		token(m, e, &m->f->next.device, &m->f->device_at);
	else
		in_extension(m, e);
}

static void in_extensions(struct maker *m, const struct th_event_member *e)
{
	put_name(m, e->name);
	object(m, e->value, th_str_eq(e->name, TH_STR("to_device")) ? in_to_device : in_extension);
}

static void in_answer(struct maker *m, const struct th_event_member *e)
{
	if (th_str_eq(e->name, TH_STR("pos"))) {
		token(m, e, &m->f->next.since, &m->f->next_at);
	} else if (th_str_eq(e->name, TH_STR("lists"))) {
		keep(m, e);
	} else if (th_str_eq(e->name, TH_STR("extensions"))) {
		put_name(m, e->name);
		object(m, e->value, in_extensions);
	} else {
		empty(m, e);
	}
}

bool th_sliding_form(struct th_sync_form *f, struct th_str body)
{
	struct maker m = { .f = f };

	th_sync_form_begin(f);
	object(&m, body, in_answer);
	return !m.bad && f->next.since.n > 0;
}
