/* SPDX-License-Identifier: ISC */
/* A key and its chain: see pair.h. */
#include <err.h>

#include "chain.h"
#include "io.h"
#include "pair.h"
#include "pem.h"

STACK_OF(X509) *
pair_chain(const char *file, EVP_PKEY *key, time_t now)
{
	const struct chain_want want = {.key = key, .now = now};
	STACK_OF(X509) *chain = pem_load_certs(file, 1);
	unsigned int wrong;

	if (chain != NULL && (wrong = chain_check(chain, &want)) != 0) {
		warnx("%s: %s", io_name(file), chain_reasons(wrong));
		pem_certs_free(chain);
		chain = NULL;
	}
	return chain;
}
