/* SPDX-License-Identifier: ISC */
/* The names of a store: see storelink.h. */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "storelink.h"
#include "util.h"

#define NEW_CURRENT ".current.new"
#define NEW_PREVIOUS ".previous.new"
#define NEW_PROVEN ".proven.new"

int
link_read(const struct store *s, const char *name, char target[PATH_MAX])
{
	ssize_t n = readlinkat(s->fd, name, target, PATH_MAX - 1);

	if (n == -1 && errno == ENOENT)
		return 0;
	if (n == -1 && errno == EINVAL) {
		warnx("%s/%s: not a symbolic link", s->path, name);
		return -1;
	}
	if (n == -1)
		return gen_fail(s, name);
	target[n] = '\0';
	return 1;
}

int
link_previous(const struct store *s, char **target)
{
	char *name;
	size_t len;
	int fd;

	*target = NULL;
	fd = openat(s->fd, "previous", O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : gen_fail(s, "previous");
	name = xasprintf("%s/previous", s->path);
	if ((*target = io_slurp_fd(fd, name, PATH_MAX, &len)) != NULL)
		(*target)[strcspn(*target, "\n")] = '\0';
	free(name);
	close(fd);
	return *target != NULL ? 0 : -1;
}

static int
exists(const struct store *s, const char *name)
{
	struct stat st;

	return fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 0, also when it is not there, or -1 with errno. */
static int
take_away(const struct store *s, const char *name)
{
	if (unlinkat(s->fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	return -1;
}

/* Give up a switch.  The link goes last: without it the switch was made. */
static int
no_switch(const struct store *s)
{
	if (take_away(s, NEW_PREVIOUS) == -1)
		return -1;
	return take_away(s, NEW_CURRENT);
}

/* Prepare both names, on the disk.  0, or -1 with a message. */
static int
prepare(const struct store *s, const char *target, const char *was)
{
	char *line = was == NULL ? NULL : xasprintf("%s\n", was);
	int rc;

	if (symlinkat(target, s->fd, NEW_CURRENT) == -1)
		rc = gen_fail(s, NEW_CURRENT);
	else if (line != NULL && gen_file(s, s->fd, &(struct store_file){
	    NEW_PREVIOUS, 0644, line, strlen(line)}) == -1)
		rc = gen_fail(s, NEW_PREVIOUS);
	else if ((rc = fsync(s->fd)) == -1)
		warn("%s", s->path);
	free(line);
	return rc;
}

int
link_switch(const struct store *s, const char *target, const char *was,
    int *made)
{
	int rc = prepare(s, target, was);

	*made = 0;
	if (rc == 0 && (rc = renameat(s->fd, NEW_CURRENT, s->fd,
	    "current")) == -1)
		gen_fail(s, "current");
	if (rc == -1) {
		no_switch(s);
		return -1;
	}
	*made = 1;
	if (was != NULL && (rc = renameat(s->fd, NEW_PREVIOUS, s->fd,
	    "previous")) == -1)
		warn("%s/%s: in place and current, but previous could not be "
		    "written", s->path, target);
	else if ((rc = fsync(s->fd)) == -1)
		warn("%s/%s: in place and current, but could not be synced",
		    s->path, target);
	return rc;
}

static int
synced(const struct store *s)
{
	if (fsync(s->fd) == 0)
		return 0;
	warn("%s", s->path);
	return -1;
}

int
link_prove(const struct store *s, const char *target)
{
	char proven[PATH_MAX];
	int have = link_read(s, "proven", proven);

	if (have == -1)
		return -1;
	if (have == 1 && strcmp(proven, target) == 0)
		return 0;
	if (symlinkat(target, s->fd, NEW_PROVEN) == -1)
		return gen_fail(s, NEW_PROVEN);
	if (renameat(s->fd, NEW_PROVEN, s->fd, "proven") == -1) {
		gen_fail(s, "proven");
		take_away(s, NEW_PROVEN);
		return -1;
	}
	return synced(s);
}

int
link_forget(const struct store *s)
{
	if (!exists(s, "previous"))
		return 0;
	if (take_away(s, "previous") == -1)
		return gen_fail(s, "previous");
	return synced(s);
}

int
link_heal(const struct store *s)
{
	if (take_away(s, NEW_PROVEN) == -1)
		return gen_fail(s, NEW_PROVEN);
	if (exists(s, NEW_CURRENT))
		return no_switch(s) == 0 ? 0 : gen_fail(s, NEW_CURRENT);
	if (renameat(s->fd, NEW_PREVIOUS, s->fd, "previous") == -1 &&
	    errno != ENOENT)
		return gen_fail(s, "previous");
	return 0;
}
