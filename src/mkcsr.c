/* SPDX-License-Identifier: ISC */
/*
 * mkcsr - make a certificate request
 *
 * Reads a private key and, with -x, a certificate whose subject and names are
 * taken over; writes a CSR (PKCS#10) as PEM to stdout.  Exit: 0 made, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "csr.h"
#include "io.h"
#include "key.h"
#include "name.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: mkcsr [-V] -k key [-d name] [-i addr] "
	    "[-D form:value] [-N dn] [-x cert]\n");
	_exit(EX_ERR);
}

/* -D URI:value or email:value, as openssl writes it. */
static int
add_form(struct names *names, const char *arg)
{
	if (strncmp(arg, "URI:", 4) == 0)
		return names_add(names, NAME_URI, arg + 4);
	if (strncmp(arg, "email:", 6) == 0)
		return names_add(names, NAME_EMAIL, arg + 6);
	warnx("-D %s: neither URI:... nor email:...", esc(arg));
	return -1;
}

/* Subject and names of the first certificate in the PEM text. */
static int
copy_cert(const char *pem, size_t len, const char *file, X509_NAME **subject,
    struct names *names)
{
	STACK_OF(X509) *certs = pem_certs(pem, len, file, 0);
	X509 *cert;
	int rc = -1;

	if (certs != NULL) {
		cert = sk_X509_value(certs, 0);
		*subject = X509_NAME_dup(X509_get_subject_name(cert));
		if (*subject == NULL)
			errx(EX_ERR, "memory: exhausted");
		rc = names_from_cert(names, cert, file);
	}
	pem_certs_free(certs);
	return rc;
}

static int
write_csr(EVP_PKEY *key, const X509_NAME *subject, const struct names *names)
{
	X509_REQ *req = csr_new(key, subject, names);
	char *pem = NULL;
	size_t len;
	int rc = EX_ERR;

	if (req != NULL && (pem = csr_pem(req, &len)) != NULL) {
		fwrite(pem, 1, len, stdout);
		rc = finish(EX_YES);
	}
	free(pem);
	X509_REQ_free(req);
	return rc;
}

int
main(int argc, char *argv[])
{
	const char *cert = NULL, *dn = NULL, *file = NULL;
	struct names names = {NULL, 0};
	X509_NAME *subject = NULL;
	EVP_PKEY *key;
	char *pem = NULL;
	size_t len = 0;
	int bad = 0, ch, rc = EX_ERR;

	std_fill();
	while (!bad && (ch = getopt(argc, argv, ":D:N:Vd:i:k:x:")) != -1) {
		switch (ch) {
		case 'D':
			bad = add_form(&names, optarg);
			break;
		case 'N':
			dn = optarg;
			break;
		case 'V':
			version();
		case 'd':
			bad = names_add(&names, NAME_DNS, optarg);
			break;
		case 'i':
			bad = names_add(&names, NAME_IP, optarg);
			break;
		case 'k':
			file = optarg;
			break;
		case 'x':
			cert = optarg;
			break;
		default:
			usage();
		}
	}
	if (bad)
		return EX_ERR;
	if (argc != optind || file == NULL || (cert != NULL &&
	    strcmp(cert, "-") == 0 && strcmp(file, "-") == 0))
		usage();
	if (cert != NULL && (dn != NULL || names.n > 0))
		errx(EX_ERR, "-x: not together with -d, -i, -D or -N");
	key_no_dump();
	ossl_maker();
	if ((dn != NULL && (subject = csr_subject(dn)) == NULL) ||
	    (key = key_load(file)) == NULL ||
	    (cert != NULL && (pem = io_slurp(cert, IO_PEM_MAX, &len)) == NULL))
		return EX_ERR;
	if (sandbox_stdio() == 0 && (cert == NULL ||
	    copy_cert(pem, len, io_name(cert), &subject, &names) == 0)) {
		if (names.n == 0 && X509_NAME_entry_count(subject) == 0)
			warnx("names: none, and no subject either");
		else
			rc = write_csr(key, subject, &names);
	}
	EVP_PKEY_free(key);
	X509_NAME_free(subject);
	names_free(&names);
	free(pem);
	return rc;
}
