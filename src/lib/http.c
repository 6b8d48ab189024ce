/* SPDX-License-Identifier: ISC */
/* HTTPS over libcurl: see http.h. */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "http.h"
#include "util.h"

#define CONNECT_MS 10000

struct http {
	CURL *curl;
	long long deadline;
	unsigned int port;	/* of the first URL, 0 before */
	char error[CURL_ERROR_SIZE];
};

/* What the callbacks of one transfer fill. */
struct transfer {
	struct http_answer *a;
	size_t cap;
	size_t max;
	int too_large;
	int head;		/* its end was seen */
};

struct http *
http_new(const char *anchors, size_t len, long long deadline)
{
	struct curl_blob blob = {0};
	struct http *h = xcalloc(1, sizeof(*h));
	char *agent;

	/* An option that cannot be kept (no proxy) must not be forgotten. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc,
	    xstrdup, xcalloc) != 0 || (h->curl = curl_easy_init()) == NULL) {
		warnx("libcurl: cannot be started");
		free(h);
		return NULL;
	}
	h->deadline = deadline;
	blob.data = (void *)(size_t)anchors;
	blob.len = len;
	blob.flags = CURL_BLOB_NOCOPY;
	curl_easy_setopt(h->curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h->curl, CURLOPT_CAINFO_BLOB, &blob);
	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	/* No waiting for a name server beyond the deadline. */
	curl_easy_setopt(h->curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->error);
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
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		t->head = 0;
	else if (n == 0 || p[0] == '\r' || p[0] == '\n')
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
	return curl_slist_append(l, "Expect:");
}

/* Exit code for a transfer that failed, and its reason in h->error. */
static int
failure(struct http *h, CURLcode rc, const struct transfer *t)
{
	size_t n;

	if (t->too_large)
		snprintf(h->error, sizeof(h->error),
		    "answer larger than the limit of %zu bytes", t->max);
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
		return t->too_large ? EX_ERR : EX_TEMP;
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

	if (http_url(url, host, sizeof(host), &port) == -1) {
		http_fail(h, "not an https URL");
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
	struct transfer t = {a, 0, req->max, 0, 0};
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

void
http_fields_free(struct http_fields *f)
{
	while (f->n > 0) {
		f->n--;
		free(f->v[f->n].name);
		free(f->v[f->n].value);
	}
}

static int
token_char(char c)
{
	return isalnum((unsigned char)c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

int
http_field_add(struct http_fields *f, const char *line, size_t len)
{
	size_t n = 0, from, i;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' ||
	    line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		http_fields_free(f);
		return 0;
	}
	if (len == 0 || len > HTTP_FIELD_SIZE || f->n == HTTP_FIELDS_MAX)
		return -1;
	while (n < len && token_char(line[n]))
		n++;
	if (n == 0 || n == len || line[n] != ':')
		return -1;
	for (from = n + 1; from < len &&
	    (line[from] == ' ' || line[from] == '\t'); from++)
		;
	for (i = from; i < len; i++)
		if (line[i] == '\0' || line[i] == '\r' || line[i] == '\n')
			return -1;
	f->v[f->n].name = xstrndup(line, n);
	f->v[f->n].value = xstrndup(line + from, len - from);
	f->n++;
	return 0;
}

const char *
http_field(const struct http_fields *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcasecmp(f->v[i].name, name) == 0)
			return f->v[i].value;
	return NULL;
}

/* Is rel one of the words of the relation parameter among these? */
static int
has_relation(const char *params, const char *end, const char *rel)
{
	const char *p, *q;
	size_t n = strlen(rel);

	for (p = params; p < end; p++) {
		if (*p != ';' && *p != ' ' && *p != '\t')
			continue;
		if (end - p < 5 || strncasecmp(p + 1, "rel=", 4) != 0)
			continue;
		q = p + 5;
		q += q < end && *q == '"';
		for (; q < end && *q != '"' && *q != ';';
		    q += strcspn(q, " \";"), q += *q == ' ')
			if ((size_t)(end - q) >= n && strncasecmp(q, rel,
			    n) == 0 && (q + n == end || q[n] == '"' ||
			    q[n] == ' ' || q[n] == ';'))
				return 1;
		return 0;
	}
	return 0;
}

/*
 * Take one link off *s: its target is the *len bytes at the returned pointer,
 * its parameters end at *s.  NULL when there is no more.
 */
static const char *
next_link(const char **s, size_t *len)
{
	const char *target, *p;
	int quoted = 0;

	if ((p = strchr(*s, '<')) == NULL)
		return NULL;
	target = p + 1;
	*len = strcspn(target, ">");
	p = target + *len;
	for (; *p != '\0' && (quoted || *p != ','); p++)
		if (*p == '"')
			quoted = !quoted;
	*s = p;
	return target;
}

static char *
absolute(const char *base, const char *target, size_t len)
{
	char *text = xstrndup(target, len), *url = NULL, *copy = NULL;
	CURLU *u = curl_url();
	unsigned int port;
	char host[256];

	if (u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == 0 &&
	    curl_url_set(u, CURLUPART_URL, text, 0) == 0 &&
	    curl_url_get(u, CURLUPART_URL, &url, 0) == 0 &&
	    http_url(url, host, sizeof(host), &port) == 0)
		copy = xstrdup(url);
	curl_free(url);
	curl_url_cleanup(u);
	free(text);
	return copy;
}

char *
http_link(const struct http_fields *f, const char *base, const char *rel,
    size_t i)
{
	const char *s, *target, *params;
	size_t k, len;

	for (k = 0; k < f->n; k++) {
		if (strcasecmp(f->v[k].name, "Link") != 0)
			continue;
		s = f->v[k].value;
		while ((target = next_link(&s, &len)) != NULL) {
			params = target + len;
			if (has_relation(params, s, rel) && i-- == 0)
				return absolute(base, target, len);
		}
	}
	return NULL;
}

long long
http_retry_after(const char *value, time_t now)
{
	long long v;
	time_t t;

	if (value == NULL)
		return -1;
	if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0')
		return parse_num(value, 0, 1LL << 40, &v) == 0 ? v : 1LL << 40;
	if (!isalpha((unsigned char)value[0]) ||
	    (t = curl_getdate(value, NULL)) == (time_t)-1)
		return -1;
	return t > now ? t - now : 0;
}

int
http_url(const char *url, char *host, size_t size, unsigned int *port)
{
	CURLU *u = curl_url();
	char *s = NULL, *h = NULL, *p = NULL;
	long long v;
	int rc = -1;

	if (u != NULL &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == 0 &&
	    curl_url_get(u, CURLUPART_SCHEME, &s, 0) == 0 &&
	    strcmp(s, "https") == 0 &&
	    curl_url_get(u, CURLUPART_HOST, &h, 0) == 0 && strlen(h) < size &&
	    curl_url_get(u, CURLUPART_PORT, &p, CURLU_DEFAULT_PORT) == 0 &&
	    parse_num(p, 1, 65535, &v) == 0) {
		strcpy(host, h);
		*port = (unsigned int)v;
		rc = 0;
	}
	curl_free(s);
	curl_free(h);
	curl_free(p);
	curl_url_cleanup(u);
	return rc;
}
