/* SPDX-License-Identifier: ISC */
/* Fuzz target: JSON of a CA, its members and its problem documents. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acmeproblem.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is s not empty, shorter than max and without control characters? */
static int
is_safe(const char *s, size_t max)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return 0;
	return n > 0 && n < max;
}

/* Ask an object for what ACME would ask, and its arrays likewise. */
static void
ask(const struct json *obj, int depth)
{
	static const char *const names[] = {"type", "detail", "subproblems",
	    "identifier", "instance", "value", "status", "error", "challenges",
	    "authorizations", "meta", "newNonce", "token", "url", "v", ""};
	const struct json *a;
	size_t i, k, n;

	if (!is_safe(acme_problem(obj), ACME_PROBLEM_SIZE))
		abort();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		a = json_arr(obj, names[i]);
		if ((json_str(obj, names[i]) != NULL) +
		    (json_obj(obj, names[i]) != NULL) + (a != NULL) +
		    json_flag(obj, names[i]) > 1)
			abort();
		n = json_len(a);
		if (json_str_at(a, n) != NULL || json_obj_at(a, n) != NULL)
			abort();
		if (depth == 0)
			continue;
		ask(json_obj(obj, names[i]), depth - 1);
		for (k = 0; k < n && k < 4; k++)
			ask(json_obj_at(a, k), depth - 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[160] = "", *text, *again;
	struct json *j = json_parse((const char *)data, size, why), *k;

	if (j == NULL) {
		if (!is_safe(why, sizeof(why)))
			abort();
		return 0;
	}
	ask(j, 2);
	/* The text is one line that means the same. */
	text = json_text(j);
	if ((k = json_parse(text, strlen(text), why)) == NULL)
		abort();
	again = json_text(k);
	if (strpbrk(text, "\r\n\x1b") != NULL || strcmp(text, again) != 0)
		abort();
	json_free(j);
	json_free(k);
	free(text);
	free(again);
	return 0;
}
