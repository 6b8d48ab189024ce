/* SPDX-License-Identifier: ISC */
/* Tests of csrfacts.c and csrpolicy.c: requests, good and hostile. */
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "check.h"
#include "csr.h"
#include "csrpolicy.h"
#include "key.h"
#include "keyval.h"
#include "ossl.h"
#include "util.h"

static EVP_PKEY *key;

/* A request for this subject and these names: DNS, or with URI:, email:. */
static X509_REQ *
request(EVP_PKEY *k, const char *dn, const char *list)
{
	struct names l = {NULL, 0};
	X509_NAME *subject = csr_subject(dn);
	char *copy = xstrdup(list), *p = copy, *w;
	X509_REQ *req;

	while ((w = keyval_word(&p)) != NULL) {
		if (strncmp(w, "URI:", 4) == 0)
			names_add(&l, NAME_URI, w + 4);
		else if (strncmp(w, "email:", 6) == 0)
			names_add(&l, NAME_EMAIL, w + 6);
		else
			names_add(&l, name_kind(w), w);
	}
	req = csr_new(k, subject, &l);
	X509_NAME_free(subject);
	names_free(&l);
	free(copy);
	return req;
}

/* What is wrong with req, which is freed, by the policy in text. */
static unsigned int
judge(X509_REQ *req, const char *policy, char **what)
{
	struct csrpolicy *p = policy != NULL ? csrpolicy_new() : NULL;
	char *text = xstrdup(policy != NULL ? policy : "");
	unsigned char *der = NULL;
	unsigned int bits = ~0u;
	struct csrfacts f;
	int len = i2d_X509_REQ(req, &der);

	if (CHECK_INT(keyval_parse(text, strlen(text), "policy",
	    csrpolicy_set, p), 0) && CHECK_INT(csrfacts_der(&f, der,
	    (size_t)len, "req"), 0))
		bits = csrpolicy_check(&f, p, NULL, what);
	csrfacts_free(&f);
	csrpolicy_free(p);
	OPENSSL_free(der);
	X509_REQ_free(req);
	free(text);
	return bits;
}

static unsigned int
ask(const char *dn, const char *names, const char *policy)
{
	return judge(request(key, dn, names), policy, NULL);
}

static void
facts(void)
{
	X509_REQ *req = request(key, "CN=a,O=x", "a.example ::1 URI:urn:x");
	X509_REQ *same = request(key, "CN=a,O=x", "a.example ::1 URI:urn:x");
	X509_REQ *other = request(key, "CN=a,O=x", "a.example ::2 URI:urn:x");
	struct csrfacts f, g, h;
	struct jsonw w = JSONW_INIT;
	size_t len;
	char *pem = csr_pem(req, &len), *two = xasprintf("%s%s", pem, pem);
	unsigned char *der = NULL;
	int n = i2d_X509_REQ(req, &der);

	CHECK_INT(csrfacts_pem(&f, pem, len, "req"), 0);
	CHECK_STR(f.subject, "CN=a,O=x");
	CHECK_STR(f.key, "P-256");
	CHECK(f.strong && f.self_signed && !f.ambiguous && !f.wants_ca);
	CHECK(!f.challenge && csrfacts_challenge(&f, &len) == NULL);
	CHECK_INT(f.names.n, 3);
	csrfacts_json(&f, &w);
	CHECK(strstr(jsonw_text(&w), "\"subject\":\"CN=a,O=x\",\"sans\":"
	    "[\"a.example\",\"::1\",\"URI:urn:x\"],"
	    "\"key\":\"P-256\",") != NULL);
	jsonw_free(&w);
	free(pem);
	pem = csr_pem(same, &len);
	CHECK_INT(csrfacts_pem(&g, pem, len, "req"), 0);
	free(pem);
	pem = csr_pem(other, &len);
	CHECK_INT(csrfacts_pem(&h, pem, len, "req"), 0);
	CHECK_STR(f.spki_sha256, g.spki_sha256);
	CHECK_STR(f.id, g.id);
	CHECK_STR(f.spki_sha256, h.spki_sha256);
	CHECK(strcmp(f.id, h.id) != 0);
	csrfacts_free(&f);
	csrfacts_free(&g);
	csrfacts_free(&h);
	CHECK_INT(csrfacts_pem(&f, two, strlen(two), "two"), -1);
	csrfacts_free(&f);
	CHECK_INT(csrfacts_pem(&f, "", 0, "empty"), -1);
	csrfacts_free(&f);
	der = OPENSSL_realloc(der, (size_t)n + 1);
	der[n] = 0;
	CHECK_INT(csrfacts_der(&f, der, (size_t)n + 1, "trailing"), -1);
	csrfacts_free(&f);
	CHECK_INT(csrfacts_der(&f, der, (size_t)n - 1, "short"), -1);
	csrfacts_free(&f);
	OPENSSL_free(der);
	free(pem);
	free(two);
	X509_REQ_free(req);
	X509_REQ_free(same);
	X509_REQ_free(other);
}

