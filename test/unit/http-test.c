/* SPDX-License-Identifier: ISC */
/* http: header fields, Retry-After and URLs as a server may send them. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "http.h"
#include "httpurl.h"
#include "util.h"

/* 2015-10-21 07:28:00 UTC, the instant of the examples in RFC 9110. */
#define NOW 1445412480

static int
add(struct http_fields *f, const char *line)
{
	return http_field_add(f, line, strlen(line));
}

static void
fields(void)
{
	struct http_fields f = {.n = 0};

	CHECK_INT(add(&f, "HTTP/1.1 200 OK\r\n"), 0);
	CHECK_INT(f.n, 0);
	CHECK_INT(add(&f, "Replay-Nonce: abc-_\r\n"), 0);
	CHECK_INT(add(&f, "content-type:\t application/json \t\r\n"), 0);
	CHECK_INT(add(&f, "X-Empty:\r\n"), 0);
	CHECK_INT(add(&f, "X-Blank:  \r\n"), 0);
	CHECK_INT(add(&f, "X-Colons: a: b:c\n"), 0);
	CHECK_INT(add(&f, "x-no-end: yes"), 0);
	CHECK_INT(add(&f, "!#$%&'*+-.^_`|~9: token"), 0);
	CHECK_INT(f.n, 7);
	CHECK_STR(http_field(&f, "Replay-Nonce"), "abc-_");
	CHECK_STR(http_field(&f, "rePLAY-nONCE"), "abc-_");
	CHECK_STR(http_field(&f, "Content-Type"), "application/json");
	CHECK_STR(http_field(&f, "X-Empty"), "");
	CHECK_STR(http_field(&f, "X-Blank"), "");
	CHECK_STR(http_field(&f, "X-Colons"), "a: b:c");
	CHECK_STR(http_field(&f, "X-No-End"), "yes");
	CHECK_STR(http_field(&f, "!#$%&'*+-.^_`|~9"), "token");
	CHECK(http_field(&f, "Replay") == NULL);
	CHECK(http_field(&f, "Replay-Nonce-2") == NULL);
	CHECK(http_field(&f, "") == NULL);
	http_fields_free(&f);
	CHECK_INT(f.n, 0);
	CHECK(http_field(&f, "Replay-Nonce") == NULL);
}

static void
first_wins(void)
{
	struct http_fields f = {.n = 0};

	add(&f, "Link: <a>");
	add(&f, "LINK: <b>");
	CHECK_INT(f.n, 2);
	CHECK_STR(http_field(&f, "Link"), "<a>");
	http_fields_free(&f);
}

/* 100 Continue, then the answer: only what follows the last line counts. */
static void
status_line(void)
{
	struct http_fields f = {.n = 0};

	add(&f, "HTTP/1.1 100 Continue\r\n");
	add(&f, "Location: https://evil.example/\r\n");
	CHECK_INT(add(&f, "\r\n"), -1);
	CHECK_INT(add(&f, "HTTP/2 201 \r\n"), 0);
	CHECK(http_field(&f, "Location") == NULL);
	add(&f, "Location: https://ca.example/1\r\n");
	CHECK_STR(http_field(&f, "Location"), "https://ca.example/1");
	http_fields_free(&f);
}

static void
no_fields(void)
{
	static const char *const bad[] = {"", "\r\n", "\n", " ", ":", ": value",
	    "name", "name\r\n", "na me: value", "name : value", " name: value",
	    "\tfolded: value", "na\x01me: value", "n\xc3\xa9: value",
	    "(name): value", "na\"me: value", "na/me: value", "name: a\rb",
	    "name: a\nb", "name: a\r\nx: b\r\n", "HTTP : value"};
	struct http_fields f = {.n = 0};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(add(&f, bad[i]), -1))
			printf("# %s\n", esc(bad[i]));
	CHECK_INT(http_field_add(&f, "name: a\0b", 9), -1);
	CHECK_INT(http_field_add(&f, "na\0me: ab", 9), -1);
	CHECK_INT(http_field_add(&f, "\0", 1), -1);
	CHECK_INT(f.n, 0);
	/* The length is the end. */
	CHECK_INT(http_field_add(&f, "name: value of more", 11), 0);
	CHECK_STR(http_field(&f, "name"), "value");
	CHECK_INT(http_field_add(&f, "name: value", 4), -1);
	http_fields_free(&f);
}

