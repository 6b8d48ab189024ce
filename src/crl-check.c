/* SPDX-License-Identifier: ISC */
/*
 * crl-check - has a certificate been revoked
 *
 * Reads certificates (PEM, any number) from stdin or a file and judges those
 * that certified none of the others by revocation lists (DER or PEM).  Writes
 * a line of JSON for each: good, revoked, or unknown and why.  Exit: 0 all
 * good, 1 one is revoked, 75 unknown because a list is missing or out of date,
 * 2 unknown for another reason, error; with -S unknown is 0.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "crljudge.h"
#include "der.h"
#include "dertext.h"
#include "io.h"
#include "jsonw.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

#define INPUT_MAX ((size_t)64 << 20)
#define LISTS_MAX 64

/* A file as read, and its name. */
struct input {
	const char *path;
	char *buf;
	size_t len;
};

static struct input input, anchors, lists[LISTS_MAX];
static int nlists;
static int soft;
static struct crl_policy policy;
static enum crl_why failed = CRL_OTHER_ISSUER;	/* a list was not usable */

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: crl-check [-SV] [-M hours] [-T epoch] "
	    "-B anchors -R crl ... [file]\n");
	exit(EX_ERR);
}

/* What the certificate says of itself. */
static int
describe(struct jsonw *w, X509 *cert)
{
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	unsigned char *der = NULL;
	const char *why = "cannot be encoded";
	int n = i2d_X509(cert, &der), rc = -1;

	if (n <= 0 || der_cert(&c, der, (size_t)n, &why) == -1)
		warnx("%s: %s", io_name(input.path), why);
	else {
		jsonw_str(w, "subject", der_name(&t, c.subject));
		jsonw_str(w, "issuer", der_name(&t, c.issuer));
		jsonw_str(w, "serial", der_serial_hex(&t, c.serial));
		rc = 0;
	}
	der_text_free(&t);
	OPENSSL_free(der);
	return rc;
}

/* A time, or null when there is none. */
static void
time_or_null(struct jsonw *w, const char *key, int there, time_t t)
{
	if (there)
		jsonw_time(w, key, t);
	else
		jsonw_str(w, key, NULL);
}

static void
describe_list(struct jsonw *w, const struct crl *c)
{
	struct der_text t = DER_TEXT_INIT;

	jsonw_str(w, "crl_number", c == NULL || c->number.len == 0 ? NULL :
	    der_serial_dec(&t, c->number));
	time_or_null(w, "this_update", c != NULL, c == NULL ? 0 :
	    c->this_update);
	time_or_null(w, "next_update", c != NULL && c->next_update != 0,
	    c == NULL ? 0 : c->next_update);
	der_text_free(&t);
}

/* The line for one certificate. */
static int
line(struct jsonw *w, X509 *cert, const struct crl_verdict *v, FILE *out)
{
	static const char *const statuses[] = {"good", "revoked", "unknown"};
	int unknown = v->status == CRL_UNKNOWN;

	jsonw_begin(w, NULL, '{');
	if (describe(w, cert) == -1)
		return -1;
	jsonw_str(w, "status", statuses[v->status]);
	jsonw_str(w, "reason", v->status == CRL_GOOD ? NULL : unknown ?
	    crl_word(v->why) : crl_reason(v->reason == -1 ? 0 : v->reason));
	time_or_null(w, "revoked_at", v->status == CRL_REVOKED, v->when);
	jsonw_bool(w, "temporary", unknown && crl_temporary(v->why));
	jsonw_bool(w, "soft_fail", unknown && soft);
	jsonw_str(w, "note", v->unnamed ? "no_distribution_point" : NULL);
	describe_list(w, v->crl);
	jsonw_end(w, '}');
	jsonw_line(w, out);
	return 0;
}

/*
 * Has cert, a CA, certified another of the input?  The name alone is not
 * enough: with such a one beside it a revoked CA would not be looked at.
 */
static int
certified(X509 *cert, STACK_OF(X509) *certs)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	X509 *x;
	int i, yes = 0;

	for (i = 0; i < sk_X509_num(certs) && !yes; i++) {
		x = sk_X509_value(certs, i);
		yes = x != cert && X509_NAME_cmp(X509_get_subject_name(cert),
		    X509_get_issuer_name(x)) == 0 &&
		    X509_cmp(x, cert) != 0 && key != NULL &&
		    X509_verify(x, key) == 1;
	}
	ERR_clear_error();
	return yes;
}

/*
 * Those to judge, borrowed: all that have certified none of the others.  The
 * CA of many chains is found out about once.
 */
