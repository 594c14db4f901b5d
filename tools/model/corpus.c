#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "codec/account.h"
#include "codec/keep.h"
#include "codec/mark.h"
#include "codec/syntax.h"
#include "codec/text.h"
#include "exchange/date.h"
#include "exchange/policy.h"
#include "exchange/route.h"

enum { ACCOUNTS_MAX = 64, SLACK = 1 << 16, VIEW = 48 * 1024, KEPT_MAX = 16 * 1024 };

struct accounts {
	struct th_str value[ACCOUNTS_MAX];
	size_t n;
};

static _Noreturn void die(const char *what, const char *path)
{
	fprintf(stderr, "model: %s: %s\n", path, what);
	exit(1);
}

static void *must(void *p)
{
	if (!p)
		die("no memory", "corpus");
	return p;
}

static uint8_t *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	long size;

	if (!f || fseek(f, 0, SEEK_END) != 0)
		die("cannot be read", path);
	size = ftell(f);
	rewind(f);
	p = must(malloc((size_t)size + 1));
	*n = fread(p, 1, (size_t)size, f);
	fclose(f);
	return p;
}

static struct th_str string(struct th_rd *r)
{
	size_t n = (size_t)th_rd_uint(r, 4);
	const uint8_t *p = th_rd_bytes(r, n);

	return (struct th_str){ p ? (const char *)p : "", p ? n : 0 };
}

static void keep_account(struct accounts *a, struct th_str value)
{
	if (a->n < ACCOUNTS_MAX && value.n > 0)
		a->value[a->n++] = value;
}

/* The slot of the request's Authorization value, once it has been sent whole. */
static int slot_of(struct accounts *a, const struct th_head *h)
{
	struct th_str value = th_account_of(h);

	if (!th_account_fits(value))
		return TH_SLOT_NONE;
	for (size_t i = 0; i < a->n; i++)
		if (th_str_eq(a->value[i], value))
			return (int)i;
	keep_account(a, value);
	return TH_SLOT_NONE;
}

static struct th_lineage *lineage(void)
{
	static struct th_lineage *l;

	if (!l)
		l = must(th_lineage_new(&th_mem_libc));
	return l;
}

struct th_model_about corpus_about(const struct message *m)
{
	return (struct th_model_about){ m->is_response, m->is_response ? m->kind : 0,
					m->is_response ? m->account : -1 };
}

bool corpus_cut(const struct message *m, const struct th_view *view, size_t kept_max, struct cut *out)
{
	static uint8_t text[TH_MODEL_TEXT_MAX + TH_MARK_MAX], kept[sizeof(text) + TH_KEEP_EXTRA];
	const struct th_model_about message = corpus_about(m);
	const struct th_lineage_about lineage_about = { view, &message, m->date };

	if (m->plain_n > TH_MODEL_TEXT_MAX ||
	    th_lineage_cut(lineage(), &lineage_about, m->plain, m->plain_n, text, sizeof(text), &out->n) != TH_OK)
		return false;
	out->kept_n = th_keep(text, out->n, m->body, th_lineage_notes(lineage()), kept_max, kept);
	out->text = text;
	out->kept = kept;
	return true;
}

bool corpus_restores(const struct message *m, const struct th_view *view, const uint8_t *cut, size_t n)
{
	static uint8_t back[TH_MODEL_TEXT_MAX];
	const struct th_model_about message = corpus_about(m);
	const struct th_lineage_about lineage_about = { view, &message, 0 };
	size_t back_n;

	return th_lineage_restore(lineage(), &lineage_about, cut, n, back, sizeof(back), &back_n) == TH_OK &&
	       back_n == m->plain_n && memcmp(back, m->plain, back_n) == 0;
}

/* The session's last messages, as a view. */
static void look_back(const struct corpus *c, const struct message *m, struct th_view *v)
{
	size_t first = c->n, sum = 0;

	while (first > 0 && c->messages[first - 1].session == m->session && c->n - first < TH_MODEL_VIEW_TEXTS &&
	       sum + c->messages[first - 1].masked_n < VIEW)
		sum += c->messages[--first].masked_n + 1;
	v->n = v->request = 0;
	for (size_t i = first; i < c->n; i++) {
		const struct message *o = &c->messages[i];

		v->texts[v->n++] = (struct th_view_text){ .p = o->masked,
							  .n = o->masked_n,
							  .about = { o->is_response, o->kind, o->account },
							  .rest = o->masked + o->masked_n };
		if (m->is_response && i == m->request)
			v->request = v->n;
	}
}

