/* SPDX-License-Identifier: ISC */
/* Fuzz target: CSR attributes of a server, and what is made of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csrattrs.h"
#include "csrwant.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static EVP_PKEY *key;
	struct csr_extra extra = {NULL, NULL};
	struct jsonw w = JSONW_INIT;
	struct names none = {NULL, 0};
	const char *why = NULL, *text;
	char reason[160];
	struct json *j;

	if (key == NULL)
		key = EVP_EC_gen("P-256");
	/* The reader must bear anything. */
	csr_want((const char *)data, size, "fuzz", key, NULL, &none, &extra);
	sk_X509_EXTENSION_pop_free(extra.exts, X509_EXTENSION_free);
	extra.exts = NULL;
	if (csrattrs_json(&w, data, size, &why) == -1) {
		if (why == NULL || jsonw_text(&w)[0] != '\0')
			abort();
		jsonw_free(&w);
		return 0;
	}
	/* What the writer writes is JSON, and for the reader. */
	text = jsonw_text(&w);
	if ((j = json_parse(text, strlen(text), reason)) == NULL)
		abort();
	json_free(j);
	csr_want(text, strlen(text), "fuzz", key, NULL, &none, &extra);
	sk_X509_EXTENSION_pop_free(extra.exts, X509_EXTENSION_free);
	jsonw_free(&w);
	return 0;
}
