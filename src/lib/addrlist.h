/* SPDX-License-Identifier: ISC */
/*
 * Lists of IP addresses and networks (CIDR), IPv4 and IPv6.  An IPv4 address
 * mapped into IPv6 (::ffff:192.0.2.1) is that IPv4 address; a network of one
 * family holds no address of the other.  Links with libc only.
 */
#ifndef ECA_ADDRLIST_H
#define ECA_ADDRLIST_H

#include <stddef.h>

/* The most a list file may have. */
#define ADDRLIST_MAX ((size_t)1 << 20)

struct addr {
	unsigned char b[16];	/* IPv4 is mapped */
};

struct addrnet {
	struct addr addr;
	unsigned int bits;	/* of the 128 */
	unsigned int line;	/* in the file, else 0 */
};

/* {NULL, 0} is an empty list. */
struct addrlist {
	struct addrnet *v;
	size_t n;
};

/* An address without zone or prefix.  0, or -1 without a message. */
int addr_parse(struct addr *a, const char *text);

/*
 * Add an address or network/bits.  Returns NULL, or why it is refused: no
 * address, bits out of range, or bits set behind the prefix.
 */
const char *addrlist_add(struct addrlist *l, const char *text,
    unsigned int line);

/*
 * Add what a file ("-": standard input) has: one address or network a line,
 * blanks around it, # and what is behind it on a line passed over.  Returns 0,
 * or -1 with a message that has the number of the line; a file with no
 * address at all is refused too.
 */
int addrlist_load(struct addrlist *l, const char *path);
/* The same for a text of len bytes, which is cut up; name is for messages. */
int addrlist_parse(struct addrlist *l, char *text, size_t len,
    const char *name);

/* The first entry that holds the address, or NULL. */
const struct addrnet *addrlist_find(const struct addrlist *l,
    const struct addr *a);

/* Free what is in the list and empty it. */
void addrlist_free(struct addrlist *l);

#endif
