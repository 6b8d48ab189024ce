/* SPDX-License-Identifier: ISC */
/*
 * est-cacerts - get the CA certificates of an EST server (RFC 7030)
 *
 * Asks over a verified connection (-A), or the very first time over one that
 * is not (-F alone); then nothing is written unless a root has that SHA-256
 * fingerprint.  Writes that root, or the newest one, and those that lead to it
 * (PEM).  Exit: 0 written, 2 error or refused, 75 try later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "chain.h"
#include "estbody.h"
#include "estsession.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"

#define HEX_LEN 64

static time_t now;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: est-cacerts [-Vv] [-c file -k file] [-m sec] "
	    "[-T epoch] [-U file] -A file | -F hex -u url\n");
	exit(EX_ERR);
}

/* -F: a fingerprint in hex, with or without colons, in either case. */
static void
opt_hex(const char *s, char hex[HEX_LEN + 1])
{
	const char *p;
	size_t n = 0;

	for (p = s; *p != '\0' && n < HEX_LEN &&
	    strchr("0123456789abcdefABCDEF:", *p) != NULL; p++)
		if (*p != ':')
			hex[n++] = *p;
	hex[n] = '\0';
	if (*p != '\0' || n != HEX_LEN)
		errx(EX_ERR, "-F %s: not a SHA-256 fingerprint, which is 64 "
		    "digits in hex", esc(s));
}

static void
fingerprint(X509 *cert, char hex[HEX_LEN + 1])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;

	if (X509_digest(cert, EVP_sha256(), md, &n) != 1 || n != HEX_LEN / 2)
		errx(EX_ERR, "SHA-256: cannot be computed");
	for (i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

/* Signed by its own key? */
static int
is_root(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int yes = X509_check_issued(cert, cert) == X509_V_OK && key != NULL &&
	    X509_verify(cert, key) == 1;

	ERR_clear_error();
	return yes;
}

/* The root of that fingerprint, or the newest (section 4.1.3). */
static X509 *
find_root(STACK_OF(X509) *certs, const char *hex)
{
	X509 *cert, *root = NULL;
	char its[HEX_LEN + 1];
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		cert = sk_X509_value(certs, i);
		fingerprint(cert, its);
		if (!is_root(cert) ||
		    (hex[0] != '\0' && strcasecmp(hex, its) != 0))
			continue;
		if (root == NULL || ASN1_TIME_compare(
		    X509_get0_notAfter(cert), X509_get0_notAfter(root)) > 0)
			root = cert;
	}
	if (root == NULL && hex[0] != '\0')
		warnx("cacerts: no root among %d certificates has that "
		    "fingerprint; nothing of them is to be believed",
		    sk_X509_num(certs));
	else if (root == NULL)
		warnx("cacerts: no root among %d certificates",
		    sk_X509_num(certs));
	return root;
}

/* Is this a root whose key and name another certificate vouches for? */
static int
has_twin(X509 *cert, STACK_OF(X509) *good)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	X509 *x;
	int i;

	if (!is_root(cert))
		return 0;
	for (i = 0; i < sk_X509_num(good); i++) {
		x = sk_X509_value(good, i);
		if (X509_NAME_cmp(X509_get_subject_name(x),
		    X509_get_subject_name(cert)) == 0 &&
		    X509_get0_pubkey(x) != NULL &&
		    EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1)
			return 1;
	}
	return 0;
}

/*
 * What is wrong with cert, when these are believed already: CHAIN_ bits.  At
 * a rollover the old root comes with one that has its key and is signed by
 * the new one (OldWithOld and OldWithNew, RFC 4210 section 4.4).
 */
static unsigned int
wrong(X509 *cert, STACK_OF(X509) *good)
{
	struct chain_want want = {.anchors = good, .purpose = CHAIN_CA,
	    .now = now};
	STACK_OF(X509) *one = sk_X509_new_null();
	unsigned int bad;

	if (one == NULL || sk_X509_push(one, cert) == 0)
		errx(EX_ERR, "memory: exhausted");
	if (has_twin(cert, good))
		want.anchors = one;
	bad = chain_check(one, &want);
	sk_X509_free(one);
	return bad;
}

