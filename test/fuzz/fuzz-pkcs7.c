/* SPDX-License-Identifier: ISC */
/* Fuzz target: bodies of EST, as base64 and as what is in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "estbody.h"
#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written in a form that says the same. */
static void
take(const uint8_t *der, size_t len)
{
	const char *why = NULL;
	STACK_OF(X509) *certs = est_certs(der, len, &why), *again;
	X509_REQ *req;
	unsigned char *out;
	size_t n;

	if ((certs == NULL) != (why != NULL))
		abort();
	if (certs != NULL) {
		out = est_certs_only(certs, &n);
		if ((again = est_certs(out, n, &why)) == NULL ||
		    sk_X509_num(again) != sk_X509_num(certs))
			abort();
		pem_certs_free(again);
		OPENSSL_free(out);
	}
	pem_certs_free(certs);
	why = NULL;
	if ((req = est_csr(der, len, &why)) == NULL && why == NULL)
		abort();
	X509_REQ_free(req);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	unsigned char *der, *back;
	size_t n, m, len;
	char *text;

	take(data, size);
	der = est_decode((const char *)data, size, &n, &why);
	if ((der == NULL) != (why != NULL))
		abort();
	if (der == NULL)
		return 0;
	text = est_encode(der, n, size & 1 ? 64 : 0, &len);
	back = est_decode(text, len, &m, &why);
	if (back == NULL || m != n || memcmp(back, der, n) != 0)
		abort();
	take(der, n);
	free(text);
	OPENSSL_free(back);
	OPENSSL_free(der);
	return 0;
}
