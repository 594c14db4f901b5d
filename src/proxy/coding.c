#include "proxy/coding.h"

#include <string.h>
#include <strings.h>

#include "codec/secret.h"
#include "codec/tables.h"
#include "codec/text.h"
#include "coap/naming.h"
#include "proxy/core.h"
#include "proxy/dialogue.h"

enum {
	TEXT_MAX = TH_TEXT_HEAD_MAX + TH_CODING_GATHER_MAX,
	CODE_MAX = TEXT_MAX,
	REFS_MAX = 3, /* coding and parent */
	NEAR_RANGE = 256, FAR_RANGE = 65536,
	NEAR_ROOM = 64, /* numbers that may be left out between coding a message and sending it */
};

struct th_workshop {
	const struct th_mem *mem;
	struct th_model *model; /* owned, as flate is; NULL when it is left out */
	struct th_flate *flate;
	struct th_view view;
	struct th_text text;
	struct th_flate_message message;
	uint8_t plain[TEXT_MAX], code[CODE_MAX + REFS_MAX], masked[TEXT_MAX];
};

struct th_workshop *th_workshop_new(const struct th_mem *mem, bool flate_only)
{
	struct th_workshop *w = th_alloc(mem, sizeof(*w));

	if (!w)
		return NULL;
	w->mem = mem;
	w->flate = th_flate_new(mem);
	if (!flate_only)
		w->model = th_model_new(mem, th_tables_builtin, (size_t)((uintptr_t)th_tables_builtin_end - (uintptr_t)th_tables_builtin));
	if (w->flate && (flate_only || w->model))
		return w;
	th_workshop_del(w);
	return NULL;
}

void th_workshop_del(struct th_workshop *w)
{
	const struct th_mem *mem;

	if (!w)
		return;
	mem = w->mem;
	if (w->model)
		th_model_free(w->model);
	if (w->flate)
		th_flate_del(w->flate);
	th_wipe(w, sizeof(*w)); /* tokens have been in it */
	th_free(mem, w);
}

void th_workshop_hello(const struct th_workshop *w, struct th_hello *hello)
{
	hello->codings =
		1u << TH_CODING_IDENTITY | 1u << TH_CODING_FLATE | 1u << TH_CODING_BULK | 1u << TH_CODING_FLATE_BARE;
	hello->preset = (uint32_t)th_flate_preset_id;
	if (w->model) {
		hello->codings |= 1u << TH_CODING_MODEL;
		hello->model = (uint32_t)th_model_id(w->model);
	}
}

/* ---- numbers of requests ---- */

/* The number of the leg's request; false before it was sent. */
static bool name(struct th_leg *leg)
{
	const uint8_t *token;
	size_t n;

	if (!leg->named && leg->id && th_coap_token(leg->node->coap, leg->id, &token, &n) == TH_OK)
		leg->named = th_naming_number(token, n, &leg->number);
	return leg->named;
}

static struct th_history_ref ours(uint64_t number)
{
	return (struct th_history_ref){ .sender = TH_HISTORY_OURS, .number = number };
}

static struct th_history_ref theirs(uint64_t number)
{
	return (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = number };
}

static struct th_str authorization(const struct th_head *head)
{
	const struct th_field *f = th_head_find(head, TH_STR("Authorization"));

	return f ? f->value : TH_STR("");
}

/* The value of the plain request that tells it in full. */
static void tell_account(struct th_leg *leg)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head head;
	size_t len = 0;

	if (th_envelope_length(th_buf_data(&leg->plain), leg->plain.n, &len) == TH_OK && len > 0 &&
	    th_envelope_read_request(&head, fields, th_buf_data(&leg->plain), len) == TH_OK)
		th_accounts_told(&leg->dialogue->accounts, leg->number, authorization(&head));
}

static void remember_request(struct th_leg *leg)
{
	struct th_history *h = th_dialogue_history(leg->dialogue);

	tell_account(leg);
	if (h && leg->masked.n > 0) {
		const struct th_model_about about = { .account = -1 };

		(void)th_history_add(h, ours(leg->number), leg->parent, TH_HISTORY_NONE, &about,
				     th_buf_data(&leg->masked), leg->masked.n);
	}
	th_buf_free(&leg->masked);
}

