/* SPDX-License-Identifier: ISC */
/* Lists of IP addresses and networks: see addrlist.h. */
#include <arpa/inet.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "addrlist.h"
#include "io.h"
#include "util.h"

#define MAPPED_BITS 96
#define BLANKS " \t\r"

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
    0xff};

/* AF_INET or AF_INET6 as it was written, or -1. */
static int
parse(struct addr *a, const char *text)
{
	if (inet_pton(AF_INET, text, a->b + sizeof(mapped)) == 1) {
		memcpy(a->b, mapped, sizeof(mapped));
		return AF_INET;
	}
	return inet_pton(AF_INET6, text, a->b) == 1 ? AF_INET6 : -1;
}

int
addr_parse(struct addr *a, const char *text)
{
	return parse(a, text) == -1 ? -1 : 0;
}

static int
is_v4(const struct addr *a)
{
	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

/* Are the first bits of both the same? */
static int
same_bits(const struct addr *a, const struct addr *b, unsigned int bits)
{
	unsigned int n = bits / 8, rest = bits % 8;

	return memcmp(a->b, b->b, n) == 0 && (rest == 0 ||
	    ((a->b[n] ^ b->b[n]) >> (8 - rest)) == 0);
}

/* Is any bit set behind the first ones? */
static int
has_host(const struct addr *a, unsigned int bits)
{
	unsigned int i;

	for (i = bits; i < 128; i++)
		if ((a->b[i / 8] & 0x80u >> i % 8) != 0)
			return 1;
	return 0;
}

const char *
addrlist_add(struct addrlist *l, const char *text, unsigned int line)
{
	size_t n = strcspn(text, "/");
	char *address = xstrndup(text, n);
	struct addrnet net = {.bits = 128, .line = line};
	int family = parse(&net.addr, address);
	long long bits;

	free(address);
	if (family == -1)
		return "neither an IP address nor address/bits";
	if (text[n] == '/') {
		if (parse_num(text + n + 1, 0, family == AF_INET ? 32 : 128,
		    &bits) == -1)
			return "the bits behind the / are out of range";
		net.bits = (unsigned int)bits +
		    (family == AF_INET ? MAPPED_BITS : 0);
	}
	if (has_host(&net.addr, net.bits))
		return "bits are set behind the prefix";
	/* The room doubles whenever n is a power of two. */
	if ((l->n & (l->n - 1)) == 0)
		l->v = xrealloc(l->v, (l->n != 0 ? 2 * l->n : 1) *
		    sizeof(*l->v));
	l->v[l->n++] = net;
	return NULL;
}

/* One line, len bytes with a NUL behind. */
static const char *
add_line(struct addrlist *l, char *s, size_t len, unsigned int line)
{
	if (strlen(s) != len)
		return "a NUL in it";
	s[strcspn(s, "#")] = '\0';
	s += strspn(s, BLANKS);
	if (*s == '\0')
		return NULL;
	len = strcspn(s, BLANKS);
	if (s[len + strspn(s + len, BLANKS)] != '\0')
		return "more than one address on a line";
	s[len] = '\0';
	return addrlist_add(l, s, line);
}

int
addrlist_parse(struct addrlist *l, char *text, size_t len, const char *name)
{
	char *end = text + len, *s, *nl;
	size_t before = l->n;
	unsigned int line = 1;
	const char *why;

	for (s = text; s < end; s = nl + 1, line++) {
		if ((nl = memchr(s, '\n', (size_t)(end - s))) == NULL)
			nl = end;
		*nl = '\0';
		why = add_line(l, s, (size_t)(nl - s), line);
		if (why != NULL) {
			warnx("%s: line %u: %s: %s", name, line, esc(s), why);
			return -1;
		}
	}
	if (l->n == before) {
		warnx("%s: no address in it", name);
		return -1;
	}
	return 0;
}

int
addrlist_load(struct addrlist *l, const char *path)
{
	size_t len;
	char *buf;
	int rc;

	if ((buf = io_slurp(path, ADDRLIST_MAX, &len)) == NULL)
		return -1;
	rc = addrlist_parse(l, buf, len, io_name(path));
	free(buf);
	return rc;
}

/*
 * A network that covers the whole mapped range and more, such as ::/0, is one
 * of IPv6 only.
 */
const struct addrnet *
addrlist_find(const struct addrlist *l, const struct addr *a)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if ((l->v[i].bits >= MAPPED_BITS || !is_v4(a)) &&
		    same_bits(&l->v[i].addr, a, l->v[i].bits))
			return &l->v[i];
	return NULL;
}

void
addrlist_free(struct addrlist *l)
{
	free(l->v);
	l->v = NULL;
	l->n = 0;
}
