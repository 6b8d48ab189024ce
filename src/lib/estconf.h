/* SPDX-License-Identifier: ISC */
/*
 * The configuration of est-ra: a directory with one file for each label,
 * LABEL.conf, and default.conf for requests without one; KEY=value data, see
 * est-ra(8) for the keys.  Links with libc only.
 */
#ifndef ECA_ESTCONF_H
#define ECA_ESTCONF_H

#include "csrpolicy.h"

#define ESTCONF_LABEL_MAX 64

enum { ESTCONF_JWK, ESTCONF_X5C };

/* Who may enrol. */
enum {
	ESTCONF_NOBODY,
	ESTCONF_TOKEN,
	ESTCONF_CERT,
	ESTCONF_EITHER,
	ESTCONF_BOTH
};

/* What somebody has to approve. */
enum { ESTCONF_NONE, ESTCONF_ENROLL, ESTCONF_ALL };

struct estconf {
	char *name;		/* of the file */

	char *ca_url;		/* of step-ca */
	char *ca_root;
	char *cacerts;
	char *csrattrs;		/* or NULL */

	char *provisioner;
	int provisioner_type;
	char *provisioner_key;
	char *provisioner_cert;	/* X5C */
	char *provisioner_kid;	/* or NULL */
	int lifetime;		/* seconds; 0: the CA decides */

	int enroll;
	char *token_dir;
	char *client_cas;
	char *client_crl;	/* or NULL */
	char *addresses;	/* or NULL */

	int reenroll;
	int key_reuse;
	char *crl;
	int crl_max_age;	/* seconds */
	int crl_required;

	struct csrpolicy *policy;
	int challenge_ignore;

	int approval;
	char *queue_dir;
	int queue_max;
	int queue_max_age;	/* seconds */
	int retry_after;	/* seconds */

	int body_width;
	char *state_dir;
	int max_body;		/* bytes */
	int max_seconds;
	int max_per_minute;
	int max_at_once;
};

/* May this be a label?  The name of an operation of EST may not. */
int estconf_label_ok(const char *label);

/*
 * Read the configuration of a label, "" for none, in dir.  Returns EX_YES
 * with *conf, for estconf_free(); EX_NO when there is none, without a message;
 * EX_ERR with a message that names file, line and what would be right.
 */
int estconf_load(const char *dir, const char *label, struct estconf *conf);
void estconf_free(struct estconf *conf);

#endif
