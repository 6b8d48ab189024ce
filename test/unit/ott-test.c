/* SPDX-License-Identifier: ISC */
/*
 * ott: a token of `step ca token` 0.30.6 reproduced byte for byte (Ed25519
 * signs the same thing the same way), addresses, serial numbers, requests.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "b64.h"
#include "check.h"
#include "csr.h"
#include "key.h"
#include "ott.h"
#include "util.h"

/* The key of the vector, made for it by `step crypto jwk create`. */
static const char key_d[] = "PB0unIvWoCbxq8I7C5EFuKPiO51zRO-SQ6YY4FR6e8w";
static const char root[] =
    "14aade758972bcba00e9b5305c8705d49bdadf7b9d859600359c65c87ce7d18e";
static const char token[] = "eyJhbGciOiJFZERTQSIsImtpZCI6IlJuZ2dQRnItTG5CeFU5"
    "c043MGlhZlZ4dC1KanRJblJIY1JqU3BvTzNhR0UiLCJ0eXAiOiJKV1QifQ.eyJhdWQiOiJod"
    "HRwczovL2xvY2FsaG9zdC9zaWduIiwiZXhwIjoxNzk1MzE0Mjc1LCJpYXQiOjE3OTUzMTM5N"
    "zUsImlzcyI6ImFkbWluIiwianRpIjoiMzY4MTkwN2I5NDNlNjFiMGU4MjM0ZDIxMWQ0YzI4Y"
    "jU5OTNjNzYzNzlkMDNlMjZmMWNlMDczMDc5M2I2OWU1ZCIsIm5iZiI6MTc5NTMxMzk3NSwic"
    "2FucyI6WyJhLmV4YW1wbGUiLCIxOTIuMC4yLjEiXSwic2hhIjoiMTRhYWRlNzU4OTcyYmNiY"
    "TAwZTliNTMwNWM4NzA1ZDQ5YmRhZGY3YjlkODU5NjAwMzU5YzY1Yzg3Y2U3ZDE4ZSIsInN1Y"
    "iI6ImRldmljZSJ9.KV9v86ZMdRyO_ejxCkAFjnJjMxUABnL0Zgllii1Zq97g7NZ8yEfrKSTI"
    "bL3kaComuwswquiOGe7S4rwrL93VDQ";

static EVP_PKEY *
vector_key(void)
{
	size_t n;
	unsigned char *d = b64url_decode(key_d, &n);
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d,
	    n);

	CHECK(key != NULL);
	free(d);
	return key;
}

static void
vector(void)
{
	EVP_PKEY *key = vector_key();
	struct names names = {NULL, 0};
	struct ott ott = {.provisioner = "admin",
	    .audience = "https://localhost/sign", .subject = "device",
	    .names = &names, .root = root, .now = 1795313975,
	    .id = "3681907b943e61b0e8234d211d4c28b5993c76379d03e26f1ce0730793"
	    "b69e5d"};
	char *text, *other;

	CHECK_INT(names_add(&names, NAME_DNS, "a.example"), 0);
	CHECK_INT(names_add(&names, NAME_IP, "192.0.2.1"), 0);
	text = ott_new(key, &ott);
	CHECK_STR(text, token);
	free(text);
	/* Without an id each one is another. */
	ott.id = NULL;
	text = ott_new(key, &ott);
	other = ott_new(key, &ott);
	CHECK(text != NULL && other != NULL && strcmp(text, other) != 0);
	CHECK(ott_ok(text));
	free(other);
	free(text);
	names_free(&names);
	EVP_PKEY_free(key);
}

