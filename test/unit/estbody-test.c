/* SPDX-License-Identifier: ISC */
/* Bodies of EST: base64 in all its forms, certificates and requests in it. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pkcs7.h>

#include "check.h"
#include "estbody.h"
#include "pem.h"
#include "rfc7030.h"
#include "util.h"

/* The subject's common name of certificate i. */
static const char *
cn(STACK_OF(X509) *certs, int i)
{
	static char buf[128];

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(
	    sk_X509_value(certs, i)), NID_commonName, buf, sizeof(buf)) < 0)
		return NULL;
	return buf;
}

/* How many certificates are in this body; "" in *why when it is good. */
static int
count(const char *text, size_t len, const char **why)
{
	unsigned char *der;
	STACK_OF(X509) *certs = NULL;
	size_t n = 0;
	int found = -1;

	*why = "";
	if ((der = est_decode(text, len, &n, why)) != NULL &&
	    (certs = est_certs(der, n, why)) != NULL)
		found = sk_X509_num(certs);
	pem_certs_free(certs);
	OPENSSL_free(der);
	return found;
}

static const char *
verdict(const char *text)
{
	const char *why;

	return count(text, strlen(text), &why) == -1 ? why : "good";
}

/* What this decodes to as text, or why not. */
static const char *
decoded(const char *text)
{
	static char buf[64];
	const char *why = "no reason";
	unsigned char *p;
	size_t n;

	if ((p = est_decode(text, strlen(text), &n, &why)) == NULL)
		return why;
	snprintf(buf, sizeof(buf), "%.*s", (int)n, (char *)p);
	OPENSSL_free(p);
	return buf;
}

/* text with its line ends taken out and sep put behind every width bytes. */
static char *
rewrapped(const char *text, size_t width, const char *sep)
{
	char *out = xcalloc(1, strlen(text) * (strlen(sep) + 1) + 1), *o = out;
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			continue;
		*o++ = *text;
		if (width > 0 && ++n % width == 0)
			o = stpcpy(o, sep);
	}
	return out;
}

/* Section 7 of the research: what servers send, each read by nobody else. */
static void
forms(void)
{
	static const struct {
		size_t width;
		const char *sep, *end;
	} v[] = {{64, "\n", ""}, {64, "\n", "\n"}, {76, "\r\n", "\r\n"},
	    {76, "\n", ""}, {0, "", ""}, {0, "", "\n"}, {0, "", "\r\n"},
	    {4, " ", " "}, {1, "\t", "\n\n"}, {76, "\r", "\r"},
	    {64, " \t\r\n", "\n"}};
	static const char *const bodies[] = {RFC7030_CACERTS, RFC7030_CERT};
	char *text, *whole;
	size_t b, i;

	for (b = 0; b < 2; b++)
		for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
			text = rewrapped(bodies[b], v[i].width, v[i].sep);
			whole = xasprintf("%s%s", text, v[i].end);
			if (!CHECK_STR(verdict(whole), "good"))
				printf("# body %zu, form %zu\n", b, i);
			free(whole);
			whole = xasprintf("\r\n \t%s", text);
			CHECK_STR(verdict(whole), "good");
			free(whole);
			free(text);
		}
}

static void
rfc4648(void)
{
	CHECK_STR(decoded("Zg=="), "f");
	CHECK_STR(decoded("Zm8="), "fo");
	CHECK_STR(decoded("Zm9v"), "foo");
	CHECK_STR(decoded("Zm9vYg=="), "foob");
	CHECK_STR(decoded("Zm9vYmE="), "fooba");
	CHECK_STR(decoded("Zm9vYmFy"), "foobar");
	CHECK_STR(decoded(" Z g =\n=\r\n"), "f");
}

