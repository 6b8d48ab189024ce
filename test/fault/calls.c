/* SPDX-License-Identifier: ISC */
/* Which system calls change a file, and what one of them is about to change. */
#if defined(__linux__) && defined(__x86_64__) && !defined(__ILP32__)

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

#define NCALLS	(sizeof(calls) / sizeof(calls[0]))

/*
 * One system call.  args has a letter for each argument up to the object that
 * is changed, which is the last: p path, a directory fd and path (two
 * arguments), f fd, t text, - nothing of interest.
 */
struct call {
	int		 nr;
	char		 kind;	/* o open, or as in struct change */
	const char	*args;
	const char	*name;
};

#define CALL(name, kind, args)	{ SYS_##name, kind, args, #name }
static const struct call calls[] = {
	CALL(open, 'o', "p"), CALL(openat, 'o', "a"), CALL(openat2, 'o', "a"),
	CALL(creat, 'o', "p"), CALL(mknod, 'g', "p"), CALL(mknodat, 'g', "a"),
	CALL(write, 'g', "f"), CALL(writev, 'g', "f"), CALL(pwrite64, 'g', "f"),
	CALL(pwritev, 'g', "f"), CALL(pwritev2, 'g', "f"),
	CALL(sendfile, 'g', "f"), CALL(copy_file_range, 'g', "--f"),
	CALL(splice, 'g', "--f"), CALL(ioctl, 'g', "f"),
	CALL(fallocate, 'g', "f"), CALL(truncate, 'g', "p"),
	CALL(ftruncate, 'g', "f"), CALL(mkdir, 'g', "p"),
	CALL(mkdirat, 'g', "a"), CALL(rename, 'g', "pp"),
	CALL(renameat, 'g', "aa"), CALL(renameat2, 'g', "aa"),
	CALL(link, 'g', "pp"), CALL(linkat, 'g', "aa"),
	CALL(symlink, 'g', "tp"), CALL(symlinkat, 'g', "ta"),
	CALL(unlink, 'r', "p"), CALL(unlinkat, 'r', "a"), CALL(rmdir, 'r', "p"),
	CALL(chmod, 'a', "p"), CALL(fchmod, 'a', "f"), CALL(fchmodat, 'a', "a"),
	{ 452, 'a', "a", "fchmodat2" },
	CALL(chown, 'a', "p"), CALL(lchown, 'a', "p"), CALL(fchown, 'a', "f"),
	CALL(fchownat, 'a', "a"), CALL(utime, 'a', "p"), CALL(utimes, 'a', "p"),
	CALL(futimesat, 'a', "a"), CALL(utimensat, 'a', "a"),
	CALL(setxattr, 'a', "p"), CALL(lsetxattr, 'a', "p"),
	CALL(fsetxattr, 'a', "f"), CALL(removexattr, 'a', "p"),
	CALL(lremovexattr, 'a', "p"), CALL(fremovexattr, 'a', "f"),
	CALL(fsync, 's', "f"), CALL(fdatasync, 's', "f"),
	CALL(sync_file_range, 's', "f"), CALL(syncfs, 's', "f"),
	CALL(sync, 's', ""),
};

int
call_filter(void)
{
	struct sock_filter f[2 * NCALLS + 16];
	struct sock_fprog prog = { 0, f };
	unsigned short n = 0;
	size_t i;

#define ADD(...)	f[n++] = (struct sock_filter)__VA_ARGS__
#define LOAD(field)	ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
			    offsetof(struct seccomp_data, field)))
#define IF(op, k, yes, no) ADD(BPF_JUMP(BPF_JMP | BPF_K | (op), k, yes, no))
#define RETURN(k)	ADD(BPF_STMT(BPF_RET | BPF_K, k))
	LOAD(arch);			/* i386 and x32 are not there */
	IF(BPF_JEQ, AUDIT_ARCH_X86_64, 0, 2);
	LOAD(nr);
	IF(BPF_JGE, 0x40000000, 0, 1);
	RETURN(SECCOMP_RET_ERRNO | ENOSYS);
	for (i = 0; i < NCALLS; i++) {
		IF(BPF_JEQ, (unsigned int)calls[i].nr, 0, 1);
		RETURN(SECCOMP_RET_TRACE);
	}
	IF(BPF_JEQ, SYS_prctl, 0, 3);
	LOAD(args[0]);			/* little endian: its low half */
	IF(BPF_JEQ, PR_SET_DUMPABLE, 0, 1);
	RETURN(SECCOMP_RET_ERRNO | 0);
	RETURN(SECCOMP_RET_ALLOW);
	prog.len = n;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* Up to size bytes of the tracee's memory; the rest of buf stays as it is. */
