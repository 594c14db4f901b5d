/* Asking a silent far side for its key: maybe it has another one by now. Who is asked under a key he does not have says
 * nothing, as to any stranger; XX asks without one. It goes beside what waits, under a session of its own that never
 * carries a payload: all that becomes of it is a key.
 *
 * No state of the far side's sessions is touched. So whoever only answers faster than the far side, but can't keep it
 * silent, changes nothing. */
#ifndef TH_PROXY_ASKING_H
#define TH_PROXY_ASKING_H

#include "session/session.h"

struct th_asking {
	th_session_id session; /* 0: nobody is asked */
	unsigned copies;       /* that had gone in vain when it was asked last */
	th_time asked;	       /* when */
	unsigned same;	       /* how often in a row it had the known key, and yet was silent */
};

/* Whom to ask. */
struct th_asked {
	struct th_addr addr;
	const struct th_noise_secret *psk; /* or NULL */
	unsigned silent_resends;	   /* of the sessions' configuration: more where the link loses more */
	bool dear;			   /* a question takes the link for long: loss is the likelier reason for some time */
};

/* Another copy has gone to a far side that is `silent` (of th_session_info): asks when it is time to. Established
 * sessions get one more copy than a restarted far side needs; those without keys may have the wrong one from the start,
 * and are asked for sooner where that is cheap. */
void th_asking_copy(struct th_asking *a, struct th_sessions *s, const struct th_asked *whom,
		    const struct th_session_info *info, th_time now);

/* Asks at once; nothing where it is asked already. */
void th_asking_now(struct th_asking *a, struct th_sessions *s, const struct th_asked *whom, th_time now);

/* The `trust` op of that session. True: this is another key than the session's of `info`, and it has not been heard of
 * since it was asked. */
bool th_asking_told(struct th_asking *a, struct th_sessions *s, const uint8_t key[TH_NOISE_DH],
		    const struct th_session_info *info);

/* The far side was heard, or is another one: no need to ask any more. */
void th_asking_stop(struct th_asking *a, struct th_sessions *s);

#endif
