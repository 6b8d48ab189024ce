/* SPDX-License-Identifier: ISC */
/*
 * certs - make many certificates to read
 *
 * usage: certs [-c issuer -k key -s store] count
 *
 * Writes that many distinct P-256 leaf certificates (PEM) of about 529 bytes
 * with three names, as a CA for servers issues them.  The issuer exists only
 * here.  With -s they are those of a CA's files, and go to a store instead, one
 * generation each with its key, as if cert-deploy and cert-commit had put them
 * there; the names of the certificates are host-00001 and so on.
 * Exit: 0 made, 2 error.
 */
#include <sys/stat.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* The n-th leaf. */
static X509 *
leaf(unsigned int n, X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key)
{
	char cn[64], san[256];
	X509V3_CTX ctx;
	X509 *x;

	snprintf(cn, sizeof(cn), "host-%05u.example", n);
	snprintf(san, sizeof(san), "DNS:host-%05u.example,DNS:www.host-%05u."
	    "example,DNS:api.host-%05u.example", n, n, n);
	x = begin(NULL, cn, 30 + (int)(n % 60), key);
	must(X509_set_issuer_name(x, X509_get_subject_name(issuer)));
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension(&ctx, x, NID_key_usage, "critical,digitalSignature");
	extension(&ctx, x, NID_ext_key_usage, "serverAuth,clientAuth");
	extension(&ctx, x, NID_subject_key_identifier, "hash");
	extension(&ctx, x, NID_authority_key_identifier, "keyid");
	extension(&ctx, x, NID_subject_alt_name, san);
	must(X509_sign(x, issuer_key, EVP_sha256()));
	return x;
}

/* A file with those that are there. */
static void
put(const char *name, EVP_PKEY *key, X509 *first, X509 *second)
{
	FILE *fp = fopen(name, "wx");

	if (fp == NULL)
		err(2, "%s", name);
	if (key != NULL)
		must(PEM_write_PrivateKey(fp, key, NULL, NULL, 0, NULL, NULL));
	if (first != NULL)
		must(PEM_write_X509(fp, first));
	if (second != NULL)
		must(PEM_write_X509(fp, second));
	if (fclose(fp) == EOF || chmod(name, key != NULL ? 0600 : 0644) == -1)
		err(2, "%s", name);
}

static void
enter(const char *dir)
{
	if (mkdir(dir, 0755) == -1 || chdir(dir) == -1)
		err(2, "%s", dir);
}

/* The only generation of the n-th certificate of the store, which is the
 * working directory. */
static void
keep(unsigned int n, X509 *x, X509 *issuer, EVP_PKEY *key)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *serial = BN_bn2hex(bn), name[32], gen[128], when[32];
	time_t now = time(NULL);

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime(&now));
	snprintf(name, sizeof(name), "host-%05u", n);
	snprintf(gen, sizeof(gen), "gen/%s-%s", when, serial);
	enter(name);
	if (symlink(gen, "current") == -1 || symlink(gen, "proven") == -1)
		err(2, "%s", name);
	enter("gen");
	enter(gen + strlen("gen/"));
	put("cert.pem", NULL, x, NULL);
	put("chain.pem", NULL, issuer, NULL);
	put("fullchain.pem", NULL, x, issuer);
	put("key.pem", key, NULL, NULL);
	put("keychain.pem", key, x, issuer);
	if (chdir("../../..") == -1)
		err(2, "%s", name);
	OPENSSL_free(serial);
	BN_free(bn);
}

/* The issuer and its key, from files or made here. */
static X509 *
issuer_of(const char *cert, const char *keyfile, EVP_PKEY **key)
{
	FILE *c = cert == NULL ? NULL : fopen(cert, "r");
	FILE *k = keyfile == NULL ? NULL : fopen(keyfile, "r");
	X509V3_CTX ctx;
	X509 *ca;

	if (cert != NULL) {
		if (c == NULL || k == NULL)
			err(2, "%s, %s", cert, keyfile);
		ca = PEM_read_X509(c, NULL, NULL, NULL);
		*key = PEM_read_PrivateKey(k, NULL, NULL, NULL);
		must(ca != NULL && *key != NULL);
		fclose(c);
		fclose(k);
		return ca;
	}
	*key = EVP_EC_gen("P-256");
	must(*key != NULL);
	ca = begin("Edge CA", "Edge Intermediate CA", 3650, *key);
	X509V3_set_ctx(&ctx, ca, ca, NULL, NULL, 0);
	extension(&ctx, ca, NID_subject_key_identifier, "hash");
	return ca;
}

int
main(int argc, char *argv[])
{
	const char *cert = NULL, *keyfile = NULL, *store = NULL;
	unsigned int i, count = 0;
	EVP_PKEY *key, *ca_key;
	X509 *ca, *x;
	int ch;

	while ((ch = getopt(argc, argv, "c:k:s:")) != -1) {
		if (ch == 'c')
			cert = optarg;
		else if (ch == 'k')
			keyfile = optarg;
		else
			store = optarg;
	}
	if (argc - optind == 1)
		count = (unsigned int)strtoul(argv[optind], NULL, 10);
	if (count == 0 || (cert == NULL) != (store == NULL) ||
	    (cert == NULL) != (keyfile == NULL)) {
		fprintf(stderr, "usage: certs [-c issuer -k key -s store] "
		    "count\n");
		return 2;
	}
	ca = issuer_of(cert, keyfile, &ca_key);
	if (store != NULL)
		enter(store);
	for (i = 1; i <= count; i++) {
		key = EVP_EC_gen("P-256");
		must(key != NULL);
		x = leaf(i, ca, ca_key, key);
		if (store != NULL)
			keep(i, x, ca, key);
		else
			must(PEM_write_X509(stdout, x));
		X509_free(x);
		EVP_PKEY_free(key);
	}
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
