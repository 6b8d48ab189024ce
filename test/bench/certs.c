/* SPDX-License-Identifier: ISC */
/*
 * certs - make many certificates to read
 *
 * usage: certs count
 *
 * Writes that many distinct P-256 leaf certificates (PEM) of about 529 bytes
 * with three names, as a CA for servers issues them.  The issuer exists only
 * here.  Exit: 0 made, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void
must(int ok)
{
	if (ok <= 0)
		errx(2, "OpenSSL failed");
}

static void
name(X509_NAME *n, const char *type, const char *value)
{
	must(X509_NAME_add_entry_by_txt(n, type, MBSTRING_ASC,
	    (const unsigned char *)value, -1, -1, 0));
}

static void
extension(X509V3_CTX *ctx, X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	must(e != NULL && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static X509 *
begin(const char *org, const char *cn, int days, EVP_PKEY *key)
{
	X509 *x = X509_new();
	BIGNUM *bn = BN_new();

	must(x != NULL && X509_set_version(x, X509_VERSION_3));
	must(BN_rand(bn, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
	must(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL);
	BN_free(bn);
	if (org != NULL)
		name(X509_get_subject_name(x), "O", org);
	name(X509_get_subject_name(x), "CN", cn);
	must(X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL);
	must(X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) != NULL);
	must(X509_set_pubkey(x, key));
	return x;
}

/* The n-th leaf, on stdout. */
static void
leaf(unsigned int n, X509 *issuer, EVP_PKEY *issuer_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char cn[64], san[256];
	X509V3_CTX ctx;
	X509 *x;

	snprintf(cn, sizeof(cn), "host-%05u.example", n);
	snprintf(san, sizeof(san), "DNS:host-%05u.example,DNS:www.host-%05u."
	    "example,DNS:api.host-%05u.example", n, n, n);
	must(key != NULL);
	x = begin(NULL, cn, 30 + (int)(n % 60), key);
	must(X509_set_issuer_name(x, X509_get_subject_name(issuer)));
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension(&ctx, x, NID_key_usage, "critical,digitalSignature");
	extension(&ctx, x, NID_ext_key_usage, "serverAuth,clientAuth");
	extension(&ctx, x, NID_subject_key_identifier, "hash");
	extension(&ctx, x, NID_authority_key_identifier, "keyid");
	extension(&ctx, x, NID_subject_alt_name, san);
	must(X509_sign(x, issuer_key, EVP_sha256()));
	must(PEM_write_X509(stdout, x));
	X509_free(x);
	EVP_PKEY_free(key);
}

int
main(int argc, char *argv[])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned int i, count;
	X509V3_CTX ctx;
	X509 *ca;

	if (argc != 2 || (count = (unsigned int)strtoul(argv[1], NULL, 10)) ==
	    0) {
		fprintf(stderr, "usage: certs count\n");
		return 2;
	}
	must(key != NULL);
	ca = begin("Edge CA", "Edge Intermediate CA", 3650, key);
	X509V3_set_ctx(&ctx, ca, ca, NULL, NULL, 0);
	extension(&ctx, ca, NID_subject_key_identifier, "hash");
	for (i = 1; i <= count; i++)
		leaf(i, ca, key);
	X509_free(ca);
	EVP_PKEY_free(key);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
