/* SPDX-License-Identifier: ISC */
/*
 * b64 and jws against published values: RFC 4648 section 10, RFC 7515
 * appendices A.2 to A.4, RFC 7638 section 3.1, RFC 8037 appendix A, and what
 * these leave out: numbers that begin with zero bytes, DER that lies.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "b64.h"
#include "check.h"
#include "jws.h"
#include "util.h"

/* RFC 7515 appendices A.2.1 and A.3.1: the payload of both. */
static const char joe[] = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n"
    " \"http://example.com/is_root\":true}";

/* RFC 7515 appendix A.2.1. */
static const char a2_n[] = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0"
    "l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_"
    "YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
    "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
    "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
    "yuXpoQ";
static const char a2_d[] = "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAe"
    "P88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTG"
    "oVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9J"
    "YanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8"
    "bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRu"
    "OopznQ";
static const char a2_sig[] = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQg"
    "r9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcA"
    "cQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe"
    "7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phC"
    "nvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlU"
    "PQGe77Rw";

/* RFC 7515 appendix A.3.1. */
static const char a3_x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
static const char a3_y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
static const char a3_d[] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
static const char a3_sig[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCg"
    "fTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 7515 appendix A.4.1; y begins with a zero byte. */
static const char a4_x[] = "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpX"
    "p5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk";
static const char a4_y[] = "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3"
    "S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2";
static const char a4_d[] = "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg"
    "6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C";
static const char a4_sig[] = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZ"
    "OYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xK"
    "pRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";

/* RFC 7638 section 3.1. */
static const char rfc7638_n[] = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbW"
    "hM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
    "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368"
    "QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFT"
    "WhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw"
    "apJzKnqDKgw";

/* RFC 8037 appendices A.1 to A.4. */
static const char ed_x[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
static const char ed_d[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
static const char ed_sig[] = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWb"
    "hijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static BIGNUM *
number(const char *b64)
{
	size_t n;
	unsigned char *p = b64url_decode(b64, &n);
	BIGNUM *bn = p == NULL ? NULL : BN_bin2bn(p, (int)n, NULL);

	CHECK(bn != NULL);
	free(p);
	return bn;
}

static EVP_PKEY *
from_data(const char *type, OSSL_PARAM_BLD *bld, int pair)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY *key = NULL;

	CHECK(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key,
	    pair ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* An RSA key with e = 65537, from JWK members; d may be NULL. */
static EVP_PKEY *
rsa_key(const char *n, const char *d)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn = number(n), *be = number("AQAB"), *bd = NULL;
	EVP_PKEY *key;

	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be);
	if (d != NULL) {
		bd = number(d);
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, bd);
	}
	key = from_data("RSA", bld, d != NULL);
	BN_free(bn);
	BN_free(be);
	BN_free(bd);
	return key;
}

/* An EC key from its uncompressed point and its number d. */
static EVP_PKEY *
ec_key(const char *group, const unsigned char *point, size_t n,
    const BIGNUM *d)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
	    n);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d);
	return from_data("EC", bld, 1);
}

/* The same from JWK members. */
static EVP_PKEY *
ec_jwk(const char *group, const char *x, const char *y, const char *d)
{
	unsigned char *px, *py, point[1 + 2 * 66] = {4};
	BIGNUM *bd = number(d);
	EVP_PKEY *key;
	size_t nx, ny;

	px = b64url_decode(x, &nx);
	py = b64url_decode(y, &ny);
	memcpy(point + 1, px, nx);
	memcpy(point + 1 + nx, py, ny);
	key = ec_key(group, point, 1 + nx + ny, bd);
	free(px);
	free(py);
	BN_free(bd);
	return key;
}

static EVP_PKEY *
ed25519_key(void)
{
	size_t n;
	unsigned char *d = b64url_decode(ed_d, &n);
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d,
	    n);

	CHECK(key != NULL);
	free(d);
	return key;
}

/* r||s as DER, by OpenSSL's own writer. */
static unsigned char *
der_of(const unsigned char *raw, size_t width, size_t *len)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *der = NULL;

	ECDSA_SIG_set0(sig, BN_bin2bn(raw, (int)width, NULL),
	    BN_bin2bn(raw + width, (int)width, NULL));
	*len = (size_t)i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	return der;
}

