/* SPDX-License-Identifier: ISC */
/*
 * cert-expiry - how much life certificates have left
 *
 * Reads PEM from stdin or one file, any number of certificates; blocks of
 * another kind are passed over.  Writes a JSON line for each certificate, or
 * the answer of a Nagios plugin, or Prometheus metrics.  Nothing is verified.
 * Exit: 0 all good, 1 one is due, expired or not yet valid, 2 error; with
 * -f nagios 0 OK, 1 due, 2 expired or not yet valid, 3 error.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certwalk.h"
#include "der.h"
#include "dertext.h"
#include "io.h"
#include "jsonw.h"
#include "ossl.h"
#include "sandbox.h"
#include "util.h"

#define INPUT_MAX ((size_t)64 << 20)

#define UNKNOWN "CERT UNKNOWN - "

enum state { GOOD, DUE, BAD };		/* BAD: expired or not yet valid */

struct life {
	long long left;		/* seconds */
	long long tenths;	/* of a percent of the lifetime */
	long long warn;		/* due when no more than this is left */
	enum state state;
};

struct sample {
	char *labels;
	time_t not_before;
	time_t not_after;
};

static enum { JSON, NAGIOS, PROMETHEUS } form = JSON;
static time_t now;
static long long pct, secs;
static const char *path;	/* NULL: stdin */
static FILE *out;		/* in memory until all is known */
static struct der_text text;	/* scratch */
static struct jsonw json = JSONW_INIT;

/* The worst certificate so far, for the exit code and for Nagios. */
static enum state worst;
static long long worst_left;
static char *worst_text;
static int answered;		/* Nagios has its line */
static size_t count;
static struct sample *samples;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "%susage: cert-expiry [-V] "
	    "[-f json|nagios|prometheus] [-s seconds] [-T epoch] "
	    "[-t percent] [file]\n", form == NAGIOS ? UNKNOWN : "");
	exit(EX_ERR);
}

static FILE *
mem_open(char **buf, size_t *len)
{
	FILE *fp = open_memstream(buf, len);

	if (fp == NULL)
		err(EX_ERR, "memory");
	return fp;
}

/* glibc closes without an error when there was no memory for the text. */
static void
mem_close(FILE *fp, char *const *buf)
{
	if (fclose(fp) != 0 || *buf == NULL)
		errx(EX_ERR, "memory: exhausted");
}

static struct life
judge(const struct der_cert *c)
{
	long long whole = c->not_after - c->not_before;
	struct life l = {c->not_after - now, certwalk_tenths(c, now), secs,
	    GOOD};

	if (whole > 0 && whole * pct / 100 > l.warn)
		l.warn = whole * pct / 100;
	if (l.left <= 0 || now < c->not_before)
		l.state = BAD;
	else if (l.left <= l.warn)
		l.state = DUE;
	return l;
}

static void
json_cert(const struct der_cert *c, const struct life *l)
{
	struct der_span names = c->names;

	jsonw_begin(&json, NULL, '{');
	jsonw_str(&json, "subject", der_name(&text, c->subject));
	jsonw_str(&json, "issuer", der_name(&text, c->issuer));
	jsonw_str(&json, "serial", der_serial_hex(&text, c->serial));
	jsonw_time(&json, "not_before", c->not_before);
	jsonw_time(&json, "not_after", c->not_after);
	jsonw_num(&json, "seconds_left", l->left);
	jsonw_tenths(&json, "percent_left", l->tenths);
	jsonw_begin(&json, "names", '[');
	while (der_next_san(&text, &names) != NULL)
		jsonw_strn(&json, NULL, text.s, text.len);
	jsonw_end(&json, ']');
	jsonw_end(&json, '}');
	jsonw_line(&json, out);
}

/* What a person calls the certificate; '|' would begin Nagios' numbers. */
static char *
short_name(const struct der_cert *c)
{
	struct der_span names = c->names;
	char *name, *p;

	if (der_cn(&text, c->subject) == NULL &&
	    der_next_san(&text, &names) == NULL)
		der_serial_hex(&text, c->serial);
	name = xstrdup(escn(text.s, text.len));
	for (p = name; *p != '\0'; p++)
		if (*p == '|')
			*p = '/';
	return name;
}

/* Remember the worst one; the numbers go to out. */
static void
nagios_cert(const struct der_cert *c, const struct life *l)
{
	char when[RFC3339_SIZE], *name;
	int early = now < c->not_before && l->left > 0;

	fprintf(out, " cert%zu=%llds;%lld:;0:", count + 1, l->left, l->warn);
	if (count > 0 && (l->state < worst ||
	    (l->state == worst && l->left >= worst_left)))
		return;
	name = short_name(c);
	free(worst_text);
	worst_text = xasprintf("%s %s %s, %lld s (%lld.%lld %%) left", name,
	    early ? "is not valid before" :
	    l->left <= 0 ? "expired" : "expires",
	    rfc3339(early ? c->not_before : c->not_after, when),
	    l->left, l->tenths / 10, l->tenths % 10);
	free(name);
	worst_left = l->left;
}

static void
nagios_end(const char *numbers)
{
	static const char *const states[] = {"OK", "WARNING", "CRITICAL"};

	printf("CERT %s - %s; %zu certificate%s |%s\n", states[worst],
	    worst_text, count, count == 1 ? "" : "s", numbers);
}

