#include "proxy/asking.h"

#include <string.h>

#include "base/log.h"

enum {
	AFTER_WARM = 1,	 /* a copy more than a far side that was restarted needs */
	BEFORE_COLD = 2, /* so many fewer, where no answer ever came */
	EVERY = 2,
	SAME_NOTABLE = 2,
};

static void ask(struct th_asking *a, struct th_sessions *s, const struct th_asked *whom, th_time now)
{
	const struct th_session_target xx = { .pattern = TH_SESSION_XX, .psk = whom->psk };

	if (!a->session)
		a->session = th_sessions_connect(s, &whom->addr, &xx, now);
	if (!a->session || th_session_ask(s, a->session, now) != TH_OK)
		return; /* the next copy asks again */
	a->asked = now;
}

void th_asking_copy(struct th_asking *a, struct th_sessions *s, const struct th_asked *whom,
		    const struct th_session_info *info, th_time now)
{
	unsigned resends = whom->silent_resends > BEFORE_COLD ? whom->silent_resends : BEFORE_COLD + 1;
	unsigned cold = whom->dear ? resends : resends - BEFORE_COLD;
	unsigned first = info->established && !a->session ? resends + AFTER_WARM : cold;
	unsigned n = info->silent;

	if (n < a->copies)
		a->copies = 0;
	if (n < first || n == a->copies || (n - first) % EVERY)
		return;
	a->copies = n;
	ask(a, s, whom, now);
}

void th_asking_now(struct th_asking *a, struct th_sessions *s, const struct th_asked *whom, th_time now)
{
	if (!a->session)
		ask(a, s, whom, now);
}

bool th_asking_told(struct th_asking *a, struct th_sessions *s, const uint8_t key[TH_NOISE_DH],
		    const struct th_session_info *info)
{
	bool heard = info->heard >= a->asked;

	th_session_close(s, a->session);
	a->session = 0;
	if (heard)
		return false;
	if (memcmp(key, info->key, TH_NOISE_DH) != 0) {
		a->same = 0;
		return true;
	}
	if (++a->same == SAME_NOTABLE)
		th_log(TH_LOG_WARN, "peer_silent",
		       "hint=\"it is there under the key we know, but does not answer: does its allow list have our "
		       "key, and "
		       "is identify set here?\"");
	return false;
}

void th_asking_stop(struct th_asking *a, struct th_sessions *s)
{
	if (a->session)
		th_session_close(s, a->session);
	a->session = 0;
	a->copies = a->same = 0;
}
