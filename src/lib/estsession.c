/* SPDX-License-Identifier: ISC */
/* The beginning and the end of an EST command: see estsession.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "client.h"
#include "estsession.h"
#include "httpurl.h"
#include "io.h"
#include "key.h"
#include "pem.h"
#include "util.h"

#define WELL_KNOWN "/.well-known/est"
#define USER_MAX 1024

int
est_opt(struct est *e, struct est_conf *conf, int ch, const char *arg)
{
	switch (ch) {
	case 'A':
		conf->anchors = arg;
		return 0;
	case 'U':
		conf->user = arg;
		return 0;
	case 'V':
		version();
	case 'c':
		conf->cert = arg;
		return 0;
	case 'k':
		conf->key = arg;
		return 0;
	case 'm':
		conf->sec = opt_num(ch, arg, 1, 86400);
		return 0;
	case 'u':
		conf->url = arg;
		return 0;
	case 'v':
		e->verbose = 1;
		return 0;
	default:
		return -1;
	}
}

int
est_usable(const struct est_conf *conf)
{
	return conf->url != NULL && (conf->cert == NULL) == (conf->key == NULL);
}

static int
is_operation(const char *s)
{
	static const char *const ops[] = {"cacerts", "simpleenroll",
	    "simplereenroll", "fullcmc", "serverkeygen", "csrattrs"};
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(s, ops[i]) == 0)
			return 1;
	return 0;
}

/*
 * The URL that operations are put behind (section 3.2.2): what is given when
 * it has the well-known path, a label behind that or not, else that path with
 * the label given.  NULL with a message.
 */
static char *
base_url(const char *url)
{
	const char *path = strchr(strstr(url, "://") + 3, '/'), *label;
	size_t n = path == NULL ? strlen(url) : (size_t)(path - url);
	size_t len = path == NULL ? 0 : strlen(path);
	char *base;

	while (len > 0 && path[len - 1] == '/')
		len--;
	label = len == 0 ? NULL : strstr(path, WELL_KNOWN);
	if (label != NULL) {
		n = (size_t)(label - url);
		label += strlen(WELL_KNOWN);
		len -= (size_t)(label - path);
	} else
		label = path;
	base = xasprintf("%.*s" WELL_KNOWN "%.*s", (int)n, url, (int)len,
	    len > 0 ? label : "");
	label = strstr(base, WELL_KNOWN) + strlen(WELL_KNOWN);
	if (strpbrk(base, "?#") != NULL || (*label != '\0' && (*label != '/' ||
	    strchr(label + 1, '/') != NULL)))
		warnx("%s: not the URL of an EST server, with one label or "
		    "none", esc(url));
	else if (*label != '\0' && is_operation(label + 1))
		warnx("%s: %s is an operation, and no label", esc(url),
		    esc(label + 1));
	else
		return base;
	free(base);
	return NULL;
}

/* user:password, or a token, for which the user is empty (section 3.2.3). */
static int
read_user(struct est *e, const char *path)
{
	size_t len = 0, i;
	char *text = key_secret(path, USER_MAX, &len);
	int rc = -1;

	if (text == NULL)
		return -1;
	i = len;
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	text[len] = '\0';
	e->user = xasprintf("%s%s", strchr(text, ':') == NULL ? ":" : "",
	    text);
	e->user_len = strlen(e->user);
	rc = strlen(text) == len && len > 0 ? 0 : -1;
	key_pem_free(text, i);
	for (i = 0; i < e->user_len; i++)
		if ((unsigned char)e->user[i] < 0x20 || e->user[i] == 0x7f)
			rc = -1;
	if (rc == -1)
		warnx("%s: not one line with user:password or a token",
		    io_name(path));
	return rc;
}

/*
 * The client certificate: what would end in the handshake with an alert that
 * says little is said here.
 */
static int
check_own(const struct est_conf *conf, X509 *cert, EVP_PKEY *key)
{
	const char *name = io_name(conf->cert);
	int good = 0;

	if (X509_check_private_key(cert, key) != 1)
		warnx("%s: not the key of %s", io_name(conf->key), name);
	else if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		warnx("%s: the certificate has expired; no server takes it, "
		    "enroll anew without it", name);
	else if (X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0) != 1)
		warnx("%s: not a certificate for TLS clients (clientAuth); no "
		    "server takes it", name);
	else
		good = 1;
	ERR_clear_error();
	return good ? 0 : -1;
}

static int
read_own(struct est *e, const struct est_conf *conf, struct http_conf *http)
{
	EVP_PKEY *key = NULL;
	int rc = -1;

	key_no_dump();
	if ((e->cert = io_slurp(conf->cert, IO_PEM_MAX, &http->cert_len)) !=
	    NULL && (e->own = pem_certs(e->cert, http->cert_len,
	    io_name(conf->cert), 0)) != NULL &&
	    (key = key_load(conf->key)) != NULL &&
	    check_own(conf, sk_X509_value(e->own, 0), key) == 0 &&
	    (e->key = key_pem(key, &e->key_len)) != NULL)
		rc = 0;
	http->cert = e->cert;
	http->key = e->key;
	http->key_len = e->key_len;
	EVP_PKEY_free(key);
	return rc;
}

int
est_start(struct est *e, const struct est_conf *conf)
{
	/* lighttpd's 401 to a POST by HTTP/2 is an error to libcurl */
	struct http_conf http = {.unverified = conf->anchors == NULL,
	    .http1 = 1};
	unsigned int port;
	char host[256];

	e->deadline = http.deadline = mono_ms() + conf->sec * 1000;
	if (http_url(conf->url, host, sizeof(host), &port) == -1) {
		warnx("%s: not an https URL", esc(conf->url));
		return EX_ERR;
	}
	if ((e->base = base_url(conf->url)) == NULL ||
	    (conf->anchors != NULL && (e->anchors = pem_load_anchors(
	    conf->anchors, &http.anchors_len)) == NULL) ||
	    (conf->user != NULL && read_user(e, conf->user) == -1) ||
	    (conf->cert != NULL && read_own(e, conf, &http) == -1))
		return EX_ERR;
	http.anchors = e->anchors;
	if (client_confine(NULL, port, 0) == -1 ||
	    (e->http = http_new(&http)) == NULL)
		return EX_ERR;
	return 0;
}

int
est_end(struct est *e, int rc)
{
	char when[RFC3339_SIZE];

	http_free(e->http);
	pem_certs_free(e->own);
	free(e->anchors);
	free(e->base);
	free(e->cert);
	if (e->key != NULL)
		key_pem_free(e->key, e->key_len);
	if (e->user != NULL)
		key_pem_free(e->user, e->user_len);
	if (rc == EX_TEMP && e->retry_at != 0)
		fprintf(stderr, "retry-at: %s\n", rfc3339(e->retry_at, when));
	return rc;
}
