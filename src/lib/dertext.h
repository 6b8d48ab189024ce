/* SPDX-License-Identifier: ISC */
/* What is in a certificate that der_cert() took, as text. */
#ifndef ECA_DERTEXT_H
#define ECA_DERTEXT_H

#include <stddef.h>

#include "der.h"

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
