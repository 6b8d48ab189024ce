/* SPDX-License-Identifier: ISC */
/* A process that answers validation servers: see responder.h. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"
#include "responder.h"
#include "sandbox.h"
#include "util.h"

#define SOCKETS 16

struct responder {
	int ctl;
	pid_t pid;
};

static _Noreturn void
respond(responder_run *run, const int *fds, size_t n, int ctl)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (sandbox_stdio() == -1)
		_exit(EX_ERR);
	_exit(run(fds, n, ctl) == 0 ? EX_YES : EX_ERR);
}

struct responder *
responder_start(const char *addr_port, responder_run *run)
{
	struct responder *r;
	int fds[SOCKETS], sv[2], n, i;

	if ((n = listen_open(addr_port, fds, SOCKETS)) == -1)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1 ||
	    (r->pid = fork()) == -1)
		err(EX_ERR, "responder");
	if (r->pid == 0) {
		close(sv[0]);
		respond(run, fds, (size_t)n, sv[1]);
	}
	close(sv[1]);
	for (i = 0; i < n; i++)
		close(fds[i]);
	r->ctl = sv[0];
	return r;
}

int
responder_tell(struct responder *r, const char *name, const char *text)
{
	char *msg = xasprintf("%s%c%s", name, 0, text), ok;
	size_t len = strlen(name) + 1 + strlen(text);
	int rc = -1;

	if (len < RESPONDER_MESSAGE_MAX &&
	    send(r->ctl, msg, len, MSG_NOSIGNAL) == (ssize_t)len &&
	    recv(r->ctl, &ok, 1, 0) == 1)
		rc = 0;
	else
		warnx("responder: does not take the answer");
	free(msg);
	return rc;
}

void
responder_stop(struct responder *r)
{
	if (r == NULL)
		return;
	close(r->ctl);
	while (waitpid(r->pid, NULL, 0) == -1 && errno == EINTR)
		;
	free(r);
}

int
responder_take(int ctl, void *arg,
    int (*add)(void *arg, const char *name, const char *text))
{
	char msg[RESPONDER_MESSAGE_MAX];
	ssize_t n = recv(ctl, msg, sizeof(msg) - 1, 0);
	size_t len;

	if (n == -1 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -1;
	msg[n] = '\0';
	if ((len = strlen(msg) + 1) >= (size_t)n ||
	    add(arg, msg, msg + len) == -1)
		return -1;
	return send(ctl, "k", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}
