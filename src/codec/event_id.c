#include "codec/event_id.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/wr.h"
#include "codec/base64.h"
#include "codec/canonical.h"

enum {
	SHA256 = 32,
	EVENT_MAX = 64 * 1024, /* Matrix specification, "Size limits" */
	PLACE_MAX = 2 * TH_EVENT_EDGES * (TH_EVENT_ID + 4) + 256,
	TIME_MAX = 20, /* digits */
};

struct th_event_former {
	const struct th_mem *mem;
	EVP_MD *sha256; /* owned, as ctx */
	EVP_MD_CTX *ctx;
	struct th_str content, redacted;   /* "content":{…}, in `bytes` */
	struct th_str tail, tail_redacted; /* what follows prev_events: ,"redacts"…,"room_id"… to the end */
	uint8_t bytes[4 * EVENT_MAX];
	/* The place: "auth_events"…; "depth"…; "hashes"…, whose hash is put in for each time; up to the time; and what
	 * follows it, "prev_events"…; in `place`. */
	struct th_str auth, depth, hashes, until_time, prev;
	size_t hash_at;
	uint8_t place[PLACE_MAX];
};

struct th_event_former *th_event_former_new(const struct th_mem *mem)
{
	struct th_event_former *f = th_alloc(mem, sizeof(*f));

	if (!f)
		return NULL;
	f->mem = mem;
	f->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	f->ctx = EVP_MD_CTX_new();
	if (f->sha256 && f->ctx)
		return f;
	th_event_former_del(f);
	return NULL;
}

void th_event_former_del(struct th_event_former *f)
{
	const struct th_mem *mem;

	if (!f)
		return;
	mem = f->mem;
	EVP_MD_CTX_free(f->ctx);
	EVP_MD_free(f->sha256);
	th_free(mem, f);
}

bool th_event_room_is_hash(struct th_str room)
{
	return memchr(room.p, ':', room.n) == NULL;
}

bool th_event_is_create(const struct th_client_event *e)
{
	return th_str_eq(e->type, TH_STR("m.room.create")) && e->state_key.p && e->state_key.n == 0;
}

/* ---- what redaction leaves ---- */

/* Of the types that keep something (room versions 9 and 11, "Redactions"). `all`: the whole of it, from 11 on. */
struct lasting {
	const char *type;
	bool all;
	const char *of_9[9], *of_11[10];
};

static const struct lasting lasting[] = {
	{ "m.room.create", true, { "creator" }, { NULL } },
	{ "m.room.member",
	  false,
	  { "membership", "join_authorised_via_users_server" },
	  { "membership", "join_authorised_via_users_server" } },
	{ "m.room.join_rules", false, { "join_rule", "allow" }, { "join_rule", "allow" } },
	{ "m.room.power_levels",
	  false,
	  { "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default" },
	  { "ban", "events", "events_default", "invite", "kick", "redact", "state_default", "users",
	    "users_default" } },
	{ "m.room.history_visibility", false, { "history_visibility" }, { "history_visibility" } },
	{ "m.room.redaction", false, { NULL }, { "redacts" } },
};

struct keeps {
	const struct lasting *type; /* NULL: nothing stays */
	enum th_event_rules rules;
};

static struct keeps keeps_of(struct th_str type, enum th_event_rules rules)
{
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
		if (th_str_eq(type, th_str_of(lasting[i].type)))
			return (struct keeps){ &lasting[i], rules };
	return (struct keeps){ NULL, rules };
}

static struct th_str as_redacted(const void *ctx, const struct th_event_member *m)
{
	const struct keeps *k = ctx;

	if (!k->type)
		return TH_STR("");
	if (k->rules == TH_EVENT_RULES_11 && k->type->all)
		return m->whole;
	for (const char *const *name = k->rules == TH_EVENT_RULES_11 ? k->type->of_11 : k->type->of_9; *name; name++)
		if (th_str_eq(m->name, th_str_of(*name)))
			return m->whole;
	return TH_STR("");
}

/* ---- the event ---- */

static void into(void *ctx, const char *p, size_t n)
{
	th_wr_bytes(ctx, p, n);
}

/* What was written since `from`. */
static struct th_str since(const struct th_wr *w, size_t from)
{
	return (struct th_str){ (const char *)w->p + from, w->n - from };
}

/* `name` up to the string's opening quote. */
static bool put_string(struct th_wr *w, struct th_str name, struct th_str inner)
{
	const struct th_canonical to = { into, w };
	bool ok;

	th_wr_put(w, name);
	ok = th_canonical_string(&to, inner);
	th_wr_put(w, TH_STR("\""));
	return ok;
}

