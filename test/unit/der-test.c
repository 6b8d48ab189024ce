/* SPDX-License-Identifier: ISC */
/* Tests of der.c: certificates are put together from pieces in hex. */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "der.h"
#include "dertext.h"
#include "util.h"

#define NAME_A "310c300a06035504030c03616263"	/* CN=abc */
#define TIME_1 "170d3236303130313030303030305a"	/* 2026-01-01 */
#define TIME_2 "170d3237303130313030303030305a"	/* 2027-01-01 */

/* The pieces of a certificate; NULL is the usual one. */
struct parts {
	const char *version, *serial, *issuer, *validity, *subject, *key;
	const char *ids, *exts, *end;
};

struct bytes {
	uint8_t b[8192];
	size_t len;
};

/* Append what the hex digits say; blanks may be anywhere between them. */
static void
add_hex(struct bytes *to, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int n = 0, v = 0;

	for (; *hex != '\0'; hex++)
		if (*hex != ' ') {
			v = v << 4 | (unsigned int)(strchr(digits, *hex) -
			    digits);
			if (++n % 2 == 0)
				to->b[to->len++] = (uint8_t)v;
		}
	if (n % 2 != 0)
		abort();
}

/* Append an element of this tag with what is in from. */
static void
add(struct bytes *to, unsigned int tag, const struct bytes *from)
{
	to->b[to->len++] = (uint8_t)tag;
	if (from->len >= 0x100) {
		to->b[to->len++] = 0x82;
		to->b[to->len++] = (uint8_t)(from->len >> 8);
	} else if (from->len >= 0x80)
		to->b[to->len++] = 0x81;
	to->b[to->len++] = (uint8_t)from->len;
	memcpy(to->b + to->len, from->b, from->len);
	to->len += from->len;
}

static void
add_seq(struct bytes *to, const char *hex, const char *usual)
{
	struct bytes in = {.len = 0};

	add_hex(&in, hex != NULL ? hex : usual);
	add(to, 0x30, &in);
}

static const struct bytes *
build(const struct parts *p)
{
	static struct bytes out;
	struct bytes tbs = {.len = 0}, cert = {.len = 0};
	const char *alg = "06082a8648ce3d040302";

	out.len = 0;
	add_hex(&tbs, p->version != NULL ? p->version : "a003020102");
	add_hex(&tbs, p->serial != NULL ? p->serial : "02021234");
	add_seq(&tbs, alg, NULL);
	add_seq(&tbs, p->issuer, NAME_A);
	add_seq(&tbs, p->validity, TIME_1 TIME_2);
	add_seq(&tbs, p->subject, NAME_A);
	add_seq(&tbs, p->key, "30 05 06 03 2b 65 70 03 02 00 01");
	if (p->ids != NULL)
		add_hex(&tbs, p->ids);
	if (p->exts != NULL)
		add_hex(&tbs, p->exts);
	add(&cert, 0x30, &tbs);
	add_seq(&cert, alg, NULL);
	add_hex(&cert, "0302 00ff");
	add(&out, 0x30, &cert);
	if (p->end != NULL)
		add_hex(&out, p->end);
	return &out;
}

/* Walk a copy that ends where the certificate ends. */
static const char *
walk(struct der_cert *c, const uint8_t *der, size_t len)
{
	static uint8_t *copy;
	const char *why = "no reason";
	int rc;

	free(copy);
	copy = xmalloc(len);
	if (len > 0)
		memcpy(copy, der, len);
	rc = der_cert(c, copy, len, &why);
	return rc == 0 ? "good" : rc == -1 && why != NULL ? why : "bad result";
}

static const char *
walk_parts(struct der_cert *c, const struct parts *p)
{
	const struct bytes *b = build(p);

	return walk(c, b->b, b->len);
}

static const char *
verdict(const struct parts p)
{
	struct der_cert c;

	return walk_parts(&c, &p);
}

static void
whole(void)
{
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;

	CHECK_STR(walk_parts(&c, &(struct parts){.version = NULL}), "good");
	CHECK_STR(der_name(&t, c.subject), "CN=abc");
	CHECK_STR(der_name(&t, c.issuer), "CN=abc");
	CHECK_STR(der_serial_hex(&t, c.serial), "1234");
	CHECK_INT(c.not_before, 1767225600);
	CHECK_INT(c.not_after, 1798761600);
	CHECK(der_next_san(&t, &c.names) == NULL);
	der_text_free(&t);
}

