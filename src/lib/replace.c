/* SPDX-License-Identifier: ISC */
/* Atomic, durable replacement of a file: see replace.h. */
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "io.h"
#include "replace.h"
#include "util.h"

#define TRIES 100

struct replace {
	char *path;	/* as the caller wrote it, for messages */
	char *name;	/* its last part */
	char *tmp;	/* the temporary name, NULL while there is none */
	int dirfd;
	int fd;
	int slot;
};

static void
replace_free(struct replace *r)
{
	if (r->fd != -1)
		close(r->fd);
	cleanup_now(r->slot);
	if (r->dirfd != -1)
		close(r->dirfd);
	free(r->path);
	free(r->name);
	free(r->tmp);
	free(r);
}

void
replace_abort(struct replace *r)
{
	if (r != NULL)
		replace_free(r);
}

/* Open the directory of r->path and set r->name. */
static int
open_dir(struct replace *r)
{
	const char *slash = strrchr(r->path, '/');
	char *dir;

	if (slash == NULL)
		dir = xstrdup(".");
	else if (slash == r->path)
		dir = xstrdup("/");
	else
		dir = xstrndup(r->path, (size_t)(slash - r->path));
	r->name = xstrdup(slash == NULL ? r->path : slash + 1);
	r->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd == -1)
		warn("%s", dir);
	free(dir);
	return r->dirfd == -1 ? -1 : 0;
}

static int
named_temp(struct replace *r)
{
	unsigned int rnd;
	int i;

	for (i = 0; i < TRIES; i++) {
		if (getrandom(&rnd, sizeof(rnd), 0) != (ssize_t)sizeof(rnd))
			return -1;
		free(r->tmp);
		r->tmp = xasprintf(".%s.%06x", r->name, rnd & 0xffffff);
		if ((r->slot = cleanup_file(r->dirfd, r->tmp)) == -1)
			return -1;
		r->fd = openat(r->dirfd, r->tmp, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
		if (r->fd != -1)
			return 0;
		cleanup_forget(r->slot);
		r->slot = -1;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

struct replace *
replace_open(const char *path)
{
	struct replace *r = xcalloc(1, sizeof(*r));
	struct stat st;

	r->path = xstrdup(path);
	r->dirfd = r->fd = r->slot = -1;
	if (open_dir(r) == -1)
		goto fail;
	if (r->name[0] == '\0' || (fstatat(r->dirfd, r->name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))) {
		warnx("%s: not a regular file; name the file itself", path);
		goto fail;
	}
	r->fd = openat(r->dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (r->fd == -1 && named_temp(r) == -1) {
		warn("%s", path);
		goto fail;
	}
	return r;
fail:
	replace_free(r);
	return NULL;
}

int
replace_fd(const struct replace *r)
{
	return r->fd;
}

static int
settle(struct replace *r, mode_t mode)
{
	if (fchmod(r->fd, mode) == -1)
		return -1;
	return fsync(r->fd);
}

/* Give the unnamed file the name to. */
static int
link_as(struct replace *r, const char *to)
{
	char proc[64];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", r->fd);
	return linkat(AT_FDCWD, proc, r->dirfd, to, AT_SYMLINK_FOLLOW);
}

/*
 * Take .NAME.new away when a killed process left it.  A process that is alive
 * has it locked: then wait until it is through.
 */
static int
remove_stale(const struct replace *r, const char *tmp)
{
	struct stat locked, named;
	int fd, rc = 0;

	fd = openat(r->dirfd, tmp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (flock(fd, LOCK_EX) == -1 || fstat(fd, &locked) == -1)
		rc = -1;
	else if (fstatat(r->dirfd, tmp, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    locked.st_ino == named.st_ino)
		rc = unlinkat(r->dirfd, tmp, 0);
	close(fd);
	return rc;
}

/* Link to .NAME.new and rename over NAME; signals wait in between. */
static int
link_over(struct replace *r)
{
	char *tmp = xasprintf(".%s.new", r->name);
	sigset_t all, old;
	int rc, e;

	sigfillset(&all);
	if ((rc = flock(r->fd, LOCK_EX)) == -1)
		goto out;
	do {
		sigprocmask(SIG_BLOCK, &all, &old);
		rc = link_as(r, tmp);
		e = errno;
		if (rc == 0 && (rc = renameat(r->dirfd, tmp, r->dirfd,
		    r->name)) == -1) {
			e = errno;
			unlinkat(r->dirfd, tmp, 0);
		}
		sigprocmask(SIG_SETMASK, &old, NULL);
		errno = e;
	} while (rc == -1 && e == EEXIST && remove_stale(r, tmp) == 0);
out:
	free(tmp);
	return rc;
}

int
replace_commit(struct replace *r, mode_t mode)
{
	int rc = settle(r, mode);

	if (rc == 0 && r->tmp == NULL)
		rc = link_over(r);
	else if (rc == 0 && (rc = renameat(r->dirfd, r->tmp, r->dirfd,
	    r->name)) == 0)
		cleanup_forget(r->slot);
	if (rc == -1)
		warn("%s", r->path);
	else if ((rc = fsync(r->dirfd)) == -1)
		warn("%s: in place, but its directory could not be synced",
		    r->path);
	replace_free(r);
	return rc;
}

int
replace_create(struct replace *r, mode_t mode)
{
	int rc = settle(r, mode);

	if (rc == 0)
		rc = r->tmp == NULL ? link_as(r, r->name) :
		    linkat(r->dirfd, r->tmp, r->dirfd, r->name, 0);
	if (rc == -1)
		warn("%s", r->path);
	else {
		cleanup_now(r->slot);
		if ((rc = fsync(r->dirfd)) == -1) {
			warn("%s", r->path);
			unlinkat(r->dirfd, r->name, 0);
		}
	}
	replace_free(r);
	return rc;
}

static struct replace *
filled(const char *path, const void *buf, size_t len)
{
	struct replace *r;

	if ((r = replace_open(path)) == NULL)
		return NULL;
	if (io_write(r->fd, buf, len) == -1) {
		warn("%s", path);
		replace_free(r);
		return NULL;
	}
	return r;
}

int
replace_write(const char *path, mode_t mode, const void *buf, size_t len)
{
	struct replace *r = filled(path, buf, len);

	return r == NULL ? -1 : replace_commit(r, mode);
}

int
replace_write_new(const char *path, mode_t mode, const void *buf, size_t len)
{
	struct replace *r = filled(path, buf, len);

	return r == NULL ? -1 : replace_create(r, mode);
}