static void
dns(void)
{
	static const struct {
		const char *policy, *name;
		unsigned int want;
	} rows[] = {
		{"a.example", "a.example", 0},
		{"A.Example", "a.example", 0},
		{"a.example", "b.a.example", CSR_NAME},
		{"a.example", "xa.example", CSR_NAME},
		{".a.example", "b.a.example", 0},
		{".a.example", "c.b.a.example", 0},
		{".a.example", "a.example", CSR_NAME},
		{".a.example", "ba.example", CSR_NAME},
		{".a.example", "*.a.example", CSR_NAME},
		{"*.a.example", "*.a.example", 0},
		{"*.a.example", "b.a.example", CSR_NAME},
		{"*", "b.a.example", 0},
		{"*", "*.a.example", CSR_NAME},
		{"*", "192.0.2.1", CSR_NAME},
		{"*", "URI:urn:x", CSR_NAME},
		{"*", "email:j@a.example", CSR_NAME},
		{"x.example a.example", "a.example", 0},
		{"", "a.example", CSR_NAME}
	};
	char *policy;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		policy = xasprintf("DNS_NAMES=%s\n", rows[i].policy);
		if (!CHECK_INT(ask("", rows[i].name, policy), rows[i].want))
			printf("# %s%s\n", policy, rows[i].name);
		free(policy);
	}
	CHECK_INT(ask("", "a.example", ""), CSR_NAME);
	CHECK_INT(ask("", "a.example", NULL), 0);
}

static void
others(void)
{
	static const char ip[] = "IP_NAMES=192.0.2.0/24 2001:db8::/32";
	static const char uri[] = "URI_NAMES=urn:dev: https://a.example/ urn:x";
	static const char email[] = "EMAIL_NAMES=j@b.example @a.example";

	CHECK_INT(ask("", "192.0.2.9 2001:db8::9", ip), 0);
	CHECK_INT(ask("", "192.0.3.9", ip), CSR_NAME);
	CHECK_INT(ask("", "192.0.2.9 2001:db9::9", ip), CSR_NAME);
	CHECK_INT(ask("", "URI:urn:dev:7 URI:urn:x", uri), 0);
	CHECK_INT(ask("", "URI:https://a.example/b", uri), 0);
	CHECK_INT(ask("", "URI:https://a.example.b.example/", uri), CSR_NAME);
	CHECK_INT(ask("", "URI:urn:xy", uri), CSR_NAME);
	CHECK_INT(ask("", "email:x@a.example email:j@b.example", email), 0);
	CHECK_INT(ask("", "email:x@b.example", email), CSR_NAME);
	CHECK_INT(ask("", "email:x@b.a.example", email), CSR_NAME);
	CHECK_INT(ask("", "a.example b.example", "DNS_NAMES=*\nMAX_NAMES=1"),
	    CSR_TOO_MANY);
	CHECK_INT(ask("", "a.example", "DNS_NAMES=*\nMAX_NAMES=1"), 0);
	CHECK_INT(ask("", "a.example", "DNS_NAMES=*\nKEYS=rsa2048 P-384"),
	    CSR_KEY_TYPE);
	CHECK_INT(ask("", "a.example", "DNS_NAMES=*\nKEYS=rsa2048 P-256"), 0);
	CHECK_INT(ask("", "a.example", "DNS_NAMES=*\nKEYS="), CSR_KEY_TYPE);
}

