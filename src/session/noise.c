#include "session/noise.h"

#include <string.h>

#include "base/mem.h"
#include "session/pattern.h"
#include "session/suite.h"

/* ---- symmetric state (§5.2) ---- */

static bool mix_hash(struct th_noise *hs, const void *p, size_t n)
{
	return th_suite_hash(hs->suite, hs->h, hs->h, sizeof(hs->h), p, n);
}

static bool mix_key(struct th_noise *hs, const void *ikm, size_t n)
{
	uint8_t ck[TH_NOISE_HASH];
	bool ok = th_suite_hkdf(hs->suite, &hs->ck, ikm, n, ck, hs->k.b, NULL);

	memcpy(hs->ck.b, ck, sizeof(ck));
	th_wipe(ck, sizeof(ck));
	hs->has_key = true;
	hs->n = 0;
	return ok;
}

static bool mix_key_and_hash(struct th_noise *hs, const struct th_noise_secret *psk)
{
	uint8_t ck[TH_NOISE_HASH], temp[TH_NOISE_HASH];
	bool ok = th_suite_hkdf(hs->suite, &hs->ck, psk->b, sizeof(psk->b), ck, temp, hs->k.b) &&
		  mix_hash(hs, temp, sizeof(temp));

	memcpy(hs->ck.b, ck, sizeof(ck));
	th_wipe(ck, sizeof(ck));
	th_wipe(temp, sizeof(temp));
	hs->has_key = true;
	hs->n = 0;
	return ok;
}

static size_t tag_len(const struct th_noise *hs)
{
	return hs->has_key ? (size_t)TH_NOISE_TAG : 0;
}

static bool encrypt_and_hash(struct th_noise *hs, const uint8_t *in, size_t n, uint8_t *out)
{
	if (!hs->has_key) {
		if (n)
			memcpy(out, in, n);
		return mix_hash(hs, out, n);
	}
	return th_suite_encrypt(hs->suite, &hs->k, hs->n++, hs->h, sizeof(hs->h), in, n, out) &&
	       mix_hash(hs, out, n + TH_NOISE_TAG);
}

/* `n` counts the tag. */
static bool decrypt_and_hash(struct th_noise *hs, const uint8_t *in, size_t n, uint8_t *out)
{
	if (!hs->has_key) {
		if (n)
			memcpy(out, in, n);
		return mix_hash(hs, in, n);
	}
	return th_suite_decrypt(hs->suite, &hs->k, hs->n++, hs->h, sizeof(hs->h), in, n, out) && mix_hash(hs, in, n);
}

/* ---- handshake state (§5.3) ---- */

static const struct th_noise_pattern *find_pattern(struct th_str name)
{
	for (size_t i = 0; i < th_noise_patterns_count; i++)
		if (th_str_eq(th_noise_patterns[i].name, name))
			return &th_noise_patterns[i];
	return NULL;
}

/* "Noise_" pattern "_" suite. */
static bool parse_protocol(struct th_noise *hs, struct th_str name)
{
	static const struct th_str prefix = TH_STR_INIT("Noise_");
	struct th_str rest = { name.p + prefix.n, name.n - prefix.n };
	const char *end;

	if (!th_str_starts(name, prefix))
		return false;
	end = rest.n ? memchr(rest.p, '_', rest.n) : NULL;
	if (!end)
		return false;
	hs->pattern = find_pattern((struct th_str){ rest.p, (size_t)(end - rest.p) });
	hs->suite = th_suite_find((struct th_str){ end + 1, rest.n - (size_t)(end - rest.p) - 1 });
	return hs->pattern && hs->suite;
}

static bool uses(const struct th_noise_pattern *p, bool by_initiator, enum th_noise_token token)
{
	for (size_t m = 0; m < p->messages; m++)
		for (size_t i = 0; p->tokens[m][i] != TH_NOISE_END; i++)
			if (p->tokens[m][i] == token && (m % 2 == 0) == by_initiator)
				return true;
	return false;
}

static bool uses_psk(const struct th_noise_pattern *p)
{
	return uses(p, true, TH_NOISE_PSK_TOKEN) || uses(p, false, TH_NOISE_PSK_TOKEN);
}

/* A key too many is refused, too: who gives one counts on it. */
static bool has_what_it_needs(const struct th_noise_pattern *p, const struct th_noise_config *c)
{
	bool my_pre = c->initiator ? p->initiator_s : p->responder_s;
	bool their_pre = c->initiator ? p->responder_s : p->initiator_s;

	if ((my_pre || uses(p, c->initiator, TH_NOISE_S)) && !c->s)
		return false;
	return their_pre == (c->rs != NULL) && uses_psk(p) == (c->psk != NULL);
}

