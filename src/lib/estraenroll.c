/* SPDX-License-Identifier: ISC */
/* A request for a certificate, once est-ra knows who asks: see estra.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csrfacts.h"
#include "csrpolicy.h"
#include "der.h"
#include "dertext.h"
#include "estbody.h"
#include "estqueue.h"
#include "estraenroll.h"
#include "ott.h"
#include "util.h"

static int
deny(struct estra *r, int status, const char *reason, const char *text)
{
	return estra_refuse(r, status, ESTRA_DENIED, reason, "%s", text);
}

/* The body: base64 of a request, in DER, and nothing else (S11 to S13). */
static int
read_request(struct estra *r, struct csrfacts *f)
{
	const char *why;
	unsigned char *der;
	size_t n;
	char *body;
	int status, rc;

	if ((body = cgi_body(&r->cgi, (size_t)r->conf.max_body, r->deadline,
	    &status, &why)) == NULL)
		return deny(r, status, "body", why);
	der = est_decode(body, (size_t)r->cgi.length, &n, &why);
	free(body);
	if (der == NULL)
		return deny(r, 400, "base64", why);
	rc = csrfacts_der(f, der, n, "request");
	OPENSSL_free(der);
	if (rc == -1)
		return deny(r, 400, "csr", "not a PKCS#10 request in DER");
	r->subject = xstrdup(f->subject);
	snprintf(r->spki, sizeof(r->spki), "%s", f->spki_sha256);
	return 0;
}

/* The words for the client of all that is wrong, and of the first thing. */
static int
denied(struct estra *r, unsigned int bits, const char *what)
{
	char words[256];
	size_t n = 0;
	int i, first = -1;

	words[0] = '\0';
	for (i = 0; i < CSRPOLICY_BITS; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s",
		    first == -1 ? "" : ", ", csrpolicy_reason(1u << i));
		if (first == -1)
			first = i;
		if (n >= sizeof(words))
			break;
	}
	return estra_refuse(r, (bits & (CSR_SIGNATURE | CSR_AMBIGUOUS |
	    CSR_BAD_NAME)) != 0 ? 400 : 403, ESTRA_DENIED,
	    csrpolicy_reason(1u << first), "the request is refused: %s%s%s",
	    words, what != NULL ? ": " : "", what != NULL ? esc(what) : "");
}

/* A token that is bound to a name: is it the only one in the request? */
static int
is_bound_name(const struct estra *r, const struct csrfacts *f)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(f->req);
	const char *name = r->token.name;
	char cn[ESTTOKEN_NAME_MAX + 2];
	int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	size_t k;

	if (i == -1 && f->names.n == 0)
		return 0;
	if (i != -1 && (X509_NAME_get_text_by_NID((X509_NAME *)(size_t)subject,
	    NID_commonName, cn, (int)sizeof(cn)) != (int)strlen(name) ||
	    strcasecmp(cn, name) != 0))
		return 0;
	for (k = 0; k < f->names.n; k++)
		if (f->names.v[k].type == NAME_OTHER ||
		    strcasecmp(f->names.v[k].value, name) != 0)
			return 0;
	return 1;
}

static int
check_renewal(struct estra *r, const struct csrfacts *f)
{
	EVP_PKEY *old = X509_get0_pubkey(r->client);

	if (!r->conf.key_reuse && old != NULL &&
	    EVP_PKEY_eq(old, X509_REQ_get0_pubkey(f->req)) == 1)
		return deny(r, 403, "key_reuse",
		    "the request is refused: a new key is needed");
	return 0;
}

static int
check_request(struct estra *r, struct csrfacts *f)
{
	char *what = NULL, *subject = NULL;
	unsigned int bits;
	int rc = 0;

	/* Of a common name alone step-ca makes a name: it is judged as one. */
	if (f->names.n == 0)
		ott_request(f->req, "request", &subject, &f->names);
	free(subject);
	bits = csrpolicy_check(f, r->conf.policy,
	    r->op == ESTRA_REENROLL ? r->client : NULL, &what);
	if (bits != 0)
		rc = denied(r, bits, what);
	else if (f->names.n == 0)
		rc = deny(r, 403, csrpolicy_reason(CSR_NO_NAME),
		    "the request is refused: it has no name");
	else if (f->challenge && !r->conf.challenge_ignore)
		rc = deny(r, 400, "challenge_password", "the request is "
		    "refused: a challengePassword cannot be checked here");
	else if (r->op == ESTRA_REENROLL)
		rc = check_renewal(r, f);
	else if (r->has_token && r->token.name[0] != '\0' &&
	    !is_bound_name(r, f))
		rc = deny(r, 403, "token_name",
		    "the request is refused: the token is for another name");
	free(what);
	return rc;
}

