/* SPDX-License-Identifier: ISC */
/* Authorizations and their HTTP-01 challenges: see acmeauthz.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acmeauthz.h"
#include "http01.h"
#include "util.h"

static void
set(char **p, const char *s)
{
	free(*p);
	*p = s != NULL ? xstrdup(s) : NULL;
}

/* The http-01 challenge of an authorization, or NULL with a message. */
static const struct json *
http01_of(const struct authz *z, const struct json *challenges)
{
	char offered[200] = "";
	const struct json *c;
	const char *type;
	size_t i, n;

	for (i = 0; i < json_len(challenges); i++) {
		c = json_obj_at(challenges, i);
		if ((type = json_str(c, "type")) == NULL)
			continue;
		if (strcmp(type, "http-01") == 0)
			return c;
		n = strlen(offered);
		snprintf(offered + n, sizeof(offered) - n, " %.40s", esc(type));
	}
	warnx("%s: no http-01 challenge; offered:%s", esc(z->name),
	    offered[0] != '\0' ? offered : " none");
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
		warnx("%s: http-01 %s: %s", esc(z->name), esc(status),
		    z->error != NULL ? z->error : "no error given");
		return EX_ERR;
	}
	acme_status(a, "challenge", z->name, z->state == AUTHZ_TROUBLE ?
	    z->error : status);
	return 0;
}

/* Put the answer to a challenge in place. */
static int
provision(struct acme *a, struct webroot *w, struct authz *z,
    const struct json *c)
{
	const char *token = json_str(c, "token"), *url = json_str(c, "url");
	char *text;
	int rc;

	if (token == NULL || url == NULL || !http01_token_ok(token) ||
	    strlen(token) < 22) {
		warnx("%s: a challenge without URL or with a token that is "
		    "none: %s", esc(z->name), esc(token));
		return EX_ERR;
	}
	set(&z->challenge, url);
	text = xasprintf("%s.%s", token, a->key->thumbprint);
	rc = webroot_put(w, token, text) == 0 ? 0 : EX_ERR;
	free(text);
	return rc;
}

/* Why an authorization is not pending and not valid. */
static int
refuse(struct authz *z, const char *status, const struct json *challenges)
{
	const struct json *c, *e;
	size_t i;

	for (i = 0; i < json_len(challenges); i++) {
		c = json_obj_at(challenges, i);
		if ((e = json_obj(c, "error")) == NULL)
			continue;
		set(&z->error, acme_problem(e));
		warnx("%s: %s %s: %s", esc(z->name), esc(json_str(c, "type")),
		    esc(json_str(c, "status")), z->error);
		return EX_ERR;
	}
	warnx("%s: authorization %s", esc(z->name), esc(status));
	return EX_ERR;
}

int
authz_load(struct acme *a, struct webroot *w, struct authz *z)
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
		rc = refuse(z, status, challenges);
	else if ((c = http01_of(z, challenges)) == NULL)
		rc = EX_ERR;
	else if (z->challenge == NULL)
		rc = provision(a, w, z, c);
	else
		rc = read_challenge(a, z, c);
	acme_reply_free(&r);
	return rc;
}

int
authz_answer(struct acme *a, struct webroot *w, struct authz *z)
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
	else if (authz_load(a, w, z) != 0 || z->state != AUTHZ_VALID)
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
