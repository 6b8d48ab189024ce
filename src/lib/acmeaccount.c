/* SPDX-License-Identifier: ISC */
/* Directory and account: see acmeaccount.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "acmeaccount.h"
#include "acmeproblem.h"
#include "httpurl.h"
#include "util.h"

/* A URL of the directory, or NULL when it has no https URL of that name. */
static char *
offered(const struct json *dir, const char *name)
{
	const char *s = json_str(dir, name);
	unsigned int port;
	char host[256];

	if (s == NULL || http_url(s, host, sizeof(host), &port) == -1)
		return NULL;
	return xstrdup(s);
}

/* The same for one that must be there: 0, or EX_ERR with what is missing. */
static int
resource(const struct acme *a, const struct json *dir, const char *name,
    char **url)
{
	if ((*url = offered(dir, name)) != NULL)
		return 0;
	warnx("%s: not an ACME directory: no https URL %s",
	    esc(a->directory), name);
	return EX_ERR;
}

static int
read_directory(struct acme *a, const struct acme_reply *r)
{
	const char *terms;

	if (r->status != 200)
		return acme_refused(a, esc(a->directory), r);
	if (r->json == NULL) {
		warnx("%s: not an ACME directory but: %s", esc(a->directory),
		    escn(r->body, r->len < 60 ? r->len : 60));
		return EX_ERR;
	}
	if (resource(a, r->json, "newNonce", &a->new_nonce) != 0 ||
	    resource(a, r->json, "newAccount", &a->new_account) != 0 ||
	    resource(a, r->json, "newOrder", &a->new_order) != 0)
		return EX_ERR;
	a->revoke_cert = offered(r->json, "revokeCert");
	a->key_change = offered(r->json, "keyChange");
	a->renewal_info = offered(r->json, "renewalInfo");
	terms = json_str(json_obj(r->json, "meta"), "termsOfService");
	if (terms != NULL)
		a->terms = xstrdup(terms);
	return 0;
}

int
acme_open(struct acme *a)
{
	struct acme_reply r;
	int rc;

	if ((rc = acme_get(a, a->directory, &r)) != 0) {
		warnx("%s: %s", esc(a->directory), esc(http_error(a->http)));
		return rc;
	}
	rc = read_directory(a, &r);
	a->dir = r.json;
	r.json = NULL;
	acme_reply_free(&r);
	return rc;
}

void
acme_close(struct acme *a)
{
	json_free(a->dir);
	free(a->new_nonce);
	free(a->new_account);
	free(a->new_order);
	free(a->revoke_cert);
	free(a->key_change);
	free(a->renewal_info);
	free(a->terms);
	free(a->account);
	free(a->nonce);
}

int
acme_register(struct acme *a, const char *payload, struct acme_reply *r)
{
	const char *status;
	unsigned int port;
	char host[256];
	int rc;

	free(a->account);
	a->account = NULL;
	if ((rc = acme_call(a, "newAccount", a->new_account, payload, r)) != 0)
		return rc;
	status = json_str(r->json, "status");
	if (status != NULL && strcmp(status, "valid") != 0)
		warnx("newAccount: the account is %s", esc(status));
	else if (r->location == NULL ||
	    http_url(r->location, host, sizeof(host), &port) == -1)
		warnx("newAccount: no account URL in the answer");
	else {
		a->account = xstrdup(r->location);
		signer_remember(a->signer, a->account);
		acme_status(a, "account", a->account, "valid");
		return 0;
	}
	acme_reply_free(r);
	return EX_ERR;
}

static int
new_account(struct acme *a, const char *payload)
{
	struct acme_reply r;
	int rc = acme_register(a, payload, &r);

	if (rc == 0)
		acme_reply_free(&r);
	else if (rc == EX_ERR && a->terms != NULL && !a->agree)
		warnx("newAccount: -Y agrees to the terms of service, %s",
		    esc(a->terms));
	return rc;
}

int
acme_login(struct acme *a, enum acme_login how)
{
	struct acme_reply r;
	int rc;

	if (how != ACME_AGAIN && a->key->account[0] != '\0') {
		free(a->account);
		a->account = xstrdup(a->key->account);
		return 0;
	}
	if (how != ACME_EXISTING)
		return new_account(a, a->agree ?
		    "{\"termsOfServiceAgreed\":true}" : "{}");
	rc = acme_register(a, "{\"onlyReturnExisting\":true}", &r);
	if (rc == 0)
		acme_reply_free(&r);
	return rc;
}

int
acme_confirm(struct acme *a, const char *account)
{
	struct acme_reply r;
	int rc;

	if ((rc = acme_register(a, "{\"onlyReturnExisting\":true}", &r)) != 0)
		return rc;
	acme_reply_free(&r);
	return strcmp(a->account, account) == 0 ? 0 : EX_ERR;
}
