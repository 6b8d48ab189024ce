/* SPDX-License-Identifier: ISC */
/* Certificate requests: see csr.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "csr.h"
#include "ossl.h"
#include "util.h"

/*
 * Attribute types by name, in any case; all others by dotted number.  max is
 * the most characters a value may have where libcrypto does not know.
 */
static const struct {
	const char *name;
	int nid;
	size_t max;
} attrs[] = {
	{"C", NID_countryName, 0},
	{"CN", NID_commonName, 0},
	{"DC", NID_domainComponent, 63},
	{"dnQualifier", NID_dnQualifier, 64},
	{"emailAddress", NID_pkcs9_emailAddress, 0},
	{"generationQualifier", NID_generationQualifier, 32768},
	{"GN", NID_givenName, 0},
	{"initials", NID_initials, 0},
	{"L", NID_localityName, 0},
	{"name", NID_name, 0},
	{"O", NID_organizationName, 0},
	{"organizationIdentifier", NID_organizationIdentifier, 256},
	{"OU", NID_organizationalUnitName, 0},
	{"postalCode", NID_postalCode, 40},
	{"pseudonym", NID_pseudonym, 128},
	{"serialNumber", NID_serialNumber, 0},
	{"SN", NID_surname, 0},
	{"ST", NID_stateOrProvinceName, 0},
	{"STREET", NID_streetAddress, 128},
	{"title", NID_title, 64},
	{"UID", NID_userId, 256}
};

/* The type whose text is the n bytes at s; freed by the caller, or NULL. */
static ASN1_OBJECT *
attr_type(const char *s, size_t n)
{
	ASN1_OBJECT *obj = NULL;
	char *text = xstrndup(s, n);
	size_t i;

	if (strspn(text, "0123456789.") == n && strstr(text, "..") == NULL)
		obj = OBJ_txt2obj(text, 1);
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (strcasecmp(text, attrs[i].name) == 0)
			obj = OBJ_dup(OBJ_nid2obj(attrs[i].nid));
	free(text);
	return obj;
}

/*
 * The value at s without its escapes into buf, which has room for all of s.
 * Returns where it ends, at a comma, a plus or the NUL; NULL with the reason
 * in *why.
 */
static const char *
unescape(const char *s, char *buf, size_t *len, const char **why)
{
	const char *begin = s;
	char *o = buf;

	*why = NULL;
	for (; *s != '\0' && *s != ',' && *s != '+'; s++) {
		if (*s == '\\' && s[1] != '\0' &&
		    strchr(" \"#+,;<=>\\", s[1]) != NULL)
			*o++ = *++s;
		else if (*s == '\\') {
			if (OPENSSL_hexchar2int((unsigned char)s[1]) < 0 ||
			    OPENSSL_hexchar2int((unsigned char)s[2]) < 0)
				*why = "\\ needs two hex digits or one of "
				    "\"#+,;<=>\\ or a space behind it";
			else {
				*o++ = (char)(OPENSSL_hexchar2int(
				    (unsigned char)s[1]) << 4 |
				    OPENSSL_hexchar2int((unsigned char)s[2]));
				s += 2;
			}
		} else if (strchr("\";<>", *s) != NULL)
			*why = "one of \";<> without \\ before it";
		else if (*s == ' ' && (s == begin || s[1] == '\0' ||
		    s[1] == ',' || s[1] == '+'))
			*why = "a space at the beginning or end of a value "
			    "without \\ before it";
		else
			*o++ = *s;
		if (*why == NULL && ((unsigned char)o[-1] < 0x20 ||
		    o[-1] == 0x7f))
			*why = "a control character";
		if (*why != NULL)
			return NULL;
	}
	*len = (size_t)(o - buf);
	return s;
}

/*
 * The value at s, "#" and the hex digits of its BER encoding (RFC 4514
 * section 2.4), into *value.  Returns where it ends, or NULL.
 */
static const char *
unhex(const char *s, ASN1_STRING **value)
{
	const char *end = s + strcspn(s, ",+");
	const unsigned char *p;
	char *hex = xstrndup(s + 1, (size_t)(end - s - 1));
	unsigned char *der;
	long len = 0;

	*value = NULL;
	if ((p = der = OPENSSL_hexstr2buf(hex, &len)) != NULL)
		*value = d2i_ASN1_PRINTABLE(NULL, &p, len);
	if (*value != NULL && (p != der + len ||
	    (ASN1_tag2bit(ASN1_STRING_type(*value)) & (B_ASN1_DIRECTORYSTRING |
	    B_ASN1_IA5STRING | B_ASN1_NUMERICSTRING)) == 0)) {
		ASN1_STRING_free(*value);
		*value = NULL;
	}
	OPENSSL_free(der);
	free(hex);
	return *value != NULL ? end : NULL;
}