static bool mix_pre_message(struct th_noise *hs, bool of_initiator)
{
	return mix_hash(hs, of_initiator == hs->initiator ? hs->s.public : hs->rs, TH_NOISE_DH);
}

static bool start(struct th_noise *hs, const struct th_noise_config *c)
{
	bool ok = true;

	if (c->protocol.n <= sizeof(hs->h))
		memcpy(hs->h, c->protocol.p, c->protocol.n);
	else
		ok = th_suite_hash(hs->suite, hs->h, c->protocol.p, c->protocol.n, NULL, 0);
	memcpy(hs->ck.b, hs->h, sizeof(hs->h));
	ok = ok && mix_hash(hs, c->prologue, c->prologue_len);
	if (hs->pattern->initiator_s)
		ok = ok && mix_pre_message(hs, true);
	if (hs->pattern->responder_s)
		ok = ok && mix_pre_message(hs, false);
	return ok;
}

enum th_err th_noise_init(struct th_noise *hs, const struct th_noise_config *c)
{
	enum th_err err = TH_ERR_UNSUPPORTED;

	*hs = (struct th_noise){ .initiator = c->initiator };
	if (!parse_protocol(hs, c->protocol))
		goto fail;
	err = TH_ERR_INVALID;
	if (!has_what_it_needs(hs->pattern, c))
		goto fail;
	hs->has_rs = c->rs != NULL;
	hs->psk_mode = c->psk != NULL;
	if (c->s)
		hs->s = *c->s;
	if (c->rs)
		memcpy(hs->rs, c->rs, sizeof(hs->rs));
	if (c->psk)
		hs->psk = *c->psk;
	err = TH_ERR_IO;
	if (start(hs, c))
		return TH_OK;
fail:
	th_noise_wipe(hs);
	return err;
}

void th_noise_wipe(struct th_noise *hs)
{
	th_wipe(hs, sizeof(*hs));
}

bool th_noise_usable(const struct th_noise *hs)
{
	return hs->pattern != NULL;
}

bool th_noise_done(const struct th_noise *hs)
{
	return th_noise_usable(hs) && hs->step == hs->pattern->messages;
}

/* Neither for a state that is done nor for one that failed. */
static bool is_turn_of(const struct th_noise *hs, bool initiator)
{
	return th_noise_usable(hs) && !th_noise_done(hs) && (hs->step % 2 == 0) == initiator;
}

bool th_noise_my_turn(const struct th_noise *hs)
{
	return is_turn_of(hs, hs->initiator);
}

size_t th_noise_overhead(const struct th_noise *hs)
{
	bool key = hs->has_key;
	const uint8_t *t;
	size_t n = 0;

	if (!th_noise_usable(hs) || th_noise_done(hs))
		return 0;
	for (t = hs->pattern->tokens[hs->step]; *t != TH_NOISE_END; t++) {
		if (*t == TH_NOISE_E)
			n += TH_NOISE_DH;
		if (*t == TH_NOISE_S)
			n += TH_NOISE_DH + (key ? (size_t)TH_NOISE_TAG : 0);
		/* all but s mix a key in; e in psk handshakes only (§9.2) */
		if (*t != TH_NOISE_S && (*t != TH_NOISE_E || hs->psk_mode))
			key = true;
	}
	return n + (key ? (size_t)TH_NOISE_TAG : 0);
}

/* ---- tokens ---- */

static bool mix_dh(struct th_noise *hs, const struct th_noise_pair *mine, const uint8_t *theirs)
{
	uint8_t shared[TH_NOISE_DH];
	bool ok = th_suite_dh(shared, &mine->secret, theirs) && mix_key(hs, shared, sizeof(shared));

	th_wipe(shared, sizeof(shared));
	return ok;
}

/* The tokens that are the same for writer and reader. The first letter names the initiator's key, the second the
 * responder's. */
static bool mix_token(struct th_noise *hs, enum th_noise_token t)
{
	switch (t) {
	case TH_NOISE_EE:
		return mix_dh(hs, &hs->e, hs->re);
	case TH_NOISE_ES:
		return hs->initiator ? mix_dh(hs, &hs->e, hs->rs) : mix_dh(hs, &hs->s, hs->re);
	case TH_NOISE_SE:
		return hs->initiator ? mix_dh(hs, &hs->s, hs->re) : mix_dh(hs, &hs->e, hs->rs);
	case TH_NOISE_SS:
		return mix_dh(hs, &hs->s, hs->rs);
	case TH_NOISE_PSK_TOKEN:
		return mix_key_and_hash(hs, &hs->psk);
	default:
		return false;
	}
}

/* In psk handshakes an ephemeral key is mixed into the key as well (§9.2). */
static bool mix_ephemeral(struct th_noise *hs, const uint8_t *public)
{
	return mix_hash(hs, public, TH_NOISE_DH) && (!hs->psk_mode || mix_key(hs, public, TH_NOISE_DH));
}

