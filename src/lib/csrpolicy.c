/* SPDX-License-Identifier: ISC */
/* Is a certificate request acceptable: see csrpolicy.h. */
#include <err.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "addrlist.h"
#include "csrpolicy.h"
#include "keyval.h"
#include "util.h"

enum { DNS, IP, URI, EMAIL, SUBJECT, WANTED, KEYS, MAX, NKEYS };

static const char *const keys[NKEYS] = {"DNS_NAMES", "IP_NAMES", "URI_NAMES",
	"EMAIL_NAMES", "SUBJECT", "SUBJECT_WANTED", "KEYS", "MAX_NAMES"};

struct words {
	char **v;
	size_t n;
};

struct csrpolicy {
	struct words words[NKEYS];
	int set[NKEYS];
	struct addrlist addrs;
	long long max;
};

const char *
csrpolicy_reason(unsigned int bit)
{
	static const char *const reasons[CSRPOLICY_BITS] = {
		"bad_signature", "weak_key", "ambiguous", "wants_ca",
		"bad_name", "no_name", "too_many_names", "key_not_allowed",
		"name_not_allowed", "subject_not_allowed",
		"subject_incomplete", "subject_differs", "names_differ"
	};
	int i;

	for (i = 0; i < CSRPOLICY_BITS; i++)
		if (bit == 1u << i)
			return reasons[i];
	return "unknown";
}

struct csrpolicy *
csrpolicy_new(void)
{
	struct csrpolicy *p = xcalloc(1, sizeof(*p));

	p->max = 100;
	return p;
}

void
csrpolicy_free(struct csrpolicy *p)
{
	size_t i, j;

	if (p == NULL)
		return;
	for (i = 0; i < NKEYS; i++) {
		for (j = 0; j < p->words[i].n; j++)
			free(p->words[i].v[j]);
		free(p->words[i].v);
	}
	addrlist_free(&p->addrs);
	free(p);
}

static int
key_number(const char *key)
{
	int i;

	for (i = 0; i < NKEYS; i++)
		if (strcmp(key, keys[i]) == 0)
			return i;
	return -1;
}

int
csrpolicy_key(const char *key)
{
	return key_number(key) != -1;
}

static const char *
dns_word(char *word)
{
	struct name name = {NAME_DNS, word[0] == '.' ? word + 1 : word};
	char *p;

	for (p = word; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	if (strcmp(word, "*") == 0)
		return NULL;
	if (name_fault(&name) != NULL || strncmp(word, ".*", 2) == 0)
		return "not a DNS name, .suffix, *.suffix or *";
	return NULL;
}

static const char *
email_word(const char *word)
{
	struct name dns = {NAME_DNS, NULL}, email = {NAME_EMAIL, NULL};
	const char *why;
	char *copy = xstrdup(word);

	dns.value = copy + 1;
	email.value = copy;
	why = name_fault(*word == '@' ? &dns : &email);
	free(copy);
	return why == NULL ? NULL : "not an address or @domain";
}

/* The attribute of a word, which may have a pattern behind it; or NID_undef. */
static int
attribute(const char *word)
{
	char *type = xstrndup(word, strcspn(word, "="));
	int nid = OBJ_txt2nid(type);

	ERR_clear_error();
	free(type);
	return nid;
}

static const char *
key_word(const char *word)
{
	static const char *const known[] = {"P-256", "P-384", "P-521",
	    "Ed25519", "Ed448"};
	long long bits;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(word, known[i]) == 0)
			return NULL;
	if (strncmp(word, "rsa", 3) == 0 &&
	    parse_num(word + 3, 2048, 8192, &bits) == 0)
		return NULL;
	return "none of rsa2048 and so on, P-256, P-384, P-521, Ed25519, Ed448";
}

