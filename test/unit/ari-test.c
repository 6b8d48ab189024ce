/* SPDX-License-Identifier: ISC */
/* Renewal information: names of certificates, windows, moments; RFC 3339. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "ari.h"
#include "check.h"
#include "util.h"

/* A certificate with this serial number and authority key, as far as needed. */
static X509 *
certificate(const char *serial, const char *aki)
{
	X509 *x = X509_new();
	BIGNUM *bn = NULL;
	AUTHORITY_KEYID *kid = AUTHORITY_KEYID_new();
	ASN1_INTEGER *n;
	long len = 0;
	unsigned char *p;

	BN_hex2bn(&bn, serial);
	n = BN_to_ASN1_INTEGER(bn, NULL);
	X509_set_version(x, 2);
	X509_set_serialNumber(x, n);
	if (aki != NULL) {
		p = OPENSSL_hexstr2buf(aki, &len);
		kid->keyid = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(kid->keyid, p, (int)len);
		X509_add1_ext_i2d(x, NID_authority_key_identifier, kid, 0, 0);
		OPENSSL_free(p);
	}
	ASN1_INTEGER_free(n);
	BN_free(bn);
	AUTHORITY_KEYID_free(kid);
	return x;
}

static void
cert_ids(void)
{
	X509 *x = certificate("87654321",
	    "69885B6B87464041E1B37B847BA0AE2CDE01C8D4");
	char *id = ari_cert_id(x);

	/* RFC 9773 section 4.1: the serial keeps its leading zero octet */
	CHECK_STR(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	free(id);
	X509_free(x);
	x = certificate("01", "00");
	id = ari_cert_id(x);
	CHECK_STR(id, "AA.AQ");
	free(id);
	X509_free(x);
	x = certificate("01", NULL);
	CHECK(ari_cert_id(x) == NULL);
	X509_free(x);
}

static int
window_of(const char *text, struct ari_window *w)
{
	char why[160];
	struct json *j = json_parse(text, strlen(text), why);
	int rc = ari_window(j, w);

	json_free(j);
	return rc;
}

static void
windows(void)
{
	struct ari_window w;

	CHECK_INT(window_of("{\"suggestedWindow\":{\"start\":"
	    "\"2025-01-02T04:00:00Z\",\"end\":\"2025-01-03T04:00:00Z\"}}", &w),
	    0);
	CHECK_INT(w.start, 1735790400);
	CHECK_INT(w.end, 1735876800);
	CHECK_INT(window_of("{}", &w), -1);
	CHECK_INT(window_of("{\"suggestedWindow\":7}", &w), -1);
	CHECK_INT(window_of("{\"suggestedWindow\":{\"start\":"
	    "\"2025-01-02T04:00:00Z\"}}", &w), -1);
	CHECK_INT(window_of("{\"suggestedWindow\":{\"start\":"
	    "\"2025-01-03T04:00:00Z\",\"end\":\"2025-01-03T04:00:00Z\"}}", &w),
	    -1);
	CHECK_INT(window_of("{\"suggestedWindow\":{\"start\":\"tomorrow\","
	    "\"end\":\"2025-01-03T04:00:00Z\"}}", &w), -1);
}

/* Over many hosts every tenth of the window gets about a tenth of them. */
static void
moments(void)
{
	const struct ari_window w = {1000000, 1000000 + 36000};
	int tenth[10] = {0}, i;
	char host[32];
	time_t t;

	for (i = 0; i < 10000; i++) {
		snprintf(host, sizeof(host), "host%d", i);
		t = ari_moment(&w, "a.b", host);
		if (!CHECK(t >= w.start && t < w.end))
			return;
		tenth[(t - w.start) / 3600]++;
	}
	for (i = 0; i < 10; i++)
		CHECK(tenth[i] > 850 && tenth[i] < 1150);
	CHECK_INT(ari_moment(&w, "a.b", "h"), ari_moment(&w, "a.b", "h"));
	CHECK(ari_moment(&w, "a.b", "h") != ari_moment(&w, "a.c", "h"));
}

static void
lifetimes(void)
{
	struct ari_window w;

	ari_lifetime(0, 90 * 86400, &w);
	CHECK_INT(w.start, 60 * 86400);
	CHECK_INT(w.end, 63 * 86400 + 1);
	ari_lifetime(0, 86400, &w);
	CHECK_INT(w.start, 43200);
	ari_lifetime(0, 2, &w);
	CHECK(w.start < w.end && w.end <= 2);
}

static long long
parsed(const char *s)
{
	time_t t = -12345;

	return rfc3339_parse(s, &t) == 0 ? (long long)t : -1;
}

static void
times(void)
{
	static const char *const bad[] = {"", "2025", "2025-01-02",
	    "2025-01-02T04:00Z", "2025-13-02T04:00:00Z",
	    "2025-02-29T04:00:00Z", "2025-01-00T04:00:00Z",
	    "2025-01-02T24:00:00Z", "2025-01-02T04:60:00Z",
	    "2025-01-02T04:00:61Z", "2025-01-02T04:00:00",
	    "2025-01-02T04:00:00.Z", "2025-01-02T04:00:00+1:00",
	    "2025-01-02T04:00:00+24:00", "2025-01-02T04:00:00Zx",
	    " 2025-01-02T04:00:00Z", "2025-01-02X04:00:00Z",
	    "+025-01-02T04:00:00Z"};
	size_t i;

	CHECK_INT(parsed("1970-01-01T00:00:00Z"), 0);
	CHECK_INT(parsed("2025-01-02T04:00:00Z"), 1735790400);
	CHECK_INT(parsed("2025-01-02t04:00:00.123456789z"), 1735790400);
	CHECK_INT(parsed("2025-01-02T05:30:00+01:30"), 1735790400);
	CHECK_INT(parsed("2025-01-01T20:00:00-08:00"), 1735790400);
	CHECK_INT(parsed("2024-02-29T00:00:00Z"), 1709164800);
	CHECK_INT(parsed("2016-12-31T23:59:60Z"), 1483228800);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(parsed(bad[i]), -1))
			printf("# %s\n", bad[i]);
}

int
main(void)
{
	check_case("ari: RFC 9773 4.1 what a certificate is called", cert_ids);
	check_case("ari: RFC 9773 4.2 windows that make sense and others",
	    windows);
	check_case("ari: RFC 9773 4.2 moments are spread and stay", moments);
	check_case("ari: the lifetime rule", lifetimes);
	check_case("util: RFC 3339 times are read", times);
	return check_end();
}
