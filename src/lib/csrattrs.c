/* SPDX-License-Identifier: ISC */
/* CSR attributes: see csrattrs.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "csrattrs.h"
#include "util.h"

#define OID_SIZE 256
#define TEMPLATE "1.2.840.113549.1.9.16.2.61"	/* RFC 9908 */

struct attrs {
	char key[OID_SIZE];		/* "": any; as mkkey -t, or an OID */
	const char *digest;		/* NULL: any */
	int challenge;			/* challengePassword */
	int template;
	STACK_OF(ASN1_OBJECT) *subject;	/* borrowed, of the two below */
	STACK_OF(ASN1_OBJECT) *ignored;
	STACK_OF(X509_EXTENSION) *exts;
	ASN1_SEQUENCE_ANY *all;
	STACK_OF(X509_ATTRIBUTE) *read;
};

static void
dotted(const ASN1_OBJECT *o, char buf[OID_SIZE])
{
	if (OBJ_obj2txt(buf, OID_SIZE, o, 1) <= 0)
		buf[0] = '\0';
	ERR_clear_error();
}

static void
push(STACK_OF(ASN1_OBJECT) *to, ASN1_OBJECT *o)
{
	if (sk_ASN1_OBJECT_push(to, o) == 0)
		errx(EX_ERR, "memory: exhausted");
}

/* A curve by the name that mkkey has for it, else by number. */
static void
set_curve(struct attrs *a, const ASN1_OBJECT *curve)
{
	const char *name = EC_curve_nid2nist(OBJ_obj2nid(curve));

	if (name != NULL)
		snprintf(a->key, sizeof(a->key), "%s", name);
	else
		dotted(curve, a->key);
}

/* The digest of a signature algorithm, or a digest by itself. */
static const char *
digest_of(int nid)
{
	int md = nid, key;

	if (nid != NID_undef)
		OBJ_find_sigid_algs(nid, &md, &key);
	return md == NID_sha256 ? "SHA256" : md == NID_sha384 ? "SHA384" :
	    md == NID_sha512 ? "SHA512" : NULL;
}

/* An object identifier by itself. */
static void
take_oid(struct attrs *a, ASN1_OBJECT *o)
{
	int nid = OBJ_obj2nid(o);
	char text[OID_SIZE];

	dotted(o, text);
	if (nid == NID_pkcs9_challengePassword)
		a->challenge = 1;
	else if (nid == NID_rsaEncryption && a->key[0] == '\0')
		strcpy(a->key, "rsa");
	else if (nid == NID_X9_62_id_ecPublicKey && a->key[0] == '\0')
		strcpy(a->key, "ec");
	else if (nid == NID_ED25519 && a->key[0] == '\0')
		strcpy(a->key, "Ed25519");
	else if (digest_of(nid) != NULL && a->digest == NULL)
		a->digest = digest_of(nid);
	else if (nid != NID_undef && strncmp(text, "2.5.4.", 6) == 0)
		push(a->subject, o);
	else
		push(a->ignored, o);
}

/* A kind of key, with its curve or its size. */
static void
take_key(struct attrs *a, X509_ATTRIBUTE *attr, int nid)
{
	const ASN1_TYPE *v = X509_ATTRIBUTE_get0_type(attr, 0);
	int64_t bits;

	if (nid == NID_X9_62_id_ecPublicKey) {
		strcpy(a->key, "ec");
		if (v != NULL && v->type == V_ASN1_OBJECT)
			set_curve(a, v->value.object);
		return;
	}
	strcpy(a->key, "rsa");
	if (v != NULL && v->type == V_ASN1_INTEGER &&
	    ASN1_INTEGER_get_int64(&bits, v->value.integer) == 1 &&
	    bits > 0 && bits <= 65536)
		snprintf(a->key, sizeof(a->key), "rsa%d", (int)bits);
}

/*
 * Extensions to be taken over.  RFC 7030 has an example with an identifier
 * where they should be, and servers that follow it.
 */
static int
take_exts(struct attrs *a, X509_ATTRIBUTE *attr)
{
	const ASN1_TYPE *v = X509_ATTRIBUTE_get0_type(attr, 0);
	const unsigned char *p;
	int len;

	if (a->exts != NULL || v == NULL || v->type != V_ASN1_SEQUENCE)
		return -1;
	p = ASN1_STRING_get0_data(v->value.sequence);
	len = ASN1_STRING_length(v->value.sequence);
	a->exts = d2i_X509_EXTENSIONS(NULL, &p, len);
	return a->exts == NULL ? -1 : 0;
}

static void
take_attribute(struct attrs *a, X509_ATTRIBUTE *attr)
{
	ASN1_OBJECT *o = X509_ATTRIBUTE_get0_object(attr);
	int nid = OBJ_obj2nid(o);
	char text[OID_SIZE];

	dotted(o, text);
	if (nid == NID_X9_62_id_ecPublicKey || nid == NID_rsaEncryption)
		take_key(a, attr, nid);
	else if (strcmp(text, TEMPLATE) == 0)
		a->template = 1;
	else if (nid != NID_ext_req || take_exts(a, attr) == -1)
		push(a->ignored, o);
}