void th_coding_sent(struct th_leg *leg)
{
	if (!th_list_linked(&leg->unnamed) || !name(leg))
		return;
	th_list_remove(&leg->unnamed);
	remember_request(leg);
}

/* What has been sent meanwhile may be referred to by what comes. */
static void catch_up(struct th_dialogue *d)
{
	struct th_list *i = d->unnamed.next;

	while (i != &d->unnamed) {
		struct th_leg *leg = TH_OWNER(i, struct th_leg, unnamed);

		i = i->next;
		th_coding_sent(leg);
	}
}

void th_coding_done(struct th_leg *leg)
{
	th_list_remove(&leg->unnamed);
	if (leg->plain.n > 0)
		th_wipe((uint8_t *)(uintptr_t)th_buf_data(&leg->plain), leg->plain.n);
	th_buf_free(&leg->plain);
	th_buf_free(&leg->masked);
}

/* ---- references ---- */

/* Puts coding and parent before the code. A request names its parent, a response of the other side, by low bits; a
 * response by the distance from its request, of which the parent, another request, is the newer one as a rule. Returns
 * how many bytes that took; 0: it cannot be named. */
static size_t write_refs(struct th_leg *leg, bool asks, struct th_history_ref parent, struct th_history_ref request,
			 uint8_t out[REFS_MAX])
{
	uint64_t next = leg->named ? leg->number : th_secure_next(leg->node->secure, &leg->peer);
	uint64_t value = asks ? parent.number : parent.number - request.number;
	uint64_t near = asks ? next - parent.number + NEAR_ROOM : value, far = asks ? next - parent.number : value;

	leg->near = false;
	if (parent.none) {
		out[0] = asks ? TH_CODING_MODEL : TH_CODING_MODEL_ALONE;
		return 1;
	}
	if (!asks && request.none)
		return 0;
	if (!asks && value == 0) {
		out[0] = TH_CODING_MODEL;
		return 1;
	}
	out[1] = (uint8_t)value;
	if (near < NEAR_RANGE && !(asks && leg->far)) {
		leg->near = true;
		out[0] = TH_CODING_MODEL_NEAR;
		return 2;
	}
	out[2] = (uint8_t)(value >> 8);
	out[0] = TH_CODING_MODEL_FAR;
	return far < FAR_RANGE / 2 ? 3 : 0;
}

/* The other way. `number` is the request's. Returns how many bytes it took; 0: malformed. */
static size_t read_refs(bool asks, uint64_t number, const uint8_t *p, size_t n, struct th_history_ref *parent,
			struct th_history_ref *request)
{
	size_t bytes = p[0] == TH_CODING_MODEL_NEAR ? 1 : p[0] == TH_CODING_MODEL_FAR ? 2 : 0;
	uint64_t range = bytes == 1 ? NEAR_RANGE : FAR_RANGE, value;

	*parent = *request = TH_HISTORY_NONE;
	if (n < 1 + bytes)
		return 0;
	value = bytes ? p[1] : 0;
	if (bytes == 2)
		value |= (uint64_t)p[2] << 8;
	if (asks && p[0] != TH_CODING_MODEL_ALONE) { /* a response that comes to us */
		*request = ours(number);
		*parent = ours(number + value);
	} else if (!asks && p[0] == TH_CODING_MODEL_ALONE) {
		return 0;
	} else if (!asks && bytes) { /* the newest of our responses below the request with these low bits */
		uint64_t back = (number - 1 - value) & (range - 1);

		if (back >= number)
			return 0;
		*parent = ours(number - 1 - back);
	}
	return 1 + bytes;
}

/* Of a response: both ends have to agree on more than the message. */
static bool is_by_model(uint8_t coding)
{
	return coding == TH_CODING_MODEL || coding == TH_CODING_MODEL_NEAR || coding == TH_CODING_MODEL_FAR ||
	       coding == TH_CODING_MODEL_ALONE;
}

