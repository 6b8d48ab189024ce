/* SPDX-License-Identifier: ISC */
/* Files, groups and programs the agents need: see agentthere.h. */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentthere.h"
#include "util.h"

#define SHOWN 200

/* Why path cannot be used in that way (R_OK, X_OK), or NULL. */
static char *
cannot(const char *path, int how, struct stat *st)
{
	if (stat(path, st) == -1 || faccessat(AT_FDCWD, path, how,
	    AT_EACCESS) == -1)
		return xasprintf("%s: %s; user %ld has to be able to %s it",
		    esc(path), strerror(errno), (long)geteuid(),
		    how == X_OK ? "execute" : "read");
	return NULL;
}

static char *
readable(const char *path, struct stat *st)
{
	char *why = cannot(path, R_OK, st);

	if (why == NULL && !S_ISREG(st->st_mode))
		why = xasprintf("%s: not a file; a regular file is needed",
		    esc(path));
	return why;
}

static char *
secret(const char *path)
{
	struct stat st;
	char *why = readable(path, &st);

	if (why == NULL &&
	    (st.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0)
		why = xasprintf("%s: mode %04o, open to others; "
		    "chmod 0600 or 0640", esc(path),
		    (unsigned int)st.st_mode & 07777);
	return why;
}

static char *
token(const char *path)
{
	return access(path, F_OK) == -1 && errno == ENOENT ? NULL :
	    secret(path);
}

static char *
directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return xasprintf("%s: %s; make it: mkdir -p", esc(path),
		    strerror(errno));
	return S_ISDIR(st.st_mode) ? NULL :
	    xasprintf("%s: not a directory; one is needed", esc(path));
}

static char *
group(const char *name)
{
	static char *last;	/* the one that was there */

	if (name[strspn(name, "0123456789")] == '\0' ||
	    (last != NULL && strcmp(last, name) == 0))
		return NULL;
	if (getgrnam(name) == NULL)
		return xasprintf("%s: no such group; groupadd, or name one "
		    "of those that `getent group` shows", esc(name));
	free(last);
	last = xstrdup(name);
	return NULL;
}

/*
 * Where the hooks are that came with us, beside the directory of this program:
 * as installed, or as in the tree.
 */
static const char *
hooks_dir(void)
{
	static char *dir;
	char exe[PATH_MAX], *slash;
	ssize_t n;
	int i;

	if (dir != NULL)
		return dir;
	if ((slash = getenv("ECA_HOOKS_DIR")) != NULL && *slash == '/')
		return dir = xstrdup(slash);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	for (i = 0; i < 2; i++)
		if ((slash = strrchr(exe, '/')) != NULL)
			*slash = '\0';
	dir = xasprintf("%s/libexec/eca/hooks", exe);
	if (access(dir, F_OK) == -1) {
		free(dir);
		dir = xasprintf("%s/etc/hooks", exe);
	}
	return dir;
}

/* The names of the files in dir, or as many as can be shown. */
static char *
names_in(const char *dir)
{
	char *text = xstrdup(""), *longer;
	struct dirent **list;
	int i, n = scandir(dir, &list, NULL, alphasort);

	for (i = 0; i < n; i++) {
		if (*list[i]->d_name != '.' && strlen(text) < SHOWN) {
			longer = xasprintf("%s%s%s", text,
			    *text != '\0' ? ", " : "", esc(list[i]->d_name));
			free(text);
			text = longer;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return text;
}

/* Put the path of a hook of ours before its arguments. */
static char *
hook(char **value)
{
	const char *dir = hooks_dir();
	char *path = xasprintf("%s/%s", dir, *value), *names, *why;
	struct stat st;
	size_t n = strlen(dir) + 1 + strcspn(*value, " ");
	char *file = xstrndup(path, n);

	if (stat(file, &st) == -1) {
		names = names_in(dir);
		file[n] = '\0';
		why = xasprintf("%s: no such hook in %s; there are: %s",
		    esc(file + strlen(dir) + 1), esc(dir),
		    *names != '\0' ? names : "none");
		free(names);
		free(path);
	} else {
		free(*value);
		*value = path;
		why = NULL;
	}
	free(file);
	return why;
}

static char *
program(char **value)
{
	struct stat st;
	char *path, *why;

	if (**value != '/' && (why = hook(value)) != NULL)
		return why;
	path = xstrndup(*value, strcspn(*value, " "));
	if ((why = cannot(path, X_OK, &st)) != NULL)
		;
	else if (!S_ISREG(st.st_mode))
		why = xasprintf("%s: not a program; an executable file is "
		    "needed", esc(path));
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		why = xasprintf("%s: mode %04o, others can write it; "
		    "chmod go-w", esc(path), (unsigned int)st.st_mode & 07777);
	free(path);
	return why;
}

char *
agentthere(enum agentconf_key key, char **value)
{
	struct stat st;

	switch (agentkeys[key].kind) {
	case AK_FILE:
		return readable(*value, &st);
	case AK_SECRET:
		return secret(*value);
	case AK_TOKEN:
		return token(*value);
	case AK_DIR:
		return directory(*value);
	case AK_GROUP:
		return group(*value);
	case AK_HOOK:
	case AK_PROGRAM:
	case AK_COMMAND:
		return program(value);
	default:
		return NULL;
	}
}
