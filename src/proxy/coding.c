#include "proxy/coding.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "codec/check.h"
#include "codec/keep.h"
#include "codec/lineage.h"
#include "codec/mark.h"
#include "codec/reference.h"
#include "codec/tables.h"
#include "codec/text.h"
#include "coap/naming.h"
#include "proxy/coded.h"
#include "proxy/coding_account.h"
#include "proxy/core.h"
#include "proxy/dialogue.h"

enum {
	TEXT_MAX = TH_MODEL_TEXT_MAX,
	CODE_MAX = TEXT_MAX,
	REFS_MAX = 3, /* coding and number */
	LATE_RANGE = 65536,
};

/* Counting on answers that are still on their way pays where few are lost: a lost one costs a round trip and an answer
 * without history. */
enum { HOPEFUL_LOSS_PERCENT = 2 };

/* A byte of a longer answer takes about a µs at each end: on faster links the bytes that this saves are sooner sent. */
enum { WORTH_IT_BPS = 2 * 1000 * 1000 };

enum { WAITS_DEPTH = 16 }; /* answers that wait for each other in a row */

#define WRONG_EVERY (60 * TH_SEC) /* between two lines of the log */

struct th_workshop {
	const struct th_mem *mem;
	struct th_model *model; /* owned, as flate is; NULL when it is left out */
	struct th_flate *flate;
	struct th_view view;
	struct th_text text;
	struct th_flate_message message;
	struct th_lineage *lineage;   /* owned, as the model is */
	struct th_piece_tools pieces; /* of these */
	uint8_t plain[TEXT_MAX], code[CODE_MAX + REFS_MAX];
	uint8_t cut[TEXT_MAX + TH_MARK_MAX]; /* what is coded of `plain` */
	uint8_t kept[TH_HISTORY_MAX / TH_HISTORY_TEXT_PARTS + TH_KEEP_EXTRA];
	size_t cut_n, kept_n; /* `kept` is what history keeps */
	struct th_coded_watch watch;
	th_time silent_until; /* no further line of the log on a wrong text before */
};

struct th_workshop *th_workshop_new(const struct th_mem *mem, bool flate_only)
{
	struct th_workshop *w = th_alloc(mem, sizeof(*w));

	if (!w)
		return NULL;
	w->mem = mem;
	w->flate = th_flate_new(mem);
	if (!flate_only) {
		w->model = th_model_new(mem, th_tables_builtin,
					(size_t)((uintptr_t)th_tables_builtin_end - (uintptr_t)th_tables_builtin));
		w->lineage = th_lineage_new(mem);
		w->pieces = (struct th_piece_tools){ w->model, w->lineage, &w->text };
	}
	if (w->flate && (flate_only || (w->model && w->lineage)))
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
	th_lineage_del(w->lineage);
	if (w->flate)
		th_flate_del(w->flate);
	(void)th_coded_watch(&w->watch, mem, 0, NULL, NULL);
	th_wipe(w, sizeof(*w)); /* tokens have been in it */
	th_free(mem, w);
}

