/* SPDX-License-Identifier: ISC */
/*
 * A walk through one DER certificate (RFC 5280 section 4.1) that takes what
 * says who it is for and how long it lives, and the steps of such a walk.  The
 * public key and the signature are stepped over, never decoded: that makes it
 * thirty times faster than d2i_X509().  Nothing is verified.  Links with
 * libcrypto.
 *
 *	struct der_text t = DER_TEXT_INIT;
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
 * accepts the functions below can all show.
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

/* Text in a buffer that grows; each function begins anew and ends in NUL. */
struct der_text {
	char *s;
	size_t len;
	size_t cap;
};

#define DER_TEXT_INIT {NULL, 0, 0}

void der_text_free(struct der_text *t);

/* The serial number as openssl prints it: 0A3F, -01, 00.  Or in decimal. */
const char *der_serial_hex(struct der_text *t, struct der_span serial);
const char *der_serial_dec(struct der_text *t, struct der_span serial);

/*
 * A name as RFC 4514 writes it, the most specific part first.  Besides the
 * types of its table serialNumber and emailAddress have a name; a type that
 * has none is a dotted OID with a #hex value, and so is a value that is no
 * text.  Control characters come as \XX: there is no NUL in it.
 */
const char *der_name(struct der_text *t, struct der_span name);

/*
 * The most specific CN of a name in UTF-8, nothing escaped: it may hold any
 * character, a NUL too (t->len counts).  NULL when there is none.
 */
const char *der_cn(struct der_text *t, struct der_span name);

/*
 * Take the first entry off names, the content of a SubjectAltName: a DNS name
 * or an IP address as it is, "email:" and "URI:" before these two; the other
 * kinds are passed over.  The bytes are the certificate's, t->len of them.
 * NULL at the end.
 */
const char *der_next_san(struct der_text *t, struct der_span *names);

#endif
