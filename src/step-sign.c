/* SPDX-License-Identifier: ISC */
/*
 * step-sign - have a certificate request signed by a step-ca
 *
 * Reads a certificate request (PEM) and a one-time token that step-ott made
 * for it (-U), asks the CA once, and writes the chain (PEM) after it has been
 * checked.  Exit: 0 signed, 2 error or refused, 75 try later, with a new token.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "key.h"
#include "ossl.h"
#include "ott.h"
#include "pem.h"
#include "stepsession.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: step-sign [-OV] [-B file] [-b time] "
	    "[-m sec] [-T epoch] [-z time] -A file -U token -u url [file]\n");
	exit(EX_ERR);
}

static int
sign(const struct step_conf *conf, struct stepca_order *want)
{
	struct stepca ca = {0};
	char *chain = NULL;
	size_t len = 0;
	int rc;

	if ((rc = step_start(&ca, conf)) != 0)
		return rc;
	if (want->now == -1)
		want->now = time(NULL);
	if ((rc = stepca_sign(&ca, want, &chain, &len)) == 0) {
		fwrite(chain, 1, len, stdout);
		free(chain);
		rc = finish(EX_YES);
	} else
		step_end(&ca, rc);
	http_free(ca.http);
	return rc;
}

/* Everything is read before the sandbox closes. */
static int
run(const char *path, const char *token, const char *anchors,
    const struct step_conf *conf, struct stepca_order *want)
{
	struct names names = {NULL, 0};
	char *subject = NULL, *ott;
	int rc = EX_ERR;

	if ((ott = step_token(token)) != NULL &&
	    (anchors == NULL ||
	    (want->anchors = pem_load_certs(anchors, 0)) != NULL) &&
	    (want->csr = pem_load_csr(path)) != NULL &&
	    key_strong(X509_REQ_get0_pubkey(want->csr), io_name(path)) == 0 &&
	    ott_request(want->csr, io_name(path), &subject, &names) == 0) {
		want->ott = ott;
		want->names = &names;
		rc = sign(conf, want);
	}
	X509_REQ_free(want->csr);
	pem_certs_free(want->anchors);
	names_free(&names);
	free(subject);
	free(ott);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct step_conf conf = {.sec = 60};
	struct stepca_order want = {.now = -1};
	const char *anchors = NULL, *token = NULL;
	int ch;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" STEP_OPTS "B:T:U:b:z:")) != -1) {
		switch (ch) {
		case 'B':
			anchors = optarg;
			break;
		case 'T':
			want.now = opt_epoch(ch, optarg);
			break;
		case 'U':
			token = optarg;
			break;
		case 'b':
			want.not_before = opt_time(ch, optarg);
			break;
		case 'z':
			want.not_after = opt_time(ch, optarg);
			break;
		default:
			if (step_opt(&conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc - optind > 1 || conf.url == NULL || conf.anchors == NULL ||
	    token == NULL || (strcmp(token, "-") == 0 && (argc == optind ||
	    strcmp(argv[optind], "-") == 0)))
		usage();
	signal(SIGPIPE, SIG_IGN);
	return run(argv[optind], token, anchors, &conf, &want);
}