static void
tracee_read(pid_t pid, unsigned long long addr, void *buf, size_t size)
{
	char proc[64];
	int fd;

	snprintf(proc, sizeof(proc), "/proc/%d/mem", (int)pid);
	if ((fd = open(proc, O_RDONLY)) == -1 ||
	    pread(fd, buf, size, (off_t)addr) == -1)
		warn("%s", proc);
	if (fd != -1)
		close(fd);
}

const char *
fd_link(pid_t pid, int fd)
{
	static char proc[64];

	if (fd == AT_FDCWD)
		snprintf(proc, sizeof(proc), "/proc/%d/cwd", (int)pid);
	else
		snprintf(proc, sizeof(proc), "/proc/%d/fd/%d", (int)pid, fd);
	return proc;
}

/* Name an object: a path (addr != 0) seen from fd, or what fd refers to. */
static void
object(pid_t pid, int fd, unsigned long long addr, char *buf, size_t size)
{
	char text[PATH_MAX] = "", base[PATH_MAX] = "";

	if (addr != 0)
		tracee_read(pid, addr, text, sizeof(text) - 1);
	if (fd != NO_FD && text[0] != '/' &&
	    readlink(fd_link(pid, fd), base, sizeof(base) - 1) == -1)
		base[0] = '?';
	snprintf(buf, size, "%s%s%s", base,
	    base[0] != '\0' && text[0] != '\0' ? "/" : "", text);
}

/* Is it on a disk, and of a type that this call changes? */
static int
on_disk(pid_t pid, const struct call *c, int fd, const char *name)
{
	struct stat st = { .st_mode = S_IFREG };

	if (fd != NO_FD && stat(fd_link(pid, fd), &st) == -1)
		return 0;
	if (c->kind == 'o')
		stat(name, &st);	/* may not exist yet */
	return (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
	    strncmp(name, "/proc/", 6) != 0 &&
	    strncmp(name, "/sys/", 5) != 0 &&
	    strncmp(name, "/memfd:", 7) != 0 &&
	    (strncmp(name, "/dev/", 5) != 0 ||
	    strncmp(name, "/dev/shm/", 9) == 0);
}

/* Decide by flags and the like, before looking at the object. */
static int
harmless(pid_t pid, int nr, const unsigned long long *arg)
{
	struct open_how how = { 0 };

	if (nr == SYS_ioctl)
		return arg[1] != FICLONE && arg[1] != FICLONERANGE;
	if (nr == SYS_open)
		how.flags = arg[1];
	else if (nr == SYS_openat)
		how.flags = arg[2];
	else if (nr == SYS_openat2)
		tracee_read(pid, arg[2], &how, sizeof(how));
	else
		return 0;
	return (how.flags & (O_ACCMODE | O_CREAT | O_TRUNC)) == O_RDONLY;
}

/* Follow the arguments up to the object that is changed. */
static int
changes(pid_t pid, const struct call *c, const unsigned long long *arg,
    struct change *ch)
{
	char name[2 * PATH_MAX] = "";
	const char *p;
	size_t n = 0;

	if (harmless(pid, c->nr, arg))
		return 0;
	ch->name = c->name;
	ch->kind = c->kind == 'o' ? 'g' : c->kind;
	ch->fd = NO_FD;
	ch->text[0] = '\0';
	for (p = c->args; *p != '\0'; p++, arg++) {
		if (*p == '-')
			continue;
		ch->fd = *p == 'p' ? AT_FDCWD : *p == 't' ? NO_FD : (int)*arg;
		if (*p == 'a')
			arg++;
		object(pid, ch->fd, *p == 'f' ? 0 : *arg, name, sizeof(name));
		if (*p != 'f' && *arg != 0)
			ch->fd = NO_FD;		/* it only led to the object */
		n += (size_t)snprintf(ch->text + n, sizeof(ch->text) - n,
		    "%s%s", n > 0 ? " -> " : "", name);
	}
	return on_disk(pid, c, ch->fd, name);
}

int
call_changes(pid_t pid, const struct user_regs_struct *r, struct change *ch)
{
	unsigned long long arg[] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8 };
	size_t i;

	for (i = 0; i < NCALLS; i++)
		if ((unsigned int)calls[i].nr == r->orig_rax)
			return changes(pid, &calls[i], arg, ch);
	return 0;
}

#else

typedef int nothing_here;	/* an empty file would not be C */

#endif
