#include "corpus.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange/policy.h"

enum { FIELDS_MAX = TH_HEAD_FIELDS_MAX, HELD_OUT_OF_5 = 1 };

static void *grow(void *p, size_t n)
{
	void *q = realloc(p, n);

	if (!q)
		abort();
	return q;
}

static void *get(struct corpus *c, size_t n)
{
	void *p = th_arena_alloc(&c->arena, n ? n : 1);

	if (!p)
		abort();
	return p;
}

/* A cursor over one line; `bad` is sticky. */
struct in {
	struct corpus *c;
	const char *p;
	bool bad;
};

static void space(struct in *in)
{
	while (*in->p == ' ')
		in->p++;
}

static bool take(struct in *in, char c)
{
	space(in);
	if (*in->p != c)
		return false;
	in->p++;
	return true;
}

static void need(struct in *in, char c)
{
	if (!take(in, c))
		in->bad = true;
}

static unsigned long unit(struct in *in)
{
	char hex[5] = { 0 }, *end;
	unsigned long v;

	for (int i = 0; i < 4 && in->p[i]; i++)
		hex[i] = in->p[i];
	v = strtoul(hex, &end, 16);
	in->bad |= *end || end != hex + 4;
	in->p += strlen(hex);
	return v;
}

static char *put(char *out, unsigned long c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 63));
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	}
	return out;
}

static char *escape(struct in *in, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = *in->p;
	const char *at = c ? strchr(from, c) : NULL;
	unsigned long v;

	if (at) {
		in->p++;
		*out++ = to[at - from];
		return out;
	}
	if (c != 'u') {
		in->bad = true;
		return out;
	}
	in->p++;
	v = unit(in);
	if (v >= 0xd800 && v < 0xdc00 && in->p[0] == '\\' && in->p[1] == 'u') {
		in->p += 2;
		v = 0x10000 + ((v & 0x3ff) << 10 | (unit(in) & 0x3ff));
	}
	return put(out, v);
}

static size_t to_quote(const char *p)
{
	size_t n = 0;

	while (p[n] && p[n] != '"')
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return n;
}

static struct th_str string(struct in *in)
{
	char *buf, *out;

	need(in, '"');
	buf = out = get(in->c, to_quote(in->p));
	while (!in->bad && *in->p != '"') {
		if (!*in->p)
			in->bad = true;
		else if (*in->p == '\\') {
			in->p++;
			out = escape(in, out);
		} else
			*out++ = *in->p++;
	}
	need(in, '"');
	return (struct th_str){ buf, (size_t)(out - buf) };
}

static void skip(struct in *in)
{
	int depth = 0;

	do {
		space(in);
		if (*in->p == '"') {
			string(in);
		} else if (*in->p == '[' || *in->p == '{') {
			depth++;
			in->p++;
		} else if (*in->p == ']' || *in->p == '}') {
			depth--;
			in->p++;
		} else if (*in->p == ',' || *in->p == ':') {
			in->p++;
		} else if (*in->p) {
			in->p += strcspn(in->p, ",]}");
		} else {
			in->bad = true;
		}
	} while (!in->bad && (depth > 0 || (*in->p != ',' && *in->p != '}')));
}

static struct th_str base64(struct corpus *c, struct th_str s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = get(c, s.n);
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(alphabet, s.p[i]) : NULL;

		if (!at)
			break;
		acc = acc << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(acc >> bits);
		}
	}
	return (struct th_str){ out, n };
}

static void fields(struct in *in, struct th_head *head)
{
	struct th_field all[FIELDS_MAX], *kept;
	struct th_policy policy = { false };
	struct th_head raw = *head;

	raw.fields = all;
	raw.n_fields = 0;
	need(in, '[');
	while (!in->bad && !take(in, ']') && raw.n_fields < FIELDS_MAX) {
		need(in, '[');
		all[raw.n_fields].name = string(in);
		need(in, ',');
		all[raw.n_fields++].value = string(in);
		need(in, ']');
		take(in, ',');
	}
	kept = get(in->c, raw.n_fields * sizeof(*kept));
	head->n_fields = th_policy_filter(&policy, &raw, kept);
	/* A Content-Length is of this hop where a body follows; bodies of answers to HEAD are not recorded. */
	for (size_t i = 0; i < head->n_fields;) {
		if (th_str_ieq(kept[i].name, TH_STR("Content-Length")))
			memmove(kept + i, kept + i + 1, (--head->n_fields - i) * sizeof(*kept));
		else
			i++;
	}
	head->fields = kept;
}