static void
limits(void)
{
	static char line[HTTP_FIELD_SIZE + 2] = "n: ";
	struct http_fields f = {.n = 0};
	char name[32];
	int i;

	memset(line + 3, 'v', sizeof(line) - 4);
	CHECK_INT(add(&f, line), -1);
	line[HTTP_FIELD_SIZE] = '\0';
	CHECK_INT(add(&f, line), 0);
	CHECK_INT(strlen(http_field(&f, "n")), HTTP_FIELD_SIZE - 3);
	for (i = 1; i < HTTP_FIELDS_MAX; i++) {
		snprintf(name, sizeof(name), "n%d: %d", i, i);
		CHECK_INT(add(&f, name), 0);
	}
	CHECK_INT(add(&f, "more: too much"), -1);
	CHECK(http_field(&f, "more") == NULL);
	CHECK_STR(http_field(&f, "n99"), "99");
	/* A status line is heard all the same. */
	CHECK_INT(add(&f, "HTTP/1.1 200 OK"), 0);
	CHECK_INT(add(&f, "more: room"), 0);
	CHECK_STR(http_field(&f, "more"), "room");
	http_fields_free(&f);
}

static void
retry_seconds(void)
{
	CHECK_INT(http_retry_after("0", NOW), 0);
	CHECK_INT(http_retry_after("1", NOW), 1);
	CHECK_INT(http_retry_after("120", NOW), 120);
	CHECK_INT(http_retry_after("007", NOW), 7);
	CHECK_INT(http_retry_after("20261121", NOW), 20261121);
	/* More than anybody waits stays that, and in range. */
	CHECK_INT(http_retry_after("1099511627776", NOW), 1LL << 40);
	CHECK_INT(http_retry_after("1099511627777", NOW), 1LL << 40);
	CHECK_INT(http_retry_after("9223372036854775807", NOW), 1LL << 40);
	CHECK_INT(http_retry_after("9223372036854775808", NOW), 1LL << 40);
	CHECK_INT(http_retry_after("99999999999999999999999999999999999999",
	    NOW), 1LL << 40);
}

