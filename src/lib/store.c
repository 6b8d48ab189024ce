/* SPDX-License-Identifier: ISC */
/* Generations of a key with its certificates: see store.h. */
#include <sys/file.h>
#include <sys/stat.h>

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
#include "store.h"
#include "storegen.h"
#include "storelink.h"
#include "util.h"

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

/*
 * The lock is that of gen: nobody else can open that, and so hold it.  (A group
 * gets through to the keys, and that is all.)
 */
static int
lock_and_heal(struct store *s, int make)
{
	s->gen = make ? gen_dir(s, s->fd, "gen", 0710) : openat(s->fd, "gen",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->gen == -1) {
		gen_fail(s, "gen");
		return EX_ERR;
	}
	if (flock(s->gen, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK)
			return refuse(s->path);
		warnx("%s: busy: another process is changing it", s->path);
		return EX_TEMP;
	}
	if (link_heal(s) == -1 || gen_remove(s, GEN_NEW) == -1)
		return EX_ERR;
	return EX_YES;
}

static int
open_store(const char *path, gid_t gid, int make, struct store **out)
{
	struct store *s = xcalloc(1, sizeof(*s));
	size_t len = strlen(path);
	int rc;

	while (len > 1 && path[len - 1] == '/')
		len--;
	s->path = xstrndup(path, len);
	s->gid = gid;
	s->gen = -1;
	s->fd = make ? gen_path(s, s->path, 2) : open(s->path, O_RDONLY |
	    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = s->fd == -1 ? refuse(s->path) : lock_and_heal(s, make);
	if (rc == EX_YES)
		*out = s;
	else
		store_close(s);
	return rc;
}

int
store_open(const char *path, struct store **s)
{
	return open_store(path, STORE_NO_GROUP, 0, s);
}

int
store_make(const char *path, gid_t gid, struct store **s)
{
	return open_store(path, gid, 1, s);
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

/* Signals wait until work that has begun is done. */
static void
hold(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, old);
}

/*
 * Where a rollback shall lead: what is current, or rather what is proven.  1,
 * 0 when there is no current, -1 with a message.
 */
static int
way_back(const struct store *s, char way[PATH_MAX])
{
	char proven[PATH_MAX];
	int whole, have = link_read(s, "current", way);

	if (have != 1 || (have = link_read(s, "proven", proven)) == -1)
		return have;
	if (have == 1 && gen_of(proven) != NULL) {
		if ((whole = gen_whole(s, gen_of(proven))) == -1)
			return gen_fail(s, proven);
		if (whole)
			memcpy(way, proven, PATH_MAX);
	}
	return 1;
}

/* store_install() once signals are held back. */
static char *
install(const struct store *s, const char *name,
    const struct store_file *files, size_t n)
{
	char way[PATH_MAX], *final = NULL, *target = NULL, *path = NULL;
	int have, ok, made = 0;

	if ((have = way_back(s, way)) == -1)
		return NULL;
	if (gen_make(s, files, n) == -1 ||
	    (final = gen_name(s, name)) == NULL) {
		gen_undo(s, GEN_NEW);
		return NULL;
	}
	target = xasprintf("gen/%s", final);
	path = xasprintf("%s/%s", s->path, target);
	if (fsync(s->gen) == -1)
		ok = gen_fail(s, "gen");
	else
		ok = link_switch(s, target, have ? way : NULL, &made);
	if (ok == -1) {
		if (!made)
			gen_undo(s, final);
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
	sigset_t old;
	char *path;

	hold(&old);
	path = install(s, name, files, n);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return path;
}

/* Where current leads, which must be there.  0, or -1 with a message. */
static int
read_current(const struct store *s, char target[PATH_MAX])
{
	int have = link_read(s, "current", target);

	if (have == 0)
		warnx("%s/current: there is none", s->path);
	return have == 1 ? 0 : -1;
}

/* Is what name leads to a whole generation?  1, 0 or -1 with a message. */
static int
whole(const struct store *s, const char *name, const char *target)
{
	int rc = 0;

	if (gen_of(target) == NULL)
		warnx("%s/%s: \"%s\" is no generation of this store", s->path,
		    name, esc(target));
	else if ((rc = gen_whole(s, gen_of(target))) == -1)
		gen_fail(s, target);
	else if (rc == 0)
		warnx("%s/%s: not a whole generation", s->path, esc(target));
	return rc;
}

int
store_previous(const struct store *s, char **path)
{
	char current[PATH_MAX], *target = NULL;
	int is, rc = EX_NO;

	if (read_current(s, current) == -1 || link_previous(s, &target) == -1)
		return EX_ERR;
	if (target == NULL) {
		warnx("%s/previous: there is none", s->path);
	} else if (strcmp(target, current) == 0) {
		warnx("%s/previous: it is the current one", s->path);
	} else if ((is = whole(s, "previous", target)) == 1) {
		*path = xasprintf("%s/%s", s->path, target);
		rc = EX_YES;
	} else if (is == -1) {
		rc = EX_ERR;
	}
	free(target);
	return rc;
}

int
store_swap(struct store *s)
{
	char current[PATH_MAX], *target = NULL;
	int made, rc = -1;
	sigset_t old;

	hold(&old);
	if (read_current(s, current) == 0 && link_previous(s, &target) == 0)
		rc = link_switch(s, target, current, &made);
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(target);
	return rc;
}

/* store_commit() once signals are held back. */
static int
commit(const struct store *s)
{
	char current[PATH_MAX];

	if (read_current(s, current) == -1 ||
	    whole(s, "current", current) != 1 ||
	    link_prove(s, current) == -1 ||
	    gen_remove_others(s, gen_of(current)) == -1)
		return -1;
	return link_forget(s);
}

int
store_commit(struct store *s)
{
	sigset_t old;
	int rc;

	hold(&old);
	rc = commit(s);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int
store_report(const char *path)
{
	if (io_write(STDOUT_FILENO, path, strlen(path)) == 0 &&
	    io_write(STDOUT_FILENO, "\n", 1) == 0 &&
	    close(STDOUT_FILENO) == 0)
		return EX_YES;
	warn("stdout: %s is current now, but saying so failed", path);
	return EX_ERR;
}
