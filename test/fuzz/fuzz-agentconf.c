/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a file of the agents' configuration, JSON when it begins with
 * {, and what is taken of it once more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agentfile.h"
#include "agentvalue.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *again, *why;
	struct agentfile f;
	int key;

	memcpy(text, data, size);
	text[size] = '\0';
	agentfile_begin(&f, "fuzz");
	agentfile_text(&f, text, size, *text == '{' ? AF_JSON : AF_DEFAULTS);
	for (key = 0; key < AC_KEYS; key++) {
		if (f.value[key] == NULL)
			continue;
		/* It is one line, and the canonical form is canonical. */
		if (!f.given[key] || strchr(f.value[key], '\n') != NULL)
			abort();
		again = agentvalue_take((enum agentconf_key)key, f.value[key],
		    &why);
		if (again == NULL || strcmp(again, f.value[key]) != 0)
			abort();
		free(again);
	}
	agentfile_free(&f);
	free(text);
	return 0;
}
