/* Request targets of the compact form: path templates with parameters, queries as pairs, percent-encoding as a style.
 *
 *     path number · parameters, one string (item.h) for each '*' · query
 *     path number 255: path number · the third segment ("r0") · parameters · query
 *     path number 0: the path as one string, as it stands in the target · query
 *     query: 0 none, 63 one string as it stands; else 64 * style + pairs + 1, then each pair: number of the key (0: a string follows), value
 */
#ifndef TH_CODEC_TARGET_H
#define TH_CODEC_TARGET_H

#include "base/rd.h"
#include "codec/known.h"
#include "exchange/percent.h"

enum { TH_TARGET_STYLES = 4 }; /* of a path: the first four of enum th_percent; of a query, UNRESERVED, COMPONENT, QUERY, FORM */

/* Scratch for one decoded parameter. */
struct th_target_scratch {
	uint8_t bytes[TH_TARGET_MAX];
};

/* The style of the path, 0 to 3, which th_target_read() has to be told. */
unsigned th_target_write(struct th_wr *w, const struct th_known *k, struct th_target_scratch *scratch, struct th_str target);

/* Appends the target. Fails the reader with TH_ERR_MALFORMED; a target that is too long shows in `out`. */
void th_target_read(struct th_wr *out, struct th_rd *r, struct th_target_scratch *scratch, unsigned style);

#endif
