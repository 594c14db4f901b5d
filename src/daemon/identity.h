/* What this daemon is on the link, and whom it trusts: its static key, the psk, the known peers, the mark of early data.
 * Files, checked; the sessions themselves are src/session's. */
#ifndef TH_DAEMON_IDENTITY_H
#define TH_DAEMON_IDENTITY_H

#include "daemon/options.h"
#include "daemon/state.h"

struct th_identity {
	struct th_noise_pair own;
	struct th_noise_secret psk;
	bool has_psk;
	uint64_t mark;
	char known_peers[TH_STATE_PATH], mark_file[TH_STATE_PATH];
};

/* Makes the state folder and the key when they are missing, and says in the log which public key this is. Errors are
 * complained about; `id` is then wiped. */
enum th_err th_identity_load(struct th_identity *id, const struct th_options *o, const struct th_rng *rng,
			     struct th_complaints *c);
void th_identity_wipe(struct th_identity *id);

/* The key that is known for a target: its own (#KEY), else the one of the known peers. TH_ERR_NOT_FOUND: none is; the
 * peer may show one. Other errors are logged: nothing may be sent there. */
enum th_err th_identity_key(const struct th_identity *id, const struct th_target *target, uint8_t key[TH_NOISE_DH]);

/* A peer without #KEY has proven that it has `key`. True: it is the one that is known, or the first one, which is known
 * from now on. Both are logged, as is a refusal. */
bool th_identity_trust(const struct th_identity *id, const struct th_target *target, const uint8_t key[TH_NOISE_DH]);

/* Puts the mark on disk. False, logged, when that fails. */
bool th_identity_mark(const struct th_identity *id, uint64_t mark);

#endif
