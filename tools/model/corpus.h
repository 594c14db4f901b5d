/* The corpus as the model sees it: records (records.py) made into texts, as the daemon would make them. */
#ifndef TH_TOOLS_MODEL_CORPUS_H
#define TH_TOOLS_MODEL_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message {
	uint8_t *text;	 /* owned by the corpus */
	uint8_t *masked; /* as history keeps it, same length or shorter */
	size_t n, masked_n;
	size_t http_bytes; /* head and body as HTTP/1.1, all fields */
	bool is_response;
	size_t request; /* response: index of its request */
	uint32_t kind;	/* of the request, for both */
	int account;
	size_t session;
	const char *route;
};

struct corpus {
	struct message *messages;
	size_t n;
	char (*sessions)[48];
	size_t n_sessions;
};

/* Exits with a message when the file cannot be read. */
void corpus_load(struct corpus *c, const char *path);

#endif
