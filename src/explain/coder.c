#include "explain/coder.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/wr.h"
#include "codec/account.h"
#include "codec/check.h"
#include "codec/reference.h"
#include "codec/keep.h"
#include "codec/lineage.h"
#include "codec/mark.h"
#include "codec/tables.h"
#include "codec/text.h"
#include "exchange/date.h"
#include "exchange/policy.h"

enum {
	ACCOUNTS_MAX = 64,
	TEXT_MAX = TH_MODEL_TEXT_MAX,
	CUT_MAX = TEXT_MAX + TH_MARK_MAX,
	IP_UDP = 28,
	RECORD_UP = 10, /* flags, connection ID, tag */
	RECORD_DOWN = 9,
	SHAPE = 1,     /* of the compact form, the coding in it */
	REFERENCE = 1, /* of a response to its request */
	BLOCK = 1024,
	BLOCK_HEAD = 6,
	ZSTD_LEVEL = 19,
};

struct account {
	char value[TH_ACCOUNT_VALUE_MAX];
	size_t n;
};

struct th_coder {
	const struct th_mem *mem; /* borrowed */
	struct th_model *model;	  /* owned, as lineage and the histories are */
	struct th_lineage *lineage;
	struct th_history *near, *far;
	bool history;
	uint64_t next;
	struct account accounts[ACCOUNTS_MAX];
	size_t n_accounts;
	char given[TH_ACCOUNT_VALUE_MAX];
	struct th_view view;
	uint8_t text[TEXT_MAX], cut[CUT_MAX], kept[TH_HISTORY_MAX / TH_HISTORY_TEXT_PARTS + TH_KEEP_EXTRA], code[TEXT_MAX];
	size_t cut_n;
	struct th_str body; /* of the message; borrowed while it is looked at */
	int64_t date;	    /* of it */
	uint32_t cost[CUT_MAX + 1];
};

/* What of the recorded message is not said by the text. */
struct message {
	struct th_head head; /* fields as recorded, but framing */
	struct th_str body;
	bool is_response;
};

struct th_coder *th_coder_new(const struct th_mem *mem, bool history)
{
	struct th_coder *c = th_alloc(mem, sizeof(*c));

	if (!c)
		return NULL;
	c->mem = mem;
	c->history = history;
	c->model = th_model_new(mem, th_tables_builtin,
				(size_t)((uintptr_t)th_tables_builtin_end - (uintptr_t)th_tables_builtin));
	c->near = th_history_new(mem, TH_HISTORY_DEFAULT, true);
	c->far = th_history_new(mem, TH_HISTORY_DEFAULT, false);
	c->lineage = th_lineage_new(mem);
	if (c->model && c->lineage && c->near && c->far)
		return c;
	th_coder_del(c);
	return NULL;
}

void th_coder_del(struct th_coder *c)
{
	const struct th_mem *mem = c->mem;

	th_model_free(c->model);
	th_lineage_del(c->lineage);
	th_history_free(c->near);
	th_history_free(c->far);
	th_wipe(c, sizeof(*c)); /* tokens have been in it */
	th_free(mem, c);
}

void th_explained_free(struct th_explained *e, const struct th_mem *mem)
{
	th_costs_free(&e->costs, mem);
}

/* Bytes and datagrams that the code takes on the link, as docs/protocol.md has it, with IPv4. */
static void set_ip(struct th_explained *e)
{
	size_t each = IP_UDP + (e->is_response ? RECORD_DOWN + SHAPE + REFERENCE : RECORD_UP + SHAPE);

	e->datagrams = e->coded <= BLOCK ? 1 : (e->coded + BLOCK - 1) / BLOCK;
	e->ip = e->coded + e->datagrams * each + (e->datagrams - 1) * BLOCK_HEAD;
}

/* ---- other coders ---- */

/* The message as HTTP/1.1, into `out` when there is room; returns its length. */
static size_t http_text(const struct message *m, uint8_t *out, size_t cap)
{
	struct th_wr w = th_wr_init(out, cap);

	if (m->is_response) {
		const uint16_t s = m->head.status;
		const char status[] = { (char)('0' + s / 100), (char)('0' + s / 10 % 10), (char)('0' + s % 10) };

		th_wr_bytes(&w, "HTTP/1.1 ", strlen("HTTP/1.1 "));
		th_wr_bytes(&w, status, sizeof(status));
	} else {
		th_wr_bytes(&w, m->head.method.p, m->head.method.n);
		th_wr_bytes(&w, " ", 1);
		th_wr_bytes(&w, m->head.target.p, m->head.target.n);
		th_wr_bytes(&w, " HTTP/1.1", strlen(" HTTP/1.1"));
	}
	th_wr_bytes(&w, "\r\n", 2);
	for (size_t i = 0; i < m->head.n_fields; i++) {
		const struct th_field *f = &m->head.fields[i];

		th_wr_bytes(&w, f->name.p, f->name.n);
		th_wr_bytes(&w, ": ", 2);
		th_wr_bytes(&w, f->value.p, f->value.n);
		th_wr_bytes(&w, "\r\n", 2);
	}
	th_wr_bytes(&w, "\r\n", 2);
	th_wr_bytes(&w, m->body.p, m->body.n);
	return w.n;
}

