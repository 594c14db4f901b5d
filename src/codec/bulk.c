#include "codec/bulk.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "codec/pieces.h"

enum {
	LEVEL = 7,
	TABLE_LOG = 16,	   /* 2^16 entries of 4 bytes each in hash and chain table */
	BLOCK = 32 * 1024, /* a zstd block is of no use before its last byte has come: not too much may hang on that */
	SAMPLE_MIN = 32,
	UNDECIDED = -1,
};

struct th_bulk_encoder {
	const struct th_mem *mem;
	ZSTD_CCtx *zstd;		  /* owned; NULL while undecided or another kind */
	struct th_pieces_encoder *pieces; /* owned; NULL if another kind */
	int kind;			  /* TH_BULK_…, UNDECIDED */
	bool kind_sent;
	uint8_t sample[TH_BULK_SAMPLE];
	size_t held, given; /* bytes of the sample, and how many of them went on */
	size_t block;	    /* bytes in the block that is being made */
};

static bool is_type(struct th_str type, const char *prefix)
{
	return th_str_istarts(type, th_str_of(prefix));
}

/* Types whose bodies are text, whatever the first kilobyte looks like. */
static bool is_text_type(struct th_str type)
{
	static const char *const prefixes[] = { "application/json", "text/", "application/xml",
						"application/javascript", "image/svg" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (is_type(type, prefixes[i]))
			return true;
	return false;
}

bool th_bulk_looks_compressible(const uint8_t *p, size_t n)
{
	uint32_t counts[256] = { 0 };
	uint64_t pairs = 0;

	if (n < SAMPLE_MIN)
		return false; /* a frame costs more than it saves */
	n = n < TH_BULK_SAMPLE ? n : TH_BULK_SAMPLE;
	for (size_t i = 0; i < n; i++)
		pairs += counts[p[i]]++; /* pairs of equal bytes */
	/* Of n (n - 1) / 2 pairs random bytes have 1/256 equal, base64 1/64, text about 1/16. */
	return pairs * 512 > (uint64_t)n * (n - 1) / 2 * 3;
}

struct th_bulk_encoder *th_bulk_encoder_new(const struct th_mem *mem, struct th_str content_type,
					    const struct th_piece_tools *tools)
{
	struct th_bulk_encoder *e = th_alloc(mem, sizeof(*e));

	if (!e)
		return NULL;
	e->mem = mem;
	e->kind = is_text_type(content_type) ? TH_BULK_ZSTD : UNDECIDED;
	if (tools && is_type(content_type, "application/json")) {
		e->pieces = th_pieces_encoder_new(mem, tools, TH_PIECES_MAX);
		e->kind = e->pieces ? TH_BULK_PIECES : e->kind;
	}
	return e;
}

void th_bulk_encoder_del(struct th_bulk_encoder *e)
{
	if (!e)
		return;
	ZSTD_freeCCtx(e->zstd);
	th_pieces_encoder_del(e->pieces);
	th_free(e->mem, e);
}

static bool open_zstd(struct th_bulk_encoder *e)
{
	static const struct {
		ZSTD_cParameter name;
		int value;
	} params[] = {
		{ ZSTD_c_compressionLevel, LEVEL }, { ZSTD_c_windowLog, TH_BULK_WINDOW_LOG },
		{ ZSTD_c_hashLog, TABLE_LOG },	    { ZSTD_c_chainLog, TABLE_LOG },
		{ ZSTD_c_contentSizeFlag, 0 },	    { ZSTD_c_checksumFlag, 0 },
	};

	e->zstd = ZSTD_createCCtx();
	if (!e->zstd)
		return false;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, params[i].name, params[i].value)))
			return false;
	return true;
}

/* Keeps bytes until there are enough to choose by. */
static void sample(struct th_bulk_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op,
		   struct th_bulk_step *step)
{
	size_t room = sizeof(e->sample) - e->held;
	size_t take = n < room ? n : room;

	if (take)
		memcpy(e->sample + e->held, in, take);
	e->held += take;
	step->taken = take;
	if (e->held == sizeof(e->sample) || op != TH_BULK_MORE)
		e->kind = th_bulk_looks_compressible(e->sample, e->held) ? TH_BULK_ZSTD : TH_BULK_STORED;
}

