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

static void *
mem_alloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size == 0 ? NULL : xmalloc(size);
}

static void
mem_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void *
mem_realloc(void *p, size_t size, const char *file, int line)
{
	if (size != 0)
		return xrealloc(p, size);
	mem_free(p, file, line);
	return NULL;
}

void
ossl_memory(void)
{
	CRYPTO_set_mem_functions(mem_alloc, mem_realloc, mem_free);
	/* Its clean-up would wait for locks that the failed call holds. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

void
ossl_reader(void)
{
	ossl_memory();
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_ATEXIT, NULL);
}

void
ossl_maker(void)
{
	uint64_t opts = OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
	    OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
	    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT;

	if (getenv("OPENSSL_CONF") == NULL)
		opts |= OPENSSL_INIT_NO_LOAD_CONFIG;
	ossl_memory();
	/* Before a configuration is read, so that what it says wins. */
	RAND_set_DRBG_type(NULL, "HASH-DRBG", NULL, NULL, "SHA256");
	OPENSSL_init_crypto(opts, NULL);
}
