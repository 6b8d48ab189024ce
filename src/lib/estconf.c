/* SPDX-License-Identifier: ISC */
/* The configuration of est-ra: see estconf.h. */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "estconf.h"
#include "io.h"
#include "keyval.h"
#include "util.h"

enum kind {
	TEXT,		/* printable, not empty */
	PATH,		/* absolute */
	URL,		/* https */
	NUMBER,
	WORD
};

struct key {
	const char *name;
	enum kind kind;
	size_t at;
	int required;
	int min, max;		/* NUMBER */
	int value;		/* NUMBER and WORD: without the key */
	const char *words;	/* WORD: in the order of their values */
};

#define AT(member) offsetof(struct estconf, member)

static const struct key keys[] = {
	{"ADDRESSES", PATH, AT(addresses), 0, 0, 0, 0, NULL},
	{"APPROVAL", WORD, AT(approval), 0, 0, 0, 0, "none enroll all"},
	{"BODY_WIDTH", NUMBER, AT(body_width), 0, 0, 76, 76, NULL},
	{"CACERTS", PATH, AT(cacerts), 1, 0, 0, 0, NULL},
	{"CA_ROOT", PATH, AT(ca_root), 1, 0, 0, 0, NULL},
	{"CA_URL", URL, AT(ca_url), 1, 0, 0, 0, NULL},
	{"CHALLENGE_PASSWORD", WORD, AT(challenge_ignore), 0, 0, 0, 0,
	    "refuse ignore"},
	{"CLIENT_CAS", PATH, AT(client_cas), 0, 0, 0, 0, NULL},
	{"CLIENT_CRL", PATH, AT(client_crl), 0, 0, 0, 0, NULL},
	{"CRL", PATH, AT(crl), 0, 0, 0, 0, NULL},
	{"CRL_MAX_AGE_SECONDS", NUMBER, AT(crl_max_age), 0, 360, 604800,
	    86400, NULL},
	{"CRL_REQUIRED", WORD, AT(crl_required), 0, 0, 0, 1, "no yes"},
	{"CSRATTRS", PATH, AT(csrattrs), 0, 0, 0, 0, NULL},
	{"ENROLL", WORD, AT(enroll), 1, 0, 0, 0,
	    "no token cert token-or-cert token-and-cert"},
	{"KEY_REUSE", WORD, AT(key_reuse), 0, 0, 0, 1, "no yes"},
	{"LIFETIME_SECONDS", NUMBER, AT(lifetime), 0, 60, 315360000, 0, NULL},
	{"MAX_AT_ONCE", NUMBER, AT(max_at_once), 0, 1, 256, 16, NULL},
	{"MAX_BODY_BYTES", NUMBER, AT(max_body), 0, 1024, 262144, 65536, NULL},
	{"MAX_PER_MINUTE", NUMBER, AT(max_per_minute), 0, 1, 100000, 60, NULL},
	{"MAX_SECONDS", NUMBER, AT(max_seconds), 0, 1, 300, 30, NULL},
	{"PROVISIONER", TEXT, AT(provisioner), 1, 0, 0, 0, NULL},
	{"PROVISIONER_CERT", PATH, AT(provisioner_cert), 0, 0, 0, 0, NULL},
	{"PROVISIONER_KEY", PATH, AT(provisioner_key), 1, 0, 0, 0, NULL},
	{"PROVISIONER_KID", TEXT, AT(provisioner_kid), 0, 0, 0, 0, NULL},
	{"PROVISIONER_TYPE", WORD, AT(provisioner_type), 0, 0, 0, 0,
	    "JWK X5C"},
	{"QUEUE_DIR", PATH, AT(queue_dir), 0, 0, 0, 0, NULL},
	{"QUEUE_MAX", NUMBER, AT(queue_max), 0, 1, 100000, 100, NULL},
	{"QUEUE_MAX_AGE_SECONDS", NUMBER, AT(queue_max_age), 0, 60, 31536000,
	    604800, NULL},
	{"REENROLL", WORD, AT(reenroll), 0, 0, 0, 1, "no yes"},
	{"RETRY_AFTER_SECONDS", NUMBER, AT(retry_after), 0, 1, 86400, 300,
	    NULL},
	{"STATE_DIR", PATH, AT(state_dir), 1, 0, 0, 0, NULL},
	{"TOKEN_DIR", PATH, AT(token_dir), 0, 0, 0, 0, NULL}
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct load {
	struct estconf *conf;
	char seen[KEYS];
	char why[400];
};

static char **
text_at(struct estconf *c, const struct key *k)
{
	return (char **)(void *)((char *)c + k->at);
}

static int *
int_at(struct estconf *c, const struct key *k)
{
	return (int *)(void *)((char *)c + k->at);
}

/* The number of a word in a list of them, or -1. */
static int
word_number(const char *list, const char *word)
{
	size_t len = strlen(word), n;
	int i;

	for (i = 0; *list != '\0'; i++, list += n, list += *list == ' ') {
		n = strcspn(list, " ");
		if (n == len && strncmp(list, word, n) == 0)
			return i;
	}
	return -1;
}

/* Take the value; 0, or -1 when it is not one for that key. */
static int
set(struct estconf *c, const struct key *k, const char *value)
{
	long long n;

	switch (k->kind) {
	case NUMBER:
		if (parse_num(value, k->min, k->max, &n) == -1)
			return -1;
		*int_at(c, k) = (int)n;
		return 0;
	case WORD:
		*int_at(c, k) = word_number(k->words, value);
		return *int_at(c, k);
	case PATH:
		if (*value != '/')
			return -1;
		break;
	case URL:
		if (strncmp(value, "https://", 8) != 0 || value[8] == '\0')
			return -1;
		break;
	case TEXT:
		if (*value == '\0')
			return -1;
	}
	*text_at(c, k) = xstrdup(value);
	return 0;
}

/* What a value for that key looks like. */
static const char *
wanted(struct load *l, const struct key *k)
{
	switch (k->kind) {
	case NUMBER:
		snprintf(l->why, sizeof(l->why), "%s: a number from %d to %d "
		    "is needed", k->name, k->min, k->max);
		break;
	case WORD:
		snprintf(l->why, sizeof(l->why), "%s: one of these is needed: "
		    "%s", k->name, k->words);
		break;
	default:
		snprintf(l->why, sizeof(l->why), "%s: %s is needed", k->name,
		    k->kind == PATH ? "an absolute path" :
		    k->kind == URL ? "an https URL" : "a text");
	}
	return l->why;
}

static const char *
take(void *arg, const char *name, const char *value)
{
	struct load *l = arg;
	const char *why;
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			break;
	if (i == KEYS) {
		if (!csrpolicy_key(name))
			why = "no such key; est-ra(8) has the table";
		else if ((why = csrpolicy_set(l->conf->policy, name,
		    value)) == NULL)
			return NULL;
		snprintf(l->why, sizeof(l->why), "%s: %s", name, why);
		return l->why;
	}
	if (l->seen[i]++) {
		snprintf(l->why, sizeof(l->why), "%s: a second time", name);
		return l->why;
	}
	return set(l->conf, &keys[i], value) == -1 ? wanted(l, &keys[i]) : NULL;
}

/* What one key asks of another. */
static const char *
lacking(const struct estconf *c)
{
	if ((c->enroll == ESTCONF_TOKEN || c->enroll >= ESTCONF_EITHER) &&
	    c->token_dir == NULL)
		return "TOKEN_DIR: missing, ENROLL is by token";
	if (c->enroll >= ESTCONF_CERT && c->client_cas == NULL)
		return "CLIENT_CAS: missing, ENROLL is by certificate";
	if (c->provisioner_type == ESTCONF_X5C && c->provisioner_cert == NULL)
		return "PROVISIONER_CERT: missing, PROVISIONER_TYPE is X5C";
	if (c->approval != ESTCONF_NONE && c->queue_dir == NULL)
		return "QUEUE_DIR: missing, APPROVAL is asked for";
	if (c->reenroll && c->crl_required && c->crl == NULL)
		return "CRL: missing; name one, or REENROLL=no, or "
		    "CRL_REQUIRED=no";
	if (c->body_width % 4 != 0)
		return "BODY_WIDTH: a multiple of 4 is needed, 0 for one line";
	return NULL;
}

static int
complete(struct load *l, const char *name)
{
	const char *why;
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (keys[i].required && !l->seen[i]) {
			warnx("%s: %s: missing; %s", name, keys[i].name,
			    wanted(l, &keys[i]) + strlen(keys[i].name) + 2);
			return -1;
		}
	if ((why = lacking(l->conf)) == NULL)
		return 0;
	warnx("%s: %s", name, why);
	return -1;
}

int
estconf_label_ok(const char *label)
{
	return *label != '.' && strlen(label) <= ESTCONF_LABEL_MAX &&
	    label[strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0' &&
	    word_number("cacerts csrattrs simpleenroll simplereenroll "
	    "serverkeygen fullcmc default", label) == -1;
}

/* The text of a file that nobody else may change; NULL with a message. */
static char *
slurp(int fd, const char *name, size_t *len)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		warn("%s", name);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 022) != 0) {
		warnx("%s: not a file, or others can write it: chmod go-w",
		    name);
		return NULL;
	}
	return io_slurp_fd(fd, name, KEYVAL_MAX, len);
}