static void
bad_base64(void)
{
	const char *why = "";
	char *big;
	size_t n;

	CHECK_STR(decoded(""), "empty");
	CHECK_STR(decoded(" \r\n\t"), "empty");
	CHECK_STR(decoded("Zg"), "base64 that is cut off or wrongly padded");
	CHECK_STR(decoded("Zg="), "base64 that is cut off or wrongly padded");
	CHECK_STR(decoded("Z==="), "base64 that is cut off or wrongly padded");
	CHECK_STR(decoded("===="), "base64 that is cut off or wrongly padded");
	CHECK_STR(decoded("="), "base64 that is cut off or wrongly padded");
	CHECK_STR(decoded("Zg==Zg=="),
	    "base64 that goes on behind its padding");
	CHECK_STR(decoded("Zm9v.mFy"), "not base64");
	CHECK_STR(decoded("Zm9v\vmFy"), "binary, no base64");
	CHECK_STR(decoded("Zm9v-mFy"), "base64url where base64 is wanted");
	CHECK_STR(decoded("Zm9vYmFy-"), "base64url where base64 is wanted");
	CHECK_STR(decoded("\x30\x82\x01\x02"), "binary, no base64");
	CHECK_STR(decoded("\n<!DOCTYPE html>"),
	    "a page of HTML or XML, no base64");
	CHECK_STR(decoded("-----BEGIN PKCS7-----\nZm9v\n-----END PKCS7-----\n"),
	    "PEM: the body must be bare base64, without the lines BEGIN and "
	    "END");
	CHECK(est_decode("Zm9\0", 4, &n, &why) == NULL);
	CHECK_STR(why, "binary, no base64");
	big = xmalloc(EST_BODY_MAX + 1);
	memset(big, 'A', EST_BODY_MAX + 1);
	CHECK(est_decode(big, EST_BODY_MAX + 1, &n, &why) == NULL);
	CHECK_STR(why, "larger than the limit");
	free(big);
}

/* Our own: strict, and what we read again. */
static void
encoding(void)
{
	static const unsigned char der[2048] = {0x30, 0x82};
	static const unsigned int widths[] = {0, 64, 76};
	const char *why;
	unsigned char *back;
	char *text;
	size_t i, n, m, len, line;

	text = est_encode(der, 749, 64, &n);	/* 1000 characters */
	CHECK_INT(n, 1016);
	CHECK_INT(strcspn(text, "\n"), 64);
	free(text);
	text = est_encode(der, 747, 64, &n);	/* 996 */
	CHECK_INT(n, 997);
	CHECK_INT(strcspn(text, "\n"), 996);
	free(text);
	text = est_encode(der, 0, 64, &n);
	CHECK_STR(text, "");
	free(text);
	for (i = 0; i < 3; i++)
		for (len = 1; len < 2048; len += 13) {
			text = est_encode(der, len, widths[i], &n);
			CHECK_INT(strlen(text), n);
			CHECK_INT(text[n - 1], '\n');
			line = strcspn(text, "\n");
			CHECK(line == n - 1 || line == widths[i]);
			back = est_decode(text, n, &m, &why);
			CHECK(back != NULL && m == len &&
			    memcmp(back, der, len) == 0);
			OPENSSL_free(back);
			free(text);
		}
}

static STACK_OF(X509) *
read_certs(const char *text, const char **why)
{
	unsigned char *der;
	STACK_OF(X509) *certs = NULL;
	size_t n;

	if ((der = est_decode(text, strlen(text), &n, why)) != NULL)
		certs = est_certs(der, n, why);
	OPENSSL_free(der);
	return certs;
}

/* RFC 7030 appendix A.1 and A.3. */
static void
rfc7030(void)
{
	const char *why = "";
	STACK_OF(X509) *certs = read_certs(RFC7030_CACERTS, &why);
	X509_REQ *req;
	unsigned char *der;
	size_t n;

	if (!CHECK(certs != NULL))
		return;
	CHECK_INT(sk_X509_num(certs), 4);
	CHECK_STR(cn(certs, 0), "estExampleCA OwO");
	CHECK_STR(cn(certs, 1), "estExampleCA NwO");
	CHECK_STR(cn(certs, 2), "estExampleCA OwN");
	CHECK_STR(cn(certs, 3), "estExampleCA NwN");
	pem_certs_free(certs);
	if (!CHECK((certs = read_certs(RFC7030_CERT, &why)) != NULL))
		return;
	CHECK_INT(sk_X509_num(certs), 1);
	CHECK_STR(cn(certs, 0), "demostep4 1368141352");
	der = est_decode(RFC7030_CSR, strlen(RFC7030_CSR), &n, &why);
	if (CHECK(der != NULL) &&
	    CHECK((req = est_csr(der, n, &why)) != NULL)) {
		CHECK_INT(EVP_PKEY_eq(X509_REQ_get0_pubkey(req),
		    X509_get0_pubkey(sk_X509_value(certs, 0))), 1);
		X509_REQ_free(req);
	}
	OPENSSL_free(der);
	pem_certs_free(certs);
}

