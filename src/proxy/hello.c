#include "proxy/hello.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

uint32_t th_hello_tables(uint64_t model, uint64_t preset)
{
	enum { ALL = (1 << TH_HELLO_TABLES * 8) - 1 };

	return (uint32_t)(model ^ preset) & ALL; /* both are hashes */
}

size_t th_hello_write(const struct th_hello *h, uint8_t out[static TH_HELLO_MAX])
{
	struct th_wr w = th_wr_init(out, TH_HELLO_MAX);
	uint8_t link[TH_LINK_PROFILE_BYTES];
	size_t n = th_link_profile_write(&h->link, link);

	link[0] |= h->no_model ? TH_HELLO_NO_MODEL : 0u;
	th_wr_uint(&w, h->tables, TH_HELLO_TABLES);
	th_wr_bytes(&w, link, n);
	return w.n;
}

enum th_err th_hello_read(struct th_hello *h, const uint8_t *p, size_t n)
{
	struct th_hello tmp = { .said = n > 0 };
	struct th_rd r = th_rd_init(p, n);
	uint8_t link[TH_LINK_PROFILE_BYTES];
	size_t link_n;

	if (n > 0) {
		tmp.tables = (uint32_t)th_rd_uint(&r, TH_HELLO_TABLES);
		link_n = th_rd_left(&r);
		if (r.err != TH_OK || link_n == 0 || link_n > sizeof(link))
			return TH_ERR_MALFORMED;
		memcpy(link, r.p, link_n);
		tmp.no_model = link[0] & TH_HELLO_NO_MODEL;
		link[0] &= (uint8_t)~TH_HELLO_NO_MODEL;
		if (th_link_profile_read(&tmp.link, link, link_n) != TH_OK)
			return TH_ERR_MALFORMED;
	}
	*h = tmp;
	return TH_OK;
}
