/* Datagrams as one line of text: `CON GET mid=1a2b token=00000001 Uri-Path="x" Block1=0/1/64 payload=64:"…"`. */
#ifndef TH_SIM_TRACE_H
#define TH_SIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "coap/pdu.h"

enum { SIM_TRACE_LINE = 512 };

/* Option formats of RFC 7252 §5.10 and its extensions; SIM_OPT_BLOCK prints as num/more/size. */
enum sim_opt_format { SIM_OPT_EMPTY, SIM_OPT_OPAQUE, SIM_OPT_UINT, SIM_OPT_STRING, SIM_OPT_BLOCK };

struct sim_opt_name {
	const char *name;
	uint16_t number;
	enum sim_opt_format format;
};

/* The option with that name or number; NULL when it has none. */
const struct sim_opt_name *sim_opt_by_number(uint16_t number);
const struct sim_opt_name *sim_opt_by_name(const char *name, size_t n);

/* "GET", "2.05", "EMPTY", … ; false when the text is no code. */
const char *sim_code_text(uint8_t code, char out[8]);
bool sim_code_parse(const char *text, size_t n, uint8_t *out);
const char *sim_type_text(enum th_coap_type type);

/* Big-endian value of an option, 0 for an empty one. */
uint64_t sim_opt_uint(const struct th_coap_option *o);

/* One line without newline, cut at cap. Returns out. */
const char *sim_trace_dgram(char *out, size_t cap, const uint8_t *p, size_t n);

/* "12.345678", seconds. */
const char *sim_trace_time(char out[32], th_time t);

#endif
