#include "codec/computed.h"

#include <openssl/evp.h>

#include "codec/base64.h"
#include "codec/canonical.h"
#include "codec/event.h"

enum {
	SHA256 = 32,
	HASH_TEXT = 43,
	MARK_BYTES = 1,
};

static const struct th_str mark = TH_STR_INIT("\001"); /* no JSON string can hold it */
static const struct th_str marked = TH_STR_INIT("\"hashes\":{\"sha256\":\"\001\"");
static const struct th_str unmarked = TH_STR_INIT("\"hashes\":{\"sha256\":\"");

static bool is_one_of(struct th_str s, const char *const *list)
{
	for (; *list; list++)
		if (th_str_eq(s, th_str_of(*list)))
			return true;
	return false;
}

/* ---- hashes ---- */

static const char *const not_hashed[] = { "hashes", "signatures", "unsigned", NULL };

/* What a redaction leaves of an event, in any room version from 4 on, but for `content`. */
static const char *const kept[] = { "auth_events", "depth",   "event_id",	  "hashes",
				    "membership",  "origin",  "origin_server_ts", "prev_events",
				    "prev_state",  "room_id", "sender",		  "state_key",
				    "type",	   NULL };

/* Types whose content is not wholly redacted in every room version. */
static const char *const lasting[] = { "\"m.room.member\"",	"\"m.room.create\"",
				       "\"m.room.join_rules\"", "\"m.room.power_levels\"",
				       "\"m.room.redaction\"",	"\"m.room.history_visibility\"",
				       "\"m.room.aliases\"",	NULL };

static struct th_str as_content_hash(const void *ctx, const struct th_event_member *m)
{
	(void)ctx;
	return is_one_of(m->name, not_hashed) ? TH_STR("") : m->whole;
}

static struct th_str as_reference_hash(const void *ctx, const struct th_event_member *m)
{
	(void)ctx;
	if (th_str_eq(m->name, TH_STR("content")))
		return TH_STR("\"content\":{}");
	return is_one_of(m->name, kept) ? m->whole : TH_STR("");
}

static void add(void *ctx, const char *p, size_t n)
{
	(void)EVP_DigestUpdate(ctx, p, n); /* fails only when it was not begun */
}

/* The object's members as `as` shows them, in canonical JSON, hashed. False: it is no JSON without white space, it is
 * larger than events are, or the library failed. */
static bool hash(struct th_str object, th_canonical_part *as, uint8_t out[static SHA256])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const struct th_canonical to = { add, ctx };
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		  th_canonical_object(&to, object, as, NULL) && EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool content_hash(const struct th_event *e, char out[static HASH_TEXT])
{
	struct th_wr w = th_wr_init(out, HASH_TEXT);
	uint8_t bytes[SHA256];

	if (!hash(e->object, as_content_hash, bytes))
		return false;
	th_base64_encode(&w, bytes, sizeof(bytes), TH_BASE64_STD);
	return true;
}

/* ---- bodies ---- */

static void copy(struct th_wr *w, struct th_str body, size_t from, size_t to)
{
	th_wr_bytes(w, body.p + from, to - from);
}

bool th_computed_concerns(struct th_str body)
{
	return th_str_holds(body, unmarked);
}

enum th_err th_computed_cut(struct th_wr *w, struct th_str body)
{
	struct th_event_scan scan = th_event_scan_init(body);
	struct th_event e;
	char right[HASH_TEXT];
	size_t done = 0;

	if (!th_computed_concerns(body)) {
		copy(w, body, 0, body.n);
		return TH_OK;
	}
	if (th_str_holds(body, marked))
		return TH_ERR_INVALID;
	while (th_event_next(&scan, &e)) {
		if (e.hash_n != HASH_TEXT || !content_hash(&e, right) || memcmp(body.p + e.hash, right, HASH_TEXT) != 0)
			continue;
		copy(w, body, done, e.hash);
		th_wr_bytes(w, mark.p, mark.n);
		done = e.hash + HASH_TEXT;
	}
	copy(w, body, done, body.n);
	return TH_OK;
}

bool th_computed_is_cut(struct th_str body)
{
	return th_str_holds(body, marked);
}

static size_t marks_in(struct th_str body)
{
	size_t n = 0;

	for (const char *p = memmem(body.p, body.n, marked.p, marked.n); p;
	     p = memmem(p + 1, body.n - (size_t)(p + 1 - body.p), marked.p, marked.n))
		n++;
	return n;
}

enum th_err th_computed_restore(struct th_wr *w, struct th_str body)
{
	struct th_event_scan scan = th_event_scan_init(body);
	size_t done = 0, left = body.n ? marks_in(body) : 0;
	struct th_event e;
	char right[HASH_TEXT];

	while (left > 0 && th_event_next(&scan, &e)) {
		if (e.hash_n != MARK_BYTES || body.p[e.hash] != *mark.p)
			continue;
		if (!content_hash(&e, right))
			return TH_ERR_MALFORMED;
		copy(w, body, done, e.hash);
		th_wr_bytes(w, right, HASH_TEXT);
		done = e.hash + MARK_BYTES;
		left--;
	}
	copy(w, body, done, body.n);
	return left ? TH_ERR_MALFORMED : TH_OK;
}

static bool has_lasting_content(struct th_str object)
{
	struct th_event_member m;
	size_t at = 0;

	while (th_event_member_next(object, &at, &m))
		if (th_str_eq(m.name, TH_STR("type")))
			return is_one_of(m.value, lasting);
	return true;
}

void th_computed_ids(struct th_wr *w, struct th_str body)
{
	struct th_event_scan scan = th_event_scan_init(body);
	struct th_event e;
	uint8_t bytes[SHA256];
	unsigned n = 0;

	if (!th_str_holds(body, unmarked))
		return;
	while (n < TH_COMPUTED_IDS_MAX && th_event_next(&scan, &e)) {
		if (has_lasting_content(e.object) || !hash(e.object, as_reference_hash, bytes))
			continue;
		th_wr_put(w, n == 0 ? TH_STR("\n{\"pdus\":{\"$") : TH_STR(",\"$"));
		th_base64_encode(w, bytes, sizeof(bytes), TH_BASE64_URL);
		th_wr_put(w, TH_STR("\":{}"));
		n++;
	}
	if (n > 0)
		th_wr_put(w, TH_STR("}}"));
}