/* What others make of `plain`. */
static enum th_err compress_plain(const struct th_mem *mem, const uint8_t *plain, size_t n, struct th_explained *out)
{
	size_t room = ZSTD_compressBound(n);
	uint8_t *packed;
	uLongf made;

	if (room < compressBound(n))
		room = compressBound(n);
	packed = th_alloc(mem, room);
	if (!packed)
		return TH_ERR_NO_MEMORY;
	made = room;
	out->http = n;
	out->zlib = compress2(packed, &made, plain, n, Z_BEST_COMPRESSION) == Z_OK ? made : n;
	out->zstd = ZSTD_compress(packed, room, plain, n, ZSTD_LEVEL);
	if (ZSTD_isError(out->zstd))
		out->zstd = n;
	th_free(mem, packed);
	return TH_OK;
}

static enum th_err measure(const struct th_mem *mem, const struct message *m, struct th_explained *out)
{
	size_t n = http_text(m, NULL, 0);
	uint8_t *plain = th_alloc(mem, n);
	enum th_err err = TH_ERR_NO_MEMORY;

	if (plain) {
		(void)http_text(m, plain, n);
		err = compress_plain(mem, plain, n, out);
		th_free(mem, plain);
	}
	return err;
}

enum th_err th_explained_measure(const struct th_mem *mem, struct th_explained *e)
{
	set_ip(e);
	return compress_plain(mem, e->costs.text, e->costs.n, e);
}

/* ---- the model ---- */

static void keep_account(struct th_coder *c, struct th_str value)
{
	if (c->n_accounts == ACCOUNTS_MAX || value.n == 0)
		return;
	memcpy(c->accounts[c->n_accounts].value, value.p, value.n);
	c->accounts[c->n_accounts++].n = value.n;
}

/* The slot of the request's Authorization value, once it has been told in full. */
static int slot_of(struct th_coder *c, const struct th_head *h)
{
	struct th_str value = th_account_of(h);

	if (!th_account_fits(value))
		return TH_SLOT_NONE;
	for (size_t i = 0; i < c->n_accounts; i++)
		if (th_str_eq((struct th_str){ c->accounts[i].value, c->accounts[i].n }, value))
			return (int)i;
	keep_account(c, value);
	return TH_SLOT_NONE;
}

static void note_cost(void *ctx, size_t at, uint8_t byte, uint32_t cost)
{
	struct th_coder *c = ctx;

	(void)byte;
	c->cost[at] = cost;
}

/* Puts the message into both histories: it arrives. */
static void remember(struct th_coder *c, const struct th_model_about *about, uint64_t number,
		     struct th_history_base base)
{
	struct th_history *sender = about->is_response ? c->far : c->near;
	struct th_history *receiver = about->is_response ? c->near : c->far;
	struct th_history_ref me = { .sender = TH_HISTORY_OURS, .number = number };
	size_t kept_n =
		th_keep(c->cut, c->cut_n, c->body, th_lineage_notes(c->lineage), th_history_text_max(sender), c->kept);

	(void)th_history_add(sender, me, &base, about, c->kept, kept_n);
	base = th_history_base_mirrored(base);
	(void)th_history_add(receiver, th_history_mirrored(me), &base, about, c->kept, kept_n);
}

/* What to code it against, as the daemon does on a link that loses little; c->view is that. */
static struct th_history_base choose(struct th_coder *c, bool is_response, const struct th_explained_request *asked)
{
	struct th_history_base base = TH_HISTORY_BASELESS;
	struct th_history_ref request = { .none = !is_response || !asked->modelled,
					  .sender = TH_HISTORY_THEIRS,
					  .number = asked->number };

	c->view.n = 0;
	if (c->history)
		th_history_choose(is_response ? c->far : c->near, asked->number, request, is_response, &base, &c->view);
	if (!th_reference_fits(&base, is_response, asked->number)) {
		base = TH_HISTORY_BASELESS;
		c->view.n = 0;
	}
	return base;
}