/* What is wrong with a value of this type that libcrypto may have taken. */
static const char *
value_fault(const ASN1_OBJECT *type, const char *s, size_t len)
{
	size_t chars = 0, i, n = sizeof(attrs) / sizeof(attrs[0]);
	int nid = OBJ_obj2nid(type);

	switch (ERR_GET_REASON(ERR_peek_error())) {
	case ASN1_R_STRING_TOO_LONG:
		return "a value too long for its attribute";
	case ASN1_R_STRING_TOO_SHORT:
		return "a value too short for its attribute";
	case ASN1_R_ILLEGAL_CHARACTERS:
		return "a character its attribute may not have";
	case ASN1_R_INVALID_UTF8STRING:
		return "not UTF-8";
	}
	if (ERR_peek_error() != 0)
		return "a value its attribute may not have";
	if (nid == NID_countryName && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz") < len)
		return "a country has two letters";
	for (i = 0; i < len; i++)
		chars += ((unsigned char)s[i] & 0xc0) != 0x80;
	for (i = 0; i < n; i++)
		if (attrs[i].nid == nid && attrs[i].max != 0 &&
		    chars > attrs[i].max)
			return "a value too long for its attribute";
	return len == 0 ? "a value too short for its attribute" : NULL;
}

/*
 * Parse the value at s and put it with its type in front of name, as a part
 * of its own or, with joined, into the first part.  Returns where the value
 * ends, or NULL with the reason in *why.
 */
static const char *
add_attr(X509_NAME *name, const ASN1_OBJECT *type, const char *s, int joined,
    const char **why)
{
	ASN1_STRING *hex = NULL;
	char *buf = xmalloc(strlen(s) + 1);
	size_t len;

	if (*s == '#') {
		if ((s = unhex(s, &hex)) == NULL)
			*why = "# needs the hex digits of a DER string "
			    "behind it";
		else if (X509_NAME_add_entry_by_OBJ(name, type,
		    ASN1_STRING_type(hex), ASN1_STRING_get0_data(hex),
		    ASN1_STRING_length(hex), 0, joined) != 1)
			*why = value_fault(type, "", 0);
	} else if ((s = unescape(s, buf, &len, why)) != NULL) {
		buf[len] = '\0';
		X509_NAME_add_entry_by_OBJ(name, type, MBSTRING_UTF8,
		    (const unsigned char *)buf, (int)len, 0, joined);
		*why = value_fault(type, buf, len);
	}
	ASN1_STRING_free(hex);
	free(buf);
	return *why == NULL ? s : NULL;
}

/* Is a value of this type in the first part of name already? */
static int
twice(const X509_NAME *name, const ASN1_OBJECT *type)
{
	const X509_NAME_ENTRY *e;
	int i;

	for (i = 0; i < X509_NAME_entry_count(name); i++) {
		e = X509_NAME_get_entry(name, i);
		if (X509_NAME_ENTRY_set(e) == 0 &&
		    OBJ_cmp(X509_NAME_ENTRY_get_object(e), type) == 0)
			return 1;
	}
	return 0;
}

/* All of dn into name.  Returns 0, or -1 with the reason in *why. */
static int
parse_dn(X509_NAME *name, const char *dn, const char **why)
{
	const char *s = dn;
	ASN1_OBJECT *type;
	size_t n;
	int joined = 0;

	*why = NULL;
	ERR_clear_error();
	while (*s != '\0') {
		s += strspn(s, " ");
		n = strcspn(s, "=,+");
		if (n == 0 || s[n] != '=') {
			*why = "not of the form CN=name,O=organization";
			return -1;
		}
		if ((type = attr_type(s, n)) == NULL) {
			*why = "an unknown attribute; give it as a dotted "
			    "number";
			return -1;
		}
		s += n + 1;
		if (joined && twice(name, type)) {
			*why = "one attribute twice in a part";
			s = NULL;
		} else
			s = add_attr(name, type, s, joined, why);
		ASN1_OBJECT_free(type);
		if (s == NULL)
			return -1;
		joined = *s == '+';
		if (*s != '\0' && *++s == '\0') {
			*why = "it ends in a separator";
			return -1;
		}
	}
	return 0;
}

X509_NAME *
csr_subject_why(const char *dn, const char **why)
{
	X509_NAME *name = X509_NAME_new();

	if (name == NULL)
		errx(EX_ERR, "memory: exhausted");
	if (parse_dn(name, dn, why) == 0)
		return name;
	ERR_clear_error();
	X509_NAME_free(name);
	return NULL;
}

X509_NAME *
csr_subject(const char *dn)
{
	const char *why;
	X509_NAME *name = csr_subject_why(dn, &why);

	if (name == NULL)
		warnx("subject %s: %s", esc(dn), why);
	return name;
}

/*
 * The public half of an EC key as SubjectPublicKeyInfo (RFC 5480), by hand:
 * libcrypto's encoder costs more than the signature.  Returns 1, or 0 without
 * a message for other keys.
 */
static int
set_ec_pubkey(X509_PUBKEY *pub, EVP_PKEY *key)
{
	unsigned char *point;
	char group[32];
	size_t len;
	int nid;

	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    (nid = OBJ_sn2nid(group)) == NID_undef ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, NULL,
	    0, &len) != 1 || (point = OPENSSL_malloc(len)) == NULL)
		return 0;
	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
	    point, len, &len) == 1 && X509_PUBKEY_set0_param(pub,
	    OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
	    OBJ_nid2obj(nid), point, (int)len) == 1)
		return 1;
	OPENSSL_free(point);
	return 0;
}

