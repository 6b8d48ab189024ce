/* SPDX-License-Identifier: ISC */
/*
 * One ACME order: see acmeorder.h.
 *
 * The order is polled, not its authorizations, and only when the answers to
 * the challenges and to finalize do not say already how things stand.  But an
 * order that stays pending says nothing of a challenge that failed: step-ca
 * answers those with a challenge that is pending and has an error, or with one
 * that is invalid under an authorization that stays pending.  So the
 * challenges are looked at too, and those with an error are tried again.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "acmeaccount.h"
#include "acmeauthz.h"
#include "acmechain.h"
#include "acmeorder.h"
#include "b64.h"
#include "jsonw.h"
#include "util.h"

#define AUTHZ_MAX 1000
#define FIRST_POLL_MS 5
#define LAST_POLL_MS 2000
#define LOOK_MS 200	/* polls that far apart look at the challenges too */
#define FINALIZE_TRIES 4
#define RETRIES 3	/* of a challenge with an error: after 1, 2, 4 s */

struct order {
	struct acme *a;
	const struct order_want *want;
	char *url;
	char *status;
	char *finalize;
	char *certificate;
	char *error;
	long long retry_after;
	struct authz *authz;
	size_t n;
};

static void
set(char **p, const char *s)
{
	free(*p);
	*p = s != NULL ? xstrdup(s) : NULL;
}

/* Take over what an order object says.  0, or EX_ERR with a message. */
static int
read_order(struct order *o, const struct acme_reply *r)
{
	const char *status = json_str(r->json, "status"), *s;
	const struct json *e = json_obj(r->json, "error");

	if (status == NULL) {
		warnx("order: the answer has no status");
		return EX_ERR;
	}
	if (o->status == NULL || strcmp(o->status, status) != 0)
		acme_status(o->a, "order", o->url, status);
	set(&o->status, status);
	if ((s = json_str(r->json, "finalize")) != NULL)
		set(&o->finalize, s);
	if ((s = json_str(r->json, "certificate")) != NULL)
		set(&o->certificate, s);
	if (e != NULL)
		set(&o->error, acme_problem(e));
	o->retry_after = r->retry_after;
	return 0;
}

static int
poll_order(struct order *o)
{
	struct acme_reply r;
	int rc;

	if ((rc = acme_call(o->a, "order", o->url, "", &r)) != 0)
		return rc;
	rc = read_order(o, &r);
	acme_reply_free(&r);
	return rc;
}

/* The payload of newOrder; replaces is left out when it is NULL. */
static char *
new_order_payload(const struct order_want *want, const char *replaces)
{
	const struct names *names = want->names;
	struct jsonw w = JSONW_INIT;
	char *text;
	size_t i;

	jsonw_begin(&w, NULL, '{');
	jsonw_begin(&w, "identifiers", '[');
	for (i = 0; i < names->n; i++) {
		jsonw_begin(&w, NULL, '{');
		jsonw_str(&w, "type", names->v[i].type == NAME_IP ? "ip" :
		    "dns");
		jsonw_str(&w, "value", names->v[i].value);
		jsonw_end(&w, '}');
	}
	jsonw_end(&w, ']');
	if (want->not_before != 0)
		jsonw_time(&w, "notBefore", want->not_before);
	if (want->not_after != 0)
		jsonw_time(&w, "notAfter", want->not_after);
	if (want->profile != NULL)
		jsonw_str(&w, "profile", want->profile);
	if (replaces != NULL)
		jsonw_str(&w, "replaces", replaces);
	jsonw_end(&w, '}');
	text = xstrdup(jsonw_text(&w));
	jsonw_free(&w);
	return text;
}

/* Is the profile offered?  If not, say which are. */
static int
check_profile(const struct acme *a, const char *profile)
{
	const struct json *offered = json_obj(json_obj(a->dir, "meta"),
	    "profiles");
	char list[500] = "";
	const char *name;
	size_t i, n;

	for (i = 0; (name = json_key_at(offered, i)) != NULL; i++) {
		if (strcmp(name, profile) == 0)
			return 0;
		n = strlen(list);
		snprintf(list + n, sizeof(list) - n, " %.60s", esc(name));
	}
	warnx("-P %s: not a profile of this server; it offers:%s",
	    esc(profile), list[0] != '\0' ? list : " none");
	return EX_ERR;
}

/*
 * newOrder; an account the server has lost is made again, once, and a
 * certificate that was replaced before is not named again, once.
 */
