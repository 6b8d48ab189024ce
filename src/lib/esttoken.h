/* SPDX-License-Identifier: ISC */
/*
 * Bootstrap tokens: who has one may enrol.  The store is a directory that
 * est-token fills:
 *
 *	DIR/ID		a token, KEY=value: SALT, SHA256 (of salt and token),
 *			USES (once, many), EXPIRES, LABEL (words), NAME
 *	DIR/ID.spent	one that was for a single use and had it
 *
 * A token is ESTTOKEN_LEN letters and digits, the first ESTTOKEN_ID of them its
 * id: it is found by name, however many there are.
 *
 *	take	a token for a single use is locked (flock): one request has it
 *	spend	it is renamed to ID.spent and the directory synced
 *	drop	what was not spent is free again; so it is when its taker dies
 *
 * Nothing is written between take and spend, so a kill, a full disk or a CA
 * that fails leave the token as it was.  Spend when the certificate is there
 * and before it goes out: then nobody gets two.  If it cannot be spent the
 * certificate must not go out.
 *
 * Links with libcrypto.  Functions print the reason when the store fails.
 */
#ifndef ECA_ESTTOKEN_H
#define ECA_ESTTOKEN_H

#include <time.h>

#define ESTTOKEN_ID 5
#define ESTTOKEN_LEN 35
/* The longest name a token is bound to. */
#define ESTTOKEN_NAME_MAX 253

struct esttoken {
	char id[ESTTOKEN_ID + 1];
	char name[ESTTOKEN_NAME_MAX + 1];	/* bound to it, or "" */
	int once;				/* for a single use */
	int dirfd;
	int fd;
};

/*
 * Take the token whose text came with a request for this label at this time.
 * A token without LABEL is for all; a request without a label has "", which
 * is in no LABEL.  Hyphens, blanks and case in text do not matter, o is 0, i
 * and l are 1.  The comparison takes the same time for all that are wrong.
 * Returns
 *
 *	EX_YES	it is good and taken: to be ended with esttoken_drop()
 *	EX_NO	not a good one, *why is the reason: for the log, not for the
 *		client, who could learn which ids there are
 *	EX_TEMP	another request has it at this moment; nothing to drop
 *	EX_ERR	the store or the token's file cannot be read, with a message
 */
int esttoken_take(struct esttoken *t, const char *dir, const char *text,
    const char *label, time_t now, const char **why);

/*
 * Spend it, when it is for a single use.  Returns 0, or -1 with a message:
 * it was withdrawn meanwhile, or the store cannot be written.
 */
int esttoken_spend(struct esttoken *t);

/* Let go of a token that was taken.  Spent or not, it may be called twice. */
void esttoken_drop(struct esttoken *t);

#endif
