/* SPDX-License-Identifier: ISC */
/* Names of certificates: see name.h. */
#include <arpa/inet.h>

#include <ctype.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "name.h"
#include "nametext.h"
#include "ossl.h"
#include "util.h"

/* Add value, which the list owns from now on. */
static void
push(struct names *l, int type, char *value)
{
	/* The room doubles whenever n is a power of two. */
	if ((l->n & (l->n - 1)) == 0)
		l->v = xrealloc(l->v, (l->n != 0 ? 2 * l->n : 1) *
		    sizeof(*l->v));
	l->v[l->n].type = type;
	l->v[l->n++].value = value;
}

static int
same(const struct name *a, const struct name *b)
{
	return a->type == b->type && strcmp(a->value, b->value) == 0;
}

/* names_add(), with a subject for its messages when there is one. */
static int
add(struct names *l, int type, const char *text, const char *subject)
{
	const char *why, *sep = subject != NULL ? ": " : "";
	struct name name = {type, NULL};
	size_t i;

	if (subject == NULL)
		subject = "";
	if ((name.value = name_canonical(type, text, &why)) == NULL) {
		warnx("%s%sname %s: %s", subject, sep, esc(text), why);
		return -1;
	}
	for (i = 0; i < l->n && !same(&l->v[i], &name); i++)
		;
	if (i == NAMES_MAX) {
		warnx("%s%sname %s: more than %d names", subject, sep,
		    name.value, NAMES_MAX);
		free(name.value);
		return -1;
	}
	if (i == l->n)
		push(l, type, name.value);
	else
		free(name.value);
	return 0;
}

int
names_add(struct names *l, int type, const char *text)
{
	return add(l, type, text, NULL);
}

int
name_kind(const char *text)
{
	return name_is_ip(text) ? NAME_IP : NAME_DNS;
}

/* Something found in the certificate or CSR subject that is no name of ours. */
static int
found_other(struct names *l, const char *what, const char *subject)
{
	if (subject == NULL) {
		push(l, NAME_OTHER, xstrdup(what));
		return 0;
	}
	warnx("%s: a name that is %s; only DNS, IP, URI and email names are "
	    "supported", subject, what);
	return -1;
}

/* A name found in it.  With no subject it is shown as it is. */
static int
found_text(struct names *l, int type, const ASN1_STRING *a,
    const char *subject)
{
	const char *why, *s = (const char *)ASN1_STRING_get0_data(a);
	size_t len = (size_t)ASN1_STRING_length(a);
	char *text = xstrndup(s, len), *value = NULL;
	int rc = 0;

	if (strlen(text) == len && subject != NULL)
		rc = add(l, type, text, subject);
	else if (strlen(text) == len)
		value = name_canonical(type, text, &why);
	else if (subject != NULL) {
		warnx("%s: name %s: a NUL in it", subject, escn(s, len));
		rc = -1;
	}
	if (subject == NULL)
		push(l, type, value != NULL ? value : xstrdup(escn(s, len)));
	free(text);
	return rc;
}

static int
found_ip(struct names *l, const ASN1_STRING *a, const char *subject)
{
	char buf[INET6_ADDRSTRLEN];
	int n = ASN1_STRING_length(a);

	if (n != 4 && n != 16)
		return found_other(l, "an IP address of a wrong length",
		    subject);
	inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(a), buf,
	    sizeof(buf));
	if (subject != NULL)
		return add(l, NAME_IP, buf, subject);
	push(l, NAME_IP, xstrdup(buf));
	return 0;
}

/* The same of a name that has more in it: two of them are not the same. */
static int
found_whole(struct names *l, const GENERAL_NAME *g, const char *what,
    const char *subject)
{
	unsigned char *der = NULL, md[EVP_MAX_MD_SIZE] = {0};
	int len = i2d_GENERAL_NAME(g, &der);
	char text[80];

	if (subject != NULL || len <= 0 || EVP_Digest(der, (size_t)len, md,
	    NULL, EVP_sha256(), NULL) != 1)
		snprintf(text, sizeof(text), "%s", what);
	else
		snprintf(text, sizeof(text), "%s %02x%02x%02x%02x%02x%02x%02x"
		    "%02x", what, md[0], md[1], md[2], md[3], md[4], md[5],
		    md[6], md[7]);
	OPENSSL_free(der);
	return found_other(l, text, subject);
}

static int
found_general(struct names *l, const GENERAL_NAME *g, const char *subject)
{
	int kind;
	const ASN1_STRING *a = GENERAL_NAME_get0_value(g, &kind);

	switch (kind) {
	case GEN_DNS:
		return found_text(l, NAME_DNS, a, subject);
	case GEN_URI:
		return found_text(l, NAME_URI, a, subject);
	case GEN_EMAIL:
		return found_text(l, NAME_EMAIL, a, subject);
	case GEN_IPADD:
		return found_ip(l, a, subject);
	case GEN_OTHERNAME:
		return found_whole(l, g, "an otherName", subject);
	case GEN_DIRNAME:
		return found_whole(l, g, "a directoryName", subject);
	case GEN_RID:
		return found_whole(l, g, "a registeredID", subject);
	default:
		return found_whole(l, g, "of an X.400 or EDI type", subject);
	}
}

