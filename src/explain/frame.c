#include "explain/frame.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

enum { RESPONSE = 1, OURS = 2, LENGTH = 4 };

size_t th_frame_write(const struct th_frame *f, uint8_t *out, size_t cap)
{
	const struct th_costs *c = &f->costs;
	struct th_wr w = th_wr_init(out, cap);

	th_wr_uint(&w, TH_FRAME_HEAD - LENGTH + c->n + 4 * (c->n + 1), LENGTH);
	th_wr_uint(&w, TH_FRAME_VERSION, 1);
	th_wr_uint(&w, (f->is_response ? RESPONSE : 0U) | (f->is_ours ? OURS : 0U), 1);
	th_wr_uint(&w, f->left_out, 4);
	th_wr_uint(&w, f->coded, 4);
	th_wr_uint(&w, c->bases, 4);
	th_wr_uint(&w, c->n, 4);
	th_wr_bytes(&w, c->text, c->n);
	for (size_t i = 0; i <= c->n; i++)
		th_wr_uint(&w, c->cost[i], 4);
	return w.n;
}

static enum th_err read_costs(struct th_costs *c, const struct th_mem *mem, struct th_rd *r, size_t n)
{
	const uint8_t *text = th_rd_bytes(r, n);

	c->text = th_alloc(mem, n + 1);
	c->cost = th_alloc(mem, (n + 1) * sizeof(*c->cost));
	if (!c->text || !c->cost) {
		th_costs_free(c, mem);
		return TH_ERR_NO_MEMORY;
	}
	if (text)
		memcpy(c->text, text, n);
	for (size_t i = 0; i <= n; i++)
		c->cost[i] = (uint32_t)th_rd_uint(r, 4);
	c->n = n;
	return TH_OK;
}

enum th_err th_frame_read(struct th_frame *f, const struct th_mem *mem, const uint8_t *p, size_t n, size_t *used)
{
	struct th_rd r = th_rd_init(p, n);
	uint64_t length = th_rd_uint(&r, LENGTH), flags, text;
	enum th_err err;

	*used = 0;
	*f = (struct th_frame){ .coded = 0 };
	if (n < LENGTH + 1)
		return TH_OK;
	if (th_rd_uint(&r, 1) != TH_FRAME_VERSION)
		return TH_ERR_UNSUPPORTED;
	if (length < TH_FRAME_HEAD - LENGTH || length > TH_FRAME_MAX)
		return TH_ERR_MALFORMED;
	if (n - LENGTH < length)
		return TH_OK;
	r = th_rd_init(p + LENGTH + 1, (size_t)length - 1);
	flags = th_rd_uint(&r, 1);
	f->is_response = flags & RESPONSE;
	f->is_ours = flags & OURS;
	f->left_out = (uint32_t)th_rd_uint(&r, 4);
	f->coded = (uint32_t)th_rd_uint(&r, 4);
	f->costs.bases = (uint32_t)th_rd_uint(&r, 4);
	text = th_rd_uint(&r, 4);
	if (text > TH_FRAME_TEXT_MAX || TH_FRAME_HEAD - LENGTH + text + 4 * (text + 1) != length)
		return TH_ERR_MALFORMED;
	err = read_costs(&f->costs, mem, &r, (size_t)text);
	if (err == TH_OK)
		*used = LENGTH + (size_t)length;
	return err;
}
