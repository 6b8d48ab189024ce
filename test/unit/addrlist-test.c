/* SPDX-License-Identifier: ISC */
/* Tests of addrlist.c: what is an entry, and what it holds. */
#include "addrlist.h"
#include "check.h"
#include "util.h"

/* Does a list of this one entry hold the address?  -1: not an entry. */
static int
holds(const char *entry, const char *address)
{
	struct addrlist l = {NULL, 0};
	struct addr a;
	int rc = -1;

	if (!CHECK_INT(addr_parse(&a, address), 0))
		return -2;
	if (addrlist_add(&l, entry, 0) == NULL)
		rc = addrlist_find(&l, &a) != NULL;
	addrlist_free(&l);
	return rc;
}

static void
families(void)
{
	static const struct {
		const char *entry, *address;
		int want;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", 1},
		{"192.0.2.1", "192.0.2.2", 0},
		{"192.0.2.1", "::ffff:192.0.2.1", 1},
		{"::ffff:192.0.2.1", "192.0.2.1", 1},
		{"::ffff:c000:201", "192.0.2.1", 1},
		{"192.0.2.0/24", "192.0.2.255", 1},
		{"192.0.2.0/24", "192.0.3.0", 0},
		{"192.0.2.0/24", "192.0.1.255", 0},
		{"192.0.2.128/25", "192.0.2.127", 0},
		{"192.0.2.128/25", "192.0.2.128", 1},
		{"192.0.2.2/31", "192.0.2.3", 1},
		{"192.0.2.2/31", "192.0.2.4", 0},
		{"::ffff:192.0.2.0/120", "192.0.2.9", 1},
		{"0.0.0.0/0", "203.0.113.9", 1},
		{"0.0.0.0/0", "2001:db8::1", 0},
		{"::/0", "2001:db8::1", 1},
		{"::/0", "192.0.2.1", 0},
		{"::/0", "::ffff:192.0.2.1", 0},
		{"::/80", "::1", 1},
		{"::/96", "192.0.2.1", 0},
		{"::ffff:0:0/96", "192.0.2.1", 1},
		{"2001:db8::/32", "2001:db8:ffff::1", 1},
		{"2001:db8::/32", "2001:db9::1", 0},
		{"2001:db8::/33", "2001:db8:8000::1", 0},
		{"2001:DB8:0::1", "2001:db8::1", 1},
		{"::1", "127.0.0.1", 0}
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!CHECK_INT(holds(rows[i].entry, rows[i].address),
		    rows[i].want))
			printf("# %s %s\n", rows[i].entry, rows[i].address);
}

static void
refused(void)
{
	static const char *const bad[] = {
		"", "/", "/24", "192.0.2", "192.0.2.1.5", "192.0.2.256",
		"192.0.2.01", "0x7f.0.0.1", "192.0.2.1/33", "192.0.2.1/-1",
		"192.0.2.1/", "192.0.2.0/24/24", "192.0.2.0/24x",
		"192.0.2.0/ 24", "192.0.2.0/255.255.255.0", "192.0.2.1/24",
		"0.0.0.1/0", "fe80::1%eth0", "[::1]", "::1/127", "::1/129",
		":::", "1:2:3:4:5:6:7:8:9", "a.example", "192.0.2.1:80"
	};
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(holds(bad[i], "::"), -1))
			printf("# %s\n", bad[i]);
	CHECK_INT(addr_parse(&a, "192.0.2.0/24"), -1);
	CHECK_INT(addr_parse(&a, "fe80::1%lo"), -1);
	CHECK_INT(addr_parse(&a, " ::1"), -1);
}

static int
parse(struct addrlist *l, const char *text, size_t len)
{
	char buf[256];

	memset(buf, 0, sizeof(buf));
	memcpy(buf, text, len);
	return addrlist_parse(l, buf, len, "test");
}

static void
lines(void)
{
	static const char text[] = "# who\n\n 192.0.2.1 # one\r\n"
	    "\t2001:db8::/32\n192.0.2.0/24#two\n10.0.0.0/8";
	static const char *const bad[] = {"", "\n", "#\n", "::1 ::2\n", "x",
		"::1\nx\n"};
	struct addrlist l = {NULL, 0};
	const struct addrnet *net;
	struct addr a;
	size_t i;

	CHECK_INT(parse(&l, text, sizeof(text) - 1), 0);
	CHECK_INT(l.n, 4);
	addr_parse(&a, "192.0.2.1");
	net = addrlist_find(&l, &a);
	CHECK(net != NULL && net->line == 3);
	addr_parse(&a, "192.0.2.7");
	net = addrlist_find(&l, &a);
	CHECK(net != NULL && net->line == 5);
	addr_parse(&a, "10.255.0.1");
	net = addrlist_find(&l, &a);
	CHECK(net != NULL && net->line == 6);
	addr_parse(&a, "11.0.0.0");
	CHECK(addrlist_find(&l, &a) == NULL);
	addrlist_free(&l);
	CHECK(l.v == NULL && addrlist_find(&l, &a) == NULL);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!CHECK_INT(parse(&l, bad[i], strlen(bad[i])), -1))
			printf("# %s\n", bad[i]);
		addrlist_free(&l);
	}
	CHECK_INT(parse(&l, "::1\n::2\0\n", 9), -1);
	addrlist_free(&l);
}

int
main(void)
{
	check_case("addrlist: what an entry holds", families);
	check_case("addrlist: what is no entry, no address", refused);
	check_case("addrlist: a file's lines", lines);
	return check_end();
}
