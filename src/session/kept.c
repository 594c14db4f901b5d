#include "session/session_int.h"

#include <string.h>

static size_t size_of(size_t n)
{
	return sizeof(struct kept) + n + n + TH_RECORD_OVERHEAD_MAX;
}

bool th_kept_fits(const struct th_sessions *s, const struct session *ss, size_t n)
{
	return size_of(n) <= s->config.kept_max - ss->kept_bytes;
}

struct kept *th_kept_add(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n,
			 unsigned flags, enum th_err *err)
{
	struct kept *k;

	*err = TH_ERR_FULL;
	if (!th_kept_fits(s, ss, n))
		return NULL;
	*err = TH_ERR_NO_MEMORY;
	k = th_session_alloc(s, size_of(n));
	if (!k)
		return NULL;
	*k = (struct kept){
		.number = number, .flags = flags, .held = true, .first = TH_NEVER, .touched = s->now, .n = n
	};
	k->sealed = k->payload + n;
	memcpy(k->payload, payload, n);
	th_list_push(&ss->kept, &k->link);
	ss->kept_n++;
	ss->kept_bytes += size_of(n);
	*err = TH_OK;
	return k;
}

struct kept *th_kept_find(const struct session *ss, uint64_t number)
{
	TH_LIST_EACH(i, &ss->kept)
	{
		struct kept *k = TH_OWNER(i, struct kept, link);

		if (k->number == number)
			return k;
	}
	return NULL;
}

struct kept *th_kept_back(const struct session *ss, const uint8_t *payload, size_t n)
{
	TH_LIST_EACH(i, &ss->kept)
	{
		struct kept *k = TH_OWNER(i, struct kept, link);

		if (k->back && !(k->flags & TH_SESSION_KEEP) && k->n == n && memcmp(k->payload, payload, n) == 0)
			return k;
	}
	return NULL;
}

void th_kept_sent(struct th_sessions *s, struct session *ss, struct kept *k)
{
	if (!k->back && !(k->flags & TH_SESSION_KEEP))
		th_kept_del(s, ss, k);
}

void th_kept_del(struct th_sessions *s, struct session *ss, struct kept *k)
{
	th_list_remove(&k->link);
	ss->kept_n--;
	ss->kept_bytes -= size_of(k->n);
	th_session_release(s, k, size_of(k->n));
}
