/* SPDX-License-Identifier: ISC */
/* What is in a certificate as text: see dertext.h. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "dertext.h"
#include "util.h"

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
magnitude(struct der_text *t, struct der_span v,
    unsigned char out[DER_SERIAL_MAX])
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
	unsigned char mag[DER_SERIAL_MAX];
	size_t n = magnitude(t, serial, mag);

	put_hex(t, mag, n);
	return t->s;
}

const char *
der_serial_dec(struct der_text *t, struct der_span serial)
{
	unsigned char mag[DER_SERIAL_MAX];
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
	unsigned char der[2 + DER_OID_MAX] = {DER_OID, (unsigned char)oid.len};
	const unsigned char *p = der;
	ASN1_OBJECT *obj;
	char buf[DER_OID_MAX * 4];

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

	if ((tag == DER_UTF8 || tag == DER_PRINTABLE || tag == DER_IA5) &&
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
	    der_next_attr(&rdn, &oid, &tag, &value, &raw) == 0) {
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
	struct der_span rdns[DER_RDN_MAX];
	int n = 0;

	t->len = 0;
	put(t, "", 0);
	while (n < DER_RDN_MAX && der_take(&name, DER_SET, &rdns[n]) == 0)
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

	while (der_take(&name, DER_SET, &rdn) == 0)
		while (der_next_attr(&rdn, &oid, &tag, &value, &raw) == 0)
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
		if (tag == DER_CTX(7)) {
			inet_ntop(v.len == 4 ? AF_INET : AF_INET6, v.p, ip,
			    sizeof(ip));
			put(t, ip, strlen(ip));
			return t->s;
		}
		if (tag != DER_CTX(1) && tag != DER_CTX(2) && tag != DER_CTX(6))
			continue;
		if (tag != DER_CTX(2))
			put(t, tag == DER_CTX(1) ? "email:" : "URI:",
			    tag == DER_CTX(1) ? 6 : 4);
		put(t, v.p, v.len);
		return t->s;
	}
	return NULL;
}
