/* SPDX-License-Identifier: ISC */
/* Where HTTP-01 answers go: see webroot.h. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "http01.h"
#include "listen.h"
#include "replace.h"
#include "sandbox.h"
#include "util.h"
#include "webroot.h"

#define SOCKETS 16
#define MESSAGE_MAX (HTTP01_ANSWER_MAX + 256)

struct webroot {
	char *path;	/* the challenge directory; NULL with a responder */
	int dirfd;	/* it, open */
	int *slots;	/* of cleanup.h, one an answer */
	size_t nslots;
	int ctl;	/* to the responder, -1 without */
	pid_t pid;
};

/* The answers a responder knows. */
struct table {
	struct answer {
		char *token;
		char *text;
	} *v;
	size_t n;
};

/* mkdir with mode 0755 whatever the umask says; one that is there is fine. */
static int
make_dir(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755);
	return errno == EEXIST ? 0 : -1;
}

struct webroot *
webroot_dir(const char *dir)
{
	struct webroot *w = xcalloc(1, sizeof(*w));
	char *well_known = xasprintf("%s/.well-known", dir);

	w->ctl = -1;
	w->path = xasprintf("%s/%s", dir, HTTP01_DIR);
	if (make_dir(well_known) == -1 || make_dir(w->path) == -1 ||
	    (w->dirfd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1 || faccessat(w->dirfd, ".", W_OK | X_OK, AT_EACCESS) == -1) {
		warn("%s", w->path);
		free(w->path);
		free(w);
		w = NULL;
	}
	free(well_known);
	return w;
}

static ssize_t
find(void *arg, const char *token, char *buf, size_t size)
{
	struct table *t = arg;
	size_t i, len;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->v[i].token, token) == 0) {
			if ((len = strlen(t->v[i].text)) > size)
				return -1;
			memcpy(buf, t->v[i].text, len);
			return (ssize_t)len;
		}
	return -1;
}

/* Take one answer, "token NUL text", and say that it is there. */
static int
take(void *arg, int ctl)
{
	struct table *t = arg;
	char msg[MESSAGE_MAX + 1];
	ssize_t n = recv(ctl, msg, MESSAGE_MAX, 0);
	size_t len;

	if (n == -1 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -1;
	msg[n] = '\0';
	if ((len = strlen(msg) + 1) >= (size_t)n)
		return -1;
	t->v = xrealloc(t->v, (t->n + 1) * sizeof(*t->v));
	t->v[t->n].token = xstrdup(msg);
	t->v[t->n].text = xstrdup(msg + len);
	t->n++;
	return send(ctl, "k", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static _Noreturn void
respond(const int *fds, size_t n, int ctl)
{
	struct table t = {NULL, 0};

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (sandbox_stdio() == -1)
		_exit(EX_ERR);
	_exit(http01_run(fds, n, find, &t, ctl, take) == 0 ? EX_YES : EX_ERR);
}

struct webroot *
webroot_listen(const char *addr_port)
{
	struct webroot *w;
	int fds[SOCKETS], sv[2], n, i;

	if ((n = listen_open(addr_port, fds, SOCKETS)) == -1)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->dirfd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1 ||
	    (w->pid = fork()) == -1)
		err(EX_ERR, "responder");
	if (w->pid == 0) {
		close(sv[0]);
		respond(fds, (size_t)n, sv[1]);
	}
	close(sv[1]);
	for (i = 0; i < n; i++)
		close(fds[i]);
	w->ctl = sv[0];
	return w;
}

const char *
webroot_path(const struct webroot *w)
{
	return w->path;
}

static int
tell(struct webroot *w, const char *token, const char *answer)
{
	char *msg = xasprintf("%s%c%s", token, 0, answer), ok;
	size_t len = strlen(token) + 1 + strlen(answer);
	int rc = -1;

	if (len <= MESSAGE_MAX &&
	    send(w->ctl, msg, len, MSG_NOSIGNAL) == (ssize_t)len &&
	    recv(w->ctl, &ok, 1, 0) == 1)
		rc = 0;
	else
		warnx("responder: does not take the answer");
	free(msg);
	return rc;
}

int
webroot_put(struct webroot *w, const char *token, const char *answer)
{
	char *path;
	int slot, rc;

	if (w->ctl != -1)
		return tell(w, token, answer);
	if ((slot = cleanup_file(w->dirfd, token)) == -1)
		return -1;
	w->slots = xrealloc(w->slots, (w->nslots + 1) * sizeof(*w->slots));
	w->slots[w->nslots++] = slot;
	path = xasprintf("%s/%s", w->path, token);
	rc = replace_write(path, 0644, answer, strlen(answer));
	free(path);
	return rc;
}

void
webroot_free(struct webroot *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->nslots; i++)
		cleanup_now(w->slots[i]);
	if (w->ctl != -1) {
		close(w->ctl);
		while (waitpid(w->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	if (w->dirfd != -1)
		close(w->dirfd);
	free(w->slots);
	free(w->path);
	free(w);
}
