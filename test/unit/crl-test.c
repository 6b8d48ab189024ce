/* SPDX-License-Identifier: ISC */
/* Tests of crl.c, crltrust.c and crljudge.c on lists made by libcrypto. */
#include <stdlib.h>

#include <openssl/pem.h>

#include "check.h"
#include "crljudge.h"
#include "util.h"

#define NOW 1800000000
#define HOUR 3600

static EVP_PKEY *key, *other;
static STACK_OF(X509) *anchors, *leaves;
static const char *why;

static void
ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* A certificate by "CN=ca": the CA itself, or one with this serial number. */
static X509 *
cert(const char *cn, const char *serial)
{
	X509 *x = X509_new();
	X509_NAME *ca = X509_get_issuer_name(x);
	BIGNUM *bn = NULL;

	X509_set_version(x, X509_VERSION_3);
	BN_hex2bn(&bn, serial);
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	X509_NAME_add_entry_by_txt(ca, "CN", MBSTRING_ASC,
	    (const unsigned char *)"ca", -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 24 * HOUR);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 24 * HOUR);
	X509_set_pubkey(x, key);
	if (strcmp(cn, "ca") == 0)
		ext(x, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(x, key, EVP_sha256());
	return x;
}

static void
revoke(X509_CRL *crl, const char *serial, int reason)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, NOW - HOUR);
	ASN1_ENUMERATED *e = ASN1_ENUMERATED_new();
	ASN1_INTEGER *i;
	BIGNUM *bn = NULL;

	BN_hex2bn(&bn, serial);
	i = BN_to_ASN1_INTEGER(bn, NULL);
	X509_REVOKED_set_serialNumber(r, i);
	X509_REVOKED_set_revocationDate(r, t);
	if (reason >= 0) {
		ASN1_ENUMERATED_set(e, reason);
		X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0);
	}
	X509_CRL_add0_revoked(crl, r);
	ASN1_INTEGER_free(i);
	ASN1_ENUMERATED_free(e);
	ASN1_TIME_free(t);
	BN_free(bn);
}

/* A list by "CN=ca" from NOW + from until NOW + until (0: not said). */
static X509_CRL *
list(long number, long from, long until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, NOW + from);
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	if (number >= 0)
		X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(
	    sk_X509_value(anchors, 0)));
	X509_CRL_set1_lastUpdate(crl, t);
	if (until != 0) {
		ASN1_TIME_set(t, NOW + until);
		X509_CRL_set1_nextUpdate(crl, t);
	}
	ASN1_INTEGER_set(n, number);
	if (number >= 0)
		X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(n);
	return crl;
}

/* Sign and encode; the list is freed. */
static unsigned char *
encode(X509_CRL *crl, EVP_PKEY *by, const EVP_MD *md, int *len)
{
	unsigned char *der = NULL;

	X509_CRL_sort(crl);
	X509_CRL_sign(crl, by, md);
	*len = i2d_X509_CRL(crl, &der);
	X509_CRL_free(crl);
	return der;
}

static struct crl_verdict verdicts[3];

/* What the list says of the three leaves; why it is refused else. */
static const char *
judge(const unsigned char *der, int len, long long max_age)
{
	struct crl_policy policy = {.anchors = anchors, .now = NOW,
	    .max_age = max_age};
	struct crl *c = crl_new((const char *)der, (size_t)len, &why);

	if (c == NULL)
		return why;
	crl_judge(&c, 1, CRL_OTHER_ISSUER, leaves, &policy, verdicts);
	crl_free(c);
	return crl_word(verdicts[0].why);
}

static const char *
judge_list(X509_CRL *crl, EVP_PKEY *by, const EVP_MD *md, long long max_age)
{
	int len;
	unsigned char *der = encode(crl, by, md, &len);
	const char *word = judge(der, len, max_age);

	OPENSSL_free(der);
	return word;
}

static void
statuses(void)
{
	X509_CRL *crl = list(7, -HOUR, HOUR);

	revoke(crl, "80", 1);
	revoke(crl, "1234567890ABCDEF1234567890ABCDEF12345678", 6);
	CHECK_STR(judge_list(crl, key, EVP_sha256(), 0), "ok");
	CHECK_INT(verdicts[0].status, CRL_GOOD);
	CHECK_INT(verdicts[1].status, CRL_REVOKED);
	CHECK_STR(crl_reason(verdicts[1].reason), "keyCompromise");
	CHECK_INT(verdicts[1].when, NOW - HOUR);
	CHECK_INT(verdicts[2].status, CRL_REVOKED);
	CHECK_STR(crl_reason(verdicts[2].reason), "certificateHold");
	/* nobody, and all of them, in a list of version 1 */
	CHECK_STR(judge_list(list(-1, -HOUR, HOUR), key, EVP_sha256(), 0),
	    "ok");
	CHECK_INT(verdicts[2].status, CRL_GOOD);
	crl = list(-1, -HOUR, HOUR);
	revoke(crl, "-1", -1);
	revoke(crl, "80", -1);
	CHECK_STR(judge_list(crl, key, EVP_sha256(), 0), "ok");
	CHECK_INT(verdicts[0].status, CRL_REVOKED);
	CHECK_INT(verdicts[0].reason, -1);
	CHECK_INT(verdicts[1].status, CRL_REVOKED);
	CHECK_INT(verdicts[2].status, CRL_GOOD);
	/* step (k): off hold again */
	crl = list(7, -HOUR, HOUR);
	revoke(crl, "80", 8);
	CHECK_STR(judge_list(crl, key, EVP_sha256(), 0), "ok");
	CHECK_INT(verdicts[1].status, CRL_GOOD);
}

