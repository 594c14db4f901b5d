#include "http/response_head.h"


#include "exchange/failure.h"
#include "http/request_line.h"

void th_response_put_field(struct th_wr *w, struct th_str name, struct th_str value)
{
	th_wr_put(w, name);
	th_wr_put(w, TH_STR(": "));
	th_wr_put(w, value);
	th_wr_put(w, TH_STR("\r\n"));
}

void th_response_status(struct th_wr *w, uint16_t status)
{
	th_wr_put(w, TH_STR("HTTP/1.1 "));
	th_wr_decimal(w, status);
	th_wr_put(w, TH_STR(" "));
	th_wr_put(w, th_str_of(th_status_phrase(status)));
	th_wr_put(w, TH_STR("\r\n"));
}

void th_response_own(struct th_wr *w, struct th_str date)
{
	if (date.n)
		th_response_put_field(w, TH_STR("Date"), date);
	th_response_put_field(w, TH_STR("Server"), TH_STR("thimble"));
}

static bool may_pass(const struct th_field *f, bool length_ok)
{
	static const struct th_str hop[] = {
		TH_STR_INIT("connection"), TH_STR_INIT("transfer-encoding"), TH_STR_INIT("keep-alive"),
		TH_STR_INIT("te"),	   TH_STR_INIT("trailer"),	     TH_STR_INIT("upgrade"),
		TH_STR_INIT("server"),	   TH_STR_INIT("proxy-connection"),
	};

	if (f->name.n == 0)
		return false;
	for (size_t i = 0; i < f->name.n; i++)
		if (!th_http_is_tchar((unsigned char)f->name.p[i]))
			return false;
	for (size_t i = 0; i < f->value.n; i++)
		if (f->value.p[i] == '\r' || f->value.p[i] == '\n' || f->value.p[i] == '\0')
			return false;
	for (size_t i = 0; i < sizeof(hop) / sizeof(hop[0]); i++)
		if (th_str_ieq(f->name, hop[i]))
			return false;
	return length_ok || !th_str_ieq(f->name, TH_STR("content-length"));
}

bool th_response_fields(struct th_wr *w, const struct th_head *h, bool length_ok)
{
	bool dated = false;

	for (size_t i = 0; i < h->n_fields; i++) {
		if (!may_pass(&h->fields[i], length_ok))
			continue;
		dated = dated || th_str_ieq(h->fields[i].name, TH_STR("date"));
		th_response_put_field(w, h->fields[i].name, h->fields[i].value);
	}
	return dated;
}
