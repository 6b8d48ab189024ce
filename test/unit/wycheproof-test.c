/* SPDX-License-Identifier: ISC */
/*
 * b64, json, jws and key against the vectors of project Wycheproof: raw ECDSA
 * signatures, JWS, JWK.  We only make signatures; what is missing for judging
 * one (a key from its JWK, OpenSSL's verification) is here.  The files are
 * those of $ECA_TEST_DATA/wycheproof/testvectors_v1, by default in
 * ../shared/data from the top of the tree.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "b64.h"
#include "check.h"
#include "io.h"
#include "json.h"
#include "jws.h"
#include "key.h"
#include "util.h"

#define FILE_MAX ((size_t)8 << 20)
#define P1363 "ecdsa_secp256r1_sha256_p1363_test.json"
#define JWS "json_web_signature_test.json"
#define JWK "json_web_key_test.json"

/* Where we judge otherwise than the file, and why. */
static struct {
	const char *file;
	int id;
	const char *reason;
	int seen;
} others[] = {
	{JWS, 367, "the text is that of 357, which is valid", 0},
	{JWS, 370, "the text is that of 357, which is valid", 0},
	{JWS, 372, "base64url of the header has a character too many", 0},
	{JWS, 373, "base64url of the payload has a character too many", 0},
	{JWK, 1, "a set of keys: the key is found by its kid alone", 0},
	{JWK, 4, "a set of keys: the first with that kid is taken", 0},
	{JWK, 7, "nobody asks which library made an RSA key", 0},
	{JWK, 9, "an RSA key of ours has the exponent OpenSSL gave it", 0},
};

/* What we do not sign with: even a valid signature is not for us. */
static const char *const foreign[] = {"RS384", "RS512", "PS256", "PS384",
    "PS512", "HS384", "HS512"};

static char *dir;
static const char *file;	/* the one at work */
static int id;			/* tcId: they count from 1 */
static int valid, refused;	/* as the file says */

static unsigned char *
unhex(const char *s, size_t *n)
{
	long len = 0;
	unsigned char *p = OPENSSL_hexstr2buf(s, &len);

	*n = (size_t)len;
	return p;
}

static EVP_PKEY *
from_data(const char *type, OSSL_PARAM_BLD *bld)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY *key = NULL;

	if (EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Width of a coordinate (RFC 7518 section 6.2.1.2), 0 for no curve of ours. */
static size_t
width_of(const char *crv)
{
	return crv == NULL ? 0 : strcmp(crv, "P-256") == 0 ? 32 :
	    strcmp(crv, "P-384") == 0 ? 48 : strcmp(crv, "P-521") == 0 ? 66 : 0;
}

static EVP_PKEY *
ec_key(const struct json *jwk, OSSL_PARAM_BLD *bld)
{
	const char *crv = json_str(jwk, "crv"), *tx = json_str(jwk, "x"),
	    *ty = json_str(jwk, "y");
	unsigned char *x, *y, point[1 + 2 * 66] = {4};
	size_t nx, ny, w = width_of(crv);
	EVP_PKEY *key = NULL;

	x = tx != NULL ? b64url_decode(tx, &nx) : NULL;
	y = ty != NULL ? b64url_decode(ty, &ny) : NULL;
	if (w != 0 && x != NULL && y != NULL && nx == w && ny == w) {
		memcpy(point + 1, x, w);
		memcpy(point + 1 + w, y, w);
		OSSL_PARAM_BLD_push_utf8_string(bld,
		    OSSL_PKEY_PARAM_GROUP_NAME, crv, 0);
		OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
		    point, 1 + 2 * w);
		key = from_data("EC", bld);
	}
	free(x);
	free(y);
	return key;
}

static EVP_PKEY *
rsa_key(const struct json *jwk, OSSL_PARAM_BLD *bld)
{
	const char *tn = json_str(jwk, "n"), *te = json_str(jwk, "e");
	size_t nn, ne;
	unsigned char *n = tn != NULL ? b64url_decode(tn, &nn) : NULL;
	unsigned char *e = te != NULL ? b64url_decode(te, &ne) : NULL;
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *key = NULL;

	if (n != NULL && e != NULL) {
		bn = BN_bin2bn(n, (int)nn, NULL);
		be = BN_bin2bn(e, (int)ne, NULL);
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn);
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be);
		key = from_data("RSA", bld);
	}
	BN_free(bn);
	BN_free(be);
	free(n);
	free(e);
	return key;
}

