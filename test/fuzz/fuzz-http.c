/* SPDX-License-Identifier: ISC */
/* Fuzz target: header lines, Retry-After and URLs of a server. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "httpurl.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What any field value may be taken for. */
static void
take(const char *value)
{
	unsigned int port = 0;
	char host[64] = "";

	if (http_retry_after(value, 1445412480) < -1)
		abort();
	if (http_url(value, host, sizeof(host), &port) == 0 &&
	    (host[0] == '\0' || memchr(host, '\0', sizeof(host)) == NULL ||
	    port < 1 || port > 65535))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *eol, *line;
	struct http_fields f = {.n = 0};
	size_t i, n;
	char *text;

	for (line = p; line < end; line = eol) {
		eol = memchr(line, '\n', (size_t)(end - line));
		eol = eol == NULL ? end : eol + 1;
		n = f.n;
		if (http_field_add(&f, line, (size_t)(eol - line)) == -1 ?
		    f.n != n : f.n != 0 && f.n != n + 1)
			abort();
	}
	for (i = 0; i < f.n; i++) {
		if (f.v[i].name[0] == '\0' ||
		    strpbrk(f.v[i].name, ": \t\r\n") != NULL ||
		    strpbrk(f.v[i].value, "\r\n") != NULL ||
		    http_field(&f, f.v[i].name) == NULL)
			abort();
		take(f.v[i].value);
	}
	if (f.n > HTTP_FIELDS_MAX)
		abort();
	http_fields_free(&f);
	text = xstrndup(p, size);
	take(text);
	free(text);
	return 0;
}
