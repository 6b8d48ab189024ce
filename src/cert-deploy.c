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
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "chain.h"
#include "io.h"
#include "key.h"
#include "ossl.h"
#include "pem.h"
#include "store.h"
#include "util.h"

static gid_t group = STORE_NO_GROUP;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: cert-deploy [-V] [-g group] [-T epoch] "
	    "-k key directory [file]\n");
	_exit(EX_ERR);
}

/* The group of this name or number. */
static gid_t
find_group(const char *name)
{
	struct group *gr = getgrnam(name);
	long long id;

	if (gr != NULL)
		return gr->gr_gid;
	if (parse_num(name, 0, UINT_MAX - 1, &id) == -1)
		errx(EX_ERR, "-g %s: no such group", esc(name));
	return (gid_t)id;
}

/* Read the chain and see that it may be served with this key now. */
static STACK_OF(X509) *
good_chain(const char *file, EVP_PKEY *key, time_t now)
{
	const struct chain_want want = {.key = key, .now = now};
	STACK_OF(X509) *chain = pem_load_certs(file, 1);
	unsigned int wrong;

	if (chain != NULL && (wrong = chain_check(chain, &want)) != 0) {
		warnx("%s: %s", io_name(file), chain_reasons(wrong));
		pem_certs_free(chain);
		chain = NULL;
	}
	return chain;
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

static char *
install(struct store *s, const char *name, STACK_OF(X509) *chain, EVP_PKEY *key)
{
	mode_t mode = group == STORE_NO_GROUP ? 0600 : 0640;
	size_t keylen = 0, alllen = 0, restlen = 0;
	char *pem = key_pem(key, &keylen), *both = NULL, *path = NULL;
	char *all = pem_text(chain, 0, &alllen);
	char *rest = pem_text(chain, 1, &restlen);

	if (pem != NULL && all != NULL && rest != NULL) {
		both = xmalloc(keylen + alllen);
		memcpy(both, pem, keylen);
		memcpy(both + keylen, all, alllen);
		path = store_install(s, name, (struct store_file[]){
			{"key.pem", mode, pem, keylen},
			{"cert.pem", 0644, all, alllen - restlen},
			{"chain.pem", 0644, rest, restlen},
			{"fullchain.pem", 0644, all, alllen},
			{"keychain.pem", mode, both, keylen + alllen},
		}, 5);
		key_pem_free(both, keylen + alllen);
	}
	if (pem != NULL)
		key_pem_free(pem, keylen);
	free(all);
	free(rest);
	return path;
}

/*
 * Print the path, without need of memory: the deployment is done, whatever
 * becomes of this.
 */
static int
report(const char *path)
{
	if (io_write(STDOUT_FILENO, path, strlen(path)) == 0 &&
	    io_write(STDOUT_FILENO, "\n", 1) == 0 &&
	    close(STDOUT_FILENO) == 0)
		return EX_YES;
	warn("stdout: %s is current now, but saying so failed", path);
	return EX_ERR;
}

static int
deploy(const char *dir, const char *file, const char *keyfile, time_t now)
{
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key;
	struct store *s = NULL;
	char *name = NULL, *path = NULL;
	int rc = EX_ERR;

	if ((key = key_load(keyfile)) != NULL &&
	    (chain = good_chain(file, key, now)) != NULL &&
	    (name = gen_name(sk_X509_value(chain, 0), now)) != NULL &&
	    (rc = store_open(dir, group, &s)) == EX_YES) {
		path = install(s, name, chain, key);
		rc = path != NULL ? report(path) : EX_ERR;
	}
	store_close(s);
	free(path);
	free(name);
	pem_certs_free(chain);
	EVP_PKEY_free(key);
	return rc;
}

int
main(int argc, char *argv[])
{
	const char *file, *keyfile = NULL;
	time_t now = time(NULL);
	int ch;

	std_fill();
	while ((ch = getopt(argc, argv, ":T:Vg:k:")) != -1) {
		switch (ch) {
		case 'T':
			now = (time_t)opt_num(ch, optarg, 0, 253402300799LL);
			break;
		case 'V':
			version();
		case 'g':
			group = find_group(optarg);
			break;
		case 'k':
			keyfile = optarg;
			break;
		default:
			usage();
		}
	}
	if (keyfile == NULL || argc - optind < 1 || argc - optind > 2)
		usage();
	file = argc - optind == 2 ? argv[optind + 1] : "-";
	if (strcmp(keyfile, "-") == 0 && strcmp(file, "-") == 0)
		usage();
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
		errx(EX_ERR, "stdout: closed, or not open for writing");
	signal(SIGPIPE, SIG_IGN);	/* report() says it */
	key_no_dump();
	umask(077);
	ossl_reader();
	return deploy(argv[optind], file, keyfile, now);
}