/* Out and in again, none and many; the list stays the caller's. */
static void
certs_only(void)
{
	const char *why = "";
	STACK_OF(X509) *some = read_certs(RFC7030_CACERTS, &why), *again;
	STACK_OF(X509) *many = sk_X509_new_null();
	unsigned char *der, *longer;
	size_t n;
	int i;

	der = est_certs_only(some, &n);
	again = est_certs(der, n, &why);
	if (CHECK(again != NULL && sk_X509_num(again) == 4))
		for (i = 0; i < 4; i++)
			CHECK_INT(X509_cmp(sk_X509_value(some, i),
			    sk_X509_value(again, i)), 0);
	pem_certs_free(again);
	CHECK(est_certs(der, n - 1, &why) == NULL);
	CHECK_STR(why, "not PKCS#7");
	longer = xcalloc(1, n + 1);
	memcpy(longer, der, n);
	CHECK(est_certs(longer, n + 1, &why) == NULL);
	CHECK_STR(why, "bytes behind the PKCS#7");
	free(longer);
	OPENSSL_free(der);
	der = est_certs_only(many, &n);
	CHECK(est_certs(der, n, &why) == NULL);
	CHECK_STR(why, "PKCS#7 without a certificate");
	OPENSSL_free(der);
	for (i = 0; i < EST_CERTS_MAX + 1; i++) {
		if (i == EST_CERTS_MAX) {
			der = est_certs_only(many, &n);
			again = est_certs(der, n, &why);
			CHECK_INT(sk_X509_num(again), EST_CERTS_MAX);
			pem_certs_free(again);
			OPENSSL_free(der);
		}
		sk_X509_push(many, sk_X509_value(some, i % 4));
	}
	der = est_certs_only(many, &n);
	CHECK(est_certs(der, n, &why) == NULL);
	CHECK_STR(why, "PKCS#7 with too many certificates");
	OPENSSL_free(der);
	sk_X509_free(many);
	pem_certs_free(some);
}

/* Signed by somebody: the certificates are taken, and that is all. */
static void
signed_data(void)
{
	const char *why = "";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	STACK_OF(X509) *certs;
	unsigned char *der = NULL;
	BIO *bio = BIO_new_mem_buf("text", 4);
	PKCS7 *p7;
	int n;

	X509_set_pubkey(x, key);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 60);
	X509_sign(x, key, EVP_sha256());
	p7 = PKCS7_sign(x, key, NULL, bio, PKCS7_BINARY);
	n = i2d_PKCS7(p7, &der);
	certs = est_certs(der, (size_t)n, &why);
	CHECK_INT(sk_X509_num(certs), 1);
	pem_certs_free(certs);
	OPENSSL_free(der);
	PKCS7_free(p7);
	p7 = PKCS7_new();
	PKCS7_set_type(p7, NID_pkcs7_data);
	der = NULL;
	n = i2d_PKCS7(p7, &der);
	CHECK(est_certs(der, (size_t)n, &why) == NULL);
	CHECK_STR(why, "PKCS#7, but not of signed data");
	OPENSSL_free(der);
	PKCS7_free(p7);
	/* signedData with nothing behind its name */
	CHECK(est_certs((const unsigned char *)
	    "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 13,
	    &why) == NULL);
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
requests(void)
{
	const char *why = "";
	unsigned char *der, *copy;
	size_t n;

	der = est_decode(RFC7030_CSR, strlen(RFC7030_CSR), &n, &why);
	copy = xcalloc(1, n + 1);
	memcpy(copy, der, n);
	CHECK(est_csr(copy, n + 1, &why) == NULL);
	CHECK_STR(why, "bytes behind the certificate request");
	CHECK(est_csr(copy, n - 1, &why) == NULL);
	CHECK_STR(why, "not a certificate request");
	copy[n - 1] ^= 1;
	CHECK(est_csr(copy, n, &why) == NULL);
	CHECK_STR(why, "a request that its own key did not sign");
	CHECK(est_csr(copy, 0, &why) == NULL);
	CHECK_STR(why, "not a certificate request");
	free(copy);
	OPENSSL_free(der);
}

int
main(void)
{
	check_case("estbody: S12 every form of base64 that servers send",
	    forms);
	check_case("estbody: RFC 4648 vectors", rfc4648);
	check_case("estbody: S12 anything else is refused, with its reason",
	    bad_base64);
	check_case("estbody: what we write, and read again", encoding);
	check_case("estbody: RFC 7030 appendix A", rfc7030);
	check_case("estbody: certs-only out and in, none and many",
	    certs_only);
	check_case("estbody: signers are tolerated", signed_data);
	check_case("estbody: S13 requests, whole and self-signed", requests);
	return check_end();
}
