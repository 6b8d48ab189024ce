/* SPDX-License-Identifier: ISC */
/*
 * peak - how much memory a command and all its processes take
 *
 * usage: peak file command [argument ...]
 *
 * Runs the command and writes to file a line of three numbers: the sum of
 * the resident sets (KiB) of all its processes, each at its own worst moment;
 * the largest of them, which is all that wait4 tells; and how many there were.
 * A page that processes share is counted in each, so together they never take
 * more than the sum.  They are traced, and looked at when they end.
 * Exit: that of the command; 2 usage, or it cannot be run.
 */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROCESSES 64
#define OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACEEXIT | \
    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

static struct process {
	int pid;
	long kib;
} processes[PROCESSES];
static int n;

/* A thread ends: note what its process has taken by now. */
static void
look(pid_t tid)
{
	char path[40], line[256];
	int i, pid = 0;
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	if ((f = fopen(path, "r")) == NULL)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		sscanf(line, "Tgid: %d", &pid);
		sscanf(line, "VmHWM: %ld kB", &kib);
	}
	fclose(f);
	for (i = 0; i < n && processes[i].pid != pid; i++)
		;
	if (i == PROCESSES || pid == 0 || kib == 0)
		errx(2, "process %d: too many, or without memory", (int)tid);
	if (i == n)
		processes[n++].pid = pid;
	if (kib > processes[i].kib)
		processes[i].kib = kib;
}

/* What to do with a stopped thread, and the signal it is to have. */
static int
stopped(pid_t tid, int status)
{
	int sig = WSTOPSIG(status);

	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
		look(tid);
	/* events, and the stop that each new thread begins with */
	return status >> 16 != 0 || sig == SIGSTOP || sig == SIGTRAP ? 0 : sig;
}

int
main(int argc, char *argv[])
{
	int i, rc = 2, status;
	long largest = 0, sum = 0;
	pid_t child, tid;
	FILE *f;

	if (argc < 3) {
		fprintf(stderr, "usage: peak file command [argument ...]\n");
		return 2;
	}
	if ((f = fopen(argv[1], "we")) == NULL)
		err(2, "%s", argv[1]);
	if ((child = fork()) == -1)
		err(2, "fork");
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		err(2, "%s", argv[2]);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, OPTIONS) == -1 ||
	    ptrace(PTRACE_CONT, child, NULL, NULL) == -1)
		err(2, "%s: cannot be traced", argv[2]);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, tid, NULL, stopped(tid, status));
		else if (tid == child)
			rc = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
	}
	for (i = 0; i < n; i++) {
		sum += processes[i].kib;
		if (processes[i].kib > largest)
			largest = processes[i].kib;
	}
	fprintf(f, "%ld %ld %d\n", sum, largest, n);
	return fclose(f) == 0 ? rc : 2;
}
