/* SPDX-License-Identifier: ISC */
/* Tests of name.c and csr.c: names and subjects, good and bad ones. */
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include "check.h"
#include "csr.h"
#include "key.h"
#include "name.h"
#include "util.h"

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

static EVP_PKEY *key;

/* What one name becomes in a list; NULL when it is refused. */
static const char *
one(int type, const char *text)
{
	static char buf[4096];
	struct names l = {NULL, 0};
	int rc = names_add(&l, type, text);

	if (rc == 0 && CHECK_INT(l.n, 1) && CHECK_INT(l.v[0].type, type))
		snprintf(buf, sizeof(buf), "%s", l.v[0].value);
	else
		CHECK_INT(l.n, 0);
	names_free(&l);
	CHECK(l.v == NULL && l.n == 0);
	return rc == 0 ? buf : NULL;
}

/* The decoded forms are in RFC 3492 section 7.1, (A) to (R). */
static void
punycode_good(void)
{
	static const char *const good[] = {
		"egbpdaj6bu4bxfgehfvwxn", "ihqwcrb4cv8a8dqg056pqjye",
		"ihqwctvzc91f659drss3x8bo0yb",
		"proprostnemluvesky-uyb24dma41a",
		"4dbcagdahymbxekheh6e0a7fei0b",
		"i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd",
		"n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa",
		"b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"porqunopuedensimplementehablarenespaol-fmd56a",
		"tisaohkhngthchnitingvit-kjcr8268qyxafd2f1b9g",
		"3b-ww4c5e180e575a65lsy2b",
		"-with-super-monkeys-pc58ag80a8qai00g7n9n",
		"hello-another-way--fc4qua05auwb3674vfr0b",
		"2-u9tlzr9756bt3uc0v", "maji-koi5-783gue6qz075azm5e",
		"de-jg4avhby1noc0d", "d9juau41awczczp",
		"bcher-kva", "ls8h", "80ak6aa92e", "zca", "8ca"
	};
	char buf[128];
	size_t i;

	for (i = 0; i < SIZE(good); i++) {
		snprintf(buf, sizeof(buf), "xn--%s.example", good[i]);
		CHECK_STR(one(NAME_DNS, buf), buf);
	}
}

static void
punycode_bad(void)
{
	static const char *const bad[] = {
		"xn--a", "xn--aa", "xn--9", "xn--99999999",
		"xn--99999999999999999999999", "xn--abc", "xn--a-b-c",
		"xn--bcher-kv", "xn--bcher-kva-", "xn--bcher-k_a", "xn--",
		"xn---", "xn--a-", "xn--0ca9999", "xn--bcher-kvaa9999999",
		"xn--0hb0h99999",
		"xn--a-9999999999999999999999999999999999999999999999999",
		/* U+0080, U+009F, U+D800, U+DFFF */
		"xn--a", "xn--5a", "xn--ib9b", "xn--zy0c"
	};
	char buf[128];
	size_t i;

	for (i = 0; i < SIZE(bad); i++) {
		CHECK_STR(one(NAME_DNS, bad[i]), NULL);
		snprintf(buf, sizeof(buf), "www.%s.example", bad[i]);
		CHECK_STR(one(NAME_DNS, buf), NULL);
	}
}

static void
dns(void)
{
	static const char *const bad[] = {
		"", ".", "..", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b",
		"a b", "a\tb", "a\nb", "a/b", "a:1", "a@b", "*", "*.", "*.a",
		"*.a.", "**.a.b", "*a.b.c", "a*.b.c", "*.*.b.c", "a.*.b",
		"1.2.3.4", "::1", "1.2.3", "1", "a.1", "a.0123", "b\xc3\xbc",
		"\xff", "a\x7f", "[::1]"
	};
	char buf[300];
	size_t i;

	CHECK_STR(one(NAME_DNS, "a.example"), "a.example");
	CHECK_STR(one(NAME_DNS, "A.eXample"), "a.example");
	CHECK_STR(one(NAME_DNS, "localhost"), "localhost");
	CHECK_STR(one(NAME_DNS, "*.A.Example"), "*.a.example");
	CHECK_STR(one(NAME_DNS, "1.a2.3com"), "1.a2.3com");
	CHECK_STR(one(NAME_DNS, "r3---sn-x.example"), "r3---sn-x.example");
	CHECK_STR(one(NAME_DNS, "XN--BCHER-KVA.a"), "xn--bcher-kva.a");
	for (i = 0; i < SIZE(bad); i++)
		CHECK_STR(one(NAME_DNS, bad[i]), NULL);
	memset(buf, 'a', sizeof(buf));
	buf[63] = '\0';
	CHECK_STR(one(NAME_DNS, buf), buf);
	buf[63] = 'a';
	buf[64] = '\0';
	CHECK_STR(one(NAME_DNS, buf), NULL);
	memset(buf, 'a', sizeof(buf));
	buf[63] = buf[127] = buf[191] = '.';
	buf[253] = '\0';
	CHECK_STR(one(NAME_DNS, buf), buf);
	buf[253] = 'a';
	buf[254] = '\0';
	CHECK_STR(one(NAME_DNS, buf), NULL);
}