static uint8_t *copy(const uint8_t *p, size_t n)
{
	return memcpy(must(malloc(n + 1)), p, n);
}

/* Makes of the plain text what is coded, and kept. */
static bool cut(const struct corpus *c, struct message *m)
{
	static struct th_view view;
	struct cut made;

	look_back(c, m, &view);
	if (!corpus_cut(m, &view, KEPT_MAX, &made))
		return false;
	m->text = copy(made.text, made.n);
	m->n = made.n;
	m->masked = copy(made.kept, made.kept_n);
	m->masked_n = made.kept_n;
	return true;
}

static void read_message(struct corpus *c, struct accounts *a, struct th_rd *r, bool is_response, size_t *by_exchange)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX], kept[TH_HEAD_FIELDS_MAX];
	struct th_head h = { .fields = fields };
	struct th_policy policy = { .pass_unknown = true };
	struct message *m = &c->messages[c->n];
	size_t exchange = (size_t)th_rd_uint(r, 4), need;
	struct th_str body;
	int slot = TH_SLOT_NONE;

	*m = (struct message){ .is_response = is_response, .session = c->n_sessions - 1 };
	if (is_response) {
		h.status = (uint16_t)th_rd_uint(r, 2);
		m->http_bytes = 17;
	} else {
		h.method = string(r);
		h.target = string(r);
		m->http_bytes = 14 + h.method.n + h.target.n;
	}
	h.n_fields = (size_t)th_rd_uint(r, 2);
	for (size_t i = 0; i < h.n_fields && i < TH_HEAD_FIELDS_MAX; i++) {
		fields[i].name = string(r);
		fields[i].value = string(r);
		m->http_bytes += fields[i].name.n + fields[i].value.n + 4;
	}
	body = string(r);
	m->http_bytes += body.n;
	h.body_len = (int64_t)body.n;
	m->body = body;
	m->date = is_response ? th_date_of(&h) : 0;
	h.n_fields = th_policy_filter(&policy, &h, kept);
	h.fields = kept;
	if (!is_response)
		slot = slot_of(a, &h);
	m->plain = must(malloc(body.n + SLACK));
	if (r->err != TH_OK ||
	    th_text_write(&h, slot, (const uint8_t *)body.p, body.n, m->plain, body.n + SLACK, &need) != TH_OK) {
		free(m->plain);
		return;
	}
	m->plain_n = need;
	if (is_response) {
		m->request = by_exchange[exchange];
		m->kind = c->messages[m->request].kind;
		m->account = c->messages[m->request].account;
		m->route = c->messages[m->request].route;
		if (c->messages[m->request].asks_account)
			keep_account(a, th_account_given(body, must(malloc(TH_ACCOUNT_VALUE_MAX))));
	} else {
		m->asks_account = th_account_asked(&h);
		th_syntax_request(m->plain, m->plain_n, &m->kind, &m->account);
		m->route = th_route_name(h.target);
		by_exchange[exchange] = c->n;
	}
	if (cut(c, m))
		c->n++;
}

void corpus_load(struct corpus *c, const char *path)
{
	size_t n, records = 0;
	uint8_t *file = read_file(path, &n); /* texts of accounts borrow from it: never freed */
	struct th_rd r = th_rd_init(file, n);
	struct accounts a = { .n = 0 };
	size_t *by_exchange;

	while (th_rd_left(&r) > 0 && r.err == TH_OK) {
		th_rd_uint(&r, 1);
		string(&r);
		records++;
	}
	*c = (struct corpus){ .messages = must(calloc(records + 1, sizeof(struct message))),
			      .sessions = must(calloc(records + 1, sizeof(*c->sessions))) };
	by_exchange = must(calloc(records + 1, sizeof(*by_exchange)));
	r = th_rd_init(file, n);
	while (th_rd_left(&r) > 0 && r.err == TH_OK) {
		char kind = (char)th_rd_uint(&r, 1);
		struct th_str s = string(&r);
		struct th_rd payload = th_rd_init(s.p, s.n);

		if (kind == 'S') {
			size_t len = s.n < sizeof(*c->sessions) - 1 ? s.n : sizeof(*c->sessions) - 1;

			memcpy(c->sessions[c->n_sessions++], s.p, len);
			a.n = 0;
		} else {
			read_message(c, &a, &payload, kind == 'R', by_exchange);
		}
	}
	free(by_exchange);
	if (r.err != TH_OK)
		die("not a file of records", path);
}
