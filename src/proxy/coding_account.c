#include "proxy/coding_account.h"

#include "codec/envelope.h"
#include "proxy/dialogue.h"

void th_coding_tell_account(struct th_leg *leg)
{
	struct th_accounts *a = &leg->dialogue->accounts;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head head;
	size_t len = 0;

	if (!leg->tells || th_envelope_length(th_buf_data(&leg->plain), leg->plain.n, &len) != TH_OK || len == 0 ||
	    th_envelope_read_request(&head, fields, th_buf_data(&leg->plain), len) != TH_OK)
		return;
	if (th_account_asked(&head))
		th_accounts_asked(a, leg->number);
	else
		th_accounts_told(a, leg->number, th_account_of(&head));
}

void th_coding_give_account(struct th_leg *leg, struct th_str body)
{
	struct th_accounts *a = &leg->dialogue->accounts;
	char bytes[TH_ACCOUNT_VALUE_MAX];
	struct th_str value;

	if (!leg->tells)
		return;
	value = th_account_given(body, bytes);
	if (th_leg_is_ingress(leg))
		th_accounts_given(a, leg->number, value);
	else if (leg->life == leg->dialogue->lives)
		th_accounts_heard(a, leg->number, value);
	th_wipe(bytes, value.n);
}

enum th_err th_coding_read_slot(const struct th_leg *leg, const struct th_text *t, struct th_str *value)
{
	*value = TH_STR("");
	return t->slot == TH_SLOT_NONE ? TH_OK : th_accounts_value(&leg->dialogue->accounts, t->slot, value);
}

enum th_err th_coding_resolve_account(struct th_leg *leg, struct th_text *t, struct th_str value)
{
	if (t->slot == TH_SLOT_NONE) {
		leg->tells = th_account_asked(&t->head);
		th_accounts_heard(&leg->dialogue->accounts, leg->number, th_account_of(&t->head));
		return TH_OK;
	}
	for (size_t i = 0; i < t->head.n_fields; i++)
		if (th_str_ieq(t->fields[i].name, TH_STR("Authorization"))) {
			t->fields[i].value = value;
			return TH_OK;
		}
	return TH_ERR_MALFORMED;
}
