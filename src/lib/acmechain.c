/* SPDX-License-Identifier: ISC */
/* The chain of a finished order: see acmechain.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acmechain.h"
#include "chain.h"
#include "pem.h"
#include "util.h"

#define ALTERNATES 20

/* What is wrong with the chain: CHAIN_ bits. */
static unsigned int
judge(STACK_OF(X509) *certs, const struct order_want *want,
    STACK_OF(X509) *anchors)
{
	const struct chain_want w = {.anchors = anchors,
	    .key = X509_REQ_get0_pubkey(want->csr), .names = want->names,
	    .now = want->now != ORDER_AT_ISSUE ? want->now : time(NULL)};

	return chain_check(certs, &w);
}

static int
has_fingerprint(X509 *cert, const char *hex)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;
	char text[65];

	if (X509_digest(cert, EVP_sha256(), md, &n) != 1 || n != 32)
		return 0;
	for (i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", md[i]);
	return strcasecmp(text, hex) == 0;
}

/* Does the chain lead to the anchor with this fingerprint? */
static int
leads_to(STACK_OF(X509) *certs, const struct order_want *want,
    const char *hex)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	int i, yes = 0;

	for (i = 0; one != NULL && i < sk_X509_num(want->anchors); i++)
		if (has_fingerprint(sk_X509_value(want->anchors, i), hex) &&
		    sk_X509_push(one, sk_X509_value(want->anchors, i)) > 0)
			yes = judge(certs, want, one) == 0;
	sk_X509_free(one);
	return yes;
}

/* Is this the chain that was asked for? */
static int
is_wanted(STACK_OF(X509) *certs, const struct order_want *want)
{
	const char *name = want->alternate;
	X509 *last = sk_X509_value(certs, sk_X509_num(certs) - 1);
	char cn[256];

	if (strlen(name) == 64 && name[strspn(name,
	    "0123456789abcdefABCDEF")] == '\0')
		return leads_to(certs, want, name);
	return X509_NAME_get_text_by_NID(X509_get_issuer_name(last),
	    NID_commonName, cn, sizeof(cn)) > 0 && strcmp(cn, name) == 0;
}

/* The certificates at url; r stays for its links, the caller frees both. */
static int
fetch(struct acme *a, const char *url, struct acme_reply *r,
    STACK_OF(X509) **certs)
{
	int rc;

	if ((rc = acme_call(a, "certificate", url, "", r)) != 0)
		return rc;
	if ((*certs = pem_certs(r->body, r->len, "certificate", 1)) == NULL) {
		acme_reply_free(r);
		return EX_ERR;
	}
	return 0;
}

/* Put the alternate that is wanted in the place of *certs, if there is one. */
static void
choose(struct acme *a, const char *url, const struct acme_reply *first,
    const struct order_want *want, STACK_OF(X509) **certs)
{
	STACK_OF(X509) *other;
	struct acme_reply r;
	char *alt;
	size_t i;

	for (i = 0; i < ALTERNATES && (alt = http_link(&first->fields, url,
	    "alternate", i)) != NULL; i++) {
		if (fetch(a, alt, &r, &other) == 0) {
			acme_reply_free(&r);
			if (is_wanted(other, want)) {
				pem_certs_free(*certs);
				*certs = other;
				free(alt);
				return;
			}
			pem_certs_free(other);
		}
		free(alt);
	}
	warnx("certificate: no chain to %s is offered; taking the first",
	    esc(want->alternate));
}

int
acme_chain(struct acme *a, const char *url, const struct order_want *want,
    char **chain, size_t *len)
{
	STACK_OF(X509) *certs;
	struct acme_reply r;
	unsigned int bad;
	int rc;

	if ((rc = fetch(a, url, &r, &certs)) != 0)
		return rc;
	if (want->alternate != NULL && !is_wanted(certs, want))
		choose(a, url, &r, want, &certs);
	acme_reply_free(&r);
	if ((bad = judge(certs, want, want->anchors)) != 0) {
		warnx("certificate: what the CA issued is not accepted: %s",
		    chain_reasons(bad));
		rc = EX_ERR;
	} else if ((*chain = pem_text(certs, 0, len)) == NULL)
		rc = EX_ERR;
	pem_certs_free(certs);
	return rc;
}
