/* SPDX-License-Identifier: ISC */
/* TLS-ALPN-01: names that are asked for, certificates that prove them. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "alpn01.h"
#include "check.h"
#include "key.h"
#include "name.h"

#define DIGEST "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

static void
server_names(void)
{
	static const char *const v[][2] = {
		{"a.example", "a.example"},
		{"192.0.2.1", "1.2.0.192.in-addr.arpa"},
		{"2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0."
		    "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	};
	size_t i;
	char *s;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		s = alpn01_sni(v[i][0]);
		CHECK_STR(s, v[i][1]);
		free(s);
	}
	CHECK(alpn01_sni("::x") == NULL);
}

static void
certificate(void)
{
	static const unsigned char head[] = {4, 32, 0xe3, 0xb0, 0xc4};
	EVP_PKEY *key = key_new("P-256");
	X509 *x = alpn01_cert(key, "a.example", DIGEST);
	const X509_EXTENSION *e = NULL;
	struct names names = {NULL, 0};
	const unsigned char *p;
	char id[40];
	int i;

	for (i = 0; i < X509_get_ext_count(x); i++) {
		e = X509_get_ext(x, i);
		OBJ_obj2txt(id, sizeof(id), X509_EXTENSION_get_object(
		    (X509_EXTENSION *)(size_t)e), 1);
		if (strcmp(id, "1.3.6.1.5.5.7.1.31") == 0)
			break;
	}
	CHECK(i < X509_get_ext_count(x));
	CHECK(X509_EXTENSION_get_critical(e) == 1);
	p = ASN1_STRING_get0_data(X509_EXTENSION_get_data(
	    (X509_EXTENSION *)(size_t)e));
	CHECK_INT(ASN1_STRING_length(X509_EXTENSION_get_data(
	    (X509_EXTENSION *)(size_t)e)), 34);
	CHECK(memcmp(p, head, sizeof(head)) == 0);
	CHECK(names_from_cert(&names, x, "x") == 0);
	CHECK_INT(names.n, 1);
	CHECK_STR(names.v[0].value, "a.example");
	CHECK(X509_verify(x, key) == 1);
	CHECK(X509_cmp_current_time(X509_get0_notBefore(x)) == -1);
	CHECK(X509_cmp_current_time(X509_get0_notAfter(x)) == 1);
	names_free(&names);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
refused(void)
{
	EVP_PKEY *key = key_new("P-256");

	CHECK(alpn01_cert(key, "a.example", "") == NULL);
	CHECK(alpn01_cert(key, "a.example", "AAAA") == NULL);
	CHECK(alpn01_cert(key, "a.example", DIGEST "A") == NULL);
	CHECK(alpn01_cert(key, "no name", DIGEST) == NULL);
	EVP_PKEY_free(key);
}

int
main(void)
{
	check_case("alpn01: RFC 8737 and 8738, the name that is asked for",
	    server_names);
	check_case("alpn01: RFC 8737 section 3, the certificate", certificate);
	check_case("alpn01: a digest or name that is none", refused);
	return check_end();
}
