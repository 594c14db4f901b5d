#include "proxy/hello.h"

#include "base/rd.h"
#include "base/wr.h"
#include "proxy/coding.h"

enum { ID_BYTES = 4 };

size_t th_hello_write(const struct th_hello *h, uint8_t out[static TH_HELLO_MAX])
{
	struct th_wr w = th_wr_init(out, TH_HELLO_MAX);
	uint8_t link[TH_LINK_PROFILE_BYTES];

	th_wr_uint(&w, h->codings, 1);
	if (h->codings & 1u << TH_CODING_MODEL)
		th_wr_uint(&w, h->model, ID_BYTES);
	if (h->codings & 1u << TH_CODING_FLATE)
		th_wr_uint(&w, h->preset, ID_BYTES);
	th_wr_bytes(&w, link, th_link_profile_write(&h->link, link));
	return w.n;
}

enum th_err th_hello_read(struct th_hello *h, const uint8_t *p, size_t n)
{
	struct th_hello tmp = { .said = n > 0 };
	struct th_rd r = th_rd_init(p, n);
	enum th_err err = TH_OK;

	if (n > 0) {
		tmp.codings = (uint8_t)th_rd_uint(&r, 1);
		if (tmp.codings & 1u << TH_CODING_MODEL)
			tmp.model = (uint32_t)th_rd_uint(&r, ID_BYTES);
		if (tmp.codings & 1u << TH_CODING_FLATE)
			tmp.preset = (uint32_t)th_rd_uint(&r, ID_BYTES);
		err = r.err;
		if (err == TH_OK)
			err = th_link_profile_read(&tmp.link, r.p, (size_t)(r.end - r.p));
	}
	if (err == TH_OK)
		*h = tmp;
	return err == TH_OK ? TH_OK : TH_ERR_MALFORMED;
}
