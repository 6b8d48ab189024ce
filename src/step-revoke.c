/* SPDX-License-Identifier: ISC */
/*
 * step-revoke - revoke a certificate of a step-ca
 *
 * Asks the CA to revoke the certificate that is read (PEM) or has the serial
 * number of -I, by a one-time token that step-ott -r made for it (-U); or the
 * certificate of -c, by itself.  Writes nothing.  Exit: 0 revoked, now or
 * before, 2 error or refused, 75 try later, with a new token.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ossl.h"
#include "ott.h"
#include "pem.h"
#include "reason.h"
#include "stepsession.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: step-revoke [-OV] [-G reason] [-m sec] "
	    "-A file -u url -c cert -k key | "
	    "-U token -I serial | -U token [file]\n");
	exit(EX_ERR);
}

static char *
read_serial(const char *path)
{
	STACK_OF(X509) *certs = pem_load_certs(path, 0);
	char *serial = NULL;

	if (certs != NULL)
		serial = ott_serial_of(sk_X509_value(certs, 0));
	pem_certs_free(certs);
	return serial;
}

static int
ask(const struct step_conf *conf, const struct stepca_revocation *r)
{
	struct stepca ca = {0};
	int rc, already;

	if ((rc = step_start(&ca, conf)) != 0)
		return rc;
	rc = step_end(&ca, stepca_revoke(&ca, r, &already));
	if (rc == 0 && already)
		warnx("certificate: was revoked already");
	http_free(ca.http);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct step_conf conf = {.sec = 60};
	struct stepca_revocation r = {.reason = -1};
	const char *text = NULL, *file = NULL, *path;
	char *serial = NULL, *token = NULL;
	int ch, rc = EX_ERR;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" STEP_OPTS "G:I:U:c:k:")) != -1) {
		switch (ch) {
		case 'G':
			r.reason = opt_reason(ch, optarg);
			break;
		case 'I':
			text = optarg;
			break;
		case 'U':
			file = optarg;
			break;
		case 'c':
			conf.cert = optarg;
			break;
		case 'k':
			conf.key = optarg;
			break;
		default:
			if (step_opt(&conf, ch, optarg) == -1)
				usage();
		}
	}
	path = argv[optind];
	if (conf.url == NULL || conf.anchors == NULL ||
	    (conf.cert == NULL) != (conf.key == NULL) ||
	    (conf.cert == NULL) == (file == NULL) ||
	    (conf.cert != NULL && text != NULL) || argc - optind >
	    (conf.cert == NULL && text == NULL) || (file != NULL &&
	    strcmp(file, "-") == 0 && text == NULL &&
	    (path == NULL || strcmp(path, "-") == 0)))
		usage();
	signal(SIGPIPE, SIG_IGN);
	if ((file == NULL || (token = step_token(file)) != NULL) &&
	    (serial = text != NULL ? ott_serial(text) : read_serial(
	    conf.cert != NULL ? conf.cert : path)) != NULL) {
		r.serial = serial;
		r.ott = token;
		rc = ask(&conf, &r);
	}
	free(serial);
	free(token);
	return rc;
}
