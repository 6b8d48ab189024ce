/* SPDX-License-Identifier: ISC */
/* One generation of a store: see storegen.h. */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "storegen.h"
#include "util.h"

#define TRIES 100
#define FILE_MAX ((off_t)16 << 20)	/* above all that is put here */

const char *
gen_of(const char *target)
{
	const char *name = target + strlen("gen/");

	if (strncmp(target, "gen/", strlen("gen/")) != 0 || name[0] == '\0' ||
	    name[0] == '.' || strchr(name, '/') != NULL)
		return NULL;
	return name;
}

int
gen_fail(const struct store *s, const char *name)
{
	warn("%s/%s", s->path, name);
	return -1;
}

/* Give the file its mode and the group of the store. */
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

static int
open_dir(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

int
gen_dir(const struct store *s, int dirfd, const char *name, mode_t mode)
{
	int fd, made = mkdirat(dirfd, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return -1;
	if ((fd = open_dir(dirfd, name)) == -1)
		return -1;
	if (((made || !group_enters(s, fd)) && own(s, fd,
	    s->gid == STORE_NO_GROUP ? 0700 : mode) == -1) ||
	    (made && fsync(dirfd) == -1)) {
		close(fd);
		return -1;
	}
	return fd;
}

int
gen_path(const struct store *s, const char *path, int missing)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char *up;
	int dirfd, fd = -1;

	up = slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
	dirfd = open(up, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1 && errno == ENOENT && missing > 1)
		dirfd = gen_path(s, up, missing - 1);
	if (dirfd != -1) {
		fd = gen_dir(s, dirfd, strcmp(path, "/") == 0 ? "." : name,
		    0750);
		close(dirfd);
	}
	free(up);
	return fd;
}

int
gen_file(const struct store *s, int dir, const struct store_file *f)
{
	int fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd == -1)
		return -1;
	rc = own(s, fd, f->mode) == 0 &&
	    io_write(fd, f->text, f->len) == 0 && fsync(fd) == 0 ? 0 : -1;
	if (close(fd) == -1)
		rc = -1;
	return rc;
}

int
gen_make(const struct store *s, const struct store_file *files, size_t n)
{
	const char *at = "";
	int dir, rc = 0;
	size_t i;

	if ((dir = gen_dir(s, s->gen, GEN_NEW, 0750)) == -1)
		return gen_fail(s, "gen/" GEN_NEW);
	for (i = 0; rc == 0 && i < n; i++)
		if ((rc = gen_file(s, dir, &files[i])) == -1)
			at = files[i].name;
	if (rc == 0)
		rc = fsync(dir);
	if (rc == -1)
		warn("%s/gen/" GEN_NEW "/%s", s->path, at);
	close(dir);
	return rc;
}

char *
gen_name(const struct store *s, const char *name)
{
	char *final = xstrdup(name);
	int i;

	for (i = 2; i < TRIES; i++) {
		if (renameat(s->gen, GEN_NEW, s->gen, final) == 0)
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

/* Is this a file of a generation that can be read?  1, 0, or -1 with errno. */
static int
file_whole(int dir, const char *name, int may_be_empty)
{
	struct stat st;
	int fd, rc;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	rc = fstat(fd, &st);
	if (rc == 0)
		rc = S_ISREG(st.st_mode) && (may_be_empty || st.st_size > 0);
	close(fd);
	return rc;
}

int
gen_whole(const struct store *s, const char *name)
{
	int rc, dir = open_dir(s->gen, name);

	if (dir == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if ((rc = file_whole(dir, "key.pem", 0)) == 1 &&
	    (rc = file_whole(dir, "cert.pem", 0)) == 1 &&
	    (rc = file_whole(dir, "chain.pem", 1)) == 1 &&
	    (rc = file_whole(dir, "fullchain.pem", 0)) == 1)
		rc = file_whole(dir, "keychain.pem", 0);
	close(dir);
	return rc;
}

/*
 * Overwrite the file and make it empty, on the disk.  One that has a second
 * name is not ours alone, and one of that size (a terabyte that has never been
 * written, say) is not ours: they are left as they are.  0, or -1 with errno.
 */
static int
overwrite(int dir, const char *name)
{
	static const char zeros[4096];
	struct stat st;
	off_t left;
	int fd, rc = -1;

	fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)	/* a link, a pipe or a socket has no bytes */
		return errno == ELOOP || errno == ENXIO ? 0 : -1;
	if (fstat(fd, &st) == -1)
		goto out;
	if (!S_ISREG(st.st_mode)) {
		rc = 0;
		goto out;
	}
	if (st.st_nlink > 1 || st.st_size > FILE_MAX) {
		errno = st.st_nlink > 1 ? EMLINK : EFBIG;
		goto out;
	}
	for (left = st.st_size, rc = 0; rc == 0 && left > 0;
	    left -= (off_t)sizeof(zeros))
		rc = io_write(fd, zeros, left < (off_t)sizeof(zeros) ?
		    (size_t)left : sizeof(zeros));
	if (rc == 0 && fsync(fd) == -1)
		rc = -1;
	if (rc == 0)
		rc = ftruncate(fd, 0);
out:
	close(fd);
	return rc;
}

/* The same for all files of a directory, then remove them; as remove_dir(). */
static int
empty(DIR *dir)
{
	struct dirent *e;
	int stays = 0, why = 0;

	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (overwrite(dirfd(dir), e->d_name) == -1 && why == 0)
			why = errno;
		if (unlinkat(dirfd(dir), e->d_name, 0) == -1 && stays == 0)
			stays = errno;
	}
	errno = stays != 0 ? stays : why;
	return stays != 0 ? -1 : why != 0;
}

/* gen_remove() without messages; 1 when it is gone, but not overwritten. */
static int
remove_dir(const struct store *s, const char *name)
{
	DIR *dir;
	int fd, rc, why;

	if ((fd = open_dir(s->gen, name)) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	rc = empty(dir);
	why = errno;
	closedir(dir);
	if (rc != -1 && unlinkat(s->gen, name, AT_REMOVEDIR) == -1)
		return -1;
	errno = why;
	return rc;
}

void
gen_undo(const struct store *s, const char *name)
{
	remove_dir(s, name);
}

int
gen_remove(const struct store *s, const char *name)
{
	int rc = remove_dir(s, name);

	if (rc == 1)
		warn("%s/gen/%s: removed, but not all could be overwritten",
		    s->path, name);
	else if (rc == -1)
		warn("%s/gen/%s", s->path, name);
	return rc == 0 ? 0 : -1;
}

/* The next generation in dir that is not the one to keep, or NULL. */
static const char *
next_gen(DIR *dir, const char *keep)
{
	struct dirent *e;
	struct stat st;

	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, keep) != 0 &&
		    fstatat(dirfd(dir), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			return e->d_name;
	return NULL;
}

int
gen_remove_others(const struct store *s, const char *keep)
{
	int rc = 0, removed = 0, fd = open_dir(s->gen, ".");
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const char *name;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return gen_fail(s, "gen");
	}
	while ((name = next_gen(dir, keep)) != NULL) {
		removed = 1;
		if (gen_remove(s, name) == -1)
			rc = -1;
	}
	closedir(dir);
	if (removed && fsync(s->gen) == -1 && rc == 0)
		rc = gen_fail(s, "gen");
	return rc;
}
