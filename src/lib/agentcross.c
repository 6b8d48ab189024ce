/* SPDX-License-Identifier: ISC */
/* Key against key, certificate against certificate: see agentcross.h. */
#include <stdlib.h>
#include <string.h>

#include "agentcross.h"
#include "agentvalue.h"
#include "util.h"

/* A path that somebody writes. */
struct claim {
	char *path;
	const char *url;	/* of the list that goes there; NULL: a link */
	struct agentcert *by;
	int key;
	size_t order;		/* of its making */
};

struct claims {
	struct claim *v;
	size_t n;
};

static void
missing(struct agentcert *c, enum agentconf_key key, const char *because)
{
	char *wanted;

	if (c->conf.value[key] != NULL || c->file.given[key] == AF_WRONG)
		return;
	wanted = agentvalue_wanted(key);
	agentfile_complain(&c->file, (int)key, "missing%s; %s", because,
	    wanted);
	free(wanted);
}

/* Keys that the other protocol has. */
static void
foreign(struct agentcert *c)
{
	int key;

	for (key = 0; key < AC_KEYS; key++)
		if (c->file.given[key] && !agentkey_of(key, c->protocol))
			agentfile_complain(&c->file, key, "only for PROTOCOL="
			    "%s, this is %s; take it out",
			    agentkeys[key].protocol, c->protocol);
}

/* The names of an ACME certificate. */
static void
acme_names(struct agentcert *c)
{
	const char *names = c->conf.value[AC_DOMAIN_NAME], *s = names;
	size_t n;

	for (; s != NULL && *s != '\0'; s += n, s += *s == ' ') {
		n = strcspn(s, " ");
		if (strncmp(s, "URI:", 4) == 0 || strncmp(s, "email:", 6) == 0)
			agentfile_complain(&c->file, AC_DOMAIN_NAME, "%s: "
			    "ACME has DNS names and IP addresses only; take "
			    "it out", escn(s, n));
		else if (*s == '*' && c->conf.value[AC_CHALLENGE_HOOK] == NULL)
			agentfile_complain(&c->file, AC_DOMAIN_NAME, "%s: "
			    "a wildcard is proven by DNS only; set "
			    "CHALLENGE_HOOK to a hook that does dns-01",
			    escn(s, n));
	}
}

/* Links are not put into the store. */
static void
outside(struct agentcert *c, const char *store)
{
	size_t n = strlen(store);
	const char *path;
	int key;

	for (key = 0; key < AC_KEYS; key++) {
		path = c->conf.value[key];
		if (agentkeys[key].kind == AK_LINK && path != NULL &&
		    strncmp(path, store, n) == 0 &&
		    (path[n] == '/' || path[n] == '\0'))
			agentfile_complain(&c->file, key, "%s: inside "
			    "STORE_DIR %s; name a path elsewhere", esc(path),
			    esc(store));
	}
}

void
agentcross_one(struct agentcert *c, const struct agentconf *own)
{
	char **v = c->conf.value;

	foreign(c);
	missing(c, AC_CA_URL, "");
	missing(c, AC_CA_ROOT, "");
	if (strcmp(c->protocol, "acme") == 0) {
		missing(c, AC_DOMAIN_NAME, "");
		acme_names(c);
		if (v[AC_CHALLENGE_DIR] != NULL &&
		    v[AC_CHALLENGE_LISTEN] != NULL)
			agentfile_complain(&c->file, AC_CHALLENGE_DIR,
			    "CHALLENGE_LISTEN is set too; keep the one that "
			    "answers");
	} else if (v[AC_SUBJECT_DN] == NULL &&
	    c->file.given[AC_SUBJECT_DN] != AF_WRONG)
		missing(c, AC_DOMAIN_NAME, ", and SUBJECT_DN too");
	if (agentconf_true(&c->conf, AC_CRL_ENABLED))
		missing(c, AC_CRL_URL, ", CRL_ENABLED is true");
	if (v[AC_PFX_PATH] != NULL)
		missing(c, AC_PFX_PASSWORD_FILE, ", there is PFX_PATH");
	outside(c, own->value[AC_STORE_DIR]);
}

static void
claim(struct claims *l, struct agentcert *c, int key, char *path,
    const char *url)
{
	if ((l->n & (l->n - 1)) == 0)
		l->v = xrealloc(l->v, (l->n != 0 ? 2 * l->n : 1) *
		    sizeof(*l->v));
	l->v[l->n] = (struct claim){path, url, c, key, l->n};
	l->n++;
}

static void
claim_all(struct claims *l, struct agentcert *c)
{
	const char *path;
	int key;

	for (key = 0; key < AC_KEYS; key++) {
		path = c->conf.value[key];
		if (path == NULL)
			continue;
		if (key == AC_MINIO_CERTS_DIR) {
			claim(l, c, key, xasprintf("%s/public.crt", path),
			    NULL);
			claim(l, c, key, xasprintf("%s/private.key", path),
			    NULL);
		} else if (agentkeys[key].kind == AK_LINK)
			claim(l, c, key, xstrdup(path), NULL);
		else if (key == AC_CRL_CACHE_PATH &&
		    c->conf.value[AC_CRL_URL] != NULL)
			claim(l, c, key, xstrdup(path),
			    c->conf.value[AC_CRL_URL]);
	}
}

static int
by_path(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int rc = strcmp(x->path, y->path);

	return rc != 0 ? rc : x->order < y->order ? -1 : 1;
}

/* May both of them be there? */
static int
agree(const struct claim *a, const struct claim *b)
{
	return strcmp(a->path, b->path) != 0 || (a->url != NULL &&
	    b->url != NULL && strcmp(a->url, b->url) == 0);
}

int
agentcross_all(struct agentcert *v, size_t n)
{
	struct claims l = {NULL, 0};
	struct claim *c;
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++)
		claim_all(&l, &v[i]);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), by_path);
	for (i = 1; i < l.n; i++) {
		c = &l.v[i];
		if (agree(c - 1, c))
			continue;
		agentfile_complain(&c->by->file, c->key, "%s is %s of %s "
		    "already%s", esc(c->path), agentkeys[c[-1].key].name,
		    c[-1].by->file.name, c->url != NULL && c[-1].url != NULL ?
		    ", with another CRL_URL; name another file" :
		    "; name another path");
		rc = -1;
	}
	for (i = 0; i < l.n; i++)
		free(l.v[i].path);
	free(l.v);
	return rc;
}
