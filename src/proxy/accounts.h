/* Account slots: an access token crosses with the first exchange of an account in a session, which is the login as a
 * rule: its answer has the token. Afterwards the low byte of that request's number stands for it.
 *
 * The end that answers keeps the first value that comes with a low byte, and never another one. The end that asks uses
 * a slot only once the very request that told it was answered, and never one that two of its requests have told with
 * different values: so both mean the same, however datagrams were lost or overtaken. A request whose answer may give a
 * token tells a value that nobody knows yet. When the asking end has to forget,
 * the peer may still keep what it was told, or be told it by a request under way: those low bytes stay taken.
 * A slot ends with the session. Values are secrets: they are wiped. */
#ifndef TH_PROXY_ACCOUNTS_H
#define TH_PROXY_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/account.h"

enum {
	TH_ACCOUNTS_SLOTS = 256,
	TH_ACCOUNTS_MAX = 64,	     /* values kept; further and longer ones are sent in full each time */
	TH_ACCOUNTS_HEARD_MAX = 128, /* the same for the end that answers: answers that gave some may be lost */
};

struct th_account {
	size_t n;	       /* 0: its value is to be given */
	uint64_t number;       /* of the request that told it */
	bool answered, spoilt; /* asking end: it may be used; it must not, ever */
	char value[];
};

struct th_accounts {
	const struct th_mem *mem;		    /* borrowed */
	struct th_account *slot[TH_ACCOUNTS_SLOTS]; /* owned */
	uint8_t taken[TH_ACCOUNTS_SLOTS / 8];	    /* bits: a value was told once, whether or not it is still there */
	size_t n;				    /* values that were kept since the session began */
};

void th_accounts_init(struct th_accounts *a, const struct th_mem *mem);
/* For a new session. */
void th_accounts_clear(struct th_accounts *a);
/* The asking end: as far as it knows, the peer lacks them now. */
void th_accounts_forget(struct th_accounts *a);

/* ---- the end that asks ---- */

/* The slot for a value; -1 when it has to be sent in full. */
int th_accounts_slot(const struct th_accounts *a, struct th_str value);
/* The request of that number has been sent with the value in full; and it was answered. */
void th_accounts_told(struct th_accounts *a, uint64_t number, struct th_str value);
void th_accounts_answered(struct th_accounts *a, uint64_t number);
/* The request of that number, whose answer may give a value, has been sent; and it was answered with this one, or, if
 * that is empty, with none: then the low byte is free again. */
void th_accounts_asked(struct th_accounts *a, uint64_t number);
void th_accounts_given(struct th_accounts *a, uint64_t number, struct th_str value);

/* ---- the end that answers ---- */

/* The request of that number came with the value in full, or is answered with it. */
void th_accounts_heard(struct th_accounts *a, uint64_t number, struct th_str value);
/* What a slot stands for; borrowed until the session ends. TH_ERR_NOT_FOUND. */
enum th_err th_accounts_value(const struct th_accounts *a, int slot, struct th_str *value);

#endif