/* The names (NULL: none) and the other extensions, if there are any. */
static int
add_exts(X509_REQ *req, const struct names *names, int critical,
    STACK_OF(X509_EXTENSION) *others)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *ext = NULL;
	int i, ok = exts != NULL;

	if (names != NULL && names->n > 0) {
		ext = names_to_ext(names, critical);
		ok = ok && ext != NULL && sk_X509_EXTENSION_push(exts, ext) > 0;
	}
	for (i = 0; ok && i < sk_X509_EXTENSION_num(others); i++)
		ok = sk_X509_EXTENSION_push(exts,
		    sk_X509_EXTENSION_value(others, i)) > 0;
	if (ok && sk_X509_EXTENSION_num(exts) > 0)
		ok = X509_REQ_add_extensions(req, exts);
	sk_X509_EXTENSION_free(exts);
	X509_EXTENSION_free(ext);
	return ok;
}

/* The digest that fits the key; NULL for those that bring their own. */
static const EVP_MD *
digest(EVP_PKEY *key, const EVP_MD *wanted)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return NULL;
	if (wanted != NULL)
		return wanted;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 384)
		return EVP_sha512();
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

X509_REQ *
csr_new_extra(EVP_PKEY *key, const X509_NAME *subject,
    const struct names *names, const struct csr_extra *extra)
{
	X509_REQ *req = X509_REQ_new();
	int empty = subject == NULL || X509_NAME_entry_count(subject) == 0;

	if (req == NULL)
		errx(EX_ERR, "memory: exhausted");
	if (X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
	    (empty || X509_REQ_set_subject_name(req, subject) == 1) &&
	    (set_ec_pubkey(X509_REQ_get_X509_PUBKEY(req), key) ||
	    X509_REQ_set_pubkey(req, key) == 1) &&
	    add_exts(req, names, empty, extra->exts) &&
	    X509_REQ_sign(req, key, digest(key, extra->digest)) > 0)
		return req;
	ossl_warn("request", "cannot be made");
	X509_REQ_free(req);
	return NULL;
}

X509_REQ *
csr_new(EVP_PKEY *key, const X509_NAME *subject, const struct names *names)
{
	static const struct csr_extra none = {NULL, NULL};

	return csr_new_extra(key, subject, names, &none);
}

char *
csr_pem(X509_REQ *req, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p, *pem = NULL;
	long n;

	if (bio != NULL && PEM_write_bio_X509_REQ(bio, req) == 1 &&
	    (n = BIO_get_mem_data(bio, &p)) > 0) {
		pem = xstrndup(p, (size_t)n);
		*len = (size_t)n;
	} else
		ossl_warn("request", "cannot be written as PEM");
	BIO_free(bio);
	return pem;
}
