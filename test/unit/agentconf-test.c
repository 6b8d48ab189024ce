/* SPDX-License-Identifier: ISC */
/* Tests of the agents' configuration: the table of the keys, and values. */
#include <stdlib.h>

#include "agentkey.h"
#include "agentvalue.h"
#include "check.h"

/* The canonical form of text, or "refused". */
static const char *
taken(enum agentconf_key key, const char *text)
{
	static char *value;
	char *why;

	free(value);
	if ((value = agentvalue_take(key, text, &why)) == NULL) {
		free(why);
		return "refused";
	}
	return value;
}

/* It is taken and stays as it is. */
static void
stays(enum agentconf_key key, const char *text)
{
	CHECK_STR(taken(key, text), text);
}

static void
refused(enum agentconf_key key, const char *text)
{
	if (!CHECK_STR(taken(key, text), "refused"))
		printf("# %s: %s\n", agentkeys[key].name, text);
}

static void
table(void)
{
	const struct agentkey *k;
	int i;

	for (i = 0; i < AC_KEYS; i++) {
		k = &agentkeys[i];
		if (!CHECK(k->name != NULL && k->example != NULL))
			printf("# number %d\n", i);
		else {
			CHECK_INT(agentkey_find(k->name), i);
			CHECK(strcmp(taken((enum agentconf_key)i, k->example),
			    "refused") != 0);
			if (k->value != NULL)
				stays((enum agentconf_key)i, k->value);
		}
	}
	CHECK_INT(agentkey_find("CA_UR"), -1);
	CHECK_INT(agentkey_find("ca_url"), -1);
}