/* The public key of a JWK, or NULL. */
static EVP_PKEY *
jwk_key(const struct json *jwk)
{
	const char *kty = json_str(jwk, "kty");
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (kty != NULL && strcmp(kty, "EC") == 0)
		key = ec_key(jwk, bld);
	else if (kty != NULL && strcmp(kty, "RSA") == 0)
		key = rsa_key(jwk, bld);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

/* What we write for the key is what the file has, members in their order. */
static void
canonical(EVP_PKEY *key, const struct json *jwk)
{
	char *got = jws_jwk(key), *want, *print, *own;
	unsigned char md[32];

	if (EVP_PKEY_is_a(key, "RSA"))
		want = xasprintf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
		    json_str(jwk, "e"), json_str(jwk, "n"));
	else
		want = xasprintf("{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\","
		    "\"y\":\"%s\"}", json_str(jwk, "crv"), json_str(jwk, "x"),
		    json_str(jwk, "y"));
	if (!CHECK_STR(got, want)) {
		free(want);
		free(got);
		return;
	}
	CHECK(EVP_Digest(want, strlen(want), md, NULL, EVP_sha256(), NULL) ==
	    1);
	own = b64url(md, sizeof(md));
	print = jws_thumbprint(got);
	CHECK_STR(print, own);
	free(print);
	free(own);
	free(want);
	free(got);
}

/*
 * Is raw the signature of msg by key, and would we have written it like that?
 * Its halves become DER as OpenSSL writes it, that goes through our
 * conversion, and what comes out must be raw again.
 */
static int
ecdsa_ok(EVP_PKEY *key, const char *digest, size_t width, const void *msg,
    size_t len, const unsigned char *raw, size_t rawlen)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL, back[2 * 66];
	size_t half = rawlen / 2;
	int n, ok;

	ECDSA_SIG_set0(sig, BN_bin2bn(raw, (int)half, NULL),
	    BN_bin2bn(raw + half, (int)(rawlen - half), NULL));
	n = i2d_ECDSA_SIG(sig, &der);
	ok = n > 0 && jws_ecdsa_raw(der, (size_t)n, back, width) == 0 &&
	    rawlen == 2 * width && memcmp(back, raw, rawlen) == 0 &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key,
	    NULL) == 1 && EVP_DigestVerify(ctx, der, (size_t)n, msg, len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG_free(sig);
	return ok;
}

