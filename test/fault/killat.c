/* SPDX-License-Identifier: ISC */
/*
 * killat [-lpsv] [-c file] [-e errno] N command [arg ...]: run a command and,
 * at the Nth call with which it would change a file, pull the plug: that call
 * is not made and the whole process tree is killed.  What the disk then holds
 * is what a power cut or the OOM killer leaves, and as nothing on disk changes
 * between two such calls, N = 1, 2, ... visits every state there is.
 *
 * One counter runs over all processes and threads of the tree.  Counted are
 * opens for writing, writes to regular files, changes of names, modes, owners,
 * times and sizes, and syncs; not counted: pipes, sockets, terminals, memfds,
 * /dev (but /dev/shm is counted), /proc and /sys.  Not seen: stores to mapped
 * files, io_uring, sockets made by bind(2).  The count is as stable as the
 * command: stages of a pipeline run in any order.
 *
 *	N = 0	only count
 *	-c file	write the count there (N = 0 without it: to stderr)
 *	-e name	kill nothing, let the Nth call fail with this errno
 *	-l	lose what was not synced: cut each file back to the size it had
 *		before its first write since it was last synced; so too when
 *		the command ends before the Nth call
 *	-p	kill only the process that makes the call
 *	-s	with -e: all later calls of the same kind (growing, removing,
 *		changing attributes, syncing) fail too: a disk that stays full
 *	-v	print each counted call to stderr
 *
 * Exit status: that of the command (128 + n after signal n) once the whole
 * tree is gone, 120 when the tree was killed, 125 when killat itself failed,
 * 126 when the command could not be run.  Linux on x86-64 only.
 */
#include <err.h>
#include <stdlib.h>

#if defined(__linux__) && defined(__x86_64__) && !defined(__ILP32__)

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

#define TREE_KILLED	120
#define OWN_ERROR	125
#define CANNOT_RUN	126

static int	 error, lflag, pflag, running, sflag, vflag;
static const char *cfile;
static long	 count, target;
static char	 failing;	/* the kind that fails from now on (-s) */
static size_t	 ndirty;
static struct {
	dev_t	 dev;
	ino_t	 ino;
	off_t	 size;
	int	 fd;
} dirty[256];

/* The command's process: wait until it is traced, then execute. */
static _Noreturn void
child(int gate, char **argv)
{
	char c;

	if (read(gate, &c, 1) != 1)
		_exit(OWN_ERROR);
	if (call_filter() == -1)
		err(OWN_ERROR, "seccomp");
	execvp(argv[0], argv);
	err(CANNOT_RUN, "%s", argv[0]);
}

/*
 * Remember which data a power cut would take: for each regular file the size
 * it had before the first write since its last sync.
 */
static void
note_data(pid_t pid, const struct change *ch)
{
	const char *proc = fd_link(pid, ch->fd);
	struct stat st;
	size_t i;

	if (strcmp(ch->name, "sync") == 0)
		ndirty = 0;
	if (ch->fd == NO_FD || stat(proc, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	for (i = 0; i < ndirty; i++)
		if (dirty[i].dev == st.st_dev && dirty[i].ino == st.st_ino)
			break;
	if (i < ndirty && ch->kind == 's') {
		close(dirty[i].fd);
		dirty[i] = dirty[--ndirty];
	} else if (i == ndirty && ch->kind == 'g') {
		if (ndirty == sizeof(dirty) / sizeof(dirty[0]))
			errx(OWN_ERROR, "too many unsynced files");
		if ((dirty[i].fd = open(proc, O_WRONLY | O_CLOEXEC)) == -1)
			err(OWN_ERROR, "%s", ch->text);
		dirty[i].dev = st.st_dev;
		dirty[i].ino = st.st_ino;
		dirty[i].size = st.st_size;
		ndirty++;
	}
}

/* No traced process gets past its next call; they all die when we exit. */
static _Noreturn void
finish(int status)
{
	FILE *fp;
	size_t i;

	for (i = 0; i < ndirty && target > 0; i++)
		if (ftruncate(dirty[i].fd, dirty[i].size) == -1)
			err(OWN_ERROR, "ftruncate");
	if (cfile != NULL) {
		if ((fp = fopen(cfile, "w")) == NULL ||
		    fprintf(fp, "%ld\n", count) < 0 || fclose(fp) == EOF)
			err(OWN_ERROR, "%s", cfile);
	} else if (target == 0)
		warnx("%ld calls", count);
	exit(status);
}

/* A traced call is about to be made.  Returns 0 if its process was killed. */
static int
judge(pid_t pid)
{
	struct user_regs_struct r;
	struct change ch;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) == -1)
		return 0;
	if (!running || !call_changes(pid, &r, &ch))
		return 1;
	count++;
	if (vflag)
		warnx("%ld: %d %s %s", count, (int)pid, ch.name, ch.text);
	if (count == target && error == 0) {
		if (!pflag)
			finish(TREE_KILLED);
		kill(pid, SIGKILL);
		return 0;
	}
	if (count == target || ch.kind == failing) {
		r.orig_rax = (unsigned long long)-1;
		r.rax = (unsigned long long)-error;
		ptrace(PTRACE_SETREGS, pid, NULL, &r);
		failing = sflag ? ch.kind : '\0';
	} else if (lflag)
		note_data(pid, &ch);
	return 1;
}