static void
times(void)
{
	const EVP_MD *md = EVP_sha256();
	X509_CRL *crl;

	CHECK_STR(judge_list(list(7, -HOUR, 0), key, md, 0), "stale");
	CHECK_STR(judge_list(list(7, -HOUR, 0), key, md, HOUR), "ok");
	CHECK_STR(judge_list(list(7, -2 * HOUR, -1), key, md, 0), "stale");
	CHECK_STR(judge_list(list(7, -HOUR, HOUR), key, md, HOUR - 1),
	    "stale");
	CHECK_STR(judge_list(list(7, 60, HOUR), key, md, 0), "ok");
	CHECK_STR(judge_list(list(7, 61, HOUR), key, md, 0), "not_yet_valid");
	/* what was revoked stays so */
	crl = list(7, -2 * HOUR, -1);
	revoke(crl, "80", -1);
	CHECK_STR(judge_list(crl, key, md, 0), "stale");
	CHECK_INT(verdicts[1].status, CRL_REVOKED);
}

static void
signatures(void)
{
	const EVP_MD *md = EVP_sha256();

	CHECK_STR(judge_list(list(7, -HOUR, HOUR), other, md, 0),
	    "bad_signature");
	CHECK_STR(judge_list(list(7, -HOUR, HOUR), key, EVP_sha1(), 0),
	    "weak_signature");
	CHECK_STR(judge_list(list(7, -HOUR, HOUR), key, EVP_sha512(), 0),
	    "ok");
}

/* Cut anywhere it is refused; no bit can be changed and the list believed. */
static void
damage(void)
{
	X509_CRL *crl = list(7, -HOUR, HOUR);
	unsigned char *der;
	const char *word;
	int good = 0, len, i;

	revoke(crl, "80", 1);
	der = encode(crl, key, EVP_sha256(), &len);
	for (i = 0; i < len; i++)
		good += strcmp(judge(der, i, 0), "ok") == 0;
	CHECK_INT(good, 0);
	for (i = 0; i < len * 8; i++) {
		der[i / 8] ^= (unsigned char)(1 << i % 8);
		word = judge(der, len, 0);
		good += strcmp(word, "ok") == 0;
		der[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	CHECK_INT(good, 0);
	CHECK_STR(judge(der, len, 0), "ok");
	OPENSSL_free(der);
}

static int
older(long n1, long from1, long n2, long from2)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509_CRL *crl = list(n1, from1, 24 * HOUR);
	struct crl *a, *b;
	char *text;
	int len, rc;
	unsigned char *der;

	X509_CRL_sign(crl, key, EVP_sha256());
	PEM_write_bio_X509_CRL(bio, crl);
	X509_CRL_free(crl);
	rc = (int)BIO_get_mem_data(bio, &text);
	a = crl_new(text, (size_t)rc, &why);
	der = encode(list(n2, from2, 24 * HOUR), key, EVP_sha256(), &len);
	b = crl_new((char *)der, (size_t)len, &why);
	rc = crl_older(a, b);
	crl_free(a);
	crl_free(b);
	BIO_free(bio);
	OPENSSL_free(der);
	return rc;
}

static void
order(void)
{
	CHECK_INT(older(7, 0, 7, 0), 0);
	CHECK_INT(older(8, 0, 7, 0), 0);
	CHECK_INT(older(6, 0, 7, 0), 1);
	CHECK_INT(older(255, 0, 256, 0), 1);
	CHECK_INT(older(256, 0, 255, 0), 0);
	CHECK_INT(older(8, -1, 7, 0), 1);
	CHECK_INT(older(-1, 1, 7, 0), 1);
	CHECK_INT(older(7, 0, -1, 0), 0);
}

static void
integers(void)
{
	static const unsigned char b[] = {0, 0, 0x80, 0xff, 0xff, 0x80, 0, 5};
	struct der_span v = {b, 3};

	CHECK_INT(crl_integer(v).len, 2);
	v.p = b + 3;	/* ff ff 80 */
	CHECK_INT(crl_integer(v).len, 1);
	v.p = b + 6;
	v.len = 2;
	CHECK_INT(crl_integer(v).len, 1);
}

int
main(void)
{
	key = EVP_EC_gen("P-256");
	other = EVP_EC_gen("P-256");
	anchors = sk_X509_new_null();
	leaves = sk_X509_new_null();
	sk_X509_push(anchors, cert("ca", "1"));
	sk_X509_push(leaves, cert("a", "-1"));
	sk_X509_push(leaves, cert("b", "80"));
	sk_X509_push(leaves, cert("c",
	    "1234567890ABCDEF1234567890ABCDEF12345678"));
	check_case("crl: good, revoked and why, also in version 1", statuses);
	check_case("crl: R6 stale, too old, not yet valid", times);
	check_case("crl: R5 the signature of another, a weak one", signatures);
	check_case("crl: a damaged list is never believed", damage);
	check_case("crl: R10 which of two lists is older", order);
	check_case("crl: R13 integers in their shortest form", integers);
	sk_X509_pop_free(anchors, X509_free);
	sk_X509_pop_free(leaves, X509_free);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	return check_end();
}
