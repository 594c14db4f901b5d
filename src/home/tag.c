#include "home/tag.h"

static const char before[] = { '"', '~', 't', ':' };
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { HASH_BYTES = 12, HASH_TEXT = 16 };
_Static_assert(sizeof(before) + HASH_TEXT + 1 == TH_TAG_TEXT, "the text is prefix, hash and quote");

void th_tag_begin(struct th_digest *d, const struct th_policy *policy, const struct th_head *answer)
{
	struct th_field crossing[TH_HEAD_FIELDS_MAX];
	const struct th_field *fields = answer->fields;
	const uint8_t status[2] = { (uint8_t)(answer->status >> 8), (uint8_t)answer->status };
	size_t n = answer->n_fields;

	th_digest_begin(d);
	if (answer->n_fields > TH_HEAD_FIELDS_MAX) {
		d->broken = true;
		return;
	}
	if (policy) {
		n = th_policy_filter(policy, answer, crossing);
		fields = crossing;
	}
	th_digest_bytes(d, status, sizeof(status));
	for (size_t i = 0; i < n; i++) {
		if (th_str_ieq(fields[i].name, TH_STR("Age")))
			continue;
		th_digest_lower(d, fields[i].name);
		th_digest_str(d, fields[i].value);
	}
	th_digest_str(d, TH_STR(""));
}

bool th_tag_end(struct th_digest *d, char out[static TH_TAG_TEXT])
{
	uint8_t hash[TH_DIGEST_BYTES];

	if (!th_digest_end(d, hash))
		return false;
	memcpy(out, before, sizeof(before));
	out += sizeof(before);
	for (size_t i = 0; i < HASH_BYTES; i += 3) {
		uint32_t v = (uint32_t)hash[i] << 16 | (uint32_t)hash[i + 1] << 8 | hash[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = alphabet[v >> shift & 63];
	}
	*out = '"';
	return true;
}

bool th_tag_is(struct th_str value)
{
	if (value.n != TH_TAG_TEXT || memcmp(value.p, before, sizeof(before)) != 0 || value.p[value.n - 1] != '"')
		return false;
	for (size_t i = sizeof(before); i < TH_TAG_TEXT - 1; i++)
		if (value.p[i] == '\0' || !strchr(alphabet, value.p[i]))
			return false;
	return true;
}
