/* SPDX-License-Identifier: ISC */
/* The certificates of a PEM text: see certwalk.h. */
#include <err.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>

#include "certwalk.h"
#include "pem.h"
#include "util.h"

/* One PEM block.  0, or -1 with a message. */
static int
block(const char *name, size_t *count, const char *type, unsigned char *der,
    size_t len, certwalk_fn *each, void *arg)
{
	struct der_cert c;
	const char *why;

	if (!pem_is_cert(type) && strcmp(type, "TRUSTED CERTIFICATE") != 0) {
		OPENSSL_cleanse(der, len);
		return 0;
	}
	++*count;
	if (der_cert(&c, der, len, &why) == -1) {
		warnx("%s: certificate %zu: %s", name, *count, why);
		return -1;
	}
	each(arg, &c);
	return 0;
}

int
certwalk(const char *pem, size_t len, const char *name, certwalk_fn *each,
    void *arg)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	unsigned char *der;
	size_t count = 0;
	long derlen;
	char *type;
	int rc;

	if (bio == NULL)
		errx(EX_ERR, "memory: exhausted");
	while ((rc = pem_next(bio, name, &type, &der, &derlen)) == 1) {
		rc = block(name, &count, type, der, (size_t)derlen, each, arg);
		OPENSSL_free(type);
		OPENSSL_free(der);
		if (rc == -1)
			break;
	}
	BIO_free(bio);
	if (rc != -1 && count == 0) {
		warnx("%s: no certificate in PEM form found", name);
		rc = -1;
	}
	return rc;
}

long long
certwalk_tenths(const struct der_cert *c, time_t now)
{
	long long whole = c->not_after - c->not_before;
	long long left = c->not_after - now;

	if (whole <= 0 || left <= 0)
		return 0;
	return left >= whole ? 1000 : (left * 1000 + whole - 1) / whole;
}