static int
rsa_ok(EVP_PKEY *key, const void *msg, size_t len, const unsigned char *sig,
    size_t siglen)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key,
	    NULL) == 1 && EVP_DigestVerify(ctx, sig, siglen, msg, len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* HS256 (RFC 7518 section 3.2), as ACME binds an account with. */
static int
hmac_ok(const struct json *jwk, const void *msg, size_t len,
    const unsigned char *sig, size_t siglen)
{
	const char *k = json_str(jwk, "k");
	unsigned char md[32], *secret;
	size_t n;
	int ok;

	secret = k != NULL ? b64url_decode(k, &n) : NULL;
	ok = secret != NULL && n >= 32 && siglen == 32 &&
	    HMAC(EVP_sha256(), secret, (int)n, msg, len, md, NULL) != NULL &&
	    memcmp(md, sig, 32) == 0;
	free(secret);
	return ok;
}

/*
 * Does the JWK allow it (RFC 7517 sections 4.2 to 4.4)?  What the files call
 * ES521 is ES512.
 */
static int
allowed(const struct json *jwk, const char *alg)
{
	const char *for_alg = json_str(jwk, "alg"), *use = json_str(jwk, "use");
	const struct json *ops = json_arr(jwk, "key_ops");
	size_t i;

	if (for_alg != NULL && strcmp(for_alg, "ES521") == 0)
		for_alg = "ES512";
	for (i = 0; i < json_len(ops); i++)
		if (strcmp(json_str_at(ops, i), "verify") == 0)
			break;
	return (for_alg == NULL || strcmp(for_alg, alg) == 0) &&
	    (use == NULL || strcmp(use, "sig") == 0) &&
	    (ops == NULL || i < json_len(ops));
}

/* The signature of len bytes at msg, by an algorithm of ours. */
static int
signed_by(const struct json *jwk, const char *alg, const char *msg,
    size_t len, const unsigned char *sig, size_t siglen)
{
	EVP_PKEY *key;
	char digest[] = "SHAxxx";
	int ok = 0;

	if (strcmp(alg, "HS256") == 0)
		return hmac_ok(jwk, msg, len, sig, siglen);
	if ((key = jwk_key(jwk)) == NULL)
		return 0;
	canonical(key, jwk);
	if (key_strong(key, "key") == 0 && jws_alg(key) != NULL &&
	    strcmp(jws_alg(key), alg) == 0) {
		memcpy(digest + 3, alg + 2, 3);
		ok = EVP_PKEY_is_a(key, "RSA") ?
		    rsa_ok(key, msg, len, sig, siglen) :
		    ecdsa_ok(key, digest, width_of(json_str(jwk, "crv")), msg,
		    len, sig, siglen);
	}
	EVP_PKEY_free(key);
	return ok;
}

/* The key of that name, of a set or of one. */
static const struct json *
find_key(const struct json *keys, const char *kid)
{
	const struct json *set = json_arr(keys, "keys"), *jwk;
	const char *name;
	size_t i;

	for (i = 0; set == NULL ? i < 1 : i < json_len(set); i++) {
		jwk = set == NULL ? keys : json_obj_at(set, i);
		name = json_str(jwk, "kid");
		if (name != NULL && kid != NULL && strcmp(name, kid) == 0)
			return jwk;
	}
	return NULL;
}

/* A JWS in compact form (RFC 7515 sections 3.1 and 5.2). */
static int
jws_ok(const struct json *keys, const char *jws)
{
	char *text = xstrdup(jws), *p, *s, why[160];
	unsigned char *h = NULL, *load = NULL, *sig = NULL;
	size_t nh, nload, nsig;
	struct json *header = NULL;
	const struct json *jwk;
	const char *alg;
	int ok = 0;

	if ((p = strchr(text, '.')) != NULL &&
	    (s = strchr(p + 1, '.')) != NULL) {
		*p = *s = '\0';
		if ((h = b64url_decode(text, &nh)) != NULL &&
		    (load = b64url_decode(p + 1, &nload)) != NULL &&
		    (sig = b64url_decode(s + 1, &nsig)) != NULL)
			header = json_parse((const char *)h, nh, why);
		alg = json_str(header, "alg");
		jwk = find_key(keys, json_str(header, "kid"));
		ok = alg != NULL && jwk != NULL && allowed(jwk, alg) &&
		    signed_by(jwk, alg, jws, (size_t)(s - text), sig, nsig);
	}
	json_free(header);
	free(h);
	free(load);
	free(sig);
	free(text);
	return ok;
}

/* Are we right to differ from the file?  Only as the lists above say. */
static int
may_differ(const struct json *keys, const char *result)
{
	const char *alg = json_str(keys, "alg");
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (id == others[i].id && strcmp(file, others[i].file) == 0)
			return ++others[i].seen;
	if (alg == NULL)
		alg = json_str(json_obj_at(json_arr(keys, "keys"), 0), "alg");
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (alg != NULL && strcmp(alg, foreign[i]) == 0)
			return strcmp(result, "valid") == 0;
	return 0;
}

/* Compare what we say with what the file says. */
static void
judge(const struct json *keys, const struct json *test, int ok)
{
	const char *result = json_str(test, "result");

	valid += strcmp(result, "valid") == 0;
	refused += strcmp(result, "invalid") == 0;
	if (ok == (strcmp(result, "valid") == 0) || may_differ(keys, result))
		return;
	CHECK(!"judged as the file does");
	printf("# %s: %d, %s: %s\n", file, id, json_str(test, "comment"),
	    result);
}

static void
p1363_test(const struct json *group, const struct json *test)
{
	const struct json *pub = json_obj(group, "publicKey");
	const char *point = json_str(pub, "uncompressed");
	unsigned char *der, *msg, *sig, *xy;
	const unsigned char *p;
	size_t nder, nmsg, nsig, nxy;
	EVP_PKEY *key;
	char *x, *y, *want, *jwk;

	p = der = unhex(json_str(group, "publicKeyDer"), &nder);
	key = d2i_PUBKEY(NULL, &p, (long)nder);
	msg = unhex(json_str(test, "msg"), &nmsg);
	sig = unhex(json_str(test, "sig"), &nsig);
	xy = unhex(point, &nxy);
	CHECK(key != NULL && nxy == 65);
	judge(pub, test, ecdsa_ok(key, "SHA256", 32, msg, nmsg, sig, nsig));
	x = b64url(xy + 1, 32);
	y = b64url(xy + 33, 32);
	want = xasprintf("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\","
	    "\"y\":\"%s\"}", x, y);
	jwk = jws_jwk(key);
	CHECK_STR(jwk, want);
	free(jwk);
	free(want);
	free(x);
	free(y);
	OPENSSL_free(xy);
	OPENSSL_free(msg);
	OPENSSL_free(sig);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static void
jws_test(const struct json *group, const struct json *test)
{
	const struct json *keys = json_obj(group, "public");

	if (keys == NULL)
		keys = json_obj(group, "private");	/* a MAC */
	judge(keys, test, jws_ok(keys, json_str(test, "jws")));
}

/* All tests of a file: there are so many, and n of them valid. */
static void
run(const char *name, int tests, int n,
    void (*one)(const struct json *, const struct json *))
{
	char *path = xasprintf("%s/%s", dir, name), why[160] = "", *buf;
	const struct json *groups, *list;
	struct json *j = NULL;
	size_t len, g, i;

	file = name;
	id = valid = refused = 0;
	if (CHECK((buf = io_slurp(path, FILE_MAX, &len)) != NULL) &&
	    !CHECK((j = json_parse(buf, len, why)) != NULL))
		printf("# %s: %s\n", name, why);
	groups = json_arr(j, "testGroups");
	for (g = 0; g < json_len(groups); g++) {
		list = json_arr(json_obj_at(groups, g), "tests");
		for (i = 0; i < json_len(list); i++) {
			id++;
			one(json_obj_at(groups, g), json_obj_at(list, i));
		}
	}
	CHECK_INT(valid, n);
	CHECK_INT(valid + refused, tests);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].file, name) == 0 &&
		    !CHECK_INT(others[i].seen, 1))
			printf("# %s: %d: %s\n", name, others[i].id,
			    others[i].reason);
	json_free(j);
	free(buf);
	free(path);
}

