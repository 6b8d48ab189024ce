/* SPDX-License-Identifier: ISC */
/*
 * crl-fetch - get a revocation list, verify it, keep it in a file
 *
 * Fetches a CRL over http or https, or reads one from a file, checks its
 * signature, its signer and its dates, and writes it to stdout, or to a cache
 * that never goes back to an older one; then stdout gets one line of JSON on
 * the list.  Exit: 0 fetched or still current, 2 error, 75 try later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "crlcache.h"
#include "dertext.h"
#include "http.h"
#include "httpurl.h"
#include "io.h"
#include "jsonw.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

static const char *url, *list, *anchors, *issuers;
static const char *source;	/* where the list is from, for messages */
static struct crlcache cache;
static struct crl_policy policy;
static int form_pem = 1;
static int vflag;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: crl-fetch [-Vv] [-A file] [-C file] "
	    "[-f pem|der] [-M hours] [-m sec] [-T epoch] "
	    "-B file -u url | -R file\n");
	exit(EX_ERR);
}

/* What the connection needs from here on, and nothing else. */
static int
confine(unsigned int port)
{
	int s = sandbox_begin();

	if (list == NULL)
		sandbox_client(s, port);
	if (cache.path != NULL) {
		sandbox_path(s, cache.dirname, SANDBOX_CREATE | SANDBOX_READ);
		sandbox_path(s, "/proc/self/fd", SANDBOX_READ);
	}
	return sandbox_apply(s);
}

/* A status that is no list: the exit code, with a message. */
static int
refused(const struct http_answer *a)
{
	const char *to = http_field(&a->fields, "Location");
	time_t now = time(NULL);
	char when[RFC3339_SIZE];
	long long wait;

	if (a->status >= 300 && a->status < 400 && to != NULL) {
		warnx("%s: HTTP status %d, a redirect to %s: not followed",
		    esc(url), a->status, esc(to));
		return EX_ERR;
	}
	warnx("%s: HTTP status %d", esc(url), a->status);
	if (a->status != 404 && a->status != 408 && a->status != 429 &&
	    a->status < 500)
		return EX_ERR;
	wait = http_retry_after(http_field(&a->fields, "Retry-After"), now);
	if (wait >= 0)
		fprintf(stderr, "retry-at: %s\n", rfc3339(now + wait, when));
	return EX_TEMP;
}

/* The answer of the server.  0, or the exit code with a message. */
static int
fetch(const struct http_conf *conf, struct http_answer *a)
{
	const struct http_request req = {.method = "GET", .url = url,
	    .accept = "application/pkix-crl, */*;q=0.5", .max = CRL_MAX};
	struct http *h = http_new(conf);
	int rc;

	if (h == NULL)
		return EX_ERR;
	if ((rc = http_do(h, &req, a)) != 0)
		warnx("%s: %s", esc(url), esc(http_error(h)));
	else if (vflag)
		warnx("%s: HTTP status %d, %zu bytes, %lld ms", esc(url),
		    a->status, a->len, a->ms);
	http_free(h);
	if (rc == 0 && a->status != 200) {
		rc = refused(a);
		http_answer_free(a);
	}
	return rc;
}

/* Is it a complete list that may be believed now? */
static enum crl_why
judge(const struct crl_pool *pool, struct crl *c)
{
	STACK_OF(X509) *path = NULL;
	enum crl_why why = crl_trusted(pool, c, &path);

	pem_certs_free(path);
	if (why != CRL_OK)
		return why;
	if (crl_lookup(c, NULL, 0) == -1)
		return CRL_BROKEN;
	if (c->unknown)
		return CRL_EXTENSION;
	if (c->delta)
		return CRL_DELTA;
	if (c->idp != NULL && c->idp->indirectCRL)
		return CRL_INDIRECT;
	return crl_fresh(c, pool->policy);
}

/* The list as text in the form asked for; the caller frees.  Or NULL. */
static char *
render(const struct crl *c, const char *body, size_t *len)
{
	const unsigned char *der = c->pem != NULL ? c->pem :
	    (const unsigned char *)body;
	long derlen = c->signature.p + c->signature.len - der;
	char *p, *text;
	BIO *bio;

	if (!form_pem) {
		*len = (size_t)derlen;
		return xstrndup((const char *)der, *len);
	}
	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio(bio, PEM_STRING_X509_CRL, "", der, derlen) <= 0)
		errx(EX_ERR, "memory: exhausted");
	*len = (size_t)BIO_get_mem_data(bio, &p);
	text = xstrndup(p, *len);
	BIO_free(bio);
	if (*len <= CRL_MAX)
		return text;
	warnx("%s: larger than the limit of 64 MiB as PEM", source);
	free(text);
	return NULL;
}

static void
report(const struct crl *c, int changed)
{
	struct der_text t = DER_TEXT_INIT;
	struct der_span in = {NULL, 0}, name = {NULL, 0};
	struct jsonw w = JSONW_INIT;
	unsigned int tag;

	if (X509_NAME_get0_der(c->issuer, &in.p, &in.len) != 1 ||
	    der_next(&in, &tag, &name) == -1)
		errx(EX_ERR, "memory: exhausted");
	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "issuer", der_name(&t, name));
	jsonw_str(&w, "number", c->number.len == 0 ? NULL :
	    der_serial_dec(&t, c->number));
	jsonw_time(&w, "this_update", c->this_update);
	if (c->next_update != 0)
		jsonw_time(&w, "next_update", c->next_update);
	else
		jsonw_str(&w, "next_update", NULL);
	jsonw_num(&w, "entries", (long long)c->entries);
	jsonw_bool(&w, "changed", changed);
	jsonw_end(&w, '}');
	jsonw_line(&w, stdout);
	jsonw_free(&w);
	der_text_free(&t);
}