/* The three forms of RFC 9110 section 5.6.7, in the future and in the past. */
static void
retry_dates(void)
{
	CHECK_INT(http_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", NOW), 0);
	CHECK_INT(http_retry_after("Wed, 21 Oct 2015 07:28:01 GMT", NOW), 1);
	CHECK_INT(http_retry_after("Wed, 21 Oct 2015 07:28:00 GMT",
	    NOW - 3600), 3600);
	CHECK_INT(http_retry_after("Wednesday, 21-Oct-15 07:28:00 GMT",
	    NOW - 60), 60);
	CHECK_INT(http_retry_after("Wed Oct 21 07:28:00 2015", NOW - 60), 60);
	CHECK_INT(http_retry_after("Thu, 29 Feb 2024 00:00:00 GMT",
	    1709164800 - 5), 5);
	CHECK_INT(http_retry_after("Wed, 21 Oct 2015 07:27:59 GMT", NOW), 0);
	CHECK_INT(http_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", NOW), 0);
	CHECK_INT(http_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", NOW), 0);
	CHECK_INT(http_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", NOW),
	    253402300799 - NOW);
}

static void
retry_junk(void)
{
	static const char *const bad[] = {"", " ", "-1", "-0", "+1", "1.5",
	    "1 ", " 1", "1s", "0x10", "1e3", "\x01", "soon", "Wed",
	    "Wed, 21 Oct", "Wed, 41 Oct 2015 07:28:00 GMT",
	    "Wed, 21 Okt 2015 07:28:00 GMT", "Wed, 21 Oct 2015 27:28:00 GMT",
	    "2015-10-21T07:28:00Z", "21 Oct 2015 07:28:00 GMT", "1, 2",
	    "120, 120", "12\r\n", "\xd9\xa1\xd9\xa2"};
	size_t i;

	CHECK_INT(http_retry_after(NULL, NOW), -1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(http_retry_after(bad[i], NOW), -1))
			printf("# %s\n", esc(bad[i]));
}

/* Is url https to that host and port? */
static void
is_url(const char *url, const char *want, unsigned int want_port)
{
	char host[256] = "";
	unsigned int port = 0;

	if (!CHECK_INT(http_url(url, host, sizeof(host), &port), 0) ||
	    !CHECK_STR(host, want) || !CHECK_INT(port, want_port))
		printf("# %s\n", esc(url));
}

static void
urls(void)
{
	is_url("https://ca.example/acme/directory", "ca.example", 443);
	is_url("https://ca.example", "ca.example", 443);
	is_url("HTTPS://ca.example:9000/", "ca.example", 9000);
	is_url("https://localhost:4210/acme/acme/directory", "localhost",
	    4210);
	is_url("https://192.0.2.1:65535/x?y#z", "192.0.2.1", 65535);
	is_url("https://[2001:db8::1]:1/", "[2001:db8::1]", 1);
	is_url("https://ca.example/%0d%0a", "ca.example", 443);
}

static void
no_urls(void)
{
	static const char *const bad[] = {"", "ca.example", "/path", "//host/",
	    "http://ca.example/", "ftp://ca.example/", "file:///etc/passwd",
	    "https:", "https://", "https://:443/",
	    "https://user@ca.example/", "https://user:secret@ca.example/",
	    "https://ca.example:0/", "https://ca.example:65536/",
	    "https://ca.example:x/", "https://ca.example:-1/",
	    "https://ca.example:443x/", "https://ca example/",
	    "https://ca.example/a b", "https://ca.example/\r\nx: y",
	    "https://ca.example/\x01", "https://[::1/", "https://[zz]/",
	    "https://ca.example\\@evil.example/", "javascript:alert(1)",
	    "httpss://ca.example/", "https//ca.example/"};
	char host[256] = "untouched", tiny[11];
	unsigned int port = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(http_url(bad[i], host, sizeof(host), &port),
		    -1))
			printf("# %s: host %s\n", esc(bad[i]), esc(host));
	CHECK_STR(host, "untouched");
	CHECK_INT(port, 7);
	CHECK_INT(http_url("https://ca.example/", tiny, 10, &port), -1);
	CHECK_INT(http_url("https://ca.example/", tiny, 11, &port), 0);
	CHECK_STR(tiny, "ca.example");
}

static struct http *
client(long long deadline)
{
	const struct http_conf conf = {.anchors = "", .deadline = deadline};

	return http_new(&conf);
}

/* What does not reach a network: the deadline, a scheme, a closed port. */
static void
requests(void)
{
	struct http_request req = {.method = "GET",
	    .url = "http://127.0.0.1:9/", .max = 100};
	struct http_answer ans;
	struct http *h = client(mono_ms() + 10000);

	if (!CHECK(h != NULL))
		return;
	CHECK_INT(http_do(h, &req, &ans), EX_ERR);
	CHECK(strstr(http_error(h), "http") != NULL);
	req.url = "https://127.0.0.1:9/\r\nx: y";
	CHECK_INT(http_do(h, &req, &ans), EX_ERR);
	http_free(h);
	h = client(mono_ms() - 1);
	req.url = "https://127.0.0.1:9/";
	CHECK_INT(http_do(h, &req, &ans), EX_TEMP);
	CHECK_STR(http_error(h), "deadline reached");
	http_free(h);
	http_free(NULL);
}

int
main(void)
{
	check_case("http: fields and their values", fields);
	check_case("http: the first field of a name counts", first_wins);
	check_case("http: a status line begins anew", status_line);
	check_case("http: lines that are no fields are left out", no_fields);
	check_case("http: long lines and many fields are left out", limits);
	check_case("http: RFC 9110 10.2.3 Retry-After in seconds",
	    retry_seconds);
	check_case("http: RFC 9110 10.2.3 Retry-After as a date", retry_dates);
	check_case("http: RFC 9110 10.2.3 Retry-After that is neither",
	    retry_junk);
	check_case("http: host and port of https URLs", urls);
	check_case("http: 6.1 what is no https URL", no_urls);
	check_case("http: requests that never leave", requests);
	return check_end();
}
