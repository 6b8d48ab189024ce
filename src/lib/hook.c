/* SPDX-License-Identifier: ISC */
/* Challenges answered by a program of the operator's: see hook.h. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "util.h"

#define MESSAGE_MAX 2048
#define CALL_SEC 60
#define WORDS 4		/* TYPE IDENT TOKEN VALUE */

struct hook {
	int fd;
	pid_t pid;
};

static long long limit = CALL_SEC;	/* seconds for a call */

/* Calls for which done is owed. */
struct call {
	char *text;	/* the words, each ended by NUL */
	struct call *before;
};

static _Noreturn void
execute(const char *prog, const char *verb, char *text)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	char *argv[WORDS + 3];
	size_t i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal(sigs[i], SIG_DFL);
	setpgid(0, 0);
	argv[0] = (char *)(size_t)prog;
	argv[1] = (char *)(size_t)verb;
	for (i = 0; i < WORDS; i++, text += strlen(text) + 1)
		argv[2 + i] = text;
	argv[2 + WORDS] = NULL;
	close(STDIN_FILENO);
	open("/dev/null", O_RDONLY);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(prog, argv);
	warn("%s", prog);
	_exit(127);
}

/* Run the program to its end or to its time limit.  Its exit code, or 127. */
static int
call(const char *prog, const char *verb, char *text)
{
	const struct timespec tick = {0, 5000000};
	long long end = mono_ms() + limit * 1000;
	int status = 0;
	pid_t pid, got;

	if ((pid = fork()) == -1) {
		warn("%s", prog);
		return 127;
	}
	if (pid == 0)
		execute(prog, verb, text);
	while ((got = waitpid(pid, &status, WNOHANG)) == 0 ||
	    (got == -1 && errno == EINTR)) {
		if (mono_ms() > end) {
			warnx("%s: %s took longer than %lld s", prog, verb,
			    limit);
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return 127;
		}
		nanosleep(&tick, NULL);
	}
	return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* One message: begin; the answer is what became of it. */
static struct call *
begin(const char *prog, char *text, size_t len, struct call *owed, int fd)
{
	int code = call(prog, "begin", text);
	char answer = code == 0 ? HOOK_DONE : code == 1 ? HOOK_DECLINED :
	    HOOK_FAILED;
	struct call *c;

	if (code > 1)
		warnx("%s: begin failed with %d", prog, code);
	if (code != 1) {
		c = xmalloc(sizeof(*c));
		c->text = xmalloc(len);
		memcpy(c->text, text, len);
		c->before = owed;
		owed = c;
	}
	send(fd, &answer, 1, MSG_NOSIGNAL);
	return owed;
}

static _Noreturn void
serve(const char *prog, int fd)
{
	struct call *owed = NULL;
	char text[MESSAGE_MAX];
	ssize_t n;
	int code;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	while ((n = recv(fd, text, sizeof(text), 0)) > 0 ||
	    (n == -1 && errno == EINTR))
		if (n > 0)
			owed = begin(prog, text, (size_t)n, owed, fd);
	for (; owed != NULL; owed = owed->before)
		if ((code = call(prog, "done", owed->text)) != 0)
			warnx("%s: done failed with %d", prog, code);
	_exit(0);
}

struct hook *
hook_start(const char *prog, long long sec)
{
	struct hook *h = xcalloc(1, sizeof(*h));
	int sv[2];

	if (sec < limit)
		limit = sec;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1 ||
	    (h->pid = fork()) == -1)
		err(EX_ERR, "%s", prog);
	if (h->pid == 0) {
		close(sv[0]);
		serve(prog, sv[1]);
	}
	close(sv[1]);
	h->fd = sv[0];
	return h;
}

int
hook_begin(struct hook *h, const char *type, const char *ident,
    const char *token, const char *value)
{
	char *text = xasprintf("%s%c%s%c%s%c%s%c", type, 0, ident, 0, token, 0,
	    value, 0), answer = HOOK_FAILED;
	size_t len = strlen(type) + strlen(ident) + strlen(token) +
	    strlen(value) + WORDS;
	ssize_t n = -1;

	if (len <= MESSAGE_MAX &&
	    send(h->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len)
		while ((n = recv(h->fd, &answer, 1, 0)) == -1 &&
		    errno == EINTR)
			;
	free(text);
	if (n != 1)
		warnx("hook: cannot be called");
	return n == 1 ? answer : HOOK_FAILED;
}

void
hook_stop(struct hook *h)
{
	if (h == NULL)
		return;
	close(h->fd);
	while (waitpid(h->pid, NULL, 0) == -1 && errno == EINTR)
		;
	free(h);
}