static int
take(struct attrs *a, const ASN1_TYPE *t, const char **why)
{
	X509_ATTRIBUTE *attr;
	const unsigned char *p, *end;

	if (t->type == V_ASN1_OBJECT) {
		take_oid(a, t->value.object);
		return 0;
	}
	*why = "neither an attribute nor an identifier in the list";
	if (t->type != V_ASN1_SEQUENCE)
		return -1;
	p = ASN1_STRING_get0_data(t->value.sequence);
	end = p + ASN1_STRING_length(t->value.sequence);
	attr = d2i_X509_ATTRIBUTE(NULL, &p, (long)(end - p));
	if (attr == NULL)
		return -1;
	if (sk_X509_ATTRIBUTE_push(a->read, attr) == 0)
		errx(EX_ERR, "memory: exhausted");
	if (p != end)
		return -1;
	take_attribute(a, attr);
	return 0;
}

static int
read_attrs(struct attrs *a, const unsigned char *der, size_t len,
    const char **why)
{
	const unsigned char *p = der;
	int i;

	a->subject = sk_ASN1_OBJECT_new_null();
	a->ignored = sk_ASN1_OBJECT_new_null();
	a->read = sk_X509_ATTRIBUTE_new_null();
	if (a->subject == NULL || a->ignored == NULL || a->read == NULL)
		errx(EX_ERR, "memory: exhausted");
	if (len == 0)
		return 0;
	a->all = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)len);
	if (a->all == NULL || p != der + len) {
		*why = a->all == NULL ? "not a list of CSR attributes" :
		    "bytes behind the CSR attributes";
		return -1;
	}
	for (i = 0; i < sk_ASN1_TYPE_num(a->all); i++)
		if (take(a, sk_ASN1_TYPE_value(a->all, i), why) == -1)
			return -1;
	return 0;
}

static void
free_attrs(struct attrs *a)
{
	sk_ASN1_OBJECT_free(a->subject);
	sk_ASN1_OBJECT_free(a->ignored);
	sk_X509_EXTENSION_pop_free(a->exts, X509_EXTENSION_free);
	sk_ASN1_TYPE_pop_free(a->all, ASN1_TYPE_free);
	sk_X509_ATTRIBUTE_pop_free(a->read, X509_ATTRIBUTE_free);
	ERR_clear_error();
}

static void
write_oids(struct jsonw *w, const char *name, STACK_OF(ASN1_OBJECT) *list)
{
	char text[OID_SIZE];
	int i;

	jsonw_begin(w, name, '[');
	for (i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
		dotted(sk_ASN1_OBJECT_value(list, i), text);
		jsonw_str(w, NULL, text);
	}
	jsonw_end(w, ']');
}

static void
write_exts(struct jsonw *w, STACK_OF(X509_EXTENSION) *exts)
{
	static const char digits[] = "0123456789abcdef";
	X509_EXTENSION *x;
	const ASN1_STRING *v;
	const unsigned char *p;
	char text[OID_SIZE], *hex;
	int i, j, n;

	jsonw_begin(w, "extensions", '[');
	for (i = 0; i < sk_X509_EXTENSION_num(exts); i++) {
		x = sk_X509_EXTENSION_value(exts, i);
		v = X509_EXTENSION_get_data(x);
		p = ASN1_STRING_get0_data(v);
		n = ASN1_STRING_length(v);
		hex = xcalloc((size_t)n + 1, 2);
		for (j = 0; j < n; j++) {
			hex[2 * j] = digits[p[j] >> 4];
			hex[2 * j + 1] = digits[p[j] & 15];
		}
		dotted(X509_EXTENSION_get_object(x), text);
		jsonw_begin(w, NULL, '{');
		jsonw_str(w, "oid", text);
		jsonw_bool(w, "critical", X509_EXTENSION_get_critical(x));
		jsonw_str(w, "der", hex);
		jsonw_end(w, '}');
		free(hex);
	}
	jsonw_end(w, ']');
}

int
csrattrs_json(struct jsonw *w, const unsigned char *der, size_t len,
    const char **why)
{
	struct attrs a = {.key = ""};
	int rc = read_attrs(&a, der, len, why);

	if (rc == 0) {
		jsonw_begin(w, NULL, '{');
		jsonw_bool(w, "offered", sk_ASN1_TYPE_num(a.all) > 0);
		jsonw_str(w, "key", a.key[0] != '\0' ? a.key : NULL);
		jsonw_str(w, "digest", a.digest);
		jsonw_bool(w, "challenge_password", a.challenge);
		write_oids(w, "subject", a.subject);
		write_exts(w, a.exts);
		jsonw_bool(w, "template", a.template);
		write_oids(w, "ignored", a.ignored);
		jsonw_end(w, '}');
	}
	free_attrs(&a);
	return rc;
}