static bool write_token(struct th_noise *hs, enum th_noise_token t, const struct th_rng *rng, uint8_t **out)
{
	size_t n = TH_NOISE_DH;
	bool ok;

	if (t == TH_NOISE_E) {
		ok = th_noise_keygen(&hs->e, rng) && mix_ephemeral(hs, hs->e.public);
		memcpy(*out, hs->e.public, TH_NOISE_DH);
	} else if (t == TH_NOISE_S) {
		n += tag_len(hs);
		ok = encrypt_and_hash(hs, hs->s.public, TH_NOISE_DH, *out);
	} else {
		return mix_token(hs, t);
	}
	*out += n;
	return ok;
}

static bool read_token(struct th_noise *hs, enum th_noise_token t, const uint8_t **in, size_t *left)
{
	size_t n = TH_NOISE_DH + (t == TH_NOISE_S ? tag_len(hs) : 0);
	bool ok;

	if (t != TH_NOISE_E && t != TH_NOISE_S)
		return mix_token(hs, t);
	if (n > *left)
		return false;
	if (t == TH_NOISE_E) {
		memcpy(hs->re, *in, TH_NOISE_DH);
		ok = mix_ephemeral(hs, hs->re);
	} else {
		ok = decrypt_and_hash(hs, *in, n, hs->rs);
		hs->has_rs = ok;
	}
	*in += n;
	*left -= n;
	return ok;
}

/* ---- messages ---- */

static bool write_tokens(struct th_noise *hs, const struct th_rng *rng, const uint8_t *payload, size_t n, uint8_t *out)
{
	for (const uint8_t *t = hs->pattern->tokens[hs->step]; *t != TH_NOISE_END; t++)
		if (!write_token(hs, *t, rng, &out))
			return false;
	return encrypt_and_hash(hs, payload, n, out);
}

enum th_err th_noise_write(struct th_noise *hs, const struct th_rng *rng, const uint8_t *payload, size_t n,
			   uint8_t *out, size_t cap, size_t *out_len)
{
	size_t overhead = th_noise_overhead(hs);

	if (!is_turn_of(hs, hs->initiator))
		return TH_ERR_INVALID;
	if (cap > TH_NOISE_MESSAGE_MAX)
		cap = TH_NOISE_MESSAGE_MAX;
	if (overhead > cap || n > cap - overhead)
		return TH_ERR_TOO_LARGE;
	if (!write_tokens(hs, rng, payload, n, out)) {
		th_noise_wipe(hs);
		return TH_ERR_IO;
	}
	*out_len = overhead + n;
	hs->step++;
	return TH_OK;
}

static bool read_tokens(struct th_noise *hs, const uint8_t *msg, size_t n, uint8_t *payload)
{
	for (const uint8_t *t = hs->pattern->tokens[hs->step]; *t != TH_NOISE_END; t++)
		if (!read_token(hs, *t, &msg, &n))
			return false;
	return decrypt_and_hash(hs, msg, n, payload);
}

enum th_err th_noise_read(struct th_noise *hs, const uint8_t *msg, size_t n, uint8_t *payload, size_t *payload_len)
{
	size_t overhead = th_noise_overhead(hs);

	if (!is_turn_of(hs, !hs->initiator))
		return TH_ERR_INVALID;
	if (n > TH_NOISE_MESSAGE_MAX || n < overhead || !read_tokens(hs, msg, n, payload)) {
		th_noise_wipe(hs);
		return TH_ERR_MALFORMED;
	}
	*payload_len = n - overhead;
	hs->step++;
	return TH_OK;
}

enum th_err th_noise_split(struct th_noise *hs, struct th_noise_secret *send, struct th_noise_secret *receive)
{
	struct th_noise_secret *first = hs->initiator ? send : receive; /* initiator to responder */
	struct th_noise_secret *second = hs->initiator ? receive : send;

	if (!th_noise_done(hs))
		return TH_ERR_INVALID;
	return th_suite_hkdf(hs->suite, &hs->ck, NULL, 0, first->b, second->b, NULL) ? TH_OK : TH_ERR_IO;
}

enum th_err th_noise_derive(const struct th_noise *hs, struct th_str label, struct th_noise_secret *out)
{
	struct th_noise_secret unused;
	bool ok;

	if (!th_noise_usable(hs) || label.n == 0)
		return TH_ERR_INVALID;
	ok = th_suite_hkdf(hs->suite, &hs->ck, label.p, label.n, out->b, unused.b, NULL);
	th_wipe(&unused, sizeof(unused));
	return ok ? TH_OK : TH_ERR_IO;
}