/* A list that is good goes where it belongs. */
static int
keep(const struct crl *c, const char *body)
{
	int rc, changed = 0;
	size_t len;
	char *text = render(c, body, &len);

	if (text == NULL)
		return EX_ERR;
	if (cache.path == NULL) {
		fwrite(text, 1, len, stdout);
		free(text);
		return finish(EX_YES);
	}
	rc = crlcache_put(&cache, c, form_pem, text, len, &changed);
	free(text);
	if (rc != 0)
		return rc;
	if (vflag)
		warnx("%s: %s", cache.path, changed ? "replaced" : "unchanged");
	report(c, changed);
	return finish(EX_YES);
}

/* What the server or the file has. */
static int
take(const struct crl_pool *pool, const char *body, size_t len)
{
	char from[RFC3339_SIZE], to[RFC3339_SIZE];
	enum crl_why why;
	const char *what;
	struct crl *c;
	int rc = EX_ERR;

	if ((c = crl_new(body, len, &what)) == NULL) {
		warnx("%s: %s", source, what);
	} else if ((why = judge(pool, c)) != CRL_OK) {
		warnx("%s: CRL refused: %s (%s to %s)", source,
		    crl_word(why), rfc3339(c->this_update, from),
		    c->next_update == 0 ? "no end" :
		    rfc3339(c->next_update, to));
		rc = crl_temporary(why) ? EX_TEMP : EX_ERR;
	} else
		rc = keep(c, body);
	crl_free(c);
	return rc;
}

static int
download(const struct http_conf *conf, const struct crl_pool *pool)
{
	struct http_answer a;
	int rc;

	if ((rc = fetch(conf, &a)) != 0)
		return rc;
	rc = take(pool, a.body, a.len);
	http_answer_free(&a);
	return rc;
}

/* Where to connect to; *pem is for the caller to free.  0, or -1. */
static int
target(struct http_conf *conf, unsigned int *port, char **pem)
{
	char host[256];

	conf->plain = http_url(url, host, sizeof(host), port) == -1;
	if (conf->plain && http_url_plain(url, host, sizeof(host), port) == -1)
		errx(EX_ERR, "%s: not an http or https URL", source);
	if (!conf->plain && anchors == NULL)
		errx(EX_ERR, "%s: an https URL wants -A", source);
	if (anchors != NULL && (*pem = pem_load_anchors(anchors,
	    &conf->anchors_len)) == NULL)
		return -1;
	conf->anchors = *pem != NULL ? *pem : "";
	return 0;
}

static int
run(long long deadline)
{
	struct http_conf conf = {.deadline = deadline};
	struct crl_pool pool;
	unsigned int port = 0;
	char *pem = NULL, *body = NULL;
	size_t len = 0;
	int rc = EX_ERR;

	if (list != NULL ? (body = io_slurp(list, CRL_MAX, &len)) == NULL :
	    target(&conf, &port, &pem) == -1)
		goto out;
	if ((policy.anchors = pem_load_certs(issuers, 0)) == NULL)
		goto out;
	crl_pool_open(&pool, &policy);
	cache.pool = &pool;
	cache.deadline = deadline;
	if ((cache.path == NULL || crlcache_open(&cache) == 0) &&
	    confine(port) == 0)
		rc = list != NULL ? take(&pool, body, len) :
		    download(&conf, &pool);
	crlcache_close(&cache);
	crl_pool_close(&pool);
out:
	pem_certs_free(policy.anchors);
	free(pem);
	free(body);
	return rc;
}

static void
form(const char *word)
{
	if (strcmp(word, "pem") != 0 && strcmp(word, "der") != 0)
		usage();
	form_pem = word[0] == 'p';
}

int
main(int argc, char *argv[])
{
	long long sec = 30;
	int ch;

	std_fill();
	ossl_memory();
	policy.now = time(NULL);
	while ((ch = getopt(argc, argv, ":A:B:C:M:R:T:Vf:m:u:v")) != -1) {
		switch (ch) {
		case 'A':
			anchors = optarg;
			break;
		case 'B':
			issuers = optarg;
			break;
		case 'C':
			cache.path = optarg;
			break;
		case 'M':
			policy.max_age = crl_opt_age(ch, optarg);
			break;
		case 'R':
			list = optarg;
			break;
		case 'T':
			policy.now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		case 'f':
			form(optarg);
			break;
		case 'm':
			sec = opt_num(ch, optarg, 1, 86400);
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
	if (argc != optind || (url == NULL) == (list == NULL) ||
	    issuers == NULL || (list != NULL && (anchors != NULL ||
	    (strcmp(list, "-") == 0 && strcmp(issuers, "-") == 0))) ||
	    (cache.path != NULL && strcmp(cache.path, "-") == 0) ||
	    (anchors != NULL && strcmp(anchors, "-") == 0 &&
	    strcmp(issuers, "-") == 0))
		usage();
	source = list != NULL ? io_name(list) : xstrdup(esc(url));
	signal(SIGPIPE, SIG_IGN);
	return run(mono_ms() + sec * 1000);
}
