#include "codec/token.h"

#include <stdint.h>

static bool is_token_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c > ' ' && c < 0x7f && strchr("!#$%&'*+-.^_`|~", c));
}

bool th_is_token(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_byte((uint8_t)s.p[i]))
			return false;
	return s.n > 0;
}

bool th_is_target(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

bool th_is_value(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((uint8_t)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}
