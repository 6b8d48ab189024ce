/* SPDX-License-Identifier: ISC */
/* The configuration of the agents: see agentconf.h. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "agentconf.h"
#include "agentcross.h"
#include "agentdir.h"
#include "agentfile.h"
#include "agentvalue.h"
#include "util.h"

/* All that is being read. */
struct load {
	const char *dir;
	const char *protocol;		/* that is asked for */
	const char *of;			/* what it names is looked at */
	struct agentdir files;
	struct agentfile env;
	int bad;
};

const char *
agentconf_key_name(enum agentconf_key key)
{
	return agentkeys[key].name;
}

long long
agentconf_num(const struct agentconf *c, enum agentconf_key key)
{
	return agentvalue_num(key, c->value[key]);
}

int
agentconf_true(const struct agentconf *c, enum agentconf_key key)
{
	return c->value[key] != NULL && strcmp(c->value[key], "true") == 0;
}

static void
set(char **value, const char *text)
{
	char *copy = text != NULL ? xstrdup(text) : NULL;

	free(*value);
	*value = copy;
}

/* The keys of the agent itself. */
static void
own_keys(struct load *l, struct agentconf *own)
{
	char *text;
	int key;

	own->name = xstrdup("agent");
	agentfile_env(&l->env, l->protocol, 0, AC_OWN_KEYS);
	for (key = 0; key < AC_OWN_KEYS; key++) {
		set(&own->value[key], agentkeys[key].value);
		if (l->files.defaults.value[key] != NULL)
			set(&own->value[key], l->files.defaults.value[key]);
		if (l->env.value[key] != NULL)
			set(&own->value[key], l->env.value[key]);
	}
	if (own->value[AC_STORE_DIR] == NULL) {
		text = xasprintf("%s/store", own->value[AC_STATE_DIR]);
		own->value[AC_STORE_DIR] = text;
	}
}

/* The protocol of a certificate, or NULL after a message. */
static void
find_protocol(struct load *l, struct agentcert *c)
{
	if (c->file.given[AC_PROTOCOL])
		c->protocol = c->file.value[AC_PROTOCOL];
	else
		c->protocol = l->files.defaults.value[AC_PROTOCOL];
	if (c->protocol == NULL && c->file.given[AC_PROTOCOL] != AF_WRONG)
		agentfile_complain(&c->file, AC_PROTOCOL, "missing; acme "
		    "or est is needed");
	c->listed = c->protocol != NULL &&
	    strcmp(c->protocol, l->protocol) == 0;
}

static int
env_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0';
}

/* The environment alone is a certificate, unless it is for the other. */
static void
from_env(struct load *l)
{
	const char *other = strcmp(l->protocol, "acme") == 0 ? "est" : "acme";
	struct agentcert *c;

	if (env_set("PROTOCOL") && strcmp(getenv("PROTOCOL"), other) == 0)
		return;
	l->files.v = xcalloc(1, sizeof(*l->files.v));
	c = &l->files.v[l->files.n++];
	c->conf.name = xstrdup("default");
	agentfile_begin(&c->file, "environment");
	agentfile_env(&c->file, l->protocol, AC_OWN_KEYS, AC_KEYS);
	if (!c->file.given[AC_PROTOCOL]) {
		c->file.value[AC_PROTOCOL] = xstrdup(l->protocol);
		c->file.given[AC_PROTOCOL] = 1;
	}
}

/* Is what this certificate names looked at? */
static int
looked_at(const struct load *l, const struct agentcert *c)
{
	return c->listed &&
	    (l->of == NULL || strcmp(l->of, c->conf.name) == 0);
}

/* Let the environment go before the file of the only certificate. */
static void
override(struct load *l, struct agentcert *c)
{
	int key;

	agentfile_env(&l->env, l->protocol, AC_PROTOCOL + 1, AC_KEYS);
	if (looked_at(l, c)) {
		agentfile_there(&c->file, l->protocol, &l->env);
		agentfile_there(&l->env, l->protocol, NULL);
	}
	for (key = AC_PROTOCOL + 1; key < AC_KEYS; key++)
		if (l->env.given[key]) {
			set(&c->file.value[key], l->env.value[key]);
			c->file.given[key] = l->env.given[key];
			c->file.line[key] = 0;
		}
}

/* Find out what is to be listed, and check what its values name. */
static void
settle(struct load *l)
{
	struct agentcert *only = NULL;
	struct agentfile *f;
	size_t i, listed = 0;

	for (i = 0; i < l->files.n; i++) {
		find_protocol(l, &l->files.v[i]);
		if (l->files.v[i].listed) {
			only = &l->files.v[i];
			listed++;
		}
	}
	if (l->of == NULL)
		agentfile_there(&l->files.defaults, l->protocol, NULL);
	if (listed == 1 && only->base != NULL)
		override(l, only);
	else
		only = NULL;
	for (i = 0; i < l->files.n; i++) {
		f = &l->files.v[i].file;
		if (!looked_at(l, &l->files.v[i]))
			continue;
		if (only == NULL)
			agentfile_there(f, l->protocol, NULL);
		if (l->of != NULL)
			agentfile_there(&l->files.defaults, l->protocol, f);
	}
}

