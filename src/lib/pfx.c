/* SPDX-License-Identifier: ISC */
/* A key and its chain as PKCS#12: see pfx.h. */
#include <err.h>
#include <string.h>

#include <openssl/objects.h>
#include <openssl/pkcs12.h>

#include "io.h"
#include "key.h"
#include "ossl.h"
#include "pfx.h"
#include "util.h"

#define FILE_MAX 4096
#define SALT 16

char *
pfx_password(const char *path)
{
	size_t len = 0, n = 0;
	char *text = key_secret(path, FILE_MAX, &len), *password = NULL;

	if (text == NULL)
		return NULL;
	while (text[n] >= ' ' && text[n] <= '~')
		n++;
	if (n > 0 && n <= PFX_PASSWORD_MAX && (n == len || text[n] == '\n' ||
	    strncmp(text + n, "\r\n", 2) == 0))
		password = xstrndup(text, n);
	else
		warnx("%s: its first line is no password: 1 to %d printable "
		    "ASCII characters", io_name(path), PFX_PASSWORD_MAX);
	key_pem_free(text, len);
	return password;
}

unsigned char *
pfx_make(EVP_PKEY *key, STACK_OF(X509) *chain, const char *name,
    const char *password, size_t *len)
{
	STACK_OF(X509) *rest = sk_X509_dup(chain);
	X509 *leaf = sk_X509_shift(rest);
	unsigned char *der = NULL;
	PKCS12 *p12;
	int n = -1;

	p12 = PKCS12_create(password, name, key, leaf, rest, NID_aes_256_cbc,
	    NID_aes_256_cbc, PFX_ROUNDS, -1, 0);
	if (p12 != NULL && PKCS12_set_mac(p12, password, -1, NULL, SALT,
	    PFX_ROUNDS, EVP_sha256()) == 1)
		n = i2d_PKCS12(p12, &der);
	if (n <= 0) {
		ossl_warn("client.pfx", "cannot be made");
		der = NULL;
	} else
		*len = (size_t)n;
	PKCS12_free(p12);
	sk_X509_free(rest);
	return der;
}
