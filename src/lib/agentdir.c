/* SPDX-License-Identifier: ISC */
/* Names and files of a directory of configuration: see agentdir.h. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentdir.h"
#include "io.h"
#include "util.h"

#define CERTS_MAX 10000
#define NAME_LEN 64
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789._-"

/* Begin a certificate, whose name is owned from now on. */
static void
add(struct agentdir *d, char *name, const char *base, const char *path)
{
	if ((d->n & (d->n - 1)) == 0)
		d->v = xrealloc(d->v, (d->n != 0 ? 2 * d->n : 1) *
		    sizeof(*d->v));
	d->v[d->n] = (struct agentcert){.base = xstrdup(base),
	    .conf.name = name};
	agentfile_begin(&d->v[d->n++].file, path);
}

/* Forget all of them. */
static void
drop(struct agentdir *d)
{
	for (; d->n > 0; d->n--) {
		agentfile_free(&d->v[d->n - 1].file);
		free(d->v[d->n - 1].base);
		free(d->v[d->n - 1].conf.name);
	}
}

/*
 * A file of the directory: a certificate, or nothing of ours.  -1 after a
 * message when it cannot be one and looks so.
 */
static int
found(struct agentdir *d, const char *dir, const char *base)
{
	const char *dot = strrchr(base, '.');
	char *path, *name;
	int rc = -1;

	if (*base == '.' || dot == NULL ||
	    (strcmp(dot, ".conf") != 0 && strcmp(dot, ".json") != 0))
		return 0;
	path = xasprintf("%s/%s", dir, base);
	name = xstrndup(base, (size_t)(dot - base));
	if (*name == '-' || strlen(name) > NAME_LEN ||
	    name[strspn(name, NAME_CHARS)] != '\0')
		warnx("%s: not a name for a certificate; up to %d letters, "
		    "digits, . _ and - are, no - first", esc(path), NAME_LEN);
	else if (strcmp(name, "defaults") == 0)
		warnx("%s: not the name of a certificate; the file with the "
		    "defaults is called defaults, without %s", path, dot);
	else {
		add(d, name, base, path);
		name = NULL;
		rc = 0;
	}
	free(name);
	free(path);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	const struct agentcert *x = a, *y = b;
	int rc = strcmp(x->conf.name, y->conf.name);

	return rc != 0 ? rc : strcmp(x->base, y->base);
}

/* All files of the open directory, in order of their names. */
static int
list(struct agentdir *d, const char *dir, int fd)
{
	DIR *stream = fdopendir(dup(fd));
	struct dirent *e;
	int rc = 0;

	errno = stream == NULL ? errno : 0;
	while (stream != NULL && d->n <= CERTS_MAX &&
	    (e = readdir(stream)) != NULL) {
		if (found(d, dir, e->d_name) == -1)
			rc = -1;
		errno = 0;
	}
	if (d->n > CERTS_MAX) {
		warnx("%s: more than %d certificates; make a second directory "
		    "for a second agent", dir, CERTS_MAX);
		drop(d);
		rc = -1;
	} else if (errno != 0) {
		warn("%s", dir);
		rc = -1;
	}
	if (stream != NULL)
		closedir(stream);
	if (d->n > 0)
		qsort(d->v, d->n, sizeof(*d->v), by_name);
	return rc;
}

int
agentdir_read(struct agentdir *d, const char *dir)
{
	struct agentcert *c;
	int fd, rc;
	size_t i;

	if ((fd = io_open_dir(dir)) == -1)
		return -1;
	rc = list(d, dir, fd);
	if (faccessat(fd, "defaults", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		agentfile_read(&d->defaults, fd, "defaults", AF_DEFAULTS);
	for (i = 0; i < d->n; i++) {
		c = &d->v[i];
		agentfile_read(&c->file, fd, c->base,
		    strcmp(strrchr(c->base, '.'), ".json") == 0 ?
		    AF_JSON : AF_CONF);
		if (i > 0 && strcmp(c[-1].conf.name, c->conf.name) == 0) {
			warnx("%s: there is %s too; keep one of them",
			    c->file.name, c[-1].base);
			rc = -1;
		}
	}
	close(fd);
	return rc;
}
