/* SPDX-License-Identifier: ISC */
/* What a certificate request says: see csrfacts.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "csrfacts.h"
#include "der.h"
#include "dertext.h"
#include "io.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"

/* As many as der_name() shows. */
#define SUBJECT_MAX 128

static void
hex(const unsigned char *md, unsigned int n, char *out)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

/* "P-256" and the like into f->key, and whether it is strong enough. */
static void
key_facts(struct csrfacts *f, EVP_PKEY *key)
{
	static const char *const curves[][2] = {
		{"prime256v1", "P-256"}, {"secp384r1", "P-384"},
		{"secp521r1", "P-521"}
	};
	int bits = EVP_PKEY_get_bits(key);
	char group[64] = "";
	size_t i;

	snprintf(f->key, sizeof(f->key), "other");
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		snprintf(f->key, sizeof(f->key), "rsa%d", bits);
		f->strong = bits >= 2048 && bits <= 8192;
	} else if (EVP_PKEY_is_a(key, "ED25519") ||
	    EVP_PKEY_is_a(key, "ED448")) {
		snprintf(f->key, sizeof(f->key), "Ed%s",
		    EVP_PKEY_is_a(key, "ED448") ? "448" : "25519");
		f->strong = 1;
	} else if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key,
	    group, sizeof(group), NULL) == 1) {
		for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
			if (strcmp(group, curves[i][0]) == 0) {
				strcpy(f->key, curves[i][1]);
				f->strong = 1;
			}
	}
}

/* Is the request signed by its own key, and not by way of MD5 or SHA-1? */
static int
signed_well(X509_REQ *req, EVP_PKEY *key)
{
	int md = NID_undef;

	if (X509_REQ_verify(req, key) != 1)
		return 0;
	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(req), &md, NULL) ==
	    1 && (md == NID_md5 || md == NID_sha1 || md == NID_sha224 ||
	    md == NID_md5_sha1))
		return 0;
	return 1;
}

/* How many attributes of this type; more than one when one has two values. */
static int
attributes(X509_REQ *req, int nid)
{
	X509_ATTRIBUTE *a;
	int i = -1, n = 0;

	while ((i = X509_REQ_get_attr_by_NID(req, nid, i)) >= 0) {
		a = X509_REQ_get_attr(req, i);
		n += X509_ATTRIBUTE_count(a) == 1 ? 1 : 2;
	}
	return n;
}

/*
 * The extensions asked for.  Another parser may look at another attribute, or
 * at the last of two extensions: a request must have one of each at most.
 */
static void
extension_facts(struct csrfacts *f)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(f->req);
	BASIC_CONSTRAINTS *bc;
	ASN1_OBJECT *obj;
	int crit, i, n = sk_X509_EXTENSION_num(exts);

	if (attributes(f->req, NID_ext_req) > 1 ||
	    attributes(f->req, NID_ms_ext_req) > 0 || (exts == NULL &&
	    attributes(f->req, NID_ext_req) > 0))
		f->ambiguous = 1;
	for (i = 0; i < n; i++) {
		obj = X509_EXTENSION_get_object(sk_X509_EXTENSION_value(exts,
		    i));
		if (X509v3_get_ext_by_OBJ(exts, obj, i) >= 0)
			f->ambiguous = 1;
	}
	bc = X509V3_get_d2i(exts, NID_basic_constraints, &crit, NULL);
	f->wants_ca = bc != NULL ? bc->ca != 0 : crit != -1;
	BASIC_CONSTRAINTS_free(bc);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

/* Subject as text; a name with no end in sight is refused. */
static int
subject_facts(struct csrfacts *f, const char *name)
{
	X509_NAME *subject = X509_REQ_get_subject_name(f->req);
	struct der_text t = DER_TEXT_INIT;
	const unsigned char *p;
	struct der_span span;
	int class, i, tag;
	size_t len;
	long n;

	if (X509_NAME_entry_count(subject) > SUBJECT_MAX ||
	    X509_NAME_get0_der(subject, &p, &len) != 1 ||
	    (ASN1_get_object(&p, &n, &tag, &class, (long)len) & 0x80) != 0) {
		ERR_clear_error();
		warnx("%s: the subject cannot be read", name);
		return -1;
	}
	span.p = p;
	span.len = (size_t)n;
	f->subject = xstrdup(der_name(&t, span));
	der_text_free(&t);
	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (i >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, i) >=
	    0)
		f->ambiguous = 1;
	return 0;
}

/* SHA-256 of subject, key and extensions, each in DER, into f->id. */
static int
identify(struct csrfacts *f, const unsigned char *spki, size_t len)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(f->req);
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *subject;
	size_t n = 0;
	int derlen, ok;

	ERR_clear_error();
	derlen = exts != NULL ? i2d_X509_EXTENSIONS(exts, &der) : 0;
	ok = ctx != NULL && derlen >= 0 &&
	    X509_NAME_get0_der(X509_REQ_get_subject_name(f->req), &subject,
	    &n) == 1 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, subject, n) == 1 &&
	    EVP_DigestUpdate(ctx, spki, len) == 1 &&
	    EVP_DigestUpdate(ctx, der, (size_t)derlen) == 1 &&
	    EVP_DigestFinal_ex(ctx, md, NULL) == 1;
	if (ok)
		hex(md, 32, f->id);
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return ok ? 0 : -1;
}