/* Does OpenSSL take r||s as the signature of text? */
static int
verify(EVP_PKEY *key, const char *digest, const char *text,
    const unsigned char *raw, size_t width)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len;
	unsigned char *der = der_of(raw, width, &len);
	int ok = EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key,
	    NULL) == 1 && EVP_DigestVerify(ctx, der, len,
	    (const unsigned char *)text, strlen(text)) == 1;

	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* The signing input: both parts as base64url, with a dot. */
static char *
signing_input(const char *header, const char *payload)
{
	char *h = b64url(header, strlen(header));
	char *p = b64url(payload, strlen(payload));
	char *text = xasprintf("%s.%s", h, p);

	free(h);
	free(p);
	return text;
}

static void
encode(const char *bytes, size_t n, const char *want)
{
	char *text = b64url(bytes, n);
	unsigned char *back;
	size_t len = 99;

	CHECK_STR(text, want);
	free(text);
	if (CHECK((back = b64url_decode(want, &len)) != NULL)) {
		CHECK_INT(len, n);
		CHECK(memcmp(back, bytes, n) == 0);
		CHECK_INT(back[n], 0);
	}
	free(back);
}

static void
b64_vectors(void)
{
	encode("", 0, "");
	encode("f", 1, "Zg");
	encode("fo", 2, "Zm8");
	encode("foo", 3, "Zm9v");
	encode("foob", 4, "Zm9vYg");
	encode("fooba", 5, "Zm9vYmE");
	encode("foobar", 6, "Zm9vYmFy");
	encode("\xfb\xff\xbf", 3, "-_-_");
	encode("\0\0\0\0", 4, "AAAAAA");
	encode("\xff\xff", 2, "__8");
	encode(joe, strlen(joe), "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAs"
	    "DQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
}

static void
b64_round_trips(void)
{
	unsigned char buf[80], *back;
	char *text;
	size_t n, i, len;

	for (n = 0; n <= sizeof(buf); n++) {
		for (i = 0; i < n; i++)
			buf[i] = (unsigned char)(i * 151 + n * 37);
		text = b64url(buf, n);
		CHECK_INT(strlen(text), (n * 8 + 5) / 6);
		back = b64url_decode(text, &len);
		CHECK(back != NULL && len == n && memcmp(back, buf, n) == 0);
		free(back);
		free(text);
	}
}

static void
b64_refusals(void)
{
	static const char *const bad[] = {"Z", "A", "AAAAA", "Zg=", "Zg==",
	    "Zm8=", "Zm9v=", "Zm9vY", "Zh", "Zm9", "Z_", "+/8", "+_8",
	    "Zm9v\n", "Zm 9v", " Zm9v", "Zm9v ", "Zm\t9v", "Zm9v.Zm9v",
	    "Zm8\xc3", "Zm9\x80", "=", "====", "Z\xff", "Zm9v\r\n"};
	size_t i, len = 7;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(b64url_decode(bad[i], &len) == NULL))
			printf("# %s\n", esc(bad[i]));
	CHECK_INT(len, 7);
}

/* One text for one value: what differs in unused bits is refused. */
static void
b64_one_text(void)
{
	char text[4] = "AAA";
	unsigned char *p;
	int a, b, two = 0, three = 0;
	size_t len;

	for (a = 1; a < 256; a++)
		for (b = 1; b < 256; b++) {
			text[1] = (char)a;
			text[2] = (char)b;
			three += (p = b64url_decode(text, &len)) != NULL;
			free(p);
			two += (p = b64url_decode(text + 1, &len)) != NULL;
			free(p);
		}
	CHECK_INT(two, 64 * 4);
	CHECK_INT(three, 64 * 16);
}

static void
b64_alphabet(void)
{
	CHECK(b64url_ok("oFvnlFP1wIhRlYS2jTaXbA"));
	CHECK(b64url_ok("-_09azAZ"));
	CHECK(!b64url_ok(""));
	CHECK(!b64url_ok("a="));
	CHECK(!b64url_ok("a+b"));
	CHECK(!b64url_ok("a/b"));
	CHECK(!b64url_ok("a b"));
	CHECK(!b64url_ok("ab\n"));
	CHECK(!b64url_ok("\x80"));
}

