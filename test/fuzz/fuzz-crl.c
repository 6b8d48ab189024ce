/* SPDX-License-Identifier: ISC */
/* Fuzz target: a revocation list, its entries, and what it says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crljudge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A certificate by the issuer of the list, with a serial number of one byte. */
static X509 *
leaf(const struct crl *c, int serial)
{
	X509 *x = X509_new();

	if (x == NULL || X509_set_issuer_name(x, c->issuer) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(x), serial) != 1 ||
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) == NULL)
		abort();
	return x;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char one = 1;
	struct crl_want want = {.serial = {&one, 1}};
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct crl_policy policy = {.now = 1800000000};
	struct crl_verdict v;
	const char *why;
	struct crl *c = crl_new((const char *)data, size, &why);

	if (c == NULL && why == NULL)
		abort();
	if (c != NULL) {
		if (crl_lookup(c, &want, 1) == 0 && c->entries > size)
			abort();
		if (want.listed)
			crl_reason(want.reason);
		crl_older(c, c);
		crl_fresh(c, &policy);
		sk_X509_push(certs, leaf(c, 1));
		crl_judge(&c, 1, CRL_MISSING, certs, &policy, &v);
		/* nobody has signed this */
		if (v.status != CRL_UNKNOWN || crl_word(v.why) == NULL)
			abort();
	}
	crl_free(c);
	sk_X509_pop_free(certs, X509_free);
	return 0;
}