static void
left_out(X509 *cert, STACK_OF(X509) *good)
{
	char *subject = est_subject(X509_get_subject_name(cert));

	warnx("cacerts: left out: \"%s\": %s", esc(subject),
	    chain_reasons(wrong(cert, good)));
	free(subject);
}

/*
 * Root, and those that lead to it or to one of those (section 4.1.3).  The
 * stack is the caller's, the certificates are not.  NULL with a message.
 */
static STACK_OF(X509) *
believed(STACK_OF(X509) *certs, X509 *root)
{
	STACK_OF(X509) *good = sk_X509_new_null();
	char taken[EST_CERTS_MAX] = {0};
	int i, more, n = sk_X509_num(certs);
	unsigned int bad;

	if (good == NULL || sk_X509_push(good, root) == 0)
		errx(EX_ERR, "memory: exhausted");
	if ((bad = wrong(root, good)) != 0) {
		warnx("cacerts: the root is not accepted: %s",
		    chain_reasons(bad));
		sk_X509_free(good);
		return NULL;
	}
	do {
		for (more = i = 0; i < n; i++) {
			if (taken[i] || (sk_X509_value(certs, i) != root &&
			    wrong(sk_X509_value(certs, i), good) != 0))
				continue;
			taken[i] = 1;
			more = 1;
			if (sk_X509_value(certs, i) != root &&
			    sk_X509_push(good, sk_X509_value(certs, i)) == 0)
				errx(EX_ERR, "memory: exhausted");
		}
	} while (more);
	for (i = 0; i < n; i++)
		if (!taken[i])
			left_out(sk_X509_value(certs, i), good);
	return good;
}

static int
write_certs(const struct est *e, STACK_OF(X509) *certs, const char *want)
{
	STACK_OF(X509) *good;
	X509 *root = find_root(certs, want);
	char *pem, hex[HEX_LEN + 1];
	size_t len;

	if (root == NULL || (good = believed(certs, root)) == NULL)
		return EX_ERR;
	fingerprint(root, hex);
	if (e->verbose)
		warnx("cacerts: %d of %d certificates, root %s",
		    sk_X509_num(good), sk_X509_num(certs), hex);
	pem = pem_text(good, 0, &len);
	sk_X509_free(good);
	if (pem == NULL)
		return EX_ERR;
	fwrite(pem, 1, len, stdout);
	free(pem);
	return finish(EX_YES);
}

static int
run(struct est *e, const struct est_conf *conf, const char *hex)
{
	STACK_OF(X509) *certs;
	struct http_answer a;
	int rc;

	if ((rc = est_start(e, conf)) != 0 ||
	    (rc = est_call(e, "cacerts", NULL, &a)) != 0)
		return est_end(e, rc);
	if (a.status != 200)
		rc = est_refused(e, "cacerts", &a);
	else if ((certs = est_answer_certs("cacerts", &a)) == NULL)
		rc = EX_ERR;
	else {
		rc = write_certs(e, certs, hex);
		pem_certs_free(certs);
	}
	http_answer_free(&a);
	return est_end(e, rc);
}

int
main(int argc, char *argv[])
{
	struct est e = {0};
	struct est_conf conf = {.sec = 30};
	char hex[HEX_LEN + 1] = "";
	int ch;

	std_fill();
	ossl_memory();
	now = time(NULL);
	while ((ch = getopt(argc, argv, ":" EST_OPTS "F:T:")) != -1) {
		switch (ch) {
		case 'F':
			opt_hex(optarg, hex);
			break;
		case 'T':
			now = opt_epoch(ch, optarg);
			break;
		default:
			if (est_opt(&e, &conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc != optind || !est_usable(&conf) ||
	    (conf.anchors == NULL && hex[0] == '\0'))
		usage();
	if (conf.anchors == NULL && (conf.user != NULL || conf.cert != NULL))
		errx(EX_ERR, "-U, -c: not to a server that is not verified; "
		    "-A is needed");
	signal(SIGPIPE, SIG_IGN);
	return run(&e, &conf, hex);
}