/* ---- out ---- */

/* Whether the request was sent so much later than it was coded that one byte names its parent no more. */
bool th_coding_is_late(struct th_leg *leg)
{
	if (!leg->near || !leg->id)
		return false;
	return !name(leg) || leg->number - leg->parent.number >= NEAR_RANGE;
}

/* The end that asks decides; the other one does as it does. */
static bool affordable(struct th_leg *leg, size_t n)
{
	struct th_budget *b = &leg->dialogue->budget;
	th_time shortest;

	if (!th_leg_is_ingress(leg))
		return leg->decoded || leg->report.http_bytes_up > TH_CODING_GATHER_MAX;
	shortest = th_coap_shortest_trip(leg->node->coap, &leg->peer);
	if (shortest > 0 && shortest <= TH_BUDGET_ROUND_TRIP && !th_budget_left(b, th_node_now(leg->node)))
		return false;
	th_budget_spend(b, TH_BUDGET_EXCHANGE + n);
	return true;
}

/* A whole message in the identity coding, read. */
static enum th_err read_plain(struct th_workshop *w, bool request, const uint8_t *p, size_t n, struct th_str *body)
{
	size_t len = 0;
	enum th_err err = th_envelope_length(p, n, &len);

	if (err == TH_OK && (len == 0 || len > n))
		err = TH_ERR_MALFORMED;
	if (err == TH_OK)
		err = request ? th_envelope_read_request(&w->text.head, w->text.fields, p, len)
			      : th_envelope_read_response(&w->text.head, w->text.fields, p, len);
	if (err == TH_OK)
		*body = (struct th_str){ (const char *)p + len, n - len };
	return err;
}

/* Length of what stands in w->code then; 0: not by the model. */
static size_t by_model(struct th_leg *leg, struct th_str body)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_dialogue *d = leg->dialogue;
	bool asks = th_leg_is_ingress(leg);
	struct th_history *h = th_dialogue_history(d);
	struct th_history_ref parent = TH_HISTORY_NONE, request = TH_HISTORY_NONE;
	struct th_model_about about = { .account = -1 };
	size_t n = 0, need = 0, refs, masked;
	int slot = TH_SLOT_NONE;

	if (!h)
		return 0;
	if (!asks && leg->named)
		request = theirs(leg->number);
	w->view.n = 0;
	if (leg->alone)
		request = TH_HISTORY_NONE;
	else
		th_history_choose(h, &parent, &request, &w->view);
	refs = write_refs(leg, asks, parent, request, w->code);
	if (refs == 0) {
		parent = request = TH_HISTORY_NONE;
		w->view.n = 0;
		refs = write_refs(leg, asks, parent, request, w->code);
	}
	/* With the parent a peer that has forgotten everything refuses the slot, too. */
	if (asks && !parent.none)
		slot = th_accounts_slot(&d->accounts, authorization(&w->text.head));
	if (th_text_write(&w->text.head, slot, (const uint8_t *)body.p, body.n, w->plain, sizeof(w->plain), &n) !=
			  TH_OK ||
	    n > sizeof(w->plain))
		return 0;
	if (asks) {
		th_model_request_kind(w->plain, n, &leg->about);
		leg->about.is_response = true;
	} else {
		about = leg->about;
	}
	if (th_model_encode(w->model, &w->view, &about, w->plain, n, w->code + refs, CODE_MAX, &need) != TH_OK)
		return 0;
	masked = th_secret_mask(w->plain, n, w->masked);
	leg->parent = parent;
	if (asks) {
		th_buf_free(&leg->masked);
		if (th_buf_append(&leg->masked, w->masked, masked) != TH_OK)
			return 0;
		if (!th_list_linked(&leg->unnamed))
			th_list_push(&d->unnamed, &leg->unnamed);
	} else if (leg->named) {
		(void)th_history_add(h, ours(leg->number), parent, request, &about, w->masked, masked);
	}
	return refs + need;
}

static const struct th_model_about about_nothing = { .is_response = true, .account = -1 };