int
estconf_load(const char *dir, const char *label, struct estconf *conf)
{
	struct load l = {.conf = conf};
	size_t len, i;
	char *text = NULL;
	int fd, rc = EX_ERR;

	*conf = (struct estconf){.name = xasprintf("%s/%s.conf", dir,
	    *label != '\0' ? label : "default"), .policy = csrpolicy_new()};
	for (i = 0; i < KEYS; i++)
		if (keys[i].kind == NUMBER || keys[i].kind == WORD)
			*int_at(conf, &keys[i]) = keys[i].value;
	if ((fd = open(conf->name, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1) {
		if (errno == ENOENT)
			rc = EX_NO;
		else
			warn("%s", conf->name);
		goto out;
	}
	if ((text = slurp(fd, conf->name, &len)) != NULL &&
	    keyval_parse(text, len, conf->name, take, &l) == 0 &&
	    complete(&l, conf->name) == 0)
		rc = EX_YES;
out:
	if (fd != -1)
		close(fd);
	free(text);
	if (rc != EX_YES)
		estconf_free(conf);
	return rc;
}

void
estconf_free(struct estconf *conf)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (keys[i].kind != NUMBER && keys[i].kind != WORD)
			free(*text_at(conf, &keys[i]));
	csrpolicy_free(conf->policy);
	free(conf->name);
	*conf = (struct estconf){.name = NULL};
}
