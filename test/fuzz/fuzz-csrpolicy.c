/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a policy as KEY=value data, a NUL, and a certificate request in
 * DER that is judged by it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csrpolicy.h"
#include "keyval.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size == 0 ? NULL : memchr(data, 0, size);
	size_t n = nul == NULL ? size : (size_t)(nul - data), len;
	char *text = xstrndup((const char *)data, n), *what = NULL;
	struct csrpolicy *p = csrpolicy_new();
	struct jsonw w = JSONW_INIT;
	struct csrfacts f;

	keyval_parse(text, n, "policy", csrpolicy_set, p);
	if (nul != NULL && csrfacts_der(&f, nul + 1, size - n - 1, "fuzz") ==
	    0) {
		if (csrpolicy_check(&f, p, NULL, &what) >> CSRPOLICY_BITS != 0)
			abort();
		csrfacts_json(&f, &w);
		csrfacts_challenge(&f, &len);
		jsonw_free(&w);
		free(what);
	}
	if (nul != NULL)
		csrfacts_free(&f);
	csrpolicy_free(p);
	free(text);
	return 0;
}
