/* SPDX-License-Identifier: ISC */
/* A walk through one DER certificate: see der.h. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "der.h"
#include "util.h"


int
der_next(struct der_span *in, unsigned int *tag, struct der_span *out)
{
	const unsigned char *p = in->p;
	size_t left = in->len, len, n;

	if (left < 2 || (p[0] & 0x1f) == 0x1f)
		return -1;
	*tag = p[0];
	len = p[1];
	p += 2;
	left -= 2;
	if (len >= 0x80) {
		n = len & 0x7f;
		if (n == 0 || n > 4 || n > left || p[0] == 0)
			return -1;
		for (len = 0; n > 0; n--, left--)
			len = len << 8 | *p++;
		if (len < 0x80)
			return -1;
	}
	if (len > left)
		return -1;
	out->p = p;
	out->len = len;
	in->p = p + len;
	in->len = left - len;
	return 0;
}

int
der_take(struct der_span *in, unsigned int tag, struct der_span *out)
{
	unsigned int got;

	return der_next(in, &got, out) == 0 && got == tag ? 0 : -1;
}

/* The same for one that may be missing. */
static int
skip_optional(struct der_span *in, unsigned int tag)
{
	struct der_span out;

	return in->len > 0 && in->p[0] == tag ? der_take(in, tag, &out) : 0;
}

/* The content of an INTEGER: the shortest form there is, not too long. */
static int
good_integer(struct der_span v)
{
	if (v.len == 0 || v.len > DER_SERIAL_MAX)
		return 0;
	return v.len == 1 || !((v.p[0] == 0 && v.p[1] < 0x80) ||
	    (v.p[0] == 0xff && v.p[1] >= 0x80));
}

static int
good_oid(struct der_span v)
{
	size_t i;

	if (v.len == 0 || v.len > DER_OID_MAX || v.p[v.len - 1] >= 0x80)
		return 0;
	for (i = 0; i < v.len; i++)
		if (v.p[i] == 0x80 && (i == 0 || v.p[i - 1] < 0x80))
			return 0;
	return 1;
}

int
der_next_attr(struct der_span *rdn, struct der_span *oid, unsigned int *tag,
    struct der_span *value, struct der_span *raw)
{
	struct der_span attr;

	if (der_take(rdn, DER_SEQUENCE, &attr) == -1 ||
	    der_take(&attr, DER_OID, oid) == -1)
		return -1;
	*raw = attr;
	return der_next(&attr, tag, value) == 0 && attr.len == 0 ? 0 : -1;
}

static int
good_name(struct der_span name)
{
	struct der_span rdn, oid, value, raw;
	unsigned int tag;
	int n;

	for (n = 0; name.len > 0; n++) {
		if (n == DER_RDN_MAX || der_take(&name, DER_SET, &rdn) == -1 ||
		    rdn.len == 0)
			return 0;
		while (rdn.len > 0)
			if (der_next_attr(&rdn, &oid, &tag, &value,
			    &raw) == -1 ||
			    !good_oid(oid))
				return 0;
	}
	return 1;
}

