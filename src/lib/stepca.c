/* SPDX-License-Identifier: ISC */
/* step-ca's own interface: see stepca.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "csr.h"
#include "json.h"
#include "jsonw.h"
#include "ott.h"
#include "pem.h"
#include "stepca.h"
#include "util.h"

/* The most that is taken of an answer, and that a Retry-After counts for. */
#define ANSWER_MAX ((size_t)1 << 20)
#define RETRY_MAX (365LL * 86400)

/* Why the call failed, and with what code. */
static int __attribute__((format(printf, 3, 4)))
fail(struct stepca *ca, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ca->why, sizeof(ca->why), fmt, ap);
	va_end(ap);
	return rc;
}

/* An answer that is not the one hoped for. */
static int
refused(struct stepca *ca, const char *url, const struct http_answer *a)
{
	int rc = a->status >= 500 || a->status == 429 ? EX_TEMP : EX_ERR;
	long long wait = http_retry_after(http_field(&a->fields,
	    "Retry-After"), time(NULL));
	char why[160];
	struct json *j = json_parse(a->body, a->len, why);
	const char *message = json_str(j, "message");

	if (rc == EX_TEMP && wait >= 0)
		ca->retry_at = time(NULL) + (wait < RETRY_MAX ? wait :
		    RETRY_MAX);
	if (message != NULL)
		fail(ca, rc, "%s: %d %s", esc(url), a->status, esc(message));
	else
		fail(ca, rc, "%s: %d, not an answer of step-ca: %s", esc(url),
		    a->status, a->len == 0 ? "nothing" :
		    escn(a->body, a->len < 80 ? a->len : 80));
	json_free(j);
	return rc;
}

/* POST text, once.  The answer is freed by the caller when this is 0. */
static int
post(struct stepca *ca, const char *url, const char *text,
    struct http_answer *a)
{
	const struct http_request req = {.method = "POST", .url = url,
	    .accept = "application/json", .type = "application/json",
	    .body = text, .len = strlen(text), .max = ANSWER_MAX};
	int rc = http_do(ca->http, &req, a);

	ca->status = rc == 0 ? a->status : 0;
	ca->retry_at = 0;
	if (rc != 0)
		fail(ca, rc, "%s: %s", esc(url), esc(http_error(ca->http)));
	return rc;
}

/* The certificates of an answer, one PEM text behind the other. */
static char *
chain_text(const struct json *j)
{
	const struct json *list = json_arr(j, "certChain");
	const char *leaf = json_str(j, "crt"), *ca = json_str(j, "ca");
	char *text, *more;
	size_t i;

	if (json_len(list) == 0)
		return leaf == NULL ? NULL : xasprintf("%s\n%s", leaf,
		    ca != NULL ? ca : "");
	text = xstrdup("");
	for (i = 0; i < json_len(list); i++) {
		if ((leaf = json_str_at(list, i)) == NULL) {
			free(text);
			return NULL;
		}
		more = xasprintf("%s%s\n", text, leaf);
		free(text);
		text = more;
	}
	return text;
}

static int
judge(struct stepca *ca, STACK_OF(X509) *certs,
    const struct stepca_order *want, char **chain, size_t *len)
{
	const struct chain_want w = {.anchors = want->anchors,
	    .key = X509_REQ_get0_pubkey(want->csr), .names = want->names,
	    .now = want->now};
	unsigned int bad = chain_check(certs, &w);

	if (bad != 0)
		return fail(ca, EX_ERR, "certificate: what the CA issued is "
		    "not accepted: %s", chain_reasons(bad));
	if ((*chain = pem_text(certs, 0, len)) == NULL)
		return fail(ca, EX_ERR, "certificate: cannot be written");
	return 0;
}