static void
subject(void)
{
	static const char cn[] = "DNS_NAMES=*\nSUBJECT=CN=dev-* O=My?Fab OU\n";

	CHECK_INT(ask("CN=a.example", "a.example", "DNS_NAMES=*"), 0);
	CHECK_INT(ask("CN=A.example", "a.example", "DNS_NAMES=*"), 0);
	CHECK_INT(ask("CN=b.example", "a.example", "DNS_NAMES=*"), CSR_SUBJECT);
	CHECK_INT(ask("CN=dev-7", "a.example", cn), 0);
	CHECK_INT(ask("CN=a.example", "a.example", cn), 0);
	CHECK_INT(ask("CN=xdev-7", "a.example", cn), CSR_SUBJECT);
	CHECK_INT(ask("CN=dev-7,O=My Fab,OU=x", "", cn), 0);
	CHECK_INT(ask("CN=dev-7,O=Fab", "", cn), CSR_SUBJECT);
	CHECK_INT(ask("CN=dev-7,C=DE", "", cn), CSR_SUBJECT);
	CHECK_INT(ask("1.2.3.4=x", "", cn), CSR_SUBJECT);
	CHECK_INT(ask("", "a.example", "DNS_NAMES=*\nSUBJECT_WANTED=CN O"),
	    CSR_INCOMPLETE);
	CHECK_INT(ask("CN=dev-1,CN=dev-2", "", cn), CSR_AMBIGUOUS);
}

static void
what(void)
{
	char *s = NULL;

	judge(request(key, "", "a.example b.example"), "DNS_NAMES=a.example",
	    &s);
	CHECK_STR(s, "b.example");
	free(s);
	judge(request(key, "O=\\E2\\80\\AEx", "a.example"), "DNS_NAMES=*", &s);
	CHECK_STR(s, "O=\\xe2\\x80\\xaex");
	free(s);
	judge(request(key, "O=x", "a.example"), NULL, &s);
	CHECK(s == NULL);
	CHECK_STR(csrpolicy_reason(CSR_OTHER_NAMES), "names_differ");
	CHECK_STR(csrpolicy_reason(1u << CSRPOLICY_BITS), "unknown");
}

static void
policies(void)
{
	static const char *const bad[] = {
		"WHAT=1", "DNS_NAMES=a..b", "DNS_NAMES=.*.example",
		"DNS_NAMES=a.example\nDNS_NAMES=", "DNS_NAMES=192.0.2.1",
		"IP_NAMES=192.0.2.1/24", "IP_NAMES=a.example", "URI_NAMES=x",
		"URI_NAMES=urn:*", "URI_NAMES=https://a.example:",
		"EMAIL_NAMES=a.example", "EMAIL_NAMES=@", "SUBJECT=WHAT",
		"SUBJECT==x", "SUBJECT_WANTED=CN=x", "KEYS=rsa1024",
		"KEYS=p-256", "MAX_NAMES=0", "MAX_NAMES=1001", "MAX_NAMES=",
		"MAX_NAMES=1\nMAX_NAMES=1"
	};
	struct csrpolicy *p;
	char buf[128];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = csrpolicy_new();
		snprintf(buf, sizeof(buf), "%s", bad[i]);
		if (!CHECK_INT(keyval_parse(buf, strlen(buf), "policy",
		    csrpolicy_set, p), -1))
			printf("# %s\n", bad[i]);
		csrpolicy_free(p);
	}
	CHECK(csrpolicy_key("KEYS") && !csrpolicy_key("KEY"));
}

