#include "proxy/coding.h"

bool th_coding_wanted(const struct th_leg *leg)
{
	(void)leg;
	return false;
}

void th_coding_encode(struct th_leg *leg, struct th_buf *msg)
{
	(void)leg;
	(void)msg;
}

bool th_coding_knows(const struct th_leg *leg, uint8_t first)
{
	(void)leg;
	(void)first;
	return false;
}

enum th_err th_coding_decode(struct th_leg *leg, struct th_buf *msg)
{
	(void)leg;
	(void)msg;
	return TH_ERR_MALFORMED;
}
