/* SPDX-License-Identifier: ISC */
/* External account binding: see eab.h. */
#include <sys/stat.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "b64.h"
#include "eab.h"
#include "io.h"
#include "json.h"
#include "jsonw.h"
#include "jws.h"
#include "util.h"

#define FILE_MAX 65536

/* The MAC key from its text, tolerant of alphabet and padding. */
static unsigned char *
mac_key(const char *text, size_t *len)
{
	char *s = xstrdup(text), *p;
	unsigned char *mac;

	for (p = s; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	for (; p > s && p[-1] == '='; p--)
		p[-1] = '\0';
	mac = b64url_decode(s, len);
	OPENSSL_cleanse(s, strlen(s));
	free(s);
	return mac;
}

static int
parse(const char *path, const char *text, size_t len, struct eab *e)
{
	char why[160];
	struct json *j = json_parse(text, len, why);
	const char *kid = json_str(j, "kid"), *mac = json_str(j, "mac");
	int rc = -1;

	if (j == NULL)
		warnx("%s: %s", path, why);
	else if (kid == NULL || mac == NULL)
		warnx("%s: not {\"kid\": \"...\", \"mac\": \"base64url\"}",
		    path);
	else if ((e->mac = mac_key(mac, &e->maclen)) == NULL ||
	    e->maclen < 16)
		warnx("%s: mac is no base64url text of 16 bytes or more", path);
	else {
		e->kid = xstrdup(kid);
		rc = 0;
	}
	json_free(j);
	return rc;
}

int
eab_load(const char *path, struct eab *e)
{
	struct stat st;
	size_t len = 0;
	char *text;
	int fd, rc = -1;

	memset(e, 0, sizeof(*e));
	if ((fd = io_open(path)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		warnx("%s: mode %04o: a secret must not be open to others; "
		    "chmod 0600", path, (unsigned int)st.st_mode & 07777);
	else if ((text = io_slurp_fd(fd, io_name(path), FILE_MAX, &len)) !=
	    NULL) {
		rc = parse(path, text, len, e);
		OPENSSL_cleanse(text, len);
		free(text);
	}
	close(fd);
	if (rc == -1)
		eab_free(e);
	return rc;
}

char *
eab_jws(const struct eab *e, const char *jwk, const char *url)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct jsonw w = JSONW_INIT;
	char *protected, *payload, *input, *sig, *jws;
	const char *text;
	unsigned int n = 0;

	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "alg", "HS256");
	jsonw_str(&w, "kid", e->kid);
	jsonw_str(&w, "url", url);
	jsonw_end(&w, '}');
	text = jsonw_text(&w);
	protected = b64url(text, strlen(text));
	jsonw_free(&w);
	payload = b64url(jwk, strlen(jwk));
	input = xasprintf("%s.%s", protected, payload);
	if (HMAC(EVP_sha256(), e->mac, (int)e->maclen, (unsigned char *)input,
	    strlen(input), md, &n) == NULL)
		errx(EX_ERR, "HMAC: not available");
	sig = b64url(md, n);
	jws = jws_flattened(protected, payload, sig);
	free(protected);
	free(payload);
	free(input);
	free(sig);
	return jws;
}

void
eab_free(struct eab *e)
{
	if (e->mac != NULL)
		OPENSSL_cleanse(e->mac, e->maclen);
	free(e->mac);
	free(e->kid);
	memset(e, 0, sizeof(*e));
}
