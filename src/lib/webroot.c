/* SPDX-License-Identifier: ISC */
/* Where HTTP-01 answers go: see webroot.h. */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "http01.h"
#include "replace.h"
#include "responder.h"
#include "util.h"
#include "webroot.h"

struct webroot {
	char *path;	/* the challenge directory; NULL with a responder */
	int dirfd;	/* it, open */
	int *slots;	/* of cleanup.h, one an answer */
	size_t nslots;
	struct responder *responder;	/* NULL with a directory */
};

/* The answers a responder knows. */
struct table {
	struct answer {
		char *token;
		char *text;
	} *v;
	size_t n;
};

/* mkdir with mode 0755 whatever the umask says; one that is there is fine. */
static int
make_dir(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755);
	return errno == EEXIST ? 0 : -1;
}

struct webroot *
webroot_dir(const char *dir)
{
	struct webroot *w = xcalloc(1, sizeof(*w));
	char *well_known = xasprintf("%s/.well-known", dir);

	w->path = xasprintf("%s/%s", dir, HTTP01_DIR);
	if (make_dir(well_known) == -1 || make_dir(w->path) == -1 ||
	    (w->dirfd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1 || faccessat(w->dirfd, ".", W_OK | X_OK, AT_EACCESS) == -1) {
		warn("%s", w->path);
		free(w->path);
		free(w);
		w = NULL;
	}
	free(well_known);
	return w;
}

static ssize_t
find(void *arg, const char *token, char *buf, size_t size)
{
	struct table *t = arg;
	size_t i, len;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->v[i].token, token) == 0) {
			if ((len = strlen(t->v[i].text)) > size)
				return -1;
			memcpy(buf, t->v[i].text, len);
			return (ssize_t)len;
		}
	return -1;
}

/* One answer more. */
static int
add(void *arg, const char *token, const char *text)
{
	struct table *t = arg;

	t->v = xrealloc(t->v, (t->n + 1) * sizeof(*t->v));
	t->v[t->n].token = xstrdup(token);
	t->v[t->n].text = xstrdup(text);
	t->n++;
	return 0;
}

static int
take(void *arg, int ctl)
{
	return responder_take(ctl, arg, add);
}

static int
respond(const int *fds, size_t n, int ctl)
{
	struct table t = {NULL, 0};

	return http01_run(fds, n, find, &t, ctl, take);
}

struct webroot *
webroot_listen(const char *addr_port)
{
	struct responder *r = responder_start(addr_port, respond);
	struct webroot *w;

	if (r == NULL)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->dirfd = -1;
	w->responder = r;
	return w;
}

const char *
webroot_path(const struct webroot *w)
{
	return w->path;
}

int
webroot_put(struct webroot *w, const char *token, const char *answer)
{
	char *path;
	int slot, rc;

	if (w->responder != NULL)
		return responder_tell(w->responder, token, answer);
	if ((slot = cleanup_file(w->dirfd, token)) == -1)
		return -1;
	w->slots = xrealloc(w->slots, (w->nslots + 1) * sizeof(*w->slots));
	w->slots[w->nslots++] = slot;
	path = xasprintf("%s/%s", w->path, token);
	rc = replace_write(path, 0644, answer, strlen(answer));
	free(path);
	return rc;
}

void
webroot_free(struct webroot *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->nslots; i++)
		cleanup_now(w->slots[i]);
	responder_stop(w->responder);
	if (w->dirfd != -1)
		close(w->dirfd);
	free(w->slots);
	free(w->path);
	free(w);
}
