/* SPDX-License-Identifier: ISC */
/*
 * crls - make revocation lists to read
 *
 * usage: crls dir count ...
 *
 * Writes to dir a CA (root.pem), a certificate of it that is on none of the
 * lists (leaf.pem), and a list (count.crl, DER) with that many entries for
 * each count: numbers of 16 bytes, reason keyCompromise, 49 bytes in all, as
 * public CAs have them.  The key exists only here.  Exit: 0 made, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static EVP_PKEY *key;

static void
must(int ok)
{
	if (ok <= 0)
		errx(2, "OpenSSL or a file failed");
}

static void
extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(e != NULL && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static void
certificate(const char *file, const char *cn, long serial)
{
	X509 *x = X509_new();
	FILE *fp = fopen(file, "w");

	must(fp != NULL && x != NULL);
	must(X509_set_version(x, X509_VERSION_3));
	must(ASN1_INTEGER_set(X509_get_serialNumber(x), serial));
	must(X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)"ca", -1, -1, 0));
	must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0));
	must(X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(x), 864000) != NULL);
	must(X509_set_pubkey(x, key));
	extension(x, NID_basic_constraints, strcmp(cn, "ca") == 0 ?
	    "critical,CA:TRUE" : "critical,CA:FALSE");
	must(X509_sign(x, key, EVP_sha256()));
	must(PEM_write_X509(fp, x));
	must(fclose(fp) == 0);
	X509_free(x);
}

static void
entry(X509_CRL *crl, const ASN1_TIME *when, const ASN1_ENUMERATED *reason)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	unsigned char b[16];

	must(r != NULL && serial != NULL && RAND_bytes(b, sizeof(b)));
	b[0] = (b[0] & 0x3f) | 0x40;
	must(ASN1_STRING_set(serial, b, sizeof(b)));
	must(X509_REVOKED_set_serialNumber(r, serial));
	must(X509_REVOKED_set_revocationDate(r, (ASN1_TIME *)when));
	must(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, (void *)reason, 0,
	    0));
	must(X509_CRL_add0_revoked(crl, r));
	ASN1_INTEGER_free(serial);
}

static void
list(const char *count)
{
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *when = ASN1_TIME_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	unsigned long n = strtoul(count, NULL, 10);
	char file[64];
	FILE *fp;

	snprintf(file, sizeof(file), "%lu.crl", n);
	must((fp = fopen(file, "w")) != NULL && crl != NULL && name != NULL);
	must(when != NULL && number != NULL && reason != NULL && n > 0);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"ca", -1, -1, 0));
	must(X509_CRL_set_version(crl, X509_CRL_VERSION_2));
	must(X509_CRL_set_issuer_name(crl, name));
	must(X509_gmtime_adj(when, -3600) != NULL);
	must(X509_CRL_set1_lastUpdate(crl, when));
	must(ASN1_ENUMERATED_set(reason, 1));
	while (n-- > 0)
		entry(crl, when, reason);
	must(X509_gmtime_adj(when, 864000) != NULL);
	must(X509_CRL_set1_nextUpdate(crl, when));
	must(ASN1_INTEGER_set(number, 1));
	must(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0));
	must(X509_CRL_sign(crl, key, EVP_sha256()));
	must(i2d_X509_CRL_fp(fp, crl) && fclose(fp) == 0);
	X509_NAME_free(name);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(number);
	ASN1_ENUMERATED_free(reason);
	X509_CRL_free(crl);
}

int
main(int argc, char *argv[])
{
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: crls dir count ...\n");
		return 2;
	}
	if (chdir(argv[1]) == -1)
		err(2, "%s", argv[1]);
	must((key = EVP_EC_gen("P-256")) != NULL);
	certificate("root.pem", "ca", 1);
	certificate("leaf.pem", "leaf", 2);
	for (i = 2; i < argc; i++)
		list(argv[i]);
	EVP_PKEY_free(key);
	return 0;
}
