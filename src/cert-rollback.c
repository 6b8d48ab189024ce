/* SPDX-License-Identifier: ISC */
/*
 * cert-rollback - go back to the generation before
 *
 * Makes the generation that previous names current, if its key and chain can
 * be served now, and lets previous name the one that was.  Writes the path of
 * what is current now.  Exit: 0 done, 1 there is none to go back to and
 * nothing changed, 2 error, 75 another process is changing the store.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "key.h"
#include "ossl.h"
#include "pair.h"
#include "pem.h"
#include "store.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: cert-rollback [-V] [-T epoch] directory\n");
	_exit(EX_ERR);
}

/* May the generation be served now?  EX_YES, or EX_NO with a message. */
static int
good(const char *path, time_t now)
{
	char *keyfile = xasprintf("%s/key.pem", path);
	char *file = xasprintf("%s/fullchain.pem", path);
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key = key_load(keyfile);
	int rc = EX_NO;

	if (key != NULL && (chain = pair_chain(file, key, now)) != NULL)
		rc = EX_YES;
	EVP_PKEY_free(key);
	pem_certs_free(chain);
	free(keyfile);
	free(file);
	return rc;
}

static int
rollback(const char *dir, time_t now)
{
	struct store *s = NULL;
	char *path = NULL;
	int rc;

	if ((rc = store_open(dir, &s)) == EX_YES &&
	    (rc = store_previous(s, &path)) == EX_YES &&
	    (rc = good(path, now)) == EX_YES)
		rc = store_swap(s) == 0 ? store_report(path) : EX_ERR;
	store_close(s);
	free(path);
	return rc;
}

int
main(int argc, char *argv[])
{
	time_t now = time(NULL);
	int ch;

	std_fill();
	while ((ch = getopt(argc, argv, ":T:V")) != -1) {
		switch (ch) {
		case 'T':
			now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		default:
			usage();
		}
	}
	if (argc - optind != 1)
		usage();
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
		errx(EX_ERR, "stdout: closed, or not open for writing");
	signal(SIGPIPE, SIG_IGN);	/* store_report() says it */
	key_no_dump();
	ossl_reader();
	return rollback(argv[optind], now);
}