void th_workshop_hello(const struct th_workshop *w, struct th_hello *hello)
{
	hello->no_model = !w->model;
	hello->tables = th_hello_tables(th_tables_id(th_tables_builtin), th_flate_preset_id);
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

/* Of a message that got a later number than it was coded for: what was counted down from the one, from the other. */
static struct th_history_base moved(struct th_history_base base, uint64_t by)
{
	base.also = (uint16_t)(by < TH_HISTORY_NEAR ? base.also << by : 0);
	base.own = (uint16_t)(by < TH_HISTORY_NEAR ? base.own << by : 0);
	return base;
}

static void remember_request(struct th_leg *leg)
{
	struct th_history *h = th_dialogue_history(leg->dialogue);

	th_coding_tell_account(leg);
	if (h && leg->kept.n > 0) {
		const struct th_model_about about = { .account = -1 };
		const struct th_history_base base = moved(leg->base, leg->number - leg->coded_for);

		(void)th_history_add(h, ours(leg->number), &base, &about, th_buf_data(&leg->kept), leg->kept.n);
	}
	th_buf_free(&leg->kept);
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
	th_buf_free(&leg->kept);
}

/* ---- references ---- */

/* Puts the coding before the code, and the number it is coded for unless that is the message's own. Returns how many
 * bytes that took. */
static size_t write_coding(struct th_leg *leg, uint8_t out[REFS_MAX])
{
	out[0] = leg->base.parent.none ? TH_CODING_MODEL_ALONE : leg->far ? TH_CODING_MODEL_LATE : TH_CODING_MODEL;
	out[1] = (uint8_t)leg->coded_for;
	out[2] = (uint8_t)(leg->coded_for >> 8);
	return out[0] == TH_CODING_MODEL_LATE ? 3 : 1;
}

/* The other way: sets what it is coded for. A request's number is at most its own; a notification's is that of a
 * message of ours behind the request, which has left. 0: malformed. */
static size_t read_coding(struct th_leg *leg, const uint8_t *p, size_t n)
{
	uint64_t back, newest = leg->number;

	leg->coded_for = leg->number;
	if (p[0] != TH_CODING_MODEL_LATE)
		return 1;
	if (n < REFS_MAX)
		return 0;
	if (th_leg_is_ingress(leg))
		newest = th_secure_next(leg->node->secure, &leg->peer) - 1;
	back = (newest - p[1] - ((uint64_t)p[2] << 8)) & (LATE_RANGE - 1);
	if (back > newest || (th_leg_is_ingress(leg) && newest - back <= leg->number))
		return 0;
	leg->coded_for = newest - back;
	return REFS_MAX;
}

/* Of a response: both ends have to agree on more than the message. */
static bool is_by_model(uint8_t coding)
{
	return coding == TH_CODING_MODEL || coding == TH_CODING_MODEL_LATE || coding == TH_CODING_MODEL_ALONE;
}

/* ---- out ---- */

bool th_coding_is_late(struct th_leg *leg)
{
	return leg->exact && leg->id && (!name(leg) || leg->number != leg->coded_for);
}

/* Egress: whether the request was. */
static bool is_coded(const struct th_leg *leg)
{
	return leg->decoded || leg->alone;
}

/* The end that asks decides; the other one does as it does. */
static bool affordable(struct th_leg *leg, size_t n)
{
	struct th_budget *b = &leg->dialogue->budget;
	th_time shortest;

	if (!th_leg_is_ingress(leg))
		return is_coded(leg) || leg->report.http_bytes_up > TH_TEXT_WHOLE_MAX;
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

static bool hopeful(struct th_leg *leg)
{
	struct th_dialogue *d = leg->dialogue;

	if (th_leg_is_ingress(leg) || d->loss_percent > HOPEFUL_LOSS_PERCENT)
		return false;
	if (d->careful == 0)
		return true;
	d->careful--;
	return false;
}

/* A notification behind an answer of the request's number gets one of its own, that of the acknowledgement before it,
 * so that both ends can keep it apart. False: there is none that was not used. */
static bool numbered_as_push(struct th_leg *leg)
{
	uint64_t number;

	if (th_leg_is_ingress(leg) || !leg->push || !leg->pushed || leg->alone ||
	    !th_secure_empty(leg->node->secure, &leg->peer, &number) || number <= leg->number ||
	    number <= leg->dialogue->pushed)
		return false;
	leg->coded_for = number;
	return true;
}

/* Chooses what the message is coded against; the view is in the workshop then. */
static void choose(struct th_leg *leg, struct th_history *h)
{
	struct th_workshop *w = leg->node->workshop;
	bool asks = th_leg_is_ingress(leg);

	w->view.n = 0;
	leg->base = TH_HISTORY_BASELESS;
	leg->coded_for = leg->named ? leg->number : th_secure_next(leg->node->secure, &leg->peer);
	if (!asks)
		leg->far = numbered_as_push(leg);
	if (!leg->alone)
		th_history_choose(h, leg->coded_for, asks || leg->far ? TH_HISTORY_NONE : theirs(leg->coded_for),
				  hopeful(leg), &leg->base, &w->view);
	if (th_reference_fits(&leg->base, !asks, leg->coded_for))
		return;
	leg->base = TH_HISTORY_BASELESS;
	w->view.n = 0;
}

/* Makes of w->cut what the history keeps. */
static void keep(struct th_workshop *w, const struct th_history *h, struct th_str body)
{
	w->kept_n = th_keep(w->cut, w->cut_n, body, th_lineage_notes(w->lineage), th_history_text_max(h), w->kept);
}

/* Length of what stands in w->code then; 0: not by the model. */
static size_t by_model(struct th_leg *leg, struct th_str body)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_dialogue *d = leg->dialogue;
	bool asks = th_leg_is_ingress(leg);
	struct th_history *h = th_dialogue_history(d);
	struct th_model_about about = { .account = -1 };
	const struct th_lineage_about lineage = { &w->view, &about, leg->date };
	struct th_str account = TH_STR("");
	struct th_range_enc e;
	size_t n = 0, need = 0, refs;
	int slot = TH_SLOT_NONE;
	enum th_err err;

	if (!h || (!asks && !leg->named))
		return 0;
	choose(leg, h);
	/* With the parent a peer that has forgotten everything refuses the slot, too. */
	if (asks && !leg->base.parent.none)
		slot = th_accounts_slot(&d->accounts, th_account_of(&w->text.head));
	if (slot != TH_SLOT_NONE)
		account = th_account_of(&w->text.head);
	if (th_text_write(&w->text.head, slot, (const uint8_t *)body.p, body.n, w->plain, sizeof(w->plain), &n) !=
		    TH_OK ||
	    n > sizeof(w->plain))
		return 0;
	if (asks) {
		th_model_request_kind(w->plain, n, &leg->about);
		leg->about.is_response = true;
		leg->tells = slot == TH_SLOT_NONE;
	} else {
		about = leg->about;
	}
	if (th_lineage_cut(w->lineage, &lineage, w->plain, n, w->cut, sizeof(w->cut), &w->cut_n) != TH_OK)
		return 0;
	refs = write_coding(leg, w->code);
	th_range_enc_init(&e, w->code + refs, CODE_MAX);
	if (!leg->base.parent.none) {
		th_reference_write(&e, &leg->base, !asks, leg->coded_for);
		th_check_write(&e, th_check_of(w->plain, n, account));
	}
	th_coded_begin(&w->watch, w->model, &e);
	err = th_model_encode_on(w->model, &w->view, &about, w->cut, w->cut_n, &e, &need);
	th_coded_end(&w->watch, w->model);
	if (err != TH_OK)
		return 0;
	keep(w, h, body);
	return refs + need;
}

/* The code goes out: what the peer will have read, history has, too. False without memory. */
static bool remember_sent(struct th_leg *leg)
{
	struct th_workshop *w = leg->node->workshop;

	if (!th_leg_is_ingress(leg)) {
		/* Of coding 7 it has no number of its own. */
		bool own = w->code[0] == TH_CODING_MODEL_LATE;

		(void)th_history_add(leg->dialogue->history, ours(own ? leg->coded_for : leg->number), &leg->base,
				     &leg->about, w->kept, w->kept_n);
		if (own) {
			/* It may be coded anew, with another number. */
			th_history_trust(leg->dialogue->history, ours(leg->coded_for), TH_HISTORY_UNSURE);
			leg->dialogue->pushed = leg->coded_for;
		}
		leg->pushed = true;
		return true;
	}
	leg->exact = w->code[0] == TH_CODING_MODEL;
	leg->generation = leg->dialogue->generation;
	th_buf_free(&leg->kept);
	if (th_buf_append(&leg->kept, w->kept, w->kept_n) != TH_OK)
		return false;
	if (!th_list_linked(&leg->unnamed))
		th_list_push(&leg->dialogue->unnamed, &leg->unnamed);
	return true;
}

void th_coding_accepted(struct th_leg *leg)
{
	if (leg->dialogue && leg->dialogue->history && leg->pushed)
		th_history_trust(leg->dialogue->history, ours(leg->far ? leg->coded_for : leg->number),
				 TH_HISTORY_READ);
}

static const struct th_model_about about_nothing = { .is_response = true, .account = -1 };

void th_coding_alone(struct th_leg *leg)
{
	leg->alone = true;
	leg->about = about_nothing;
}

static size_t by_flate(struct th_leg *leg, struct th_str body)
{
	struct th_workshop *w = leg->node->workshop;

	if (th_leg_is_ingress(leg))
		leg->about = about_nothing; /* as the other end, which does not see a text */
	return th_flate_encode(w->flate, leg->dialogue->other_tables ? TH_CODING_FLATE_BARE : TH_CODING_FLATE,
			       &w->text.head, body, (struct th_flate_history){ 0 }, w->code, sizeof(w->code));
}

bool th_workshop_is_watched(const struct th_workshop *w)
{
	return w->watch.tell != NULL;
}

enum th_err th_workshop_watch(struct th_workshop *w, th_node_coded *tell, void *user)
{
	if (!w->model)
		return TH_ERR_UNSUPPORTED;
	return th_coded_watch(&w->watch, w->mem, sizeof(w->cut), tell, user);
}

bool th_coding_wanted(const struct th_leg *leg)
{
	return leg->dialogue && leg->node->workshop;
}

const struct th_piece_tools *th_coding_piece_tools(const struct th_leg *leg)
{
	const struct th_workshop *w = leg->node->workshop;

	return w->model && leg->dialogue && !leg->dialogue->no_model ? &w->pieces : NULL; /* the session may be gone */
}

bool th_coding_is_long_worth_it(const struct th_leg *leg)
{
	struct th_coap_link link;

	return !th_leg_is_ingress(leg) && is_coded(leg) && th_coap_link(leg->node->coap, &leg->peer, &link) == TH_OK &&
	       link.up_bps > 0 && link.up_bps <= WORTH_IT_BPS;
}

size_t th_coding_gather_max(const struct th_leg *leg, const struct th_head *head)
{
	bool whole = !th_leg_is_ingress(leg) && is_coded(leg) && th_coding_piece_tools(leg);

	return whole ? th_text_whole_max(head) : TH_TEXT_WHOLE_MAX;
}

/* Zeros after the code, which its reader passes over, so that its length tells less. */
static size_t padded(const struct th_leg *leg, size_t n)
{
	struct th_workshop *w = leg->node->workshop;
	size_t to = leg->node->config.padding, more = to ? (to - n % to) % to : 0;

	if (more > sizeof(w->code) - n)
		more = sizeof(w->code) - n;
	memset(w->code + n, 0, more);
	return n + more;
}

bool th_coding_encode(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_str body;
	bool is_long = msg->n > TH_TEXT_WHOLE_MAX;
	size_t n = 0;

	if (!leg->dialogue)
		return true;
	if (th_leg_is_ingress(leg) && leg->plain.n == 0 &&
	    th_buf_append(&leg->plain, th_buf_data(msg), msg->n) != TH_OK)
		return true;
	if (!th_leg_is_ingress(leg))
		(void)name(leg);
	leg->exact = false;
	if (th_leg_is_ingress(leg))
		leg->about = about_nothing;
	if (!affordable(leg, msg->n) || read_plain(w, th_leg_is_ingress(leg), th_buf_data(msg), msg->n, &body) != TH_OK)
		return !is_long;
	if (w->model && !leg->dialogue->no_model)
		n = by_model(leg, body);
	if (n == 0)
		n = by_flate(leg, body);
	if (n >= msg->n || (n > 0 && is_by_model(w->code[0]) && !remember_sent(leg)))
		n = 0;
	if (n == 0) { /* it goes as it is: nobody will have read it by the model */
		th_list_remove(&leg->unnamed);
		th_buf_free(&leg->kept);
		leg->exact = false;
		if (th_leg_is_ingress(leg))
			leg->about = about_nothing;
		return !is_long;
	}
	if (!th_leg_is_ingress(leg) && is_by_model(w->code[0])) {
		th_coding_give_account(leg, body);
		th_answers_keep(&leg->dialogue->answers, leg->number, th_buf_data(msg), msg->n);
	}
	n = padded(leg, n);
	if (is_by_model(w->code[0]))
		th_coded_tell(&w->watch, !th_leg_is_ingress(leg), w->cut, w->cut_n, n - 1);
	th_buf_free(msg);
	(void)th_buf_append(msg, w->code, n); /* hardly longer than what was there a moment ago */
	return true;
}

/* ---- in ---- */

bool th_coding_knows(const struct th_leg *leg, uint8_t first)
{
	static const bool whole[] = {
		[TH_CODING_MODEL] = true,      [TH_CODING_FLATE] = true,       [TH_CODING_FLATE_BARE] = true,
		[TH_CODING_MODEL_LATE] = true, [TH_CODING_MODEL_ALONE] = true,
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
	unsigned coding = leg->dialogue->other_tables ? TH_CODING_FLATE_BARE : TH_CODING_FLATE;
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

static enum th_coding_wait wait_of(struct th_leg *leg, unsigned depth);

/* Whether the answer to the request of that number, which `waiting` counts on, may still come. */
static bool is_to_come(const struct th_leg *waiting, uint64_t number, unsigned depth)
{
	const struct th_list *open = &waiting->node->open;

	for (const struct th_list *i = open->next; i != open; i = i->next) {
		struct th_leg *leg = TH_OWNER(i, struct th_leg, link);

		if (leg->dialogue != waiting->dialogue || leg == waiting || !th_leg_is_ingress(leg) || !name(leg) ||
		    leg->number != number)
			continue;
		return leg->parked ? depth > 0 && wait_of(leg, depth - 1) != TH_CODING_LOST : leg->id && !leg->decoded;
	}
	return false;
}

static enum th_coding_wait wait_of(struct th_leg *leg, unsigned depth)
{
	const struct th_history *h = leg->dialogue->history;
	uint64_t place = th_history_place(false, leg->coded_for, &leg->base);
	enum th_coding_wait wait = TH_CODING_READY;

	for (unsigned i = 0; i < TH_HISTORY_NEAR && leg->base.own >> i; i++) {
		uint64_t number = place - 1 - i;

		if (!(leg->base.own >> i & 1) || th_history_has(h, theirs(number)))
			continue;
		if (!is_to_come(leg, number, depth))
			return TH_CODING_LOST;
		wait = TH_CODING_WAITS;
	}
	return wait;
}

enum th_coding_wait th_coding_wait(struct th_leg *leg)
{
	return leg->dialogue && leg->dialogue->history ? wait_of(leg, WAITS_DEPTH) : TH_CODING_LOST;
}

/* What the code says and the view it is coded against, the text, and the check that came before it, if it has bases.
 * TH_ERR_NOT_FOUND: the view is not here. */
static enum th_err decode_text(struct th_leg *leg, struct th_history *h, const struct th_buf *msg, size_t *n,
			       uint8_t *check)
{
	struct th_workshop *w = leg->node->workshop;
	bool asks = th_leg_is_ingress(leg);
	const struct th_model_about request = { .account = -1 };
	const struct th_lineage_about lineage = { &w->view, asks ? &leg->about : &request, 0 };
	const uint8_t *p = th_buf_data(msg);
	size_t refs = read_coding(leg, p, msg->n);
	size_t cap = asks ? sizeof(w->cut) : TH_TEXT_HEAD_MAX + TH_TEXT_WHOLE_MAX + TH_MARK_MAX;
	struct th_range_dec d;
	enum th_err err = TH_OK;

	if (refs == 0)
		return TH_ERR_MALFORMED;
	leg->base = TH_HISTORY_BASELESS;
	th_range_dec_init(&d, p + refs, msg->n - refs);
	if (p[0] != TH_CODING_MODEL_ALONE)
		err = th_reference_read(&d, asks, leg->coded_for, &leg->base);
	if (err == TH_OK)
		err = th_history_view(h, theirs(leg->coded_for), &leg->base, &w->view);
	if (err != TH_OK)
		return err;
	if (!leg->base.parent.none)
		*check = th_check_read(&d);
	err = th_model_decode_on(w->model, &w->view, asks ? &leg->about : &request, &d, w->cut, cap, &w->cut_n);
	return err == TH_OK ? th_lineage_restore(w->lineage, &lineage, w->cut, w->cut_n, w->plain, sizeof(w->plain), n)
			    : err;
}

/* The message as it was sent is in w->text then. TH_ERR_NOT_FOUND: the view or the slot is not here. */
static enum th_err read_message(struct th_leg *leg, struct th_history *h, const struct th_buf *msg, size_t *n,
				struct th_str *account)
{
	struct th_workshop *w = leg->node->workshop;
	uint8_t check = 0;
	enum th_err err = decode_text(leg, h, msg, n, &check);

	if (err == TH_OK)
		err = th_leg_is_ingress(leg) ? th_text_read_response(&w->text, w->plain, *n)
					     : th_text_read_request(&w->text, w->plain, *n);
	if (err == TH_OK)
		err = th_coding_read_slot(leg, &w->text, account);
	if (err == TH_OK && !leg->base.parent.none && th_check_of(w->plain, *n, *account) != check)
		err = TH_ERR_MALFORMED;
	if (err == TH_OK)
		err = th_text_restore(&w->text, w->code, sizeof(w->code));
	return err;
}

/* A code that authenticates and whose bases are here is no text, or not the one that was sent: the ends differ in what
 * they have, by a fault of ours. */
static void note_wrong(struct th_leg *leg)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_node_stats *s = &leg->node->stats;

	if (s->wrong_texts++ > 0 && th_node_now(leg->node) < w->silent_until)
		return;
	w->silent_until = th_time_add(th_node_now(leg->node), WRONG_EVERY);
	th_log(TH_LOG_WARN, "wrong_text",
	       "half=%s number=%" PRIu64 " parent=%" PRIu64 " total=%" PRIu64
	       " hint=\"a message could not be decoded and is sent once more; please report this fault of thimble\"",
	       leg->report.half, leg->number, leg->base.parent.none ? leg->number : leg->base.parent.number,
	       s->wrong_texts);
}

static enum th_err from_model(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	struct th_dialogue *d = leg->dialogue;
	bool asks = th_leg_is_ingress(leg);
	struct th_history *h = th_dialogue_history(d);
	struct th_model_about about = { .account = -1 };
	struct th_history_base base;
	struct th_str account = TH_STR("");
	size_t n = 0, coded = msg->n - 1;
	enum th_err err;

	if (!w->model || d->no_model)
		return TH_ERR_UNSUPPORTED;
	if (!h || !leg->named)
		return TH_ERR_NO_MEMORY;
	err = read_message(leg, h, msg, &n, &account);
	if (err != TH_OK && err != TH_ERR_NOT_FOUND && err != TH_ERR_NO_MEMORY)
		note_wrong(leg);
	if (err != TH_OK) /* whatever it was: as it is it can be read */
		return TH_ERR_NOT_FOUND;
	if (asks) {
		about = leg->about;
		th_coding_give_account(leg, (struct th_str){ (const char *)w->text.body, w->text.body_n });
	} else {
		th_model_request_kind(w->plain, n, &leg->about);
		leg->about.is_response = true;
		err = th_coding_resolve_account(leg, &w->text, account);
	}
	if (err != TH_OK)
		return err;
	/* A registration that builds on nothing is made anew: the last answer could not be read. */
	if (!asks && leg->push && leg->base.parent.none && !th_history_is_empty(h))
		th_dialogue_hoped_in_vain(d);
	base = asks ? leg->base : moved(leg->base, leg->number - leg->coded_for);
	keep(w, h, (struct th_str){ (const char *)w->text.body, w->text.body_n });
	err = put_plain(msg, &w->text.head, w->text.body, w->text.body_n);
	/* The body is where it belongs, so w->code, which may have held it, is free; the view goes with the next line.
	 */
	th_coded_received(&w->watch, w->model,
			  &(struct th_coded_received){
				  &w->view, &about, &leg->base, leg->coded_for, coded, { (const char *)w->plain, n } },
			  w->cut, w->cut_n, w->code, sizeof(w->code));
	(void)th_history_add(h, theirs(asks ? leg->coded_for : leg->number), &base, &about, w->kept, w->kept_n);
	return err;
}

static enum th_err from_flate(struct th_leg *leg, struct th_buf *msg)
{
	struct th_workshop *w = leg->node->workshop;
	enum th_err err;

	/* With another dictionary nothing would tell that it comes out as something else. */
	if (leg->dialogue->other_tables && th_buf_data(msg)[0] == TH_CODING_FLATE)
		return TH_ERR_UNSUPPORTED;
	err = th_flate_decode(w->flate, th_buf_data(msg), msg->n, th_leg_is_ingress(leg),
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
	if (!th_leg_is_ingress(leg))
		return err;
	if (err == TH_OK || err == TH_ERR_NOT_FOUND) /* whatever it says, the peer read what it answers */
		th_accounts_answered(&leg->dialogue->accounts, leg->number);
	if (err == TH_OK && !leg->alone)
		leg->dialogue->refused = 0;
	if (err == TH_OK)
		th_budget_spend(&leg->dialogue->budget, msg->n);
	return err;
}
