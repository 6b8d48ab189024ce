/* SPDX-License-Identifier: ISC */
/*
 * acme-order - get a certificate by ACME (RFC 8555)
 *
 * Reads a certificate request (PEM), orders a certificate for its names,
 * answers the challenges through a webroot (-w), by itself (-l) or by a hook
 * (-H), and writes the chain (PEM) once it has been checked.  The account key
 * stays in a process of its own.  Exit: 0 issued, 2 error or refused, 75 try
 * later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme.h"
#include "acmeaccount.h"
#include "acmeorder.h"
#include "acmesession.h"
#include "alpn01.h"
#include "ari.h"
#include "io.h"
#include "jws.h"
#include "key.h"
#include "name.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"
#include "webroot.h"

static const char *chain_anchors, *dir, *hook, *http_at, *journal, *tls_at;
static const char *replaced;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: acme-order [-OVvY] [-B file] [-b time] "
	    "[-e file] [-j file] [-L name] [-m sec] [-P name] [-T epoch] "
	    "[-X cert] [-z time] -A file -a file -u url "
	    "-H prog | -l addr:port[/tls] | -w dir ... [file]\n");
	exit(EX_ERR);
}

/* The names to order: those of the CSR, all of a kind that ACME knows. */
static void
read_names(X509_REQ *csr, const char *file, struct names *names)
{
	size_t i;

	if (names_from_csr(names, csr, file) == -1)
		exit(EX_ERR);
	if (names->n == 0)
		errx(EX_ERR, "%s: a request without names; mkcsr -d NAME",
		    file);
	for (i = 0; i < names->n; i++) {
		if (names->v[i].type != NAME_DNS &&
		    names->v[i].type != NAME_IP)
			errx(EX_ERR, "%s: %s: ACME is for DNS names and IP "
			    "addresses only", file, esc(names->v[i].value));
		if (hook == NULL && strncmp(names->v[i].value, "*.", 2) == 0)
			errx(EX_ERR, "%s: %s: only DNS-01 can prove a "
			    "wildcard, by a hook (-H)", file,
			    esc(names->v[i].value));
	}
}

static X509_REQ *
read_request(const char *path, struct names *names)
{
	X509_REQ *csr = pem_load_csr(path);

	if (csr == NULL || key_strong(X509_REQ_get0_pubkey(csr),
	    io_name(path)) == -1)
		exit(EX_ERR);
	read_names(csr, io_name(path), names);
	return csr;
}

/* RFC 8555 section 11.1: the certificate key must not be the account key. */
static int
own_key(const struct acme *a, X509_REQ *csr)
{
	char *jwk = jws_jwk(X509_REQ_get0_pubkey(csr));
	int same = jwk == NULL || strcmp(jwk, a->key->jwk) == 0;

	if (jwk != NULL && same)
		warnx("account: the request is for the account key; it needs "
		    "a key of its own");
	free(jwk);
	return same ? -1 : 0;
}

static int
order(struct acme *a, const struct order_want *want)
{
	char *chain = NULL;
	size_t len = 0;
	int rc, refused = 0;

	if (own_key(a, want->csr) == -1)
		return EX_ERR;
	if ((rc = acme_open(a)) == 0 && (rc = acme_login(a, ACME_ANY)) == 0)
		refused = (rc = order_run(a, want, &chain, &len)) == EX_ERR;
	if (rc == 0) {
		fwrite(chain, 1, len, stdout);
		free(chain);
		rc = finish(EX_YES);
	}
	/* What is out, or refused, is not to be resumed. */
	if (want->journal != NULL && (rc == EX_YES || refused))
		journal_note(want->journal, NULL);
	return rc;
}

/* What ARI calls the certificate that is being replaced. */
static char *
read_replaced(const char *path)
{
	STACK_OF(X509) *certs = pem_load_certs(path, 0);
	char *id;

	if (certs == NULL)
		exit(EX_ERR);
	id = ari_cert_id(sk_X509_value(certs, 0));
	pem_certs_free(certs);
	return id;
}

