/* SPDX-License-Identifier: ISC */
/* Enrollment by EST: see estenroll.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "chain.h"
#include "estbody.h"
#include "estenroll.h"
#include "name.h"
#include "pem.h"
#include "util.h"

#define DEPTH_MAX 10		/* of a chain */
#define RETRY_USUAL 60		/* seconds, when a server does not say */

int
estenroll_policy(const char *word)
{
	static const char *const words[] = {"exact", "san", "any"};
	int i;

	for (i = ESTENROLL_EXACT; i <= ESTENROLL_ANY; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

/* Says which subject is there and which was wanted. */
static void
warn_subjects(const char *what, const X509_NAME *there, const X509_NAME *want)
{
	char *a = est_subject(there), *b = est_subject(want);

	warnx("%s: the subject is \"%s\", not \"%s\"", what, esc(a), esc(b));
	free(a);
	free(b);
}

int
estenroll_same(X509_REQ *csr, X509 *cert, const char *file)
{
	const X509_NAME *asked = X509_REQ_get_subject_name(csr);
	const X509_NAME *has = X509_get_subject_name(cert);
	struct names a = {NULL, 0}, b = {NULL, 0};
	int rc = -1;

	names_from_csr(&a, csr, NULL);
	names_show(&b, cert);
	if (X509_NAME_cmp(asked, has) != 0)
		warn_subjects(file, asked, has);
	else if (!names_equal(&a, &b))
		warnx("%s: the request has not the names of the certificate",
		    file);
	else
		rc = 0;
	if (rc == -1)
		warnx("%s: a renewal takes subject and names from the current "
		    "certificate; mkcsr -x does", file);
	names_free(&a);
	names_free(&b);
	return rc;
}

/* The certificate for our key among those that came, or NULL. */
static X509 *
pick(STACK_OF(X509) *certs, EVP_PKEY *key, X509 *current)
{
	X509 *cert, *old = NULL;
	EVP_PKEY *its;
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		cert = sk_X509_value(certs, i);
		its = X509_get0_pubkey(cert);
		if (its == NULL || EVP_PKEY_eq(its, key) != 1)
			continue;
		if (current == NULL || X509_cmp(cert, current) != 0)
			return cert;
		old = cert;
	}
	return old;
}

static int
is_root(X509 *cert)
{
	return X509_check_issued(cert, cert) == X509_V_OK;
}

/* Who among these certified cert: a root before others.  NULL: nobody. */
static X509 *
issuer(X509 *cert, STACK_OF(X509) *among)
{
	X509 *x, *found = NULL;
	EVP_PKEY *key;
	int i;

	for (i = 0; i < sk_X509_num(among); i++) {
		x = sk_X509_value(among, i);
		if (X509_check_issued(x, cert) == X509_V_OK &&
		    (key = X509_get0_pubkey(x)) != NULL &&
		    X509_verify(cert, key) == 1) {
			if (is_root(x))
				return x;
			found = found != NULL ? found : x;
		}
	}
	return found;
}

/*
 * The chain from leaf on, of what came and, where that ends, of the anchors.
 * The root is left out, unless the leaf is one.
 */
static STACK_OF(X509) *
build(X509 *leaf, STACK_OF(X509) *certs, STACK_OF(X509) *anchors)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x = leaf;

	while (x != NULL && sk_X509_num(chain) < DEPTH_MAX) {
		if (X509_up_ref(x) != 1 || sk_X509_push(chain, x) == 0)
			errx(EX_ERR, "memory: exhausted");
		if (is_root(x))
			break;
		leaf = x;
		if ((x = issuer(leaf, certs)) == NULL)
			x = issuer(leaf, anchors);
		if (x != NULL && is_root(x))
			break;
	}
	ERR_clear_error();
	return chain;
}

static int
same_serial(const X509 *a, const X509 *b)
{
	return b != NULL && ASN1_INTEGER_cmp(X509_get0_serialNumber(a),
	    X509_get0_serialNumber(b)) == 0;
}

