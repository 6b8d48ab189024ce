/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: the environment of a CGI program, lines of NAME=value up to an
 * empty one, and a body.  What est-ra makes of both before it opens anything:
 * the path, the type, the credential, base64, the request, a policy.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgi.h"
#include "csrfacts.h"
#include "csrpolicy.h"
#include "estbody.h"
#include "estconf.h"
#include "estra.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"REQUEST_METHOD", "PATH_INFO",
    "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_AUTHORIZATION", "REMOTE_ADDR",
    "SSL_CLIENT_VERIFY", "SSL_CLIENT_CERT", "HTTPS"};

/* One line into the environment, when it is a variable that counts. */
static void
set(const char *line, size_t len)
{
	const char *eq = memchr(line, '=', len);
	char *value;
	size_t i;

	if (eq == NULL)
		return;
	value = xstrndup(eq + 1, len - (size_t)(eq + 1 - line));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == (size_t)(eq - line) &&
		    memcmp(names[i], line, (size_t)(eq - line)) == 0)
			setenv(names[i], value, 1);
	free(value);
}

static void
judge(const char *body, size_t len)
{
	struct csrpolicy *policy = csrpolicy_new();
	struct csrfacts f = {.req = NULL};
	unsigned char *der;
	const char *why;
	size_t n;

	csrpolicy_set(policy, "DNS_NAMES", ".example");
	if ((der = est_decode(body, len, &n, &why)) != NULL &&
	    csrfacts_der(&f, der, n, "request") == 0)
		csrpolicy_check(&f, policy, NULL, NULL);
	csrfacts_free(&f);
	csrpolicy_free(policy);
	OPENSSL_free(der);
}

static void
examine(struct cgi *c)
{
	char *user, *password;

	if (getenv("HTTP_AUTHORIZATION") != NULL)
		abort();
	cgi_type_is(c, "application/pkcs10");
	estconf_label_ok(c->path);
	if (cgi_basic(c, &user, &password) == 0) {
		if (strchr(user, ':') != NULL)
			abort();
		cgi_secret_free(user);
		cgi_secret_free(password);
	}
	if (c->length > 1LL << 40 || c->length < -2 ||
	    strspn(c->peer, "0123456789abcdef:.") != strlen(c->peer))
		abort();
}

/* A whole request; there is no configuration, so it ends in 4xx. */
static void
serve(const struct cgi *c)
{
	struct estra r = {.cgi = *c, .op = ESTRA_OPS, .start = mono_ms()};
	int out = dup(STDOUT_FILENO);

	estra_serve(&r, "/nonexistent");
	if (r.status < 400)
		abort();
	estra_log(&r, STDOUT_FILENO, "x", 1);
	estra_free(&r);
	dup2(out, STDOUT_FILENO);
	close(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *nl;
	struct cgi c;
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);

	dup2(null, STDOUT_FILENO);
	close(null);
	clearenv();
	for (; p < end && *p != '\n'; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end - 1;
		set(p, (size_t)(nl - p));
	}
	if (cgi_take(&c, "EST_RA_CONF")) {
		examine(&c);
		serve(&c);
	} else
		cgi_free(&c);
	if (p < end)
		judge(p + 1, (size_t)(end - p - 1));
	dup2(out, STDOUT_FILENO);
	close(out);
	return 0;
}