/* A label of the Prometheus text format 0.0.4, which must be UTF-8. */
static void
label(FILE *fp, const char *key, const char *s, size_t len)
{
	fprintf(fp, ",%s=\"", key);
	for (; len > 0; len--, s++)
		if (*s == '\n')
			fputs("\\n", fp);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			fputs("\xef\xbf\xbd", fp);
		else {
			if (*s == '"' || *s == '\\')
				fputc('\\', fp);
			fputc(*s, fp);
		}
	fputc('"', fp);
}

static void
prometheus_cert(const struct der_cert *c)
{
	struct sample *s;
	const char *base;
	size_t len;
	FILE *fp;

	if ((count & (count - 1)) == 0)
		samples = xrealloc(samples, (count * 2 + 1) * sizeof(*samples));
	s = &samples[count];
	s->not_before = c->not_before;
	s->not_after = c->not_after;
	fp = mem_open(&s->labels, &len);
	fprintf(fp, "serial_number=\"%s\"", der_serial_dec(&text, c->serial));
	if (der_cn(&text, c->subject) != NULL)
		label(fp, "subject_CN", text.s, text.len);
	if (der_cn(&text, c->issuer) != NULL)
		label(fp, "issuer_CN", text.s, text.len);
	if (path != NULL) {
		base = strrchr(path, '/');
		base = esc(base == NULL ? path : base + 1);
		label(fp, "filename", base, strlen(base));
		label(fp, "filepath", esc(path), strlen(esc(path)));
	}
	mem_close(fp, &s->labels);
}

static int
by_labels(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int d = strcmp(x->labels, y->labels);

	return d != 0 ? d : (x->not_after > y->not_after) -
	    (x->not_after < y->not_after);
}

/* All samples of a metric together, none twice: one for a set of labels. */
static void
prometheus_end(void)
{
	static const char *const help[][2] = {
	    {"not_before", "Start of validity, seconds since 1970."},
	    {"not_after", "End of validity, seconds since 1970."},
	    {"expired", "1 when the end of validity has come."},
	    {"expires_in_seconds", "Seconds until the end of validity."}};
	const struct sample *s;
	size_t i, m;

	qsort(samples, count, sizeof(*samples), by_labels);
	for (m = 0; m < 4; m++) {
		printf("# HELP x509_cert_%s %s\n# TYPE x509_cert_%s gauge\n",
		    help[m][0], help[m][1], help[m][0]);
		for (i = 0; i < count; i++) {
			s = &samples[i];
			if (i > 0 && strcmp(s->labels, s[-1].labels) == 0)
				continue;
			printf("x509_cert_%s{%s} %lld\n", help[m][0], s->labels,
			    m == 0 ? (long long)s->not_before :
			    m == 1 ? (long long)s->not_after :
			    m == 2 ? (long long)(s->not_after <= now) :
			    (long long)(s->not_after - now));
		}
	}
	for (i = 0; i < count; i++)
		free(samples[i].labels);
	free(samples);
}

static void
take(void *arg, const struct der_cert *c)
{
	struct life l = judge(c);

	(void)arg;
	if (form == JSON)
		json_cert(c, &l);
	else if (form == NAGIOS)
		nagios_cert(c, &l);
	else
		prometheus_cert(c);
	if (l.state > worst)
		worst = l.state;
	count++;
}

/* Every way out without an answer is UNKNOWN to Nagios. */
static void
nagios_unknown(void)
{
	if (!answered)
		_exit(3);
}

static void
set_form(const char *s)
{
	static char prefix[] = UNKNOWN "cert-expiry";

	if (strcmp(s, "json") == 0)
		form = JSON;
	else if (strcmp(s, "prometheus") == 0)
		form = PROMETHEUS;
	else if (strcmp(s, "nagios") != 0)
		usage();
	else if (form != NAGIOS) {
		/* A message is the answer: it goes where Nagios reads. */
		form = NAGIOS;
		atexit(nagios_unknown);
		dup2(STDOUT_FILENO, STDERR_FILENO);
		program_invocation_short_name = prefix;
	}
}

static void
options(int argc, char *argv[])
{
	int ch;

	now = time(NULL);
	while ((ch = getopt(argc, argv, ":T:Vf:s:t:")) != -1) {
		switch (ch) {
		case 'T':
			now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		case 'f':
			set_form(optarg);
			break;
		case 's':
			secs = opt_num(ch, optarg, 0, TIME_LAST);
			break;
		case 't':
			pct = opt_num(ch, optarg, 0, 100);
			break;
		default:
			usage();
		}
	}
	if (argc - optind > 1)
		usage();
	if (argc > optind && strcmp(argv[optind], "-") != 0)
		path = argv[optind];
}

int
main(int argc, char *argv[])
{
	char *pem, *result = NULL;
	size_t len, n;
	int fd;

	std_fill();
	options(argc, argv);
	ossl_reader();
	if ((fd = io_open(path)) == -1 || sandbox_stdio() == -1 ||
	    (pem = io_slurp_fd(fd, io_name(path), INPUT_MAX, &len)) == NULL)
		return EX_ERR;
	out = mem_open(&result, &n);
	if (certwalk(pem, len, io_name(path), take, NULL) == -1)
		return EX_ERR;
	mem_close(out, &result);
	if (form == JSON)
		fwrite(result, 1, n, stdout);
	else if (form == NAGIOS)
		nagios_end(result);
	else
		prometheus_end();
	if (finish(EX_YES) != EX_YES)
		return EX_ERR;
	answered = 1;
	return form == NAGIOS ? (int)worst : worst == GOOD ? EX_YES : EX_NO;
}
