/* SPDX-License-Identifier: ISC */
/*
 * clock-check - compare our clock with that of an HTTPS server
 *
 * Asks the server, a CA mostly, for the head of a page and takes the time from
 * its Date field.  The server must be who it should be; the times in
 * certificates do not count, since our clock is what is in doubt.  Writes one
 * line of JSON.  Exit: 0 the clocks agree, 1 they do not, 2 error, 75 try
 * later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "client.h"
#include "http.h"
#include "httpurl.h"
#include "jsonw.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"

/* When we asked and when the answer was there, in seconds since 1970. */
struct span {
	long long from, to;
};

static const char *url, *anchors;
static long long allowed = 300;
static long long fixed = -1;	/* -T */
static int Oflag, vflag;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: clock-check [-OVv] [-m sec] [-s sec] "
	    "[-T epoch] -A file -u url\n");
	exit(EX_ERR);
}

/* For http_conf: certificates are good at any time. */
static void
any_time(void *ctx)
{
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
	    X509_V_FLAG_NO_CHECK_TIME);
}

/* Milliseconds since 1970 by the clock that is checked. */
static long long
now_ms(void)
{
	struct timespec ts;

	if (fixed != -1)
		return fixed * 1000;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The only field of that name.  NULL when there is none, or several. */
static const char *
only_field(const struct http_fields *f, const char *name)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (strcasecmp(f->v[i].name, name) != 0)
			continue;
		if (value != NULL)
			return NULL;
		value = f->v[i].value;
	}
	return value;
}

/*
 * The time of the server: Date, and Age when the answer has been in a cache
 * for so long.  0, or the exit code with a message.
 */
static int
server_time(const struct http_answer *a, long long *t)
{
	const char *date = only_field(&a->fields, "Date");
	const char *age = only_field(&a->fields, "Age");
	long long n;

	if (date == NULL) {
		warnx("%s: HTTP status %d, %s", esc(url), a->status,
		    http_field(&a->fields, "Date") == NULL ? "no Date" :
		    "more than one Date");
		return a->status >= 500 ? EX_TEMP : EX_ERR;
	}
	*t = http_date(date);
	if (*t < 0 || *t > TIME_LAST) {
		warnx("%s: Date: %s: not a time", esc(url), esc(date));
		return a->status >= 500 ? EX_TEMP : EX_ERR;
	}
	if (age != NULL && parse_num(age, 0, TIME_LAST - *t, &n) == 0)
		*t += n;
	return 0;
}

/* Ask once.  0, or the exit code with a message. */
static int
ask(const struct http_conf *conf, struct span *ours, long long *theirs)
{
	const struct http_request req = {.method = "HEAD", .url = url,
	    .line = "Cache-Control: no-cache"};
	struct http *h = http_new(conf);
	struct http_answer a;
	long long start;
	int rc;

	if (h == NULL)
		return EX_ERR;
	start = now_ms();
	if ((rc = http_do(h, &req, &a)) != 0)
		warnx("%s: %s", esc(url), esc(http_error(h)));
	else {
		ours->from = start / 1000;
		ours->to = (start + a.ms) / 1000;
		if (vflag)
			warnx("%s: HTTP status %d, %lld ms", esc(url),
			    a.status, a.ms);
		rc = server_time(&a, theirs);
		http_answer_free(&a);
	}
	http_free(h);
	return rc;
}

/*
 * How far we are ahead, as far as that is certain: the server read its clock
 * at some instant of the exchange, and both times are cut to seconds.
 */
static long long
skew(const struct span *ours, long long theirs)
{
	if (ours->from - 1 > theirs)
		return ours->from - 1 - theirs;
	if (ours->to + 1 < theirs)
		return ours->to + 1 - theirs;
	return 0;
}

static int
report(const struct span *ours, long long theirs)
{
	struct jsonw w = JSONW_INIT;
	long long ahead = skew(ours, theirs);

	jsonw_begin(&w, NULL, '{');
	jsonw_time(&w, "server_time", theirs);
	jsonw_time(&w, "local_time", ours->to);
	jsonw_num(&w, "skew_seconds", ahead);
	jsonw_end(&w, '}');
	jsonw_line(&w, stdout);
	jsonw_free(&w);
	return finish(llabs(ahead) <= allowed ? EX_YES : EX_NO);
}

static int
run(long long deadline)
{
	struct http_conf conf = {.deadline = deadline, .tls = any_time};
	unsigned int port, proxy = 0;
	struct span ours;
	long long theirs;
	char host[256], *pem;
	int rc = EX_ERR;

	if (http_url(url, host, sizeof(host), &port) == -1)
		errx(EX_ERR, "%s: not an https URL", esc(url));
	if ((Oflag && http_proxy(&conf.proxy, &proxy) == -1) ||
	    (pem = pem_load_anchors(anchors, &conf.anchors_len)) == NULL)
		return EX_ERR;
	conf.anchors = pem;
	if (client_confine(NULL, port, proxy) == 0 &&
	    (rc = ask(&conf, &ours, &theirs)) == 0)
		rc = report(&ours, theirs);
	free(pem);
	return rc;
}

int
main(int argc, char *argv[])
{
	long long sec = 10;
	int ch;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":A:OT:Vm:s:u:v")) != -1) {
		switch (ch) {
		case 'A':
			anchors = optarg;
			break;
		case 'O':
			Oflag = 1;
			break;
		case 'T':
			fixed = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		case 'm':
			sec = opt_num(ch, optarg, 1, 3600);
			break;
		case 's':
			allowed = opt_num(ch, optarg, 0, 86400);
			break;
		case 'u':
			url = optarg;
			break;
		case 'v':
			vflag = 1;
			break;
		default:
			usage();
		}
	}
	if (argc != optind || url == NULL || anchors == NULL)
		usage();
	signal(SIGPIPE, SIG_IGN);
	return run(mono_ms() + sec * 1000);
}
