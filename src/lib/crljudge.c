/* SPDX-License-Identifier: ISC */
/* What revocation lists say of certificates: see crljudge.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crljudge.h"
#include "util.h"

#define ALL_REASONS 0x1feu	/* ReasonFlags 1 to 8 */

/* One list. */
struct source {
	struct crl *crl;
	enum crl_why why;		/* it is not to be believed */
	STACK_OF(X509) *path;		/* from its signer */
};

/* What is known of one certificate so far. */
struct subject {
	X509 *cert;
	unsigned char *der;		/* of its serial number, */
	struct der_span serial;		/* and the content of that */
	STACK_OF(X509) *path;
	int path_known;
	unsigned int reasons;		/* that good lists have covered */
	int delta;			/* there is a delta list for it */
	struct crl_verdict *v;
};

static unsigned int
reasons_of(const ASN1_BIT_STRING *flags)
{
	unsigned int mask = 0;
	int i;

	if (flags == NULL)
		return ALL_REASONS;
	for (i = 1; i <= 8; i++)
		if (ASN1_BIT_STRING_get_bit(flags, i))
			mask |= 1u << i;
	return mask;
}

static int
names_have(const GENERAL_NAMES *names, const GENERAL_NAME *name)
{
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++)
		if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i),
		    (GENERAL_NAME *)(uintptr_t)name) == 0)
			return 1;
	return 0;
}

/* Is this directory name one of those of a distribution point? */
static int
point_is(const DIST_POINT_NAME *p, X509_NAME *name)
{
	GENERAL_NAME g = {.type = GEN_DIRNAME, .d = {.directoryName = name}};

	if (p->type == 1)
		return p->dpname != NULL && X509_NAME_cmp(p->dpname, name) == 0;
	return names_have(p->name.fullname, &g);
}

/* Have two distribution points a name in common? */
static int
points_meet(const DIST_POINT_NAME *a, const DIST_POINT_NAME *b)
{
	int i;

	if (a->type == 1)
		return a->dpname != NULL && point_is(b, a->dpname);
	if (b->type == 1)
		return b->dpname != NULL && point_is(a, b->dpname);
	for (i = 0; i < sk_GENERAL_NAME_num(a->name.fullname); i++)
		if (names_have(b->name.fullname,
		    sk_GENERAL_NAME_value(a->name.fullname, i)))
			return 1;
	return 0;
}

/* Does it say no more than where the list can be had? */
static int
only_urls(const DIST_POINT_NAME *p)
{
	int i;

	if (p->type == 1)
		return 0;
	for (i = 0; i < sk_GENERAL_NAME_num(p->name.fullname); i++)
		if (sk_GENERAL_NAME_value(p->name.fullname, i)->type !=
		    GEN_URI)
			return 0;
	return 1;
}

/*
 * A certificate that names no distribution point means the one that has the
 * name of its issuer (RFC 5280 section 6.3.3, at the end).  step-ca puts the
 * URL of its only list there, and by default names it in no certificate.
 */
static enum crl_why
without_points(const struct crl *c, int *unnamed)
{
	if (point_is(c->idp->distpoint, c->issuer))
		return CRL_OK;
	*unnamed = only_urls(c->idp->distpoint);
	return *unnamed ? CRL_OK : CRL_IDP_MISMATCH;
}

/* Which of the distribution points of the certificate is this list for? */
static enum crl_why
match_points(const struct crl *c, X509 *cert, unsigned int *reasons,
    int *unnamed)
{
	CRL_DIST_POINTS *points;
	unsigned int mask = 0;
	DIST_POINT *p;
	int critical, i;

	points = X509_get_ext_d2i(cert, NID_crl_distribution_points, &critical,
	    NULL);
	if (points == NULL)
		return critical == -1 ? without_points(c, unnamed) :
		    CRL_IDP_MISMATCH;
	for (i = 0; i < sk_DIST_POINT_num(points); i++) {
		p = sk_DIST_POINT_value(points, i);
		if (p->distpoint != NULL && p->CRLissuer == NULL &&
		    DIST_POINT_set_dpname(p->distpoint, c->issuer) == 1 &&
		    points_meet(p->distpoint, c->idp->distpoint))
			mask |= reasons_of(p->reasons);
	}
	CRL_DIST_POINTS_free(points);
	*reasons &= mask;
	return mask == 0 ? CRL_IDP_MISMATCH : CRL_OK;
}

/* Is the certificate within the scope of the list, and for which reasons? */
static enum crl_why
scope(const struct crl *c, X509 *cert, unsigned int *reasons, int *unnamed)
{
	const ISSUING_DIST_POINT *idp = c->idp;
	int ca = (X509_get_extension_flags(cert) & EXFLAG_CA) != 0;

	*reasons = ALL_REASONS;
	*unnamed = 0;
	if (idp == NULL)
		return CRL_OK;
	if (idp->onlyattr || (idp->onlyuser && ca) || (idp->onlyCA && !ca))
		return CRL_OUT_OF_SCOPE;
	*reasons = reasons_of(idp->onlysomereasons);
	return idp->distpoint == NULL ? CRL_OK :
	    match_points(c, cert, reasons, unnamed);
}

