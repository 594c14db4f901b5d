#include "session/handshake.h"

#include <string.h>

#include "base/rd.h"
#include "session/session.h"

enum {
	DATA = 0x01,
	RESUMES = 0x02,	  /* first */
	CONTINUED = 0x02, /* second */
	HELLO = 0x04,	  /* second */
	PADDED = 0x08,	  /* first */
	REFUSED = 0x08,	  /* second */
	LONG_TAG = 0x10,
	CID = 0x20,
	VERSION_SHIFT = 6,
	TIME_LEN = 4,
	HELLO_LENGTHS = TH_HS_HELLO_MAX + 1,
};

static const uint8_t allowed[] = {
	[0] = DATA | RESUMES | PADDED | LONG_TAG | CID,
	[1] = DATA | CONTINUED | HELLO | REFUSED | LONG_TAG | CID,
	[2] = DATA,
};

static size_t which(uint8_t kind)
{
	return (size_t)((kind & TH_HS_KIND_MASK) - TH_HS_FIRST) >> 4;
}

static bool has_time(uint8_t kind, uint8_t flags)
{
	return kind == TH_HS_FIRST ? (flags & DATA) != 0 : kind == TH_HS_SECOND && (flags & REFUSED);
}

static bool has_uptime(uint8_t kind, uint8_t flags)
{
	return (kind & TH_HS_KIND_MASK) == TH_HS_SECOND && (kind & TH_HS_RESUMED || flags & REFUSED) &&
	       !(flags & CONTINUED);
}

/* ---- writing ---- */

static uint8_t flags_of(uint8_t kind, const struct th_hs_payload *p)
{
	unsigned f = (unsigned)p->version << VERSION_SHIFT;

	f |= p->has_data ? DATA : 0u;
	if (kind == TH_HS_FIRST && p->resumes)
		f |= RESUMES;
	if (kind == TH_HS_SECOND && p->continued)
		f |= CONTINUED;
	if (kind == TH_HS_SECOND && p->refused)
		f |= REFUSED;
	if (kind != TH_HS_THIRD) {
		f |= kind == TH_HS_SECOND && !p->same_hello ? HELLO : 0u;
		f |= p->long_tag ? LONG_TAG : 0u;
		f |= p->cid.n ? CID : 0u;
	}
	return (uint8_t)f;
}

/* The length's own byte or two count, so now and then one byte more than asked for is written. */
static void write_padding(struct th_wr *w, size_t missing)
{
	static const uint8_t zeroes[TH_HS_PADDING_MAX];
	size_t n = missing > 0 ? missing - 1 : 0;

	if (n > INT8_MAX)
		n = n - 1 > INT8_MAX ? n - 1 : n;
	if (n > TH_HS_PADDING_MAX)
		n = TH_HS_PADDING_MAX;
	th_wr_varint(w, n);
	th_wr_bytes(w, zeroes, n);
}

void th_hs_write(struct th_wr *w, uint8_t kind, const struct th_hs_payload *p, size_t total)
{
	const uint8_t whole = kind & (TH_HS_KIND_MASK | TH_HS_RESUMED);
	uint8_t *flags = w->p;
	uint8_t f;

	kind &= TH_HS_KIND_MASK;
	f = flags_of(kind, p);
	th_wr_uint(w, f, 1);
	th_wr_bytes(w, p->cid.b, p->cid.n);
	if (has_time(kind, f))
		th_wr_uint(w, p->time, TIME_LEN);
	th_wr_varint(w, kind == TH_HS_FIRST ? p->number * HELLO_LENGTHS + p->hello_n : p->number);
	if (has_uptime(whole, f))
		th_wr_varint(w, p->uptime);
	if (kind == TH_HS_FIRST && p->resumes) {
		th_wr_bytes(w, p->name.b, sizeof(p->name.b));
		th_wr_varint(w, p->floor / TH_HS_FLOOR_UNIT);
	}
	if (kind == TH_HS_FIRST)
		th_wr_bytes(w, p->hello, p->hello_n);
	if (f & HELLO) {
		th_wr_varint(w, p->shared);
		th_wr_str(w, (struct th_str){ (const char *)p->hello, p->hello_n });
	}
	if (kind == TH_HS_FIRST && w->n + p->n < total) {
		if (th_wr_ok(w))
			*flags |= PADDED;
		write_padding(w, total - w->n - p->n);
	}
}

/* ---- reading ---- */

static void read_cid(struct th_rd *r, struct th_cid *out)
{
	size_t n = th_rd_left(r) > 0 ? th_cid_len(*r->p) : 1;
	const uint8_t *p = th_rd_bytes(r, n);

	if (!p)
		return;
	out->n = (uint8_t)n;
	memcpy(out->b, p, n);
}

static void read_number_and_length(struct th_rd *r, struct th_hs_payload *out)
{
	uint64_t both = th_rd_varint(r, TH_HS_NUMBER_MAX * HELLO_LENGTHS + TH_HS_HELLO_MAX);

	out->number = both / HELLO_LENGTHS;
	out->hello_n = both % HELLO_LENGTHS;
}