/* RFC 5952 sections 4 and 5. */
static void
ip(void)
{
	static const char *const pairs[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"::", "::"},
		{"2001:0db8::0001", "2001:db8::1"},
		{"2001:DB8::ABCD", "2001:db8::abcd"},
		{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"::FFFF:c000:201", "::ffff:192.0.2.1"}
	};
	static const char *const bad[] = {
		"", "a", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4",
		"1.2.3.4 ", " 1.2.3.4", "1.2.3.4/32", "0x1.2.3.4", ":::",
		"1::2::3", "fe80::1%eth0", "[::1]", "::1/64", "12345::",
		"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::g", "\xd9\xa1.2.3.4"
	};
	size_t i;

	for (i = 0; i < SIZE(pairs); i++)
		CHECK_STR(one(NAME_IP, pairs[i][0]), pairs[i][1]);
	for (i = 0; i < SIZE(bad); i++)
		CHECK_STR(one(NAME_IP, bad[i]), NULL);
	CHECK_INT(name_kind("192.0.2.1"), NAME_IP);
	CHECK_INT(name_kind("::1"), NAME_IP);
	CHECK_INT(name_kind("a.example"), NAME_DNS);
	CHECK_INT(name_kind("1.2.3"), NAME_DNS);
}

static void
uri_and_email(void)
{
	static const char *const uris[] = {
		"urn:x", "spiffe://a.example/x", "http://[::1]:80/?a=b#c",
		"tag:a@b,2026:%20%fF", "a+b-c.1:x"
	};
	static const char *const bad_uris[] = {
		"", ":", "a", "a:", ":a", "1:a", "/a", "//a/b", "a b:c",
		"a:b c", "a:\"", "a:<b>", "a:%", "a:%1", "a:%1g", "a:\\",
		"a:\xc3\xa4", "a:b\n", "a:{b}", "a:^", "a:`", "a:|"
	};
	static const char *const bad_emails[] = {
		"", "@", "a", "a@", "@b", "a@@b", "a@b@c", ".a@b", "a.@b",
		"a..b@c", "a b@c", "\"a\"@b", "a(b)@c", "a@[1.2.3.4]",
		"a@1.2.3.4", "a@*.b.c", "a@b.", "a,b@c", "a@b,c@d", "a@b c",
		"Joe <a@b>", "\xc3\xa4@b", "a@\xc3\xa4", "a\n@b"
	};
	char buf[128];
	size_t i;

	for (i = 0; i < SIZE(uris); i++)
		CHECK_STR(one(NAME_URI, uris[i]), uris[i]);
	for (i = 0; i < SIZE(bad_uris); i++)
		CHECK_STR(one(NAME_URI, bad_uris[i]), NULL);
	CHECK_STR(one(NAME_EMAIL, "A.b+c@D.Example"), "A.b+c@d.example");
	CHECK_STR(one(NAME_EMAIL, "!#$%&'*/=?^_`{|}~-@b"),
	    "!#$%&'*/=?^_`{|}~-@b");
	for (i = 0; i < SIZE(bad_emails); i++)
		CHECK_STR(one(NAME_EMAIL, bad_emails[i]), NULL);
	memset(buf, 'a', 65);
	strcpy(buf + 64, "@b");
	CHECK_STR(one(NAME_EMAIL, buf), buf);
	strcpy(buf + 65, "@b");
	buf[64] = 'a';
	CHECK_STR(one(NAME_EMAIL, buf), NULL);
}

