/* Where in a text a byte stands: the state from which the model's contexts are made. One step a byte, the same at both
 * ends.
 *
 * Knows HTTP heads as th_text_write makes them and JSON bodies; any other bytes leave it in some state, never outside
 * its bounds. Hashes are 32 bits and go on the wire only through what they predict: docs/protocol.md has each of them.
 */
#ifndef TH_CODEC_SYNTAX_H
#define TH_CODEC_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TH_SYNTAX_DEPTH = 24, /* containers whose keys are remembered; deeper ones share the last place */
	TH_SYNTAX_CPS = 8,    /* characters remembered */
};

enum th_phase {
	TH_PHASE_METHOD, /* first line of a request up to the target; of a response: the status */
	TH_PHASE_PATH,
	TH_PHASE_QUERY_NAME,
	TH_PHASE_QUERY_VALUE,
	TH_PHASE_NAME,
	TH_PHASE_FIELD,
	TH_PHASE_BODY,
};

struct th_syntax {
	enum th_phase phase;
	bool in_string, is_key, escaped; /* JSON */
	bool expect_key;		 /* the next string is a key */
	uint32_t objects;		 /* bit d: container d is an object */
	unsigned depth;
	uint32_t stack[TH_SYNTAX_DEPTH]; /* key of each open container */
	uint32_t key;	     /* the key whose value this is, or that comes next; head: field, path so far, query name */
	uint32_t also;	     /* another key that the value will stand under later; 0 for none */
	uint32_t parent;     /* key of the container */
	uint32_t value;	     /* hash of the value (or key, name, path segment) so far */
	uint32_t last_value; /* of the last whole value */
	uint32_t last_key;   /* of the last whole key */
	uint32_t value_n;    /* bytes of value so far */
	uint32_t token, last_token; /* identifier or word piece so far; percent-decoded, beginning with its sigil */
	uint32_t token_n;
	uint8_t sigil;	 /* that the token began with, 0 for none */
	uint8_t percent; /* 0, or 1 + hex digits seen of a %XX */
	uint8_t percent_value;
	uint32_t kind;		    /* of the exchange: method and path without identifiers */
	uint32_t path;		    /* the same, being made */
	uint32_t segment;	    /* of the path; 0 once it holds an identifier */
	int32_t account;	    /* slot, -1 none */
	uint32_t word, last_word;   /* letters so far, case folded; the word before */
	uint32_t cp[TH_SYNTAX_CPS]; /* characters, newest first, JSON escapes decoded */
	uint32_t part;		    /* hash of the bytes of a character begun; 0 at its start */
	uint32_t part_cp;
	uint8_t part_left; /* bytes to come */
	uint8_t part_hex;  /* in \uXXXX */
	bool value_start;  /* the byte just taken began a value: what comes is its first byte */
};

/* A request has kind 0 until its first line is read; a response is of its request's kind and account. */
void th_syntax_init(struct th_syntax *s, bool is_response, uint32_t kind, int account);

void th_syntax_step(struct th_syntax *s, uint8_t c);

/* The kind and account of a request, from its text. */
void th_syntax_request(const uint8_t *text, size_t n, uint32_t *kind, int *account);

static inline uint32_t th_hash2(uint32_t a, uint32_t b)
{
	uint32_t h = (a ^ (b * 0x9e3779b1u)) * 0x85ebca6bu;

	return h ^ h >> 15;
}

#endif
