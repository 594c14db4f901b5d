#include "proxy/dialogue.h"

#include "base/log.h"
#include "proxy/coding.h"

enum { CAREFUL_ANSWERS = 32 };

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

	d->heard = true;
	d->other_tables = peer->tables != own->tables;
	d->no_model = d->other_tables || peer->no_model || own->no_model;
	if (!d->no_model || had || own->no_model)
		return;
	if (peer->no_model)
		th_log(TH_LOG_INFO, "codings_differ",
		       "hint=\"the other daemon codes without the model; messages are several times longer\"");
	else
		th_log(TH_LOG_WARN, "codings_differ",
		       "tables=%06x theirs=%06x hint=\"the other daemon has other tables; messages are several times "
		       "longer until both run the same version\"",
		       (unsigned)own->tables, (unsigned)peer->tables);
}

void th_dialogue_refused(struct th_dialogue *d, unsigned generation)
{
	if (generation != d->generation)
		return; /* it was coded before what was done about the refusal of another */
	d->generation++;
	if (d->refused++ == 0 && d->history)
		th_history_doubt(d->history);
	else
		th_dialogue_forget(d);
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

void th_dialogue_hoped_in_vain(struct th_dialogue *d)
{
	d->careful = CAREFUL_ANSWERS;
}

struct th_history *th_dialogue_history(struct th_dialogue *d)
{
	if (!d->history)
		d->history = th_history_new(d->mem, TH_HISTORY_DEFAULT, d->asks);
	return d->history;
}
