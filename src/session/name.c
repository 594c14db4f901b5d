/* Secret names: eight bytes by which the initiator's new handshake finds the session it had. They follow from the keys
 * of an earlier handshake, so only its two ends know them.
 *
 * A responder cannot know which of its answers arrived. So it keeps the names of the last few, whatever became of their
 * keys; being named keeps a name alive. Until the first record comes, the name that both sides had after the first
 * message is good too: for the initiator that never got an answer. */
#include "session/session_int.h"

#include <string.h>

#include "session/key.h"

static struct secret_name *find(const struct th_sessions *s, const struct th_hs_name *b)
{
	uint64_t hash = th_table_hash(&s->names, b->b, sizeof(b->b)); /* keyed: tells nothing about the names */

	for (struct th_slot *i = th_table_next(&s->names, hash, NULL); i; i = th_table_next(&s->names, hash, i)) {
		struct secret_name *n = TH_OWNER(i, struct secret_name, slot);

		if (!n->session->dead && th_bytes_equal(n->b.b, b->b, sizeof(b->b)))
			return n;
	}
	return NULL;
}

static void clear(struct th_sessions *s, struct secret_name *n)
{
	if (n->session)
		th_table_remove(&s->names, &n->slot);
	th_wipe(n, sizeof(*n));
}

static struct secret_name *least_used(struct session *ss)
{
	struct secret_name *least = &ss->names[0];

	for (size_t i = 0; i < TH_SESSION_NAMES; i++)
		if (ss->names[i].used < least->used) /* an empty one is 0 */
			least = &ss->names[i];
	return least;
}

static void set(struct th_sessions *s, struct secret_name *n, struct session *ss, const struct th_hs_name *b,
		bool early)
{
	clear(s, n);
	*n = (struct secret_name){ .session = ss, .b = *b, .early = early, .used = ++s->last_serial };
	th_table_add(&s->names, &n->slot, th_table_hash(&s->names, b->b, sizeof(b->b)));
}

void th_name_add(struct th_sessions *s, struct session *ss, const struct th_hs_name *b)
{
	set(s, least_used(ss), ss, b, false);
}

void th_name_set_early(struct th_sessions *s, struct session *ss, const struct th_hs_name *b)
{
	set(s, &ss->first_name, ss, b, true);
}

struct session *th_name_find(struct th_sessions *s, const struct th_hs_name *b, bool *late)
{
	struct secret_name *n = find(s, b);

	*late = n && n->early && n->session->confirmed;
	if (!n)
		return NULL;
	n->used = ++s->last_serial;
	return n->session;
}

void th_names_clear(struct th_sessions *s, struct session *ss)
{
	clear(s, &ss->first_name);
	for (size_t i = 0; i < TH_SESSION_NAMES; i++)
		clear(s, &ss->names[i]);
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
