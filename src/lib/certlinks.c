/* SPDX-License-Identifier: ISC */
/* Stable names of a certificate: see certlinks.h. */
#include <sys/stat.h>

#include <stdlib.h>

#include "certlinks.h"
#include "util.h"

static const struct {
	enum agentconf_key key;
	const char *name;	/* below a directory; NULL: it is the path */
	const char *file;
} links[] = {
	{AC_CERT_PATH, NULL, "fullchain.pem"},
	{AC_KEY_PATH, NULL, "key.pem"},
	{AC_CHAIN_PATH, NULL, "chain.pem"},
	{AC_KEYCHAIN_PATH, NULL, "keychain.pem"},
	{AC_PFX_PATH, NULL, "client.pfx"},
	{AC_MINIO_CERTS_DIR, "public.crt", "public.crt"},
	{AC_MINIO_CERTS_DIR, "private.key", "private.key"},
};

/* Does path lead to the file? */
static int
leads(const char *path, const char *store, const char *file)
{
	char *target = xasprintf("%s/current/%s", store, file);
	struct stat want, have;
	int ok = stat(target, &want) == -1 || (stat(path, &have) == 0 &&
	    have.st_dev == want.st_dev && have.st_ino == want.st_ino);

	free(target);
	return ok;
}

char *
certlinks_next(const struct agentconf *conf, size_t *at, const char **file)
{
	while (*at < sizeof(links) / sizeof(links[0])) {
		size_t i = (*at)++;
		const char *value = conf->value[links[i].key];

		if (value == NULL)
			continue;
		*file = links[i].file;
		return links[i].name == NULL ? xstrdup(value) :
		    xasprintf("%s/%s", value, links[i].name);
	}
	return NULL;
}

int
certlinks_ok(const struct agentconf *conf, const char *store)
{
	const char *file;
	char *path;
	size_t at = 0;
	int ok = 1;

	while (ok && (path = certlinks_next(conf, &at, &file)) != NULL) {
		ok = leads(path, store, file);
		free(path);
	}
	return ok;
}