/* Codes the text of n bytes. */
static enum th_err code(struct th_coder *c, const struct th_model_about *about,
			const struct th_explained_request *asked, size_t n, struct th_explained *out)
{
	struct th_history_base base = choose(c, about->is_response, asked);
	const struct th_lineage_about lineage = { &c->view, about, c->date };
	struct th_range_enc e;
	uint32_t bases = 0;
	enum th_err err;

	if (th_lineage_cut(c->lineage, &lineage, c->text, n, c->cut, sizeof(c->cut), &c->cut_n) != TH_OK) {
		out->not_modelled = "it has what stands for event IDs";
		return TH_OK;
	}
	th_range_enc_init(&e, c->code, sizeof(c->code));
	if (!base.parent.none) {
		th_reference_write(&e, &base, about->is_response, asked->number);
		th_check_write(&e, th_check_of(c->text, n, TH_STR("")));
		bases = th_model_taken(&e);
	}
	th_model_watch(c->model, note_cost, c);
	err = th_model_encode_on(c->model, &c->view, about, c->cut, c->cut_n, &e, &out->coded);
	th_model_watch(c->model, NULL, NULL);
	if (err != TH_OK) {
		out->not_modelled = "the code would be longer than the text";
		return TH_OK;
	}
	if (c->history)
		remember(c, about, asked->number, base);
	err = th_costs_make(&out->costs, c->mem, c->cut, c->cost, c->cut_n);
	out->costs.bases = bases;
	return err;
}

/* Content-Length and its like: the body follows, so they say nothing that is not said anyway. */
static size_t without_framing(const struct th_head *from, bool has_body, struct th_field *out)
{
	size_t n = 0;

	for (size_t i = 0; i < from->n_fields; i++) {
		const struct th_field *f = &from->fields[i];

		if (th_str_ieq(f->name, TH_STR("Content-Length")) && (has_body || th_str_eq(f->value, TH_STR("0"))))
			continue;
		out[n++] = *f;
	}
	return n;
}

/* Writes the text; false when it cannot be one. */
static bool make_text(struct th_coder *c, const struct message *m, size_t *n, struct th_explained *out)
{
	static const struct th_policy policy = { .pass_unknown = true };
	struct th_field kept[TH_HEAD_FIELDS_MAX], crossing[TH_HEAD_FIELDS_MAX];
	struct th_head head = m->head;

	head.n_fields = without_framing(&m->head, m->body.n > 0, kept);
	head.fields = kept;
	head.n_fields = th_policy_filter(&policy, &head, crossing);
	head.fields = crossing;
	head.body_len = (int64_t)m->body.n;
	c->body = m->body;
	c->date = th_date_of(&m->head);
	if (th_text_write(&head, m->is_response ? TH_SLOT_NONE : slot_of(c, &head), (const uint8_t *)m->body.p,
			  m->body.n, c->text, sizeof(c->text), n) != TH_OK)
		out->not_modelled = "its head is no HTTP head that crosses as a text";
	else if (m->body.n > th_text_whole_max(&m->head) || *n > sizeof(c->text))
		out->not_modelled = "it is too long: it streams";
	return !out->not_modelled;
}

static enum th_err explain(struct th_coder *c, const struct message *m, struct th_explained_request *asked,
			   struct th_explained *out)
{
	const struct th_model_about of_request = { .account = -1 };
	enum th_err err;
	size_t n;

	*out = (struct th_explained){ .is_response = m->is_response };
	err = measure(c->mem, m, out);
	if (err != TH_OK)
		return err;
	if (make_text(c, m, &n, out))
		err = code(c, m->is_response ? &asked->about : &of_request, asked, n, out);
	if (!m->is_response && !out->not_modelled) {
		th_model_request_kind(c->text, n, &asked->about);
		asked->modelled = true;
		asked->gives = th_account_asked(&m->head);
	}
	if (m->is_response && !out->not_modelled && asked->modelled && asked->gives)
		keep_account(c, th_account_given(m->body, c->given));
	if (out->not_modelled)
		out->coded = out->zstd;
	set_ip(out);
	return err;
}

enum th_err th_coder_request(struct th_coder *c, const struct th_recorded *r, struct th_explained_request *request,
			     struct th_explained *out)
{
	struct message m = {
		.head = { .method = r->method,
			  .target = r->target,
			  .fields = r->request_fields,
			  .n_fields = r->n_request_fields },
		.body = r->request_body,
	};

	*request = (struct th_explained_request){ .about = { true, 0, -1 }, .number = c->next++ };
	return explain(c, &m, request, out);
}

enum th_err th_coder_response(struct th_coder *c, const struct th_recorded *r,
			      const struct th_explained_request *request, struct th_explained *out)
{
	struct message m = {
		.head = { .status = (uint16_t)r->status,
			  .fields = r->response_fields,
			  .n_fields = r->n_response_fields },
		.body = r->response_body,
		.is_response = true,
	};
	struct th_explained_request asked = *request;

	return explain(c, &m, &asked, out);
}