static enum th_err compress(struct th_bulk_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op, uint8_t *out,
			    size_t cap, struct th_bulk_step *step, size_t *taken)
{
	static const ZSTD_EndDirective directive[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
	ZSTD_outBuffer to = { out, cap, step->written };
	bool last, whole;

	*taken = 0;
	do {
		size_t room = BLOCK - e->block, part = n - *taken < room ? n - *taken : room;
		ZSTD_inBuffer from = { in + *taken, part, 0 };
		enum th_bulk_op now = op;
		size_t left;

		last = part == n - *taken;
		if (!last || (op == TH_BULK_MORE && part == room))
			now = TH_BULK_FLUSH;
		left = ZSTD_compressStream2(e->zstd, &to, &from, directive[now]);
		if (ZSTD_isError(left))
			return TH_ERR_NO_MEMORY;
		*taken += from.pos;
		e->block += from.pos;
		whole = from.pos == part && (now == TH_BULK_MORE || left == 0);
		if (whole && now != TH_BULK_MORE)
			e->block = 0;
	} while (whole && !last);
	step->written = to.pos;
	step->done = whole;
	return TH_OK;
}

/* One run of bytes through the chosen kind. Returns how much of it was taken. */
static enum th_err pass(struct th_bulk_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op, uint8_t *out,
			size_t cap, struct th_bulk_step *step, size_t *taken)
{
	size_t room = cap - step->written;

	if (e->kind == TH_BULK_ZSTD)
		return compress(e, in, n, op, out, cap, step, taken);
	if (e->kind == TH_BULK_PIECES) {
		struct th_bulk_step part;
		enum th_err err = th_pieces_encode(e->pieces, in, n, op, out + step->written, room, &part);

		*taken = part.taken;
		step->written += part.written;
		step->done = part.done;
		return err;
	}
	*taken = n < room ? n : room;
	if (*taken)
		memcpy(out + step->written, in, *taken);
	step->written += *taken;
	step->done = *taken == n;
	return TH_OK;
}

enum th_err th_bulk_encode(struct th_bulk_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op, uint8_t *out,
			   size_t cap, struct th_bulk_step *step)
{
	enum th_err err = TH_OK;
	size_t taken;

	*step = (struct th_bulk_step){ 0 };
	if (e->kind == UNDECIDED)
		sample(e, in, n, op, step);
	if (e->kind == UNDECIDED) {
		step->done = step->taken == n;
		return TH_OK;
	}
	if (e->kind == TH_BULK_ZSTD && !e->zstd && !open_zstd(e))
		return TH_ERR_NO_MEMORY;
	if (cap == 0)
		return TH_OK;
	if (!e->kind_sent) {
		out[step->written++] = (uint8_t)e->kind;
		e->kind_sent = true;
	}
	if (e->given < e->held) {
		err = pass(e, e->sample + e->given, e->held - e->given, TH_BULK_MORE, out, cap, step, &taken);
		if (err != TH_OK)
			return err;
		e->given += taken;
	}
	if (e->given < e->held) {
		step->done = false;
		return TH_OK;
	}
	n -= step->taken;
	err = pass(e, n ? in + step->taken : in, n, op, out, cap, step, &taken);
	if (err == TH_OK)
		step->taken += taken;
	return err;
}

struct th_bulk_decoder {
	const struct th_mem *mem;
	const struct th_piece_tools *tools; /* borrowed; NULL: pieces are malformed */
	ZSTD_DCtx *zstd;		    /* owned; NULL before a zstd stream began, and when it is another kind */
	struct th_pieces_decoder *pieces;   /* owned; likewise */
	int kind;
	bool whole;	 /* the frame has ended */
	unsigned magic;	 /* bytes of the frame's magic number seen */
	enum th_err err; /* sticky */
	uint64_t left;	 /* bytes that may still come out */
};

struct th_bulk_decoder *th_bulk_decoder_new(const struct th_mem *mem, uint64_t max, const struct th_piece_tools *tools)
{
	struct th_bulk_decoder *d = th_alloc(mem, sizeof(*d));

	if (!d)
		return NULL;
	d->mem = mem;
	d->tools = tools;
	d->kind = UNDECIDED;
	d->left = max;
	return d;
}

void th_bulk_decoder_del(struct th_bulk_decoder *d)
{
	if (!d)
		return;
	ZSTD_freeDCtx(d->zstd);
	th_pieces_decoder_del(d->pieces);
	th_free(d->mem, d);
}

static enum th_err choose(struct th_bulk_decoder *d, uint8_t kind)
{
	if (kind > (d->tools ? TH_BULK_PIECES : TH_BULK_ZSTD))
		return TH_ERR_MALFORMED;
	d->kind = kind;
	if (kind == TH_BULK_PIECES) {
		d->pieces = th_pieces_decoder_new(d->mem, d->tools);
		return d->pieces ? TH_OK : TH_ERR_NO_MEMORY;
	}
	if (kind == TH_BULK_STORED)
		return TH_OK;
	d->zstd = ZSTD_createDCtx();
	if (!d->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, TH_BULK_WINDOW_LOG)))
		return TH_ERR_NO_MEMORY;
	return TH_OK;
}