static void
every_truncation(void)
{
	const struct bytes *b = build(&(struct parts){.version = NULL});
	struct der_cert c;
	size_t n;

	for (n = 0; n < b->len; n++)
		if (!CHECK_STR(walk(&c, b->b, n), "not a certificate in DER"))
			break;
}

/* Whatever one byte becomes: an error, or something that can be shown. */
static void
every_byte(void)
{
	struct bytes b = *build(&(struct parts){.exts =
	    "a317 3015 3013 0603551d11 040c 300a 8202 6161 8704 01020304"});
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	unsigned int v;
	size_t i;
	int good = 0;

	for (i = 0; i < b.len; i++)
		for (v = 1; v < 256; v++) {
			b.b[i] ^= (uint8_t)v;
			if (strcmp(walk(&c, b.b, b.len), "good") == 0) {
				good++;
				der_name(&t, c.issuer);
				der_name(&t, c.subject);
				der_cn(&t, c.subject);
				der_serial_hex(&t, c.serial);
				der_serial_dec(&t, c.serial);
				while (der_next_san(&t, &c.names) != NULL)
					;
			}
			b.b[i] ^= (uint8_t)v;
		}
	CHECK(good > 1000);
	CHECK_STR(walk(&c, b.b, b.len), "good");
	der_text_free(&t);
}

static const char *
walk_hex(const char *hex)
{
	struct bytes b = {.len = 0};
	struct der_cert c;

	add_hex(&b, hex);
	return walk(&c, b.b, b.len);
}

static void
structure(void)
{
	const char *no = "not a certificate in DER";

	CHECK_STR(walk_hex(""), no);
	CHECK_STR(walk_hex("30"), no);
	CHECK_STR(walk_hex("3000"), no);
	CHECK_STR(walk_hex("3080 0000"), no);
	CHECK_STR(walk_hex("3084ffffffff"), no);
	CHECK_STR(walk_hex("3085 00000000 01 00"), no);
	CHECK_STR(walk_hex("3106 3000 3000 0300"), no);
	CHECK_STR(walk_hex("3006 3000 3000 0400"), no);
	CHECK_STR(walk_hex("3008 3000 3000 0300 0500"), no);
	CHECK_STR(walk_hex("308106 3000 3000 0300"), no);
	CHECK_STR(walk_hex("30820006 3000 3000 0300"), no);
	CHECK_STR(walk_hex("3f06 3000 3000 0300"), no);
	CHECK_STR(walk_hex("3006 3000 3000 0300"), "broken serial number");
	CHECK_STR(verdict((struct parts){.end = "00"}),
	    "bytes after the end of the certificate");
	CHECK_STR(verdict((struct parts){.version = ""}), "good");
	CHECK_STR(verdict((struct parts){.version = "a003020100"}), "good");
	CHECK_STR(verdict((struct parts){.version = "a003020103"}),
	    "version is not X.509 v1 to v3");
	CHECK_STR(verdict((struct parts){.version = "a00402020002"}),
	    "version is not X.509 v1 to v3");
	CHECK_STR(verdict((struct parts){.version = "a0050201020500"}),
	    "version is not X.509 v1 to v3");
	CHECK_STR(verdict((struct parts){.ids = "810100 820100"}), "good");
	CHECK_STR(verdict((struct parts){.ids = "820100 810100"}),
	    "broken extensions");
	CHECK_STR(verdict((struct parts){.ids = "8105"}),
	    "broken unique identifier");
	CHECK_STR(verdict((struct parts){.ids = "0500"}), "broken extensions");
}

static void
key_unread(void)
{
	CHECK_STR(verdict((struct parts){.key = ""}), "good");
	CHECK_STR(verdict((struct parts){.key = "ffffffffffff"}), "good");
}

