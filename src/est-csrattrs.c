/* SPDX-License-Identifier: ISC */
/*
 * est-csrattrs - what does an EST server want in a request (RFC 7030)
 *
 * Writes one line of JSON that mkcsr -Q reads.  A server that wants nothing,
 * or cannot say, is no error.  Exit: 0 answered, 2 error or refused, 75 try
 * later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "csrattrs.h"
#include "estbody.h"
#include "estsession.h"
#include "ossl.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: est-csrattrs [-Vv] [-c file -k file] [-m sec] "
	    "[-U file] -A file -u url\n");
	exit(EX_ERR);
}

/* The attributes as JSON; len 0 is a server that has none. */
static int
report(const unsigned char *der, size_t len)
{
	struct jsonw w = JSONW_INIT;
	const char *why;
	int rc = EX_ERR;

	if (csrattrs_json(&w, der, len, &why) == -1)
		warnx("csrattrs: 200, but the answer is not what it should be: "
		    "%s", why);
	else {
		jsonw_line(&w, stdout);
		rc = finish(EX_YES);
	}
	jsonw_free(&w);
	return rc;
}

/* Is there nothing but white space? */
static int
is_blank(const struct http_answer *a)
{
	size_t i;

	for (i = 0; i < a->len; i++)
		if (a->body[i] == '\0' || strchr(" \t\r\n", a->body[i]) == NULL)
			return 0;
	return 1;
}

/*
 * Not all that is an error elsewhere is one here: servers have no attributes
 * (204, 404, 405, 501), and OpenXPKI 3.32 fails (500) where it has some.
 */
static int
answered(struct est *e, const struct http_answer *a)
{
	unsigned char *der;
	const char *why;
	size_t n = 0;
	int rc;

	switch (a->status) {
	case 200:
		if (is_blank(a))
			return report(NULL, 0);
		if ((der = est_decode(a->body, a->len, &n, &why)) == NULL) {
			warnx("csrattrs: 200, but the answer is not what it "
			    "should be: %s", why);
			return EX_ERR;
		}
		rc = report(der, n);
		OPENSSL_free(der);
		return rc;
	case 500:
		warnx("csrattrs: 500, going on without");
		/* FALLTHROUGH */
	case 204:
	case 404:
	case 405:
	case 501:
		return report(NULL, 0);
	default:
		return est_refused(e, "csrattrs", a);
	}
}

int
main(int argc, char *argv[])
{
	struct est e = {0};
	struct est_conf conf = {.sec = 30};
	struct http_answer a;
	int ch, rc;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" EST_OPTS)) != -1)
		if (est_opt(&e, &conf, ch, optarg) == -1)
			usage();
	if (argc != optind || !est_usable(&conf) || conf.anchors == NULL)
		usage();
	signal(SIGPIPE, SIG_IGN);
	if ((rc = est_start(&e, &conf)) == 0 &&
	    (rc = est_call(&e, "csrattrs", NULL, &a)) == 0) {
		rc = answered(&e, &a);
		http_answer_free(&a);
	}
	return est_end(&e, rc);
}
