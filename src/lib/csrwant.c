/* SPDX-License-Identifier: ISC */
/* What an EST server wants to see in a request: see csrwant.h. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "csrwant.h"
#include "json.h"
#include "util.h"

/* Is key of this kind: rsa, rsa2048, ec, Ed25519, P-256, a curve's number? */
static int
is_kind(EVP_PKEY *key, const char *kind)
{
	char group[64], bits[16];
	const char *name;
	ASN1_OBJECT *o;
	int nid;

	if (strncasecmp(kind, "rsa", 3) == 0) {
		snprintf(bits, sizeof(bits), "%d", EVP_PKEY_get_bits(key));
		return EVP_PKEY_is_a(key, "RSA") &&
		    (kind[3] == '\0' || strcmp(kind + 3, bits) == 0);
	}
	if (strcasecmp(kind, "Ed25519") == 0)
		return EVP_PKEY_is_a(key, "ED25519");
	if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group,
	    sizeof(group), NULL) != 1)
		return 0;
	nid = OBJ_sn2nid(group);
	name = EC_curve_nid2nist(nid);
	if (strcmp(kind, "ec") == 0 || (name != NULL && strcmp(kind, name) ==
	    0))
		return 1;
	o = OBJ_txt2obj(kind, 1);
	ERR_clear_error();
	name = NULL;
	if (o == NULL)
		return 0;
	name = OBJ_obj2nid(o) == nid && nid != NID_undef ? group : NULL;
	ASN1_OBJECT_free(o);
	return name != NULL;
}

/* Has the subject all the attributes that are wanted? */
static int
has_subject(const struct json *list, const X509_NAME *subject,
    const char *file)
{
	const char *oid;
	ASN1_OBJECT *o;
	size_t i;
	int nid, there;

	for (i = 0; i < json_len(list); i++) {
		if ((oid = json_str_at(list, i)) == NULL ||
		    (o = OBJ_txt2obj(oid, 1)) == NULL) {
			ERR_clear_error();
			warnx("%s: subject: not a list of numbers", file);
			return 0;
		}
		nid = OBJ_obj2nid(o);
		there = subject != NULL &&
		    X509_NAME_get_index_by_OBJ(subject, o, -1) >= 0;
		ASN1_OBJECT_free(o);
		if (!there) {
			warnx("%s: the server wants %s in the subject (-N)",
			    file, nid != NID_undef ? OBJ_nid2sn(nid) :
			    esc(oid));
			return 0;
		}
	}
	return 1;
}

static X509_EXTENSION *
read_ext(const struct json *j)
{
	const char *oid = json_str(j, "oid"), *hex = json_str(j, "der");
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	ASN1_OBJECT *o = NULL;
	unsigned char *der = NULL;
	long n;

	if (oid != NULL && hex != NULL && (o = OBJ_txt2obj(oid, 1)) != NULL &&
	    (der = OPENSSL_hexstr2buf(hex, &n)) != NULL && value != NULL &&
	    ASN1_OCTET_STRING_set(value, der, (int)n) == 1)
		ext = X509_EXTENSION_create_by_OBJ(NULL, o,
		    json_flag(j, "critical"), value);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(o);
	OPENSSL_free(der);
	ERR_clear_error();
	return ext;
}

static int
read_exts(const struct json *list, const struct names *names,
    const char *file, struct csr_extra *extra)
{
	X509_EXTENSION *ext;
	size_t i;

	if (json_len(list) > 0 &&
	    (extra->exts = sk_X509_EXTENSION_new_null()) == NULL)
		errx(EX_ERR, "memory: exhausted");
	for (i = 0; i < json_len(list); i++) {
		ext = read_ext(json_obj_at(list, i));
		if (ext == NULL) {
			warnx("%s: extensions: not as est-csrattrs writes them",
			    file);
			return -1;
		}
		if (sk_X509_EXTENSION_push(extra->exts, ext) == 0)
			errx(EX_ERR, "memory: exhausted");
		if (names->n > 0 && OBJ_obj2nid(X509_EXTENSION_get_object(
		    ext)) == NID_subject_alt_name) {
			warnx("%s: the server says itself which names are to "
			    "be asked for", file);
			return -1;
		}
	}
	return 0;
}

static int
obey(const struct json *j, const char *file, EVP_PKEY *key,
    const X509_NAME *subject, const struct names *names,
    struct csr_extra *extra)
{
	const char *kind = json_str(j, "key"), *md = json_str(j, "digest");

	if (json_flag(j, "challenge_password")) {
		warnx("%s: the server wants requests bound to its connection "
		    "(challengePassword), which is out of reach here", file);
		return -1;
	}
	if (kind != NULL && !is_kind(key, kind)) {
		warnx("%s: the server wants another key: mkkey -t %s", file,
		    esc(kind));
		return -1;
	}
	if (md != NULL)
		extra->digest = strcmp(md, "SHA256") == 0 ? EVP_sha256() :
		    strcmp(md, "SHA384") == 0 ? EVP_sha384() :
		    strcmp(md, "SHA512") == 0 ? EVP_sha512() : NULL;
	if (md != NULL && extra->digest == NULL) {
		warnx("%s: digest %s: not SHA256, SHA384 or SHA512", file,
		    esc(md));
		return -1;
	}
	if (!has_subject(json_arr(j, "subject"), subject, file))
		return -1;
	return read_exts(json_arr(j, "extensions"), names, file, extra);
}

int
csr_want(const char *json, size_t len, const char *file, EVP_PKEY *key,
    const X509_NAME *subject, const struct names *names,
    struct csr_extra *extra)
{
	char why[160];
	struct json *j = json_parse(json, len, why);
	int rc = -1;

	if (j == NULL)
		warnx("%s: %s", file, why);
	else
		rc = obey(j, file, key, subject, names, extra);
	json_free(j);
	return rc;
}