static void
serials(void)
{
	static const struct {
		const char *der, *hex, *dec;
	} good[] = {
		{"020100", "00", "0"},
		{"02017f", "7F", "127"},
		{"02020080", "80", "128"},
		{"02020a3f", "0A3F", "2623"},
		{"0201ff", "-01", "-1"},
		{"020180", "-80", "-128"},
		{"0202ff7f", "-0081", "-129"},
		{"02028000", "-8000", "-32768"},
		{"0211 00ffffffffffffffffffffffffffffffff",
		    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
		    "340282366920938463463374607431768211455"},
	};
	static const char *const bad[] = {"0200", "02020012", "0202ff80",
	    "030100"};
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_STR(walk_parts(&c, &(struct parts){.serial =
		    good[i].der}), "good");
		CHECK_STR(der_serial_hex(&t, c.serial), good[i].hex);
		CHECK_STR(der_serial_dec(&t, c.serial), good[i].dec);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_STR(verdict((struct parts){.serial = bad[i]}),
		    "broken serial number");
	/* 64 bytes are the most. */
	CHECK_STR(verdict((struct parts){.serial = "0240"
	    "11111111111111111111111111111111 11111111111111111111111111111111"
	    "11111111111111111111111111111111 11111111111111111111111111111111"
	    }), "good");
	CHECK_STR(verdict((struct parts){.serial = "0241 11"
	    "11111111111111111111111111111111 11111111111111111111111111111111"
	    "11111111111111111111111111111111 11111111111111111111111111111111"
	    }), "broken serial number");
	der_text_free(&t);
}

static void
names(void)
{
	static const struct {
		const char *der, *text;
	} good[] = {
		{"", ""},
		/* C=US, O=x, CN=y comes in reverse */
		{"310b3009060355040613025553 310a300806035504 0a0c0178"
		    "310a3008060355040 30c0179", "CN=y,O=x,C=US"},
		/* one part with two attributes */
		{"3114 3008060355040b0c0161 300806035504030c0162",
		    "OU=a+CN=b"},
		/* every known type */
		{"310a3008060355040 50c0131", "serialNumber=1"},
		{"310a3008060355040 70c0131", "L=1"},
		{"310a3008060355040 80c0131", "ST=1"},
		{"310a3008060355040 90c0131", "STREET=1"},
		{"3111300f060a0992268993f22c64011916 0131", "DC=1"},
		{"3111300f060a0992268993f22c6401010c 0131", "UID=1"},
		{"3110300e06092a864886f70d010901 160131", "emailAddress=1"},
		/* unknown types and values that are no text */
		{"310a300806032a03040c0161", "1.2.3.4=#0C0161"},
		{"310a3008060355042a0c0161", "2.5.4.42=#0C0161"},
		{"310a300806035504030101ff", "CN=#0101FF"},
		{"310a300806035504030c01ff", "CN=#0C01FF"},
		{"310a300806035504031e0161", "CN=#1E0161"},
		{"310d300b06035504031e04d8000061", "CN=#1E04D8000061"},
		{"310a300806035504033f0161", NULL},
		/* RFC 4514 section 2.4: what is escaped */
		{"3109300706035504030c00", "CN="},
		{"310a300806035504030c0120", "CN=\\ "},
		{"310b300906035504030c022020", "CN=\\ \\ "},
		{"310c300a06035504030c03202020", "CN=\\  \\ "},
		{"310a300806035504030c0123", "CN=\\#"},
		{"310b300906035504030c026123", "CN=a#"},
		{"310b300906035504030c022320", "CN=\\#\\ "},
		{"3110300e06035504030c07222b2c3b3c3e5c",
		    "CN=\\\"\\+\\,\\;\\<\\>\\\\"},
		{"310a300806035504030c013d", "CN=="},
		{"310d300b06035504030c04 61000a7f", "CN=a\\00\\0A\\7F"},
		/* the kinds of strings */
		{"310b300906035504030c02c3a9", "CN=\xc3\xa9"},
		{"310a3008060355040313 0161", "CN=a"},
		{"310a3008060355040314 01e9", "CN=\xc3\xa9"},
		{"310b3009060355040 31e02 20ac", "CN=\xe2\x82\xac"},
		{"310d300b060355040 31c04 0001f600", "CN=\xf0\x9f\x98\x80"},
	};
	static const char *const bad[] = {
		"3100",				/* no attribute */
		"300a300806035504030c0161",	/* no SET */
		"310a310806035504030c0161",	/* no SEQUENCE */
		"310a300806035504030c0261",	/* value too long */
		"310c300a06035504030c01610500",	/* something behind it */
		"3107300506035504 03",		/* no value */
		"310730050600 0c0161",		/* empty type */
		"310a30080603 558403 0c",	/* cut short */
		"310a30080603 5504830c0161",	/* type does not end */
		"310a30080603 8055040c0161",	/* type not minimal */
		"310a30080603 5580040c0161",
	};
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (good[i].text == NULL) {
			CHECK_STR(verdict((struct parts){.subject =
			    good[i].der}), "broken subject");
			continue;
		}
		CHECK_STR(walk_parts(&c, &(struct parts){.subject =
		    good[i].der}), "good");
		CHECK_STR(der_name(&t, c.subject), good[i].text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_STR(verdict((struct parts){.subject = bad[i]}),
		    "broken subject");
		CHECK_STR(verdict((struct parts){.issuer = bad[i]}),
		    "broken issuer");
	}
	der_text_free(&t);
}