static void
p1363(void)
{
	run(P1363, 262, 173, p1363_test);
}

static void
jws(void)
{
	run(JWS, 401, 46, jws_test);
}

static void
jwk(void)
{
	run(JWK, 26, 5, jws_test);
}

static char *
suite_dir(void)
{
	const char *data = getenv("ECA_TEST_DATA");
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (data != NULL)
		return xasprintf("%s/wycheproof/testvectors_v1", data);
	while (n > 0 && self[n - 1] != '/')
		n--;
	self[n > 0 ? n : 0] = '\0';	/* .../build/plain/unit/ */
	return xasprintf("%s../../../../shared/data/wycheproof/testvectors_v1",
	    self);
}

/* A case, or a skip, which in CI is a failure. */
static void
with_file(const char *name, const char *needs, void (*fn)(void))
{
	char *path = xasprintf("%s/%s", dir, needs);

	if (access(path, R_OK) == 0)
		check_case(name, fn);
	else
		printf("ok %d - %s # skip %s is not there\n", ++check_cases,
		    name, needs);
	free(path);
}

int
main(void)
{
	json_start();
	dir = suite_dir();
	with_file("wycheproof: raw ECDSA signatures with P-256", P1363, p1363);
	with_file("wycheproof: JSON Web Signatures", JWS, jws);
	with_file("wycheproof: JSON Web Keys", JWK, jwk);
	free(dir);
	return check_end();
}
