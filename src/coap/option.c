#include "coap/option.h"

static const struct th_coap_option_rule rules[] = {
	{ TH_COAP_OPT_IF_MATCH, true, 0, 8 },
	{ TH_COAP_OPT_URI_HOST, false, 1, 255 },
	{ TH_COAP_OPT_ETAG, true, 1, 8 },
	{ TH_COAP_OPT_IF_NONE_MATCH, false, 0, 0 },
	{ TH_COAP_OPT_OBSERVE, false, 0, 3 },
	{ TH_COAP_OPT_URI_PORT, false, 0, 2 },
	{ TH_COAP_OPT_LOCATION_PATH, true, 0, 255 },
	{ TH_COAP_OPT_URI_PATH, true, 0, 255 },
	{ TH_COAP_OPT_CONTENT_FORMAT, false, 0, 2 },
	{ TH_COAP_OPT_MAX_AGE, false, 0, 4 },
	{ TH_COAP_OPT_URI_QUERY, true, 0, 255 },
	{ TH_COAP_OPT_HOP_LIMIT, false, 1, 1 },
	{ TH_COAP_OPT_ACCEPT, false, 0, 2 },
	{ TH_COAP_OPT_QBLOCK1, false, 0, 3 },
	{ TH_COAP_OPT_LOCATION_QUERY, true, 0, 255 },
	{ TH_COAP_OPT_BLOCK2, false, 0, 3 },
	{ TH_COAP_OPT_BLOCK1, false, 0, 3 },
	{ TH_COAP_OPT_SIZE2, false, 0, 4 },
	{ TH_COAP_OPT_QBLOCK2, false, 0, 3 },
	{ TH_COAP_OPT_PROXY_URI, false, 1, 1034 },
	{ TH_COAP_OPT_PROXY_SCHEME, false, 1, 255 },
	{ TH_COAP_OPT_SIZE1, false, 0, 4 },
	{ TH_COAP_OPT_ECHO, false, 1, 40 },
	{ TH_COAP_OPT_NO_RESPONSE, false, 0, 1 },
	{ TH_COAP_OPT_REQUEST_TAG, true, 0, 8 },
};

const struct th_coap_option_rule *th_coap_option_rule(uint16_t number)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].number >= number)
			return rules[i].number == number ? &rules[i] : NULL;
	return NULL;
}

bool th_coap_option_is_engines(uint16_t number)
{
	switch (number) {
	case TH_COAP_OPT_OBSERVE:
	case TH_COAP_OPT_BLOCK1:
	case TH_COAP_OPT_BLOCK2:
	case TH_COAP_OPT_QBLOCK1:
	case TH_COAP_OPT_QBLOCK2:
	case TH_COAP_OPT_SIZE1:
	case TH_COAP_OPT_SIZE2:
	case TH_COAP_OPT_ECHO:
	case TH_COAP_OPT_REQUEST_TAG:
		return true;
	default:
		return false;
	}
}

const struct th_coap_option *th_coap_option_find(const struct th_coap_option *v, size_t n, uint16_t number)
{
	for (size_t i = 0; i < n && v[i].number <= number; i++)
		if (v[i].number == number)
			return &v[i];
	return NULL;
}

uint32_t th_coap_option_uint(const struct th_coap_option *o)
{
	uint32_t v = 0;

	for (size_t i = 0; i < o->n; i++)
		v = v << 8 | o->p[i];
	return v;
}

size_t th_coap_uint_put(uint8_t out[static 4], uint32_t v)
{
	size_t n = 0;

	while (n < 4 && v >> (8 * n))
		n++;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return n;
}

/* `again`: an option of this number stands before it. */
static bool keeps_rule(const struct th_coap_option *o, const struct th_coap_option_rule *rule, bool again)
{
	return o->n >= rule->min && o->n <= rule->max && (!again || rule->repeatable);
}

enum th_err th_coap_options_screen(struct th_coap_pdu *pdu)
{
	uint32_t before = UINT32_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < pdu->n_options; i++) {
		const struct th_coap_option o = pdu->options[i];
		const struct th_coap_option_rule *rule = th_coap_option_rule(o.number);
		bool good = rule && keeps_rule(&o, rule, o.number == before);

		before = o.number;
		if (!good && th_coap_option_is_critical(o.number))
			return TH_ERR_UNSUPPORTED;
		if (good || !rule) /* what is elective and unknown is the application's to read or to ignore */
			pdu->options[kept++] = o;
	}
	pdu->n_options = kept;
	return TH_OK;
}

bool th_coap_options_valid(const struct th_coap_option *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct th_coap_option_rule *rule = th_coap_option_rule(v[i].number);

		if (i > 0 && v[i].number < v[i - 1].number)
			return false;
		if (rule && !keeps_rule(&v[i], rule, i > 0 && v[i].number == v[i - 1].number))
			return false;
	}
	return true;
}
