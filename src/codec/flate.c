#include "codec/flate.h"

#include <zlib.h>

#include "codec/envelope.h"
#include "codec/form.h"

enum {
	WINDOW_BITS = -15, /* negative: raw deflate, without zlib's header and checksum */
	MEM_LEVEL = 8,
	FORM_MAX = TH_FLATE_BODY_MAX + TH_HEAD_BYTES_MAX + 4096,
	DEFLATE_BYTES = 288 * 1024, /* zconf.h: (1 << (windowBits + 2)) + (1 << (memLevel + 9)) and a few kB */
	INFLATE_BYTES = 64 * 1024,  /* a window of 32 kB and about 7 kB */
};

/* Memory for one zlib stream: given out in order, taken back all at once. */
struct pool {
	size_t used, size;
	uint8_t *p;
};

struct th_flate {
	const struct th_mem *mem;
	struct th_form form;
	z_stream primed[2]; /* deflate streams that have read their dictionary: with preset, bare. Copied for each
			       message */
	z_stream unpack;
	struct pool primed_pool[2], work_pool, unpack_pool;
	uint8_t packed_form[FORM_MAX], body[TH_FLATE_BODY_MAX], head[TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX];
	_Alignas(16) uint8_t primed_bytes[2][DEFLATE_BYTES], work_bytes[DEFLATE_BYTES], unpack_bytes[INFLATE_BYTES];
};

static voidpf pool_alloc(voidpf opaque, uInt items, uInt size)
{
	struct pool *pool = opaque;
	size_t n;

	if (!th_mul(items, size, &n) || n > SIZE_MAX - 15)
		return Z_NULL;
	n = (n + 15) & ~(size_t)15;
	if (n > pool->size - pool->used)
		return Z_NULL;
	pool->used += n;
	return pool->p + pool->used - n;
}

static void pool_free(voidpf opaque, voidpf p)
{
	(void)opaque;
	(void)p;
}

static void on_pool(z_stream *z, struct pool *pool, uint8_t *p, size_t size)
{
	*pool = (struct pool){ 0, size, p };
	*z = (z_stream){ .zalloc = pool_alloc, .zfree = pool_free, .opaque = pool };
}

