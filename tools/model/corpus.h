/* The corpus as the model sees it: records (records.py) made into texts, as the daemon would make them. */
#ifndef TH_TOOLS_MODEL_CORPUS_H
#define TH_TOOLS_MODEL_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/lineage.h"

struct message {
	uint8_t *plain;	 /* as th_text_write() makes it; owned by the corpus, as text and masked */
	uint8_t *text;	 /* as it is coded, after those before it in its session (lineage.h) */
	uint8_t *masked; /* as history keeps it */
	size_t plain_n, n, masked_n;
	struct th_str body;
	int64_t date;	   /* of a response, Unix seconds; 0: not known */
	size_t http_bytes; /* head and body as HTTP/1.1, all fields */
	bool is_response;
	size_t request; /* response: index of its request */
	uint32_t kind;	/* of the request, for both */
	int account;
	bool asks_account; /* request: its answer may give one */
	size_t session;
	const char *route;
};

struct corpus {
	struct message *messages;
	size_t n;
	char (*sessions)[48];
	size_t n_sessions;
};

/* What is known of the message before it is coded. */
struct th_model_about corpus_about(const struct message *m);

/* A message as it is coded against that view, and kept, in at most that many bytes. False: it cannot go by the model.
 * What is there is overwritten by the next one. */
struct cut {
	const uint8_t *text, *kept;
	size_t n, kept_n;
};
bool corpus_cut(const struct message *m, const struct th_view *view, size_t kept_max, struct cut *out);

/* Whether the plain message comes back from what was cut. */
bool corpus_restores(const struct message *m, const struct th_view *view, const uint8_t *cut, size_t n);

/* Exits with a message when the file cannot be read. */
void corpus_load(struct corpus *c, const char *path);

#endif