static void
lists(void)
{
	struct names a = {NULL, 0}, b = {NULL, 0}, none = {NULL, 0};
	char buf[32];
	int i;

	CHECK(names_equal(&none, &none));
	CHECK(names_add(&a, NAME_DNS, "b.example") == 0);
	CHECK(!names_equal(&a, &none) && !names_equal(&none, &a));
	CHECK(names_add(&a, NAME_DNS, "a.example") == 0);
	CHECK(names_add(&a, NAME_DNS, "B.EXAMPLE") == 0);
	CHECK_INT(a.n, 2);
	CHECK_STR(a.v[0].value, "b.example");
	CHECK(names_add(&b, NAME_DNS, "a.example") == 0);
	CHECK(!names_equal(&a, &b));
	CHECK(names_add(&b, NAME_DNS, "b.example") == 0);
	CHECK(names_equal(&a, &b) && names_equal(&b, &a));
	CHECK(names_add(&a, NAME_URI, "b:x") == 0);
	CHECK(names_add(&b, NAME_EMAIL, "b@x") == 0);
	CHECK(!names_equal(&a, &b));
	names_free(&a);
	for (i = 0; i < NAMES_MAX; i++) {
		snprintf(buf, sizeof(buf), "n%d.example", i);
		CHECK(names_add(&a, NAME_DNS, buf) == 0);
	}
	CHECK(names_add(&a, NAME_DNS, "n7.example") == 0);
	CHECK(names_add(&a, NAME_DNS, "more.example") == -1);
	CHECK_INT(a.n, NAMES_MAX);
	names_free(&a);
	names_free(&b);
}

/* A certificate with this extension (hex), or with these names. */
static X509 *
cert(const char *san, const struct names *names)
{
	X509 *x = X509_new();
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	unsigned char *der;
	X509_EXTENSION *ext;
	long len;

	if (names != NULL)
		ext = names_to_ext(names, 1);
	else {
		der = OPENSSL_hexstr2buf(san, &len);
		ASN1_OCTET_STRING_set(data, der, (int)len);
		ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name,
		    0, data);
		OPENSSL_free(der);
	}
	CHECK(ext != NULL && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(data);
	/* so that the extensions are seen */
	X509_set_version(x, X509_VERSION_3);
	return x;
}

static void
round_trip(void)
{
	struct names in = {NULL, 0}, out = {NULL, 0}, shown = {NULL, 0};
	X509_REQ *req;
	X509 *x;

	CHECK(names_add(&in, NAME_DNS, "*.a.example") == 0);
	CHECK(names_add(&in, NAME_IP, "192.0.2.1") == 0);
	CHECK(names_add(&in, NAME_IP, "2001:db8::1") == 0);
	CHECK(names_add(&in, NAME_URI, "urn:x") == 0);
	CHECK(names_add(&in, NAME_EMAIL, "a@b") == 0);
	x = cert(NULL, &in);
	CHECK(names_from_cert(&out, x, "test") == 0);
	CHECK(out.n == 5 && names_equal(&in, &out));
	names_show(&shown, x);
	CHECK(names_equal(&in, &shown));
	names_free(&out);
	req = csr_new(key, NULL, &in);
	CHECK(req != NULL && X509_REQ_verify(req, key) == 1);
	CHECK(names_from_csr(&out, req, "test") == 0);
	CHECK(names_equal(&in, &out));
	X509_REQ_free(req);
	names_free(&out);
	req = csr_new(key, NULL, NULL);
	CHECK(names_from_csr(&out, req, "test") == 0 && out.n == 0);
	X509_REQ_free(req);
	X509_free(x);
	names_free(&in);
	names_free(&out);
	names_free(&shown);
}

static void
strange_certs(void)
{
	static const struct {
		const char *san, *shown;
		int type;
	} t[] = {
		{"300a8208612e657800622e63", "a.ex\\x00b.c", NAME_DNS},
		{"30058203615f62", "a_b", NAME_DNS},
		{"30048202c3a4", "\xc3\xa4", NAME_DNS},
		{"30028200", "", NAME_DNS},
		{"30058203612e62", "a.b", NAME_DNS},
		{"30058203412e42", "a.b", NAME_DNS},
		{"30058703010203", "an IP address of a wrong length",
		    NAME_OTHER},
		{"300588032a0304", "a registeredID", NAME_OTHER},
		{"3004a4023000", "a directoryName", NAME_OTHER},
		{"300c8208612e62", "unreadable", NAME_OTHER},
		{"0c0161", "unreadable", NAME_OTHER}
	};
	struct names l = {NULL, 0};
	size_t i;
	X509 *x;

	for (i = 0; i < SIZE(t); i++) {
		x = cert(t[i].san, NULL);
		CHECK_INT(names_from_cert(&l, x, "test"),
		    strcmp(t[i].shown, "a.b") == 0 ? 0 : -1);
		names_free(&l);
		names_show(&l, x);
		if (CHECK_INT(l.n, 1)) {
			/* some have a digest behind */
			CHECK_INT(strncmp(l.v[0].value, t[i].shown,
			    strlen(t[i].shown) + (t[i].type != NAME_OTHER)),
			    0);
			CHECK_INT(l.v[0].type, t[i].type);
		}
		names_free(&l);
		X509_free(x);
	}
}