/* Is this chain what was asked for?  0, or -1 with a message. */
static int
judge(STACK_OF(X509) *chain, const struct estenroll_want *want)
{
	struct names names = {NULL, 0};
	struct chain_want w = {.anchors = want->anchors,
	    .key = X509_REQ_get0_pubkey(want->csr), .now = want->now};
	struct timespec ts;
	const X509_NAME *asked = X509_REQ_get_subject_name(want->csr);
	X509 *leaf = sk_X509_value(chain, 0);
	unsigned int bad;

	if (same_serial(leaf, want->current)) {
		warnx("certificate: not renewed: the server answered with the "
		    "current one");
		return -1;
	}
	/* time(3) may be a tick behind, and a new certificate of the future. */
	if (w.now == ESTENROLL_AT_ISSUE &&
	    clock_gettime(CLOCK_REALTIME, &ts) == 0)
		w.now = ts.tv_sec;
	names_from_csr(&names, want->csr, NULL);
	if (want->policy != ESTENROLL_ANY)
		w.names = &names;
	bad = chain_check(chain, &w);
	names_free(&names);
	if (bad != 0)
		warnx("certificate: what the server issued is not accepted: "
		    "%s", chain_reasons(bad));
	else if (want->policy == ESTENROLL_EXACT &&
	    X509_NAME_entry_count(asked) > 0 &&
	    X509_NAME_cmp(X509_get_subject_name(leaf), asked) != 0)
		warn_subjects("certificate: what the server issued is not "
		    "accepted", X509_get_subject_name(leaf), asked);
	else
		return 0;
	return -1;
}

/* The chain in an answer that says yes. */
static int
take(const char *op, const struct http_answer *a,
    const struct estenroll_want *want, STACK_OF(X509) **chain)
{
	STACK_OF(X509) *certs = est_answer_certs(op, a);
	X509 *leaf;
	int rc = EX_ERR;

	if (certs == NULL)
		return EX_ERR;
	leaf = pick(certs, X509_REQ_get0_pubkey(want->csr), want->current);
	ERR_clear_error();
	if (leaf == NULL)
		warnx("certificate: what the server issued is not accepted: "
		    "%s", chain_reason(CHAIN_KEY_MISMATCH));
	else {
		*chain = build(leaf, certs, want->anchors);
		if (judge(*chain, want) == 0)
			rc = 0;
		else
			pem_certs_free(*chain);
	}
	pem_certs_free(certs);
	return rc;
}

/*
 * The server has not decided yet (202, section 4.2.3).  0 when it is time to
 * ask again, EX_TEMP when that is not ours to wait for.
 */
static int
pending(struct est *e, const char *op, const struct http_answer *a, int wait)
{
	long long sec = est_retry_after(a);
	const char *text = est_text(a);
	struct timespec ts = {0};

	if (sec < 0)
		warnx("%s: 202 without a time to come back, which is the "
		    "server's fault", op);
	if (sec <= 0)
		sec = sec < 0 ? RETRY_USUAL : 1;
	e->retry_at = time(NULL) + sec;
	warnx("%s: 202, the server has not decided yet; again in %lld s%s%s",
	    op, sec, *text != '\0' ? ": " : "", text);
	if (!wait)
		return EX_TEMP;
	if (mono_ms() + sec * 1000 >= e->deadline) {
		warnx("%s: that is beyond the deadline", op);
		return EX_TEMP;
	}
	ts.tv_sec = (time_t)sec;
	nanosleep(&ts, NULL);
	e->retry_at = 0;
	return 0;
}

int
estenroll_run(struct est *e, const struct estenroll_want *want,
    STACK_OF(X509) **chain)
{
	const char *op = want->renew ? "simplereenroll" : "simpleenroll";
	unsigned char *der = NULL;
	struct http_answer a;
	char *body;
	size_t n;
	int len = i2d_X509_REQ(want->csr, &der), rc;

	if (len <= 0)
		errx(EX_ERR, "memory: exhausted");
	body = est_encode(der, (size_t)len, 64, &n);
	OPENSSL_free(der);
	while ((rc = est_call(e, op, body, &a)) == 0) {
		if (a.status == 202)
			rc = pending(e, op, &a, want->wait);
		else if (a.status == 200 || a.status == 201)
			rc = take(op, &a, want, chain);
		else
			rc = est_refused(e, op, &a);
		n = a.status == 202 && rc == 0;
		http_answer_free(&a);
		if (!n)
			break;
	}
	free(body);
	return rc;
}
