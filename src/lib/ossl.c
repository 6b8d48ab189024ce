/* SPDX-License-Identifier: ISC */
/* OpenSSL errors in our form of message: see ossl.h. */
#include <err.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "ossl.h"
#include "util.h"

void
ossl_warn(const char *subject, const char *fallback)
{
	unsigned long e = ERR_get_error();
	const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;

	warnx("%s: %s", subject, reason != NULL ? esc(reason) : fallback);
	ERR_clear_error();
}

/* Where there was no memory for a start, the next call would crash. */
static void
started(int ok)
{
	if (ok != 1 || OSSL_LIB_CTX_get0_global_default() == NULL)
		errx(EX_ERR, "OpenSSL: cannot be started");
}

void
ossl_reader(void)
{
	started(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_ATEXIT, NULL));
}

void
ossl_maker(void)
{
	uint64_t opts = OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
	    OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
	    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT;

	if (getenv("OPENSSL_CONF") == NULL)
		opts |= OPENSSL_INIT_NO_LOAD_CONFIG;
	started(1);
	/* Before a configuration is read, so that what it says wins. */
	started(RAND_set_DRBG_type(NULL, "HASH-DRBG", NULL, NULL, "SHA256"));
	started(OPENSSL_init_crypto(opts, NULL));
}
