/* SPDX-License-Identifier: ISC */
/* The keys of the agents: see agentkey.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agentkey.h"
#include "key.h"

#define NAME_MAX_LEN 40
#define CERT "/etc/eca/web/"

const struct agentkey agentkeys[AC_KEYS] = {
	[AC_STATE_DIR] = {"STATE_DIR", AK_PATH, NULL, 0, 0, NULL,
	    "/var/lib/eca", "/var/lib/eca"},
	[AC_STORE_DIR] = {"STORE_DIR", AK_PATH, NULL, 0, 0, NULL, NULL,
	    "/var/lib/eca/store"},
	[AC_LOG_LEVEL] = {"LOG_LEVEL", AK_CHOICE, NULL, 0, 0,
	    "trace debug info warn error", "info", "debug"},
	[AC_LOG_TO] = {"LOG_TO", AK_LOG, NULL, 0, 0, "stderr syslog",
	    "stderr", "/var/log/eca.log"},

	[AC_PROTOCOL] = {"PROTOCOL", AK_CHOICE, NULL, 0, 0, "acme est", NULL,
	    "acme"},
	[AC_CA_URL] = {"CA_URL", AK_URL, NULL, 0, 0, NULL, NULL,
	    "https://ca.example:4210"},
	[AC_CA_ROOT] = {"CA_ROOT", AK_FILE, NULL, 0, 0, NULL, NULL,
	    "/etc/eca/root.pem"},
	[AC_CERT_ROOT] = {"CERT_ROOT", AK_FILE, NULL, 0, 0, NULL, NULL,
	    "/etc/eca/cert-root.pem"},
	[AC_ACME_PROVISIONER] = {"ACME_PROVISIONER", AK_WORD, "acme", 0, 0,
	    NULL, NULL, "acme"},
	[AC_EST_PROVISIONER] = {"EST_PROVISIONER", AK_WORD, "est", 0, 0, NULL,
	    NULL, "factory"},
	[AC_DOMAIN_NAME] = {"DOMAIN_NAME", AK_NAMES, NULL, 0, 0, NULL, NULL,
	    "www.example, 192.0.2.1"},
	[AC_SUBJECT_DN] = {"SUBJECT_DN", AK_DN, NULL, 0, 0, NULL, NULL,
	    "CN=pump7,O=Factory"},
	[AC_KEY_TYPE] = {"KEY_TYPE", AK_TYPE, NULL, 0, 0, KEY_TYPES, "P-256",
	    "P-384"},
	[AC_CERT_PATH] = {"CERT_PATH", AK_LINK, NULL, 0, 0, NULL, NULL,
	    CERT "fullchain.pem"},
	[AC_KEY_PATH] = {"KEY_PATH", AK_LINK, NULL, 0, 0, NULL, NULL,
	    CERT "key.pem"},
	[AC_CHAIN_PATH] = {"CHAIN_PATH", AK_LINK, NULL, 0, 0, NULL, NULL,
	    CERT "chain.pem"},
	[AC_KEYCHAIN_PATH] = {"KEYCHAIN_PATH", AK_LINK, NULL, 0, 0, NULL,
	    NULL, CERT "keychain.pem"},
	[AC_PFX_PATH] = {"PFX_PATH", AK_LINK, NULL, 0, 0, NULL, NULL,
	    CERT "client.pfx"},
	[AC_MINIO_CERTS_DIR] = {"MINIO_CERTS_DIR", AK_LINK, NULL, 0, 0, NULL,
	    NULL, "/etc/minio/certs"},
	[AC_PFX_PASSWORD_FILE] = {"PFX_PASSWORD_FILE", AK_SECRET, NULL, 0, 0,
	    NULL, NULL, "/etc/eca/pfx.password"},
	[AC_GROUP] = {"GROUP", AK_GROUP, NULL, 0, 0, NULL, NULL, "mosquitto"},
	[AC_RENEWAL_THRESHOLD_PERCENT] = {"RENEWAL_THRESHOLD_PERCENT", AK_NUM,
	    NULL, 1, 99, NULL, "33", "33"},
	[AC_RENEWAL_SPREAD_PERCENT] = {"RENEWAL_SPREAD_PERCENT", AK_NUM, NULL,
	    0, 50, NULL, "10", "10"},
	[AC_CHECK_INTERVAL_SECONDS] = {"CHECK_INTERVAL_SECONDS", AK_NUM, NULL,
	    1, 604800, NULL, "21600", "3600"},
	[AC_FORCE_RENEWAL] = {"FORCE_RENEWAL", AK_CHOICE, NULL, 0, 0,
	    "true false", "false", "true"},
	[AC_ORDER_TIMEOUT_SECONDS] = {"ORDER_TIMEOUT_SECONDS", AK_NUM, NULL,
	    1, 3600, NULL, "120", "300"},
	[AC_CLOCK_SKEW_SECONDS] = {"CLOCK_SKEW_SECONDS", AK_NUM, NULL, 1,
	    86400, NULL, "300", "60"},
	[AC_PROXY] = {"PROXY", AK_CHOICE, "acme", 0, 0, "true false", "false",
	    "true"},
	[AC_CRL_ENABLED] = {"CRL_ENABLED", AK_CHOICE, NULL, 0, 0,
	    "true false", "false", "true"},
	[AC_CRL_URL] = {"CRL_URL", AK_HTTP, NULL, 0, 0, NULL, NULL,
	    "http://ca.example:4211/crl/ca.crl"},
	[AC_CRL_CACHE_PATH] = {"CRL_CACHE_PATH", AK_PATH, NULL, 0, 0, NULL,
	    NULL, "/var/lib/eca/crl/ca.crl"},
	[AC_CRL_MAX_AGE_HOURS] = {"CRL_MAX_AGE_HOURS", AK_HOURS, NULL, 360,
	    604800, NULL, "2", "0.5"},
	[AC_CRL_FAIL] = {"CRL_FAIL", AK_CHOICE, NULL, 0, 0, "open closed",
	    "open", "closed"},
	[AC_RELOAD_HOOK] = {"RELOAD_HOOK", AK_HOOK, NULL, 0, 0, NULL, NULL,
	    "/etc/eca/reload-all nginx"},
	[AC_RELOAD_TIMEOUT_SECONDS] = {"RELOAD_TIMEOUT_SECONDS", AK_NUM, NULL,
	    1, 3600, NULL, "30", "60"},
	[AC_PROBE_SERVER] = {"PROBE_SERVER", AK_HOSTPORT, NULL, 0, 0, NULL,
	    NULL, "127.0.0.1:443"},
	[AC_PROBE_NAME] = {"PROBE_NAME", AK_NAME, NULL, 0, 0, NULL, NULL,
	    "www.example"},
	[AC_PROBE_CLIENT] = {"PROBE_CLIENT", AK_HOSTPORT, NULL, 0, 0, NULL,
	    NULL, "broker.example:8883"},
	[AC_PROBE_COMMAND] = {"PROBE_COMMAND", AK_COMMAND, NULL, 0, 0, NULL,
	    NULL, "/etc/eca/probe web"},
	[AC_PROBE_TIMEOUT_SECONDS] = {"PROBE_TIMEOUT_SECONDS", AK_NUM, NULL,
	    1, 3600, NULL, "30", "60"},

	[AC_ACCOUNT_KEY] = {"ACCOUNT_KEY", AK_PATH, "acme", 0, 0, NULL, NULL,
	    "/var/lib/eca/account.pem"},
	[AC_ACCOUNT_CONTACT] = {"ACCOUNT_CONTACT", AK_CONTACT, "acme", 0, 0,
	    NULL, NULL, "mailto:admin@www.example"},
	[AC_EAB_FILE] = {"EAB_FILE", AK_SECRET, "acme", 0, 0, NULL, NULL,
	    "/etc/eca/eab.json"},
	[AC_ACME_TERMS] = {"ACME_TERMS", AK_CHOICE, "acme", 0, 0, "agree",
	    NULL, "agree"},
	[AC_ACME_PROFILE] = {"ACME_PROFILE", AK_WORD, "acme", 0, 0, NULL,
	    NULL, "shortlived"},
	[AC_ACME_CHAIN] = {"ACME_CHAIN", AK_TEXT, "acme", 0, 0, NULL, NULL,
	    "Example Root X1"},
	[AC_ARI] = {"ARI", AK_CHOICE, "acme", 0, 0, "true false", "true",
	    "false"},
	[AC_CHALLENGE_LISTEN] = {"CHALLENGE_LISTEN", AK_LISTEN, "acme", 0, 0,
	    NULL, NULL, ":4212"},
	[AC_CHALLENGE_TLS_LISTEN] = {"CHALLENGE_TLS_LISTEN", AK_LISTEN,
	    "acme", 0, 0, NULL, NULL, "192.0.2.1:443"},
	[AC_CHALLENGE_DIR] = {"CHALLENGE_DIR", AK_DIR, "acme", 0, 0, NULL,
	    NULL, "/var/www/html"},
	[AC_CHALLENGE_HOOK] = {"CHALLENGE_HOOK", AK_PROGRAM, "acme", 0, 0,
	    NULL, NULL, "nsupdate"},

	[AC_BOOTSTRAP_TOKEN_FILE] = {"BOOTSTRAP_TOKEN_FILE", AK_TOKEN, "est",
	    0, 0, NULL, NULL, "/etc/eca/pump7.token"},
	[AC_RECOVERY_COMMAND] = {"RECOVERY_COMMAND", AK_COMMAND, "est", 0, 0,
	    NULL, NULL, "/etc/eca/recover pump7"},
	[AC_EST_IDENTITY] = {"EST_IDENTITY", AK_CHOICE, "est", 0, 0,
	    "exact san any", "exact", "san"},
	[AC_EST_CSRATTRS] = {"EST_CSRATTRS", AK_CHOICE, "est", 0, 0,
	    "true false", "false", "true"}
};

int
agentkey_find(const char *name)
{
	int i;

	for (i = 0; i < AC_KEYS; i++)
		if (strcmp(agentkeys[i].name, name) == 0)
			return i;
	return -1;
}

int
agentkey_of(int key, const char *protocol)
{
	return agentkeys[key].protocol == NULL ||
	    strcmp(agentkeys[key].protocol, protocol) == 0;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many characters have to be put in, taken out, changed or exchanged with
 * the next to make b of a; m and n are their lengths.
 */
static size_t
distance(const char *a, size_t m, const char *b, size_t n)
{
	size_t d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1], i, j;

	for (i = 0; i <= m; i++)
		d[i][0] = i;
	for (j = 0; j <= n; j++)
		d[0][j] = j;
	for (i = 1; i <= m; i++)
		for (j = 1; j <= n; j++) {
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[m][n];
}

const char *
agentkey_near(const char *name)
{
	size_t best = 3, d, i, m = strlen(name), n;
	const char *near = NULL;
	char upper[NAME_MAX_LEN + 1];

	if (m < 3 || m > NAME_MAX_LEN)
		return NULL;
	for (i = 0; i <= m; i++)
		upper[i] = name[i] == '-' ? '_' :
		    (char)toupper((unsigned char)name[i]);
	for (i = 0; i < AC_KEYS; i++) {
		n = strlen(agentkeys[i].name);
		d = distance(upper, m, agentkeys[i].name, n);
		if (d >= best && near == NULL && m >= 4 &&
		    strncmp(upper, agentkeys[i].name, least(m, n)) == 0 &&
		    n >= 5)
			near = agentkeys[i].name;
		else if (d < best && d < n / 2) {
			near = agentkeys[i].name;
			best = d;
		}
	}
	return near;
}
