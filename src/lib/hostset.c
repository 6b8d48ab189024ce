/* SPDX-License-Identifier: ISC */
/* Sets of DNS names and addresses: see hostset.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dertext.h"
#include "hostset.h"
#include "util.h"

#define SEPARATORS " \t,"

struct set {
	char **v;
	size_t n;
};

static void
set_add(struct set *l, const char *text, size_t len)
{
	unsigned char ip[16];
	char *s = xstrndup(text, len), *p;
	int v6;

	for (p = s; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	v6 = strchr(s, ':') != NULL;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, s, ip) == 1) {
		s = xrealloc(s, INET6_ADDRSTRLEN);
		inet_ntop(v6 ? AF_INET6 : AF_INET, ip, s, INET6_ADDRSTRLEN);
	}
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = s;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
set_sort(struct set *l)
{
	size_t i, n = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	for (i = 0; i < l->n; i++)
		if (n > 0 && strcmp(l->v[n - 1], l->v[i]) == 0)
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	l->n = n;
}

static void
set_free(struct set *l)
{
	while (l->n > 0)
		free(l->v[--l->n]);
	free(l->v);
}

/* What der_next_san() gives for a mail address or URI is none. */
static int
is_host(const char *s, size_t len)
{
	return (len < 4 || memcmp(s, "URI:", 4) != 0) &&
	    (len < 6 || memcmp(s, "email:", 6) != 0);
}

int
hostset_differs(const char *want, struct der_span have)
{
	struct der_text text = DER_TEXT_INIT;
	struct set a = {NULL, 0}, b = {NULL, 0};
	size_t n, i = 0;

	for (; *(want += strspn(want, SEPARATORS)) != '\0'; want += n) {
		n = strcspn(want, SEPARATORS);
		set_add(&a, want, n);
	}
	while (der_next_san(&text, &have) != NULL)
		if (is_host(text.s, text.len))
			set_add(&b, text.s, text.len);
	der_text_free(&text);
	set_sort(&a);
	set_sort(&b);
	if (a.n == b.n)
		while (i < a.n && strcmp(a.v[i], b.v[i]) == 0)
			i++;
	n = a.n == b.n && i == a.n;
	set_free(&a);
	set_free(&b);
	return !n;
}