static bool prime(struct th_flate *f, size_t i, const uint8_t *dictionary, size_t n)
{
	z_stream *z = &f->primed[i];

	on_pool(z, &f->primed_pool[i], f->primed_bytes[i], DEFLATE_BYTES);
	return deflateInit2(z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK &&
	       (n == 0 || deflateSetDictionary(z, dictionary, (uInt)n) == Z_OK);
}

struct th_flate *th_flate_new(const struct th_mem *mem)
{
	struct th_flate *f = th_alloc(mem, sizeof(*f));

	if (!f)
		return NULL;
	f->mem = mem;
	th_form_init(&f->form);
	on_pool(&f->unpack, &f->unpack_pool, f->unpack_bytes, INFLATE_BYTES);
	if (prime(f, 0, th_flate_preset, th_flate_preset_len) && prime(f, 1, NULL, 0) &&
	    inflateInit2(&f->unpack, WINDOW_BITS) == Z_OK)
		return f;
	th_flate_del(f);
	return NULL;
}

void th_flate_del(struct th_flate *f)
{
	const struct th_mem *mem;

	if (!f)
		return;
	mem = f->mem;
	deflateEnd(&f->primed[0]);
	deflateEnd(&f->primed[1]);
	inflateEnd(&f->unpack);
	th_wipe(f, sizeof(*f)); /* scratch holds the last message's token */
	th_free(mem, f);
}

static struct th_flate_history end_of(struct th_flate_history h)
{
	size_t skip = h.n > TH_FLATE_HISTORY_MAX ? h.n - TH_FLATE_HISTORY_MAX : 0;

	return (struct th_flate_history){ h.n ? h.p + skip : h.p, h.n - skip };
}

/* Writes all; false when there was no room. The very last byte of room makes zlib ask for more, though nothing more
 * comes. */
static bool finish(z_stream *z, Bytef *spare)
{
	if (deflate(z, Z_FINISH) == Z_STREAM_END)
		return true;
	if (z->avail_out > 0)
		return false;
	z->next_out = spare;
	z->avail_out = 1;
	if (deflate(z, Z_FINISH) != Z_STREAM_END || z->avail_out == 0)
		return false;
	z->avail_out = 0;
	return true;
}

/* Deflates into out[0..cap); 0 when it does not fit. */
static size_t pack(struct th_flate *f, unsigned coding, struct th_flate_history history, const uint8_t *p, size_t n,
		   uint8_t *out, size_t cap)
{
	struct th_flate_history h = end_of(history);
	z_stream z, *from = &f->primed[coding == TH_CODING_FLATE_BARE];
	size_t written = 0;
	Bytef spare;

	/* zlib copies the allocator along with the stream, and allocates the copy from it. */
	f->work_pool = (struct pool){ 0, DEFLATE_BYTES, f->work_bytes };
	from->opaque = &f->work_pool;
	if (deflateCopy(&z, from) != Z_OK)
		return 0;
	if (h.n && deflateSetDictionary(&z, h.p, (uInt)h.n) != Z_OK) {
		deflateEnd(&z);
		return 0;
	}
	z.next_in = (z_const Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	if (finish(&z, &spare))
		written = cap - z.avail_out;
	deflateEnd(&z);
	return written;
}

/* Inflates p[0..n) into f->packed_form. */
static enum th_err unpack(struct th_flate *f, unsigned coding, struct th_flate_history history, const uint8_t *p,
			  size_t n, size_t *len)
{
	struct th_flate_history h = end_of(history);
	z_stream *z = &f->unpack;
	bool ok = inflateReset2(z, WINDOW_BITS) == Z_OK;

	if (ok && coding == TH_CODING_FLATE && th_flate_preset_len)
		ok = inflateSetDictionary(z, th_flate_preset, (uInt)th_flate_preset_len) == Z_OK;
	if (ok && h.n)
		ok = inflateSetDictionary(z, h.p, (uInt)h.n) == Z_OK;
	if (!ok)
		return TH_ERR_NO_MEMORY;
	z->next_in = (z_const Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	z->next_out = f->packed_form;
	z->avail_out = FORM_MAX;
	if (inflate(z, Z_FINISH) != Z_STREAM_END)
		return z->avail_out == 0 ? TH_ERR_TOO_LARGE : TH_ERR_MALFORMED;
	*len = FORM_MAX - z->avail_out;
	while (z->avail_in > 0 && *z->next_in == 0) { /* padding */
		z->next_in++;
		z->avail_in--;
	}
	return z->avail_in == 0 ? TH_OK : TH_ERR_MALFORMED;
}

static bool same_fields(const struct th_head *a, const struct th_head *b)
{
	for (size_t i = 0; i < a->n_fields; i++)
		if (!th_str_ieq(a->fields[i].name, b->fields[i].name) ||
		    !th_str_eq(a->fields[i].value, b->fields[i].value))
			return false;
	return true;
}

/* Whether the form in f->packed_form gives back head and body, names in any case, as the envelope does. */
static bool restores(struct th_flate *f, size_t n, const struct th_head *head, struct th_str body)
{
	struct th_wr got_body = th_wr_init(f->body, sizeof(f->body));
	struct th_head got;
	bool outside;

	if (th_form_read(&f->form, f->packed_form, n, head->status != 0, &got, &got_body, &outside) != TH_OK)
		return false;
	return th_str_eq(got.method, head->method) && th_str_eq(got.target, head->target) &&
	       got.status == head->status && got.body_len == head->body_len && got.n_fields == head->n_fields &&
	       same_fields(&got, head) && th_str_eq((struct th_str){ (const char *)f->body, got_body.n }, body);
}

/* Makes the form in f->packed_form: the body as CBOR where that restores, else verbatim. 0 when neither does. */
static size_t make_form(struct th_flate *f, const struct th_head *head, struct th_str body, bool outside)
{
	for (int verbatim = 0; verbatim < 2; verbatim++) {
		struct th_wr w = th_wr_init(f->packed_form, FORM_MAX);

		th_form_write(&f->form, &w, head, body, outside, verbatim);
		if (th_wr_ok(&w) && restores(f, w.n, head, body))
			return w.n;
	}
	return 0;
}

static bool is_sane(const struct th_head *head, struct th_str body)
{
	return body.n <= TH_FLATE_BODY_MAX && head->n_fields <= TH_HEAD_FIELDS_MAX &&
	       th_head_bytes(head) <= TH_HEAD_BYTES_MAX &&
	       (head->body_len == TH_BODY_UNKNOWN || (uint64_t)head->body_len == body.n);
}

size_t th_flate_encode(struct th_flate *f, unsigned coding, const struct th_head *head, struct th_str body,
		       struct th_flate_history history, uint8_t *out, size_t cap)
{
	size_t plain = th_envelope_write(head, NULL, 0) + body.n;
	size_t form, n;

	if (!is_sane(head, body) || cap == 0)
		return 0;
	cap = cap < FORM_MAX ? cap : FORM_MAX; /* more than the form is no use */
	form = make_form(f, head, body, false);
	n = form ? pack(f, coding, history, f->packed_form, form, out + 1, cap - 1) : 0;
	if (n == 0 || n + 1 >= plain)
		return 0;
	out[0] = (uint8_t)coding;
	return n + 1;
}

size_t th_flate_encode_head(struct th_flate *f, unsigned coding, const struct th_head *head,
			    struct th_flate_history history, uint8_t *out, size_t cap)
{
	size_t form, n;

	if (head->n_fields > TH_HEAD_FIELDS_MAX || th_head_bytes(head) > TH_HEAD_BYTES_MAX || cap == 0)
		return 0;
	cap = cap < FORM_MAX ? cap : FORM_MAX;
	form = make_form(f, head, TH_STR(""), true);
	n = form ? pack(f, coding, history, f->packed_form, form, out + 1, cap - 1) : 0;
	if (n == 0)
		return 0;
	out[0] = (uint8_t)coding;
	return n + 1;
}

size_t th_flate_form(struct th_flate *f, const struct th_head *head, struct th_str body, uint8_t *out, size_t cap)
{
	size_t n = is_sane(head, body) ? make_form(f, head, body, false) : 0;

	if (n && n <= cap)
		memcpy(out, f->packed_form, n);
	return n;
}

/* The head through the envelope: the same checks as for a message of coding identity. The result lives in f->head. */
static enum th_err check_head(struct th_flate *f, const struct th_head *head, bool response,
			      struct th_flate_message *out)
{
	size_t n = th_envelope_write(head, f->head, sizeof(f->head));

	if (n > sizeof(f->head))
		return TH_ERR_TOO_LARGE;
	return response ? th_envelope_read_response(&out->head, out->fields, f->head, n)
			: th_envelope_read_request(&out->head, out->fields, f->head, n);
}

enum th_err th_flate_decode(struct th_flate *f, const uint8_t *p, size_t n, bool response,
			    struct th_flate_history history, struct th_flate_message *out, uint8_t *body, size_t cap)
{
	struct th_wr to = th_wr_init(body, cap < TH_FLATE_BODY_MAX ? cap : TH_FLATE_BODY_MAX);
	struct th_head head;
	bool outside;
	enum th_err err;
	size_t form;

	if (n == 0)
		return TH_ERR_MALFORMED;
	if (p[0] != TH_CODING_FLATE && p[0] != TH_CODING_FLATE_BARE)
		return TH_ERR_UNSUPPORTED;
	err = unpack(f, p[0], history, p + 1, n - 1, &form);
	if (err == TH_OK)
		err = th_form_read(&f->form, f->packed_form, form, response, &head, &to, &outside);
	if (err == TH_OK)
		err = check_head(f, &head, response, out);
	if (err != TH_OK)
		return err;
	out->body = (struct th_str){ (const char *)body, to.n };
	out->body_outside = outside;
	return TH_OK;
}
