/* SPDX-License-Identifier: ISC */
/* est-ra, from the request to the answer: see estra.h. */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "der.h"
#include "estbody.h"
#include "estra.h"
#include "estraauth.h"
#include "estraenroll.h"
#include "estralimit.h"
#include "io.h"
#include "jsonw.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

static const char *const ops[] = {"cacerts", "csrattrs", "simpleenroll",
    "simplereenroll", "serverkeygen", "fullcmc"};

int
estra_refuse(struct estra *r, int status, const char *event,
    const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	r->status = status;
	r->event = event;
	r->reason = reason;
	return -1;
}

static int
failed(struct estra *r, const char *reason)
{
	return estra_refuse(r, 500, ESTRA_FAILED, reason,
	    "the server is not in order; its log says why");
}

/* Header lines: to come back in so many seconds. */
static void
retry_after(struct estra *r, int seconds)
{
	snprintf(r->fields, sizeof(r->fields), "Retry-After: %d\r\n", seconds);
}

/* S1: /op or /label/op.  0, or -1 when it is anything else. */
static int
route(struct estra *r)
{
	const char *p = r->cgi.path, *slash, *op;
	char label[ESTCONF_LABEL_MAX + 1];
	size_t n;

	r->op = ESTRA_OPS;
	if (*p++ != '/')
		goto none;
	op = p;
	if ((slash = strchr(p, '/')) != NULL) {
		n = (size_t)(slash - p);
		if (n == 0 || n > ESTCONF_LABEL_MAX)
			goto none;
		snprintf(label, sizeof(label), "%.*s", (int)n, p);
		if (!estconf_label_ok(label))
			goto none;
		memcpy(r->label, label, sizeof(label));
		op = slash + 1;
	}
	for (r->op = 0; r->op < ESTRA_OPS; r->op++)
		if (strcmp(op, ops[r->op]) == 0)
			return 0;
none:
	return estra_refuse(r, 404, ESTRA_REFUSED, "not_found",
	    "no such operation or label of EST");
}

static int
is_post(const struct estra *r)
{
	return r->op != ESTRA_CACERTS && r->op != ESTRA_CSRATTRS;
}

/* The request line and the header, before anything is opened for it. */
static int
acceptable(struct estra *r)
{
	const char *m = r->cgi.method;

	if (!r->cgi.tls)
		return estra_refuse(r, 403, ESTRA_REFUSED, "no_tls",
		    "EST is served over TLS only");
	if (r->cgi.odd || r->cgi.peer[0] == '\0')
		return estra_refuse(r, 400, ESTRA_REFUSED, "odd_header",
		    "a header field is too long, or the address is none");
	if (route(r) == -1)
		return -1;
	if (r->op == ESTRA_KEYGEN || r->op == ESTRA_FULLCMC)
		return estra_refuse(r, 501, ESTRA_REFUSED, "not_offered",
		    "%s is not offered here", ops[r->op]);
	if (is_post(r) ? strcmp(m, "POST") != 0 :
	    strcmp(m, "GET") != 0 && strcmp(m, "HEAD") != 0) {
		snprintf(r->fields, sizeof(r->fields), "Allow: %s\r\n",
		    is_post(r) ? "POST" : "GET, HEAD");
		return estra_refuse(r, 405, ESTRA_REFUSED, "method",
		    "%s is asked for by %s", ops[r->op],
		    is_post(r) ? "POST" : "GET");
	}
	if (is_post(r) && !cgi_type_is(&r->cgi, "application/pkcs10"))
		return estra_refuse(r, 415, ESTRA_REFUSED, "media_type",
		    "the body has to be application/pkcs10");
	return 0;
}

/* So many from an address, so many at once. */
static int
within_limits(struct estra *r)
{
	int rc = estralimit_count(r->conf.state_dir, r->cgi.peer,
	    r->conf.max_per_minute, r->now);

	if (rc == 1) {
		retry_after(r, (int)(60 - r->now % 60));
		return estra_refuse(r, 429, ESTRA_REFUSED, "rate",
		    "too many requests from %s", r->cgi.peer);
	}
	if (rc == 0 && is_post(r))
		rc = estralimit_place(r->conf.state_dir, r->conf.max_at_once);
	if (rc == 1) {
		retry_after(r, 2);
		return estra_refuse(r, 503, ESTRA_REFUSED, "busy",
		    "too many requests at once");
	}
	return rc == 0 ? 0 : failed(r, "state");
}

