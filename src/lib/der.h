/* SPDX-License-Identifier: ISC */
/*
 * A walk through one DER certificate (RFC 5280 section 4.1) that takes what
 * says who it is for and how long it lives, and the steps of such a walk.  The
 * public key and the signature are stepped over, never decoded: that makes it
 * thirty times faster than d2i_X509().  Nothing is verified.  Links with
 * libcrypto.
 *
 *	struct der_text t = DER_TEXT_INIT;		see dertext.h
 *	if (der_cert(&c, der, len, &why) == -1)
 *		warnx("%s: %s", name, why);
 *	else
 *		puts(der_name(&t, c.subject));
 *	der_text_free(&t);
 */
#ifndef ECA_DER_H
#define ECA_DER_H

#include <stddef.h>
#include <time.h>

/* Tags with their class and form. */
#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_ENUMERATED 0x0a
#define DER_UTF8 0x0c
#define DER_PRINTABLE 0x13
#define DER_IA5 0x16
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CTX(n) (0x80u | (n))	/* [n], primitive */
#define DER_CTX_CONS(n) (0xa0u | (n))	/* [n], constructed */

/* The longest that der_cert() takes, in bytes or parts. */
#define DER_SERIAL_MAX 64
#define DER_OID_MAX 64
#define DER_RDN_MAX 128

/* A piece of the certificate, owned by whoever owns the certificate. */
struct der_span {
	const unsigned char *p;
	size_t len;
};

struct der_cert {
	struct der_span serial;		/* content of the INTEGER */
	struct der_span issuer;		/* content of the Name */
	struct der_span subject;
	struct der_span names;		/* content of SubjectAltName, if any */
	time_t not_before;
	time_t not_after;
};

/*
 * Walk the len bytes at der, which must be one certificate in DER and nothing
 * else.  Returns 0, or -1 with the reason, a constant, in *why.  What it
 * accepts the functions of dertext.h can all show.
 */
int der_cert(struct der_cert *c, const unsigned char *der, size_t len,
    const char **why);

/* The steps of a walk through any DER.  0, or -1 without a message. */

/* Take the first element off in: its tag, one byte, and its content. */
int der_next(struct der_span *in, unsigned int *tag, struct der_span *out);
/* The same for an element that must have this tag. */
int der_take(struct der_span *in, unsigned int tag, struct der_span *out);
/* Take a Time that RFC 5280 section 4.1.2.5 allows. */
int der_take_time(struct der_span *in, time_t *t);

/*
 * Take one AttributeTypeAndValue off an RDN: its type, the tag and content of
 * its value, and in raw the value with its header.
 */
int der_next_attr(struct der_span *rdn, struct der_span *oid,
    unsigned int *tag, struct der_span *value, struct der_span *raw);

#endif