static const char *
check_word(struct csrpolicy *p, int k, char *word)
{
	const char *end = word + strlen(word) - 1;

	switch (k) {
	case DNS:
		return dns_word(word);
	case IP:
		return addrlist_add(&p->addrs, word, 0);
	case URI:
		return strchr(word, ':') == NULL || *end == '*' ||
		    (*end == ':' && strstr(word, "//") != NULL) ?
		    "not a URI, or a beginning that ends in / or :" : NULL;
	case EMAIL:
		return email_word(word);
	case SUBJECT:
		return attribute(word) == NID_undef ?
		    "not an attribute, or attribute=pattern" : NULL;
	case WANTED:
		return strchr(word, '=') != NULL ||
		    attribute(word) == NID_undef ? "not an attribute" : NULL;
	default:
		return key_word(word);
	}
}

const char *
csrpolicy_set(void *policy, const char *key, const char *value)
{
	struct csrpolicy *p = policy;
	char *copy, *list, *word;
	const char *why = NULL;
	int k = key_number(key);
	struct words *w;

	if (k == -1)
		return "no such key";
	if (p->set[k]++)
		return "this key for the second time";
	if (k == MAX)
		return parse_num(value, 1, NAMES_MAX, &p->max) == -1 ?
		    "not a whole number between 1 and 1000" : NULL;
	w = &p->words[k];
	list = copy = xstrdup(value);
	while (why == NULL && (word = keyval_word(&list)) != NULL) {
		why = check_word(p, k, word);
		w->v = xrealloc(w->v, (w->n + 1) * sizeof(*w->v));
		w->v[w->n++] = xstrdup(word);
	}
	free(copy);
	return why;
}

/* Does this word of the policy allow the name? */
static int
word_allows(const char *word, const struct name *name)
{
	size_t n = strlen(word), len = strlen(name->value);

	switch (name->type) {
	case NAME_DNS:
		if (strcmp(word, name->value) == 0)
			return 1;
		if (name->value[0] == '*')
			return 0;
		return strcmp(word, "*") == 0 || (word[0] == '.' && len > n &&
		    strcmp(name->value + len - n, word) == 0);
	case NAME_URI:
		return strcmp(word, name->value) == 0 ||
		    ((word[n - 1] == '/' || word[n - 1] == ':') &&
		    strncmp(word, name->value, n) == 0);
	case NAME_EMAIL:
		return strcmp(word, name->value) == 0 || (word[0] == '@' &&
		    strcmp(strchr(name->value, '@'), word) == 0);
	default:
		return 0;
	}
}

static int
name_allowed(const struct csrpolicy *p, const struct name *name)
{
	static const int lists[] = {
		[NAME_DNS] = DNS, [NAME_IP] = IP, [NAME_URI] = URI,
		[NAME_EMAIL] = EMAIL, [NAME_OTHER] = MAX
	};
	const struct words *w = &p->words[lists[name->type]];
	struct addr a;
	size_t i;

	if (name->type == NAME_IP)
		return addr_parse(&a, name->value) == 0 &&
		    addrlist_find(&p->addrs, &a) != NULL;
	for (i = 0; i < w->n; i++)
		if (word_allows(w->v[i], name))
			return 1;
	return 0;
}

/* Is the common name one of the names? */
static int
is_name(const struct csrfacts *f, const char *cn)
{
	size_t i;

	for (i = 0; i < f->names.n; i++)
		if (f->names.v[i].type != NAME_OTHER &&
		    strcasecmp(f->names.v[i].value, cn) == 0)
			return 1;
	return 0;
}

static int
value_allowed(const struct csrpolicy *p, const struct csrfacts *f, int nid,
    const char *value)
{
	const char *pattern;
	size_t i;

	for (i = 0; i < p->words[SUBJECT].n; i++) {
		if (attribute(p->words[SUBJECT].v[i]) != nid)
			continue;
		pattern = strchr(p->words[SUBJECT].v[i], '=');
		if (pattern == NULL ||
		    fnmatch(pattern + 1, value, FNM_NOESCAPE) == 0)
			return 1;
	}
	return nid == NID_commonName && is_name(f, value);
}

