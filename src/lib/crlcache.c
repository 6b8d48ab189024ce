/* SPDX-License-Identifier: ISC */
/* A file with the newest list of one issuer: see crlcache.h. */
#include <sys/file.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crlcache.h"
#include "dertext.h"
#include "pem.h"
#include "replace.h"
#include "util.h"

int
crlcache_open(struct crlcache *k)
{
	char *copy = xstrdup(k->path);

	k->dirname = xstrdup(dirname(copy));
	free(copy);
	k->dir = open(k->dirname, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->dir == -1)
		warn("%s", k->dirname);
	return k->dir == -1 ? -1 : 0;
}

void
crlcache_close(struct crlcache *k)
{
	if (k->dirname == NULL)
		return;
	if (k->dir != -1)
		close(k->dir);
	free(k->dirname);
}

/* The directory is locked only as long as files are read and written. */
static int
lock(const struct crlcache *k)
{
	const struct timespec tick = {0, 20000000};

	while (flock(k->dir, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			warn("%s", k->dirname);
			return EX_ERR;
		}
		if (mono_ms() >= k->deadline) {
			warnx("%s: locked by somebody else", k->dirname);
			return EX_TEMP;
		}
		nanosleep(&tick, NULL);
	}
	return 0;
}

static int
same(const struct crl *a, const struct crl *b)
{
	return a->tbs.len == b->tbs.len &&
	    memcmp(a->tbs.p, b->tbs.p, a->tbs.len) == 0 &&
	    a->signature.len == b->signature.len &&
	    memcmp(a->signature.p, b->signature.p, a->signature.len) == 0;
}

static const char *
number(const struct crl *c, struct der_text *t)
{
	return c->number.len == 0 ? "(none)" : der_serial_dec(t, c->number);
}

/* May the list c follow the one in the cache?  0, or EX_ERR with a message. */
static int
follows(const struct crlcache *k, const struct crl *c, const struct crl *old)
{
	char then[RFC3339_SIZE], now[RFC3339_SIZE];
	struct der_text a = DER_TEXT_INIT, b = DER_TEXT_INIT;
	int rc = EX_ERR;

	if (X509_NAME_cmp(c->issuer, old->issuer) != 0)
		warnx("%s: holds the CRL of another issuer", k->path);
	else if (crl_older(c, old))
		warnx("%s: number %s of %s is newer than number %s of %s",
		    k->path, number(old, &a), rfc3339(old->this_update, then),
		    number(c, &b), rfc3339(c->this_update, now));
	else if (!crl_older(old, c))
		warnx("%s: another CRL of the same number and time", k->path);
	else
		rc = 0;
	der_text_free(&a);
	der_text_free(&b);
	return rc;
}

/* The same for whatever is in the cache; *is is set when it is that list. */
static int
admit(const struct crlcache *k, const struct crl *c, int pem, int *is)
{
	STACK_OF(X509) *path = NULL;
	struct crl *old = NULL;
	enum crl_why why;
	size_t len;
	char *buf = crl_slurp(k->path, &len, &why);
	int rc = 0;

	if (buf != NULL &&
	    (old = crl_take(buf, len, k->path, &why)) != NULL)
		why = crl_trusted(k->pool, old, &path);
	if (why == CRL_UNREADABLE)
		rc = EX_ERR;
	else if (why != CRL_OK && why != CRL_MISSING)
		warnx("%s: of no use (%s), to be replaced", k->path,
		    crl_word(why));
	else if (old != NULL && same(old, c))
		*is = (old->pem != NULL) == pem;
	else if (old != NULL)
		rc = follows(k, c, old);
	pem_certs_free(path);
	crl_free(old);
	return rc;
}

int
crlcache_put(const struct crlcache *k, const struct crl *c, int pem,
    const char *text, size_t len, int *changed)
{
	int rc, is = 0;

	if ((rc = lock(k)) != 0)
		return rc;
	rc = admit(k, c, pem, &is);
	if (rc == 0 && !is && replace_write(k->path, 0644, text, len) == -1)
		rc = EX_ERR;
	flock(k->dir, LOCK_UN);
	*changed = !is;
	return rc;
}