static size_t by_flate(struct th_leg *leg, struct th_str body)
{
	struct th_workshop *w = leg->node->workshop;

	if (th_leg_is_ingress(leg))
		leg->about = about_nothing; /* as the other end, which does not see a text */
	return th_flate_encode(w->flate, leg->dialogue->other_preset ? TH_CODING_FLATE_BARE : TH_CODING_FLATE,
			       &w->text.head, body, (struct th_flate_history){ 0 }, w->code, sizeof(w->code));
}

bool th_coding_wanted(const struct th_leg *leg)
{
	return leg->dialogue && leg->node->workshop;
}

void th_coding_encode(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_str body;
	size_t n = 0;

	if (!leg->dialogue)
		return;
	if (th_leg_is_ingress(leg) && leg->plain.n == 0 &&
	    th_buf_append(&leg->plain, th_buf_data(msg), msg->n) != TH_OK)
		return;
	if (!th_leg_is_ingress(leg))
		(void)name(leg);
	leg->near = false;
	if (th_leg_is_ingress(leg))
		leg->about = about_nothing;
	if (!affordable(leg, msg->n) ||
	    read_plain(w, th_leg_is_ingress(leg), th_buf_data(msg), msg->n, &body) != TH_OK)
		return;
	if (w->model && !leg->dialogue->no_model)
		n = by_model(leg, body);
	if (n == 0)
		n = by_flate(leg, body);
	if (n == 0 || n >= msg->n) { /* it goes as it is: nobody will have read it by the model */
		th_list_remove(&leg->unnamed);
		th_buf_free(&leg->masked);
		leg->near = false;
		if (th_leg_is_ingress(leg))
			leg->about = about_nothing;
		return;
	}
	if (!th_leg_is_ingress(leg) && leg->named && is_by_model(w->code[0]))
		th_answers_keep(&leg->dialogue->answers, leg->number, th_buf_data(msg), msg->n);
	th_buf_free(msg);
	(void)th_buf_append(msg, w->code, n); /* shorter than what was there a moment ago */
}

/* ---- in ---- */

bool th_coding_knows(const struct th_leg *leg, uint8_t first)
{
	static const bool whole[] = {
		[TH_CODING_MODEL] = true,      [TH_CODING_FLATE] = true,     [TH_CODING_FLATE_BARE] = true,
		[TH_CODING_MODEL_NEAR] = true, [TH_CODING_MODEL_FAR] = true, [TH_CODING_MODEL_ALONE] = true,
	};

	return th_coding_wanted(leg) && first < sizeof(whole) && whole[first];
}

/* Head and body as a message in the identity coding. */
static enum th_err put_plain(struct th_buf *msg, const struct th_head *head, const uint8_t *body, size_t n)
{
	size_t need = th_envelope_write(head, NULL, 0);
	uint8_t *p;

	th_buf_free(msg);
	p = th_buf_reserve(msg, need);
	if (!p)
		return TH_ERR_NO_MEMORY;
	th_envelope_write(head, p, need);
	th_buf_commit(msg, need);
	return th_buf_append(msg, body, n);
}

/* ---- large bodies ---- */

_Static_assert((int)TH_BULK_HEAD_MAX <= (int)TEXT_MAX && TH_BULK_HEAD_MAX + TH_BULK_PREFIX_MAX <= CODE_MAX,
	       "a head fits the scratch");

enum th_err th_coding_write_bulk_head(struct th_leg *leg, const struct th_head *head, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	unsigned coding = leg->dialogue->other_preset ? TH_CODING_FLATE_BARE : TH_CODING_FLATE;
	size_t n = th_bulk_head_write(w->flate, coding, head, (struct th_flate_history){ 0 }, w->plain, w->code,
				      sizeof(w->code));

	return n <= sizeof(w->code) ? th_buf_append(msg, w->code, n) : TH_ERR_TOO_LARGE;
}

