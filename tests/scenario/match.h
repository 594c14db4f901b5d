/* Datagram patterns: `CON POST mid=$m token=$t Block1=0/1/64 payload~"x" -Block2`, matched against a datagram or made
 * into one.
 *
 * A value is literal, `*` (any), or `$name`: bound at its first use, compared at every later one. */
#ifndef TH_SCENARIO_MATCH_H
#define TH_SCENARIO_MATCH_H

#include "scenario/script.h"
#include "sim/net.h"

enum { VARS_MAX = 64, VAR_VALUE_MAX = 600, MATCH_WHY_MAX = 400 };

struct vars {
	struct {
		char name[32];
		char value[VAR_VALUE_MAX];
		size_t n;
	} v[VARS_MAX];
	size_t n;
};

/* Whether the datagram fits words [0, n): type, code, fields. A syntax error or a misfit fills `why`; `bind` false
 * leaves the variables alone. */
enum match_result { MATCH_YES, MATCH_NO, MATCH_SYNTAX };
enum match_result match_dgram(struct vars *vars, bool bind, const struct word *w, size_t n, const uint8_t *p,
			      size_t len, char why[MATCH_WHY_MAX]);

/* Makes the datagram that the words describe. 0 with `why` filled on an error. */
size_t match_build(const struct vars *vars, const struct word *w, size_t n, uint8_t *out, size_t cap,
		   char why[MATCH_WHY_MAX]);

#endif