/* Why the list cannot be used for this certificate, if so. */
static enum crl_why
usable(const struct crl_pool *pool, const struct source *src,
    struct subject *s, unsigned int *reasons, int *unnamed)
{
	if (src->why != CRL_OK)
		return src->why;
	if (!s->path_known) {
		s->path = crl_path(pool, s->cert, 1);
		s->path_known = 1;
	}
	if (s->path == NULL)
		return CRL_UNTRUSTED;
	if (!crl_same_anchor(s->path, src->path))
		return CRL_OTHER_ANCHOR;
	if (!crl_same_issuer(s->path, src->path, src->crl->issuer))
		return CRL_OTHER_ISSUER;
	return scope(src->crl, s->cert, reasons, unnamed);
}

/* What one list from its issuer adds to what is known of a certificate. */
static void
apply(const struct crl_pool *pool, const struct source *src,
    const struct crl_want *want, struct subject *s)
{
	const struct crl_policy *policy = pool->policy;
	unsigned int reasons;
	enum crl_why why;
	int unnamed = 0;

	s->delta |= src->crl->delta;
	why = usable(pool, src, s, &reasons, &unnamed);
	if (why == CRL_OK && want->listed &&
	    want->reason != CRL_REASON_REMOVE) {
		s->v->status = CRL_REVOKED;
		s->v->reason = want->reason;
		s->v->when = want->when;
		s->v->crl = src->crl;
		return;
	}
	if (why == CRL_OK)
		why = crl_fresh(src->crl, policy);
	if (why == CRL_OK && src->crl->delta)
		why = CRL_DELTA;
	if (why == CRL_OK && X509_cmp_time(X509_get0_notAfter(s->cert),
	    (time_t *)(uintptr_t)&policy->now) < 0)
		why = CRL_EXPIRED;
	if (why == CRL_OK) {
		s->reasons |= reasons;
		why = CRL_SOME_REASONS;
	}
	if (s->v->crl == NULL || why == CRL_SOME_REASONS) {
		s->v->why = why;
		s->v->crl = src->crl;
		s->v->unnamed = unnamed;
	}
}

static void
subject_begin(struct subject *s, X509 *cert, struct crl_verdict *v,
    enum crl_why failed)
{
	struct der_span in;
	unsigned int tag;
	int n;

	memset(s, 0, sizeof(*s));
	s->cert = cert;
	s->v = v;
	n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &s->der);
	in.p = s->der;
	in.len = n < 0 ? 0 : (size_t)n;
	if (der_next(&in, &tag, &s->serial) == -1)
		errx(EX_ERR, "memory: exhausted");
	memset(v, 0, sizeof(*v));
	v->status = CRL_UNKNOWN;
	v->why = failed;
	v->reason = -1;
}

/* All lists were seen. */
static void
subject_end(struct subject *s)
{
	struct crl_verdict *v = s->v;

	if (v->status == CRL_REVOKED)
		v->why = CRL_OK;
	else if (s->reasons == ALL_REASONS && s->delta)
		v->why = CRL_DELTA;
	else if (s->reasons == ALL_REASONS) {
		v->status = CRL_GOOD;
		v->why = CRL_OK;
	}
	v->unnamed &= v->status == CRL_GOOD;
	sk_X509_pop_free(s->path, X509_free);
	OPENSSL_free(s->der);
}

static int
issued_by(X509 *cert, const struct crl *c)
{
	return X509_NAME_cmp(X509_get_issuer_name(cert), c->issuer) == 0;
}

/* Verify one list, walk it once, and apply it to all from its issuer. */
static void
source(const struct crl_pool *pool, struct crl *c, struct subject *subjects,
    size_t n)
{
	struct crl_want *want = xcalloc(n + 1, sizeof(*want));
	struct source src = {.crl = c};
	size_t i, m = 0;

	for (i = 0; i < n; i++)
		if (issued_by(subjects[i].cert, c)) {
			want[m].serial = subjects[i].serial;
			want[m++].who = i;
		}
	qsort(want, m, sizeof(*want), crl_order);
	if (m > 0)
		src.why = crl_trusted(pool, c, &src.path);
	if (m > 0 && src.why == CRL_OK) {
		if (crl_lookup(c, want, m) == -1)
			src.why = CRL_BROKEN;
		else if (c->idp != NULL && c->idp->indirectCRL)
			src.why = CRL_INDIRECT;
		else if (c->unknown)
			src.why = CRL_EXTENSION;
	}
	for (i = 0; i < m; i++)
		apply(pool, &src, &want[i], &subjects[want[i].who]);
	sk_X509_pop_free(src.path, X509_free);
	free(want);
}

void
crl_judge(struct crl *const *crls, size_t n, enum crl_why failed,
    STACK_OF(X509) *certs, const struct crl_policy *policy,
    struct crl_verdict *out)
{
	size_t i, ncerts = (size_t)sk_X509_num(certs);
	struct subject *subjects = xcalloc(ncerts + 1, sizeof(*subjects));
	struct crl_pool pool;

	crl_pool_open(&pool, policy);
	for (i = 0; i < ncerts; i++)
		subject_begin(&subjects[i], sk_X509_value(certs, (int)i),
		    &out[i], failed);
	for (i = 0; i < n; i++)
		source(&pool, crls[i], subjects, ncerts);
	for (i = 0; i < ncerts; i++)
		subject_end(&subjects[i]);
	crl_pool_close(&pool);
	free(subjects);
}
