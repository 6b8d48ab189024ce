/* SPDX-License-Identifier: ISC */
/*
 * A process of its own that listens and answers validation servers, told what
 * to answer by the one that talks to the CA: pairs of a name and a text.
 * Links with libc only.
 */
#ifndef ECA_RESPONDER_H
#define ECA_RESPONDER_H

#include <stddef.h>

/* The longest pair, with a NUL behind each. */
#define RESPONDER_MESSAGE_MAX 1280

struct responder;

/*
 * Answers on the n listening sockets until responder_take() fails on ctl;
 * returns 0 then, else -1.
 */
typedef int responder_run(const int *fds, size_t n, int ctl);

/*
 * Start the process: it ignores the signals that end its parent and gives up
 * all rights, then calls run.  Before the sandbox.  NULL with a message.
 */
struct responder *responder_start(const char *addr_port, responder_run *run);

/* When this returns 0 the pair is answered.  -1 with a message. */
int responder_tell(struct responder *r, const char *name, const char *text);

/* End the process and wait for it.  NULL is fine. */
void responder_stop(struct responder *r);

/*
 * In the process: receive one pair on ctl and give it to add(arg, ...), which
 * returns 0 when it is answered from now on.  0, or -1 when nobody is there any
 * more.
 */
int responder_take(int ctl, void *arg,
    int (*add)(void *arg, const char *name, const char *text));

#endif
