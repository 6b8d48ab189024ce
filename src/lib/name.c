/* SPDX-License-Identifier: ISC */
/* Names of certificates: see name.h. */
#include <arpa/inet.h>

#include <ctype.h>
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "name.h"
#include "ossl.h"
#include "util.h"

#define DNS_MAX 253
#define LABEL_MAX 63
#define LOCAL_MAX 64
#define URI_MAX 2048

#define LDH "abcdefghijklmnopqrstuvwxyz0123456789-"
#define DIGITS "0123456789"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS

/*
 * Does RFC 3492 decode s, n bytes of a lower-case label behind "xn--", to
 * Unicode characters one of which at least is not ASCII?
 */
static int
punycode_ok(const char *s, size_t n)
{
	uint32_t cp = 128, i = 0, old, w, k, t, delta, digit, count = 0;
	size_t pos = 0, j;
	uint32_t bias = 72;
	int first = 1;

	for (j = n; j > 0; j--)
		if (s[j - 1] == '-') {
			count = (uint32_t)(j - 1);
			pos = j;
			break;
		}
	if (pos == n)
		return 0;
	while (pos < n) {
		old = i;
		for (w = 1, k = 36;; k += 36) {
			if (pos == n || s[pos] == '-')
				return 0;
			digit = isdigit((unsigned char)s[pos]) ?
			    (uint32_t)(s[pos] - '0' + 26) :
			    (uint32_t)(s[pos] - 'a');
			pos++;
			if (digit > (UINT32_MAX - i) / w)
				return 0;
			i += digit * w;
			t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
			if (digit < t)
				break;
			if (w > UINT32_MAX / (36 - t))
				return 0;
			w *= 36 - t;
		}
		count++;
		delta = first ? (i - old) / 700 : (i - old) / 2;
		delta += delta / count;
		for (k = 0; delta > 455; k += 36)
			delta /= 35;
		bias = k + 36 * delta / (delta + 38);
		first = 0;
		if (i / count > 0x10ffff - cp)
			return 0;
		cp += i / count;
		if (cp < 0xa0 || (cp >= 0xd800 && cp <= 0xdfff))
			return 0;
		i = i % count + 1;
	}
	return 1;
}

/*
 * Each of these says why the text is no such name, NULL when it is one.  A
 * DNS name is in lower case already.
 */
static const char *
dns_label_fault(const char *s, size_t n)
{
	if (n == 0)
		return "an empty label";
	if (n > LABEL_MAX)
		return "a label of more than 63 characters";
	if (memchr(s, '*', n) != NULL)
		return "* must be the whole first label, with two labels "
		    "behind it";
	if (strspn(s, LDH) < n)
		return "a label may have letters, digits and hyphens only";
	if (s[0] == '-' || s[n - 1] == '-')
		return "a label may not begin or end with a hyphen";
	if (n > 3 && strncmp(s, "xn--", 4) == 0 && !punycode_ok(s + 4, n - 4))
		return "a label that begins with xn-- and is no Punycode";
	return NULL;
}

static int
is_ip(const char *s)
{
	unsigned char addr[16];

	return inet_pton(AF_INET, s, addr) == 1 ||
	    inet_pton(AF_INET6, s, addr) == 1;
}

static const char *
dns_fault(const char *s, int wildcard)
{
	const char *p = s, *why;
	size_t n;

	if (is_ip(s))
		return "an IP address, not a DNS name";
	if (strlen(s) > DNS_MAX)
		return "more than 253 characters";
	if (*s != '\0' && s[strlen(s) - 1] == '.')
		return "a DNS name here has no dot at its end";
	if (wildcard && strncmp(p, "*.", 2) == 0 && strchr(p + 2, '.') != NULL)
		p += 2;
	for (;; p += n + 1) {
		n = strcspn(p, ".");
		if ((why = dns_label_fault(p, n)) != NULL)
			return why;
		if (p[n] == '\0')
			break;
	}
	if (strspn(p, DIGITS) == n)
		return "the last label is a number";
	return NULL;
}

static const char *
uri_fault(const char *s)
{
	size_t scheme = strspn(s, ALNUM "+-.");

	if (!isalpha((unsigned char)*s) || s[scheme] != ':' ||
	    s[scheme + 1] == '\0')
		return "a URI has a scheme, a colon and something behind it";
	if (strlen(s) > URI_MAX)
		return "more than 2048 characters";
	for (; *s != '\0'; s++) {
		if (strchr(ALNUM "-._~:/?#[]@!$&'()*+,;=%", *s) == NULL)
			return "a character that a URI may not have";
		if (*s == '%' && (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2])))
			return "a % without two hex digits";
	}
	return NULL;
}

/* s is local@domain, the domain in lower case. */
static const char *
email_fault(const char *s)
{
	size_t n = strcspn(s, "@");

	if (n == 0 || s[n] == '\0')
		return "an address has the form local@domain";
	if (n > LOCAL_MAX)
		return "more than 64 characters before the @";
	if (strspn(s, ALNUM ".!#$%&'*+-/=?^_`{|}~") < n)
		return "a character that the part before the @ may not have";
	if (s[0] == '.' || s[n - 1] == '.' || strstr(s, "..") != NULL)
		return "a dot at the wrong place";
	return dns_fault(s + n + 1, 0);
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + ('a' - 'A'));
}

/* The canonical form of an address, or NULL. */
static char *
ip_text(const char *s)
{
	unsigned char addr[16];
	char buf[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, s, addr) == 1)
		inet_ntop(AF_INET, addr, buf, sizeof(buf));
	else if (inet_pton(AF_INET6, s, addr) == 1)
		inet_ntop(AF_INET6, addr, buf, sizeof(buf));
	else
		return NULL;
	return xstrdup(buf);
}

/* The canonical form of text; NULL with the reason in *why. */
static char *
canonical(int type, const char *text, const char **why)
{
	const unsigned char *p;
	char *s;

	*why = NULL;
	for (p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p >= 0x80) {
			*why = type == NAME_DNS || type == NAME_EMAIL ?
			    "not ASCII: write it as an A-label (xn--...)" :
			    "not ASCII";
			return NULL;
		}
	if (type == NAME_IP) {
		if ((s = ip_text(text)) == NULL)
			*why = "not an IP address";
		return s;
	}
	s = xstrdup(text);
	if (type == NAME_DNS) {
		lower(s);
		*why = dns_fault(s, 1);
	} else if (type == NAME_EMAIL) {
		lower(strchr(s, '@') != NULL ? strchr(s, '@') : s);
		*why = email_fault(s);
	} else
		*why = uri_fault(s);
	if (*why != NULL) {
		free(s);
		s = NULL;
	}
	return s;
}

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
	if ((name.value = canonical(type, text, &why)) == NULL) {
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
	return is_ip(text) ? NAME_IP : NAME_DNS;
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
		value = canonical(type, text, &why);
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
		return found_other(l, "an otherName", subject);
	case GEN_DIRNAME:
		return found_other(l, "a directoryName", subject);
	case GEN_RID:
		return found_other(l, "a registeredID", subject);
	default:
		return found_other(l, "of an X.400 or EDI type", subject);
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
	if ((value = canonical(name->type, name->value, &why)) != NULL &&
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

	if (is_ip(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	if ((dns = canonical(NAME_DNS, name, &why)) == NULL)
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
