/* SPDX-License-Identifier: ISC */
/* Fuzz target: PEM blocks, and the stack of certificates made of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>

#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BIO *bio;
	STACK_OF(X509) *certs;
	unsigned char *der;
	char *label, *text;
	size_t textlen;
	long len;
	int rc;

	if (size == 0)
		return 0;
	if ((bio = BIO_new_mem_buf(data, (int)size)) == NULL)
		abort();
	while ((rc = pem_next(bio, "fuzz", &label, &der, &len)) == 1) {
		if (len < 0)
			abort();
		OPENSSL_free(label);
		OPENSSL_free(der);
	}
	/* No block may be left behind. */
	textlen = (size_t)BIO_get_mem_data(bio, &text);
	if (rc == 0 && textlen > 0 &&
	    memmem(text, textlen, "-----BEGIN ", 11) != NULL)
		abort();
	BIO_free(bio);
	certs = pem_certs((const char *)data, size, "fuzz", size & 1);
	if (certs != NULL && (text = pem_text(certs, 0, &textlen)) != NULL)
		free(text);
	pem_certs_free(certs);
	return 0;
}
