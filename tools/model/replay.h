/* Messages of a corpus in order, each with the history a session would have. */
#ifndef TH_TOOLS_MODEL_REPLAY_H
#define TH_TOOLS_MODEL_REPLAY_H

#include "codec/recall.h"
#include "corpus.h"

enum { REPLAY_HISTORY = 48 * 1024, REPLAY_TEXT = 16 * 1024 };

struct replay {
	const struct corpus *corpus;
	struct th_recall recall;
	size_t session;
	uint8_t text[TH_RECALL_TEXT_MAX];
};

struct replay *replay_new(const struct corpus *corpus);

/* Makes ready for message i: the recall holds what of the session came before. Messages longer than the model's limit
 * are not for it. */
void replay_prepare(struct replay *r, size_t i);

static inline void replay_syntax(struct th_syntax *s, const struct message *m)
{
	th_syntax_init(s, m->is_response, m->is_response ? m->kind : 0, m->is_response ? m->account : -1);
}

#endif
