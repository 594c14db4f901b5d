/* One exchange of a recording: a line of JSON as corpus/README.md describes it. */
#ifndef TH_EXPLAIN_RECORDING_H
#define TH_EXPLAIN_RECORDING_H

#include "base/arena.h"
#include "base/err.h"
#include "exchange/head.h"

enum { TH_RECORDING_WHY = 200 };

/* Everything lies in the arena it was read into. Fields are as recorded, framing included. */
struct th_recorded {
	double start, end; /* seconds; 0 where the line does not say */
	struct th_str method, target;
	unsigned status;
	struct th_field *request_fields, *response_fields;
	size_t n_request_fields, n_response_fields;
	struct th_str request_body, response_body;
};

/* TH_ERR_MALFORMED, with the reason in `why` ("no member \"method\""); TH_ERR_NO_MEMORY when the arena is full. */
enum th_err th_recording_read(struct th_recorded *out, struct th_str line, struct th_arena *arena,
			      char why[static TH_RECORDING_WHY]);

#endif
