/* SPDX-License-Identifier: ISC */
/* Talking to an ACME server: see acme.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "acme.h"
#include "acmeproblem.h"
#include "b64.h"
#include "jsonw.h"
#include "jws.h"
#include "util.h"

#define ANSWER_MAX ((size_t)1 << 20)
#define NONCE_TRIES 128		/* 8 of 8 orders at 90 % rejection */
#define NONCE_QUICK 16		/* of them without a pause */
#define LOST_MS 250LL		/* the first pause when nobody answers */
#define LOGGED_MAX 65536	/* longer problem documents are not logged */

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

void
acme_note_end(const struct acme *a, int rc)
{
	struct jsonw w = JSONW_INIT;

	if (a->events == NULL)
		return;
	event_begin(&w, "end");
	jsonw_num(&w, "exit", rc);
	if (rc >= EX_ERR)
		jsonw_str(&w, "reason", a->reason != NULL ? a->reason :
		    "other");
	if (rc == EX_TEMP && a->retry_at != 0)
		jsonw_time(&w, "retry_at", a->retry_at);
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
		if (ans->status >= 400 && json != NULL &&
		    ans->len <= LOGGED_MAX) {
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

/*
 * An exchange whose answer becomes the reply.  What changes nothing is asked
 * once more when the answer was lost.
 */
static int
reply_to(struct acme *a, const struct http_request *req, struct acme_reply *r)
{
	struct http_answer ans;
	int rc = exchange(a, req, &ans, &r->json);

	if (rc == EX_TEMP && req->body == NULL && acme_sleep(a, LOST_MS) == 0)
		rc = exchange(a, req, &ans, &r->json);
	if (rc != 0) {
		a->reason = rc == EX_ERR ? NULL : mono_ms() >= a->deadline ?
		    ACME_R_DEADLINE : ACME_R_NETWORK;
		return rc;
	}
	a->reason = NULL;
	r->status = ans.status;
	r->body = ans.body;
	r->len = ans.len;
	r->fields = ans.fields;
	r->location = http_field(&r->fields, "Location");
	r->retry_after = http_retry_after(http_field(&r->fields,
	    "Retry-After"), time(NULL));
	return 0;
}

int
acme_get(struct acme *a, const char *url, struct acme_reply *r)
{
	const struct http_request req = {.method = "GET", .url = url,
	    .accept = "application/json", .max = ANSWER_MAX};

	memset(r, 0, sizeof(*r));
	return reply_to(a, &req, r);
}

char *
acme_jws(struct signer *signer, const char *kid, const char *nonce,
    const char *url, const char *payload)
{
	const struct signer_info *key = signer_info(signer);
	struct jsonw w = JSONW_INIT;
	char *protected, *body, *input, *sig64 = NULL, *jws = NULL;
	const char *text;
	unsigned char *sig = NULL;
	size_t n;

	if (key == NULL)
		return NULL;
	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "alg", key->alg);
	if (kid != NULL)
		jsonw_str(&w, "kid", kid);
	else
		jsonw_raw(&w, "jwk", key->jwk);
	if (nonce != NULL)
		jsonw_str(&w, "nonce", nonce);
	jsonw_str(&w, "url", url);
	jsonw_end(&w, '}');
	text = jsonw_text(&w);
	protected = b64url(text, strlen(text));
	jsonw_free(&w);
	body = b64url(payload, strlen(payload));
	input = xasprintf("%s.%s", protected, body);
	if ((sig = signer_sign(signer, input, strlen(input), &n)) != NULL) {
		sig64 = b64url(sig, n);
		jws = jws_flattened(protected, body, sig64);
	}
	free(protected);
	free(body);
	free(input);
	free(sig);
	free(sig64);
	return jws;
}

/*
 * One signed request and its answer, whatever it is.  When there is no nonce
 * to be had, the answer is that of newNonce.
 */
static int
post_once(struct acme *a, const char *url, const char *payload,
    struct acme_reply *r)
{
	struct http_request fresh = {.method = "HEAD", .url = a->new_nonce,
	    .max = ANSWER_MAX};
	struct http_request req = {.method = "POST", .url = url,
	    .type = "application/jose+json",
	    .accept = "application/json, application/problem+json, "
	    "application/pem-certificate-chain", .max = ANSWER_MAX};
	char *body;
	int rc;

	memset(r, 0, sizeof(*r));
	if (a->nonce == NULL) {
		if ((rc = reply_to(a, &fresh, r)) != 0 || r->status >= 400)
			return rc;
		acme_reply_free(r);
		if (a->nonce == NULL) {
			http_fail(a->http, "newNonce gives no usable "
			    "Replay-Nonce");
			return EX_ERR;
		}
	}
	if ((body = acme_jws(a->signer, a->account, a->nonce, url,
	    payload)) == NULL) {
		http_fail(a->http, "not sent: it cannot be signed");
		return EX_ERR;
	}
	req.body = body;
	req.len = strlen(body);
	rc = reply_to(a, &req, r);
	free(body);
	if (rc != 0) {
		free(a->nonce);
		a->nonce = NULL;
	}
	return rc;
}

/*
 * How long to wait before a question that was lost is asked again: longer each
 * time, what the server said at least, -1 when the deadline does not allow it.
 */
static long long
lost_pause(const struct acme *a, int lost, long long said)
{
	long long left = a->deadline - mono_ms();
	long long pause = LOST_MS << (lost < 4 ? lost : 4);

	if (pause > left / 2)
		pause = left / 2;
	if (said * 1000 > pause)
		pause = said * 1000;
	return pause < LOST_MS / 2 || pause >= left ? -1 : pause;
}

/* May it be done twice?  No harm in a second order; the others say so. */
static int
twice(const struct acme *a, const char *url)
{
	return url == a->new_account || url == a->new_order ||
	    url == a->revoke_cert;
}

int
acme_post(struct acme *a, const char *url, const char *payload,
    struct acme_reply *r)
{
	int get = *payload == '\0', nonces = 0, lost = 0, rc;
	long long pause;

	for (;;) {
		rc = post_once(a, url, payload, r);
		if (rc == 0 && acme_is(r, ACME_BAD_NONCE) &&
		    nonces < NONCE_TRIES) {
			pause = nonces++ < NONCE_QUICK ? 0 : 50 + nonces;
		} else if ((rc == EX_TEMP && (get || (lost == 0 &&
		    twice(a, url)))) || (rc == 0 && r->status >= 500 && get)) {
			pause = lost_pause(a, lost++, rc == 0 ?
			    r->retry_after : -1);
			if (pause == -1)
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
	http_fields_free(&r->fields);
	json_free(r->json);
	memset(r, 0, sizeof(*r));
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