static STACK_OF(X509) *
leaves(STACK_OF(X509) *certs)
{
	STACK_OF(X509) *out = sk_X509_new_reserve(NULL, sk_X509_num(certs));
	STACK_OF(X509) *above = sk_X509_new_reserve(NULL, sk_X509_num(certs));
	X509 *cert;
	int i;

	if (out == NULL || above == NULL)
		errx(EX_ERR, "memory: exhausted");
	for (i = 0; i < sk_X509_num(certs); i++) {
		cert = sk_X509_value(certs, i);
		if (X509_check_ca(cert) == 0)
			sk_X509_push(out, cert);
		else if (!pem_certs_have(above, cert))
			sk_X509_push(certified(cert, certs) ? above : out,
			    cert);
	}
	if (sk_X509_num(out) == 0)
		sk_X509_push(out, sk_X509_value(certs, 0));
	sk_X509_free(above);
	return out;
}

/* The worst of all decides, in this order: 1, 2, 75, 0. */
static int
worst(int rc, const struct crl_verdict *v)
{
	int mine = v->status == CRL_REVOKED ? EX_NO :
	    v->status == CRL_GOOD || soft ? EX_YES :
	    crl_temporary(v->why) ? EX_TEMP : EX_ERR;

	if (rc == EX_NO || mine == EX_YES)
		return rc;
	return mine == EX_NO || rc != EX_ERR ? mine : rc;
}

/* Judge all and write the lines, once all of them are there. */
static int
judge(struct crl *const *crls, size_t n)
{
	STACK_OF(X509) *certs = leaves(policy.others);
	size_t i, len, ncerts = (size_t)sk_X509_num(certs);
	struct crl_verdict *v = xcalloc(ncerts, sizeof(*v));
	struct jsonw w = JSONW_INIT;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);
	int rc = EX_YES;

	if (out == NULL)
		err(EX_ERR, "memory");
	crl_judge(crls, n, failed, certs, &policy, v);
	for (i = 0; i < ncerts; i++) {
		if (line(&w, sk_X509_value(certs, (int)i), &v[i], out) == -1)
			exit(EX_ERR);
		rc = worst(rc, &v[i]);
		if (soft && v[i].status == CRL_UNKNOWN)
			warnx("%s: certificate %zu: unknown (%s), counted as "
			    "good", io_name(input.path), i + 1,
			    crl_word(v[i].why));
	}
	if (fclose(out) != 0 || text == NULL)
		errx(EX_ERR, "memory: exhausted");
	fwrite(text, 1, len, stdout);
	jsonw_free(&w);
	sk_X509_free(certs);
	free(text);
	free(v);
	return finish(rc);
}

/* Read all there is, confine this process, parse, judge. */
static int
run(void)
{
	struct crl *crls[LISTS_MAX];
	size_t n = 0;
	enum crl_why why;
	int i, rc;

	for (i = 0; i < nlists; i++)
		if ((lists[i].buf = crl_slurp(lists[i].path, &lists[i].len,
		    &why)) == NULL && failed != CRL_UNREADABLE)
			failed = why;
	if ((anchors.buf = io_slurp(anchors.path, IO_PEM_MAX,
	    &anchors.len)) == NULL || (input.buf = io_slurp(input.path,
	    INPUT_MAX, &input.len)) == NULL || sandbox_stdio() == -1 ||
	    (policy.anchors = pem_certs(anchors.buf, anchors.len,
	    io_name(anchors.path), 0)) == NULL ||
	    (policy.others = pem_certs(input.buf, input.len,
	    io_name(input.path), 0)) == NULL)
		return EX_ERR;
	for (i = 0; i < nlists; i++)
		if (lists[i].buf != NULL) {
			crls[n] = crl_take(lists[i].buf, lists[i].len,
			    lists[i].path, &why);
			if (crls[n] != NULL)
				n++;
			else
				failed = why;
		}
	rc = judge(crls, n);
	for (; n > 0; n--)
		crl_free(crls[n - 1]);
	pem_certs_free(policy.anchors);
	pem_certs_free(policy.others);
	free(anchors.buf);
	free(input.buf);
	return rc;
}

static int
stdins(void)
{
	int i, n = strcmp(input.path, "-") == 0;

	n += strcmp(anchors.path, "-") == 0;
	for (i = 0; i < nlists; i++)
		n += strcmp(lists[i].path, "-") == 0;
	return n;
}

int
main(int argc, char *argv[])
{
	int ch;

	std_fill();
	policy.now = time(NULL);
	input.path = "-";
	while ((ch = getopt(argc, argv, ":B:M:R:ST:V")) != -1) {
		switch (ch) {
		case 'B':
			anchors.path = optarg;
			break;
		case 'M':
			policy.max_age = crl_opt_age(ch, optarg);
			break;
		case 'R':
			if (nlists == LISTS_MAX)
				errx(EX_ERR, "-R: more than %d lists",
				    LISTS_MAX);
			lists[nlists++].path = optarg;
			break;
		case 'S':
			soft = 1;
			break;
		case 'T':
			policy.now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		default:
			usage();
		}
	}
	if (optind < argc)
		input.path = argv[optind++];
	if (optind != argc || anchors.path == NULL || nlists == 0 ||
	    stdins() > 1)
		usage();
	ossl_reader();
	return run();
}
