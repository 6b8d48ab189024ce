/* SPDX-License-Identifier: ISC */
/*
 * step-ott - make a one-time token for step-ca
 *
 * Reads the key of a JWK provisioner, or with -c that of a certificate an X5C
 * provisioner trusts, and a certificate request (PEM); writes a token that has
 * the request signed.  With -r the token is to revoke: what is read is a
 * certificate, or nothing with -I.  Asks nobody.  Exit: 0 made, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "key.h"
#include "ossl.h"
#include "ott.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

static const char *key_file, *chain_file, *serial, *url;
static int rflag;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: step-ott [-rV] [-c chain] [-F hex] "
	    "[-I serial] [-K kid] [-T epoch] -k key -P name -u url [file]\n");
	_exit(EX_ERR);
}

/* -F: 64 hexadecimal digits, as openssl prints them with colons or without. */
static char *
fingerprint(const char *arg)
{
	char *hex = xmalloc(strlen(arg) + 1), *p = hex;
	const char *s;

	for (s = arg; *s != '\0'; s++)
		if (*s != ':')
			*p++ = (char)(*s >= 'A' && *s <= 'F' ? *s + 32 : *s);
	*p = '\0';
	if (strlen(hex) != 64 || hex[strspn(hex, "0123456789abcdef")] != '\0')
		errx(EX_ERR, "-F %s: not a SHA-256 fingerprint", esc(arg));
	return hex;
}

/* Who it is about: the request, or the serial number. */
static int
read_subject(const char *path, struct ott *ott, struct names *names,
    char **subject)
{
	STACK_OF(X509) *certs;
	X509_REQ *req;
	int rc = -1;

	if (!rflag) {
		if ((req = pem_load_csr(path)) != NULL)
			rc = ott_request(req, io_name(path), subject, names);
		X509_REQ_free(req);
		ott->names = names;
	} else if (serial != NULL) {
		rc = (*subject = ott_serial(serial)) != NULL ? 0 : -1;
	} else if ((certs = pem_load_certs(path, 0)) != NULL) {
		*subject = ott_serial_of(sk_X509_value(certs, 0));
		rc = *subject != NULL ? 0 : -1;
		pem_certs_free(certs);
	}
	ott->subject = *subject;
	return rc;
}

static int
run(const char *path, struct ott *ott)
{
	struct names names = {NULL, 0};
	char *subject = NULL, *token = NULL, *audience = NULL;
	EVP_PKEY *key = NULL;
	int rc = EX_ERR;

	if ((audience = ott_url(url, rflag ? "revoke" : "sign",
	    chain_file != NULL ? ott->provisioner : NULL)) != NULL &&
	    (key = key_load(key_file)) != NULL &&
	    (chain_file == NULL ||
	    (ott->chain = pem_load_certs(chain_file, 0)) != NULL) &&
	    read_subject(path, ott, &names, &subject) == 0 &&
	    sandbox_stdio() == 0) {
		ott->audience = audience;
		token = ott_new(key, ott);
	}
	if (token != NULL) {
		puts(token);
		rc = finish(EX_YES);
	}
	EVP_PKEY_free(key);
	pem_certs_free(ott->chain);
	names_free(&names);
	free(subject);
	free(audience);
	free(token);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct ott ott = {.now = time(NULL)};
	int ch;

	std_fill();
	while ((ch = getopt(argc, argv, ":F:I:K:P:T:Vc:k:ru:")) != -1) {
		switch (ch) {
		case 'F':
			ott.root = fingerprint(optarg);
			break;
		case 'I':
			serial = optarg;
			break;
		case 'K':
			ott.kid = optarg;
			break;
		case 'P':
			ott.provisioner = optarg;
			break;
		case 'T':
			ott.now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		case 'c':
			chain_file = optarg;
			break;
		case 'k':
			key_file = optarg;
			break;
		case 'r':
			rflag = 1;
			break;
		case 'u':
			url = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind > (serial == NULL) || key_file == NULL ||
	    url == NULL || ott.provisioner == NULL ||
	    (serial != NULL && !rflag) ||
	    (ott.kid != NULL && chain_file != NULL))
		usage();
	key_no_dump();
	ossl_memory();
	return run(argv[optind], &ott);
}
