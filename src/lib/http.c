/* SPDX-License-Identifier: ISC */
/* HTTPS over libcurl: see http.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "http.h"
#include "httpurl.h"
#include "util.h"

#define CONNECT_MS 10000
#define HEADS_MAX 10		/* in answer to one request: 1xx, challenges */

struct http {
	CURL *curl;
	long long deadline;
	unsigned int port;	/* of the first URL, 0 before */
	int plain;		/* http URLs too */
	void (*tls)(void *ctx);
	char error[CURL_ERROR_SIZE];
};

/* What the callbacks of one transfer fill. */
struct transfer {
	struct http_answer *a;
	size_t cap;
	size_t max;
	int too_large;
	int head;		/* its end was seen */
	int heads;		/* how many there were */
};

/* The client certificate and its key: chain and key as one PEM text each. */
static void
set_own(CURL *curl, const struct http_conf *conf)
{
	struct curl_blob cert = {(void *)(size_t)conf->cert, conf->cert_len,
	    CURL_BLOB_NOCOPY};
	struct curl_blob key = {(void *)(size_t)conf->key, conf->key_len,
	    CURL_BLOB_NOCOPY};

	curl_easy_setopt(curl, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(curl, CURLOPT_SSLKEYTYPE, "PEM");
	curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &cert);
	curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
}

static CURLcode
own_tls(CURL *curl, void *ctx, void *arg)
{
	const struct http *h = arg;

	(void)curl;
	h->tls(ctx);
	return CURLE_OK;
}

struct http *
http_new(const struct http_conf *conf)
{
	struct curl_blob anchors = {(void *)(size_t)conf->anchors,
	    conf->anchors_len, CURL_BLOB_NOCOPY};
	struct http *h = xcalloc(1, sizeof(*h));
	char *agent;

	/* An option that cannot be kept (no proxy) must not be forgotten. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc,
	    xstrdup, xcalloc) != 0 || (h->curl = curl_easy_init()) == NULL) {
		warnx("libcurl: cannot be started");
		free(h);
		return NULL;
	}
	h->deadline = conf->deadline;
	h->plain = conf->plain;
	curl_easy_setopt(h->curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
	if (conf->unverified) {
		curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYHOST, 0L);
	} else
		curl_easy_setopt(h->curl, CURLOPT_CAINFO_BLOB, &anchors);
	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR,
	    h->plain ? "http,https" : "https");
	curl_easy_setopt(h->curl, CURLOPT_PROXY,
	    conf->proxy != NULL ? conf->proxy : "");
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	/* No waiting for a name server beyond the deadline. */
	curl_easy_setopt(h->curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->error);
	if (conf->http1)
		curl_easy_setopt(h->curl, CURLOPT_HTTP_VERSION,
		    (long)CURL_HTTP_VERSION_1_1);
	if (conf->cert != NULL)
		set_own(h->curl, conf);
	if ((h->tls = conf->tls) != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_SSL_CTX_FUNCTION, own_tls);
		curl_easy_setopt(h->curl, CURLOPT_SSL_CTX_DATA, h);
	}
	agent = xasprintf("eca/%s libcurl/%s", ECA_VERSION,
	    curl_version_info(CURLVERSION_NOW)->version);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, agent);
	free(agent);
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	free(h);
}

const char *
http_error(const struct http *h)
{
	return h->error;
}

void
http_fail(struct http *h, const char *why)
{
	snprintf(h->error, sizeof(h->error), "%s", why);
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct http_answer *a = t->a;

	n *= size;
	if (n > t->max - a->len) {
		t->too_large = 1;
		return 0;
	}
	if (a->len + n >= t->cap) {
		t->cap = (a->len + n + 1) * 2;
		a->body = xrealloc(a->body, t->cap);
	}
	memcpy(a->body + a->len, p, n);
	a->len += n;
	return n;
}

static size_t
take_field(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		t->head = 0;
		if (++t->heads > HEADS_MAX)
			return 0;
	} else if (n == 0 || p[0] == '\r' || p[0] == '\n')
		t->head = 1;
	http_field_add(&t->a->fields, p, n);
	return n;
}

/* Header lines of a request. */
static struct curl_slist *
lines(const struct http_request *req)
{
	struct curl_slist *l = NULL;
	char *s;

	l = curl_slist_append(l, "Accept-Language: en");
	if (req->accept != NULL) {
		s = xasprintf("Accept: %s", req->accept);
		l = curl_slist_append(l, s);
		free(s);
	}
	if (req->type != NULL) {
		s = xasprintf("Content-Type: %s", req->type);
		l = curl_slist_append(l, s);
		free(s);
	}
	if (req->line != NULL)
		l = curl_slist_append(l, req->line);
	return curl_slist_append(l, "Expect:");
}

