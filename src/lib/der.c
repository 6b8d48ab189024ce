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

#define T_BOOLEAN 0x01
#define T_INTEGER 0x02
#define T_BIT_STRING 0x03
#define T_OCTET_STRING 0x04
#define T_OID 0x06
#define T_UTF8 0x0c
#define T_PRINTABLE 0x13
#define T_IA5 0x16
#define T_UTC_TIME 0x17
#define T_GENERALIZED_TIME 0x18
#define T_SEQUENCE 0x30
#define T_SET 0x31
#define CTX(n) (0x80u | (n))		/* [n], primitive */
#define CTX_CONS(n) (0xa0u | (n))	/* [n], constructed */

#define SERIAL_MAX 64
#define OID_MAX 64
#define RDN_MAX 128

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
	if (v.len == 0 || v.len > SERIAL_MAX)
		return 0;
	return v.len == 1 || !((v.p[0] == 0 && v.p[1] < 0x80) ||
	    (v.p[0] == 0xff && v.p[1] >= 0x80));
}

static int
good_oid(struct der_span v)
{
	size_t i;

	if (v.len == 0 || v.len > OID_MAX || v.p[v.len - 1] >= 0x80)
		return 0;
	for (i = 0; i < v.len; i++)
		if (v.p[i] == 0x80 && (i == 0 || v.p[i - 1] < 0x80))
			return 0;
	return 1;
}

/* Take one AttributeTypeAndValue off rdn; raw is the value with its header. */
static int
next_attr(struct der_span *rdn, struct der_span *oid, unsigned int *tag,
    struct der_span *value, struct der_span *raw)
{
	struct der_span attr;

	if (der_take(rdn, T_SEQUENCE, &attr) == -1 ||
	    der_take(&attr, T_OID, oid) == -1)
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
		if (n == RDN_MAX || der_take(&name, T_SET, &rdn) == -1 ||
		    rdn.len == 0)
			return 0;
		while (rdn.len > 0)
			if (next_attr(&rdn, &oid, &tag, &value, &raw) == -1 ||
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
	    (tag != T_UTC_TIME && tag != T_GENERALIZED_TIME))
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
	static const unsigned char tags[] = {CTX_CONS(0), CTX(1), CTX(2),
	    CTX_CONS(3), CTX_CONS(4), CTX_CONS(5), CTX(6), CTX(7), CTX(8)};
	struct der_span v;
	unsigned int tag;

	while (names.len > 0)
		if (der_next(&names, &tag, &v) == -1 ||
		    memchr(tags, (int)tag, sizeof(tags)) == NULL ||
		    (tag == CTX(7) && v.len != 4 && v.len != 16))
			return 0;
	return 1;
}