/* What the certificate says of itself, for the log. */
static void
note_certificate(struct estra *r, X509 *cert)
{
	struct der_text t = DER_TEXT_INIT;
	unsigned char *der = NULL;
	struct der_cert c;
	const char *why;
	int n = i2d_X509(cert, &der);

	if (n > 0 && der_cert(&c, der, (size_t)n, &why) == 0) {
		r->serial = xstrdup(der_serial_hex(&t, c.serial));
		r->not_after = c.not_after;
	}
	OPENSSL_free(der);
	der_text_free(&t);
}

static int
issue(struct estra *r, const struct csrfacts *f, X509 **cert)
{
	int rc = estraca_sign(r->ca, f->req, cert);

	if (rc == EX_YES) {
		note_certificate(r, *cert);
		return 0;
	}
	if (rc == EX_TEMP) {
		snprintf(r->fields, sizeof(r->fields), "Retry-After: 30\r\n");
		return estra_refuse(r, 503, ESTRA_FAILED, "ca_unreachable",
		    "the certificate authority cannot be reached");
	}
	return estra_refuse(r, 502, ESTRA_FAILED, "ca_refused",
	    "the certificate authority does not sign this");
}

/* S14, S15: the certificate and nothing else. */
static void
answer(struct estra *r, X509 *cert)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	unsigned char *der;
	size_t len;

	if (one == NULL || !sk_X509_push(one, cert))
		errx(EX_ERR, "out of memory");
	der = est_certs_only(one, &len);
	sk_X509_free(one);
	r->status = 200;
	r->event = r->op == ESTRA_REENROLL ? ESTRA_RENEWED : ESTRA_ISSUED;
	r->type = "application/pkcs7-mime; smime-type=certs-only";
	r->body = est_encode(der, len, (unsigned int)r->conf.body_width,
	    &r->len);
	snprintf(r->fields, sizeof(r->fields),
	    "Content-Transfer-Encoding: base64\r\n");
	OPENSSL_free(der);
}

/* S18: somebody has to approve it.  0 when that was done. */
static int
approved(struct estra *r, const struct csrfacts *f, struct estqueue *q)
{
	const struct estqueue_ask ask = {.label = r->label,
	    .identity = r->who, .address = r->cgi.peer, .now = r->now,
	    .max_pending = r->conf.queue_max,
	    .max_age = r->conf.queue_max_age};
	const char *why = NULL;

	switch (estqueue_ask(q, r->conf.queue_dir, f, &ask, &why)) {
	case EX_YES:
		return 0;
	case EX_NO:
		return estra_refuse(r, 403, ESTRA_DENIED, "not_approved",
		    "the request is refused: %s", q->reason[0] != '\0' ?
		    esc(q->reason) : "it was not approved");
	case EX_TEMP:
		snprintf(r->fields, sizeof(r->fields), "Retry-After: %d\r\n",
		    r->conf.retry_after);
		warnx("queue: %s", why);
		return estra_refuse(r, 202, ESTRA_PENDING, "approval",
		    "the request waits for approval");
	default:
		return estra_refuse(r, 500, ESTRA_FAILED, "queue",
		    "the server is not in order; its log says why");
	}
}

/*
 * Token and approval are used up when the certificate is there and before it
 * goes out: no certificate, nothing lost; nobody gets two.
 */
static void
sign(struct estra *r, const struct csrfacts *f, struct estqueue *q)
{
	X509 *cert = NULL;

	if (issue(r, f, &cert) == -1)
		return;
	if ((r->has_token && esttoken_spend(&r->token) == -1) ||
	    (q != NULL && estqueue_done(q) == -1))
		estra_refuse(r, 500, ESTRA_FAILED, "state",
		    "the server is not in order; its log says why");
	else
		answer(r, cert);
	X509_free(cert);
}

void
estra_enroll(struct estra *r)
{
	struct csrfacts f = {.req = NULL};
	struct estqueue q;

	if (read_request(r, &f) == 0 && check_request(r, &f) == 0) {
		if (r->conf.approval < (r->op == ESTRA_ENROLL ?
		    ESTCONF_ENROLL : ESTCONF_ALL))
			sign(r, &f, NULL);
		else if (approved(r, &f, &q) == 0) {
			sign(r, &f, &q);
			estqueue_drop(&q);
		}
	}
	csrfacts_free(&f);
}
