#include "session/session_int.h"

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
		e->name = name;
		if (!e->session->initiator)
			th_name_add(s, e->session, &name);
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
