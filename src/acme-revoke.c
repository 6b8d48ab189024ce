/* SPDX-License-Identifier: ISC */
/*
 * acme-revoke - revoke a certificate by ACME (RFC 8555 section 7.6)
 *
 * Reads a certificate (PEM, the first one counts) and asks the server that
 * issued it to revoke it, as the account that ordered it (-a) or as the
 * holder of its key (-k).  Writes nothing.  Exit: 0 revoked, now or before,
 * 2 error or refused, 75 try later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acme.h"
#include "acmeaccount.h"
#include "acmeproblem.h"
#include "acmesession.h"
#include "b64.h"
#include "ossl.h"
#include "pem.h"
#include "reason.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: acme-revoke [-OVv] [-e file] [-G reason] "
	    "[-m sec] -A file -u url -a account | -k key [file]\n");
	exit(EX_ERR);
}

/* What revokeCert is sent, for the caller to free. */
static char *
payload_of(X509 *cert, int reason)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	char *text, *payload;

	if (n <= 0)
		errx(EX_ERR, "certificate: cannot be written as DER");
	text = b64url(der, (size_t)n);
	payload = reason < 0 ? xasprintf("{\"certificate\":\"%s\"}", text) :
	    xasprintf("{\"certificate\":\"%s\",\"reason\":%d}", text, reason);
	OPENSSL_free(der);
	free(text);
	return payload;
}

static int
ask(struct acme *a, X509 *cert, int reason, int by_account)
{
	struct acme_reply r;
	char *payload;
	int rc;

	if ((rc = acme_open(a)) != 0)
		return rc;
	if (a->revoke_cert == NULL) {
		warnx("%s: the server does not offer revocation",
		    esc(a->directory));
		return EX_ERR;
	}
	if (by_account && (rc = acme_login(a, ACME_EXISTING)) != 0)
		return rc;
	payload = payload_of(cert, reason);
	rc = acme_post(a, a->revoke_cert, payload, &r);
	free(payload);
	if (rc != 0) {
		warnx("revokeCert: %s", esc(http_error(a->http)));
		return rc;
	}
	if (acme_is(&r, "alreadyRevoked"))
		warnx("certificate: was revoked already");
	else if (r.status < 200 || r.status > 299)
		rc = acme_refused(a, "revokeCert", &r);
	acme_reply_free(&r);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct acme a = {0};
	struct acme_conf conf = {.sec = 60};
	const char *account = NULL, *key = NULL;
	STACK_OF(X509) *certs;
	int ch, rc, reason = -1;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" ACME_OPTS "G:a:k:")) != -1) {
		switch (ch) {
		case 'G':
			reason = opt_reason(ch, optarg);
			break;
		case 'a':
			account = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		default:
			if (acme_opt(&a, &conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc - optind > 1 || a.directory == NULL || conf.anchors == NULL ||
	    (account == NULL) == (key == NULL))
		usage();
	signal(SIGPIPE, SIG_IGN);
	if ((certs = pem_load_certs(argv[optind], 0)) == NULL)
		return EX_ERR;
	conf.key = account != NULL ? account : key;
	if ((rc = acme_start(&a, &conf)) == 0)
		rc = ask(&a, sk_X509_value(certs, 0), reason,
		    account != NULL);
	pem_certs_free(certs);
	return acme_end(&a, rc);
}
