/* The interop server's resources, modelled on the ETSI plugtest list, apart from how requests reach them. */
#ifndef TH_INTEROP_SITE_H
#define TH_INTEROP_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "peer.h"

enum {
	SITE_BODY_MAX = 1 << 20, /* of requests, of stored resources and of ?size= */
	SITE_PATH_MAX = 128,
	SITE_QUERY_MAX = 256,
	SITE_ETAG_MAX = 8,
	SITE_OPTIONS_MAX = 8, /* of one response */
	SITE_NO_FORMAT = 0x10000,
};

struct resource;

/* A stored representation. */
struct slot {
	struct th_buf body;
	uint32_t format;
	uint32_t version; /* its ETag */
	bool exists;
};

struct site {
	struct peer *peer;   /* borrowed */
	struct th_list jobs; /* struct job.link */
	struct slot test, update, validate, create1, obs;
	struct th_buf created; /* what the last POST to /large-create brought */
	uint64_t requests;     /* that were executed and changed something: duplicates would show here */
};

/* One request under way, or one observation. */
struct job {
	struct th_list link;
	struct site *site; /* borrowed */
	th_coap_id id;
	const struct resource *res; /* static; NULL: none has this path */
	struct th_alarm alarm;

	/* the request */
	uint8_t method;
	bool confirmable, too_large, has_if_match, if_none_match, proxy, ended;
	char path[SITE_PATH_MAX];   /* "/a/b" */
	char query[SITE_QUERY_MAX]; /* "first=1&second=2" */
	uint32_t format, accept;    /* SITE_NO_FORMAT: none */
	uint8_t etag[SITE_ETAG_MAX], if_match[SITE_ETAG_MAX];
	size_t etag_n, if_match_n;
	struct th_buf in;

	/* the response */
	struct th_buf out;
	bool responding;     /* its body was not handed over whole yet */
	unsigned told, tell; /* notifications sent, and how many there shall be */
	th_time interval;
	bool observing;
};

/* A response under construction. Values of options are borrowed until site_reply() returns. */
struct reply {
	uint8_t code;
	struct th_coap_option options[SITE_OPTIONS_MAX];
	size_t n_options;
	uint8_t numbers[SITE_OPTIONS_MAX][4];
};

void site_init(struct site *s, struct peer *peer);
void site_free(struct site *s);

const struct resource *site_find(const char *path);
void site_handle(struct job *j); /* the request is whole */

/* Options in ascending order. */
void reply_opaque(struct reply *r, uint16_t number, const void *p, size_t n);
void reply_uint(struct reply *r, uint16_t number, uint32_t v);

/* Sends (in peer_server.c). The body is copied. `last` false: a notification to an accepted observation. */
void job_reply(struct job *j, const struct reply *r, const void *body, size_t n, bool last);
void job_alarm(struct job *j, th_time after, void (*fire)(struct th_alarm *a, th_time now));

#endif
