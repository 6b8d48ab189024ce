/* SPDX-License-Identifier: ISC */
/* Talking to an ACME server: see acme.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "acme.h"
#include "b64.h"
#include "jsonw.h"
#include "jws.h"
#include "util.h"

#define ANSWER_MAX ((size_t)1 << 20)
#define URN "urn:ietf:params:acme:error:"
#define NONCE_TRIES 128		/* 8 of 8 orders at 90 % rejection */
#define NONCE_QUICK 16		/* of them without a pause */
#define LOST_TRIES 4

int
acme_sleep(const struct acme *a, long long ms)
{
	long long left = a->deadline - mono_ms();
	struct timespec ts;

	if (left <= 0)
		return -1;
	if (ms > left)
		ms = left;
	ts.tv_sec = ms / 1000;
	ts.tv_nsec = ms % 1000 * 1000000;
	nanosleep(&ts, NULL);
	return a->deadline - mono_ms() <= 0 ? -1 : 0;
}

/* The beginning of an event line; the caller adds facts and ends it. */
static void
event_begin(struct jsonw *w, const char *event)
{
	jsonw_begin(w, NULL, '{');
	jsonw_time(w, "time", time(NULL));
	jsonw_str(w, "event", event);
}

static void
event_end(const struct acme *a, struct jsonw *w)
{
	jsonw_end(w, '}');
	jsonw_line(w, a->events);
	fflush(a->events);
	jsonw_free(w);
}

void
acme_status(const struct acme *a, const char *object, const char *name,
    const char *status)
{
	struct jsonw w = JSONW_INIT;

	if (a->verbose)
		warnx("%s: %s: %s", object, esc(name), esc(status));
	if (a->events == NULL)
		return;
	event_begin(&w, "status");
	jsonw_str(&w, "object", object);
	jsonw_str(&w, "name", name);
	jsonw_str(&w, "status", status);
	event_end(a, &w);
}

/* Note a request and what came of it. */
static void
note_request(const struct acme *a, const struct http_request *req,
    const struct http_answer *ans, const struct json *json)
{
	struct jsonw w = JSONW_INIT;
	char *text;

	if (a->verbose && ans != NULL)
		warnx("%s %s: %d in %lld ms", req->method, esc(req->url),
		    ans->status, ans->ms);
	if (a->events == NULL)
		return;
	event_begin(&w, "request");
	jsonw_str(&w, "method", req->method);
	jsonw_str(&w, "url", req->url);
	if (ans == NULL)
		jsonw_str(&w, "error", http_error(a->http));
	else {
		jsonw_num(&w, "status", ans->status);
		jsonw_num(&w, "duration_ms", ans->ms);
		if (ans->status >= 400 && json != NULL) {
			text = json_text(json);
			jsonw_raw(&w, "problem", text);
			free(text);
		}
	}
	event_end(a, &w);
}

/* Keep the nonce that came with an answer; a broken one is no nonce. */
static void
take_nonce(struct acme *a, const struct http_answer *ans)
{
	const char *n = http_field(&ans->fields, "Replay-Nonce");

	free(a->nonce);
	a->nonce = n != NULL && b64url_ok(n) ? xstrdup(n) : NULL;
}

static int
exchange(struct acme *a, const struct http_request *req,
    struct http_answer *ans, struct json **json)
{
	char why[160];
	int rc = http_do(a->http, req, ans);

	*json = NULL;
	if (rc == 0) {
		take_nonce(a, ans);
		if (ans->len > 0)
			*json = json_parse(ans->body, ans->len, why);
	}
	note_request(a, req, rc == 0 ? ans : NULL, *json);
	return rc;
}

static int
fetch_nonce(struct acme *a)
{
	struct http_request req = {.method = "HEAD", .url = a->new_nonce,
	    .max = ANSWER_MAX};
	struct http_answer ans;
	struct json *json;
	int rc;

	if ((rc = exchange(a, &req, &ans, &json)) != 0)
		return rc;
	json_free(json);
	http_answer_free(&ans);
	return 0;
}

