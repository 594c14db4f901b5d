#include "codec/bulk_head.h"

#include "base/rd.h"
#include "base/wr.h"

size_t th_bulk_head_write(struct th_flate *flate, unsigned coding, const struct th_head *head,
			  struct th_flate_history history, uint8_t *scratch, uint8_t *out, size_t cap)
{
	struct th_wr w = th_wr_init(out, cap);
	size_t plain = th_envelope_write(head, NULL, 0);
	size_t n = flate ? th_flate_encode_head(flate, coding, head, history, scratch, TH_BULK_HEAD_MAX) : 0;

	if (n == 0 || n >= plain)
		n = th_envelope_write(head, scratch, TH_BULK_HEAD_MAX);
	th_wr_uint(&w, TH_CODING_BULK, 1);
	th_wr_varint(&w, n);
	th_wr_bytes(&w, scratch, n <= TH_BULK_HEAD_MAX ? n : 0);
	return n <= TH_BULK_HEAD_MAX ? w.n : SIZE_MAX;
}

enum th_err th_bulk_head_length(const uint8_t *p, size_t n, size_t *len)
{
	struct th_rd r = th_rd_init(p, n);
	uint64_t coding = th_rd_uint(&r, 1);
	size_t head;

	*len = 0;
	if (n > 0 && coding != TH_CODING_BULK)
		return TH_ERR_UNSUPPORTED;
	head = (size_t)th_rd_varint(&r, TH_BULK_HEAD_MAX);
	if (r.err == TH_OK) {
		*len = n - th_rd_left(&r) + head;
		return head ? TH_OK : TH_ERR_MALFORMED;
	}
	/* Cut off inside the length, or a length that breaks the rules? */
	return n < TH_BULK_PREFIX_MAX && (n < 2 || p[n - 1] & 0x80) ? TH_OK : TH_ERR_TOO_LARGE;
}

enum th_err th_bulk_head_read(struct th_flate *flate, const uint8_t *p, size_t n, bool response,
			      struct th_flate_history history, struct th_flate_message *out)
{
	size_t len, head;
	enum th_err err = th_bulk_head_length(p, n, &len);
	struct th_rd r = th_rd_init(p, n);

	if (err != TH_OK)
		return err;
	if (len != n)
		return TH_ERR_MALFORMED;
	th_rd_uint(&r, 1);
	head = (size_t)th_rd_varint(&r, TH_BULK_HEAD_MAX);
	if (*r.p == TH_CODING_IDENTITY) {
		err = response ? th_envelope_read_response(&out->head, out->fields, r.p, head)
			       : th_envelope_read_request(&out->head, out->fields, r.p, head);
		out->body = TH_STR("");
		out->body_outside = true;
		return err;
	}
	if (!flate)
		return TH_ERR_UNSUPPORTED;
	err = th_flate_decode(flate, r.p, head, response, history, out, NULL, 0);
	return err == TH_OK && !out->body_outside ? TH_ERR_MALFORMED : err;
}