static bool line(struct corpus *c, const char *text, size_t file, size_t number)
{
	struct in in = { c, text, false };
	struct corpus_message q = { .file = file, .line = number }, a = q;

	a.head.status = 1; /* a response, for the policy, until the status is read */
	need(&in, '{');
	while (!in.bad && !take(&in, '}')) {
		struct th_str key = string(&in);

		need(&in, ':');
		if (th_str_eq(key, TH_STR("method")))
			q.head.method = string(&in);
		else if (th_str_eq(key, TH_STR("target")))
			q.head.target = string(&in);
		else if (th_str_eq(key, TH_STR("status")))
			a.head.status = (uint16_t)strtoul(in.p, (char **)(uintptr_t)&in.p, 10);
		else if (th_str_eq(key, TH_STR("req_headers")))
			fields(&in, &q.head);
		else if (th_str_eq(key, TH_STR("resp_headers")))
			fields(&in, &a.head);
		else if (th_str_eq(key, TH_STR("req_body")))
			q.body = base64(c, string(&in));
		else if (th_str_eq(key, TH_STR("resp_body")))
			a.body = base64(c, string(&in));
		else
			skip(&in);
		take(&in, ',');
	}
	q.head.body_len = (int64_t)q.body.n;
	a.head.body_len = (int64_t)a.body.n;
	if (in.bad || !q.head.method.n || !q.head.target.n)
		return false;
	c->messages = grow(c->messages, (c->n + 2) * sizeof(*c->messages));
	c->messages[c->n++] = q;
	c->messages[c->n++] = a;
	return true;
}

static bool read_file(struct corpus *c, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t cap = 0, number = 0, first = c->n;
	bool ok = f != NULL;

	c->files = grow(c->files, (c->n_files + 1) * sizeof(*c->files));
	c->files[c->n_files++] = th_arena_str(&c->arena, (struct th_str){ path, strlen(path) + 1 }).p;
	while (ok && getline(&text, &cap, f) > 0)
		ok = text[0] == '\n' || line(c, text, c->n_files - 1, number++);
	if (!ok)
		fprintf(stderr, "%s:%zu: not a recorded exchange\n", path, number);
	for (size_t i = first; i < c->n; i++)
		c->messages[i].held_out = c->messages[i].line * 5 >= number * (5 - HELD_OUT_OF_5);
	free(text);
	if (f)
		fclose(f);
	return ok;
}

static int is_jsonl(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 6 && strcmp(e->d_name + n - 6, ".jsonl") == 0;
}

/* Byte order, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool read_dir(struct corpus *c, const char *dir, const char *sub)
{
	char path[4096];
	struct dirent **names;
	bool ok = true;
	int n;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	n = scandir(path, &names, is_jsonl, by_name);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", dir, sub, names[i]->d_name);
		ok = ok && read_file(c, path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return ok;
}

struct corpus *corpus_read(const char *dir)
{
	struct corpus *c = calloc(1, sizeof(*c));

	if (c)
		th_arena_init(&c->arena, &th_mem_libc, SIZE_MAX);
	if (c && read_dir(c, dir, "recorded") && read_dir(c, dir, "shapes"))
		return c;
	corpus_del(c);
	return NULL;
}

void corpus_del(struct corpus *c)
{
	if (!c)
		return;
	th_arena_free(&c->arena);
	free(c->messages);
	free(c->files);
	free(c);
}

const char *corpus_name(const struct corpus *c, size_t file, char *out, size_t cap)
{
	const char *slash = strrchr(c->files[file], '/');
	size_t n = strcspn(slash + 1, ".");

	snprintf(out, cap, "%.*s", (int)n, slash + 1);
	return out;
}