static void
many_parts(void)
{
	char hex[129 * 24 + 1];
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	int i;

	for (i = 0; i < 129; i++)
		memcpy(hex + i * 24, "310a300806035504030c0161", 25);
	CHECK_STR(verdict((struct parts){.subject = hex}), "broken subject");
	CHECK_STR(walk_parts(&c, &(struct parts){.subject = hex + 24}),
	    "good");
	CHECK_INT(strlen(der_name(&t, c.subject)), 128 * 5 - 1);
	der_text_free(&t);
}

static void
common_names(void)
{
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;

	walk_parts(&c, &(struct parts){.subject = "310a300806035504030c0161"
	    "310a3008060355040a0c0162 310c300a06035504030c03 632c00"});
	CHECK(der_cn(&t, c.subject) != NULL);
	CHECK_INT(t.len, 3);
	CHECK(memcmp(t.s, "c,\0", 4) == 0);
	walk_parts(&c, &(struct parts){.subject = "310a3008060355040a0c0162"});
	CHECK(der_cn(&t, c.subject) == NULL);
	walk_parts(&c, &(struct parts){.subject = "310a300806035504030101ff"});
	CHECK(der_cn(&t, c.subject) == NULL);
	der_text_free(&t);
}

static void
times(void)
{
	static const struct {
		const char *der;
		long long t;
	} good[] = {
		{"170d3730303130313030303030305a", 0},
		{"170d3530303130313030303030305a", -631152000},	/* 1950 */
		{"170d3439313233313233353935395a", 2524607999},	/* 2049 */
		{"170d3030303232393132303030305a", 951825600},	/* leap day */
		{"180f32303530303130313030303030305a", 2524608000},
		{"180f39393939313233313233353935395a", 253402300799},
		{"180f30303030303130313030303030305a", -62167219200},
	};
	static const char *const bad[] = {
		"1700",
		"170b323630313031303030305a",		/* no seconds */
		"170d323630313031303030303030 30",	/* no Z */
		"170d3236313330313030303030305a",	/* month 13 */
		"170d3236303030313030303030305a",	/* month 0 */
		"170d3236303230393234303030305a",	/* hour 24 */
		"170d3236303232393030303030305a",	/* no leap year */
		"170d3236303130313030303036305a",	/* second 60 */
		"170d3236303130313030003030305a",	/* NUL */
		"170d3236303130 2d303030303030 5a",
		"1711323630313031303030303030 2b30313030",
		"18 11 32303236303130313030303030302e305a", /* fraction */
		"180d32303236303130313030303030",
		"040d3236303130313030303030305a",	/* not a time */
	};
	char validity[128];
	struct der_cert c;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(validity, sizeof(validity), "%s%s", good[i].der,
		    good[i].der);
		CHECK_STR(walk_parts(&c, &(struct parts){.validity =
		    validity}), "good");
		CHECK_INT(c.not_before, good[i].t);
		CHECK_INT(c.not_after, good[i].t);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(validity, sizeof(validity), "%s%s", TIME_1, bad[i]);
		CHECK_STR(verdict((struct parts){.validity = validity}),
		    "broken validity");
		snprintf(validity, sizeof(validity), "%s%s", bad[i], TIME_1);
		CHECK_STR(verdict((struct parts){.validity = validity}),
		    "broken validity");
	}
	CHECK_STR(verdict((struct parts){.validity = TIME_1}),
	    "broken validity");
	CHECK_STR(verdict((struct parts){.validity = TIME_1 TIME_2 "0500"}),
	    "broken validity");
}

