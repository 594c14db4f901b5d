/* Account slots (accounts.h) in the messages that the model codes. Private to coding.c. */
#ifndef TH_PROXY_CODING_ACCOUNT_H
#define TH_PROXY_CODING_ACCOUNT_H

#include "codec/text.h"
#include "proxy/leg.h"

/* The request has been sent: its value was told if its code has that in full, or is to be given by its answer. */
void th_coding_tell_account(struct th_leg *leg);
/* The answer's body, which goes out or has come, may give a value. */
void th_coding_give_account(struct th_leg *leg, struct th_str body);

/* What the slot stands for; empty without one. TH_ERR_NOT_FOUND: it is not here. */
enum th_err th_coding_read_slot(const struct th_leg *leg, const struct th_text *t, struct th_str *value);
/* The request has been read: puts the value in the place that its slot has kept, or keeps the one it tells. */
enum th_err th_coding_resolve_account(struct th_leg *leg, struct th_text *t, struct th_str value);

#endif
