#include "daemon/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/key_file.h"
#include "daemon/known_peers.h"
#include "session/key.h"

/* After start complaints go to the log. */
static void hear(void *ctx, const char *text)
{
	char quoted[TH_OPTION_MESSAGE];

	(void)ctx;
	th_log(TH_LOG_ERROR, "keys", "text=%s", th_log_quote(quoted, sizeof(quoted), th_str_of(text)));
}

/* And to HTTP clients. */
struct refusal {
	char *why;
	size_t cap;
};

static void hear_refusal(void *ctx, const char *text)
{
	const struct refusal *r = ctx;

	hear(NULL, text);
	snprintf(r->why, r->cap, "%s.", text);
}

static void show(const struct th_identity *id, bool made, const char *path)
{
	char key[TH_KEY_TEXT], print[TH_KEY_FINGERPRINT];
	const char *p = th_key_fingerprint(print, id->own.public);

	th_log(TH_LOG_INFO, "identity", "key=%s fingerprint=%s file=%s made=%s", th_key_text(key, id->own.public),
	       p ? p : "?", path, made ? "true" : "false");
}

/* A psk is kept in the form of a secret key. */
static enum th_err load_psk(struct th_identity *id, const char *path, struct th_complaints *c)
{
	struct th_noise_pair pair;
	enum th_err err;

	if (!path[0])
		return TH_OK;
	err = th_key_file_load(&pair, path, c);
	if (err == TH_OK) {
		id->psk = pair.secret;
		id->has_psk = true;
	}
	th_wipe(&pair, sizeof(pair));
	return err;
}

enum th_err th_identity_load(struct th_identity *id, const struct th_options *o, const struct th_rng *rng,
			     struct th_complaints *c)
{
	char path[TH_STATE_PATH];
	bool made = false;
	enum th_err err;

	memset(id, 0, sizeof(*id));
	th_state_path(path, o->state_dir, TH_STATE_KEY);
	th_state_path(id->known_peers, o->state_dir, TH_STATE_KNOWN_PEERS);
	th_state_path(id->mark_file, o->state_dir, TH_STATE_MARK);
	err = th_state_make(o->state_dir, c);
	if (err == TH_OK)
		err = th_key_file_obtain(&id->own, &made, path, rng, c);
	if (err == TH_OK)
		err = load_psk(id, o->psk_file, c);
	if (err == TH_OK)
		err = th_state_mark_load(id->mark_file, &id->mark, c);
	if (err == TH_OK)
		show(id, made, path);
	else
		th_identity_wipe(id);
	return err;
}

void th_identity_wipe(struct th_identity *id)
{
	th_wipe(id, sizeof(*id));
}

enum th_err th_identity_key(const struct th_identity *id, const struct th_target *target, uint8_t key[TH_NOISE_DH])
{
	struct th_complaints c = { .hear = hear };

	if (!target->has_key)
		return th_known_peers_find(id->known_peers, target, key, &c);
	memcpy(key, target->key, TH_NOISE_DH);
	return TH_OK;
}

bool th_identity_trust(const struct th_identity *id, const struct th_target *target, const uint8_t key[TH_NOISE_DH],
		       char *why, size_t cap)
{
	struct refusal refusal = { why, cap };
	struct th_complaints c = { .hear = hear_refusal, .ctx = &refusal };
	char text[TH_KEY_TEXT], print[TH_KEY_FINGERPRINT];
	const char *p = th_key_fingerprint(print, key);
	bool added = false;

	if (target->has_key && memcmp(target->key, key, TH_NOISE_DH) != 0) {
		th_complain(&c,
			    "THE KEY OF %s IS NOT THE ONE IN coap-target. Shown now: %s. Either somebody stands "
			    "between the two daemons, or the other one has a new key. Ask who runs it for the "
			    "fingerprint; only if that is the one shown now, put #%s into coap-target and reload",
			    target->host, p ? p : "?", th_key_text(text, key));
		return false;
	}
	if (target->has_key)
		return true;
	if (th_known_peers_meet(id->known_peers, target, key, &added, &c) != TH_OK)
		return false;
	if (added)
		th_log(TH_LOG_WARN, "new_peer",
		       "target=%s port=%u key=%s fingerprint=%s file=%s hint=\"compare the fingerprint with the other "
		       "daemon's log\"",
		       target->host, (unsigned)target->port, th_key_text(text, key), p ? p : "?", id->known_peers);
	return true;
}

bool th_identity_mark(const struct th_identity *id, uint64_t mark)
{
	struct th_complaints c = { .hear = hear };

	return th_state_mark_save(id->mark_file, mark, &c) == TH_OK;
}
