/* SPDX-License-Identifier: ISC */
/* The order object: see acmeneworder.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "acmeaccount.h"
#include "acmejournal.h"
#include "acmeneworder.h"
#include "acmeproblem.h"
#include "jsonw.h"
#include "util.h"

#define AUTHZ_MAX 1000

static void
set(char **p, const char *s)
{
	free(*p);
	*p = s != NULL ? xstrdup(s) : NULL;
}

int
order_read(struct order *o, const struct acme_reply *r)
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

int
order_poll(struct order *o)
{
	struct acme_reply r;
	int rc;

	if ((rc = acme_call(o->a, "order", o->url, "", &r)) != 0)
		return rc;
	rc = order_read(o, &r);
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
	if ((rc = order_read(o, r)) != 0)
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

int
order_begin(struct order *o)
{
	int rc = old_order(o);

	return rc == -1 ? new_order(o) : rc;
}

void
order_end(struct order *o)
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
