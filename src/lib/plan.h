/* SPDX-License-Identifier: ISC */
/*
 * What is to be done for a certificate, and when: all that the agents decide
 * by.  A pure function of facts and the time; nothing is read or kept.  Links
 * with libc only.
 */
#ifndef ECA_PLAN_H
#define ECA_PLAN_H

#include <time.h>

enum plan_action {
	PLAN_NONE,
	PLAN_WAIT,	/* for the time to try again */
	PLAN_ASK,	/* the CA, when it wants the renewal */
	PLAN_CLOCK,	/* raise an alarm: the clock is wrong */
	PLAN_TIDY,	/* finish what a killed run began */
	PLAN_LINK,	/* its stable names */
	PLAN_PROVE,	/* see the current one in service */
	PLAN_RETRY,	/* put the newer one into service */
	PLAN_RENEW,	/* order, with a certificate to show */
	PLAN_ENROLL	/* order, without one */
};

enum plan_there { PLAN_MISSING, PLAN_BROKEN, PLAN_THERE };

struct plan_cert {
	const char *serial;
	time_t not_before;
	time_t not_after;
	int revoked;
	int changed;	/* for other names than the configuration has */
};

/* A time that is 0 has not been. */
struct plan_facts {
	/* configuration */
	const char *id;		/* what no other certificate anywhere has */
	long long threshold;	/* percent of the lifetime, */
	long long spread;
	long long interval;	/* seconds, */
	long long skew;
	long long crl_age;	/* 0: no CRL is looked at, */
	time_t crl_got;		/* and there is none yet */
	int ari;
	int force;		/* renew at each check */
	int force_now;		/* somebody asks for it: now */
	time_t edited;		/* its file */

	/* the store */
	enum plan_there is;
	struct plan_cert current;
	int proven;
	int linked;	/* all its stable names lead there */
	int left;	/* something that it no longer needs */
	const struct plan_cert *newer;	/* never proven, taken back; or NULL */

	/* what became of it so far */
	long long failures;	/* since the last success */
	time_t last_attempt;
	time_t last_success;
	time_t retry_at;	/* the CA's word */

	/* what the CA said about the current one */
	time_t ari_at;		/* renew then */
	time_t ari_asked;
	long long ari_again;	/* seconds; 0: it did not say */
};

struct plan {
	enum plan_action action;
	const char *reason;	/* a word, or NULL */
	time_t renew_at;	/* 0: there is no certificate */
	time_t next;		/* when to look again */
};

/* Decide. */
void plan_decide(const struct plan_facts *f, time_t now, struct plan *p);

/* The action as a word. */
const char *plan_word(enum plan_action action);

#endif
