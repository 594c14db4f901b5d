/* CBOR item heads (RFC 8949 §3), the deterministic part only: shortest form, definite lengths, no floats. */
#ifndef TH_CODEC_CBOR_H
#define TH_CODEC_CBOR_H

#include "base/rd.h"
#include "base/wr.h"

enum th_cbor_major {
	TH_CBOR_UINT,
	TH_CBOR_NINT, /* -1 - value */
	TH_CBOR_BYTES,
	TH_CBOR_TEXT,
	TH_CBOR_ARRAY,
	TH_CBOR_MAP,
	TH_CBOR_TAG,
	TH_CBOR_SIMPLE,
};

enum {
	TH_CBOR_FALSE = 20, /* simple values */
	TH_CBOR_TRUE = 21,
	TH_CBOR_NULL = 22,
	TH_CBOR_HEAD_MAX = 9,
};

struct th_cbor_head {
	uint8_t major; /* enum th_cbor_major */
	uint64_t value;
};

void th_cbor_write(struct th_wr *w, unsigned major, uint64_t value);

/* The bytes th_cbor_write() takes. */
size_t th_cbor_head_size(uint64_t value);

/* Reads one head; the reader's sticky error becomes TH_ERR_MALFORMED on indefinite lengths, floats and longer forms than needed. */
struct th_cbor_head th_cbor_read(struct th_rd *r);

#endif
