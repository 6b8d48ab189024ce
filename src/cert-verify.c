/* SPDX-License-Identifier: ISC */
/*
 * cert-verify - does a chain of certificates verify
 *
 * Reads a chain (PEM, leaf first, nothing but certificates) from stdin or a
 * file and judges it by its links, its times and what the options ask for.
 * Writes one line of JSON that says yes or why not.  Exit: 0 it does, 1 it
 * does not, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "chain.h"
#include "der.h"
#include "dertext.h"
#include "io.h"
#include "jsonw.h"
#include "key.h"
#include "name.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: cert-verify [-V] [-B anchors] [-k key] "
	    "[-n name] [-p purpose] [-T epoch] [file]\n");
	_exit(EX_ERR);
}

/* What the leaf says of itself. */
static int
describe(struct jsonw *w, X509 *leaf, const char *file)
{
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	unsigned char *der = NULL;
	const char *s, *why = "cannot be encoded";
	int n = i2d_X509(leaf, &der);

	if (n <= 0 || der_cert(&c, der, (size_t)n, &why) == -1) {
		warnx("%s: %s", file, why);
		OPENSSL_free(der);
		return -1;
	}
	jsonw_str(w, "subject", der_name(&t, c.subject));
	jsonw_str(w, "issuer", der_name(&t, c.issuer));
	jsonw_str(w, "serial", der_serial_hex(&t, c.serial));
	jsonw_time(w, "not_before", c.not_before);
	jsonw_time(w, "not_after", c.not_after);
	jsonw_begin(w, "names", '[');
	while ((s = der_next_san(&t, &c.names)) != NULL)
		jsonw_strn(w, NULL, s, t.len);
	jsonw_end(w, ']');
	der_text_free(&t);
	OPENSSL_free(der);
	return 0;
}

/* Judge the chain, write the line. */
static int
verify(STACK_OF(X509) *chain, const struct chain_want *want, const char *file)
{
	unsigned int bits = chain_check(chain, want);
	struct jsonw w = JSONW_INIT;
	int i, rc = EX_ERR;

	jsonw_begin(&w, NULL, '{');
	jsonw_bool(&w, "ok", bits == 0);
	jsonw_begin(&w, "reasons", '[');
	for (i = 0; i < CHAIN_BITS; i++)
		if ((bits & 1u << i) != 0)
			jsonw_str(&w, NULL, chain_reason(1u << i));
	jsonw_end(&w, ']');
	if (describe(&w, sk_X509_value(chain, 0), file) == 0) {
		jsonw_num(&w, "chain", sk_X509_num(chain));
		jsonw_end(&w, '}');
		jsonw_line(&w, stdout);
		rc = finish(bits == 0 ? EX_YES : EX_NO);
	}
	jsonw_free(&w);
	return rc;
}

/* -n: a name that no certificate can have is an error, not a mismatch. */
static void
check_name(const char *name)
{
	struct names l = {NULL, 0};

	if (names_add(&l, name_kind(name), name) == -1)
		exit(EX_ERR);
	names_free(&l);
}

/* Open and read all there is, confine this process, parse, judge. */
static int
run(struct chain_want *want, const char *file, const char *anchors,
    const char *key)
{
	STACK_OF(X509) *chain = NULL;
	char *abuf = NULL, *buf = NULL;
	size_t alen, len;
	int rc = EX_ERR;

	if (key != NULL) {
		key_no_dump();
		if ((want->key = key_load(key)) == NULL)
			goto out;
	}
	if ((anchors != NULL &&
	    (abuf = io_slurp(anchors, IO_PEM_MAX, &alen)) == NULL) ||
	    (buf = io_slurp(file, IO_PEM_MAX, &len)) == NULL ||
	    sandbox_stdio() == -1)
		goto out;
	if (anchors != NULL && (want->anchors = pem_certs(abuf, alen,
	    io_name(anchors), 0)) == NULL)
		goto out;
	if ((chain = pem_certs(buf, len, io_name(file), 1)) != NULL)
		rc = verify(chain, want, io_name(file));
out:
	pem_certs_free(chain);
	pem_certs_free(want->anchors);
	EVP_PKEY_free(want->key);
	free(abuf);
	free(buf);
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
	struct chain_want want = {.purpose = CHAIN_ANY, .now = time(NULL)};
	const char *anchors = NULL, *file = "-", *key = NULL;
	int ch;

	std_fill();
	while ((ch = getopt(argc, argv, ":B:T:Vk:n:p:")) != -1) {
		switch (ch) {
		case 'B':
			anchors = optarg;
			break;
		case 'T':
			want.now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		case 'k':
			key = optarg;
			break;
		case 'n':
			want.name = optarg;
			break;
		case 'p':
			if ((want.purpose = chain_purpose(optarg)) == -1)
				errx(EX_ERR, "-p %s: none of server, client, "
				    "ca, any", esc(optarg));
			break;
		default:
			usage();
		}
	}
	if (optind < argc)
		file = argv[optind++];
	if (optind != argc ||
	    is_stdin(file) + is_stdin(anchors) + is_stdin(key) > 1)
		usage();
	ossl_reader();
	if (want.name != NULL)
		check_name(want.name);
	return run(&want, file, anchors, key);
}
