/* SPDX-License-Identifier: ISC */
/*
 * Challenges answered by a program of the operator's: it is called
 *
 *	PROG begin TYPE IDENT TOKEN VALUE
 *	PROG done  TYPE IDENT TOKEN VALUE
 *
 * by a process of its own, since the one that talks to the network may execute
 * nothing.  begin puts the answer in place and exits 0, or 1 to decline this
 * type of challenge, or anything else when it failed.  done takes the answer
 * away; it is called once for every begin that did not decline, whatever
 * becomes of the order and of the program that asked.  A call that takes too
 * long is killed, with all it started, and has failed.
 */
#ifndef ECA_HOOK_H
#define ECA_HOOK_H

struct hook;

enum {
	HOOK_DONE,	/* the answer is in place */
	HOOK_DECLINED,	/* try another type */
	HOOK_FAILED	/* with a message */
};

/*
 * Start the process that calls prog, each time for sec seconds at most (and
 * never more than a minute), before the sandbox.
 */
struct hook *hook_start(const char *prog, long long sec);

/* Call begin; returns HOOK_DONE, HOOK_DECLINED or HOOK_FAILED. */
int hook_begin(struct hook *h, const char *type, const char *ident,
    const char *token, const char *value);

/* Call done for all, the last first, and wait for it.  NULL is fine. */
void hook_stop(struct hook *h);

#endif
