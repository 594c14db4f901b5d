#include "proxy/dialogue.h"

#include "base/log.h"
#include "proxy/coding.h"

struct th_dialogue *th_dialogue_new(const struct th_mem *mem, const struct th_addr *peer, bool asks)
{
	struct th_dialogue *d = th_alloc(mem, sizeof(*d));

	if (!d)
		return NULL;
	d->mem = mem;
	d->peer = *peer;
	d->asks = asks;
	th_list_init(&d->link);
	th_list_init(&d->unnamed);
	th_accounts_init(&d->accounts, mem);
	th_answers_init(&d->answers, mem);
	return d;
}

void th_dialogue_del(struct th_dialogue *d)
{
	if (!d)
		return;
	while (th_list_pop(&d->unnamed))
		;
	th_accounts_clear(&d->accounts);
	th_answers_clear(&d->answers);
	th_history_free(d->history);
	th_list_remove(&d->link);
	th_free(d->mem, d);
}

void th_dialogue_heard(struct th_dialogue *d, const struct th_hello *own, const struct th_hello *peer)
{
	bool had = d->no_model;

	d->no_model = !(peer->codings & 1u << TH_CODING_MODEL) || peer->model != own->model;
	d->other_preset = !(peer->codings & 1u << TH_CODING_FLATE) || peer->preset != own->preset;
	d->bulk = peer->codings & own->codings & 1u << TH_CODING_BULK;
	if (d->no_model && !had && own->codings & 1u << TH_CODING_MODEL)
		th_log(TH_LOG_WARN, "codings_differ",
		       "model=%08x theirs=%08x hint=\"the other daemon has other tables; messages are several times "
		       "longer until both run the same version\"",
		       (unsigned)own->model, (unsigned)peer->model);
}

void th_dialogue_forget(struct th_dialogue *d)
{
	if (d->history)
		th_history_clear(d->history);
	if (d->asks)
		th_accounts_forget(&d->accounts);
	else
		th_accounts_clear(&d->accounts);
}

struct th_history *th_dialogue_history(struct th_dialogue *d)
{
	if (!d->history)
		d->history = th_history_new(d->mem, TH_HISTORY_DEFAULT, d->asks);
	return d->history;
}
