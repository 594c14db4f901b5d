#include "http/request_fields.h"

enum { CONNECTION_TOKENS_MAX = 32 };

enum kind { ORDINARY, HOP, HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT };

static const struct {
	struct th_str name;
	enum kind kind;
} special[] = {
	{ TH_STR_INIT("host"), HOST },
	{ TH_STR_INIT("connection"), CONNECTION },
	{ TH_STR_INIT("content-length"), CONTENT_LENGTH },
	{ TH_STR_INIT("transfer-encoding"), TRANSFER_ENCODING },
	{ TH_STR_INIT("expect"), EXPECT },
	{ TH_STR_INIT("keep-alive"), HOP },
	{ TH_STR_INIT("proxy-connection"), HOP },
	{ TH_STR_INIT("te"), HOP },
	{ TH_STR_INIT("trailer"), HOP },
	{ TH_STR_INIT("upgrade"), HOP },
};

struct judge {
	struct th_str tokens[CONNECTION_TOKENS_MAX]; /* of all Connection fields, without close and keep-alive */
	size_t n_tokens;
	unsigned hosts, lengths, codings;
	bool close, keep_alive;
	struct th_request_facts *facts;
	const char **reason;
};

static enum kind kind_of(struct th_str name)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (th_str_ieq(name, special[i].name))
			return special[i].kind;
	return ORDINARY;
}

static uint16_t refuse(struct judge *j, uint16_t status, const char *reason)
{
	*j->reason = reason;
	return status;
}

static struct th_str trim(struct th_str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static uint16_t connection(struct judge *j, struct th_str value)
{
	while (value.n) {
		const char *comma = memchr(value.p, ',', value.n);
		size_t n = comma ? (size_t)(comma - value.p) : value.n;
		struct th_str token = trim((struct th_str){ value.p, n });

		value.p += comma ? n + 1 : n;
		value.n -= comma ? n + 1 : n;
		if (token.n == 0)
			continue;
		if (th_str_ieq(token, TH_STR("close"))) {
			j->close = true;
		} else if (th_str_ieq(token, TH_STR("keep-alive"))) {
			j->keep_alive = true;
		} else {
			if (j->n_tokens == CONNECTION_TOKENS_MAX)
				return refuse(j, 400, "Too many options in Connection");
			j->tokens[j->n_tokens++] = token;
		}
	}
	return 0;
}

/* uri-host [ ":" port ] roughly (RFC 9110 §7.2): no white space, lists or parts of another URI component. */
static uint16_t host(struct judge *j, struct th_str value)
{
	static const char alien[] = "\"#,/<>?@\\^`{|}";

	if (++j->hosts > 1)
		return refuse(j, 400, "More than one Host");
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] <= 0x20 || (unsigned char)value.p[i] >= 0x7f ||
		    memchr(alien, value.p[i], sizeof(alien) - 1))
			return refuse(j, 400, "Malformed Host");
	return 0;
}

static uint16_t content_length(struct judge *j, struct th_str value)
{
	int64_t n = 0;

	if (++j->lengths > 1)
		return refuse(j, 400, "More than one Content-Length");
	if (value.n == 0)
		return refuse(j, 400, "Malformed Content-Length");
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return refuse(j, 400, "Malformed Content-Length");
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, value.p[i] - '0', &n))
			return refuse(j, 413, "The body is too large");
	}
	j->facts->body_len = n;
	return 0;
}

static uint16_t transfer_encoding(struct judge *j, struct th_str value)
{
	if (++j->codings > 1)
		return refuse(j, 400, "More than one Transfer-Encoding");
	if (!th_str_ieq(value, TH_STR("chunked")))
		return refuse(j, 501, "The only transfer coding known here is chunked");
	j->facts->body_len = TH_BODY_UNKNOWN;
	return 0;
}

static uint16_t one_field(struct judge *j, const struct th_field *f, unsigned minor)
{
	if (f->name.n == 0)
		return refuse(j, 400, "A header field without a name");
	switch (kind_of(f->name)) {
	case HOST:
		return host(j, f->value);
	case CONNECTION:
		return connection(j, f->value);
	case CONTENT_LENGTH:
		return content_length(j, f->value);
	case TRANSFER_ENCODING:
		return transfer_encoding(j, f->value);
	case EXPECT:
		if (minor == 0) /* RFC 9110 §10.1.1: ignored in HTTP/1.0 */
			return 0;
		if (!th_str_ieq(f->value, TH_STR("100-continue")))
			return refuse(j, 417, "The only expectation met here is 100-continue");
		j->facts->expect_continue = true;
		return 0;
	case ORDINARY:
	case HOP:
		break;
	}
	return 0;
}

static bool for_the_flow(const struct judge *j, const struct th_field *f)
{
	enum kind k = kind_of(f->name);

	if (k == HOST)
		return true;
	if (k != ORDINARY)
		return false;
	for (size_t i = 0; i < j->n_tokens; i++)
		if (th_str_ieq(f->name, j->tokens[i]))
			return false;
	return true;
}

uint16_t th_request_fields_judge(struct th_request_facts *facts, struct th_field *fields, size_t *n_fields,
				 unsigned minor, const char **reason)
{
	struct judge j;
	size_t kept = 0;

	memset(&j, 0, sizeof(j));
	*facts = (struct th_request_facts){ 0 };
	j.facts = facts;
	j.reason = reason;
	for (size_t i = 0; i < *n_fields; i++) {
		uint16_t status = one_field(&j, &fields[i], minor);

		if (status)
			return status;
	}
	if (j.hosts == 0 && minor > 0)
		return refuse(&j, 400, "HTTP/1.1 asks for a Host");
	if (j.codings && j.lengths)
		return refuse(&j, 400, "Both Content-Length and Transfer-Encoding");
	if (j.codings && minor == 0)
		return refuse(&j, 400, "Transfer-Encoding in HTTP/1.0");
	for (size_t i = 0; i < *n_fields; i++)
		if (for_the_flow(&j, &fields[i]))
			fields[kept++] = fields[i];
	*n_fields = kept;
	facts->keep_alive = !j.close && (minor > 0 || j.keep_alive);
	return 0;
}