static int
post_new_order(struct order *o, struct acme_reply *r)
{
	struct acme *a = o->a;
	const char *replaces = a->renewal_info != NULL ? o->want->replaces :
	    NULL;
	int rc, lost = 0;
	char *payload;

	if (o->want->profile != NULL && check_profile(a, o->want->profile))
		return EX_ERR;
	for (;;) {
		payload = new_order_payload(o->want, replaces);
		rc = acme_post(a, a->new_order, payload, r);
		free(payload);
		if (rc == 0 && replaces != NULL &&
		    acme_is(r, ACME_ALREADY_REPLACED))
			replaces = NULL;
		else if (rc == 0 && !lost && acme_is(r, ACME_NO_ACCOUNT)) {
			lost = 1;
			acme_status(a, "account", a->account, "gone");
		} else
			break;
		acme_reply_free(r);
		if (lost && (rc = acme_login(a, ACME_AGAIN)) != 0)
			return rc;
	}
	if (rc != 0)
		warnx("newOrder: %s: %s", esc(a->new_order),
		    esc(http_error(a->http)));
	else if (r->status != 201 && r->status != 200) {
		rc = acme_refused(a, "newOrder", r);
		acme_reply_free(r);
	}
	return rc;
}

/* Take over an order as it was made, or as it is found again. */
static int
take_order(struct order *o, const struct acme_reply *r)
{
	const struct json *urls = json_arr(r->json, "authorizations");
	const char *url;
	size_t i;
	int rc;

	if (json_len(urls) == 0 || json_len(urls) > AUTHZ_MAX) {
		warnx("order: no authorizations, or too many");
		return EX_ERR;
	}
	if ((rc = read_order(o, r)) != 0)
		return rc;
	if (o->finalize == NULL) {
		warnx("order: no finalize URL in the answer");
		return EX_ERR;
	}
	o->authz = xcalloc(json_len(urls), sizeof(*o->authz));
	for (i = 0; i < json_len(urls); i++) {
		if ((url = json_str_at(urls, i)) == NULL) {
			warnx("order: an authorization that is no URL");
			return EX_ERR;
		}
		o->authz[o->n++].url = xstrdup(url);
	}
	return 0;
}

static int
new_order(struct order *o)
{
	struct acme_reply r;
	int rc;

	if ((rc = post_new_order(o, &r)) != 0)
		return rc;
	if (r.location == NULL) {
		warnx("newOrder: no order URL in the answer");
		rc = EX_ERR;
	} else {
		set(&o->url, r.location);
		if (o->want->journal != NULL &&
		    journal_note(o->want->journal, o->url) == -1)
			rc = EX_ERR;
		else
			rc = take_order(o, &r);
	}
	acme_reply_free(&r);
	return rc;
}

/*
 * Go on with the order in the journal.  0 when it is still good for something;
 * -1 when there is none or it is not: then a new one is made.
 */
static int
old_order(struct order *o)
{
	const char *url = o->want->journal != NULL ?
	    journal_order(o->want->journal) : NULL;
	struct acme_reply r;
	const char *status;
	int rc;

	if (url == NULL)
		return -1;
	if ((rc = acme_post(o->a, url, "", &r)) != 0) {
		warnx("order: %s: %s", esc(url), esc(http_error(o->a->http)));
		return rc;
	}
	status = json_str(r.json, "status");
	if (r.status == 429 || r.status >= 500)
		rc = acme_refused(o->a, "order", &r);
	else if (r.status != 200 || status == NULL ||
	    strcmp(status, "invalid") == 0)
		rc = -1;
	else {
		set(&o->url, url);
		rc = take_order(o, &r);
	}
	acme_status(o->a, "order", url, rc == 0 ? "resumed" : "not resumed");
	acme_reply_free(&r);
	return rc;
}

static size_t
count(const struct order *o, enum authz_state state)
{
	size_t i, n = 0;

	for (i = 0; i < o->n; i++)
		n += o->authz[i].state == state;
	return n;
}

/* For each authorization in a state; stops at the first failure. */
static int
each(struct order *o, enum authz_state state,
    int (*f)(struct acme *, const struct solver *, struct authz *))
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < o->n; i++)
		if (o->authz[i].state == state)
			rc = f(o->a, &o->want->solver, &o->authz[i]);
	return rc;
}

static int
too_late(const struct order *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->authz[i].state != AUTHZ_VALID &&
		    o->authz[i].error != NULL) {
			warnx("%s: deadline reached; last error: %s",
			    esc(o->authz[i].name), o->authz[i].error);
			return EX_TEMP;
		}
	warnx("order: deadline reached while it is %s", esc(o->status));
	return EX_TEMP;
}

/* Answer the challenges that have an error once more, or give up. */
static int
again(struct order *o)
{
	struct authz *z;
	size_t i;
	int most = 0;

	for (i = 0; i < o->n; i++) {
		z = &o->authz[i];
		if (z->state != AUTHZ_TROUBLE)
			continue;
		if (z->tries >= RETRIES) {
			warnx("%s: %s failed: %s", esc(z->name), z->type,
			    z->error);
			return EX_ERR;
		}
		if (z->tries > most)
			most = z->tries;
		z->tries++;
	}
	if (acme_sleep(o->a, 1000LL << most) == -1)
		return too_late(o);
	return each(o, AUTHZ_TROUBLE, authz_answer);
}

/*
 * How long to wait before the next poll: what the server says from the third
 * on, so that a quick server is not waited for; never more than half of the
 * time that is left, so that there is a next poll.
 */