static void
algorithms(void)
{
	EVP_PKEY *key;
	size_t i;
	static const struct {
		const char *type, *group, *alg;
	} v[] = {
		{"EC", "P-256", "ES256"}, {"EC", "P-384", "ES384"},
		{"EC", "P-521", "ES512"}, {"EC", "secp256k1", NULL},
		{"EC", "brainpoolP256r1", NULL}, {"ED25519", NULL, "EdDSA"},
		{"ED448", NULL, NULL}, {"X25519", NULL, NULL},
	};

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		key = v[i].group == NULL ?
		    EVP_PKEY_Q_keygen(NULL, NULL, v[i].type) :
		    EVP_EC_gen(v[i].group);
		CHECK_STR(jws_alg(key), v[i].alg);
		if (v[i].alg == NULL)
			CHECK(jws_jwk(key) == NULL);
		EVP_PKEY_free(key);
	}
	key = rsa_key(rfc7638_n, NULL);
	CHECK_STR(jws_alg(key), "RS256");
	EVP_PKEY_free(key);
}

static void
rs256(void)
{
	EVP_PKEY *key = rsa_key(a2_n, a2_d);
	char *input = signing_input("{\"alg\":\"RS256\"}", joe), *text, *jwk;
	unsigned char *sig;
	size_t n = 0;

	CHECK(strncmp(input, "eyJhbGciOiJSUzI1NiJ9.eyJpc3Mi", 29) == 0);
	if (CHECK((sig = jws_sign(key, input, strlen(input), &n)) != NULL)) {
		text = b64url(sig, n);
		CHECK_STR(text, a2_sig);
		free(text);
	}
	jwk = jws_jwk(key);
	text = xasprintf("{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"%s\"}", a2_n);
	CHECK_STR(jwk, text);
	free(text);
	free(jwk);
	free(sig);
	free(input);
	EVP_PKEY_free(key);
}

/* A published ECDSA key and signature: JWK, r||s from DER, a new signature. */
static void
ecdsa(EVP_PKEY *key, const char *want_jwk, const char *digest,
    const char *input, const char *sig64, size_t width)
{
	unsigned char *raw, *der, got[2 * 66], *sig;
	char *jwk = jws_jwk(key);
	size_t n, derlen;

	CHECK_STR(jwk, want_jwk);
	free(jwk);
	raw = b64url_decode(sig64, &n);
	if (CHECK(raw != NULL && n == 2 * width)) {
		CHECK(verify(key, digest, input, raw, width));
		der = der_of(raw, width, &derlen);
		CHECK_INT(jws_ecdsa_raw(der, derlen, got, width), 0);
		CHECK(memcmp(got, raw, n) == 0);
		OPENSSL_free(der);
	}
	free(raw);
	if (CHECK((sig = jws_sign(key, input, strlen(input), &n)) != NULL)) {
		CHECK_INT(n, 2 * width);
		CHECK(verify(key, digest, input, sig, width));
		sig[2 * width - 1] ^= 1;
		CHECK(!verify(key, digest, input, sig, width));
	}
	free(sig);
	EVP_PKEY_free(key);
}

static void
es256(void)
{
	char *input = signing_input("{\"alg\":\"ES256\"}", joe);
	char *jwk = xasprintf("{\"crv\":\"P-256\",\"kty\":\"EC\","
	    "\"x\":\"%s\",\"y\":\"%s\"}", a3_x, a3_y);

	ecdsa(ec_jwk("P-256", a3_x, a3_y, a3_d), jwk, "SHA256", input, a3_sig,
	    32);
	free(jwk);
	free(input);
}

static void
es512(void)
{
	char *input = signing_input("{\"alg\":\"ES512\"}", "Payload");
	char *jwk = xasprintf("{\"crv\":\"P-521\",\"kty\":\"EC\","
	    "\"x\":\"%s\",\"y\":\"%s\"}", a4_x, a4_y);

	ecdsa(ec_jwk("P-521", a4_x, a4_y, a4_d), jwk, "SHA512", input, a4_sig,
	    66);
	free(jwk);
	free(input);
}

static void
es384(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	unsigned char *sig;
	size_t n = 0;

	if (CHECK((sig = jws_sign(key, "text", 4, &n)) != NULL)) {
		CHECK_INT(n, 96);
		CHECK(verify(key, "SHA384", "text", sig, 48));
	}
	free(sig);
	EVP_PKEY_free(key);
}

