/* SPDX-License-Identifier: ISC */
/* Whether a revocation list may be believed: see crltrust.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crltrust.h"
#include "pem.h"
#include "util.h"

#define SKEW 60			/* seconds that a clock may be behind */
#define MD_MIN 28		/* bytes of a digest: 112 bits of security */

static const char *const words[CRL_WHYS] = {
	"ok", "missing", "stale", "not_yet_valid", "unreadable", "broken",
	"unknown_critical_extension", "delta", "indirect", "no_signer",
	"bad_signature", "weak_signature", "no_crl_sign", "untrusted",
	"other_anchor", "other_issuer", "out_of_scope", "idp_mismatch",
	"some_reasons", "expired"
};

const char *
crl_word(enum crl_why why)
{
	return words[why];
}

int
crl_temporary(enum crl_why why)
{
	return why == CRL_MISSING || why == CRL_STALE || why == CRL_NOT_YET;
}

const char *
crl_reason(int code)
{
	static const char *const names[] = {
		"unspecified", "keyCompromise", "cACompromise",
		"affiliationChanged", "superseded", "cessationOfOperation",
		"certificateHold", "unknown", "removeFromCRL",
		"privilegeWithdrawn", "aACompromise"
	};

	return code < 0 || code > 10 ? names[7] : names[code];
}

static _Noreturn void
no_memory(void)
{
	errx(EX_ERR, "memory: exhausted");
}

/* Borrow a certificate, unless it is there already. */
static int
push_new(STACK_OF(X509) *to, X509 *cert)
{
	if (pem_certs_have(to, cert))
		return 0;
	if (sk_X509_push(to, cert) == 0)
		no_memory();
	return 1;
}

void
crl_pool_open(struct crl_pool *pool, const struct crl_policy *policy)
{
	X509 *cert;
	int i;

	pool->policy = policy;
	if ((pool->store = X509_STORE_new()) == NULL ||
	    (pool->cas = sk_X509_new_null()) == NULL)
		no_memory();
	for (i = 0; i < sk_X509_num(policy->anchors); i++)
		if (X509_STORE_add_cert(pool->store,
		    sk_X509_value(policy->anchors, i)) != 1)
			no_memory();
	for (i = 0; i < sk_X509_num(policy->others); i++) {
		cert = sk_X509_value(policy->others, i);
		if (X509_check_ca(cert) != 0)
			push_new(pool->cas, cert);
	}
}

void
crl_pool_close(struct crl_pool *pool)
{
	X509_STORE_free(pool->store);
	sk_X509_free(pool->cas);
	ERR_clear_error();
}

/* What cert-verify says of the leaf, and no part of this question. */
static int
overlook(int ok, X509_STORE_CTX *ctx)
{
	if (X509_STORE_CTX_get_error_depth(ctx) != 0)
		return ok;
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
		return 1;
	default:
		return ok;
	}
}

STACK_OF(X509) *
crl_path(const struct crl_pool *pool, X509 *cert, int leaf)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *path = NULL;
	X509_VERIFY_PARAM *param;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, pool->store, cert,
	    pool->cas) != 1)
		no_memory();
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_time(param, pool->policy->now);
	X509_VERIFY_PARAM_set_auth_level(param, 2);	/* 112 bits */
	if (leaf)
		X509_STORE_CTX_set_verify_cb(ctx, overlook);
	if (X509_verify_cert(ctx) == 1 &&
	    (path = X509_STORE_CTX_get1_chain(ctx)) == NULL)
		no_memory();
	X509_STORE_CTX_free(ctx);
	return path;
}

int
crl_same_anchor(STACK_OF(X509) *a, STACK_OF(X509) *b)
{
	return pem_certs_have(a, sk_X509_value(b, sk_X509_num(b) - 1)) ||
	    pem_certs_have(b, sk_X509_value(a, sk_X509_num(a) - 1));
}

/* Where a path leaves those of this name, from the i-th on; or NULL. */
static X509 *
beyond(STACK_OF(X509) *path, int i, const X509_NAME *name)
{
	while (i < sk_X509_num(path) && X509_NAME_cmp(X509_get_subject_name(
	    sk_X509_value(path, i)), name) == 0)
		i++;
	return sk_X509_value(path, i);
}

int
crl_same_issuer(STACK_OF(X509) *cert, STACK_OF(X509) *signer,
    const X509_NAME *issuer)
{
	X509 *a = beyond(cert, sk_X509_num(cert) > 1, issuer);
	X509 *b = beyond(signer, 0, issuer);

	return a == NULL || b == NULL || (X509_NAME_cmp(
	    X509_get_subject_name(a), X509_get_subject_name(b)) == 0 &&
	    EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1);
}

