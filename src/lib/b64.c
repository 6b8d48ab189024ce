/* SPDX-License-Identifier: ISC */
/* base64url: see b64.h. */
#include <stdlib.h>
#include <string.h>

#include "b64.h"
#include "util.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *
b64url(const void *buf, size_t len)
{
	const unsigned char *p = buf;
	char *out = xmalloc(len / 3 * 4 + 5), *o = out;
	unsigned long v;
	size_t i, n;

	for (i = 0; i < len; i += 3) {
		n = len - i < 3 ? len - i : 3;
		v = (unsigned long)p[i] << 16;
		if (n > 1)
			v |= (unsigned long)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		if (n > 1)
			*o++ = alphabet[v >> 6 & 63];
		if (n > 2)
			*o++ = alphabet[v & 63];
	}
	*o = '\0';
	return out;
}

static int
value(char c)
{
	const char *p = c == '\0' ? NULL : strchr(alphabet, c);

	return p == NULL ? -1 : (int)(p - alphabet);
}

unsigned char *
b64url_decode(const char *text, size_t *len)
{
	size_t n = strlen(text), i;
	unsigned char *out, *o;
	unsigned int acc = 0, bits = 0;
	int v;

	if (n % 4 == 1)
		return NULL;
	o = out = xmalloc(n / 4 * 3 + 4);
	for (i = 0; i < n; i++) {
		if ((v = value(text[i])) == -1)
			break;
		acc = acc << 6 | (unsigned int)v;
		if ((bits += 6) >= 8) {
			bits -= 8;
			*o++ = (unsigned char)(acc >> bits);
			acc &= (1u << bits) - 1;
		}
	}
	if (i < n || acc != 0) {
		free(out);
		return NULL;
	}
	*o = '\0';
	*len = (size_t)(o - out);
	return out;
}

int
b64url_ok(const char *text)
{
	return *text != '\0' && text[strspn(text, alphabet)] == '\0';
}