/* The request body: a flattened JWS (section 6.2).  NULL with a message. */
static char *
sign(struct acme *a, const char *url, const char *payload)
{
	struct jsonw w = JSONW_INIT;
	char *protected, *body, *input, *sig64, *jws;
	const char *text;
	unsigned char *sig;
	size_t n;

	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "alg", a->key->alg);
	if (a->account != NULL)
		jsonw_str(&w, "kid", a->account);
	else
		jsonw_raw(&w, "jwk", a->key->jwk);
	jsonw_str(&w, "nonce", a->nonce);
	jsonw_str(&w, "url", url);
	jsonw_end(&w, '}');
	text = jsonw_text(&w);
	protected = b64url(text, strlen(text));
	jsonw_free(&w);
	body = b64url(payload, strlen(payload));
	input = xasprintf("%s.%s", protected, body);
	if ((sig = signer_sign(a->signer, input, strlen(input), &n)) == NULL)
		exit(EX_ERR);
	sig64 = b64url(sig, n);
	jws = jws_flattened(protected, body, sig64);
	free(protected);
	free(body);
	free(input);
	free(sig);
	free(sig64);
	return jws;
}

int
acme_is(const struct acme_reply *r, const char *type)
{
	const char *t = json_str(r->json, "type");

	return r->status >= 400 && t != NULL &&
	    strncmp(t, URN, strlen(URN)) == 0 &&
	    strcmp(t + strlen(URN), type) == 0;
}

/* One signed request and its answer, whatever it is. */
static int
post_once(struct acme *a, const char *url, const char *payload,
    struct acme_reply *r)
{
	struct http_request req = {.method = "POST", .url = url,
	    .type = "application/jose+json",
	    .accept = "application/json, application/problem+json, "
	    "application/pem-certificate-chain", .max = ANSWER_MAX};
	struct http_answer ans;
	const char *loc;
	char *body;
	int rc;

	memset(r, 0, sizeof(*r));
	if (a->nonce == NULL && (rc = fetch_nonce(a)) != 0)
		return rc;
	if (a->nonce == NULL)
		errx(EX_ERR, "%s: gives no usable Replay-Nonce",
		    esc(a->new_nonce));
	req.body = body = sign(a, url, payload);
	req.len = strlen(body);
	rc = exchange(a, &req, &ans, &r->json);
	free(body);
	if (rc != 0) {
		free(a->nonce);
		a->nonce = NULL;
		return rc;
	}
	r->status = ans.status;
	r->body = ans.body;
	r->len = ans.len;
	ans.body = NULL;
	if ((loc = http_field(&ans.fields, "Location")) != NULL)
		r->location = xstrdup(loc);
	r->retry_after = http_retry_after(http_field(&ans.fields,
	    "Retry-After"), time(NULL));
	http_answer_free(&ans);
	return 0;
}

int
acme_post(struct acme *a, const char *url, const char *payload,
    struct acme_reply *r)
{
	int nonces = 0, lost = 0, rc;
	long long pause;

	for (;;) {
		rc = post_once(a, url, payload, r);
		if (rc == 0 && acme_is(r, ACME_BAD_NONCE) &&
		    nonces < NONCE_TRIES) {
			pause = nonces++ < NONCE_QUICK ? 0 : 50 + nonces;
		} else if (*payload == '\0' && lost < LOST_TRIES &&
		    (rc == EX_TEMP || (rc == 0 && r->status >= 500))) {
			pause = 250LL << lost++;
			if (rc == 0 && r->retry_after * 1000 > pause)
				pause = r->retry_after * 1000;
			if (mono_ms() + pause >= a->deadline)
				return rc;
		} else
			return rc;
		if (rc == 0)
			acme_reply_free(r);
		if (pause != 0 && acme_sleep(a, pause) == -1)
			pause = 0;	/* the next request says it */
	}
}

void
acme_reply_free(struct acme_reply *r)
{
	free(r->body);
	free(r->location);
	json_free(r->json);
	memset(r, 0, sizeof(*r));
}

static const char *
short_type(const char *type)
{
	if (type == NULL)
		return "problem";
	return strncmp(type, URN, strlen(URN)) == 0 ? type + strlen(URN) : type;
}

const char *
acme_problem(const struct json *p)
{
	static char buf[2048];
	const struct json *subs = json_arr(p, "subproblems"), *s;
	const char *detail = json_str(p, "detail");
	const char *instance = json_str(p, "instance");
	size_t n, i;

	n = (size_t)snprintf(buf, sizeof(buf), "%.100s: %s",
	    esc(short_type(json_str(p, "type"))),
	    detail != NULL ? esc(detail) : "no detail given");
	for (i = 0; i < json_len(subs) && n < sizeof(buf); i++) {
		s = json_obj_at(subs, i);
		n += (size_t)snprintf(buf + n, sizeof(buf) - n,
		    "; %.253s: %.100s: %.300s",
		    esc(json_str(json_obj(s, "identifier"), "value")),
		    esc(short_type(json_str(s, "type"))),
		    esc(json_str(s, "detail")));
	}
	if (instance != NULL && n < sizeof(buf))
		snprintf(buf + n, sizeof(buf) - n, "; see %.300s",
		    esc(instance));
	return buf;
}