/*
 * Add the names of sans, which is freed.  When it is NULL, crit is -1 if that
 * is because there are none.
 */
static int
found_all(struct names *l, GENERAL_NAMES *sans, int crit, const char *subject)
{
	int i, rc = 0;

	ERR_clear_error();
	if (sans == NULL && crit != -1)
		rc = found_other(l, "unreadable", subject);
	for (i = 0; rc == 0 && i < sk_GENERAL_NAME_num(sans); i++)
		rc = found_general(l, sk_GENERAL_NAME_value(sans, i), subject);
	GENERAL_NAMES_free(sans);
	return rc;
}

int
names_from_cert(struct names *l, const X509 *cert, const char *subject)
{
	int crit = -1;
	GENERAL_NAMES *sans = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    &crit, NULL);

	return found_all(l, sans, crit, subject);
}

void
names_show(struct names *l, const X509 *cert)
{
	names_from_cert(l, cert, NULL);
}

int
names_from_csr(struct names *l, X509_REQ *req, const char *subject)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	GENERAL_NAMES *sans = NULL;
	int crit = -1;

	if (exts != NULL)
		sans = X509V3_get_d2i(exts, NID_subject_alt_name, &crit, NULL);
	else if (X509_REQ_get_attr_by_NID(req, NID_ext_req, -1) >= 0)
		crit = -2;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return found_all(l, sans, crit, subject);
}

void
names_show_csr(struct names *l, X509_REQ *req)
{
	names_from_csr(l, req, NULL);
}

const char *
name_fault(const struct name *name)
{
	const char *why = "of a kind that is not supported";
	char *value;

	if (name->type == NAME_OTHER)
		return why;
	if ((value = name_canonical(name->type, name->value, &why)) != NULL &&
	    strcmp(value, name->value) != 0)
		why = "not in its canonical form";
	free(value);
	return why;
}

static int
compare(const void *a, const void *b)
{
	const struct name *x = *(const struct name *const *)a;
	const struct name *y = *(const struct name *const *)b;

	return x->type != y->type ? (x->type < y->type ? -1 : 1) :
	    strcmp(x->value, y->value);
}

/* Pointers to the names of l, sorted, each once; their number in *n. */
static const struct name **
sorted(const struct names *l, size_t *n)
{
	const struct name **v = xcalloc(l->n, sizeof(*v));
	size_t i;

	for (i = 0; i < l->n; i++)
		v[i] = &l->v[i];
	if (l->n > 0)
		qsort(v, l->n, sizeof(*v), compare);
	for (i = *n = 0; i < l->n; i++)
		if (i == 0 || !same(v[i], v[*n - 1]))
			v[(*n)++] = v[i];
	return v;
}

int
names_equal(const struct names *a, const struct names *b)
{
	size_t i = 0, na, nb;
	const struct name **va = sorted(a, &na), **vb = sorted(b, &nb);

	if (na == nb)
		while (i < na && same(va[i], vb[i]))
			i++;
	free(va);
	free(vb);
	return na == nb && i == na;
}

static GENERAL_NAME *
to_general(const struct name *name)
{
	static const int kinds[] = {
		[NAME_DNS] = GEN_DNS,
		[NAME_IP] = GEN_IPADD,
		[NAME_URI] = GEN_URI,
		[NAME_EMAIL] = GEN_EMAIL,
	};
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s;

	if (name->type == NAME_IP)
		s = a2i_IPADDRESS(name->value);
	else if ((s = ASN1_IA5STRING_new()) != NULL &&
	    ASN1_STRING_set(s, name->value, -1) != 1) {
		ASN1_STRING_free(s);
		s = NULL;
	}
	if (g == NULL || s == NULL || name->type == NAME_OTHER) {
		ASN1_STRING_free(s);
		GENERAL_NAME_free(g);
		return NULL;
	}
	GENERAL_NAME_set0_value(g, kinds[name->type], s);
	return g;
}

X509_EXTENSION *
names_to_ext(const struct names *l, int critical)
{
	GENERAL_NAMES *sans = sk_GENERAL_NAME_new_null();
	X509_EXTENSION *ext = NULL;
	GENERAL_NAME *g;
	size_t i;

	for (i = 0; sans != NULL && i < l->n; i++) {
		if ((g = to_general(&l->v[i])) == NULL ||
		    sk_GENERAL_NAME_push(sans, g) == 0) {
			GENERAL_NAME_free(g);
			break;
		}
	}
	if (i == l->n)
		ext = X509V3_EXT_i2d(NID_subject_alt_name, critical, sans);
	if (ext == NULL)
		ossl_warn("names", "cannot be encoded");
	GENERAL_NAMES_free(sans);
	return ext;
}

int
name_matches(X509 *cert, const char *name)
{
	const char *why;
	char *dns;
	int rc;

	if (name_is_ip(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	if ((dns = name_canonical(NAME_DNS, name, &why)) == NULL)
		return 0;
	rc = X509_check_host(cert, dns, strlen(dns),
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	free(dns);
	return rc;
}

void
names_free(struct names *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].value);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}
