/* SPDX-License-Identifier: ISC */
/*
 * csr-check - is this certificate request acceptable
 *
 * Reads a request (PEM) from stdin or a file and judges it: by itself, by a
 * policy, as the renewal of a certificate.  Writes one line of JSON that says
 * yes or why not.  Exit: 0 it is, 1 it is not, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "csrfacts.h"
#include "csrpolicy.h"
#include "io.h"
#include "jsonw.h"
#include "keyval.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: csr-check [-V] [-b policy] [-x cert] "
	    "[file]\n");
	_exit(EX_ERR);
}

/* Judge the request, write the line. */
static int
judge(const struct csrfacts *f, const struct csrpolicy *policy,
    const X509 *cert)
{
	struct jsonw w = JSONW_INIT;
	char *what = NULL;
	unsigned int bits = csrpolicy_check(f, policy, cert, &what);
	int i;

	jsonw_begin(&w, NULL, '{');
	jsonw_bool(&w, "ok", bits == 0);
	jsonw_begin(&w, "reasons", '[');
	for (i = 0; i < CSRPOLICY_BITS; i++)
		if ((bits & 1u << i) != 0)
			jsonw_str(&w, NULL, csrpolicy_reason(1u << i));
	jsonw_end(&w, ']');
	if (what != NULL)
		jsonw_str(&w, "refused", what);
	csrfacts_json(f, &w);
	jsonw_end(&w, '}');
	jsonw_line(&w, stdout);
	jsonw_free(&w);
	free(what);
	return finish(bits == 0 ? EX_YES : EX_NO);
}

/* Open and read all there is, confine this process, parse, judge. */
static int
run(const char *file, const char *rules, const char *cert)
{
	struct csrpolicy *policy = csrpolicy_new();
	char *buf = NULL, *rbuf = NULL, *cbuf = NULL;
	STACK_OF(X509) *certs = NULL;
	struct csrfacts f;
	size_t len, rlen, clen;
	int rc = EX_ERR;

	memset(&f, 0, sizeof(f));
	if ((rules != NULL &&
	    (rbuf = io_slurp(rules, KEYVAL_MAX, &rlen)) == NULL) ||
	    (cert != NULL &&
	    (cbuf = io_slurp(cert, IO_PEM_MAX, &clen)) == NULL) ||
	    (buf = io_slurp(file, IO_PEM_MAX, &len)) == NULL ||
	    sandbox_stdio() == -1)
		goto out;
	if ((rules != NULL && keyval_parse(rbuf, rlen, io_name(rules),
	    csrpolicy_set, policy) == -1) || (cert != NULL &&
	    (certs = pem_certs(cbuf, clen, io_name(cert), 0)) == NULL) ||
	    csrfacts_pem(&f, buf, len, io_name(file)) == -1)
		goto out;
	rc = judge(&f, rules != NULL ? policy : NULL,
	    certs != NULL ? sk_X509_value(certs, 0) : NULL);
out:
	csrfacts_free(&f);
	csrpolicy_free(policy);
	pem_certs_free(certs);
	free(buf);
	free(rbuf);
	free(cbuf);
	return rc;
}

static int
is_stdin(const char *file)
{
	return file != NULL && strcmp(file, "-") == 0;
}

int
main(int argc, char *argv[])
{
	const char *cert = NULL, *file = "-", *rules = NULL;
	int ch;

	std_fill();
	while ((ch = getopt(argc, argv, ":Vb:x:")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 'b':
			rules = optarg;
			break;
		case 'x':
			cert = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind < argc)
		file = argv[optind++];
	if (optind != argc ||
	    is_stdin(file) + is_stdin(rules) + is_stdin(cert) > 1)
		usage();
	ossl_reader();
	return run(file, rules, cert);
}
