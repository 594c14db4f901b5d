/* CORS preflights answered at home (Fetch standard, "CORS-preflight fetch"): browsers send one before nearly every
 * request, and a homeserver answers all of them alike.
 *
 * In the mode "learn" the first one crosses, and its answer is given again for what is alike. Alike is: the same part
 * of the API (client, media, well-known; any other path only itself), and
 *   - when the answer allows any origin (`*`, no Vary: Origin): any origin, else the same one;
 *   - when the answer lists more than what was asked for: any method and header fields that it lists, else the same
 * ones. So a server that mirrors the request is learnt request by request. In the mode "spec" the answer is the one
 * that the Matrix specification recommends, and none crosses. Only preflights are answered: OPTIONS with Origin and
 * Access-Control-Request-Method, without body. */
#ifndef TH_HOME_CORS_H
#define TH_HOME_CORS_H

#include "home/key.h"
#include "home/relay.h"

enum th_cors_mode { TH_CORS_LEARN, TH_CORS_SPEC, TH_CORS_OFF };

enum {
	TH_CORS_RULES = 64,	 /* answers remembered; the least used goes first */
	TH_CORS_BODY_MAX = 1024, /* an answer with a longer body is not learnt */
};

struct th_cors_config {
	enum th_cors_mode mode;
	th_time learnt_for; /* how long an answer is given before one crosses again */
};

struct th_cors {
	struct th_stage stage;
	struct th_cors_config config;
	struct th_list rules; /* owned, least used first */
	size_t n_rules;
	uint64_t answered, learnt;
};

void th_cors_init(struct th_cors *c, struct th_home_env *env, struct th_flow_server *below,
		  const struct th_cors_config *config);
void th_cors_free(struct th_cors *c);
void th_cors_set_config(struct th_cors *c, const struct th_cors_config *config);

static inline struct th_flow_server *th_cors_server(struct th_cors *c)
{
	return &c->stage.server;
}

#endif
