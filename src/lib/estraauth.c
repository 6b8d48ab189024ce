/* SPDX-License-Identifier: ISC */
/* Who asks est-ra, and may they: see estra.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addrlist.h"
#include "chain.h"
#include "crljudge.h"
#include "der.h"
#include "dertext.h"
#include "estraauth.h"
#include "pem.h"
#include "util.h"

/* "certificate 0A3F CN=dev1" for the log. */
static char *
certificate_name(X509 *cert)
{
	struct der_text serial = DER_TEXT_INIT, subject = DER_TEXT_INIT;
	unsigned char *der = NULL;
	struct der_cert c;
	const char *why;
	char *s = NULL;
	int n = i2d_X509(cert, &der);

	if (n > 0 && der_cert(&c, der, (size_t)n, &why) == 0)
		s = xasprintf("certificate %s %s",
		    der_serial_hex(&serial, c.serial),
		    der_name(&subject, c.subject));
	OPENSSL_free(der);
	der_text_free(&serial);
	der_text_free(&subject);
	return s;
}

static int
refuse(struct estra *r, const char *reason, const char *text)
{
	return estra_refuse(r, 403, ESTRA_NO_AUTH, reason, "%s", text);
}

/* The certificate by its way to the anchors, its times, its purpose. */
static int
check_chain(struct estra *r, STACK_OF(X509) *chain, STACK_OF(X509) *anchors)
{
	const struct chain_want want = {.anchors = anchors,
	    .purpose = CHAIN_CLIENT, .now = r->now};
	unsigned int bits = chain_check(chain, &want);

	if (bits == 0)
		return 0;
	warnx("client certificate: %s", chain_reasons(bits));
	if ((bits & CHAIN_UNTRUSTED) != 0)
		return refuse(r, "unknown_ca",
		    "the certificate is not from a CA that counts here");
	if ((bits & CHAIN_EXPIRED) != 0)
		return refuse(r, "expired", "the certificate has expired");
	if ((bits & CHAIN_NOT_YET_VALID) != 0)
		return refuse(r, "not_yet_valid",
		    "the certificate is not valid yet");
	return refuse(r, "bad_certificate",
	    "the certificate is not good for a client");
}

/* Is it on the list?  No list and an unusable one close the door. */
static int
check_revoked(struct estra *r, STACK_OF(X509) *chain,
    STACK_OF(X509) *anchors, const char *file)
{
	const struct crl_policy policy = {.anchors = anchors,
	    .others = anchors, .now = r->now, .max_age = r->conf.crl_max_age};
	struct crl_verdict v = {.status = CRL_UNKNOWN};
	enum crl_why why = CRL_OK;
	size_t len;
	char *text = crl_slurp(file, &len, &why);
	struct crl *crl = text == NULL ? NULL : crl_take(text, len, file,
	    &why);

	if (crl == NULL)
		v.why = why;
	else
		crl_judge(&crl, 1, CRL_OTHER_ISSUER, chain, &policy, &v);
	crl_free(crl);
	if (v.status == CRL_GOOD)
		return 0;
	if (v.status == CRL_REVOKED)
		return refuse(r, "revoked", "the certificate is revoked");
	warnx("%s: %s", file, crl_word(v.why));
	if (!r->conf.crl_required)
		return 0;
	snprintf(r->fields, sizeof(r->fields), "Retry-After: 60\r\n");
	return estra_refuse(r, 503, ESTRA_NO_AUTH, "crl",
	    "whether the certificate is revoked cannot be told at present");
}

static int
judge(struct estra *r, X509 *cert, const char *anchors_file,
    const char *crl_file)
{
	STACK_OF(X509) *anchors = pem_load_certs(anchors_file, 0);
	STACK_OF(X509) *chain = sk_X509_new_null();
	int rc = -1;

	if (chain == NULL || !sk_X509_push(chain, cert))
		errx(EX_ERR, "out of memory");
	if (anchors == NULL)
		estra_refuse(r, 500, ESTRA_FAILED, "anchors",
		    "the server is not in order; its log says why");
	else if (check_chain(r, chain, anchors) == 0)
		rc = crl_file == NULL ? 0 :
		    check_revoked(r, chain, anchors, crl_file);
	sk_X509_free(chain);
	pem_certs_free(anchors);
	return rc;
}

/*
 * What the front end says counts for nothing but that the client has the key:
 * a resumed session may be older than the certificate's end (S23).
 */
