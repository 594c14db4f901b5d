#include "codec/syntax.h"

#include <string.h>

#include "base/str.h"

enum { KEY_ROOT = 1, KEY_STATUS = 2, KEY_METHOD = 3, KEY_NAME = 4, KEY_PATH = 5, KEY_QUERY = 6 };

static bool is_letter(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') || (cp >= 0xaa && cp < 0x2000) || cp >= 0x2c00;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_sigil(uint8_t c)
{
	return c == '!' || c == '$' || c == '@' || c == '#';
}

/* Bytes that tokens are made of. */
static bool is_token_byte(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' ||
	       c == '+' || c >= 0x80;
}

void th_syntax_init(struct th_syntax *s, bool is_response, uint32_t kind, int account)
{
	memset(s, 0, sizeof(*s));
	s->phase = TH_PHASE_METHOD;
	s->kind = kind;
	s->account = account;
	s->key = is_response ? KEY_STATUS : KEY_METHOD;
	s->value_start = true;
}

/* ---- characters and words ---- */

static void character(struct th_syntax *s, uint32_t cp)
{
	memmove(s->cp + 1, s->cp, sizeof(s->cp) - sizeof(s->cp[0]));
	s->cp[0] = cp;
	s->part = 0;
	s->part_left = 0;
	s->part_hex = 0;
	if (is_letter(cp)) {
		if (cp >= 'A' && cp <= 'Z')
			cp += 'a' - 'A';
		s->word = th_hash2(s->word + 1, cp);
	} else if (s->word) {
		s->last_word = s->word;
		s->word = 0;
	}
}

static void escape_byte(struct th_syntax *s, uint8_t c)
{
	int v;

	if (!s->part_hex) {
		if (c == 'u') {
			s->part_hex = 1;
			s->part_left = 4;
			s->part = th_hash2(s->part, c);
		} else {
			character(s, 0x100u | c); /* \n, \" and their like: characters of their own */
		}
		return;
	}
	v = th_hex_value((char)c);
	s->part_cp = s->part_cp << 4 | (uint32_t)(v < 0 ? 0 : v);
	s->part = th_hash2(s->part, c);
	s->part_left--;
	if (v < 0)
		character(s, c);
	else if (s->part_left == 0)
		character(s, s->part_cp);
}

static void character_byte(struct th_syntax *s, uint8_t c)
{
	if (s->part && s->part_left == 0xff) {
		s->part_left = 1;
		s->part_cp = 0;
		escape_byte(s, c);
		return;
	}
	if (s->part_hex) {
		escape_byte(s, c);
		return;
	}
	if (s->part) {
		if ((c & 0xc0) == 0x80) {
			s->part_cp = s->part_cp << 6 | (c & 0x3f);
			s->part = th_hash2(s->part, c);
			s->part_left--;
			if (s->part_left == 0)
				character(s, s->part_cp);
			return;
		}
		character(s, 0xfffd);
	}
	if (c == '\\' && s->phase == TH_PHASE_BODY) {
		s->part = th_hash2(1, c) | 1;
		s->part_left = 0xff;
	} else if (c >= 0xc2 && c < 0xf5) {
		s->part_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		s->part_cp = c & (c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 0x07);
		s->part = th_hash2(2, c) | 1;
	} else {
		character(s, c);
	}
}

/* ---- tokens ---- */

static void token_end(struct th_syntax *s)
{
	if (s->token_n) {
		s->last_token = s->token;
		s->token = 0;
		s->token_n = 0;
	}
	s->sigil = 0;
}

static void token_char(struct th_syntax *s, uint8_t c)
{
	if (is_sigil(c)) {
		token_end(s);
		s->sigil = c;
		s->token = th_hash2(0x51, c);
	} else if (is_token_byte(c) || (c == ':' && s->sigil)) {
		s->token = th_hash2(s->token, c);
		s->token_n++;
	} else {
		token_end(s);
	}
}

static void token_byte(struct th_syntax *s, uint8_t c)
{
	int v;

	if (!s->percent) {
		if (c == '%')
			s->percent = 1;
		else
			token_char(s, c);
		return;
	}
	v = th_hex_value((char)c);
	if (v < 0) {
		s->percent = 0;
		token_end(s);
		token_char(s, c);
		return;
	}
	s->percent_value = (uint8_t)(s->percent_value << 4 | v);
	s->percent++;
	if (s->percent == 3) {
		s->percent = 0;
		token_char(s, s->percent_value);
	}
}

/* ---- values, keys, structure ---- */

static void value_reset(struct th_syntax *s)
{
	s->value = 0;
	s->value_n = 0;
	s->value_start = true;
}

static void value_end(struct th_syntax *s)
{
	if (s->value_n)
		s->last_value = s->value;
	value_reset(s);
}

static void value_byte(struct th_syntax *s, uint8_t c)
{
	s->value = th_hash2(s->value, c + 1u);
	s->value_n++;
}

static void parent_set(struct th_syntax *s)
{
	unsigned d = s->depth;

	s->parent = d == 0 ? 0 : s->stack[d <= TH_SYNTAX_DEPTH ? d - 1 : TH_SYNTAX_DEPTH - 1];
}

static void push(struct th_syntax *s, bool object)
{
	if (s->depth < TH_SYNTAX_DEPTH) {
		s->stack[s->depth] = s->key;
		s->objects = (s->objects & ~(1u << s->depth)) | (uint32_t)object << s->depth;
	}
	if (s->depth < 1000)
		s->depth++;
	parent_set(s);
	s->expect_key = object;
	if (object)
		s->key = th_hash2(KEY_ROOT, s->parent);
	value_reset(s);
}

static bool in_object(const struct th_syntax *s)
{
	return s->depth > 0 && s->depth <= TH_SYNTAX_DEPTH && s->objects >> (s->depth - 1) & 1;
}

static void pop(struct th_syntax *s)
{
	value_end(s);
	if (s->depth > 0) {
		s->depth--;
		if (s->depth < TH_SYNTAX_DEPTH)
			s->key = s->stack[s->depth];
	}
	parent_set(s);
	s->expect_key = false;
}

static uint32_t name_hash(const char *name)
{
	uint32_t h = 0;

	for (; *name; name++)
		h = th_hash2(h, (uint8_t)*name + 1u);
	return h;
}

/* Keys whose values come from values of another key. */
static uint32_t alias(uint32_t key)
{
	if (key == name_hash("since"))
		return name_hash("next_batch");
	if (key == name_hash("from") || key == name_hash("to"))
		return name_hash("prev_batch");
	if (key == name_hash("pos"))
		return name_hash("pos");
	return key;
}

/* A key that is an identifier counts as its sigil; one that names an algorithm and a key counts as the algorithm. */
static void key_end(struct th_syntax *s)
{
	s->last_key = s->key;
	s->key = s->value;
	s->expect_key = false;
}

static void string_byte(struct th_syntax *s, uint8_t c)
{
	if (s->escaped) {
		s->escaped = false;
		value_byte(s, c);
	} else if (c == '"') {
		s->in_string = false;
		if (s->is_key) {
			key_end(s);
			value_reset(s);
		} else {
			value_end(s);
		}
		s->is_key = false;
	} else {
		s->escaped = c == '\\';
		if (s->is_key && (is_sigil((uint8_t)s->segment) || s->segment == ':')) {
			s->value_n++; /* the rest of an identifier does not name the key */
			return;
		}
		if (s->is_key && (s->value_n == 0 || c == ':'))
			s->segment = c;
		value_byte(s, c);
	}
}

static void body_byte(struct th_syntax *s, uint8_t c)
{
	if (s->in_string) {
		string_byte(s, c);
		return;
	}
	switch (c) {
	case '"':
		s->in_string = true;
		s->is_key = s->expect_key;
		s->segment = 0;
		value_reset(s);
		break;
	case '{':
	case '[':
		push(s, c == '{');
		break;
	case '}':
	case ']':
		pop(s);
		break;
	case ',':
		value_end(s);
		s->expect_key = in_object(s);
		break;
	case ':':
		value_reset(s);
		break;
	default:
		value_byte(s, c);
	}
}

/* ---- the head ---- */

static void segment_end(struct th_syntax *s)
{
	s->path = th_hash2(s->path, s->segment ? s->segment : 7);
	s->segment = 1;
	value_end(s);
	s->key = th_hash2(KEY_PATH, s->path);
}

static void segment_byte(struct th_syntax *s, uint8_t c)
{
	bool identifier = is_sigil(c) || c == '%' || c == ':' || s->value_n > 24 || (is_digit(c) && s->value_n > 1);

	if (identifier)
		s->segment = 0;
	else if (s->segment)
		s->segment = th_hash2(s->segment, c);
	value_byte(s, c);
}

static void path_byte(struct th_syntax *s, uint8_t c)
{
	switch (c) {
	case '/':
		segment_end(s);
		break;
	case '?':
	case '\n':
		segment_end(s);
		s->kind = s->path;
		s->phase = c == '?' ? TH_PHASE_QUERY_NAME : TH_PHASE_NAME;
		s->parent = s->path;
		s->key = th_hash2(c == '?' ? KEY_QUERY : KEY_NAME, 0);
		break;
	default:
		segment_byte(s, c);
	}
}

static void method_byte(struct th_syntax *s, uint8_t c)
{
	if (c == ' ' && s->cp[1] != 0 && s->value_n > 0 && s->segment == '#') {
		s->segment = 0; /* after the slot */
		value_reset(s);
	} else if (c == ' ' || (c < 32 && c != '\n')) {
		s->path = th_hash2(s->value, c);
		s->segment = 1;
		s->phase = TH_PHASE_PATH;
		value_end(s);
		s->key = th_hash2(KEY_PATH, s->path);
	} else if (c == '\n') {
		s->parent = s->value;
		s->phase = TH_PHASE_NAME;
		s->key = th_hash2(KEY_NAME, s->value);
		value_end(s);
	} else {
		if (s->segment == '#' && is_digit(c) && s->account < 1000)
			s->account = (s->account < 0 ? 0 : s->account * 10) + (c - '0');
		if (s->value_n == 0 && c == '#')
			s->segment = '#';
		value_byte(s, c);
	}
}

static void head_byte(struct th_syntax *s, uint8_t c)
{
	switch (s->phase) {
	case TH_PHASE_METHOD:
		method_byte(s, c);
		break;
	case TH_PHASE_PATH:
		path_byte(s, c);
		break;
	case TH_PHASE_QUERY_NAME:
	case TH_PHASE_QUERY_VALUE:
		if (c == '=' && s->phase == TH_PHASE_QUERY_NAME) {
			s->last_key = s->key;
			s->key = alias(s->value);
			s->also = s->key != s->value ? name_hash("prev_batch") : 0;
			s->phase = TH_PHASE_QUERY_VALUE;
			value_reset(s);
		} else if (c == '&' || c == '\n') {
			value_end(s);
			s->also = 0;
			s->last_key = s->key;
			s->key = th_hash2(c == '&' ? KEY_QUERY : KEY_NAME, s->key);
			s->phase = c == '&' ? TH_PHASE_QUERY_NAME : TH_PHASE_NAME;
		} else {
			value_byte(s, c);
		}
		break;
	case TH_PHASE_NAME:
		if (c == '\n') {
			s->phase = TH_PHASE_BODY;
			s->parent = th_hash2(s->kind, 0);
			s->key = th_hash2(KEY_ROOT, s->kind);
			value_reset(s);
		} else if (c == ' ') {
			s->key = th_hash2(KEY_NAME, s->value);
			s->phase = TH_PHASE_FIELD;
			value_reset(s);
		} else if (c < 32) {
			s->key = th_hash2(KEY_NAME, c); /* an entry: a whole field, or its beginning */
			if (c >= 16 && c != 18 && c != 19 && c != 22 && c != 25)
				s->phase = TH_PHASE_FIELD;
			value_reset(s);
		} else {
			value_byte(s, c);
		}
		break;
	default: /* TH_PHASE_FIELD */
		if (c == '\n') {
			value_end(s);
			s->last_key = s->key;
			s->key = th_hash2(KEY_NAME, s->key);
			s->phase = TH_PHASE_NAME;
		} else {
			value_byte(s, c);
		}
	}
}

void th_syntax_step(struct th_syntax *s, uint8_t c)
{
	s->value_start = false;
	character_byte(s, c);
	token_byte(s, c);
	if (s->phase == TH_PHASE_BODY)
		body_byte(s, c);
	else
		head_byte(s, c);
}

void th_syntax_request(const uint8_t *text, size_t n, uint32_t *kind, int *account)
{
	struct th_syntax s;

	th_syntax_init(&s, false, 0, -1);
	for (size_t i = 0; i < n && (s.phase == TH_PHASE_METHOD || s.phase == TH_PHASE_PATH); i++)
		th_syntax_step(&s, text[i]);
	*kind = s.kind;
	*account = s.account;
}