/* Start whoever answers challenges. */
static int
start_solver(struct solver *s, struct acme_conf *conf)
{
	if (hook != NULL)
		s->hook = hook_start(hook, conf->sec);
	if (tls_at != NULL && (s->alpn = alpn01_start(tls_at)) == NULL)
		return -1;
	if (dir == NULL && http_at == NULL)
		return 0;
	if ((s->webroot = dir != NULL ? webroot_dir(dir) :
	    webroot_listen(http_at)) == NULL)
		return -1;
	conf->writable = webroot_path(s->webroot);
	return 0;
}

static void
stop_solver(struct solver *s)
{
	webroot_free(s->webroot);
	responder_stop(s->alpn);
	hook_stop(s->hook);
	solver_free(s);
}

/* Everything is opened before the sandbox closes; returns the exit code. */
static int
run(struct acme *a, struct acme_conf *conf, const char *path,
    struct order_want *asked)
{
	struct names names = {NULL, 0};
	struct order_want want = *asked;
	struct solver solver = {0};
	char *id = replaced != NULL ? read_replaced(replaced) : NULL;
	int rc;

	if (chain_anchors != NULL && (want.anchors =
	    pem_load_certs(chain_anchors, 0)) == NULL)
		return EX_ERR;
	want.names = &names;
	want.solver = &solver;
	want.replaces = id;
	want.csr = read_request(path, &names);
	if (journal != NULL && (rc = journal_open(journal, a->directory,
	    want.csr, &want.journal)) != 0)
		return rc;
	rc = start_solver(&solver, conf) == -1 ? EX_ERR : acme_start(a, conf);
	if (rc == 0)
		rc = order(a, &want);
	stop_solver(&solver);
	journal_close(want.journal);
	X509_REQ_free(want.csr);
	pem_certs_free(want.anchors);
	names_free(&names);
	free(id);
	return acme_end(a, rc);
}

/* addr:port, with /tls behind for the TLS one. */
static void
opt_listen(char *s)
{
	char *end = strrchr(s, '/');

	if (end == NULL)
		http_at = s;
	else if (strcmp(end, "/tls") == 0) {
		*end = '\0';
		tls_at = s;
	} else
		errx(EX_ERR, "-l %s: not addr:port or addr:port/tls", esc(s));
}

int
main(int argc, char *argv[])
{
	struct acme a = {0};
	struct acme_conf conf = {.sec = 120, .make_key = 1};
	struct order_want want = {.now = ORDER_AT_ISSUE};
	static const char options[] = ":" ACME_OPTS
	    "B:H:L:P:T:X:Ya:b:j:l:w:z:";
	int ch;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, options)) != -1) {
		switch (ch) {
		case 'B':
			chain_anchors = optarg;
			break;
		case 'H':
			hook = optarg;
			break;
		case 'L':
			want.alternate = optarg;
			break;
		case 'P':
			want.profile = optarg;
			break;
		case 'T':
			want.now = opt_epoch(ch, optarg);
			break;
		case 'X':
			replaced = optarg;
			break;
		case 'Y':
			a.agree = 1;
			break;
		case 'a':
			conf.key = optarg;
			break;
		case 'b':
			want.not_before = opt_time(ch, optarg);
			break;
		case 'j':
			journal = optarg;
			break;
		case 'l':
			opt_listen(optarg);
			break;
		case 'w':
			dir = optarg;
			break;
		case 'z':
			want.not_after = opt_time(ch, optarg);
			break;
		default:
			if (acme_opt(&a, &conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc - optind > 1 || a.directory == NULL || conf.anchors == NULL ||
	    conf.key == NULL || (dir == NULL && http_at == NULL &&
	    tls_at == NULL && hook == NULL))
		usage();
	if (dir != NULL && http_at != NULL)
		errx(EX_ERR, "-w %s, -l %s: only one can answer HTTP-01; "
		    "-l addr:port/tls goes with -w", esc(dir), esc(http_at));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return run(&a, &conf, argv[optind], &want);
}