/* The chain in an answer that says yes. */
static int
take_chain(struct stepca *ca, const char *url, const struct http_answer *a,
    const struct stepca_order *want, char **chain, size_t *len)
{
	STACK_OF(X509) *certs = NULL;
	char why[160], *text = NULL;
	struct json *j = json_parse(a->body, a->len, why);
	int rc;

	if (j == NULL)
		rc = fail(ca, EX_ERR, "%s: %d, not an answer of step-ca: %s",
		    esc(url), a->status, why);
	else if ((text = chain_text(j)) == NULL)
		rc = fail(ca, EX_ERR, "%s: %d without a certificate", esc(url),
		    a->status);
	else if ((certs = pem_certs(text, strlen(text), "certificate", 1)) ==
	    NULL)
		rc = fail(ca, EX_ERR, "%s: %d without certificates that can "
		    "be read", esc(url), a->status);
	else
		rc = judge(ca, certs, want, chain, len);
	pem_certs_free(certs);
	free(text);
	json_free(j);
	return rc;
}

/* The body of /sign, for the caller to free. */
static char *
sign_body(const struct stepca_order *want)
{
	struct jsonw w = JSONW_INIT;
	char *body, *pem;
	size_t len;

	if ((pem = csr_pem(want->csr, &len)) == NULL)
		return NULL;
	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "csr", pem);
	jsonw_str(&w, "ott", want->ott);
	if (want->not_before != 0)
		jsonw_time(&w, "notBefore", want->not_before);
	if (want->not_after != 0)
		jsonw_time(&w, "notAfter", want->not_after);
	jsonw_end(&w, '}');
	body = xstrdup(jsonw_text(&w));
	jsonw_free(&w);
	free(pem);
	return body;
}

int
stepca_sign(struct stepca *ca, const struct stepca_order *want, char **chain,
    size_t *len)
{
	struct http_answer a;
	char *url, *body = NULL;
	int rc;

	if ((url = ott_url(ca->url, "sign", NULL)) == NULL ||
	    (body = sign_body(want)) == NULL)
		rc = fail(ca, EX_ERR, "%s: cannot be asked", esc(ca->url));
	else if ((rc = post(ca, url, body, &a)) == 0) {
		rc = a.status == 200 || a.status == 201 ?
		    take_chain(ca, url, &a, want, chain, len) :
		    refused(ca, url, &a);
		http_answer_free(&a);
	}
	free(body);
	free(url);
	return rc;
}

static char *
revoke_body(const struct stepca_revocation *r)
{
	struct jsonw w = JSONW_INIT;
	char *body;

	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "serial", r->serial);
	if (r->ott != NULL)
		jsonw_str(&w, "ott", r->ott);
	if (r->reason >= 0)
		jsonw_num(&w, "reasonCode", r->reason);
	jsonw_bool(&w, "passive", 1);
	jsonw_end(&w, '}');
	body = xstrdup(jsonw_text(&w));
	jsonw_free(&w);
	return body;
}

/* {"status":"ok"} is the yes of /revoke. */
static int
says_ok(const struct http_answer *a)
{
	char why[160];
	struct json *j = json_parse(a->body, a->len, why);
	const char *status = json_str(j, "status");
	int ok = a->status == 200 && status != NULL &&
	    strcmp(status, "ok") == 0;

	json_free(j);
	return ok;
}

int
stepca_revoke(struct stepca *ca, const struct stepca_revocation *r,
    int *already)
{
	struct http_answer a;
	char *url, *body;
	int rc;

	*already = 0;
	if ((url = ott_url(ca->url, "revoke", NULL)) == NULL)
		return fail(ca, EX_ERR, "%s: cannot be asked", esc(ca->url));
	body = revoke_body(r);
	if ((rc = post(ca, url, body, &a)) == 0) {
		if (!says_ok(&a))
			rc = refused(ca, url, &a);
		/* Its only sign of this is the text. */
		if (rc == EX_ERR && a.status == 400 &&
		    strstr(ca->why, "is already revoked") != NULL) {
			*already = 1;
			rc = 0;
		}
		http_answer_free(&a);
	}
	free(body);
	free(url);
	return rc;
}