/* The cache of a CRL: by its URL. */
static char *
cache_path(const char *state, const char *url)
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)url, strlen(url), md);
	return xasprintf("%s/crl/%02x%02x%02x%02x%02x%02x%02x%02x.crl", state,
	    md[0], md[1], md[2], md[3], md[4], md[5], md[6], md[7]);
}

/* Defaults that depend on other keys. */
static void
derive(const struct agentconf *own, struct agentcert *c)
{
	char **v = c->conf.value;
	const char *state = own->value[AC_STATE_DIR];

	if (v[AC_CERT_ROOT] == NULL)
		set(&v[AC_CERT_ROOT], v[AC_CA_ROOT]);
	if (v[AC_CRL_CACHE_PATH] == NULL && v[AC_CRL_URL] != NULL)
		v[AC_CRL_CACHE_PATH] = cache_path(state, v[AC_CRL_URL]);
	if (strcmp(c->protocol, "acme") != 0)
		return;
	if (v[AC_ACCOUNT_KEY] == NULL)
		v[AC_ACCOUNT_KEY] = xasprintf("%s/account.pem", state);
	if (v[AC_CHALLENGE_LISTEN] == NULL && v[AC_CHALLENGE_DIR] == NULL &&
	    v[AC_CHALLENGE_TLS_LISTEN] == NULL && v[AC_CHALLENGE_HOOK] == NULL)
		v[AC_CHALLENGE_LISTEN] = xstrdup(":4212");
}

/* The values of a certificate, from its file, the defaults and the table. */
static void
merge(struct load *l, const struct agentconf *own, struct agentcert *c)
{
	char **v = c->conf.value;
	size_t len;
	int key;

	if (c->base != NULL)
		c->conf.file = xstrdup(c->file.name);
	for (key = AC_OWN_KEYS; key < AC_KEYS; key++) {
		if (!agentkey_of(key, c->protocol))
			continue;
		if (c->file.given[key])
			set(&v[key], c->file.value[key]);
		else {
			set(&v[key], l->files.defaults.value[key]);
			if (l->files.defaults.given[key] == AF_WRONG)
				c->file.given[key] = AF_WRONG;
		}
		if (v[key] == NULL)
			set(&v[key], agentkeys[key].value);
	}
	/* A path is put behind these. */
	if (v[AC_CA_URL] != NULL && (v[AC_ACME_PROVISIONER] != NULL ||
	    strcmp(c->protocol, "est") == 0))
		for (len = strlen(v[AC_CA_URL]); v[AC_CA_URL][len - 1] == '/';)
			v[AC_CA_URL][--len] = '\0';
	derive(own, c);
	agentcross_one(c, own);
}

static void
free_one(struct agentconf *c)
{
	int key;

	for (key = 0; key < AC_KEYS; key++)
		free(c->value[key]);
	free(c->name);
	free(c->file);
}

/* Hand out what is listed; the rest goes. */
static void
hand_out(struct load *l, struct agentconfs *all)
{
	size_t i;

	all->cert = xcalloc(l->files.n + 1, sizeof(*all->cert));
	for (i = 0; i < l->files.n; i++) {
		l->bad |= l->files.v[i].file.bad;
		agentfile_free(&l->files.v[i].file);
		free(l->files.v[i].base);
		if (l->files.v[i].listed)
			all->cert[all->n++] = l->files.v[i].conf;
		else
			free_one(&l->files.v[i].conf);
	}
	free(l->files.v);
	l->bad |= l->files.defaults.bad | l->env.bad;
	agentfile_free(&l->files.defaults);
	agentfile_free(&l->env);
}

int
agentconf_load(const char *dir, const char *protocol, const char *of,
    struct agentconfs *all)
{
	struct load l = {.dir = dir, .protocol = protocol, .of = of};
	char *path = xasprintf("%s/defaults", dir);
	size_t i;

	*all = (struct agentconfs){.n = 0};
	agentfile_begin(&l.files.defaults, path);
	agentfile_begin(&l.env, "environment");
	free(path);
	if (access(dir, F_OK) == 0 || errno != ENOENT)
		l.bad = agentdir_read(&l.files, dir) == -1;
	else if (!env_set("CA_URL")) {
		warnx("%s: no such directory; make it, with a NAME.conf for "
		    "each certificate, or set CA_URL", dir);
		l.bad = 1;
	}
	own_keys(&l, &all->own);
	if (l.files.n == 0 && !l.bad && env_set("CA_URL"))
		from_env(&l);
	settle(&l);
	for (i = 0; i < l.files.n; i++)
		if (l.files.v[i].protocol != NULL)
			merge(&l, &all->own, &l.files.v[i]);
	if (agentcross_all(l.files.v, l.files.n) == -1)
		l.bad = 1;
	hand_out(&l, all);
	if (l.bad)
		agentconf_free(all);
	return l.bad ? EX_ERR : EX_YES;
}

void
agentconf_free(struct agentconfs *all)
{
	size_t i;

	free_one(&all->own);
	for (i = 0; i < all->n; i++)
		free_one(&all->cert[i]);
	free(all->cert);
	*all = (struct agentconfs){.n = 0};
}