/* Watch the tree until all of it is gone. */
static int
watch(pid_t first)
{
	pid_t pid;
	int sig, st, status = OWN_ERROR;
	enum __ptrace_request go;

	while ((pid = waitpid(-1, &st, __WALL)) != -1) {
		if (!WIFSTOPPED(st)) {
			if (pid == first)
				status = WIFEXITED(st) ? WEXITSTATUS(st) :
				    128 + WTERMSIG(st);
			continue;
		}
		go = PTRACE_CONT;
		sig = 0;
		switch (st >> 16) {
		case 0:
			sig = WSTOPSIG(st);
			break;
		case PTRACE_EVENT_STOP:		/* new, or job control */
			if (WSTOPSIG(st) != SIGTRAP)
				go = PTRACE_LISTEN;
			break;
		case PTRACE_EVENT_EXEC:
			running = 1;
			break;
		case PTRACE_EVENT_SECCOMP:
			if (!judge(pid))
				continue;
			break;
		}
		ptrace(go, pid, NULL, sig);
	}
	return status;
}

static _Noreturn void
tracer(char **argv)
{
	pid_t pid;
	int gate[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe2(gate, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		err(OWN_ERROR, "fork");
	if (pid == 0) {
		close(gate[1]);
		child(gate[0], argv);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL |
	    PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) == -1)
		err(OWN_ERROR, "ptrace");
	if (write(gate[1], "", 1) != 1)
		err(OWN_ERROR, "pipe");
	close(gate[0]);
	close(gate[1]);
	finish(watch(pid));
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: killat [-lpsv] [-c file] [-e errno] "
	    "N command [arg ...]\n");
	exit(OWN_ERROR);
}

static int
errno_value(const char *name)
{
	const char *s;
	int i;

	for (i = 1; i < 134; i++)
		if ((s = strerrorname_np(i)) != NULL && strcmp(s, name) == 0)
			return i;
	errx(OWN_ERROR, "%s: unknown errno", name);
}

int
main(int argc, char *argv[])
{
	char *end;
	pid_t pid;
	int ch, st;

	while ((ch = getopt(argc, argv, "+c:e:lpsv")) != -1)
		switch (ch) {
		case 'c': cfile = optarg; break;
		case 'e': error = errno_value(optarg); break;
		case 'l': lflag = 1; break;
		case 'p': pflag = 1; break;
		case 's': sflag = 1; break;
		case 'v': vflag = 1; break;
		default: usage();
		}
	if (argc - optind < 2 || (sflag && error == 0) ||
	    (error != 0) + lflag + pflag > 1)
		usage();
	errno = 0;
	target = strtol(argv[optind], &end, 10);
	if (errno != 0 || *end != '\0' || end == argv[optind] || target < 0)
		errx(OWN_ERROR, "%s: not a number of a call", argv[optind]);

	/* Orphans come to this process, which waits until all are dead. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1 ||
	    (pid = fork()) == -1)
		err(OWN_ERROR, "fork");
	if (pid == 0)
		tracer(argv + optind + 1);
	if (waitpid(pid, &st, 0) == -1)
		err(OWN_ERROR, "waitpid");
	while (wait(NULL) != -1)
		;
	return WIFEXITED(st) ? WEXITSTATUS(st) : OWN_ERROR;
}

#else

int
main(void)
{
	errx(125, "works on Linux on x86-64 only");
}

#endif
