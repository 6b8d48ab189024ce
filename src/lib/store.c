/* SPDX-License-Identifier: ISC */
/* Generations of a key with its certificates: see store.h. */
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "replace.h"
#include "store.h"
#include "util.h"

#define NEW_GEN ".new"
#define NEW_LINK ".current.new"
#define TRIES 100

struct store {
	char *path;	/* without slashes at the end */
	gid_t gid;
	int fd;		/* path, locked */
	int gen;	/* path/gen */
};

/* Print errno about path/name. */
static int
fail(const struct store *s, const char *name)
{
	warn("%s/%s", s->path, name);
	return -1;
}

static int
own(const struct store *s, int fd, mode_t mode)
{
	if (s->gid != STORE_NO_GROUP && fchown(fd, (uid_t)-1, s->gid) == -1)
		return -1;
	return fchmod(fd, mode);
}

/* Can the group, where one is wanted, enter this directory? */
static int
group_enters(const struct store *s, int fd)
{
	struct stat st;

	return s->gid == STORE_NO_GROUP || (fstat(fd, &st) == 0 &&
	    ((st.st_mode & S_IXOTH) != 0 ||
	    ((st.st_mode & S_IXGRP) != 0 && st.st_gid == s->gid)));
}

/* Open the directory name in dirfd, made when it is missing. */
static int
open_made(const struct store *s, int dirfd, const char *name)
{
	int fd, made = mkdirat(dirfd, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return -1;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (((made || !group_enters(s, fd)) && own(s, fd,
	    s->gid == STORE_NO_GROUP ? 0700 : 0750) == -1) ||
	    (made && fsync(dirfd) == -1)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The same for a path, of which the last parts may be missing. */
static int
open_path(const struct store *s, const char *path, int missing)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char *up;
	int dirfd, fd = -1;

	up = slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
	dirfd = open(up, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1 && errno == ENOENT && missing > 1)
		dirfd = open_path(s, up, missing - 1);
	if (dirfd != -1) {
		fd = open_made(s, dirfd, strcmp(path, "/") == 0 ? "." : name);
		close(dirfd);
	}
	free(up);
	return fd;
}

/* Remove the directory name in gen with all files in it. */
static int
remove_gen(const struct store *s, const char *name)
{
	struct dirent *e;
	DIR *dir;
	int fd, rc = 0;

	fd = openat(s->gen, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (rc == 0 && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = unlinkat(fd, e->d_name, 0);
	closedir(dir);
	return rc == 0 ? unlinkat(s->gen, name, AT_REMOVEDIR) : -1;
}

/* Remove what a killed process left. */
static int
heal(const struct store *s)
{
	if (remove_gen(s, NEW_GEN) == -1)
		return fail(s, "gen/" NEW_GEN);
	if (unlinkat(s->fd, NEW_LINK, 0) == -1 && errno != ENOENT)
		return fail(s, NEW_LINK);
	return 0;
}

static int
refuse(const char *path)
{
	struct stat st;
	int e = errno;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		warnx("%s: a symbolic link; name the directory itself", path);
	else {
		errno = e;
		warn("%s", path);
	}
	return EX_ERR;
}

static int
lock_and_heal(struct store *s)
{
	if (flock(s->fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK)
			return refuse(s->path);
		warnx("%s: busy: another process is changing it", s->path);
		return EX_TEMP;
	}
	if ((s->gen = open_made(s, s->fd, "gen")) == -1) {
		fail(s, "gen");
		return EX_ERR;
	}
	return heal(s) == 0 ? EX_YES : EX_ERR;
}

int
store_open(const char *path, gid_t gid, struct store **out)
{
	struct store *s = xcalloc(1, sizeof(*s));
	size_t len = strlen(path);
	int rc;

	while (len > 1 && path[len - 1] == '/')
		len--;
	s->path = xstrndup(path, len);
	s->gid = gid;
	s->gen = -1;
	if ((s->fd = open_path(s, s->path, 2)) == -1)
		rc = refuse(s->path);
	else
		rc = lock_and_heal(s);
	if (rc == EX_YES)
		*out = s;
	else
		store_close(s);
	return rc;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->gen != -1)
		close(s->gen);
	if (s->fd != -1)
		close(s->fd);
	free(s->path);
	free(s);
}

static int
put_file(const struct store *s, int dir, const struct store_file *f)
{
	int fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd == -1)
		return -1;
	rc = own(s, fd, f->mode) == 0 && io_write(fd, f->text, f->len) == 0 &&
	    fsync(fd) == 0 ? 0 : -1;
	if (close(fd) == -1)
		rc = -1;
	return rc;
}

/* Make gen/.new with all files, on the disk. */
static int
make_gen(const struct store *s, const struct store_file *files, size_t n)
{
	const char *at = "";
	int dir, rc = 0;
	size_t i;

	if ((dir = open_made(s, s->gen, NEW_GEN)) == -1)
		return fail(s, "gen/" NEW_GEN);
	for (i = 0; rc == 0 && i < n; i++)
		if ((rc = put_file(s, dir, &files[i])) == -1)
			at = files[i].name;
	if (rc == 0)
		rc = fsync(dir);
	if (rc == -1)
		warn("%s/gen/" NEW_GEN "/%s", s->path, at);
	close(dir);
	return rc;
}

/* Give gen/.new its name, or one with a number behind.  NULL with a message. */
static char *
name_gen(const struct store *s, const char *name)
{
	char *final = xstrdup(name);
	int i;

	for (i = 2; i < TRIES; i++) {
		if (renameat(s->gen, NEW_GEN, s->gen, final) == 0)
			return final;
		if (errno != EEXIST && errno != ENOTEMPTY)
			break;
		free(final);
		final = xasprintf("%s-%d", name, i);
	}
	warn("%s/gen/%s", s->path, final);
	free(final);
	return NULL;
}

/* Read the target of current into a buffer of PATH_MAX bytes: 1, 0 no, -1. */
static int
read_current(const struct store *s, char *target)
{
	ssize_t n = readlinkat(s->fd, "current", target, PATH_MAX - 1);

	if (n == -1 && errno == ENOENT)
		return 0;
	if (n == -1 && errno == EINVAL) {
		warnx("%s/current: not a symbolic link", s->path);
		return -1;
	}
	if (n == -1)
		return fail(s, "current");
	target[n] = '\0';
	return 1;
}

/* Let previous hold this line, or be gone when it is NULL. */
static int
write_previous(const struct store *s, const char *line)
{
	char *path = xasprintf("%s/previous", s->path);
	int rc;

	if (line != NULL)
		rc = replace_write(path, 0644, line, strlen(line));
	else
		rc = unlink(path);
	free(path);
	return rc;
}

/* What previous holds; NULL when there is none. */
static char *
read_previous(const struct store *s)
{
	int fd = openat(s->fd, "previous", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *text;
	size_t len;

	if (fd == -1)
		return NULL;
	text = io_slurp_fd(fd, "previous", PATH_MAX, &len);
	close(fd);
	return text;
}

/*
 * Switch current to target.  was is its old target, or NULL.  previous comes
 * first: a kill in between makes it name what is still current, and never
 * something older than what was replaced.
 */
static int
switch_to(const struct store *s, const char *target, const char *was)
{
	char *line = was == NULL ? NULL : xasprintf("%s\n", was);
	char *old = was == NULL ? NULL : read_previous(s);
	int rc = -1;

	if (symlinkat(target, s->fd, NEW_LINK) == -1) {
		fail(s, NEW_LINK);
		goto out;
	}
	if ((line == NULL || write_previous(s, line) == 0) &&
	    (rc = renameat(s->fd, NEW_LINK, s->fd, "current")) == -1)
		fail(s, "current");
	if (rc == -1) {
		unlinkat(s->fd, NEW_LINK, 0);
		if (line != NULL)
			write_previous(s, old);
	}
out:
	free(line);
	free(old);
	return rc;
}

/* store_install() once signals are held back. */
static char *
install(const struct store *s, const char *name,
    const struct store_file *files, size_t n)
{
	char was[PATH_MAX], *final = NULL, *target = NULL, *path = NULL;
	int have, ok;

	if ((have = read_current(s, was)) == -1)
		return NULL;
	if (make_gen(s, files, n) == -1 ||
	    (final = name_gen(s, name)) == NULL) {
		remove_gen(s, NEW_GEN);
		return NULL;
	}
	target = xasprintf("gen/%s", final);
	path = xasprintf("%s/%s", s->path, target);
	if (fsync(s->gen) == -1)
		ok = fail(s, "gen");
	else
		ok = switch_to(s, target, have ? was : NULL);
	if (ok == -1)
		remove_gen(s, final);
	else if ((ok = fsync(s->fd)) == -1)
		warn("%s: in place and current, but could not be synced", path);
	if (ok == -1) {
		free(path);
		path = NULL;
	}
	free(target);
	free(final);
	return path;
}

char *
store_install(struct store *s, const char *name,
    const struct store_file *files, size_t n)
{
	sigset_t hold, old;
	char *path;

	sigfillset(&hold);
	sigprocmask(SIG_BLOCK, &hold, &old);
	path = install(s, name, files, n);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return path;
}