static void
eddsa(void)
{
	EVP_PKEY *key = ed25519_key();
	char *input = signing_input("{\"alg\":\"EdDSA\"}",
	    "Example of Ed25519 signing");
	char *jwk = jws_jwk(key), *want, *text, *thumb;
	unsigned char *sig;
	size_t n = 0;

	want = xasprintf("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}",
	    ed_x);
	if (CHECK_STR(jwk, want)) {
		thumb = jws_thumbprint(jwk);
		CHECK_STR(thumb, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
		free(thumb);
	}
	if (CHECK((sig = jws_sign(key, input, strlen(input), &n)) != NULL)) {
		text = b64url(sig, n);
		CHECK_STR(text, ed_sig);
		free(text);
	}
	free(sig);
	free(want);
	free(jwk);
	free(input);
	EVP_PKEY_free(key);
}

static void
rsa_thumbprint(void)
{
	EVP_PKEY *key = rsa_key(rfc7638_n, NULL);
	char *jwk = jws_jwk(key), *thumb;

	if (CHECK(jwk != NULL)) {
		thumb = jws_thumbprint(jwk);
		CHECK_STR(thumb, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
		free(thumb);
	}
	free(jwk);
	EVP_PKEY_free(key);
}

/* The keys d = 1, 2, ...: coordinates that begin with zero keep 32 bytes. */
static void
short_coordinates(void)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	unsigned char xy[65];
	BIGNUM *d = BN_new();
	EVP_PKEY *key;
	int i, zx = 0, zy = 0;
	char *jwk, *want, *x, *y;

	for (i = 1; i < 5000 && (zx == 0 || zy == 0); i++) {
		BN_set_word(d, (BN_ULONG)i);
		EC_POINT_mul(group, point, d, NULL, NULL, NULL);
		EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
		    xy, sizeof(xy), NULL);
		if (xy[1] != 0 && xy[33] != 0)
			continue;
		zx += xy[1] == 0;
		zy += xy[33] == 0;
		key = ec_key("P-256", xy, sizeof(xy), d);
		jwk = jws_jwk(key);
		x = b64url(xy + 1, 32);
		y = b64url(xy + 33, 32);
		want = xasprintf("{\"crv\":\"P-256\",\"kty\":\"EC\","
		    "\"x\":\"%s\",\"y\":\"%s\"}", x, y);
		CHECK_STR(jwk, want);
		free(x);
		free(y);
		free(want);
		free(jwk);
		EVP_PKEY_free(key);
	}
	CHECK(zx > 0);
	CHECK(zy > 0);
	BN_free(d);
	EC_POINT_free(point);
	EC_GROUP_free(group);
}

/* Sign until r and s have begun with a zero byte; each signature holds. */
static void
short_signatures(void)
{
	EVP_PKEY *key = ec_jwk("P-256", a3_x, a3_y, a3_d);
	int i, zr = 0, zs = 0;
	unsigned char *sig;
	char text[16];
	size_t n;

	for (i = 0; i < 10000 && (zr == 0 || zs == 0); i++) {
		snprintf(text, sizeof(text), "%d", i);
		sig = jws_sign(key, text, strlen(text), &n);
		if (!CHECK(sig != NULL && n == 64))
			break;
		if (sig[0] == 0 || sig[32] == 0)
			CHECK(verify(key, "SHA256", text, sig, 32));
		zr += sig[0] == 0;
		zs += sig[32] == 0;
		free(sig);
	}
	CHECK(zr > 0);
	CHECK(zs > 0);
	EVP_PKEY_free(key);
}

/* DER of SEQUENCE { INTEGER r, INTEGER s } from the contents of both. */
static size_t
der_make(unsigned char *der, const void *r, size_t rlen, const void *s,
    size_t slen)
{
	unsigned char *p = der;

	*p++ = 0x30;
	*p++ = (unsigned char)(4 + rlen + slen);
	*p++ = 2;
	*p++ = (unsigned char)rlen;
	memcpy(p, r, rlen);
	p += rlen;
	*p++ = 2;
	*p++ = (unsigned char)slen;
	memcpy(p, s, slen);
	return (size_t)(p + slen - der);
}