static void
forms(void)
{
	static const char *const bad[] = {"", ".", "..", "a.b", "a.b.",
	    ".a.b", "a..b", "a.b.c.d", "a.b.c\n", "a.b=.c", "a b.c.d",
	    "a.b.c."};
	size_t i;

	CHECK(ott_ok(token));
	CHECK(ott_ok("a.b.c"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(!ott_ok(bad[i])))
			printf("# %s\n", esc(bad[i]));
}

/* One address; want NULL: refused. */
static void
url(const char *base, const char *x5c, const char *want)
{
	char *got = ott_url(base, "sign", x5c);

	CHECK_STR(got, want);
	free(got);
}

static void
urls(void)
{
	url("https://ca:4210", NULL, "https://ca:4210/1.0/sign");
	url("https://ca:4210//", NULL, "https://ca:4210/1.0/sign");
	url("HTTPS://[::1]:4210/at", NULL, "HTTPS://[::1]:4210/at/1.0/sign");
	url("https://ca", "x5c", "https://ca/1.0/sign#x5c/x5c");
	/* What url.URL.String() of Go makes of this fragment. */
	url("https://ca", "a b@c#%/\xc3\xa9!'()*~",
	    "https://ca/1.0/sign#x5c/a%20b@c%23%25/%C3%A9!%27()*~");
	url("http://ca", NULL, NULL);
	url("https://", NULL, NULL);
	url("https:///x", NULL, NULL);
	url("https://:1", NULL, NULL);
	url("https://a@ca", NULL, NULL);
	url("https://ca#x", NULL, NULL);
	url("https://ca?x", NULL, NULL);
	url("https://ca\n", NULL, NULL);
	url("", NULL, NULL);
}

static void
serial(const char *text, const char *want)
{
	char *got = ott_serial(text);

	CHECK_STR(got, want);
	free(got);
}

static void
serials(void)
{
	serial("1", "1");
	serial("007", "7");
	serial("0x0A", "10");
	serial("0XfF", "255");
	serial("0xffffffffffffffffffffffffffffffffffffffff",
	    "1461501637330902918203684832716283019655932542975");
	serial("1461501637330902918203684832716283019655932542976", NULL);
	serial("0", NULL);
	serial("0x0", NULL);
	serial("0x", NULL);
	serial("", NULL);
	serial("-1", NULL);
	serial("+1", NULL);
	serial(" 1", NULL);
	serial("1a", NULL);
	serial("0x-1", NULL);
}

/* What comes of a request with this subject and this DNS name (or NULL). */
static void
request(const char *dn, const char *dns, const char *subject,
    const char *name)
{
	EVP_PKEY *key = vector_key();
	X509_NAME *xn = csr_subject(dn);
	struct names in = {NULL, 0}, out = {NULL, 0};
	X509_REQ *req;
	char *got = NULL;
	int rc;

	if (dns != NULL)
		names_add(&in, NAME_DNS, dns);
	req = csr_new(key, xn, &in);
	rc = ott_request(req, "test", &got, &out);
	CHECK_INT(rc, subject != NULL ? 0 : -1);
	CHECK_STR(got, subject);
	if (subject != NULL && CHECK_INT(out.n, 1))
		CHECK_STR(out.v[0].value, name);
	free(got);
	names_free(&in);
	names_free(&out);
	X509_REQ_free(req);
	X509_NAME_free(xn);
	EVP_PKEY_free(key);
}

static void
requests(void)
{
	request("", "a.example", "a.example", "a.example");
	request("CN=Device 7,O=Factory", "a.example", "Device 7",
	    "a.example");
	request("CN=device-7", NULL, "device-7", "device-7");
	request("CN=192.0.2.7", NULL, "192.0.2.7", "192.0.2.7");
	request("CN=Device 7", NULL, NULL, NULL);
	request("O=Factory", NULL, NULL, NULL);
	request("CN=a,CN=b", "a.example", NULL, NULL);
}

int
main(void)
{
	check_case("ott: a token of step, byte for byte", vector);
	check_case("ott: what looks like a token", forms);
	check_case("ott: addresses and audiences", urls);
	check_case("ott: serial numbers", serials);
	check_case("ott: subject and names of requests", requests);
	return check_end();
}
