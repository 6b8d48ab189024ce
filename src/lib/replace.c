/* SPDX-License-Identifier: ISC */
/* Atomic, durable replacement of a file: see replace.h. */
#include <sys/random.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
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
	if (mode != 0600 && fchmod(r->fd, mode) == -1)
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
 * Link to .NAME.new and rename over NAME.  A .NAME.new that is there was left
 * by a kill, or another process is at this very point: either way it may go,
 * for the other one notices at its rename and links again.
 */
static int
link_over(struct replace *r)
{
	char *tmp = xasprintf(".%s.new", r->name);
	int i, rc = -1;

	for (i = 0; i < TRIES; i++) {
		r->slot = cleanup_file(r->dirfd, tmp);
		if (link_as(r, tmp) == -1) {
			cleanup_forget(r->slot);
			r->slot = -1;
			if (errno != EEXIST)
				break;
			if (unlinkat(r->dirfd, tmp, 0) == -1 && errno != ENOENT)
				break;
			continue;
		}
		rc = renameat(r->dirfd, tmp, r->dirfd, r->name);
		if (rc == 0)
			cleanup_forget(r->slot);
		if (rc == 0 || errno != ENOENT)
			break;
		cleanup_forget(r->slot);
		r->slot = -1;
	}
	free(tmp);
	return rc;
}

static int
done(struct replace *r, int rc)
{
	if (rc == -1)
		warn("%s", r->path);
	else if ((rc = fsync(r->dirfd)) == -1)
		warn("%s: in place, but its directory could not be synced",
		    r->path);
	replace_free(r);
	return rc;
}

int
replace_commit(struct replace *r, mode_t mode)
{
	int rc;

	if ((rc = settle(r, mode)) == 0) {
		if (r->tmp == NULL)
			rc = link_over(r);
		else if ((rc = renameat(r->dirfd, r->tmp, r->dirfd,
		    r->name)) == 0)
			cleanup_forget(r->slot);
	}
	return done(r, rc);
}

int
replace_create(struct replace *r, mode_t mode)
{
	int rc;

	if ((rc = settle(r, mode)) == 0)
		rc = r->tmp == NULL ? link_as(r, r->name) :
		    linkat(r->dirfd, r->tmp, r->dirfd, r->name, 0);
	return done(r, rc);
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
