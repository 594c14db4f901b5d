/* Two users of one near daemon who talk to each other: each has a sync loop of long polls, and sends one message after
 * the other, as clients do. */
#ifndef TH_SIM_TALK_H
#define TH_SIM_TALK_H

#include "sim/stage.h"

struct sim_talk {
	unsigned each; /* messages of each user, at most SIM_MATRIX_EVENTS / SIM_MATRIX_USERS */
	th_time pause; /* between two messages of anybody, +- 50 % */
	th_time limit; /* when it is given up */
	void (*heard)(
		th_time after); /* a message has reached the other user, so long after it was said. NULL: nobody asks */
};

struct sim_talk_result {
	unsigned heard; /* messages that reached the other user */
	unsigned wrong; /* came twice, changed, or in another order than the homeserver has them; not executed once */
	unsigned asked_again; /* requests that failed, which clients then repeat */
	th_time took;	      /* until the last was heard */
	th_time on_air[2];    /* up, down */
};

/* Uses up the stage. */
void sim_talk_run(struct sim_stage *g, const struct sim_talk *t, struct sim_talk_result *out);

#endif
