/* Records made by another implementation, and the examples of the protocol's page. Arguments:
 * tests/vectors/record/records.txt, docs/protocol.md. */
#include "ends.h"

enum { LINE_MAX_LEN = 4096 };

static const char *vectors_path, *protocol_path;

struct vector {
	struct th_noise_secret key;
	uint64_t tag_len, number, acknowledged, next;
	uint8_t cid[TH_RECORD_CID_MAX], payload[RECORD_MAX], record[RECORD_MAX];
	size_t cid_len, payload_len, record_len;
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex digits and single spaces; stops at anything else. */
static size_t read_hex(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*s == ' ')
		s++;
	while (digit(s[0]) >= 0 && digit(s[1]) >= 0) {
		assert_true(n < cap);
		out[n++] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
		s += 2;
		if (s[0] == ' ' && s[1] != ' ')
			s++;
	}
	return n;
}

static void check_vector(const struct vector *v)
{
	struct th_record_key tx, rx;
	uint8_t out[RECORD_MAX];
	uint64_t pn;
	size_t len;

	assert_int_equal(th_record_key_init(&tx, &v->key, v->tag_len, TH_CIPHER_SEAL, 0), TH_OK);
	assert_int_equal(th_record_key_init(&rx, &v->key, v->tag_len, TH_CIPHER_OPEN, 0), TH_OK);
	tx.window.next = v->number;
	tx.acknowledged = v->acknowledged;
	rx.window.next = v->next;
	assert_int_equal(seal_next(&tx, v->cid, v->cid_len, v->payload, v->payload_len, out, sizeof(out), &len, &pn),
			 TH_OK);
	assert_int_equal(len, v->record_len);
	assert_memory_equal(out, v->record, len);
	assert_int_equal(th_record_open(&rx, v->cid_len, v->record, v->record_len, out, &len, &pn), TH_OK);
	assert_true(pn == v->number);
	assert_int_equal(len, v->payload_len);
	assert_memory_equal(out, v->payload, len);
	th_record_key_free(&tx);
	th_record_key_free(&rx);
}

/* "name value": true when it was the record, with which a vector is whole. */
static bool read_field(struct vector *v, const char *line)
{
	const char *value = strchr(line, ' ');
	size_t name = value ? (size_t)(value - line) : strcspn(line, "\n");

	value = value ? value + 1 : "";
	if (strncmp(line, "key", name) == 0)
		assert_int_equal(read_hex(value, v->key.b, sizeof(v->key.b)), sizeof(v->key.b));
	else if (strncmp(line, "tag-length", name) == 0)
		v->tag_len = strtoull(value, NULL, 10);
	else if (strncmp(line, "number", name) == 0)
		v->number = strtoull(value, NULL, 10);
	else if (strncmp(line, "sender-acknowledged", name) == 0)
		v->acknowledged = strtoull(value, NULL, 10);
	else if (strncmp(line, "receiver-next", name) == 0)
		v->next = strtoull(value, NULL, 10);
	else if (strncmp(line, "cid", name) == 0)
		v->cid_len = read_hex(value, v->cid, sizeof(v->cid));
	else if (strncmp(line, "payload", name) == 0)
		v->payload_len = read_hex(value, v->payload, sizeof(v->payload));
	else if (strncmp(line, "record", name) == 0)
		v->record_len = read_hex(value, v->record, sizeof(v->record));
	else
		fail_msg("what is '%s'?", line);
	return strncmp(line, "record", name) == 0;
}

static void vectors_of_another_implementation(void **state)
{
	char line[LINE_MAX_LEN];
	struct vector v = { 0 };
	FILE *f = fopen(vectors_path, "r");
	size_t count = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (read_field(&v, line)) {
			check_vector(&v);
			count++;
		}
	}
	fclose(f);
	assert_int_equal(count, 73);
}

static uint64_t attribute(const char *line, const char *name)
{
	const char *p = strstr(line, name);

	assert_non_null(p);
	return strtoull(p + strlen(name), NULL, 10);
}

/* "<!-- record: tag=8 cid=1 number=5 acknowledged=5 next=5 -->", then indented lines: hex, two spaces, what it is; the
 * line that says "payload" gives the payload in the clear and is no part of the record. Key: 00 01 … 1f. */
static void examples_of_the_protocol(void **state)
{
	char line[LINE_MAX_LEN];
	FILE *f = fopen(protocol_path, "r");
	size_t count = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct vector v = { 0 };

		if (!strstr(line, "<!-- record: "))
			continue;
		for (size_t i = 0; i < sizeof(v.key.b); i++)
			v.key.b[i] = (uint8_t)i;
		v.tag_len = attribute(line, "tag=");
		v.cid_len = attribute(line, "cid=");
		v.number = attribute(line, "number=");
		v.acknowledged = attribute(line, "acknowledged=");
		v.next = attribute(line, "next=");
		while (fgets(line, sizeof(line), f) && strncmp(line, "    ", 4) == 0) {
			if (strstr(line, "  payload"))
				v.payload_len = read_hex(line, v.payload, sizeof(v.payload));
			else
				v.record_len +=
					read_hex(line, v.record + v.record_len, sizeof(v.record) - v.record_len);
			if (strstr(line, "  connection ID"))
				assert_int_equal(read_hex(line, v.cid, sizeof(v.cid)), v.cid_len);
		}
		check_vector(&v);
		count++;
	}
	fclose(f);
	assert_int_equal(count, 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_another_implementation),
		cmocka_unit_test(examples_of_the_protocol),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s RECORDS.TXT PROTOCOL.MD\n", argv[0]);
		return 2;
	}
	vectors_path = argv[1];
	protocol_path = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
