/* SPDX-License-Identifier: ISC */
/*
 * cert-deploy - install a key and its certificates as one generation
 *
 * Reads a chain (PEM, leaf first) from stdin or a file and the key from -k,
 * checks that they belong together and are valid now, stores them as a new
 * generation and makes it the current one.  Writes the path of the new
 * generation.  Exit: 0 installed, 2 error and nothing changed, 75 another
 * process is changing the store.
 */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "key.h"
#include "ossl.h"
#include "pair.h"
#include "pem.h"
#include "pfx.h"
#include "store.h"
#include "util.h"

static gid_t group = STORE_NO_GROUP;
static const char *passfile;	/* of client.pfx, NULL when not wanted */
static int minio;		/* public.crt and private.key */

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: cert-deploy [-V] [-f form] [-g group] "
	    "[-T epoch] [-U password] -k key directory [file]\n");
	_exit(EX_ERR);
}

/* <UTC time>-<serial>, to be freed by the caller; NULL with a message. */
static char *
gen_name(X509 *leaf, time_t now)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
	char *hex = bn != NULL ? BN_bn2hex(bn) : NULL, *name = NULL;
	char when[RFC3339_SIZE];
	struct tm tm;

	if (hex != NULL && gmtime_r(&now, &tm) != NULL && strftime(when,
	    sizeof(when), "%Y%m%dT%H%M%SZ", &tm) != 0)
		name = xasprintf("%s-%s", when, hex);
	else
		ossl_warn("certificate", "its serial number cannot be read");
	OPENSSL_free(hex);
	BN_free(bn);
	return name;
}

/* The last part of the directory's name, to be freed by the caller. */
static char *
last_name(const char *dir)
{
	char *real = realpath(dir, NULL), *name;

	if (real == NULL)
		real = xstrdup(dir);
	name = xstrdup(basename(real));
	free(real);
	return name;
}

static char *
install(struct store *s, const char *name, STACK_OF(X509) *chain,
    EVP_PKEY *key, const unsigned char *pfx, size_t pfxlen)
{
	mode_t mode = group == STORE_NO_GROUP ? 0600 : 0640;
	size_t keylen = 0, alllen = 0, restlen = 0, n = 5;
	char *pem = key_pem(key, &keylen), *both = NULL, *path = NULL;
	char *all = pem_text(chain, 0, &alllen);
	char *rest = pem_text(chain, 1, &restlen);

	if (pem != NULL && all != NULL && rest != NULL) {
		both = xmalloc(keylen + alllen);
		memcpy(both, pem, keylen);
		memcpy(both + keylen, all, alllen);
		struct store_file files[8] = {
			{"key.pem", mode, pem, keylen},
			{"cert.pem", 0644, all, alllen - restlen},
			{"chain.pem", 0644, rest, restlen},
			{"fullchain.pem", 0644, all, alllen},
			{"keychain.pem", mode, both, keylen + alllen},
		};
		if (minio) {
			files[n++] = (struct store_file){"public.crt", 0644,
			    all, alllen};
			files[n++] = (struct store_file){"private.key", mode,
			    pem, keylen};
		}
		if (pfx != NULL)
			files[n++] = (struct store_file){"client.pfx", mode,
			    (const char *)pfx, pfxlen};
		path = store_install(s, name, files, n);
		key_pem_free(both, keylen + alllen);
	}
	if (pem != NULL)
		key_pem_free(pem, keylen);
	free(all);
	free(rest);
	return path;
}

/* The PKCS#12 file, when it is wanted.  0, or -1 with a message. */
static int
make_pfx(const char *dir, STACK_OF(X509) *chain, EVP_PKEY *key,
    unsigned char **pfx, size_t *len)
{
	char *password, *name;

	if (passfile == NULL)
		return 0;
	if ((password = pfx_password(passfile)) == NULL)
		return -1;
	name = last_name(dir);
	*pfx = pfx_make(key, chain, name, password, len);
	key_pem_free(password, strlen(password));
	free(name);
	return *pfx != NULL ? 0 : -1;
}

static int
deploy(const char *dir, const char *file, const char *keyfile, time_t now)
{
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key;
	struct store *s = NULL;
	char *name = NULL, *path = NULL;
	unsigned char *pfx = NULL;
	size_t pfxlen = 0;
	int rc = EX_ERR;

	if ((key = key_load(keyfile)) != NULL &&
	    (chain = pair_chain(file, key, now)) != NULL &&
	    (name = gen_name(sk_X509_value(chain, 0), now)) != NULL &&
	    make_pfx(dir, chain, key, &pfx, &pfxlen) == 0 &&
	    (rc = store_make(dir, group, &s)) == EX_YES) {
		path = install(s, name, chain, key, pfx, pfxlen);
		rc = path != NULL ? store_report(path) : EX_ERR;
	}
	store_close(s);
	free(path);
	free(name);
	OPENSSL_free(pfx);
	pem_certs_free(chain);
	EVP_PKEY_free(key);
	return rc;
}

/* At most one of the inputs may be stdin. */
static int
stdin_once(const char *keyfile, const char *file)
{
	int n = (strcmp(keyfile, "-") == 0) + (strcmp(file, "-") == 0);

	return n + (passfile != NULL && strcmp(passfile, "-") == 0) <= 1;
}

int
main(int argc, char *argv[])
{
	const char *file, *keyfile = NULL;
	time_t now = time(NULL);
	int ch, pfx = 0;

	std_fill();
	while ((ch = getopt(argc, argv, ":T:U:Vf:g:k:")) != -1) {
		switch (ch) {
		case 'T':
			now = opt_epoch(ch, optarg);
			break;
		case 'U':
			passfile = optarg;
			break;
		case 'V':
			version();
		case 'f':
			if (strcmp(optarg, "minio") == 0)
				minio = 1;
			else if (strcmp(optarg, "pfx") == 0)
				pfx = 1;
			else
				usage();
			break;
		case 'g':
			group = opt_group(ch, optarg);
			break;
		case 'k':
			keyfile = optarg;
			break;
		default:
			usage();
		}
	}
	if (keyfile == NULL || pfx != (passfile != NULL) ||
	    argc - optind < 1 || argc - optind > 2)
		usage();
	file = argc - optind == 2 ? argv[optind + 1] : "-";
	if (!stdin_once(keyfile, file))
		usage();
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
		errx(EX_ERR, "stdout: closed, or not open for writing");
	signal(SIGPIPE, SIG_IGN);	/* store_report() says it */
	key_no_dump();
	umask(077);
	ossl_reader();
	return deploy(argv[optind], file, keyfile, now);
}