/* What names_show() cannot spell out is still told apart. */
static void
strange_differ(void)
{
	static const char *const sans[] = {"300588032a0304", "300588032a0305",
	    "3004a4023000", "3007a0050601010c00"};
	struct names a = {NULL, 0}, b = {NULL, 0};
	size_t i, k;
	X509 *x, *y;

	for (i = 0; i < SIZE(sans); i++)
		for (k = 0; k < SIZE(sans); k++) {
			names_show(&a, x = cert(sans[i], NULL));
			names_show(&b, y = cert(sans[k], NULL));
			CHECK_INT(names_equal(&a, &b), i == k);
			X509_free(x);
			X509_free(y);
			names_free(&a);
			names_free(&b);
		}
}

static void
matching(void)
{
	struct names l = {NULL, 0};
	X509 *x;

	CHECK(names_add(&l, NAME_DNS, "a.example") == 0);
	CHECK(names_add(&l, NAME_DNS, "*.w.example") == 0);
	CHECK(names_add(&l, NAME_IP, "192.0.2.1") == 0);
	CHECK(names_add(&l, NAME_IP, "2001:db8::1") == 0);
	x = cert(NULL, &l);
	CHECK(name_matches(x, "a.example"));
	CHECK(name_matches(x, "A.EXAMPLE"));
	CHECK(name_matches(x, "b.w.example"));
	CHECK(name_matches(x, "xn--bcher-kva.w.example"));
	CHECK(name_matches(x, "*.w.example"));
	CHECK(name_matches(x, "192.0.2.1"));
	CHECK(name_matches(x, "2001:db8:0::1"));
	CHECK(!name_matches(x, "w.example"));
	CHECK(!name_matches(x, "b.c.w.example"));
	CHECK(!name_matches(x, ".w.example"));
	CHECK(!name_matches(x, ".example"));
	CHECK(!name_matches(x, "a.example."));
	CHECK(!name_matches(x, ""));
	CHECK(!name_matches(x, "192.0.2.2"));
	CHECK(!name_matches(x, "::ffff:192.0.2.1"));
	X509_free(x);
	names_free(&l);
	x = cert("300a8208612e657800622e63", NULL);
	CHECK(!name_matches(x, "a.ex"));
	X509_free(x);
	/* an address as a dNSName, a name as a URI */
	x = cert("300b82093139322e302e322e31", NULL);
	CHECK(!name_matches(x, "192.0.2.1"));
	X509_free(x);
	x = cert("300b8609612e6578616d706c65", NULL);
	CHECK(!name_matches(x, "a.example"));
	X509_free(x);
}

/* dn as a subject and back to text; NULL when it is refused. */
static const char *
subject(const char *dn)
{
	static char buf[4096];
	X509_NAME *name = csr_subject(dn);
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (name != NULL) {
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 &
		    ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
		n = BIO_read(bio, buf, sizeof(buf) - 1);
		buf[n > 0 ? n : 0] = '\0';
	}
	BIO_free(bio);
	X509_NAME_free(name);
	return name != NULL ? buf : NULL;
}

