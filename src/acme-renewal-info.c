/* SPDX-License-Identifier: ISC */
/*
 * acme-renewal-info - when should this certificate be renewed (RFC 9773)
 *
 * Reads a certificate (PEM, the first one counts), asks the ACME server for
 * the window it suggests, picks a moment in it and writes one line of JSON.
 * A server that suggests nothing is answered for by the lifetime rule.  Exit:
 * 0 not yet, 1 due, 2 error, 75 try later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme.h"
#include "acmeaccount.h"
#include "acmeproblem.h"
#include "acmesession.h"
#include "ari.h"
#include "jsonw.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"

#define AGAIN_MIN 60		/* section 4.3: not more often, */
#define AGAIN_MAX 86400		/* not less often */
#define AGAIN_USUAL 21600

struct advice {
	char *cert_id;			/* NULL: it has none */
	struct ari_window window;
	const char *why;		/* not what the server says; or NULL */
	char *explanation;		/* URL, or NULL */
	long long again;		/* seconds until the next question */
};

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: acme-renewal-info [-OVv] [-e file] [-m sec] "
	    "[-T epoch] -A file -u url [file]\n");
	exit(EX_ERR);
}

static time_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		errx(EX_ERR, "certificate: no validity that can be read");
	return utc_seconds(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static long long
clamped(long long again)
{
	if (again < 0)
		return AGAIN_USUAL;
	return again < AGAIN_MIN ? AGAIN_MIN : again > AGAIN_MAX ? AGAIN_MAX :
	    again;
}

/* Take over what the server answered, if it is of use. */
static int
read_answer(struct acme *a, const struct acme_reply *r, struct advice *v)
{
	const char *url;

	if (r->status == 429 || r->status >= 500)
		return acme_refused(a, "renewalInfo", r);
	v->again = clamped(r->retry_after);
	if (r->status != 200)
		v->why = "the server has nothing on this certificate";
	else if (ari_window(r->json, &v->window) == -1)
		v->why = "the server suggests no window that makes sense";
	else if ((url = json_str(r->json, "explanationURL")) != NULL)
		v->explanation = xstrdup(url);
	return 0;
}

/* Ask the server.  0, EX_ERR or EX_TEMP with a message. */
static int
ask(struct acme *a, struct advice *v)
{
	struct acme_reply r;
	char *url;
	int rc;

	if (v->why != NULL)	/* section 4.3: it is not to be asked */
		return 0;
	if ((rc = acme_open(a)) != 0)
		return rc;
	if (a->renewal_info == NULL)
		v->why = "the server offers no renewal information";
	else if (v->cert_id == NULL)
		v->why = "the certificate names no authority key";
	if (v->why != NULL)
		return 0;
	url = xasprintf("%s%s%s", a->renewal_info,
	    a->renewal_info[strlen(a->renewal_info) - 1] == '/' ? "" : "/",
	    v->cert_id);
	if ((rc = acme_get(a, url, &r)) != 0)
		warnx("renewalInfo: %s: %s", esc(url),
		    esc(http_error(a->http)));
	else {
		rc = read_answer(a, &r, v);
		acme_reply_free(&r);
	}
	free(url);
	return rc;
}

static int
report(const struct advice *v, time_t now)
{
	char host[256] = "";
	struct jsonw w = JSONW_INIT;
	time_t at;

	gethostname(host, sizeof(host) - 1);
	at = ari_moment(&v->window, v->cert_id != NULL ? v->cert_id : "", host);
	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "cert_id", v->cert_id);
	jsonw_str(&w, "source", v->why == NULL ? "server" : "lifetime");
	jsonw_str(&w, "reason", v->why);
	jsonw_time(&w, "window_start", v->window.start);
	jsonw_time(&w, "window_end", v->window.end);
	jsonw_time(&w, "renew_at", at);
	jsonw_bool(&w, "due", now >= at);
	jsonw_num(&w, "ask_again_seconds", v->again);
	jsonw_str(&w, "explanation_url", v->explanation);
	jsonw_end(&w, '}');
	jsonw_line(&w, stdout);
	jsonw_free(&w);
	return finish(now >= at ? EX_NO : EX_YES);
}

static int
run(struct acme *a, const struct acme_conf *conf, const char *file, time_t now)
{
	STACK_OF(X509) *certs = pem_load_certs(file, 0);
	struct advice v = {.again = AGAIN_USUAL};
	time_t from, to;
	X509 *cert;
	int rc;

	if (certs == NULL)
		return EX_ERR;
	cert = sk_X509_value(certs, 0);
	v.cert_id = ari_cert_id(cert);
	from = seconds(X509_get0_notBefore(cert));
	to = seconds(X509_get0_notAfter(cert));
	if (now > to)
		v.why = "the certificate has expired";
	if ((rc = acme_start(a, conf)) == 0 && (rc = ask(a, &v)) == 0) {
		if (v.why != NULL) {
			warnx("%s: going by the lifetime", v.why);
			ari_lifetime(from, to, &v.window);
		}
		rc = report(&v, now);
	}
	pem_certs_free(certs);
	free(v.cert_id);
	free(v.explanation);
	return acme_end(a, rc);
}

int
main(int argc, char *argv[])
{
	struct acme a = {0};
	struct acme_conf conf = {.sec = 30};
	time_t now = time(NULL);
	int ch;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" ACME_OPTS "T:")) != -1) {
		switch (ch) {
		case 'T':
			now = opt_epoch(ch, optarg);
			break;
		default:
			if (acme_opt(&a, &conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc - optind > 1 || a.directory == NULL || conf.anchors == NULL)
		usage();
	signal(SIGPIPE, SIG_IGN);
	return run(&a, &conf, argv[optind], now);
}