int
acme_refused(struct acme *a, const char *what, const struct acme_reply *r)
{
	int later = r->status == 429 || r->status >= 500 ||
	    acme_is(r, "rateLimited");

	if (r->json != NULL)
		warnx("%s: %d %s", what, r->status, acme_problem(r->json));
	else
		warnx("%s: %d without a problem document: %s", what, r->status,
		    escn(r->body, r->len < 80 ? r->len : 80));
	if (later && r->retry_after >= 0)
		a->retry_at = time(NULL) + r->retry_after;
	return later ? EX_TEMP : EX_ERR;
}

int
acme_call(struct acme *a, const char *what, const char *url,
    const char *payload, struct acme_reply *r)
{
	int rc = acme_post(a, url, payload, r);

	if (rc != 0) {
		warnx("%s: %s: %s", what, esc(url), esc(http_error(a->http)));
		return rc;
	}
	if (r->status < 200 || r->status > 299) {
		rc = acme_refused(a, what, r);
		acme_reply_free(r);
	}
	return rc;
}

/* A URL of the directory, or exit with what is missing. */
static char *
resource(const struct acme *a, const struct json *dir, const char *name)
{
	const char *url = json_str(dir, name);
	unsigned int port;
	char host[256];

	if (url == NULL || http_url(url, host, sizeof(host), &port) == -1)
		errx(EX_ERR, "%s: not an ACME directory: no https URL %s",
		    esc(a->directory), name);
	return xstrdup(url);
}

static int
read_directory(struct acme *a, const struct http_answer *ans,
    const struct json *dir)
{
	struct acme_reply r = {.status = ans->status, .body = ans->body,
	    .len = ans->len};
	const char *terms;

	if (ans->status != 200) {
		r.retry_after = http_retry_after(http_field(&ans->fields,
		    "Retry-After"), time(NULL));
		return acme_refused(a, esc(a->directory), &r);
	}
	if (dir == NULL) {
		warnx("%s: not an ACME directory but: %s", esc(a->directory),
		    escn(ans->body, ans->len < 60 ? ans->len : 60));
		return EX_ERR;
	}
	a->new_nonce = resource(a, dir, "newNonce");
	a->new_account = resource(a, dir, "newAccount");
	a->new_order = resource(a, dir, "newOrder");
	terms = json_str(json_obj(dir, "meta"), "termsOfService");
	if (terms != NULL)
		a->terms = xstrdup(terms);
	return 0;
}

int
acme_open(struct acme *a)
{
	struct http_request req = {.method = "GET", .url = a->directory,
	    .accept = "application/json", .max = ANSWER_MAX};
	struct http_answer ans;
	struct json *dir;
	int rc;

	if ((a->key = signer_info(a->signer)) == NULL)
		return EX_ERR;
	if ((rc = exchange(a, &req, &ans, &dir)) != 0) {
		warnx("%s: %s", esc(a->directory), esc(http_error(a->http)));
		return rc;
	}
	rc = read_directory(a, &ans, dir);
	json_free(dir);
	http_answer_free(&ans);
	return rc;
}

void
acme_close(struct acme *a)
{
	free(a->new_nonce);
	free(a->new_account);
	free(a->new_order);
	free(a->terms);
	free(a->account);
	free(a->nonce);
}

int
acme_login(struct acme *a, int again)
{
	struct acme_reply r;
	const char *status;
	int rc;

	free(a->account);
	a->account = NULL;
	if (!again && a->key->account[0] != '\0') {
		a->account = xstrdup(a->key->account);
		return 0;
	}
	rc = acme_call(a, "newAccount", a->new_account, a->agree ?
	    "{\"termsOfServiceAgreed\":true}" : "{}", &r);
	if (rc != 0) {
		if (a->terms != NULL && !a->agree)
			warnx("newAccount: -Y agrees to the terms of service, "
			    "%s", esc(a->terms));
		return rc;
	}
	status = json_str(r.json, "status");
	if (r.location == NULL || strpbrk(r.location, " \r\n") != NULL ||
	    (status != NULL && strcmp(status, "valid") != 0)) {
		warnx("newAccount: %s", r.location == NULL ?
		    "no account URL in the answer" : status == NULL ?
		    "an account URL that is none" : esc(status));
		rc = EX_ERR;
	} else {
		a->account = xstrdup(r.location);
		signer_remember(a->signer, a->account);
		acme_status(a, "account", a->account, "valid");
	}
	acme_reply_free(&r);
	return rc;
}
