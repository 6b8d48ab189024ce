/* SPDX-License-Identifier: ISC */
/* CSR attributes: the examples of the RFCs, and what is none. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "check.h"
#include "csrattrs.h"
#include "estbody.h"
#include "util.h"

#define REST(tail) "\"template\":false," tail

/* The JSON for a body, or why there is none; valid until the next call. */
static const char *
json_of(const char *body)
{
	static struct jsonw w;
	const char *why = "no reason";
	unsigned char *der;
	size_t n = 0;
	int rc = -1;

	jsonw_free(&w);
	memset(&w, 0, sizeof(w));
	der = est_decode(body, strlen(body), &n, &why);
	if (der != NULL)
		rc = csrattrs_json(&w, der, n, &why);
	OPENSSL_free(der);
	return rc == 0 ? jsonw_text(&w) : why;
}

static void
vectors(void)
{
	/* RFC 7030 section 4.5.2: an OID where Extensions belong */
	CHECK_STR(json_of("MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCS"
	    "qGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw=="),
	    "{\"offered\":true,\"key\":\"P-384\",\"digest\":\"SHA384\","
	    "\"challenge_password\":true,\"subject\":[],\"extensions\":[],"
	    REST("\"ignored\":[\"1.2.840.113549.1.9.14\"]}"));
	/* the same as RFC 9908 has it */
	CHECK_STR(json_of("MDIGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgcrBg"
	    "EBAQEWBggqhkjOPQQDAw=="),
	    "{\"offered\":true,\"key\":\"P-384\",\"digest\":\"SHA384\","
	    "\"challenge_password\":true,\"subject\":[],\"extensions\":[],"
	    REST("\"ignored\":[\"1.3.6.1.1.1.1.22\"]}"));
	CHECK_STR(json_of("MCkGCSqGSIb3DQEJBzARBgkqhkiG9w0BAQExBAICEAAGCSqGSI"
	    "b3DQEBCw=="),
	    "{\"offered\":true,\"key\":\"rsa4096\",\"digest\":\"SHA256\","
	    "\"challenge_password\":true,\"subject\":[],\"extensions\":[],"
	    REST("\"ignored\":[]}"));
	CHECK_STR(json_of("MC4GCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgNVBA"
	    "UGCCqGSM49BAMD"),
	    "{\"offered\":true,\"key\":\"P-384\",\"digest\":\"SHA384\","
	    "\"challenge_password\":true,\"subject\":[\"2.5.4.5\"],"
	    "\"extensions\":[]," REST("\"ignored\":[]}"));
}

/* RFC 9908: Extensions with a value; RFC 7030 appendix A.2: odd attributes. */
static void
more_vectors(void)
{
	CHECK_STR(json_of("MGgwZgYJKoZIhvcNAQkOMVkwVzBVBgNVHREBAf8ESzBJoEcGCC"
	    "sGAQUFBwgKoDsWOXJmYzg5OTQrZmQ3MzlmYzIzYzM0NDAxMTIyMzM0NDU1MDAwMD"
	    "AwMDArQGFjcC5leGFtcGxlLmNvbQ=="),
	    "{\"offered\":true,\"key\":null,\"digest\":null,"
	    "\"challenge_password\":false,\"subject\":[],\"extensions\":[{"
	    "\"oid\":\"2.5.29.17\",\"critical\":true,\"der\":\"3049a04706082b"
	    "0601050507080aa03b1639726663383939342b666437333966633233633334343"
	    "0313132323333343435353030303030303030"
	    "2b406163702e6578616d706c652e636f6d\"}],"
	    REST("\"ignored\":[]}"));
	CHECK_STR(json_of("MHwGBysGAQEBARYwIgYDiDcBMRsTGVBhcnNlIFNFVCBhcyAyLj"
	    "k5OS4xIGRhdGEGCSqGSIb3DQEJBzAsBgOINwIxJQYDiDcDBgOINwQTGVBhcnNlIF"
	    "NFVCBhcyAyLjk5OS4yIGRhdGEGCSskAwMCCAEBCwYJYIZIAWUDBAIC"),
	    "{\"offered\":true,\"key\":null,\"digest\":\"SHA384\","
	    "\"challenge_password\":true,\"subject\":[],\"extensions\":[],"
	    REST("\"ignored\":[\"1.3.6.1.1.1.1.22\",\"2.999.1\",\"2.999.2\","
	    "\"1.3.36.3.3.2.8.1.1.11\"]}"));
	/* rsaEncryption, id-ecPublicKey without a size; a template */
	CHECK(strstr(json_of("MAsGCSqGSIb3DQEBAQ=="), "\"key\":\"rsa\""));
	CHECK(strstr(json_of("MA0wCwYHKoZIzj0CATEA"), "\"key\":\"ec\""));
	CHECK(strstr(json_of("MBEwDwYLKoZIhvcNAQkQAj0xAA=="),
	    "\"template\":true"));
	/* a curve without a name that mkkey has */
	CHECK(strstr(json_of("MBYwFAYHKoZIzj0CATEJBgcrgQQAIgEB"),
	    "\"key\":\"1.3.132.0.34.1.1\""));
}

static void
none(void)
{
	struct jsonw w = JSONW_INIT;
	const char *why, *empty = "{\"offered\":false,\"key\":null,"
	    "\"digest\":null,\"challenge_password\":false,\"subject\":[],"
	    "\"extensions\":[]," REST("\"ignored\":[]}");

	CHECK_STR(json_of("MAA="), empty);
	CHECK_INT(csrattrs_json(&w, NULL, 0, &why), 0);
	CHECK_STR(jsonw_text(&w), empty);
	jsonw_free(&w);
}

static void
broken(void)
{
	CHECK_STR(json_of("MDIGCSqGSIb3DQEJBzASBgcq"),
	    "not a list of CSR attributes");
	CHECK_STR(json_of("BAIwAA=="), "not a list of CSR attributes");
	CHECK_STR(json_of("MAAA"), "bytes behind the CSR attributes");
	CHECK_STR(json_of("MAMCAQU="),
	    "neither an attribute nor an identifier in the list");
	CHECK_STR(json_of("MAIwAA=="),
	    "neither an attribute nor an identifier in the list");
}

int
main(void)
{
	check_case("csrattrs: RFC 7030 section 4.5.2 and its corrections",
	    vectors);
	check_case("csrattrs: C15 extensions, unknown attributes, no sizes",
	    more_vectors);
	check_case("csrattrs: C15 no attributes at all", none);
	check_case("csrattrs: what is not a list of them", broken);
	return check_end();
}