/* Put an extension request with one extension into req. */
static void
add_ext(X509_REQ *req, int attr, int nid, const char *value)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	CHECK(exts != NULL && ext != NULL && sk_X509_EXTENSION_push(exts,
	    ext) > 0 && X509_REQ_add_extensions_nid(req, exts, attr) == 1);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

static X509_REQ *
resigned(X509_REQ *req, const EVP_MD *md)
{
	CHECK(X509_REQ_sign(req, key, md) > 0);
	return req;
}

static void
hostile(void)
{
	EVP_PKEY *other = key_new("P-256");
	X509_REQ *req = request(key, "CN=a", "");

	CHECK_INT(judge(resigned(req, EVP_sha1()), NULL, NULL), CSR_SIGNATURE);
	req = request(key, "CN=a", "");
	CHECK(X509_REQ_sign(req, other, EVP_sha256()) > 0);
	CHECK_INT(judge(req, NULL, NULL), CSR_SIGNATURE);
	req = request(key, "CN=a", "");
	add_ext(req, NID_ext_req, NID_basic_constraints, "CA:TRUE");
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL),
	    CSR_WANTS_CA);
	req = request(key, "CN=a", "");
	add_ext(req, NID_ext_req, NID_basic_constraints, "CA:FALSE");
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL), 0);
	req = request(key, "CN=a", "a.example");
	add_ext(req, NID_ms_ext_req, NID_subject_alt_name, "DNS:b.example");
	CHECK(X509_ATTRIBUTE_set1_object(X509_REQ_get_attr(req, 1),
	    OBJ_nid2obj(NID_ext_req)) == 1);
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL),
	    CSR_AMBIGUOUS);
	req = request(key, "CN=a", "a.example");
	add_ext(req, NID_ms_ext_req, NID_subject_alt_name, "DNS:b.example");
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL),
	    CSR_AMBIGUOUS);
	req = request(key, "CN=a", "");
	add_ext(req, NID_ext_req, NID_subject_alt_name,
	    "otherName:1.2.3.4;UTF8:x");
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL), CSR_BAD_NAME);
	req = request(key, "CN=a", "");
	add_ext(req, NID_ext_req, NID_subject_alt_name, "DNS:a..example");
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL), CSR_BAD_NAME);
	req = X509_REQ_new();
	CHECK(req != NULL && X509_REQ_set_pubkey(req, key) == 1);
	CHECK_INT(judge(resigned(req, EVP_sha256()), NULL, NULL), CSR_NO_NAME);
	EVP_PKEY_free(other);
}

static void
keys(void)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024), *k224 = EVP_EC_gen("secp224r1");
	EVP_PKEY *ed = key_new("Ed25519");

	CHECK_INT(judge(request(weak, "CN=a", ""), NULL, NULL), CSR_WEAK_KEY);
	CHECK_INT(judge(request(k224, "CN=a", ""), NULL, NULL), CSR_WEAK_KEY);
	CHECK_INT(judge(request(ed, "CN=a", ""), NULL, NULL), 0);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(k224);
	EVP_PKEY_free(ed);
}

/* The challengePassword of a request with these values, or NULL. */
static const char *
challenge(int n, int type, const char *value)
{
	X509_REQ *req = request(key, "CN=a", "");
	static char text[64];
	const char *s, *rc = NULL;
	unsigned char *der = NULL;
	struct csrfacts f;
	size_t len;
	int i, derlen;

	if (n > 0)
		CHECK(X509_REQ_add1_attr_by_NID(req,
		    NID_pkcs9_challengePassword, type,
		    (const unsigned char *)value, (int)strlen(value)) == 1);
	for (i = 1; i < n; i++)
		CHECK(X509_ATTRIBUTE_set1_data(X509_REQ_get_attr(req, 0), type,
		    value, (int)strlen(value)) == 1);
	derlen = i2d_X509_REQ(resigned(req, EVP_sha256()), &der);
	CHECK_INT(csrfacts_der(&f, der, (size_t)derlen, "req"), 0);
	CHECK_INT(f.challenge, n > 0);
	if ((s = csrfacts_challenge(&f, &len)) != NULL) {
		snprintf(text, sizeof(text), "%.*s", (int)len, s);
		rc = text;
	}
	csrfacts_free(&f);
	OPENSSL_free(der);
	X509_REQ_free(req);
	return rc;
}