/* Is this part of the subject allowed?  If not, *what becomes its text. */
static int
entry_allowed(const struct csrpolicy *p, const struct csrfacts *f,
    const X509_NAME_ENTRY *e, char **what)
{
	int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)), len, ok = 0;
	const char *sn = nid == NID_undef ? "unknown" : OBJ_nid2sn(nid);
	unsigned char *utf8 = NULL;

	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));
	if (len >= 0 && nid != NID_undef &&
	    strlen((char *)utf8) == (size_t)len)
		ok = value_allowed(p, f, nid, (char *)utf8);
	ERR_clear_error();
	if (!ok && *what == NULL)
		*what = xasprintf("%s=%s", sn, len < 0 ? "?" :
		    escn((char *)utf8, (size_t)len));
	OPENSSL_free(utf8);
	return ok;
}

static unsigned int
check_subject(const struct csrpolicy *p, const struct csrfacts *f,
    char **what)
{
	X509_NAME *subject = X509_REQ_get_subject_name(f->req);
	unsigned int bits = 0;
	size_t j;
	int i;

	for (i = 0; i < X509_NAME_entry_count(subject); i++)
		if (!entry_allowed(p, f, X509_NAME_get_entry(subject, i),
		    what))
			bits |= CSR_SUBJECT;
	for (j = 0; j < p->words[WANTED].n; j++) {
		if (X509_NAME_get_index_by_NID(subject,
		    attribute(p->words[WANTED].v[j]), -1) >= 0)
			continue;
		bits |= CSR_INCOMPLETE;
		if (*what == NULL)
			*what = xstrdup(p->words[WANTED].v[j]);
	}
	return bits;
}

static unsigned int
check_policy(const struct csrpolicy *p, const struct csrfacts *f, char **what)
{
	const struct words *w = &p->words[KEYS];
	unsigned int bits = 0;
	size_t i;

	for (i = 0; i < w->n && strcmp(w->v[i], f->key) != 0; i++)
		;
	if (p->set[KEYS] && i == w->n)
		bits |= CSR_KEY_TYPE;
	if (f->names.n > (size_t)p->max)
		bits |= CSR_TOO_MANY;
	for (i = 0; i < f->names.n; i++) {
		if (name_fault(&f->names.v[i]) != NULL ||
		    name_allowed(p, &f->names.v[i]))
			continue;
		bits |= CSR_NAME;
		if (*what == NULL)
			*what = xstrdup(f->names.v[i].value);
	}
	return bits | check_subject(p, f, what);
}

/* What no policy allows. */
static unsigned int
check_itself(const struct csrfacts *f, char **what)
{
	unsigned int bits = 0;
	size_t i;

	if (!f->self_signed)
		bits |= CSR_SIGNATURE;
	if (!f->strong)
		bits |= CSR_WEAK_KEY;
	if (f->ambiguous)
		bits |= CSR_AMBIGUOUS;
	if (f->wants_ca)
		bits |= CSR_WANTS_CA;
	if (f->names.n > NAMES_MAX)
		bits |= CSR_TOO_MANY;
	if (f->names.n == 0 && X509_NAME_entry_count(
	    X509_REQ_get_subject_name(f->req)) == 0)
		bits |= CSR_NO_NAME;
	for (i = 0; i < f->names.n; i++) {
		if (name_fault(&f->names.v[i]) == NULL)
			continue;
		bits |= CSR_BAD_NAME;
		if (*what == NULL)
			*what = xstrdup(f->names.v[i].value);
	}
	return bits;
}

unsigned int
csrpolicy_check(const struct csrfacts *f, const struct csrpolicy *p,
    const X509 *cert, char **what)
{
	char *first = NULL;
	unsigned int bits = check_itself(f, &first);

	if (p != NULL)
		bits |= check_policy(p, f, &first);
	if (cert != NULL && !csrfacts_same_subject(f, cert))
		bits |= CSR_OTHER_SUBJECT;
	if (cert != NULL && !csrfacts_same_names(f, cert))
		bits |= CSR_OTHER_NAMES;
	if (what != NULL)
		*what = first;
	else
		free(first);
	return bits;
}