/* Did the server refuse our certificate?  Only the text of the alert says. */
static int
cert_refused(const char *why)
{
	const char *alert = strstr(why, " alert ");

	return alert != NULL && (strstr(alert, "certificate") != NULL ||
	    strstr(alert, "unknown ca") != NULL);
}

/* Exit code for a transfer that failed, and its reason in h->error. */
static int
failure(struct http *h, CURLcode rc, const struct transfer *t)
{
	size_t n;

	if (t->too_large)
		snprintf(h->error, sizeof(h->error),
		    "answer larger than the limit of %zu bytes", t->max);
	else if (t->heads > HEADS_MAX)
		snprintf(h->error, sizeof(h->error),
		    "the server answers without end");
	else if (rc == CURLE_OPERATION_TIMEDOUT &&
	    mono_ms() + 20 >= h->deadline)	/* two clocks */
		snprintf(h->error, sizeof(h->error), "deadline reached");
	else if (h->error[0] == '\0')
		snprintf(h->error, sizeof(h->error), "%s",
		    curl_easy_strerror(rc));
	for (n = strlen(h->error); n > 0 && h->error[n - 1] == '\n'; n--)
		h->error[n - 1] = '\0';
	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_OUT_OF_MEMORY:
		return EX_ERR;
	default:
		return t->too_large || t->heads > HEADS_MAX ||
		    cert_refused(h->error) ? EX_ERR : EX_TEMP;
	}
}

static void
prepare(struct http *h, const struct http_request *req, struct transfer *t,
    long left)
{
	curl_easy_setopt(h->curl, CURLOPT_URL, req->url);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, left);
	curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS,
	    left < CONNECT_MS ? left : CONNECT_MS);
	if (strcmp(req->method, "HEAD") == 0)
		curl_easy_setopt(h->curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
	if (req->body != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, req->body);
		curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)req->len);
	}
	if (req->user != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_USERPWD, req->user);
		curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH, req->digest ?
		    CURLAUTH_DIGEST : CURLAUTH_BASIC);
	} else
		curl_easy_setopt(h->curl, CURLOPT_USERPWD, NULL);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, take_field);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, t);
}

/* Is this a URL for this client?  Otherwise the reason is in h->error. */
static int
allowed(struct http *h, const char *url)
{
	unsigned int port;
	char host[256];

	if ((h->plain ? http_url_plain : http_url)(url, host, sizeof(host),
	    &port) == -1) {
		http_fail(h, h->plain ? "not an http or https URL" :
		    "not an https URL");
		return 0;
	}
	if (h->port == 0)
		h->port = port;
	if (port != h->port)
		snprintf(h->error, sizeof(h->error),
		    "not on port %u, the only one that is asked", h->port);
	return port == h->port;
}

/*
 * Is the answer as long as it was meant to be?  libcurl takes the end of a
 * connection for the end of an answer: in its head, and in a body without a
 * length.  That is fit for a refusal (proxies send such), not for more.
 */
static int
complete(struct http *h, const struct http_answer *a, const struct transfer *t)
{
	long version = 0;

	curl_easy_getinfo(h->curl, CURLINFO_HTTP_VERSION, &version);
	if (!t->head) {
		http_fail(h, "the connection ended within the answer");
		return EX_TEMP;
	}
	if (a->status >= 300 || a->len == 0 ||
	    version > CURL_HTTP_VERSION_1_1 ||
	    http_field(&a->fields, "Content-Length") != NULL ||
	    http_field(&a->fields, "Transfer-Encoding") != NULL)
		return 0;
	http_fail(h, "an answer that does not tell its length");
	return EX_ERR;
}

int
http_do(struct http *h, const struct http_request *req, struct http_answer *a)
{
	struct transfer t = {.a = a, .max = req->max};
	struct curl_slist *l;
	long long start = mono_ms();
	long status = 0;
	CURLcode rc;
	int bad;

	memset(a, 0, sizeof(*a));
	h->error[0] = '\0';
	if (!allowed(h, req->url))
		return EX_ERR;
	if (start >= h->deadline) {
		snprintf(h->error, sizeof(h->error), "deadline reached");
		return EX_TEMP;
	}
	a->body = xcalloc(1, t.cap = 4096);
	l = lines(req);
	prepare(h, req, &t, (long)(h->deadline - start));
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, l);
	rc = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(l);
	a->ms = mono_ms() - start;
	if (rc != CURLE_OK) {
		http_answer_free(a);
		return failure(h, rc, &t);
	}
	a->body[a->len] = '\0';
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	a->status = (int)status;
	if ((bad = complete(h, a, &t)) != 0)
		http_answer_free(a);
	return bad;
}

void
http_answer_free(struct http_answer *a)
{
	free(a->body);
	a->body = NULL;
	http_fields_free(&a->fields);
}

time_t
http_date(const char *s)
{
	return curl_getdate(s, NULL);
}