/* Some are the examples of RFC 4514 section 4. */
static void
subjects(void)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"UID=jsmith,DC=example,DC=net",
		    "UID=jsmith,DC=example,DC=net"},
		{"CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
		    "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net"},
		{"1.3.6.1.4.1.1466.0=#04024869", NULL},
		{"1.3.6.1.4.1.1466.0=#0c024869",
		    "1.3.6.1.4.1.1466.0=#0C024869"},
		{"CN=Lu\\C4\\8Di\\C4\\87", "CN=Lu\xc4\x8di\xc4\x87"},
		{"cn=a, o=b,c=DE", "CN=a,O=b,C=DE"},
		{"CN=\\ \\20\\ ", "CN=\\  \\ "},
		{"CN=a\\2cb\\2Bc", "CN=a\\,b\\+c"},
		{"CN=\\#a#b", "CN=\\#a#b"},
		{"2.5.4.3=a", "CN=a"},
		{"CN=a+OU=b,OU=c", "CN=a+OU=b,OU=c"},
		{"OU=a+CN=b+O=c", "OU=a+CN=b+O=c"}
	};
	static const char *const bad[] = {
		"a", "=", "=a", "CN", ",", "CN=a,", "CN=a+", ",CN=a", "+CN=a",
		"CN=a,,O=b", "CN=a O=b=c,", "X=a", "CN=a+CN=b", "CN=a+cn=b",
		"CN=a+O=b+2.5.4.3=c", "CN= a", "CN=a ", "CN=a ,O=b", "CN=",
		"CN=,O=a", "CN=\\", "CN=a\\", "CN=\\a", "CN=\\0", "CN=\\00",
		"CN=\\7f", "CN=a\nb", "CN=\xff", "CN=\xc0\x80", "CN=\\c3",
		"CN=#", "CN=#0", "CN=#0c", "CN=#0c01", "CN=#0c0241",
		"CN=#0c014142", "CN=#0c0141 ", "CN=#2403030041", "CN=#3000",
		"CN=\"a\"", "CN=a;O=b", "CN=<a>", "C=", "C=D", "C=DEU", "C=12",
		"1=a", "1.=a", ".1=a", "3.1=a", "1..2=a", "1.2.x=a"
	};
	char buf[80] = "CN=";
	size_t i;

	for (i = 0; i < SIZE(pairs); i++)
		CHECK_STR(subject(pairs[i][0]), pairs[i][1]);
	for (i = 0; i < SIZE(bad); i++)
		CHECK_STR(subject(bad[i]), NULL);
	memset(buf + 3, 'a', 64);
	CHECK_STR(subject(buf), buf);
	buf[67] = 'a';
	CHECK_STR(subject(buf), NULL);
}

/* The string has the most specific part first, the encoding last. */
static void
subject_order(void)
{
	static const int nids[] = {NID_countryName, NID_organizationName,
	    NID_organizationalUnitName, NID_commonName};
	X509_NAME *name = csr_subject("CN=a+OU=b,O=c,C=DE");
	X509_NAME_ENTRY *e;
	int i;

	if (CHECK(name != NULL) && CHECK_INT(X509_NAME_entry_count(name), 4)) {
		for (i = 0; i < 2; i++) {
			e = X509_NAME_get_entry(name, i);
			CHECK_INT(OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)),
			    nids[i]);
			CHECK_INT(X509_NAME_ENTRY_set(e), i);
		}
		for (i = 2; i < 4; i++) {
			e = X509_NAME_get_entry(name, i);
			CHECK_INT(OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)),
			    nids[i]);
			CHECK_INT(X509_NAME_ENTRY_set(e), 2);
		}
		e = X509_NAME_get_entry(name, 0);
		CHECK_INT(ASN1_STRING_type(X509_NAME_ENTRY_get_data(e)),
		    V_ASN1_PRINTABLESTRING);
		e = X509_NAME_get_entry(name, 1);
		CHECK_INT(ASN1_STRING_type(X509_NAME_ENTRY_get_data(e)),
		    V_ASN1_UTF8STRING);
	}
	X509_NAME_free(name);
}

int
main(void)
{
	/* every refusal has its message */
	if (freopen("/dev/null", "w", stderr) == NULL ||
	    (key = key_new("P-256")) == NULL)
		return 1;
	check_case("names: xn-- labels that RFC 3492 decodes", punycode_good);
	check_case("names: xn-- labels that are none", punycode_bad);
	check_case("names: DNS", dns);
	check_case("names: IP addresses as RFC 5952 writes them", ip);
	check_case("names: URI and email", uri_and_email);
	check_case("names: lists and sets", lists);
	check_case("names: into a certificate and a CSR and back", round_trip);
	check_case("names: strange ones in certificates", strange_certs);
	check_case("name: those without a text are told apart",
	    strange_differ);
	check_case("names: matching by RFC 9525", matching);
	check_case("names: subjects as RFC 4514 writes them", subjects);
	check_case("names: subjects have the right order", subject_order);
	EVP_PKEY_free(key);
	return check_end();
}
