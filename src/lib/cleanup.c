/* SPDX-License-Identifier: ISC */
/* Files that must not outlive the program: see cleanup.h. */
#include <sys/types.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "util.h"

#define SLOTS 4096

static struct slot {
	volatile sig_atomic_t used;
	int dirfd;
	int flags;
	char *name;
} slots[SLOTS];
static volatile sig_atomic_t nslots;
static pid_t owner;

/* Async-signal-safe: unlinkat(2) and getpid(2) only. */
static void
remove_all(void)
{
	int i;

	if (owner != getpid())
		return;
	for (i = 0; i < nslots; i++)
		if (slots[i].used && slots[i].flags == 0)
			unlinkat(slots[i].dirfd, slots[i].name, 0);
	for (i = nslots - 1; i >= 0; i--)
		if (slots[i].used && slots[i].flags != 0)
			unlinkat(slots[i].dirfd, slots[i].name, AT_REMOVEDIR);
}

static void
on_signal(int sig)
{
	remove_all();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
start(void)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
	    SIGALRM};
	struct sigaction sa, old;
	size_t i;

	owner = getpid();
	atexit(remove_all);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigfillset(&sa.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
}

static int
add(int dirfd, const char *name, int flags)
{
	int i = 0;

	if (owner != getpid()) {
		nslots = 0;
		start();
	}
	while (i < nslots && slots[i].used)
		i++;
	if (i == SLOTS) {
		warnx("%s: more than %d temporary files", name, SLOTS);
		return -1;
	}
	free(slots[i].name);
	slots[i].name = xstrdup(name);
	slots[i].dirfd = dirfd;
	slots[i].flags = flags;
	slots[i].used = 1;
	if (i == nslots)
		nslots = i + 1;
	return i;
}

int
cleanup_file(int dirfd, const char *name)
{
	return add(dirfd, name, 0);
}

int
cleanup_dir(int dirfd, const char *name)
{
	return add(dirfd, name, AT_REMOVEDIR);
}

void
cleanup_forget(int slot)
{
	if (slot >= 0)
		slots[slot].used = 0;
}

void
cleanup_now(int slot)
{
	if (slot < 0 || !slots[slot].used)
		return;
	unlinkat(slots[slot].dirfd, slots[slot].name, slots[slot].flags);
	slots[slot].used = 0;
}