static void
near(void)
{
	CHECK_STR(agentkey_near("CA_ULR"), "CA_URL");
	CHECK_STR(agentkey_near("ca-url"), "CA_URL");
	CHECK_STR(agentkey_near("DOMAIN_NAMES"), "DOMAIN_NAME");
	CHECK_STR(agentkey_near("DOMAIN"), "DOMAIN_NAME");
	CHECK_STR(agentkey_near("RENEWAL_THRESHOLD"),
	    "RENEWAL_THRESHOLD_PERCENT");
	CHECK_STR(agentkey_near("CA_ROOT_FILE"), "CA_ROOT");
	CHECK_STR(agentkey_near("CERT_PTAH"), "CERT_PATH");
	CHECK(agentkey_near("X") == NULL);
	CHECK(agentkey_near("FOO") == NULL);
	CHECK(agentkey_near("COLOUR_OF_THE_SERVER") == NULL);
	CHECK(agentkey_near("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	    == NULL);
}

static void
numbers(void)
{
	stays(AC_RENEWAL_THRESHOLD_PERCENT, "1");
	stays(AC_RENEWAL_THRESHOLD_PERCENT, "99");
	CHECK_STR(taken(AC_RENEWAL_THRESHOLD_PERCENT, "033"), "33");
	refused(AC_RENEWAL_THRESHOLD_PERCENT, "0");
	refused(AC_RENEWAL_THRESHOLD_PERCENT, "100");
	refused(AC_RENEWAL_THRESHOLD_PERCENT, "33%");
	refused(AC_RENEWAL_THRESHOLD_PERCENT, "3.5");
	refused(AC_RENEWAL_THRESHOLD_PERCENT, "-1");
	refused(AC_RENEWAL_THRESHOLD_PERCENT, "99999999999999999999");
	stays(AC_RENEWAL_SPREAD_PERCENT, "0");
	stays(AC_CRL_MAX_AGE_HOURS, "0.1");
	stays(AC_CRL_MAX_AGE_HOURS, "168");
	CHECK_INT(agentvalue_num(AC_CRL_MAX_AGE_HOURS, "0.1"), 360);
	CHECK_INT(agentvalue_num(AC_CRL_MAX_AGE_HOURS, "2"), 7200);
	CHECK_INT(agentvalue_num(AC_CRL_MAX_AGE_HOURS, "1.25"), 4500);
	refused(AC_CRL_MAX_AGE_HOURS, "0.0999");
	refused(AC_CRL_MAX_AGE_HOURS, "168.1");
	refused(AC_CRL_MAX_AGE_HOURS, "1.");
	refused(AC_CRL_MAX_AGE_HOURS, ".5");
	refused(AC_CRL_MAX_AGE_HOURS, "1e1");
	refused(AC_CRL_MAX_AGE_HOURS, "2h");
}

static void
paths(void)
{
	CHECK_STR(taken(AC_CERT_PATH, "//a/./b//c/"), "/a/b/c");
	CHECK_STR(taken(AC_CERT_PATH, "/."), "/");
	stays(AC_CERT_PATH, "/a b/..c");
	refused(AC_CERT_PATH, "a/b");
	refused(AC_CERT_PATH, "~/a");
	refused(AC_CERT_PATH, "/a/../b");
	refused(AC_CERT_PATH, "/..");
	refused(AC_CERT_PATH, "\"/a\"");
	stays(AC_LOG_TO, "syslog");
	refused(AC_LOG_TO, "stdout");
}

static void
urls(void)
{
	static const char *const good[] = {"https://ca", "https://a_b:1/x?y",
	    "https://[::1]:4210/", "https://192.0.2.1", "https://a:65535"};
	static const char *const bad[] = {"http://ca", "https://", "ca:4210",
	    "https:///x", "https://u@ca", "https://u:p@ca/", "https://ca:0",
	    "https://ca:65536", "https://ca:x", "https://ca#x", "https://::1/",
	    "https://a b", "https://[::1", "HTTPS://ca", "https://ca:"};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		stays(AC_CA_URL, good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(AC_CA_URL, bad[i]);
	stays(AC_CRL_URL, "http://ca/ca.crl");
	refused(AC_CRL_URL, "ldap://ca/ca.crl");
}

static void
names(void)
{
	CHECK_STR(taken(AC_DOMAIN_NAME, " A.example,,B.example\ta.example "),
	    "a.example b.example");
	CHECK_STR(taken(AC_DOMAIN_NAME, "0:0::1 URI:urn:X email:J@B.example"),
	    "::1 URI:urn:X email:J@b.example");
	stays(AC_DOMAIN_NAME, "*.a.example");
	refused(AC_DOMAIN_NAME, ",");
	refused(AC_DOMAIN_NAME, "a..b");
	refused(AC_DOMAIN_NAME, "a_b");
	refused(AC_DOMAIN_NAME, "a.example/");
	refused(AC_DOMAIN_NAME, "10.0.0.0/8");
	refused(AC_PROBE_NAME, "*.a.example");
	refused(AC_PROBE_NAME, "a b");
	stays(AC_ACCOUNT_CONTACT, "mailto:a@b.example tel:+1");
	refused(AC_ACCOUNT_CONTACT, "a@b.example");
	refused(AC_ACCOUNT_CONTACT, "mailto:a");
	stays(AC_SUBJECT_DN, "CN=a\\,b+OU=x,O=c");
	refused(AC_SUBJECT_DN, "a.example");
	refused(AC_SUBJECT_DN, "CN=a,");
	stays(AC_EST_PROVISIONER, "a.b-c@d");
	refused(AC_EST_PROVISIONER, "a/b");
	refused(AC_EST_PROVISIONER, "..");
}

static void
words(void)
{
	CHECK_STR(taken(AC_KEY_TYPE, "p-384"), "P-384");
	CHECK_STR(taken(AC_KEY_TYPE, "RSA2048"), "rsa2048");
	refused(AC_KEY_TYPE, "rsa1024");
	refused(AC_KEY_TYPE, "P-256,");
	refused(AC_PROXY, "yes");
	refused(AC_PROXY, "True");
	refused(AC_PROXY, "true false");
	refused(AC_ACME_TERMS, "true");
	stays(AC_GROUP, "no-such-group");
	CHECK_STR(taken(AC_GROUP, "007"), "7");
	refused(AC_GROUP, "4294967295");
	refused(AC_GROUP, "a:b");
}

static void
hosts_and_programs(void)
{
	stays(AC_PROBE_SERVER, "[::1]:443");
	refused(AC_PROBE_SERVER, "::1:443");
	refused(AC_PROBE_SERVER, ":443");
	refused(AC_PROBE_SERVER, "a");
	refused(AC_PROBE_SERVER, "a:0");
	refused(AC_PROBE_SERVER, "https://a:1");
	stays(AC_CHALLENGE_LISTEN, ":80");
	stays(AC_CHALLENGE_LISTEN, "*:80");
	refused(AC_CHALLENGE_LISTEN, "80");
	refused(AC_CHALLENGE_LISTEN, ":80/tls");
	CHECK_STR(taken(AC_RELOAD_HOOK, "reload-nginx  /a\tb"),
	    "reload-nginx /a b");
	refused(AC_RELOAD_HOOK, "../x");
	refused(AC_RELOAD_HOOK, " ../x");
	refused(AC_RELOAD_HOOK, " ");
	refused(AC_RELOAD_HOOK, "bin/x");
	refused(AC_RELOAD_HOOK, "a;b");
	refused(AC_CHALLENGE_HOOK, "/a b");
	refused(AC_PROBE_COMMAND, "true");
	stays(AC_PROBE_COMMAND, "/bin/true a;b $c");
}

int
main(void)
{
	check_case("agentconf: the table is whole, its examples and defaults "
	    "are values", table);
	check_case("agentconf: a key that is like another", near);
	check_case("agentconf: numbers and hours", numbers);
	check_case("agentconf: paths", paths);
	check_case("agentconf: URLs", urls);
	check_case("agentconf: names and subjects", names);
	check_case("agentconf: words and groups", words);
	check_case("agentconf: hosts, programs, hooks", hosts_and_programs);
	return check_end();
}
