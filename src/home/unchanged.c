#include "home/unchanged.h"

#include "home/tag.h"

struct asked {
	struct th_relay r;
	char tag[TH_TAG_TEXT];
	struct th_kept *kept; /* owned: the answer so far; NULL: it is passed on as it comes */
};

static struct asked *of(struct th_relay *r)
{
	return TH_OWNER(r, struct asked, r);
}

static struct th_unchanged *owner(struct th_relay *r)
{
	return TH_OWNER(r->stage, struct th_unchanged, stage);
}

static void on_head(struct th_relay *r, const struct th_head *h)
{
	const struct th_field *condition = th_head_find(h, TH_STR("If-None-Match"));
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head asking = *h;

	if (!condition || !th_tag_is(condition->value) || !th_str_eq(h->method, TH_STR("GET")) ||
	    h->n_fields > TH_HEAD_FIELDS_MAX) {
		th_relay_step_aside(r, h);
		return;
	}
	owner(r)->asked++;
	memcpy(of(r)->tag, condition->value.p, TH_TAG_TEXT);
	asking.fields = fields;
	asking.n_fields = 0;
	for (size_t i = 0; i < h->n_fields; i++)
		if (&h->fields[i] != condition)
			fields[asking.n_fields++] = h->fields[i];
	th_relay_pass(r, &asking);
}

static void on_answer_head(struct th_relay *r, const struct th_head *h)
{
	struct asked *a = of(r);

	if (h->status == 200 && (h->body_len == TH_BODY_UNKNOWN || h->body_len <= TH_TAG_BODY_MAX))
		a->kept = th_kept_new(r->stage->env->mem, h, TH_TAG_BODY_MAX);
	if (a->kept)
		return;
	r->answered = true;
	th_flow_head(&r->up, h);
}

/* It became too long to compare: what has come goes out, the rest follows as it comes. */
static void let_go(struct th_relay *r)
{
	struct th_head h = th_kept_head(of(r)->kept);

	r->answered = true;
	th_flow_head(&r->up, &h);
}

/* Sends what was held back; whether all of it has been taken. */
static bool flush(struct th_relay *r)
{
	struct asked *a = of(r);

	while (a->kept->body.n > 0 && th_flow_open(&r->up)) {
		size_t n = a->kept->body.n;
		size_t took = th_flow_data(&r->up, th_buf_data(&a->kept->body), n);

		th_buf_consume(&a->kept->body, took);
		if (took < n)
			return false;
	}
	if (!th_flow_open(&r->up))
		return false;
	th_kept_drop(a->kept);
	a->kept = NULL;
	return true;
}

static size_t on_answer_data(struct th_relay *r, const uint8_t *p, size_t n)
{
	struct asked *a = of(r);

	if (!a->kept)
		return th_flow_data(&r->up, p, n);
	if (!r->answered) {
		if (th_buf_append(&a->kept->body, p, n) == TH_OK)
			return n;
		let_go(r);
	}
	if (!th_flow_open(&r->up) || !flush(r))
		return 0;
	return th_flow_data(&r->up, p, n);
}

static void on_answer_resume(struct th_relay *r)
{
	struct asked *a = of(r);

	if (a->kept && r->answered && !flush(r))
		return;
	th_flow_resume(&r->down);
}

static bool same(struct th_relay *r)
{
	struct asked *a = of(r);
	struct th_head h = th_kept_head(a->kept);
	char tag[TH_TAG_TEXT];
	struct th_digest d;

	th_tag_begin(&d, r->stage->env->policy, &h);
	th_digest_bytes(&d, th_buf_data(&a->kept->body), a->kept->body.n);
	return th_tag_end(&d, tag) && memcmp(tag, a->tag, sizeof(tag)) == 0;
}

static void on_answer_end(struct th_relay *r)
{
	static const struct th_head not_modified = { .status = 304 };
	struct asked *a = of(r);
	struct th_head h;

	if (!a->kept || r->answered) {
		th_flow_end(&r->up);
		return;
	}
	if (same(r)) {
		owner(r)->same++;
		th_relay_answer(r, &not_modified, NULL);
		return;
	}
	h = th_kept_head(a->kept);
	h.body_len = (int64_t)a->kept->body.n;
	th_relay_answer(r, &h, a->kept);
}

static void on_buried(struct th_relay *r)
{
	th_kept_drop(of(r)->kept);
}

static const struct th_relay_ops ops = {
	.head = on_head,
	.answer_head = on_answer_head,
	.answer_data = on_answer_data,
	.answer_end = on_answer_end,
	.answer_resume = on_answer_resume,
	.buried = on_buried,
};

void th_unchanged_init(struct th_unchanged *u, struct th_home_env *env, struct th_flow_server *below)
{
	u->asked = u->same = 0;
	th_stage_init(&u->stage, env, below, &ops, sizeof(struct asked));
}