/* All that f->req has. */
static int
facts(struct csrfacts *f, const char *name)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(f->req);
	unsigned char md[EVP_MAX_MD_SIZE], *spki = NULL;
	unsigned int n;
	int len, rc = -1;

	if (key == NULL) {
		ERR_clear_error();
		warnx("%s: a public key that cannot be read", name);
		return -1;
	}
	key_facts(f, key);
	f->self_signed = signed_well(f->req, key);
	f->challenge = attributes(f->req, NID_pkcs9_challengePassword) > 0;
	extension_facts(f);
	names_show_csr(&f->names, f->req);
	len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(f->req), &spki);
	if (len > 0 && EVP_Digest(spki, (size_t)len, md, &n, EVP_sha256(),
	    NULL) == 1 && identify(f, spki, (size_t)len) == 0) {
		hex(md, n, f->spki_sha256);
		rc = subject_facts(f, name);
	} else
		ossl_warn(name, "cannot be encoded");
	OPENSSL_free(spki);
	ERR_clear_error();
	return rc;
}

int
csrfacts_der(struct csrfacts *f, const unsigned char *der, size_t len,
    const char *name)
{
	const unsigned char *p = der;

	memset(f, 0, sizeof(*f));
	if (len > IO_PEM_MAX ||
	    (f->req = d2i_X509_REQ(NULL, &p, (long)len)) == NULL) {
		ERR_clear_error();
		warnx("%s: not a certificate request", name);
		return -1;
	}
	if (p != der + len) {
		warnx("%s: %zu bytes behind the certificate request", name,
		    (size_t)(der + len - p));
		return -1;
	}
	return facts(f, name);
}

static int
is_request(const char *label)
{
	return strcmp(label, PEM_STRING_X509_REQ) == 0 ||
	    strcmp(label, PEM_STRING_X509_REQ_OLD) == 0;
}

int
csrfacts_pem(struct csrfacts *f, const char *pem, size_t len,
    const char *name)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	unsigned char *der = NULL, *next;
	long derlen = 0, nextlen;
	int rc, n = 0;
	char *label;

	memset(f, 0, sizeof(*f));
	if (bio == NULL)
		errx(EX_ERR, "memory: exhausted");
	while ((rc = pem_next(bio, name, &label, &next, &nextlen)) == 1) {
		if (n++ == 0 && is_request(label)) {
			der = next;
			derlen = nextlen;
		} else
			OPENSSL_free(next);
		OPENSSL_free(label);
	}
	BIO_free(bio);
	if (rc == 0 && (n != 1 || der == NULL)) {
		warnx("%s: %s", name, n == 0 ?
		    "no certificate request in PEM form found" :
		    "not one certificate request and nothing else");
		rc = -1;
	}
	if (rc == 0)
		rc = csrfacts_der(f, der, (size_t)derlen, name);
	OPENSSL_free(der);
	return rc;
}

const char *
csrfacts_challenge(const struct csrfacts *f, size_t *len)
{
	int i = X509_REQ_get_attr_by_NID(f->req, NID_pkcs9_challengePassword,
	    -1);
	const ASN1_TYPE *type;
	const ASN1_STRING *s;

	if (i < 0 || attributes(f->req, NID_pkcs9_challengePassword) != 1)
		return NULL;
	type = X509_ATTRIBUTE_get0_type(X509_REQ_get_attr(f->req, i), 0);
	if (type == NULL || (type->type != V_ASN1_PRINTABLESTRING &&
	    type->type != V_ASN1_UTF8STRING && type->type != V_ASN1_IA5STRING &&
	    type->type != V_ASN1_T61STRING))
		return NULL;
	s = type->value.asn1_string;
	*len = (size_t)ASN1_STRING_length(s);
	return (const char *)ASN1_STRING_get0_data(s);
}

int
csrfacts_same_subject(const struct csrfacts *f, const X509 *cert)
{
	return X509_NAME_cmp(X509_REQ_get_subject_name(f->req),
	    X509_get_subject_name(cert)) == 0;
}

/* A name whose kind is all we know equals nothing. */
int
csrfacts_same_names(const struct csrfacts *f, const X509 *cert)
{
	struct names l = {NULL, 0};
	size_t i;
	int same;

	names_show(&l, cert);
	same = names_equal(&f->names, &l);
	for (i = 0; i < l.n; i++)
		if (l.v[i].type == NAME_OTHER)
			same = 0;
	names_free(&l);
	return same;
}

static void
json_name(struct jsonw *w, const struct name *name)
{
	static const char *const prefix[] = {
		[NAME_DNS] = "", [NAME_IP] = "", [NAME_URI] = "URI:",
		[NAME_EMAIL] = "email:", [NAME_OTHER] = ""
	};
	char *text = xasprintf("%s%s", prefix[name->type], name->value);

	jsonw_str(w, NULL, text);
	free(text);
}

void
csrfacts_json(const struct csrfacts *f, struct jsonw *w)
{
	size_t i;

	jsonw_str(w, "subject", f->subject);
	jsonw_begin(w, "sans", '[');
	for (i = 0; i < f->names.n; i++)
		json_name(w, &f->names.v[i]);
	jsonw_end(w, ']');
	jsonw_str(w, "key", f->key);
	jsonw_str(w, "spki_sha256", f->spki_sha256);
	jsonw_bool(w, "challenge_password", f->challenge);
}

void
csrfacts_free(struct csrfacts *f)
{
	X509_REQ_free(f->req);
	free(f->subject);
	names_free(&f->names);
	memset(f, 0, sizeof(*f));
}
