/* SPDX-License-Identifier: ISC */
/* A client of EST: see est.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "est.h"
#include "estbody.h"
#include "httpurl.h"
#include "util.h"

#define HOPS_MAX 5		/* redirects in a row */
#define TEXT_MAX 300		/* of a refusal, as shown */

/* Does a challenge (RFC 9110 section 11.6.1) offer this scheme? */
static int
offers(const struct http_fields *f, const char *scheme)
{
	size_t i, n = strlen(scheme);
	const char *p;

	for (i = 0; i < f->n; i++) {
		if (strcasecmp(f->v[i].name, "WWW-Authenticate") != 0)
			continue;
		for (p = f->v[i].value; p != NULL; p = strchr(p, ',')) {
			p += strspn(p, ", \t");
			if (strncasecmp(p, scheme, n) == 0 &&
			    (p[n] == ' ' || p[n] == '\0' || p[n] == ','))
				return 1;
		}
	}
	return 0;
}

/* A 401 that can be answered, and was not yet: from now on it is. */
static int
answer_401(struct est *e, const struct http_answer *a)
{
	if (a->status != 401 || e->user == NULL || e->asked)
		return 0;
	e->digest = offers(&a->fields, "Digest");
	e->asked = e->digest || offers(&a->fields, "Basic");
	return e->asked;
}

/*
 * Where a redirect leads, if to this server (section 3.2.1): the URL for the
 * caller to free, or NULL with a message.
 */
static char *
redirect(const char *op, const char *url, const struct http_answer *a)
{
	const char *to = http_field(&a->fields, "Location");
	char *next = to == NULL ? NULL : http_absolute(url, to, strlen(to));
	char host[256], other[256];
	unsigned int port, port2;

	if (next != NULL && http_url(url, host, sizeof(host), &port) == 0 &&
	    http_url(next, other, sizeof(other), &port2) == 0 &&
	    strcasecmp(host, other) == 0 && port == port2)
		return next;
	if (to == NULL)
		warnx("%s: %d, a redirect that says not where to", op,
		    a->status);
	else
		warnx("%s: %d, a redirect to another server is not followed: "
		    "%s", op, a->status, esc(to));
	free(next);
	return NULL;
}

static int
is_redirect(int status)
{
	return (status >= 301 && status <= 303) || status == 307 ||
	    status == 308;
}

/* Did libcurl meet a closed connection?  What it calls that depends on when. */
static int
was_closed(const char *why)
{
	return strstr(why, "getpeername") != NULL ||
	    strstr(why, "Connection reset") != NULL ||
	    strstr(why, "Broken pipe") != NULL;
}

/*
 * Say that there is no answer.  A server that does not take the certificate
 * says so in an alert of TLS; by TLS 1.3 that comes after the handshake, and
 * libcurl may meet the closed connection first.
 */
static void
unanswered(const struct est *e, const char *op, const char *url)
{
	const char *why = http_error(e->http), *more = "";

	if (e->own != NULL && strstr(why, " alert ") != NULL)
		more = "the server does not take the certificate: ";
	else if (e->own != NULL && was_closed(why))
		why = "the connection was closed, maybe because the server "
		    "does not take the certificate";
	warnx("%s: %s: %s%s", op, esc(url), more, esc(why));
}

int
est_call(struct est *e, const char *op, const char *request,
    struct http_answer *a)
{
	struct http_request req = {.method = request != NULL ? "POST" : "GET",
	    .body = request, .len = request != NULL ? strlen(request) : 0,
	    .type = request != NULL ? "application/pkcs10" : NULL,
	    .accept = "*/*", .max = EST_BODY_MAX};
	char *url = xasprintf("%s/%s", e->base, op), *next;
	int hops = 0, rc;

	/* RFC 8951 is against it, and globalsign's server insists. */
	if (request != NULL)
		req.line = "Content-Transfer-Encoding: base64";
	for (;;) {
		req.url = url;
		req.user = e->asked ? e->user : NULL;
		req.digest = e->digest;
		if ((rc = http_do(e->http, &req, a)) != 0) {
			unanswered(e, op, url);
			break;
		}
		if (e->verbose)
			warnx("%s %s: %d in %lld ms", req.method, esc(url),
			    a->status, a->ms);
		if (is_redirect(a->status)) {
			next = redirect(op, url, a);
			free(url);
			if ((url = next) != NULL && ++hops > HOPS_MAX)
				warnx("%s: more than %d redirects", op,
				    HOPS_MAX);
			if (url == NULL || hops > HOPS_MAX)
				rc = EX_ERR;
		} else if (!answer_401(e, a))
			break;
		http_answer_free(a);
		if (rc != 0)
			break;
	}
	free(url);
	return rc;
}

long long
est_retry_after(const struct http_answer *a)
{
	long long sec = http_retry_after(http_field(&a->fields, "Retry-After"),
	    time(NULL));

	return sec > EST_RETRY_MAX ? EST_RETRY_MAX : sec;
}

const char *
est_text(const struct http_answer *a)
{
	static char buf[TEXT_MAX + 4];
	size_t i, n = 0;

	for (i = 0; i < a->len && n < TEXT_MAX; i++)
		if (strchr(" \t\r\n", a->body[i]) == NULL)
			buf[n++] = a->body[i];
		else if (n > 0 && buf[n - 1] != ' ')
			buf[n++] = ' ';
	while (n > 0 && buf[n - 1] == ' ')
		n--;
	strcpy(buf + n, i < a->len && n == TEXT_MAX ? "..." : "");
	return escn(buf, n + strlen(buf + n));
}

/* What a status means that the server may give no reason with. */
static const char *
meaning(const struct est *e, int status)
{
	switch (status) {
	case 401:
		if (e->user == NULL)
			return e->own == NULL ?
			    ", it wants a password or token (-U), or a "
			    "certificate (-c, -k)" :
			    ", it wants a password or token too (-U)";
		return e->asked ? ", it does not take the password or token" :
		    ", it asks neither for Basic nor for Digest";
	case 403:
		return ", not allowed";
	case 404:
	case 405:
	case 501:
		return ", not offered there";
	default:
		return "";
	}
}

int
est_refused(struct est *e, const char *op, const struct http_answer *a)
{
	int temp = a->status == 408 || a->status == 429 ||
	    (a->status >= 500 && a->status != 501);
	long long sec = temp ? est_retry_after(a) : -1;
	const char *text = est_text(a);

	if (sec >= 0)
		e->retry_at = time(NULL) + sec;
	warnx("%s: %d%s%s%s", op, a->status, meaning(e, a->status),
	    *text != '\0' ? ": " : "", text);
	return temp ? EX_TEMP : EX_ERR;
}

STACK_OF(X509) *
est_answer_certs(const char *op, const struct http_answer *a)
{
	STACK_OF(X509) *certs = NULL;
	const char *why = "";
	size_t n = 0;
	unsigned char *der = est_decode(a->body, a->len, &n, &why);

	if (der == NULL || (certs = est_certs(der, n, &why)) == NULL)
		warnx("%s: %d, but the answer is not what it should be: %s",
		    op, a->status, why);
	OPENSSL_free(der);
	return certs;
}

char *
est_subject(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p, *text;
	long n;

	if (bio == NULL || X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0 ||
	    (n = BIO_get_mem_data(bio, &p)) < 0)
		errx(EX_ERR, "memory: exhausted");
	text = xstrndup(n > 0 ? p : "", (size_t)n);
	BIO_free(bio);
	return text;
}
