/* SPDX-License-Identifier: ISC */
/*
 * http01-serve - answer HTTP-01 challenges from a directory
 *
 * Serves DIR/.well-known/acme-challenge/TOKEN over HTTP and nothing else,
 * until TERM, INT or HUP.  Writes the addresses it listens on to stdout, one
 * a line, once it is ready.  Reads only below DIR.  Exit: 0 ended by a
 * signal, 2 error.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http01.h"
#include "io.h"
#include "listen.h"
#include "sandbox.h"
#include "util.h"

#define SOCKETS 32

static int wakeup[2];	/* a pipe: the signal handler writes to it */

static _Noreturn void
usage(void)
{
	fprintf(stderr,
	    "usage: http01-serve [-Vv] -l addr:port [-l ...] -w dir\n");
	_exit(EX_ERR);
}

static void
on_signal(int sig)
{
	int saved = errno;
	char c = (char)sig;

	if (write(wakeup[1], &c, 1) == -1)
		errno = saved;	/* the pipe is full: it will wake up */
}

static int
stop(void *arg, int ctl)
{
	(void)arg;
	(void)ctl;
	return -1;
}

static void
catch_signals(void)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction sa, old;
	size_t i;

	if (pipe2(wakeup, O_CLOEXEC | O_NONBLOCK) == -1)
		err(EX_ERR, "pipe");
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Open the file of a token; no symbolic link on the way is followed. */
static int
open_token(int webroot, const char *token)
{
	const char *const path[] = {".well-known", "acme-challenge", token};
	int fd = webroot, next, flags, saved;
	size_t i;

	for (i = 0; i < 3; i++) {
		flags = i < 2 ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY;
		next = openat(fd, path[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		    flags);
		saved = errno;
		if (fd != webroot)
			close(fd);
		if ((fd = next) == -1) {
			errno = saved;
			return -1;
		}
	}
	return fd;
}

static ssize_t
find(void *arg, const char *token, char *buf, size_t size)
{
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int fd;

	if ((fd = open_token(*(int *)arg, token)) == -1) {
		if (errno != ENOENT)
			warn("%s", token);
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		warnx("%s: not a regular file", token);
	else
		text = io_slurp_fd(fd, token, size, &len);
	close(fd);
	if (text != NULL)
		memcpy(buf, text, len);
	free(text);
	return len > 0 ? (ssize_t)len : -1;
}

static int
confine(const char *dir)
{
	int s = sandbox_begin();

	sandbox_path(s, dir, SANDBOX_READ);
	return sandbox_apply(s);
}

static int
announce(const int *fds, size_t n)
{
	char buf[LISTEN_ADDRESS_SIZE];
	size_t i;

	for (i = 0; i < n; i++)
		printf("%s\n", listen_local(fds[i], buf));
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	warn("stdout");
	return -1;
}

int
main(int argc, char *argv[])
{
	const char *dir = NULL, *addrs[SOCKETS];
	int fds[SOCKETS], webroot, ch, got;
	size_t i, n = 0, naddrs = 0;

	std_fill();
	while ((ch = getopt(argc, argv, ":Vl:vw:")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 'l':
			if (naddrs == SOCKETS)
				errx(EX_ERR, "-l %s: too many", esc(optarg));
			addrs[naddrs++] = optarg;
			break;
		case 'v':
			http01_verbose();
			break;
		case 'w':
			dir = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc != optind || naddrs == 0 || dir == NULL)
		usage();
	webroot = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (webroot == -1)
		err(EX_ERR, "%s", dir);
	for (i = 0; i < naddrs; i++) {
		got = listen_open(addrs[i], fds + n, SOCKETS - n);
		if (got == -1)
			return EX_ERR;
		n += (size_t)got;
	}
	catch_signals();
	if (confine(dir) == -1 || announce(fds, n) == -1 ||
	    http01_run(fds, n, find, &webroot, wakeup[0], stop) == -1)
		return EX_ERR;
	return EX_YES;
}