/* From here on nothing but these files, and no network. */
static int
confine(const struct estconf *c)
{
	int s = sandbox_begin();
	const char *read[] = {c->cacerts, c->csrattrs, c->client_cas,
	    c->client_crl, c->crl, c->addresses};
	const char *write[] = {c->token_dir, c->queue_dir};
	size_t i;

	for (i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		if (read[i] != NULL)
			sandbox_path(s, read[i], SANDBOX_READ);
	for (i = 0; i < sizeof(write) / sizeof(write[0]); i++)
		if (write[i] != NULL)
			sandbox_path(s, write[i],
			    SANDBOX_READ | SANDBOX_CREATE);
	sandbox_path(s, "/proc/self/fd", SANDBOX_READ);
	return sandbox_apply(s);
}

static void
answer_der(struct estra *r, const char *type, const unsigned char *der,
    size_t len)
{
	r->status = 200;
	r->event = ESTRA_ANSWERED;
	r->type = type;
	r->body = est_encode(der, len, (unsigned int)r->conf.body_width,
	    &r->len);
	snprintf(r->fields, sizeof(r->fields),
	    "Content-Transfer-Encoding: base64\r\n");
}

/*
 * The certificates of a PEM text in DER, one behind the other, for free(); NULL
 * with a message.  d2i_X509() takes half of the time of a whole answer, for a
 * public key that nobody asks for.
 */
static unsigned char *
der_of(const char *text, size_t textlen, const char *name, size_t *n)
{
	BIO *bio = BIO_new_mem_buf(text, (int)textlen);
	unsigned char *der, *all = xmalloc(textlen);
	const char *why = NULL;	/* else there was a message */
	struct der_cert c;
	char *label;
	long len;
	int rc;

	if (bio == NULL)
		errx(EX_ERR, "memory: exhausted");
	*n = 0;
	while ((rc = pem_next(bio, name, &label, &der, &len)) == 1) {
		if (pem_is_cert(label) &&
		    (rc = der_cert(&c, der, (size_t)len, &why)) == 0) {
			memcpy(all + *n, der, (size_t)len);
			*n += (size_t)len;
		}
		OPENSSL_free(label);
		OPENSSL_free(der);
		if (rc == -1)
			break;
	}
	BIO_free(bio);
	if (rc == 0 && *n > 0)
		return all;
	if (rc == 0)
		why = "no certificate in PEM form found";
	if (why != NULL)
		warnx("%s: %s", name, why);
	free(all);
	return NULL;
}

/* S16 */
static void
cacerts(struct estra *r)
{
	unsigned char *certs = NULL, *der;
	size_t textlen, len;
	char *text = io_slurp(r->conf.cacerts, IO_PEM_MAX, &textlen);

	if (text != NULL)
		certs = der_of(text, textlen, r->conf.cacerts, &len);
	free(text);
	if (certs == NULL) {
		failed(r, "cacerts");
		return;
	}
	der = est_wrap(certs, len, &len);
	answer_der(r, "application/pkcs7-mime; smime-type=certs-only", der,
	    len);
	OPENSSL_free(der);
	free(certs);
}

/* S30: the file has base64 as it is sent. */
static void
csrattrs(struct estra *r)
{
	const char *why = "cannot be read";
	unsigned char *der;
	size_t len, n;
	char *text;

	if (r->conf.csrattrs == NULL) {
		r->status = 204;
		r->event = ESTRA_ANSWERED;
		return;
	}
	text = io_slurp(r->conf.csrattrs, EST_BODY_MAX, &len);
	der = text != NULL ? est_decode(text, len, &n, &why) : NULL;
	if (der != NULL)
		answer_der(r, "application/csrattrs", der, n);
	else {
		warnx("%s: %s", r->conf.csrattrs, why);
		failed(r, "csrattrs");
	}
	OPENSSL_free(der);
	free(text);
}

static void
serve(struct estra *r, const char *conf)
{
	if (acceptable(r) == -1)
		return;
	switch (estconf_load(conf, r->label, &r->conf)) {
	case EX_YES:
		break;
	case EX_NO:
		estra_refuse(r, 404, ESTRA_REFUSED, "not_found",
		    "no such operation or label of EST");
		return;
	default:
		failed(r, "configuration");
		return;
	}
	r->deadline = r->start + r->conf.max_seconds * 1000LL;
	if (within_limits(r) == -1)
		return;
	if ((is_post(r) && (r->ca = estraca_start(&r->conf)) == NULL) ||
	    confine(&r->conf) == -1) {
		failed(r, "process");
		return;
	}
	if (r->op == ESTRA_CACERTS)
		cacerts(r);
	else if (r->op == ESTRA_CSRATTRS)
		csrattrs(r);
	else if (estra_auth(r) == 0)
		estra_enroll(r);
}

void
estra_serve(struct estra *r, const char *conf)
{
	struct cgi_answer a = {.type = "text/plain"};
	char body[sizeof(r->text) + 1];

	serve(r, r->cgi.conf != NULL ? r->cgi.conf : conf);
	a.status = r->status;
	a.fields = r->fields;
	if (r->body != NULL) {
		a.type = r->type;
		a.body = r->body;
		a.len = r->len;
	} else if (r->status == 204)
		a.type = NULL;
	else {
		snprintf(body, sizeof(body), "%s\n", r->text);
		a.body = body;
		a.len = strlen(body);
	}
	if (cgi_answer(&a) == -1)
		warnx("the answer was lost");
}

static const char *
level(const struct estra *r)
{
	return r->status >= 500 && r->status != 501 ? "error" :
	    r->status >= 400 ? "warn" : "info";
}

static const char *
decision(const struct estra *r)
{
	return r->serial != NULL && r->status == 200 ? "issued" :
	    r->status == 202 ? "pending" : r->status < 300 ? "answered" :
	    r->status < 500 || r->status == 501 ? "refused" : "failed";
}

void
estra_log(const struct estra *r, int fd, const char *detail, size_t len)
{
	struct jsonw w = JSONW_INIT;
	char *line;

	jsonw_begin(&w, NULL, '{');
	jsonw_time(&w, "time", r->now);
	jsonw_str(&w, "level", level(r));
	jsonw_str(&w, "service", "est-ra");
	jsonw_str(&w, "event", r->event != NULL ? r->event : ESTRA_FAILED);
	jsonw_str(&w, "peer", r->cgi.peer);
	jsonw_str(&w, "label", r->label);
	jsonw_str(&w, "operation", r->op < ESTRA_OPS ? ops[r->op] : NULL);
	jsonw_num(&w, "status", r->status);
	jsonw_str(&w, "decision", decision(r));
	jsonw_str(&w, "reason", r->reason);
	if (r->who != NULL)
		jsonw_str(&w, "who", r->who);
	if (r->subject != NULL)
		jsonw_str(&w, "subject", r->subject);
	if (r->spki[0] != '\0')
		jsonw_str(&w, "spki_sha256", r->spki);
	if (r->serial != NULL) {
		jsonw_str(&w, "serial", r->serial);
		jsonw_time(&w, "not_after", r->not_after);
	}
	if (len > 0)
		jsonw_strn(&w, "detail", detail, len);
	jsonw_num(&w, "duration_ms", mono_ms() - r->start);
	jsonw_end(&w, '}');
	/* One write(2): lines of many processes do not mix. */
	line = xasprintf("%s\n", jsonw_text(&w));
	(void)!io_write(fd, line, strlen(line));
	free(line);
	jsonw_free(&w);
}

void
estra_free(struct estra *r)
{
	if (r->has_token)
		esttoken_drop(&r->token);
	estraca_stop(r->ca);
	X509_free(r->client);
	estconf_free(&r->conf);
	cgi_free(&r->cgi);
	free(r->body);
	free(r->who);
	free(r->subject);
	free(r->serial);
}