static void read_resumption(struct th_rd *r, struct th_hs_payload *out)
{
	const uint8_t *name = th_rd_bytes(r, TH_HS_NAME);

	if (name)
		memcpy(out->name.b, name, TH_HS_NAME);
	out->floor = th_rd_varint(r, TH_HS_FLOOR_MAX) * TH_HS_FLOOR_UNIT;
}

static void read_hello(struct th_rd *r, struct th_hs_payload *out)
{
	struct th_str hello;

	out->shared = (size_t)th_rd_varint(r, TH_HS_HELLO_MAX);
	hello = th_rd_str(r, TH_HS_HELLO_MAX - out->shared);
	out->hello = (const uint8_t *)hello.p;
	out->hello_n = hello.n;
}

static void read_padding(struct th_rd *r)
{
	size_t n = (size_t)th_rd_varint(r, TH_HS_PADDING_MAX);
	const uint8_t *p = th_rd_bytes(r, n);

	for (size_t i = 0; p && i < n; i++)
		if (p[i] != 0)
			th_rd_fail(r, TH_ERR_MALFORMED);
}

static void read_rest(struct th_rd *r, uint8_t whole, uint8_t flags, struct th_hs_payload *out)
{
	const uint8_t kind = whole & TH_HS_KIND_MASK;

	if (has_time(kind, flags))
		out->time = (uint32_t)th_rd_uint(r, TIME_LEN);
	if (kind == TH_HS_FIRST)
		read_number_and_length(r, out);
	else
		out->number = th_rd_varint(r, TH_HS_NUMBER_MAX);
	if (has_uptime(whole, flags))
		out->uptime = th_rd_varint(r, TH_HS_NUMBER_MAX);
	if (out->resumes)
		read_resumption(r, out);
	if (kind == TH_HS_FIRST)
		out->hello = th_rd_bytes(r, out->hello_n);
	else if (flags & HELLO)
		read_hello(r, out);
	else
		out->same_hello = kind == TH_HS_SECOND;
	if (kind == TH_HS_FIRST && flags & PADDED)
		read_padding(r);
	out->n = th_rd_left(r);
	out->data = th_rd_bytes(r, out->n);
	if (out->has_data != (out->n > 0))
		th_rd_fail(r, TH_ERR_MALFORMED);
}

enum th_err th_hs_read(struct th_hs_payload *out, uint8_t kind, const uint8_t *p, size_t n)
{
	struct th_hs_payload tmp = { 0 };
	struct th_rd r = th_rd_init(p, n);
	uint8_t flags = (uint8_t)th_rd_uint(&r, 1);
	const uint8_t whole = kind & (TH_HS_KIND_MASK | TH_HS_RESUMED);

	kind &= TH_HS_KIND_MASK;
	tmp.version = flags >> VERSION_SHIFT;
	tmp.long_tag = (flags & LONG_TAG) != 0;
	if (flags & CID)
		read_cid(&r, &tmp.cid);
	if (r.err == TH_OK && tmp.version != TH_SESSION_VERSION) {
		*out = tmp;
		return TH_ERR_UNSUPPORTED;
	}
	tmp.has_data = (flags & DATA) != 0;
	tmp.resumes = kind == TH_HS_FIRST && (flags & RESUMES);
	tmp.continued = kind == TH_HS_SECOND && (flags & CONTINUED);
	tmp.refused = kind == TH_HS_SECOND && (flags & REFUSED);
	read_rest(&r, whole, flags, &tmp);
	if (flags & ~(allowed[which(kind)] | (unsigned)TH_SESSION_VERSION << VERSION_SHIFT))
		th_rd_fail(&r, TH_ERR_MALFORMED);
	if (r.err == TH_OK)
		*out = tmp;
	return r.err;
}

/* ---- the responder's hello ---- */

void th_hs_set_hello(struct th_hs_payload *p, struct th_str theirs, struct th_str ours)
{
	size_t n = 0;

	while (n < theirs.n && n < ours.n && theirs.p[n] == ours.p[n])
		n++;
	p->same_hello = n == theirs.n && n == ours.n;
	p->shared = p->same_hello ? 0 : n;
	p->hello = p->same_hello ? NULL : (const uint8_t *)ours.p + n;
	p->hello_n = p->same_hello ? 0 : ours.n - n;
}

int th_hs_hello(const struct th_hs_payload *p, struct th_str ours, uint8_t out[static TH_HS_HELLO_MAX])
{
	size_t shared = p->same_hello ? ours.n : p->shared;

	if (shared > ours.n)
		return -1;
	if (shared)
		memcpy(out, ours.p, shared);
	if (p->hello_n)
		memcpy(out + shared, p->hello, p->hello_n);
	return (int)(shared + p->hello_n);
}

/* ---- names ---- */

struct th_str th_hs_protocol(uint8_t kind)
{
	static const struct th_str names[] = {
		TH_STR_INIT("Noise_NK_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_IK_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_KK_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_XX_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_NKpsk0_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_IKpsk0_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s"),
		TH_STR_INIT("Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s"),
	};

	return names[kind & (TH_HS_PSK | TH_HS_PATTERN)];
}

void th_hs_prologue(uint8_t kind, uint8_t out[TH_HS_PROLOGUE])
{
	memcpy(out, "thimble-1", TH_HS_PROLOGUE - 1);
	out[TH_HS_PROLOGUE - 1] = (uint8_t)(kind & ~TH_HS_COOKIE);
}