static void
raw_by_hand(void)
{
	unsigned char der[128], raw[64], full[33] = {0}, short31[31];
	unsigned char zeros[32] = {0};
	size_t n;

	memset(full + 1, 0xff, 32);		/* 00 ff ff ... */
	memset(short31, 0x7f, sizeof(short31));	/* 31 bytes */
	n = der_make(der, full, 33, "\x01", 1);
	memset(raw, 0xaa, sizeof(raw));
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), 0);
	CHECK(memcmp(raw, full + 1, 32) == 0);
	CHECK(memcmp(raw + 32, zeros, 31) == 0);
	CHECK_INT(raw[63], 1);
	n = der_make(der, short31, 31, full, 33);
	memset(raw, 0xaa, sizeof(raw));
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), 0);
	CHECK_INT(raw[0], 0);
	CHECK(memcmp(raw + 1, short31, 31) == 0);
	CHECK(memcmp(raw + 32, full + 1, 32) == 0);
	/* A top bit that a leading zero protects: 00 80. */
	n = der_make(der, "\x00\x80", 2, "\x01\x00", 2);
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), 0);
	CHECK_INT(raw[31], 0x80);
	CHECK_INT(raw[62], 1);
	CHECK_INT(raw[63], 0);
}

static void
raw_refused(void)
{
	unsigned char der[160], raw[64], big[33] = {1}, wide[66] = {1};
	size_t n, i;

	n = der_make(der, "\x80", 1, "\x01", 1);	/* r = -128 */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, "\x01", 1, "\xff", 1);	/* s = -1 */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, big, 33, "\x01", 1);		/* r = 2^256 */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, "\x01", 1, big, 33);
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, "\x01", 1, wide, 50);
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, "", 0, "\x01", 1);		/* no contents */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, "\x00\x01", 2, "\x01", 1);	/* padded */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	n = der_make(der, "\x05", 1, "\x06", 1);
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), 0);
	der[n] = 0;					/* a byte too many */
	CHECK_INT(jws_ecdsa_raw(der, n + 1, raw, 32), -1);
	for (i = 0; i < n; i++)				/* too few */
		CHECK_INT(jws_ecdsa_raw(der, i, raw, 32), -1);
	der[2] = 4;					/* OCTET STRING */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
	der[2] = 2;
	der[0] = 0x31;					/* SET */
	CHECK_INT(jws_ecdsa_raw(der, n, raw, 32), -1);
}

static void
flattened(void)
{
	char *jws = jws_flattened("cHI", "", "c2ln");

	CHECK_STR(jws, "{\"protected\":\"cHI\",\"payload\":\"\","
	    "\"signature\":\"c2ln\"}");
	free(jws);
}

int
main(void)
{
	check_case("b64: RFC 4648 section 10 in the URL alphabet",
	    b64_vectors);
	check_case("b64: every length comes back", b64_round_trips);
	check_case("b64: RFC 7515 2 padding, blanks and strangers are refused",
	    b64_refusals);
	check_case("b64: RFC 7515 2 each value has one text only",
	    b64_one_text);
	check_case("b64: b64url_ok knows the alphabet", b64_alphabet);
	check_case("jws: 6.2 the algorithm of each kind of key", algorithms);
	check_case("jws: RFC 7515 A.2, RS256 signature reproduced", rs256);
	check_case("jws: RFC 7515 A.3, ES256", es256);
	check_case("jws: RFC 7515 A.4, ES512", es512);
	check_case("jws: ES384 signs what OpenSSL verifies", es384);
	check_case("jws: RFC 8037 A.3 and A.4, Ed25519", eddsa);
	check_case("jws: RFC 7638 section 3.1, RFC 7518 6.3.1, RSA",
	    rsa_thumbprint);
	check_case("jws: RFC 7518 6.2.1 coordinates with leading zeros",
	    short_coordinates);
	check_case("jws: RFC 7518 3.4 signatures with leading zeros",
	    short_signatures);
	check_case("jws: RFC 7518 3.4 r||s from DER made by hand", raw_by_hand);
	check_case("jws: DER that is no signature is refused", raw_refused);
	check_case("jws: 6.2 flattened form", flattened);
	return check_end();
}