static bool put_tail(struct th_wr *w, const struct th_client_event *e, bool redacted)
{
	bool ok = true;

	if (e->redacts.p && !redacted)
		ok = put_string(w, TH_STR(",\"redacts\":\""), e->redacts);
	if (!th_event_is_create(e) || !th_event_room_is_hash(e->room))
		ok = ok && put_string(w, TH_STR(",\"room_id\":\""), e->room);
	ok = ok && put_string(w, TH_STR(",\"sender\":\""), e->sender);
	if (e->state_key.p)
		ok = ok && put_string(w, TH_STR(",\"state_key\":\""), e->state_key);
	ok = ok && put_string(w, TH_STR(",\"type\":\""), e->type);
	th_wr_put(w, TH_STR("}"));
	return ok;
}

bool th_event_former_begin(struct th_event_former *f, const struct th_client_event *e, enum th_event_rules rules)
{
	struct th_wr w = th_wr_init(f->bytes, sizeof(f->bytes));
	const struct th_canonical to = { into, &w };
	const struct keeps keeps = keeps_of(e->type, rules);
	struct th_client_event own = *e;
	size_t at;
	bool ok;

	/* From 11 on it is in the content, and beside it for clients only. */
	if (rules == TH_EVENT_RULES_11)
		own.redacts.p = NULL;
	th_wr_put(&w, TH_STR(",\"content\":"));
	ok = th_canonical_value(&to, e->content);
	f->content = since(&w, 0);
	at = w.n;
	th_wr_put(&w, TH_STR(",\"content\":"));
	ok = ok && th_canonical_object(&to, e->content, as_redacted, &keeps);
	f->redacted = since(&w, at);
	at = w.n;
	ok = ok && put_tail(&w, &own, false);
	f->tail = since(&w, at);
	at = w.n;
	ok = ok && put_tail(&w, &own, true);
	f->tail_redacted = since(&w, at);
	return ok && th_wr_ok(&w);
}

static void put_edges(struct th_wr *w, struct th_str name, const char *const *ids, size_t n)
{
	th_wr_put(w, name);
	for (size_t i = 0; i < n; i++) {
		th_wr_put(w, i == 0 ? TH_STR("\"$") : TH_STR(",\"$"));
		th_wr_bytes(w, ids[i], TH_EVENT_ID);
		th_wr_put(w, TH_STR("\""));
	}
	th_wr_put(w, TH_STR("]"));
}

bool th_event_former_place(struct th_event_former *f, const struct th_event_place *place)
{
	struct th_wr w = th_wr_init(f->place, sizeof(f->place));
	size_t at;

	put_edges(&w, TH_STR("{\"auth_events\":["), place->auth, place->n_auth);
	f->auth = since(&w, 0);
	at = w.n;
	th_wr_put(&w, TH_STR(",\"depth\":"));
	th_wr_decimal(&w, place->depth);
	f->depth = since(&w, at);
	at = w.n;
	th_wr_put(&w, TH_STR(",\"hashes\":{\"sha256\":\""));
	f->hash_at = w.n;
	w.n += TH_EVENT_ID;
	th_wr_put(&w, TH_STR("\"}"));
	f->hashes = since(&w, at);
	at = w.n;
	th_wr_put(&w, TH_STR(",\"origin_server_ts\":"));
	f->until_time = since(&w, at);
	at = w.n;
	put_edges(&w, TH_STR(",\"prev_events\":["), place->prev, place->n_prev);
	f->prev = since(&w, at);
	return th_wr_ok(&w);
}

struct parts {
	struct th_str p[7];
};

static bool hash(struct th_event_former *f, const struct parts *parts, uint8_t out[static SHA256])
{
	bool ok = EVP_DigestInit_ex2(f->ctx, f->sha256, NULL) == 1;

	for (size_t i = 0; ok && i < sizeof(parts->p) / sizeof(parts->p[0]); i++)
		ok = EVP_DigestUpdate(f->ctx, parts->p[i].p, parts->p[i].n) == 1;
	return ok && EVP_DigestFinal_ex(f->ctx, out, NULL) == 1;
}

bool th_event_former_id(struct th_event_former *f, uint64_t ts, char id[static TH_EVENT_ID])
{
	uint8_t digits[TIME_MAX], digest[SHA256];
	struct th_wr time = th_wr_init(digits, sizeof(digits)), out = th_wr_init(id, TH_EVENT_ID),
		     inner = th_wr_init(f->place + f->hash_at, TH_EVENT_ID);
	struct parts parts;

	th_wr_decimal(&time, ts);
	parts = (struct parts){ { f->auth, f->content, f->depth, f->until_time, since(&time, 0), f->prev, f->tail } };
	if (!hash(f, &parts, digest))
		return false;
	th_base64_encode(&inner, digest, SHA256, TH_BASE64_STD);
	parts.p[1] = f->redacted;
	parts.p[3] = (struct th_str){ f->hashes.p, f->hashes.n + f->until_time.n };
	parts.p[6] = f->tail_redacted;
	if (!hash(f, &parts, digest))
		return false;
	th_base64_encode(&out, digest, SHA256, TH_BASE64_URL);
	return true;
}
