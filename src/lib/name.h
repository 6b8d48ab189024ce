/* SPDX-License-Identifier: ISC */
/*
 * Names a certificate is for: subjectAltName of RFC 5280 section 4.2.1.6, IP
 * names as RFC 8738 wants them, matching as RFC 9525 says.  The common name
 * of a subject is never looked at.  Links with libcrypto.
 */
#ifndef ECA_NAME_H
#define ECA_NAME_H

#include <stddef.h>

#include <openssl/x509.h>

enum {
	NAME_DNS,	/* lower case A-labels, maybe *. in front */
	NAME_IP,	/* text: dotted quad, or RFC 5952 */
	NAME_URI,
	NAME_EMAIL,	/* the domain in lower case */
	NAME_OTHER	/* only from names_show(): value says what it is */
};

struct name {
	int type;
	char *value;
};

/* A list in the order of its making; {NULL, 0} is an empty one. */
struct names {
	struct name *v;
	size_t n;
};

/* The most names names_add() takes. */
#define NAMES_MAX 1000

/*
 * Check text and add it in its canonical form; a name that is there already
 * is not added again.  Returns 0, or -1 with a message that says why text is
 * refused.  NAME_DNS: letters, digits and hyphens, labels of 1 to 63, 253
 * together, no dot at the end, the last label not a number, "*" only as the
 * whole first label with two more behind it, xn-- labels that RFC 3492
 * decodes; anything not ASCII is refused.  NAME_IP: an address without zone
 * or prefix.  NAME_URI: RFC 3986 with a scheme.  NAME_EMAIL: one local@domain.
 */
int names_add(struct names *l, int type, const char *text);

/* NAME_IP when text is an IP address, else NAME_DNS. */
int name_kind(const char *text);

/*
 * Add the subject alternative names of a certificate or a CSR, none being no
 * error.  Returns 0, or -1 with a message about subject when there is one
 * that names_add() refuses, one with a NUL in it, or one of another type.
 */
int names_from_cert(struct names *l, const X509 *cert, const char *subject);
int names_from_csr(struct names *l, X509_REQ *req, const char *subject);

/*
 * Add the names of a certificate or CSR as they are, for a reader or for
 * names_equal(): what names_add() would refuse comes out escaped and equals
 * no name that it took.  No messages, no limit.
 */
void names_show(struct names *l, const X509 *cert);
void names_show_csr(struct names *l, X509_REQ *req);

/* Why names_add() would refuse a name that was shown so, or NULL. */
const char *name_fault(const struct name *name);

/* Are these the same names, whatever their order?  1 or 0. */
int names_equal(const struct names *a, const struct names *b);

/*
 * The extension with all the names (not empty), critical when asked: it has
 * to be when the subject is empty.  NULL with a message; freed with
 * X509_EXTENSION_free().
 */
X509_EXTENSION *names_to_ext(const struct names *l, int critical);

/*
 * Is the certificate good for name (RFC 9525 section 6)?  An IP address is
 * compared with the iPAddress names, anything else with the dNSName ones; a
 * wildcard stands for exactly one label.  1 or 0.
 */
int name_matches(X509 *cert, const char *name);

/* Free what is in the list and empty it. */
void names_free(struct names *l);

#endif
