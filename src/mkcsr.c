/* SPDX-License-Identifier: ISC */
/*
 * mkcsr - make a certificate request
 *
 * Reads a private key and, with -x, a certificate whose subject and names are
 * taken over, with -Q what an EST server wants to see; writes a CSR (PKCS#10)
 * as PEM to stdout.  Exit: 0 made, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "csr.h"
#include "csrwant.h"
#include "io.h"
#include "json.h"
#include "key.h"
#include "name.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

/* A file that is read whole before the process is confined. */
struct input {
	const char *file;	/* NULL: none */
	char *text;
	size_t len;
};

static struct input pem;	/* -x */
static struct input want;	/* -Q */

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: mkcsr [-V] -k key [-d name] [-i addr] "
	    "[-D form:value] [-N dn] [-Q file] [-x cert]\n");
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
copy_cert(const char *text, size_t len, const char *file, X509_NAME **subject,
    struct names *names)
{
	STACK_OF(X509) *certs = pem_certs(text, len, file, 0);
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
write_csr(EVP_PKEY *key, const X509_NAME *subject, const struct names *names,
    const struct csr_extra *extra)
{
	X509_REQ *req = csr_new_extra(key, subject, names, extra);
	char *text = NULL;
	size_t len;
	int rc = EX_ERR;

	if (req != NULL && (text = csr_pem(req, &len)) != NULL) {
		fwrite(text, 1, len, stdout);
		rc = finish(EX_YES);
	}
	free(text);
	X509_REQ_free(req);
	return rc;
}

/*
 * Subject, names and what is wanted, from the texts read (NULL: none), and the
 * request from that.  Returns the exit code.
 */
static int
make(EVP_PKEY *key, X509_NAME **subject, struct names *names)
{
	struct csr_extra extra = {NULL, NULL};
	int rc = EX_ERR;

	if (sandbox_stdio() == -1 || (pem.text != NULL && copy_cert(pem.text,
	    pem.len, io_name(pem.file), subject, names) == -1) ||
	    (want.text != NULL && csr_want(want.text, want.len,
	    io_name(want.file), key, *subject, names, &extra) == -1))
		;
	else if (names->n == 0 && X509_NAME_entry_count(*subject) == 0 &&
	    extra.exts == NULL)
		warnx("names: none, and no subject either");
	else
		rc = write_csr(key, *subject, names, &extra);
	sk_X509_EXTENSION_pop_free(extra.exts, X509_EXTENSION_free);
	return rc;
}

/* Are more than one of the files standard input? */
static int
twice(const char *key)
{
	return (strcmp(key, "-") == 0) +
	    (pem.file != NULL && strcmp(pem.file, "-") == 0) +
	    (want.file != NULL && strcmp(want.file, "-") == 0) > 1;
}

static int
slurp(struct input *in, size_t max)
{
	if (in->file != NULL)
		in->text = io_slurp(in->file, max, &in->len);
	return in->file == NULL || in->text != NULL ? 0 : -1;
}

int
main(int argc, char *argv[])
{
	const char *dn = NULL, *file = NULL;
	struct names names = {NULL, 0};
	X509_NAME *subject = NULL;
	EVP_PKEY *key;
	int bad = 0, ch, rc;

	std_fill();
	while (!bad && (ch = getopt(argc, argv, ":D:N:Q:Vd:i:k:x:")) != -1) {
		switch (ch) {
		case 'D':
			bad = add_form(&names, optarg);
			break;
		case 'N':
			dn = optarg;
			break;
		case 'Q':
			want.file = optarg;
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
			pem.file = optarg;
			break;
		default:
			usage();
		}
	}
	if (bad)
		return EX_ERR;
	if (argc != optind || file == NULL || twice(file))
		usage();
	if (pem.file != NULL && (dn != NULL || names.n > 0))
		errx(EX_ERR, "-x: not together with -d, -i, -D or -N");
	key_no_dump();
	ossl_maker();
	if (want.file != NULL)
		json_start();
	if ((dn != NULL && (subject = csr_subject(dn)) == NULL) ||
	    (key = key_load(file)) == NULL || slurp(&pem, IO_PEM_MAX) == -1 ||
	    slurp(&want, CSRWANT_MAX) == -1)
		return EX_ERR;
	rc = make(key, &subject, &names);
	EVP_PKEY_free(key);
	X509_NAME_free(subject);
	names_free(&names);
	free(pem.text);
	free(want.text);
	return rc;
}
