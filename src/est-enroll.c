/* SPDX-License-Identifier: ISC */
/*
 * est-enroll - get a certificate by EST (RFC 7030)
 *
 * Reads a certificate request (PEM), has it certified by an EST server, and
 * writes the chain (PEM), leaf first, once it has been checked.  Who asks is
 * shown by a password or token, by a certificate, or by both.  Exit: 0 issued,
 * 2 error or refused, 75 try later, or not decided yet.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "estenroll.h"
#include "estsession.h"
#include "io.h"
#include "key.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: est-enroll [-rVvW] [-B file] "
	    "[-c file -k file] [-I exact | san | any] [-m sec] [-T epoch] "
	    "[-U file] -A file -u url [file]\n");
	exit(EX_ERR);
}

static int
write_chain(STACK_OF(X509) *chain)
{
	size_t len;
	char *pem = pem_text(chain, 0, &len);

	pem_certs_free(chain);
	if (pem == NULL)
		return EX_ERR;
	fwrite(pem, 1, len, stdout);
	free(pem);
	return finish(EX_YES);
}

/* Everything is opened before the sandbox closes; returns the exit code. */
static int
run(struct est *e, const struct est_conf *conf, const char *file,
    const char *anchors, struct estenroll_want *want)
{
	STACK_OF(X509) *chain;
	int rc = EX_ERR;

	if (anchors != NULL && (want->anchors = pem_load_certs(anchors, 0)) ==
	    NULL)
		return EX_ERR;
	if ((want->csr = pem_load_csr(file)) != NULL &&
	    key_strong(X509_REQ_get0_pubkey(want->csr), io_name(file)) == 0)
		rc = est_start(e, conf);
	if (rc == 0) {
		if (e->own != NULL)
			want->current = sk_X509_value(e->own, 0);
		if (want->renew && estenroll_same(want->csr, want->current,
		    io_name(file)) == -1)
			rc = EX_ERR;
		else if ((rc = estenroll_run(e, want, &chain)) == 0)
			rc = write_chain(chain);
	}
	X509_REQ_free(want->csr);
	pem_certs_free(want->anchors);
	return est_end(e, rc);
}

int
main(int argc, char *argv[])
{
	struct est e = {0};
	struct est_conf conf = {.sec = 120};
	struct estenroll_want want = {.now = ESTENROLL_AT_ISSUE};
	const char *anchors = NULL;
	int ch;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" EST_OPTS "B:I:T:Wr")) != -1) {
		switch (ch) {
		case 'B':
			anchors = optarg;
			break;
		case 'I':
			if ((want.policy = estenroll_policy(optarg)) == -1)
				errx(EX_ERR, "-I %s: not exact, san or any",
				    esc(optarg));
			break;
		case 'T':
			want.now = opt_epoch(ch, optarg);
			break;
		case 'W':
			want.wait = 1;
			break;
		case 'r':
			want.renew = 1;
			break;
		default:
			if (est_opt(&e, &conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc - optind > 1 || !est_usable(&conf) || conf.anchors == NULL ||
	    (want.renew && conf.cert == NULL))
		usage();
	signal(SIGPIPE, SIG_IGN);
	return run(&e, &conf, argv[optind], anchors, &want);
}