static int
by_certificate(struct estra *r, const char *anchors, const char *crl)
{
	STACK_OF(X509) *certs;
	X509 *cert;

	if (strncmp(r->cgi.verify, "FAILED", 6) == 0) {
		warnx("client certificate: %s", esc(r->cgi.verify));
		return refuse(r, "bad_certificate",
		    "the client certificate does not verify");
	}
	if (r->cgi.cert == NULL || strcmp(r->cgi.verify, "SUCCESS") != 0)
		return refuse(r, "no_cert", "a client certificate is needed");
	if ((certs = pem_certs(r->cgi.cert, strlen(r->cgi.cert),
	    "client certificate", 0)) == NULL)
		return refuse(r, "bad_certificate",
		    "the client certificate cannot be read");
	cert = X509_dup(sk_X509_value(certs, 0));
	pem_certs_free(certs);
	if (cert == NULL)
		errx(EX_ERR, "out of memory");
	free(r->who);
	if ((r->who = certificate_name(cert)) == NULL) {
		X509_free(cert);
		return refuse(r, "bad_certificate",
		    "the client certificate is not well formed");
	}
	if (judge(r, cert, anchors, crl) == -1) {
		X509_free(cert);
		return -1;
	}
	r->client = cert;
	return 0;
}

/* S6: HTTP authentication could help. */
static int
challenge(struct estra *r, const char *reason)
{
	snprintf(r->fields, sizeof(r->fields),
	    "WWW-Authenticate: Basic realm=\"est\", charset=\"UTF-8\"\r\n");
	return estra_refuse(r, 401, ESTRA_NO_AUTH, reason,
	    "a token is needed, as the password of HTTP Basic");
}

static int
by_token(struct estra *r)
{
	const char *why = NULL;
	char *user, *password;
	int rc;

	if (r->cgi.credential == NULL)
		return challenge(r, "no_token");
	if (cgi_basic(&r->cgi, &user, &password) == -1)
		return challenge(r, "odd_credential");
	rc = esttoken_take(&r->token, r->conf.token_dir, password, r->label,
	    r->now, &why);
	cgi_secret_free(r->cgi.credential);
	r->cgi.credential = NULL;
	cgi_secret_free(user);
	cgi_secret_free(password);
	switch (rc) {
	case EX_YES:
		r->has_token = 1;
		free(r->who);
		r->who = xasprintf("token %s", r->token.id);
		return 0;
	case EX_NO:
		warnx("token: %s", why);
		return challenge(r, "bad_token");
	case EX_TEMP:
		snprintf(r->fields, sizeof(r->fields), "Retry-After: 1\r\n");
		return estra_refuse(r, 503, ESTRA_NO_AUTH, "token_in_use",
		    "the token is in use by another request");
	default:
		return estra_refuse(r, 500, ESTRA_FAILED, "token_store",
		    "the server is not in order; its log says why");
	}
}

static int
by_address(struct estra *r)
{
	struct addrlist l = {NULL, 0};
	struct addr a;
	int rc = 0;

	if (r->conf.addresses == NULL)
		return 0;
	if (addrlist_load(&l, r->conf.addresses) == -1)
		rc = estra_refuse(r, 500, ESTRA_FAILED, "addresses",
		    "the server is not in order; its log says why");
	else if (addr_parse(&a, r->cgi.peer) == -1 ||
	    addrlist_find(&l, &a) == NULL)
		rc = refuse(r, "address",
		    "this address may not enroll");
	addrlist_free(&l);
	return rc;
}

int
estra_auth(struct estra *r)
{
	const struct estconf *c = &r->conf;

	if (r->op == ESTRA_REENROLL)
		return c->reenroll ? by_certificate(r, c->cacerts, c->crl) :
		    refuse(r, "closed", "nobody may re-enroll here");
	if (c->enroll == ESTCONF_NOBODY)
		return refuse(r, "closed", "nobody may enroll here");
	if (by_address(r) == -1)
		return -1;
	switch (c->enroll) {
	case ESTCONF_TOKEN:
		return by_token(r);
	case ESTCONF_CERT:
		return by_certificate(r, c->client_cas, c->client_crl);
	case ESTCONF_EITHER:
		if (by_certificate(r, c->client_cas, c->client_crl) == 0)
			return 0;
		*r->fields = '\0';
		return by_token(r);
	default:
		return by_certificate(r, c->client_cas, c->client_crl) == 0 ?
		    by_token(r) : -1;
	}
}
