/* SPDX-License-Identifier: ISC */
/* Authorizations and their challenges: see acmeauthz.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acmeaccount.h"
#include "acmeauthz.h"
#include "http01.h"
#include "jws.h"
#include "name.h"
#include "util.h"

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

/* Take over what a challenge object says. */
static int
read_challenge(struct acme *a, struct authz *z, const struct json *c)
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
		warnx("%s: %s %s: %s", esc(z->name), z->type, esc(status),
		    z->error != NULL ? z->error : "no error given");
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

/* Put the answer to this challenge in place: HOOK_DONE, ... */
static int
provision(struct acme *a, const struct solver *s, struct authz *z,
    const struct json *c, const char *type)
{
	const char *token = json_str(c, "token"), *url = json_str(c, "url");
	char *text, *digest;
	int rc;

	if (s->hook != NULL && !is_ident(z->name)) {
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
	digest = jws_thumbprint(text);	/* sections 8.4; RFC 8737 */
	if (s->webroot != NULL)
		rc = webroot_put(s->webroot, token, text) == 0 ? HOOK_DONE :
		    HOOK_FAILED;
	else
		rc = hook_begin(s->hook, type, z->name, token,
		    strcmp(type, "http-01") == 0 ? text : digest);
	if (rc == HOOK_DONE) {
		set(&z->challenge, url);
		set(&z->type, type);
	}
	free(text);
	free(digest);
	return rc;
}

static int
choose(struct acme *a, const struct solver *s, struct authz *z,
    const struct json *challenges)
{
	static const char *const types[] = {"http-01", "dns-01",
	    "tls-alpn-01"};
	size_t known = s->webroot != NULL ? 1 : 3, i, n;
	char offered[200] = "";
	const struct json *c;
	int rc;

	for (i = 0; i < known; i++) {
		if (i == 1 && name_kind(z->name) == NAME_IP)
			continue;	/* RFC 8738 section 7 */
		if ((c = challenge_of(challenges, types[i], NULL)) == NULL)
			continue;
		rc = provision(a, s, z, c, types[i]);
		if (rc != HOOK_DECLINED)
			return rc == HOOK_DONE ? 0 : EX_ERR;
	}
	for (i = 0; i < json_len(challenges); i++) {
		n = strlen(offered);
		snprintf(offered + n, sizeof(offered) - n, " %.40s",
		    esc(json_str(json_obj_at(challenges, i), "type")));
	}
	warnx("%s: no %s challenge; offered:%s", esc(z->name),
	    s->webroot != NULL ? "http-01" : "acceptable",
	    offered[0] != '\0' ? offered : " none");
	return EX_ERR;
}

/* Why an authorization is not pending and not valid: all its challenges. */
static int
refuse(const struct acme *a, struct authz *z, const char *status,
    const struct json *challenges)
{
	const struct json *c, *e;
	size_t i;
	int said = 0;

	for (i = 0; i < json_len(challenges); i++) {
		c = json_obj_at(challenges, i);
		if ((e = json_obj(c, "error")) == NULL)
			continue;
		set(&z->error, acme_problem(e));
		warnx("%s: %s %s: %s", esc(z->name), esc(json_str(c, "type")),
		    esc(json_str(c, "status")), z->error);
		acme_caa(a, e);
		said = 1;
	}
	if (!said)
		warnx("%s: authorization %s", esc(z->name), esc(status));
	return EX_ERR;
}

int
authz_load(struct acme *a, const struct solver *s, struct authz *z)
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
	if ((status = json_str(r.json, "status")) == NULL)
		status = "without status";
	challenges = json_arr(r.json, "challenges");
	if (strcmp(status, "valid") == 0)
		z->state = AUTHZ_VALID;
	else if (strcmp(status, "pending") != 0)
		rc = refuse(a, z, status, challenges);
	else if (z->challenge == NULL)
		rc = choose(a, s, z, challenges);
	else if ((c = challenge_of(challenges, NULL, z->challenge)) != NULL)
		rc = read_challenge(a, z, c);
	else {
		warnx("%s: its challenge is gone", esc(z->name));
		rc = EX_ERR;
	}
	acme_reply_free(&r);
	return rc;
}

int
authz_answer(struct acme *a, const struct solver *s, struct authz *z)
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
		rc = read_challenge(a, z, r.json);
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
	free(z->type);
	free(z->challenge);
	free(z->error);
}
