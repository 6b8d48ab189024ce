/* SPDX-License-Identifier: ISC */
/* Fuzz target: a list of addresses; each entry holds its own address. */
#include <stdint.h>
#include <stdlib.h>

#include "addrlist.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct addrlist l = {NULL, 0};
	const struct addrnet *net;
	size_t i;

	addrlist_parse(&l, text, size, "fuzz");
	for (i = 0; i < l.n; i++) {
		net = addrlist_find(&l, &l.v[i].addr);
		if (l.v[i].bits > 128 || (l.v[i].bits >= 96 &&
		    (net == NULL || net > &l.v[i])))
			abort();
	}
	addrlist_free(&l);
	free(text);
	return 0;
}
