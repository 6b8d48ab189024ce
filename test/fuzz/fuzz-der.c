/* SPDX-License-Identifier: ISC */
/* Fuzz target: the walk through a certificate, and all its texts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "der.h"
#include "dertext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	const char *why, *s;

	if (der_cert(&c, data, size, &why) == -1) {
		if (why == NULL)
			abort();
		return 0;
	}
	s = der_name(&t, c.subject);
	if (strlen(s) != t.len)
		abort();
	s = der_name(&t, c.issuer);
	if (strlen(s) != t.len)
		abort();
	s = der_serial_hex(&t, c.serial);
	if (s[strspn(s, "-0123456789ABCDEF")] != '\0' || t.len < 2)
		abort();
	s = der_serial_dec(&t, c.serial);
	if (s[strspn(s, "-0123456789")] != '\0' || t.len < 1)
		abort();
	if (der_cn(&t, c.subject) != NULL && t.s[t.len] != '\0')
		abort();
	while (der_next_san(&t, &c.names) != NULL)
		if (t.s[t.len] != '\0')
			abort();
	der_text_free(&t);
	return 0;
}
