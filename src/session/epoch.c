#include "session/session_int.h"

#include <string.h>

#include "session/key.h"

/* ---- names ---- */

void th_name_set(struct th_sessions *s, struct secret_name *n, struct session *ss, const struct th_hs_name *b)
{
	th_name_clear(s, n);
	n->b = *b;
	n->session = ss;
	th_table_add(&s->names, &n->slot, th_table_hash(&s->names, b->b, sizeof(b->b)));
}

void th_name_clear(struct th_sessions *s, struct secret_name *n)
{
	if (!n->session)
		return;
	th_table_remove(&s->names, &n->slot);
	th_wipe(n, sizeof(*n));
}

struct session *th_name_find(const struct th_sessions *s, const struct th_hs_name *b)
{
	uint64_t hash = th_table_hash(&s->names, b->b, sizeof(b->b)); /* keyed: tells nothing about the names */

	for (struct th_slot *i = th_table_next(&s->names, hash, NULL); i; i = th_table_next(&s->names, hash, i)) {
		struct secret_name *n = TH_OWNER(i, struct secret_name, slot);

		if (!n->session->dead && th_bytes_equal(n->b.b, b->b, sizeof(b->b)))
			return n->session;
	}
	return NULL;
}

bool th_name_derive(const struct th_noise *hs, struct th_hs_name *out)
{
	struct th_noise_secret secret;
	bool ok = th_noise_derive(hs, TH_STR("thimble session name"), &secret) == TH_OK;

	if (ok)
		memcpy(out->b, secret.b, sizeof(out->b));
	th_wipe(&secret, sizeof(secret));
	return ok;
}

/* ---- epochs ---- */

struct epoch *th_epoch_new(struct th_sessions *s, struct session *ss)
{
	struct epoch *e = th_session_alloc(s, sizeof(*e));

	if (!e)
		return NULL;
	e->session = ss;
	if (s->config.cids && !th_cids_take(&s->cids, s->rng, e, &e->rx_cid)) {
		th_session_release(s, e, sizeof(*e));
		return NULL;
	}
	return e;
}

void th_epoch_del(struct th_sessions *s, struct epoch *e)
{
	if (!e)
		return;
	th_name_clear(s, &e->name);
	th_cids_give(&s->cids, &e->rx_cid);
	if (e->keyed) {
		th_record_key_free(&e->tx);
		th_record_key_free(&e->rx);
	}
	th_session_release(s, e, sizeof(*e));
}

static enum th_err make_keys(struct epoch *e, const struct th_noise_secret *tx, const struct th_noise_secret *rx,
			     size_t tag_len, uint64_t tx_base, uint64_t rx_base)
{
	enum th_err err = th_record_key_init(&e->tx, tx, tag_len, TH_CIPHER_SEAL, tx_base);

	if (err != TH_OK)
		return err;
	err = th_record_key_init(&e->rx, rx, tag_len, TH_CIPHER_OPEN, rx_base);
	if (err != TH_OK)
		th_record_key_free(&e->tx);
	return err;
}

enum th_err th_epoch_key(struct th_sessions *s, struct epoch *e, struct th_noise *hs, size_t tag_len, uint64_t tx_base,
			 uint64_t rx_base)
{
	struct th_noise_secret tx = { { 0 } }, rx = { { 0 } };
	struct th_hs_name name;
	enum th_err err = th_noise_split(hs, &tx, &rx);

	if (err == TH_OK && !th_name_derive(hs, &name))
		err = TH_ERR_IO;
	if (err == TH_OK)
		err = make_keys(e, &tx, &rx, tag_len, tx_base, rx_base);
	if (err == TH_OK) {
		e->keyed = true;
		e->serial = ++s->last_serial;
		e->born = s->now;
		e->sure = e->assumed = tx_base;
		th_name_set(s, &e->name, e->session, &name);
	}
	th_noise_wipe(hs);
	th_wipe(&tx, sizeof(tx));
	th_wipe(&rx, sizeof(rx));
	th_wipe(&name, sizeof(name));
	return err;
}

bool th_epoch_worn(const struct th_sessions *s, const struct epoch *e)
{
	uint64_t most = s->config.rekey_packets;

	if (s->now - e->born >= s->config.rekey_age)
		return true;
	if (most && (e->tx.window.next - e->tx.base >= most || e->rx.window.next - e->rx.base >= most))
		return true;
	return th_record_key_worn(&e->tx) || th_record_key_worn(&e->rx);
}