/* The GeneralNames in hex as the extensions of a certificate. */
static const char *
san(const char *names_hex, int twice)
{
	static char hex[1024];
	static const char digits[] = "0123456789abcdef";
	struct bytes in = {.len = 0}, seq = {.len = 0}, ext = {.len = 0};
	struct bytes list = {.len = 0}, exts = {.len = 0}, out = {.len = 0};
	size_t i;

	add_hex(&in, names_hex);
	add(&seq, 0x30, &in);
	add_hex(&ext, "0603551d11 0101ff");
	add(&ext, 0x04, &seq);
	add(&list, 0x30, &ext);
	if (twice)
		add(&list, 0x30, &ext);
	add(&exts, 0x30, &list);
	add(&out, 0xa3, &exts);
	for (i = 0; i < out.len; i++) {
		hex[2 * i] = digits[out.b[i] >> 4];
		hex[2 * i + 1] = digits[out.b[i] & 15];
	}
	hex[2 * i] = '\0';
	return hex;
}

static void
sans(void)
{
	static const char *const bad[] = {
		"8204 616161",			/* too long */
		"a203 820161",			/* [2] constructed */
		"8901 61",			/* [9] */
		"0c01 61",			/* no context tag */
		"8705 0102030405",		/* neither IPv4 nor IPv6 */
		"8700",
		"8708 0a000000ff000000",	/* that is for constraints */
	};
	struct der_text t = DER_TEXT_INIT;
	struct der_cert c;
	size_t i;

	CHECK_STR(walk_parts(&c, &(struct parts){.exts = san(
	    "a006 06022a03 a000" "810361 4062" "820161" "a400" "860375 3a31"
	    "8704 c0000201" "8710 20010db8000000000000000000000001"
	    "88022a03" "8203 610062", 0)}), "good");
	CHECK_STR(der_next_san(&t, &c.names), "email:a@b");
	CHECK_STR(der_next_san(&t, &c.names), "a");
	CHECK_STR(der_next_san(&t, &c.names), "URI:u:1");
	CHECK_STR(der_next_san(&t, &c.names), "192.0.2.1");
	CHECK_STR(der_next_san(&t, &c.names), "2001:db8::1");
	CHECK(der_next_san(&t, &c.names) != NULL);
	CHECK_INT(t.len, 3);
	CHECK(memcmp(t.s, "a\0b", 4) == 0);
	CHECK(der_next_san(&t, &c.names) == NULL);
	CHECK(der_next_san(&t, &c.names) == NULL);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_STR(verdict((struct parts){.exts = san(bad[i], 0)}),
		    "broken extensions");
	CHECK_STR(verdict((struct parts){.exts = san("820161", 1)}),
	    "broken extensions");
	der_text_free(&t);
}

static void
extensions(void)
{
	static const char *const bad[] = {
		"a300",				/* no SEQUENCE */
		"a304 3000 3000",		/* two of them */
		"a304 3002 3000",		/* no OID */
		"a30b 3009 3007 0603551d0f 0500",	/* no OCTET STRING */
		"a30d 300b 3009 0603551d0f 0400 0500",	/* one thing more */
		"a30b 3009 3007 0603551d11 0400",	/* SAN without list */
		"a30f 300d 300b 0603551d11 0404 3000 0500",
		"a302 3000 0500",		/* behind them */
		"a202 3000",
	};
	size_t i;

	CHECK_STR(verdict((struct parts){.exts = "a302 3000"}), "good");
	CHECK_STR(verdict((struct parts){.exts =
	    "a30b 3009 3007 0603551d0f 0400"}), "good");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_STR(verdict((struct parts){.exts = bad[i]}),
		    "broken extensions");
}

int
main(void)
{
	check_case("der: a whole certificate", whole);
	check_case("der: cut at every byte it is refused", every_truncation);
	check_case("der: any byte changed, nothing crashes", every_byte);
	check_case("der: lengths, tags and order are strict", structure);
	check_case("der: the public key is not looked at", key_unread);
	check_case("der: serial numbers", serials);
	check_case("der: names as RFC 4514 writes them", names);
	check_case("der: 128 parts of a name are the most", many_parts);
	check_case("der: the common name", common_names);
	check_case("der: times of RFC 5280", times);
	check_case("der: alternative names", sans);
	check_case("der: extensions", extensions);
	return check_end();
}