static long long
next_delay(const struct order *o, long long delay)
{
	long long half = (o->a->deadline - mono_ms()) / 2;
	long long said = o->retry_after * 1000;

	if (said > half)
		said = half;
	return delay > 2 * FIRST_POLL_MS && said > delay ? said : delay;
}

/* Until the order is no longer pending, or has no reason to be. */
static int
wait_ready(struct order *o)
{
	long long delay = FIRST_POLL_MS;
	int rc = 0;

	while (rc == 0 && strcmp(o->status, "pending") == 0) {
		if (count(o, AUTHZ_TROUBLE) != 0) {
			rc = again(o);
			continue;
		}
		if (count(o, AUTHZ_SENT) == 0)
			return 0;
		if (acme_sleep(o->a, next_delay(o, delay)) == -1)
			return too_late(o);
		if ((rc = poll_order(o)) == 0 && delay >= LOOK_MS &&
		    strcmp(o->status, "pending") == 0)
			rc = each(o, AUTHZ_SENT, authz_load);
		if ((delay *= 2) > LAST_POLL_MS)
			delay = LAST_POLL_MS;
	}
	return rc;
}

/* The order has failed: say why, from the authorizations if need be. */
static int
failed(struct order *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->authz[i].state != AUTHZ_VALID && authz_load(o->a,
		    &o->want->solver, &o->authz[i]) != 0)
			return EX_ERR;
	warnx("order: %s: %s", esc(o->status),
	    o->error != NULL ? o->error : "no error given");
	return EX_ERR;
}

static int
post_finalize(struct order *o)
{
	unsigned char *der = NULL;
	struct acme_reply r;
	char *csr, *payload;
	int n, rc;

	if ((n = i2d_X509_REQ(o->want->csr, &der)) <= 0)
		errx(EX_ERR, "request: cannot be written as DER");
	csr = b64url(der, (size_t)n);
	payload = xasprintf("{\"csr\":\"%s\"}", csr);
	rc = acme_post(o->a, o->finalize, payload, &r);
	OPENSSL_free(der);
	free(csr);
	free(payload);
	if (rc == EX_TEMP)	/* whatever became of it, the order knows */
		return poll_order(o);
	if (rc != 0) {
		warnx("finalize: %s", esc(http_error(o->a->http)));
		return rc;
	}
	if (r.status >= 200 && r.status <= 299)
		rc = read_order(o, &r);
	else if (acme_is(&r, ACME_NOT_READY))
		rc = poll_order(o);
	else
		rc = acme_refused(o->a, "finalize", &r);
	acme_reply_free(&r);
	return rc;
}

/* From an order that is ready to its certificate. */
static int
wait_valid(struct order *o)
{
	long long delay = FIRST_POLL_MS;
	int rc = 0, asked = 0;

	while (rc == 0) {
		if (strcmp(o->status, "valid") == 0 && o->certificate != NULL)
			return 0;
		if (strcmp(o->status, "invalid") == 0)
			return failed(o);
		if (strcmp(o->status, "ready") == 0 ||
		    (strcmp(o->status, "pending") == 0 && asked == 0)) {
			if (asked == FINALIZE_TRIES) {
				warnx("order: stays ready after finalize");
				return EX_TEMP;
			}
			if (asked++ != 0 &&
			    acme_sleep(o->a, 100LL << asked) == -1)
				return too_late(o);
			rc = post_finalize(o);
			continue;
		}
		if (strcmp(o->status, "pending") != 0 &&
		    strcmp(o->status, "processing") != 0 &&
		    strcmp(o->status, "valid") != 0) {
			warnx("order: unknown status %s", esc(o->status));
			return EX_ERR;
		}
		if (acme_sleep(o->a, next_delay(o, delay)) == -1)
			return too_late(o);
		rc = poll_order(o);
		if ((delay *= 2) > LAST_POLL_MS)
			delay = LAST_POLL_MS;
	}
	return rc;
}

static void
order_free(struct order *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		authz_free(&o->authz[i]);
	free(o->authz);
	free(o->url);
	free(o->status);
	free(o->finalize);
	free(o->certificate);
	free(o->error);
}

int
order_run(struct acme *a, const struct order_want *want, char **chain,
    size_t *len)
{
	struct order o = {.a = a, .want = want, .retry_after = -1};
	int rc;

	if ((rc = old_order(&o)) == -1)
		rc = new_order(&o);
	if (rc == 0 && strcmp(o.status, "pending") == 0) {
		if ((rc = each(&o, AUTHZ_TODO, authz_load)) == 0 &&
		    (rc = each(&o, AUTHZ_TODO, authz_answer)) == 0)
			rc = wait_ready(&o);
	}
	if (rc == 0)
		rc = wait_valid(&o);
	if (rc == 0)
		rc = acme_chain(a, o.certificate, want, chain, len);
	order_free(&o);
	return rc;
}