static enum th_err stored(struct th_bulk_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			  struct th_bulk_step *step)
{
	size_t take = n < cap ? n : cap;

	if (take > d->left)
		return TH_ERR_TOO_LARGE;
	if (take)
		memcpy(out, in, take);
	d->left -= take;
	step->taken += take;
	step->written = take;
	step->done = take == n;
	return TH_OK;
}

/* Only frames of RFC 8878: zstd may know older formats, which ignore the limit on the window, and skippable frames. */
static bool magic_fits(struct th_bulk_decoder *d, const uint8_t *in, size_t n)
{
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd };

	for (size_t i = 0; i < n && d->magic < sizeof(magic); i++)
		if (in[i] != magic[d->magic++])
			return false;
	return true;
}

static enum th_err unpack(struct th_bulk_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			  struct th_bulk_step *step)
{
	/* One byte more than allowed, to see that there is one. */
	ZSTD_outBuffer to = { out, d->left < cap ? (size_t)d->left + 1 : cap, 0 };
	ZSTD_inBuffer from = { in, n, 0 };
	size_t hint;

	if (d->whole)
		return n ? TH_ERR_MALFORMED : TH_OK;
	if (!magic_fits(d, in, n))
		return TH_ERR_MALFORMED;
	hint = ZSTD_decompressStream(d->zstd, &to, &from);
	if (ZSTD_isError(hint))
		return ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation ? TH_ERR_NO_MEMORY : TH_ERR_MALFORMED;
	if (to.pos > d->left)
		return TH_ERR_TOO_LARGE;
	d->left -= to.pos;
	d->whole = hint == 0;
	step->taken += from.pos;
	step->written = to.pos;
	step->done = from.pos == n && (d->whole || to.pos < cap);
	return d->whole && from.pos < n ? TH_ERR_MALFORMED : TH_OK; /* one frame, nothing behind it */
}

static enum th_err read_pieces(struct th_bulk_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			       struct th_bulk_step *step)
{
	/* One byte more than allowed, to see that there is one. */
	size_t room = d->left < cap ? (size_t)d->left + 1 : cap;
	struct th_bulk_step part;
	enum th_err err = th_pieces_decode(d->pieces, in, n, out, room, &part);

	if (err == TH_OK && part.written > d->left)
		err = TH_ERR_TOO_LARGE;
	if (err != TH_OK)
		return err;
	d->left -= part.written;
	step->taken += part.taken;
	step->written = part.written;
	step->done = part.done;
	return TH_OK;
}

static enum th_err read_kind(struct th_bulk_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			     struct th_bulk_step *step)
{
	if (d->kind == TH_BULK_STORED)
		return stored(d, in, n, out, cap, step);
	return d->kind == TH_BULK_ZSTD ? unpack(d, in, n, out, cap, step) : read_pieces(d, in, n, out, cap, step);
}

enum th_err th_bulk_decode(struct th_bulk_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			   struct th_bulk_step *step)
{
	*step = (struct th_bulk_step){ 0 };
	if (d->err == TH_OK && d->kind == UNDECIDED && n) {
		d->err = choose(d, in[0]);
		step->taken = 1;
		in++;
		n--;
	}
	step->done = n == 0;
	if (d->err == TH_OK && d->kind != UNDECIDED && cap)
		d->err = read_kind(d, in, n, out, cap, step);
	if (d->err != TH_OK)
		*step = (struct th_bulk_step){ 0 };
	return d->err;
}

enum th_err th_bulk_decoder_end(const struct th_bulk_decoder *d)
{
	if (d->err != TH_OK)
		return d->err;
	if (d->kind == TH_BULK_PIECES)
		return th_pieces_whole(d->pieces) ? TH_OK : TH_ERR_CLOSED;
	return d->kind == TH_BULK_STORED || (d->kind == TH_BULK_ZSTD && d->whole) ? TH_OK : TH_ERR_CLOSED;
}
