/* SPDX-License-Identifier: ISC */
/*
 * The configuration of acme-agent and est-agent, certs.d(5): a directory with
 * a file for each certificate, NAME.conf (see keyval.h) or NAME.json, a file
 * "defaults", and the environment.  The table of the keys, their types, ranges
 * and defaults is here and nowhere else.
 */
#ifndef ECA_AGENTCONF_H
#define ECA_AGENTCONF_H

#include <stddef.h>

/* In the order of certs.d(5): first the keys of the agent itself. */
enum agentconf_key {
	AC_STATE_DIR, AC_STORE_DIR, AC_LOG_LEVEL, AC_LOG_TO,
#define AC_OWN_KEYS (AC_LOG_TO + 1)
	AC_PROTOCOL, AC_CA_URL, AC_CA_ROOT, AC_CERT_ROOT, AC_ACME_PROVISIONER,
	AC_EST_PROVISIONER, AC_DOMAIN_NAME, AC_SUBJECT_DN, AC_KEY_TYPE,
	AC_CERT_PATH, AC_KEY_PATH, AC_CHAIN_PATH, AC_KEYCHAIN_PATH, AC_PFX_PATH,
	AC_MINIO_CERTS_DIR, AC_PFX_PASSWORD_FILE, AC_GROUP,
	AC_RENEWAL_THRESHOLD_PERCENT, AC_RENEWAL_SPREAD_PERCENT,
	AC_CHECK_INTERVAL_SECONDS, AC_FORCE_RENEWAL, AC_ORDER_TIMEOUT_SECONDS,
	AC_CLOCK_SKEW_SECONDS, AC_PROXY, AC_CRL_ENABLED, AC_CRL_URL,
	AC_CRL_CACHE_PATH, AC_CRL_MAX_AGE_HOURS, AC_CRL_FAIL, AC_RELOAD_HOOK,
	AC_RELOAD_TIMEOUT_SECONDS, AC_PROBE_SERVER, AC_PROBE_NAME,
	AC_PROBE_CLIENT, AC_PROBE_COMMAND, AC_PROBE_TIMEOUT_SECONDS,
	AC_ACCOUNT_KEY, AC_ACCOUNT_CONTACT, AC_EAB_FILE, AC_ACME_TERMS,
	AC_ACME_PROFILE, AC_ACME_CHAIN, AC_ARI, AC_CHALLENGE_LISTEN,
	AC_CHALLENGE_TLS_LISTEN, AC_CHALLENGE_DIR, AC_CHALLENGE_HOOK,
	AC_BOOTSTRAP_TOKEN_FILE, AC_RECOVERY_COMMAND, AC_EST_IDENTITY,
	AC_EST_CSRATTRS,
	AC_KEYS
};

#define AC_DIR "/etc/eca/certs.d"
#define AC_NOBODY ""	/* no certificate has that name */

/* One certificate. */
struct agentconf {
	char *name;
	char *file;	/* where it is from; NULL: the environment alone */
	char *value[AC_KEYS];	/* NULL: not set, and there is no default */
};

/* All certificates of a protocol, sorted by name. */
struct agentconfs {
	struct agentconf own;	/* value: the keys of the agent itself */
	struct agentconf *cert;
	size_t n;
};

/*
 * Read and check all of dir for a protocol, "acme" or "est".  The files, groups
 * and programs that values name have to be there for the certificate called
 * of, for all when that is NULL, for none with AC_NOBODY; only where they were
 * looked at, names of hooks are paths.  Values are otherwise as
 * certs.d(5) says when it returns EX_YES, derived defaults included; the
 * caller ends with agentconf_free().  EX_ERR after a message for each thing
 * that is wrong, in any file: file:line: key: what, and what would be right.
 */
int agentconf_load(const char *dir, const char *protocol, const char *of,
    struct agentconfs *all);
void agentconf_free(struct agentconfs *all);

/* How a key is spelled. */
const char *agentconf_key_name(enum agentconf_key key);

/* A value that is a whole number, or (hours) in seconds; true or false. */
long long agentconf_num(const struct agentconf *c, enum agentconf_key key);
int agentconf_true(const struct agentconf *c, enum agentconf_key key);

#endif