/* RSASSA-PSS is left to libcrypto; all but its digest. */
static enum crl_why
pss_signed_by(const struct crl *c, const X509_ALGOR *alg, EVP_PKEY *key)
{
	ASN1_STRING tbs = {(int)c->tbs.len, V_ASN1_SEQUENCE,
	    (unsigned char *)(uintptr_t)c->tbs.p, 0};
	ASN1_BIT_STRING sig = {(int)c->signature.len, V_ASN1_BIT_STRING,
	    (unsigned char *)(uintptr_t)c->signature.p,
	    ASN1_STRING_FLAG_BITS_LEFT};
	RSA_PSS_PARAMS *pss = ASN1_TYPE_unpack_sequence(
	    ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter);
	const EVP_MD *md = pss == NULL || pss->hashAlgorithm == NULL ? NULL :
	    EVP_get_digestbyobj(pss->hashAlgorithm->algorithm);

	RSA_PSS_PARAMS_free(pss);
	if (ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), alg, &sig, &tbs,
	    key) != 1)
		return CRL_BAD_SIGNATURE;
	return md == NULL || EVP_MD_get_size(md) < MD_MIN ?
	    CRL_WEAK_SIGNATURE : CRL_OK;
}

/* Is the list signed by this key?  The bytes are taken where they lie. */
static enum crl_why
signed_by(const struct crl *c, EVP_PKEY *key)
{
	const unsigned char *p = c->algorithm.p;
	X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &p, (long)c->algorithm.len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum crl_why why = CRL_BAD_SIGNATURE;
	int md = NID_undef, type = NID_undef;

	if (ctx == NULL)
		no_memory();
	if (alg == NULL || key == NULL ||
	    !OBJ_find_sigid_algs(OBJ_obj2nid(alg->algorithm), &md, &type))
		;
	else if (type == NID_rsassaPss)
		why = pss_signed_by(c, alg, key);
	else if (EVP_PKEY_is_a(key, OBJ_nid2sn(type)) &&
	    EVP_DigestVerifyInit_ex(ctx, NULL,
	    md == NID_undef ? NULL : OBJ_nid2sn(md), NULL, NULL, key,
	    NULL) == 1 && EVP_DigestVerify(ctx, c->signature.p,
	    c->signature.len, c->tbs.p, c->tbs.len) == 1)
		why = md != NID_undef && EVP_MD_get_size(
		    EVP_MD_CTX_get0_md(ctx)) < MD_MIN ?
		    CRL_WEAK_SIGNATURE : CRL_OK;
	EVP_MD_CTX_free(ctx);
	X509_ALGOR_free(alg);
	ERR_clear_error();
	return why;
}

/* One who may have signed the list. */
static enum crl_why
try_signer(const struct crl_pool *pool, const struct crl *c, X509 *cert,
    STACK_OF(X509) **path)
{
	enum crl_why why = signed_by(c, X509_get0_pubkey(cert));

	if (why != CRL_OK)
		return why;
	if ((X509_get_key_usage(cert) & KU_CRL_SIGN) == 0)
		return CRL_NO_CRL_SIGN;
	*path = crl_path(pool, cert, 0);
	return *path == NULL ? CRL_UNTRUSTED : CRL_OK;
}

enum crl_why
crl_trusted(const struct crl_pool *pool, const struct crl *c,
    STACK_OF(X509) **path)
{
	STACK_OF(X509) *pools[] = {pool->policy->anchors, pool->policy->others};
	STACK_OF(X509) *tried = sk_X509_new_null();
	enum crl_why best = CRL_NO_SIGNER, why;
	X509 *cert;
	int i, k;

	if (tried == NULL)
		no_memory();
	for (k = 0; k < 2 && best != CRL_OK; k++)
		for (i = 0; i < sk_X509_num(pools[k]) && best != CRL_OK; i++) {
			cert = sk_X509_value(pools[k], i);
			/* before that it has no key identifier to libcrypto */
			(void)X509_get_extension_flags(cert);
			if (X509_NAME_cmp(X509_get_subject_name(cert),
			    c->issuer) != 0 || (c->akid != NULL &&
			    X509_check_akid(cert, c->akid) != X509_V_OK) ||
			    !push_new(tried, cert))
				continue;
			/* of those that fail the nearest, as enum crl_why */
			why = try_signer(pool, c, cert, path);
			if (why == CRL_OK || why > best)
				best = why;
		}
	sk_X509_free(tried);
	return best;
}

enum crl_why
crl_fresh(const struct crl *c, const struct crl_policy *policy)
{
	if (c->this_update > policy->now + SKEW)
		return CRL_NOT_YET;
	if (policy->max_age > 0 &&
	    policy->now - c->this_update > policy->max_age)
		return CRL_STALE;
	if (c->next_update == 0)
		return policy->max_age > 0 ? CRL_OK : CRL_STALE;
	return policy->now < c->next_update ? CRL_OK : CRL_STALE;
}

int
crl_older(const struct crl *c, const struct crl *than)
{
	struct crl_want a = {.serial = c->number};
	struct crl_want b = {.serial = than->number};

	if (c->this_update < than->this_update)
		return 1;
	return than->number.len > 0 && (c->number.len == 0 ||
	    crl_order(&a, &b) < 0);
}

long long
crl_opt_age(int opt, const char *s)
{
	double hours = -1;
	char *end = NULL;

	if (*s != '\0' && s[strspn(s, "0123456789.")] == '\0')
		hours = strtod(s, &end);
	if (end == NULL || *end != '\0' || hours < 0.1 || hours > 168)
		errx(EX_ERR, "-%c %s: not a number of hours from 0.1 to 168",
		    opt, esc(s));
	return (long long)(hours * 3600 + 0.5);
}
