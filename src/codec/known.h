/* What the compact form knows by number: JSON keys, JSON strings, targets, query keys, statuses, runs of header fields.
 *
 * Every number is part of the protocol (docs/protocol.md, "flate"): entries are never moved or removed, new ones go to the end of their
 * table. Names are from the Matrix specification (client-server and server-server, v1.17) and from MSC3079; the order of the first
 * entries, whose codes are the shortest, is by how often recorded traffic has them. */
#ifndef TH_CODEC_KNOWN_H
#define TH_CODEC_KNOWN_H

#include <stdint.h>

#include "exchange/head.h"

/* Keys of JSON objects. */
extern const struct th_str th_known_keys[];
extern const size_t th_known_keys_count;

/* Strings as JSON values, parts of targets and values of header fields. */
extern const struct th_str th_known_values[];
extern const size_t th_known_values_count;

/* Paths; a segment of just '*' stands for any segment. Entry 0 is empty: the path follows. First fit wins. */
extern const struct th_str th_known_paths[];
extern const size_t th_known_paths_count;

/* Keys of queries. Entry 0 is empty: the key follows. */
extern const struct th_str th_known_query[];
extern const size_t th_known_query_count;

/* Statuses. Entry 0: the status follows. */
extern const uint16_t th_known_statuses[];
extern const size_t th_known_statuses_count;

/* Runs of header fields, as servers and clients send them. */
struct th_known_run {
	const struct th_field *fields;
	size_t n;
};
extern const struct th_known_run th_known_runs[];
extern const size_t th_known_runs_count;

enum { TH_KNOWN_NONE = 0xffff, TH_KNOWN_SLOTS = 1024 };

/* Finds keys and values by their bytes: hash tables of indices plus one, filled once. */
struct th_known {
	uint16_t keys[TH_KNOWN_SLOTS], values[TH_KNOWN_SLOTS];
};

void th_known_init(struct th_known *k);

/* Index of a string in keys or values, TH_KNOWN_NONE when it is not there. */
unsigned th_known_key(const struct th_known *k, struct th_str s);
unsigned th_known_value(const struct th_known *k, struct th_str s);

/* Index in the query keys or statuses, 0 when it is not there. */
unsigned th_known_query_key(struct th_str s);
unsigned th_known_status(uint16_t status);

/* The longest run of fields that fields[0..n) begin with: its index plus one, 0 for none. Names compare in any case. */
unsigned th_known_run_at(const struct th_field *fields, size_t n);

#endif