int
der_take_time(struct der_span *in, time_t *t)
{
	struct der_span v;
	unsigned int tag;
	struct tm tm;
	ASN1_TIME a;

	if (der_next(in, &tag, &v) == -1 || v.len > 15 ||
	    (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME))
		return -1;
	a.length = (int)v.len;
	a.type = (int)tag;
	a.data = (unsigned char *)(uintptr_t)v.p;
	a.flags = ASN1_STRING_FLAG_X509_TIME;
	if (ASN1_TIME_to_tm(&a, &tm) != 1) {
		ERR_clear_error();
		return -1;
	}
	*t = utc_seconds(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	return 0;
}

/* GeneralNames (RFC 5280 section 4.2.1.6), each of a kind there is. */
static int
good_sans(struct der_span names)
{
	static const unsigned char tags[] = {
		DER_CTX_CONS(0), DER_CTX(1), DER_CTX(2), DER_CTX_CONS(3),
		DER_CTX_CONS(4), DER_CTX_CONS(5), DER_CTX(6), DER_CTX(7),
		DER_CTX(8)
	};
	struct der_span v;
	unsigned int tag;

	while (names.len > 0)
		if (der_next(&names, &tag, &v) == -1 ||
		    memchr(tags, (int)tag, sizeof(tags)) == NULL ||
		    (tag == DER_CTX(7) && v.len != 4 && v.len != 16))
			return 0;
	return 1;
}

/* Find the names among the extensions, the content of tbs [3]. */
static int
walk_extensions(struct der_cert *c, struct der_span in)
{
	static const unsigned char san[] = {0x55, 0x1d, 0x11};
	struct der_span list, ext, oid, value;

	if (der_take(&in, DER_SEQUENCE, &list) == -1 || in.len != 0)
		return -1;
	while (list.len > 0) {
		if (der_take(&list, DER_SEQUENCE, &ext) == -1 ||
		    der_take(&ext, DER_OID, &oid) == -1 ||
		    skip_optional(&ext, DER_BOOLEAN) == -1 ||
		    der_take(&ext, DER_OCTET_STRING, &value) == -1 ||
		    ext.len != 0)
			return -1;
		if (oid.len != sizeof(san) ||
		    memcmp(oid.p, san, sizeof(san)) != 0)
			continue;
		if (c->names.p != NULL ||
		    der_take(&value, DER_SEQUENCE, &c->names) == -1 ||
		    value.len != 0 || !good_sans(c->names))
			return -1;
	}
	return 0;
}

/* TBSCertificate: NULL, or what is wrong with it. */
static const char *
walk_tbs(struct der_cert *c, struct der_span tbs)
{
	struct der_span v, version;

	if (tbs.len > 0 && tbs.p[0] == DER_CTX_CONS(0) &&
	    (der_take(&tbs, DER_CTX_CONS(0), &v) == -1 ||
	    der_take(&v, DER_INTEGER, &version) == -1 || v.len != 0 ||
	    version.len != 1 || version.p[0] > 2))
		return "version is not X.509 v1 to v3";
	if (der_take(&tbs, DER_INTEGER, &c->serial) == -1 ||
	    !good_integer(c->serial))
		return "broken serial number";
	if (der_take(&tbs, DER_SEQUENCE, &v) == -1)
		return "broken signature algorithm";
	if (der_take(&tbs, DER_SEQUENCE, &c->issuer) == -1 ||
	    !good_name(c->issuer))
		return "broken issuer";
	if (der_take(&tbs, DER_SEQUENCE, &v) == -1 ||
	    der_take_time(&v, &c->not_before) == -1 ||
	    der_take_time(&v, &c->not_after) == -1 || v.len != 0)
		return "broken validity";
	if (der_take(&tbs, DER_SEQUENCE, &c->subject) == -1 ||
	    !good_name(c->subject))
		return "broken subject";
	if (der_take(&tbs, DER_SEQUENCE, &v) == -1)
		return "broken public key";
	if (skip_optional(&tbs, DER_CTX(1)) == -1 ||
	    skip_optional(&tbs, DER_CTX(2)) == -1)
		return "broken unique identifier";
	if (tbs.len > 0 && (der_take(&tbs, DER_CTX_CONS(3), &v) == -1 ||
	    tbs.len != 0 || walk_extensions(c, v) == -1))
		return "broken extensions";
	return NULL;
}

int
der_cert(struct der_cert *c, const unsigned char *der, size_t len,
    const char **why)
{
	struct der_span in = {der, len}, cert, tbs, v;

	memset(c, 0, sizeof(*c));
	if (der_take(&in, DER_SEQUENCE, &cert) == -1 ||
	    der_take(&cert, DER_SEQUENCE, &tbs) == -1 ||
	    der_take(&cert, DER_SEQUENCE, &v) == -1 ||
	    der_take(&cert, DER_BIT_STRING, &v) == -1 || cert.len != 0)
		*why = "not a certificate in DER";
	else if (in.len != 0)
		*why = "bytes after the end of the certificate";
	else
		*why = walk_tbs(c, tbs);
	return *why == NULL ? 0 : -1;
}
