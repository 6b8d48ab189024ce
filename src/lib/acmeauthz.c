/* SPDX-License-Identifier: ISC */
/* Authorizations and their challenges: see acmeauthz.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acmeauthz.h"
#include "acmeproblem.h"
#include "http01.h"
#include "jws.h"
#include "name.h"
#include "util.h"

/* The ways to answer, in the order in which they are tried. */
static const struct way {
	const char *type;
	int hook;	/* by the hook, else by ourselves */
} ways[] = {
	{"http-01", 0},
	{"tls-alpn-01", 0},
	{"http-01", 1},
	{"dns-01", 1},
	{"tls-alpn-01", 1}
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void
set(char **p, const char *s)
{
	free(*p);
	*p = s != NULL ? xstrdup(s) : NULL;
}

/* The challenge with this type or, when that is NULL, this URL; or NULL. */
static const struct json *
challenge_of(const struct json *challenges, const char *type, const char *url)
{
	const char *key = type != NULL ? "type" : "url", *s;
	const struct json *c;
	size_t i;

	for (i = 0; i < json_len(challenges); i++) {
		c = json_obj_at(challenges, i);
		if ((s = json_str(c, key)) != NULL &&
		    strcmp(s, type != NULL ? type : url) == 0)
			return c;
	}
	return NULL;
}

static struct past *
past_of(const struct solver *s, const struct authz *z)
{
	size_t i;

	for (i = 0; i < s->npast; i++)
		if (s->past[i].wildcard == z->wildcard &&
		    strcmp(s->past[i].name, z->name) == 0)
			return &s->past[i];
	return NULL;
}

/*
 * The challenge of that way, if it is offered and somebody answers it.  DNS-01
 * is not for addresses (RFC 8738 section 7).
 */
static const struct json *
open_way(const struct solver *s, const struct way *w, const char *name,
    const struct json *challenges)
{
	const struct json *c = challenge_of(challenges, w->type, NULL);
	const char *status = json_str(c, "status");

	if (w->hook ? s->hook == NULL : strcmp(w->type, "http-01") == 0 ?
	    s->webroot == NULL : s->alpn == NULL)
		return NULL;
	if (strcmp(w->type, "dns-01") == 0 && name_kind(name) == NAME_IP)
		return NULL;
	return status != NULL && strcmp(status, "invalid") == 0 ? NULL : c;
}

void
authz_failed(struct acme *a, struct solver *s, struct authz *z,
    const char *status)
{
	struct past *p = past_of(s, z);

	warnx("%s: %s %s: %s", esc(z->name), z->type, esc(status),
	    z->error != NULL ? z->error : "no error given");
	acme_status(a, "challenge", z->name, z->error != NULL ? z->error :
	    status);
	if (p == NULL) {
		s->past = xrealloc(s->past, (s->npast + 1) *
		    sizeof(*s->past));
		p = &s->past[s->npast++];
		p->name = xstrdup(z->name);
		p->wildcard = z->wildcard;
		p->ways = 0;
	}
	p->ways = z->way + 1;
	z->state = AUTHZ_FAILED;
	set(&z->challenge, NULL);
}

/* Take over what a challenge object says. */
static int
read_challenge(struct acme *a, struct solver *s, struct authz *z,
    const struct json *c)
{
	const char *status = json_str(c, "status");
	const struct json *e = json_obj(c, "error");

	if (e != NULL)
		set(&z->error, acme_problem(e));
	if (status == NULL)
		status = "without status";
	if (strcmp(status, "valid") == 0)
		z->state = AUTHZ_VALID;
	else if (strcmp(status, "processing") == 0 ||
	    (strcmp(status, "pending") == 0 && e == NULL))
		z->state = AUTHZ_SENT;
	else if (strcmp(status, "pending") == 0)
		z->state = AUTHZ_TROUBLE;
	else {
		authz_failed(a, s, z, status);
		acme_caa(a, e);
		return EX_ERR;
	}
	acme_status(a, "challenge", z->name, z->state == AUTHZ_TROUBLE ?
	    z->error : status);
	return 0;
}

/* Is this identifier fit to be a word for a hook?  It came from the server. */
static int
is_ident(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789.:-");

	return n > 0 && n <= 253 && s[n] == '\0' && s[0] != '-';
}

/* Put an answer in place: HOOK_DONE, HOOK_DECLINED, HOOK_FAILED. */
static int
put(const struct solver *s, const struct way *w, const char *name,
    const char *token, const char *text)
{
	int rc;
	char *digest = jws_thumbprint(text);	/* section 8.4; RFC 8737 */

	if (!w->hook)
		rc = (strcmp(w->type, "http-01") == 0 ?
		    webroot_put(s->webroot, token, text) :
		    responder_tell(s->alpn, name, digest)) == 0 ? HOOK_DONE :
		    HOOK_FAILED;
	else
		rc = hook_begin(s->hook, w->type, name, token,
		    strcmp(w->type, "http-01") == 0 ? text : digest);
	free(digest);
	return rc;
}

static int
provision(struct acme *a, const struct solver *s, struct authz *z,
    const struct json *c, const struct way *w)
{
	const char *token = json_str(c, "token"), *url = json_str(c, "url");
	char *text;
	int rc;

	if (!is_ident(z->name)) {
		warnx("%s: a name that is none", esc(z->name));
		return HOOK_FAILED;
	}
	if (token == NULL || url == NULL || !http01_token_ok(token) ||
	    strlen(token) < 22) {
		warnx("%s: a challenge without URL or with a token that is "
		    "none: %s", esc(z->name), esc(token));
		return HOOK_FAILED;
	}
	text = xasprintf("%s.%s", token, a->key->thumbprint);
	rc = put(s, w, z->name, token, text);
	free(text);
	if (rc == HOOK_DONE) {
		set(&z->challenge, url);
		set(&z->error, NULL);
		z->type = w->type;
		z->way = (size_t)(w - ways);
		z->tries = 0;
		z->state = AUTHZ_TODO;
	}
	return rc;
}

/* Nobody answers any of these. */
static void
none(const struct solver *s, const struct authz *z,
    const struct json *challenges)
{
	char offered[200] = "";
	size_t i, n;

	for (i = 0; i < json_len(challenges); i++) {
		n = strlen(offered);
		snprintf(offered + n, sizeof(offered) - n, " %.40s",
		    esc(json_str(json_obj_at(challenges, i), "type")));
	}
	warnx("%s: no %s challenge; offered:%s", esc(z->name),
	    s->hook != NULL ? "acceptable" : s->alpn == NULL ? "http-01" :
	    s->webroot == NULL ? "tls-alpn-01" : "http-01 or tls-alpn-01",
	    offered[0] != '\0' ? offered : " none");
}

static int
choose(struct acme *a, const struct solver *s, struct authz *z,
    const struct json *challenges)
{
	const struct past *p = past_of(s, z);
	const struct json *c;
	size_t i = p != NULL ? p->ways : 0;
	int rc = HOOK_DECLINED;

	for (; rc == HOOK_DECLINED && i < WAYS; i++)
		if ((c = open_way(s, &ways[i], z->name,
		    challenges)) != NULL)
			rc = provision(a, s, z, c, &ways[i]);
	for (z->more = 0; i < WAYS; i++)
		if (open_way(s, &ways[i], z->name,
		    challenges) != NULL)
			z->more = 1;
	if (rc == HOOK_DONE)
		return 0;
	if (rc == HOOK_DECLINED) {
		if (p == NULL)	/* else there were reasons given already */
			none(s, z, challenges);
		z->state = AUTHZ_FAILED;
	}
	return EX_ERR;
}

/* Why an authorization is not pending and not valid. */
static void
refuse(struct acme *a, struct solver *s, struct authz *z, const char *status,
    const struct json *challenges)
{
	const struct json *c, *e;
	int told = 0, more = 0;
	size_t i;

	for (i = 0; i < json_len(challenges); i++) {
		c = json_obj_at(challenges, i);
		if ((e = json_obj(c, "error")) == NULL)
			continue;
		told = 1;
		set(&z->error, acme_problem(e));
		acme_caa(a, e);
		if (z->challenge != NULL && challenge_of(challenges, NULL,
		    z->challenge) == c) {
			authz_failed(a, s, z, json_str(c, "status"));
			more = z->more;
		} else
			warnx("%s: %s %s: %s", esc(z->name),
			    esc(json_str(c, "type")),
			    esc(json_str(c, "status")), z->error);
	}
	if (!told)
		warnx("%s: authorization %s", esc(z->name), esc(status));
	z->state = AUTHZ_FAILED;
	z->more = more;
}

int
authz_load(struct acme *a, struct solver *s, struct authz *z)
{
	const struct json *challenges, *c;
	struct acme_reply r;
	const char *status;
	int rc;

	if ((rc = acme_call(a, "authorization", z->url, "", &r)) != 0)
		return rc;
	if (z->name == NULL)
		set(&z->name, json_str(json_obj(r.json, "identifier"),
		    "value"));
	if (z->name == NULL)
		set(&z->name, z->url);
	z->wildcard = json_flag(r.json, "wildcard");
	z->retry_after = r.retry_after;
	if ((status = json_str(r.json, "status")) == NULL)
		status = "without status";
	challenges = json_arr(r.json, "challenges");
	if (strcmp(status, "valid") == 0)
		z->state = AUTHZ_VALID;
	else if (strcmp(status, "pending") != 0) {
		if (z->state != AUTHZ_FAILED)
			refuse(a, s, z, status, challenges);
		rc = EX_ERR;
	} else if (z->challenge == NULL)
		rc = choose(a, s, z, challenges);
	else if ((c = challenge_of(challenges, NULL, z->challenge)) != NULL)
		rc = read_challenge(a, s, z, c);
	else {
		warnx("%s: its challenge is gone", esc(z->name));
		rc = EX_ERR;
	}
	acme_reply_free(&r);
	return rc;
}

int
authz_answer(struct acme *a, struct solver *s, struct authz *z)
{
	struct acme_reply r;
	int rc;

	rc = acme_post(a, z->challenge, "{}", &r);
	z->state = AUTHZ_SENT;
	if (rc == EX_TEMP)
		return 0;
	if (rc != 0) {
		warnx("%s: challenge: %s", esc(z->name),
		    esc(http_error(a->http)));
		return rc;
	}
	if (r.status >= 200 && r.status <= 299)
		rc = read_challenge(a, s, z, r.json);
	else if (authz_load(a, s, z) != 0 || z->state != AUTHZ_VALID)
		rc = acme_refused(a, esc(z->name), &r);
	acme_reply_free(&r);
	return rc;
}

void
authz_free(struct authz *z)
{
	free(z->url);
	free(z->name);
	free(z->challenge);
	free(z->error);
}

void
solver_free(struct solver *s)
{
	while (s->npast > 0)
		free(s->past[--s->npast].name);
	free(s->past);
	s->past = NULL;
}