static void
challenges(void)
{
	CHECK_STR(challenge(1, MBSTRING_ASC, "secret"), "secret");
	CHECK_STR(challenge(1, V_ASN1_UTF8STRING, "secret"), "secret");
	CHECK(challenge(0, MBSTRING_ASC, "") == NULL);
	CHECK(challenge(2, MBSTRING_ASC, "secret") == NULL);
	CHECK(challenge(1, V_ASN1_OCTET_STRING, "secret") == NULL);
}

/* A certificate with this subject and these names (openssl's form). */
static X509 *
cert_for(const char *dn, const char *sans)
{
	X509 *cert = X509_new();
	X509_NAME *subject = csr_subject(dn);
	X509_EXTENSION *ext;

	X509_set_subject_name(cert, subject);
	X509_NAME_free(subject);
	if (*sans != '\0') {
		ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
		    sans);
		CHECK(X509_add_ext(cert, ext, -1) == 1);
		X509_EXTENSION_free(ext);
	}
	return cert;
}

static unsigned int
renew(const char *dn, const char *names, const char *certdn, const char *sans)
{
	X509_REQ *req = request(key, dn, names);
	X509 *cert = cert_for(certdn, sans);
	unsigned char *der = NULL;
	unsigned int bits = ~0u;
	struct csrfacts f;
	int len = i2d_X509_REQ(req, &der);

	if (CHECK_INT(csrfacts_der(&f, der, (size_t)len, "req"), 0))
		bits = csrpolicy_check(&f, NULL, cert, NULL);
	csrfacts_free(&f);
	OPENSSL_free(der);
	X509_REQ_free(req);
	X509_free(cert);
	return bits;
}

static void
renewals(void)
{
	static const char two[] = "a.example 192.0.2.1";

	CHECK_INT(renew("CN=a", two, "CN=a", "IP:192.0.2.1,DNS:A.example"), 0);
	CHECK_INT(renew("CN=A  b", "", "CN=a B", ""), 0);
	CHECK_INT(renew("CN=a", "", "CN=b", ""), CSR_OTHER_SUBJECT);
	CHECK_INT(renew("CN=a", "", "CN=a,O=x", ""), CSR_OTHER_SUBJECT);
	CHECK_INT(renew("CN=a", two, "CN=a", "DNS:a.example"),
	    CSR_OTHER_NAMES);
	CHECK_INT(renew("CN=a", "a.example", "CN=a",
	    "DNS:a.example,IP:192.0.2.1"), CSR_OTHER_NAMES);
	CHECK_INT(renew("CN=a", "a.example", "CN=a",
	    "DNS:a.example,otherName:1.2.3.4;UTF8:x"), CSR_OTHER_NAMES);
	CHECK_INT(renew("CN=a", "", "CN=b", "DNS:a.example"),
	    CSR_OTHER_SUBJECT | CSR_OTHER_NAMES);
}

int
main(void)
{
	ossl_memory();
	if ((key = key_new("P-256")) == NULL)
		return 1;
	check_case("csrfacts: what a request says", facts);
	check_case("csrpolicy: DNS names", dns);
	check_case("csrpolicy: other names, how many, keys", others);
	check_case("csrpolicy: the subject", subject);
	check_case("csrpolicy: the first that is refused", what);
	check_case("csrpolicy: policies that are none", policies);
	check_case("csrpolicy: requests no honest client makes", hostile);
	check_case("csrpolicy: keys", keys);
	check_case("csrfacts: the challengePassword", challenges);
	check_case("csrpolicy: the renewal of a certificate", renewals);
	EVP_PKEY_free(key);
	return check_end();
}