enum th_err th_coding_read_bulk_head(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	enum th_err err = th_bulk_head_read(w->flate, th_buf_data(msg), msg->n, th_leg_is_ingress(leg),
					    (struct th_flate_history){ 0 }, &w->message);
	struct th_buf head;

	if (err != TH_OK)
		return err;
	th_buf_init(&head, w->mem, TH_LEG_BUF_MAX); /* the message may borrow from msg */
	err = put_plain(&head, &w->message.head, (const uint8_t *)"", 0);
	th_buf_free(msg);
	*msg = head;
	return err;
}

static bool is_authorization(struct th_str name)
{
	const struct th_str want = TH_STR("Authorization");

	return name.n == want.n && strncasecmp(name.p, want.p, want.n) == 0;
}

/* Puts the value in the place that its slot has kept. */
static enum th_err resolve_account(struct th_leg *leg, struct th_text *t)
{
	struct th_accounts *a = &leg->dialogue->accounts;
	struct th_str value;

	if (t->slot == TH_SLOT_NONE) {
		th_accounts_heard(a, leg->number, authorization(&t->head));
		return TH_OK;
	}
	if (th_accounts_value(a, t->slot, &value) != TH_OK)
		return TH_ERR_NOT_FOUND;
	for (size_t i = 0; i < t->head.n_fields; i++)
		if (is_authorization(t->fields[i].name)) {
			t->fields[i].value = value;
			return TH_OK;
		}
	return TH_ERR_MALFORMED;
}

static enum th_err from_model(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_dialogue *d = leg->dialogue;
	bool asks = th_leg_is_ingress(leg);
	struct th_history *h = th_dialogue_history(d);
	struct th_model_about about = { .account = -1 };
	struct th_history_ref parent, request;
	size_t n = 0, refs;
	enum th_err err;

	if (!w->model || d->no_model)
		return TH_ERR_UNSUPPORTED;
	if (!h || !name(leg))
		return TH_ERR_NO_MEMORY;
	refs = read_refs(asks, leg->number, th_buf_data(msg), msg->n, &parent, &request);
	if (refs == 0)
		return TH_ERR_MALFORMED;
	if (asks)
		about = leg->about;
	err = th_history_view(h, parent, request, &w->view);
	if (err == TH_OK)
		err = th_model_decode(w->model, &w->view, &about, th_buf_data(msg) + refs, msg->n - refs, w->plain,
				      sizeof(w->plain), &n);
	if (err == TH_OK)
		err = asks ? th_text_read_response(&w->text, w->plain, n) : th_text_read_request(&w->text, w->plain, n);
	if (err != TH_OK) /* whatever it was: as it is it can be read */
		return TH_ERR_NOT_FOUND;
	if (!asks) {
		th_model_request_kind(w->plain, n, &leg->about);
		leg->about.is_response = true;
		err = resolve_account(leg, &w->text);
	}
	if (err != TH_OK)
		return err;
	(void)th_history_add(h, theirs(leg->number), parent, request, &about, w->masked,
			     th_secret_mask(w->plain, n, w->masked));
	return put_plain(msg, &w->text.head, w->text.body, w->text.body_n);
}

static enum th_err from_flate(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	enum th_err err = th_flate_decode(w->flate, th_buf_data(msg), msg->n, th_leg_is_ingress(leg),
					  (struct th_flate_history){ 0 }, &w->message, w->plain, sizeof(w->plain));

	if (err != TH_OK)
		return err;
	return put_plain(msg, &w->message.head, (const uint8_t *)w->message.body.p, w->message.body.n);
}

enum th_err th_coding_decode(struct th_leg *leg, struct th_buf *msg)
{
	uint8_t coding = th_buf_data(msg)[0];
	enum th_err err;

	if (!leg->dialogue)
		return TH_ERR_CLOSED;
	(void)name(leg);
	if (th_leg_is_ingress(leg))
		catch_up(leg->dialogue);
	else
		leg->about = about_nothing;
	err = coding == TH_CODING_FLATE || coding == TH_CODING_FLATE_BARE ? from_flate(leg, msg) : from_model(leg, msg);
	if (err == TH_OK && th_leg_is_ingress(leg)) {
		th_budget_spend(&leg->dialogue->budget, msg->n);
		th_accounts_answered(&leg->dialogue->accounts, leg->number);
	}
	return err;
}
