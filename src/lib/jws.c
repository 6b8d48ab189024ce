/* SPDX-License-Identifier: ISC */
/* JWS, JWK and thumbprints: see jws.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "b64.h"
#include "jws.h"
#include "ossl.h"
#include "util.h"

/* What JOSE says of the curves: name there, algorithm, bytes, digest. */
static const struct curve {
	const char *group;
	const char *crv;
	const char *alg;
	const char *digest;
	int width;
} curves[] = {
	{"prime256v1", "P-256", "ES256", "SHA256", 32},
	{"secp384r1", "P-384", "ES384", "SHA384", 48},
	{"secp521r1", "P-521", "ES512", "SHA512", 66}
};

static const struct curve *
curve_of(EVP_PKEY *key)
{
	char group[64];
	size_t i;

	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(group, curves[i].group) == 0)
			return &curves[i];
	return NULL;
}

const char *
jws_alg(EVP_PKEY *key)
{
	const struct curve *c = curve_of(key);

	if (c != NULL)
		return c->alg;
	if (EVP_PKEY_is_a(key, "RSA"))
		return "RS256";
	if (EVP_PKEY_is_a(key, "ED25519"))
		return "EdDSA";
	return NULL;
}

/* A number of the key as base64url; width 0 is as short as it gets. */
static char *
number(EVP_PKEY *key, const char *param, int width)
{
	unsigned char buf[1024 + 8];
	BIGNUM *bn = NULL;
	char *text = NULL;
	int n;

	if (EVP_PKEY_get_bn_param(key, param, &bn) == 1) {
		n = width != 0 ? width : BN_num_bytes(bn);
		if (n <= (int)sizeof(buf) && BN_bn2binpad(bn, buf, n) == n)
			text = b64url(buf, (size_t)n);
	}
	BN_free(bn);
	return text;
}

static char *
okp_public(EVP_PKEY *key)
{
	unsigned char raw[64];
	size_t n = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
		return NULL;
	return b64url(raw, n);
}

char *
jws_jwk(EVP_PKEY *key)
{
	const struct curve *c = curve_of(key);
	char *a = NULL, *b = NULL, *jwk = NULL;

	if (c != NULL) {
		a = number(key, OSSL_PKEY_PARAM_EC_PUB_X, c->width);
		b = number(key, OSSL_PKEY_PARAM_EC_PUB_Y, c->width);
		if (a != NULL && b != NULL)
			jwk = xasprintf("{\"crv\":\"%s\",\"kty\":\"EC\","
			    "\"x\":\"%s\",\"y\":\"%s\"}", c->crv, a, b);
	} else if (EVP_PKEY_is_a(key, "RSA")) {
		a = number(key, OSSL_PKEY_PARAM_RSA_E, 0);
		b = number(key, OSSL_PKEY_PARAM_RSA_N, 0);
		if (a != NULL && b != NULL)
			jwk = xasprintf("{\"e\":\"%s\",\"kty\":\"RSA\","
			    "\"n\":\"%s\"}", a, b);
	} else if (EVP_PKEY_is_a(key, "ED25519")) {
		if ((a = okp_public(key)) != NULL)
			jwk = xasprintf("{\"crv\":\"Ed25519\",\"kty\":\"OKP\","
			    "\"x\":\"%s\"}", a);
	}
	if (jwk == NULL)
		ossl_warn("key", "of a kind that JOSE has no name for");
	free(a);
	free(b);
	return jwk;
}

char *
jws_thumbprint(const char *jwk)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(jwk, strlen(jwk), md, &n, EVP_sha256(), NULL) != 1)
		errx(EX_ERR, "SHA-256: not available");
	return b64url(md, n);
}

int
jws_ecdsa_raw(const unsigned char *der, size_t len, unsigned char *raw,
    size_t width)
{
	const unsigned char *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	int rc = -1, w = (int)width;

	if (sig != NULL && p == der + len &&
	    !BN_is_negative(ECDSA_SIG_get0_r(sig)) &&
	    !BN_is_negative(ECDSA_SIG_get0_s(sig)) &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, w) == w &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + width, w) == w)
		rc = 0;
	ECDSA_SIG_free(sig);
	return rc;
}

unsigned char *
jws_sign(EVP_PKEY *key, const void *msg, size_t len, size_t *siglen)
{
	const struct curve *c = curve_of(key);
	const char *digest = c != NULL ? c->digest :
	    EVP_PKEY_is_a(key, "RSA") ? "SHA256" : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *sig = NULL, *raw = NULL;
	size_t n = 0;

	if (ctx == NULL || EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL,
	    key, NULL) != 1 || EVP_DigestSign(ctx, NULL, &n, msg, len) != 1)
		goto fail;
	sig = xmalloc(n);
	if (EVP_DigestSign(ctx, sig, &n, msg, len) != 1)
		goto fail;
	if (c != NULL) {
		raw = xmalloc(2 * (size_t)c->width);
		if (jws_ecdsa_raw(sig, n, raw, (size_t)c->width) == -1)
			goto fail;
		free(sig);
		sig = raw;
		n = 2 * (size_t)c->width;
	}
	EVP_MD_CTX_free(ctx);
	*siglen = n;
	return sig;
fail:
	ossl_warn("key", "cannot sign");
	EVP_MD_CTX_free(ctx);
	free(sig);
	free(raw);
	return NULL;
}

char *
jws_flattened(const char *protected, const char *payload,
    const char *signature)
{
	return xasprintf("{\"protected\":\"%s\",\"payload\":\"%s\","
	    "\"signature\":\"%s\"}", protected, payload, signature);
}