/* Find the names among the extensions, the content of tbs [3]. */
static int
walk_extensions(struct der_cert *c, struct der_span in)
{
	static const unsigned char san[] = {0x55, 0x1d, 0x11};
	struct der_span list, ext, oid, value;

	if (der_take(&in, T_SEQUENCE, &list) == -1 || in.len != 0)
		return -1;
	while (list.len > 0) {
		if (der_take(&list, T_SEQUENCE, &ext) == -1 ||
		    der_take(&ext, T_OID, &oid) == -1 ||
		    skip_optional(&ext, T_BOOLEAN) == -1 ||
		    der_take(&ext, T_OCTET_STRING, &value) == -1 ||
		    ext.len != 0)
			return -1;
		if (oid.len != sizeof(san) ||
		    memcmp(oid.p, san, sizeof(san)) != 0)
			continue;
		if (c->names.p != NULL ||
		    der_take(&value, T_SEQUENCE, &c->names) == -1 ||
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

	if (tbs.len > 0 && tbs.p[0] == CTX_CONS(0) &&
	    (der_take(&tbs, CTX_CONS(0), &v) == -1 ||
	    der_take(&v, T_INTEGER, &version) == -1 || v.len != 0 ||
	    version.len != 1 || version.p[0] > 2))
		return "version is not X.509 v1 to v3";
	if (der_take(&tbs, T_INTEGER, &c->serial) == -1 ||
	    !good_integer(c->serial))
		return "broken serial number";
	if (der_take(&tbs, T_SEQUENCE, &v) == -1)
		return "broken signature algorithm";
	if (der_take(&tbs, T_SEQUENCE, &c->issuer) == -1 ||
	    !good_name(c->issuer))
		return "broken issuer";
	if (der_take(&tbs, T_SEQUENCE, &v) == -1 ||
	    der_take_time(&v, &c->not_before) == -1 ||
	    der_take_time(&v, &c->not_after) == -1 || v.len != 0)
		return "broken validity";
	if (der_take(&tbs, T_SEQUENCE, &c->subject) == -1 ||
	    !good_name(c->subject))
		return "broken subject";
	if (der_take(&tbs, T_SEQUENCE, &v) == -1)
		return "broken public key";
	if (skip_optional(&tbs, CTX(1)) == -1 ||
	    skip_optional(&tbs, CTX(2)) == -1)
		return "broken unique identifier";
	if (tbs.len > 0 && (der_take(&tbs, CTX_CONS(3), &v) == -1 ||
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
	if (der_take(&in, T_SEQUENCE, &cert) == -1 ||
	    der_take(&cert, T_SEQUENCE, &tbs) == -1 ||
	    der_take(&cert, T_SEQUENCE, &v) == -1 ||
	    der_take(&cert, T_BIT_STRING, &v) == -1 || cert.len != 0)
		*why = "not a certificate in DER";
	else if (in.len != 0)
		*why = "bytes after the end of the certificate";
	else
		*why = walk_tbs(c, tbs);
	return *why == NULL ? 0 : -1;
}

void
der_text_free(struct der_text *t)
{
	free(t->s);
	t->s = NULL;
	t->len = t->cap = 0;
}

static void
put(struct der_text *t, const void *s, size_t n)
{
	if (t->cap - t->len <= n) {
		t->cap = (t->cap + n) * 2 + 64;
		t->s = xrealloc(t->s, t->cap);
	}
	if (n > 0)
		memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

static void
put_hex(struct der_text *t, const unsigned char *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	char two[2];

	for (; n > 0; n--, p++) {
		two[0] = hex[*p >> 4];
		two[1] = hex[*p & 15];
		put(t, two, 2);
	}
}

/* The magnitude of a serial number, big-endian; writes the sign to t. */
static size_t
magnitude(struct der_text *t, struct der_span v, unsigned char out[SERIAL_MAX])
{
	unsigned int carry = 1;
	size_t i;

	t->len = 0;
	if (v.p[0] < 0x80) {
		i = v.len > 1 && v.p[0] == 0;
		memcpy(out, v.p + i, v.len - i);
		return v.len - i;
	}
	put(t, "-", 1);
	for (i = v.len; i-- > 0; carry >>= 8) {
		carry += (unsigned char)~v.p[i];
		out[i] = (unsigned char)carry;
	}
	return v.len;
}

const char *
der_serial_hex(struct der_text *t, struct der_span serial)
{
	unsigned char mag[SERIAL_MAX];
	size_t n = magnitude(t, serial, mag);

	put_hex(t, mag, n);
	return t->s;
}

const char *
der_serial_dec(struct der_text *t, struct der_span serial)
{
	unsigned char mag[SERIAL_MAX];
	size_t n = magnitude(t, serial, mag);
	BIGNUM *bn = BN_bin2bn(mag, (int)n, NULL);
	char *dec = bn == NULL ? NULL : BN_bn2dec(bn);

	if (dec == NULL)
		errx(EX_ERR, "memory: exhausted");
	put(t, dec, strlen(dec));
	OPENSSL_free(dec);
	BN_free(bn);
	return t->s;
}

static void
put_type(struct der_text *t, const char *known, struct der_span oid)
{
	unsigned char der[2 + OID_MAX] = {T_OID, (unsigned char)oid.len};
	const unsigned char *p = der;
	ASN1_OBJECT *obj;
	char buf[OID_MAX * 4];

	if (known != NULL) {
		put(t, known, strlen(known));
		return;
	}
	memcpy(der + 2, oid.p, oid.len);
	if ((obj = d2i_ASN1_OBJECT(NULL, &p, (long)oid.len + 2)) == NULL)
		errx(EX_ERR, "memory: exhausted");
	OBJ_obj2txt(buf, sizeof(buf), obj, 1);
	ASN1_OBJECT_free(obj);
	put(t, buf, strlen(buf));
}

/* The name of an attribute type, or NULL. */
static const char *
type_name(struct der_span oid)
{
#define DIR "\x55\x04"
#define PILOT "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01"
	static const struct {
		const char *oid, *name;
		size_t len;
	} types[] = {
		{DIR "\x03", "CN", 3}, {DIR "\x0a", "O", 3},
		{DIR "\x0b", "OU", 3}, {DIR "\x06", "C", 3},
		{DIR "\x07", "L", 3}, {DIR "\x08", "ST", 3},
		{DIR "\x09", "STREET", 3}, {DIR "\x05", "serialNumber", 3},
		{PILOT "\x19", "DC", 10}, {PILOT "\x01", "UID", 10},
		{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress", 9},
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (oid.len == types[i].len &&
		    memcmp(oid.p, types[i].oid, oid.len) == 0)
			return types[i].name;
	return NULL;
}

/* RFC 4514 section 2.4: which characters stand for themselves. */
static int
plain(unsigned char c)
{
	return c >= 0x20 && c != 0x7f && c != '"' && c != '+' && c != ',' &&
	    c != ';' && c != '<' && c != '>' && c != '\\';
}

static void
put_escaped(struct der_text *t, const unsigned char *p, size_t n)
{
	size_t i = 0, from;

	while (i < n) {
		for (from = i; i < n && plain(p[i]) &&
		    !(p[i] == ' ' && (i == 0 || i == n - 1)) &&
		    !(p[i] == '#' && i == 0); i++)
			;
		put(t, p + from, i - from);
		if (i == n)
			break;
		put(t, "\\", 1);
		if (p[i] < 0x20 || p[i] == 0x7f)
			put_hex(t, p + i, 1);
		else
			put(t, p + i, 1);
		i++;
	}
}

static int
is_ascii(struct der_span v)
{
	size_t i;

	for (i = 0; i < v.len && v.p[i] < 0x80; i++)
		;
	return i == v.len;
}

/* The value of an attribute in UTF-8; 0 when it is no text. */
static int
put_text(struct der_text *t, unsigned int tag, struct der_span v, int escape)
{
	ASN1_STRING s = {(int)v.len, (int)tag,
	    (unsigned char *)(uintptr_t)v.p, 0};
	unsigned char *utf8;
	int n;

	if ((tag == T_UTF8 || tag == T_PRINTABLE || tag == T_IA5) &&
	    is_ascii(v)) {
		if (escape)
			put_escaped(t, v.p, v.len);
		else
			put(t, v.p, v.len);
		return 1;
	}
	if (tag > 30)
		return 0;
	if ((n = ASN1_STRING_to_UTF8(&utf8, &s)) < 0) {
		if (ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE)
			errx(EX_ERR, "memory: exhausted");
		ERR_clear_error();
		return 0;
	}
	if (escape)
		put_escaped(t, utf8, (size_t)n);
	else
		put(t, utf8, (size_t)n);
	OPENSSL_free(utf8);
	return 1;
}

static void
put_rdn(struct der_text *t, struct der_span rdn)
{
	struct der_span oid, value, raw;
	const char *known;
	unsigned int tag;

	while (rdn.len > 0 &&
	    next_attr(&rdn, &oid, &tag, &value, &raw) == 0) {
		known = type_name(oid);
		put_type(t, known, oid);
		put(t, "=", 1);
		if (known == NULL || !put_text(t, tag, value, 1)) {
			put(t, "#", 1);
			put_hex(t, raw.p, raw.len);
		}
		if (rdn.len > 0)
			put(t, "+", 1);
	}
}

const char *
der_name(struct der_text *t, struct der_span name)
{
	struct der_span rdns[RDN_MAX];
	int n = 0;

	t->len = 0;
	put(t, "", 0);
	while (n < RDN_MAX && der_take(&name, T_SET, &rdns[n]) == 0)
		n++;
	while (n-- > 0) {
		put_rdn(t, rdns[n]);
		if (n > 0)
			put(t, ",", 1);
	}
	return t->s;
}

const char *
der_cn(struct der_text *t, struct der_span name)
{
	struct der_span rdn, oid, value, raw;
	struct der_span cn = {NULL, 0};
	const char *known;
	unsigned int tag, cntag = 0;

	while (der_take(&name, T_SET, &rdn) == 0)
		while (next_attr(&rdn, &oid, &tag, &value, &raw) == 0)
			if ((known = type_name(oid)) != NULL &&
			    strcmp(known, "CN") == 0) {
				cn = value;
				cntag = tag;
			}
	t->len = 0;
	put(t, "", 0);
	return cn.p != NULL && put_text(t, cntag, cn, 0) ? t->s : NULL;
}

const char *
der_next_san(struct der_text *t, struct der_span *names)
{
	char ip[INET6_ADDRSTRLEN];
	struct der_span v;
	unsigned int tag;

	t->len = 0;
	put(t, "", 0);
	while (der_next(names, &tag, &v) == 0) {
		if (tag == CTX(7)) {
			inet_ntop(v.len == 4 ? AF_INET : AF_INET6, v.p, ip,
			    sizeof(ip));
			put(t, ip, strlen(ip));
			return t->s;
		}
		if (tag != CTX(1) && tag != CTX(2) && tag != CTX(6))
			continue;
		if (tag != CTX(2))
			put(t, tag == CTX(1) ? "email:" : "URI:",
			    tag == CTX(1) ? 6 : 4);
		put(t, v.p, v.len);
		return t->s;
	}
	return NULL;
}
