/* SPDX-License-Identifier: ISC */
/*
 * cert-plan - what is to be done for the certificates of an agent, and when
 *
 * Reads the configuration (certs.d), the store, and what the agent noted about
 * each certificate.  Writes a JSON line for each, or lines for the agent.
 * Nothing is changed.  Exit: 0 nothing is to be done now, 1 something is, 2
 * the configuration is bad, or another error.
 */
#include <sys/stat.h>

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentconf.h"
#include "certlinks.h"
#include "certstate.h"
#include "json.h"
#include "jsonw.h"
#include "ossl.h"
#include "plan.h"
#include "sandbox.h"
#include "util.h"

#define NOBODY 3600	/* without certificates, look again after that */

static int lines;
static time_t now;
static const char *wanted;	/* -y */
static struct jsonw json = JSONW_INIT;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: cert-plan [-V] [-c dir] [-f json|lines] "
	    "[-T epoch] [-y name] acme|est\n");
	exit(EX_ERR);
}

static int
set(const struct agentconf *conf, enum agentconf_key key, const char *word)
{
	return conf->value[key] != NULL && strcmp(conf->value[key], word) == 0;
}

/* When the CRL was fetched: the agent marks that.  0: it is not there. */
static time_t
crl_got(const struct agentconf *conf)
{
	const char *cache = conf->value[AC_CRL_CACHE_PATH];
	char *stamp = xasprintf("%s.stamp", cache);
	struct stat st;
	time_t t = access(cache, F_OK) == 0 && stat(stamp, &st) == 0 ?
	    st.st_mtime : 0;

	free(stamp);
	return t;
}

/* What the configuration says.  id is for the caller to free. */
static void
read_conf(const struct agentconf *conf, const struct certstate *s,
    struct plan_facts *f, char **id)
{
	const char *names = conf->value[AC_DOMAIN_NAME];
	const char *dn = conf->value[AC_SUBJECT_DN];
	struct stat st;

	*id = s->current.serial != NULL ?
	    xasprintf("%s %s", conf->name, s->current.serial) :
	    xasprintf("%s %s %s", conf->name, names == NULL ? "" : names,
	    dn == NULL ? "" : dn);
	f->id = *id;
	f->threshold = agentconf_num(conf, AC_RENEWAL_THRESHOLD_PERCENT);
	f->spread = agentconf_num(conf, AC_RENEWAL_SPREAD_PERCENT);
	f->interval = agentconf_num(conf, AC_CHECK_INTERVAL_SECONDS);
	f->skew = agentconf_num(conf, AC_CLOCK_SKEW_SECONDS);
	if (agentconf_true(conf, AC_CRL_ENABLED)) {
		f->crl_age = agentconf_num(conf, AC_CRL_MAX_AGE_HOURS);
		f->crl_got = crl_got(conf);
	}
	f->ari = set(conf, AC_PROTOCOL, "acme") &&
	    agentconf_true(conf, AC_ARI);
	f->force = agentconf_true(conf, AC_FORCE_RENEWAL);
	f->force_now = wanted != NULL && strcmp(wanted, conf->name) == 0;
	if (s->current.facts.changed && conf->file != NULL &&
	    stat(conf->file, &st) == 0)
		f->edited = st.st_mtime;
}

/* What was found. */
static void
read_state(const struct certstate *s, struct plan_facts *f,
    struct plan_cert *newer)
{
	f->is = s->is;
	f->current = s->current.facts;
	f->proven = s->proven;
	f->left = s->left;
	*newer = s->previous.facts;
	f->newer = s->newer ? newer : NULL;
	f->failures = s->failures;
	f->last_attempt = s->last_attempt;
	f->last_success = s->last_success;
	f->retry_at = s->retry_at;
	f->ari_at = s->ari_at;
	f->ari_asked = s->ari_asked;
	f->ari_again = s->ari_again;
}

static void
opt_json_time(const char *key, time_t t)
{
	if (t == 0)
		jsonw_str(&json, key, NULL);
	else
		jsonw_time(&json, key, t);
}

/* The members that are about the current certificate. */
static void
json_current(const struct certleaf *c)
{
	static const char *const keys[] = {"serial", "subject", "issuer",
	    "not_before", "not_after", "seconds_left", "percent_left",
	    "names"};
	size_t i;

	if (c->serial == NULL) {
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			jsonw_str(&json, keys[i], NULL);
		return;
	}
	jsonw_str(&json, "serial", c->serial);
	jsonw_str(&json, "subject", c->subject);
	jsonw_str(&json, "issuer", c->issuer);
	jsonw_time(&json, "not_before", c->facts.not_before);
	jsonw_time(&json, "not_after", c->facts.not_after);
	jsonw_num(&json, "seconds_left", c->facts.not_after - now);
	jsonw_tenths(&json, "percent_left", c->tenths);
	jsonw_raw(&json, "names", c->names);
}

static void
print_json(const struct agentconf *conf, const struct certstate *s,
    const struct plan *p)
{
	jsonw_begin(&json, NULL, '{');
	jsonw_str(&json, "name", conf->name);
	jsonw_str(&json, "protocol", conf->value[AC_PROTOCOL]);
	jsonw_str(&json, "action", plan_word(p->action));
	jsonw_str(&json, "reason", p->reason);
	json_current(&s->current);
	opt_json_time("renew_at", p->renew_at);
	jsonw_time(&json, "next", p->next);
	jsonw_bool(&json, "proven", s->proven);
	jsonw_bool(&json, "revoked", s->current.facts.revoked);
	jsonw_str(&json, "result", s->result);
	jsonw_num(&json, "failures", s->failures);
	opt_json_time("last_attempt", s->last_attempt);
	opt_json_time("last_success", s->last_success);
	jsonw_str(&json, "error", s->error);
	jsonw_str(&json, "store", s->store);
	jsonw_str(&json, "cert_file", s->current.file);
	jsonw_end(&json, '}');
	jsonw_line(&json, stdout);
}

static void
print_lines(const struct agentconf *conf, const struct certstate *s,
    const struct plan_facts *f, const struct plan *p)
{
	int fresh = f->crl_got != 0 && f->crl_got <= now + f->skew &&
	    now < f->crl_got + f->crl_age;

	if (p->action > PLAN_NONE)
		printf("%s\t%s\t%s\n", conf->name, plan_word(p->action),
		    p->reason);
	if (agentconf_true(conf, AC_CRL_ENABLED) && s->current.serial != NULL)
		printf("%s\tcrl\t%s\t%s\t%s\t%s\t%s\n", conf->name,
		    conf->value[AC_CRL_CACHE_PATH], fresh ? "fresh" : "old",
		    conf->value[AC_CERT_ROOT], s->current.dir,
		    s->current.serial);
}

/* One certificate: what is found, decided, and written. */
static void
look_after(const struct agentconf *conf, const struct agentconf *own,
    struct plan *p)
{
	struct certstate s;
	struct plan_facts f;
	struct plan_cert newer;
	char *id;

	memset(&f, 0, sizeof(f));
	certstate_read(&s, conf, own, now, !lines);
	read_conf(conf, &s, &f, &id);
	read_state(&s, &f, &newer);
	f.linked = certlinks_ok(conf, s.store);
	plan_decide(&f, now, p);
	if (lines)
		print_lines(conf, &s, &f, p);
	else
		print_json(conf, &s, p);
	certstate_free(&s);
	free(id);
}

static int
confine(const struct agentconf *own)
{
	int s = sandbox_begin();

	sandbox_path(s, own->value[AC_STATE_DIR], SANDBOX_READ);
	sandbox_path(s, own->value[AC_STORE_DIR], SANDBOX_READ);
	return sandbox_apply(s);
}

/* Did a run end before it had emptied its directory, or is one at work? */
static int
is_left(const struct agentconf *own, const char *protocol)
{
	char *path = xasprintf("%s/tmp.%s", own->value[AC_STATE_DIR], protocol);
	int left = access(path, F_OK) == 0;

	free(path);
	return left;
}

static int
look_after_all(const struct agentconfs *all, const char *protocol)
{
	time_t next = 0;
	int found = wanted == NULL, rc = EX_YES;
	struct plan p;
	size_t i;

	for (i = 0; i < all->n && !found; i++)
		found = strcmp(all->cert[i].name, wanted) == 0;
	if (!found) {
		warnx("-y %s: no certificate of that name", esc(wanted));
		return EX_ERR;
	}
	json_start();
	if (confine(&all->own) == -1)
		return EX_ERR;
	for (i = 0; i < all->n; i++) {
		look_after(&all->cert[i], &all->own, &p);
		if (p.action > PLAN_WAIT)
			rc = EX_NO;
		if (next == 0 || p.next < next)
			next = p.next;
	}
	if (lines && is_left(&all->own, protocol))
		printf("-\tleft\n");
	if (lines)
		printf("-\tnext\t%lld\n", all->n > 0 ? (long long)next :
		    (long long)now + NOBODY);
	return finish(rc);
}

int
main(int argc, char *argv[])
{
	const char *dir = AC_DIR;
	struct agentconfs all;
	int ch;

	std_fill();
	now = time(NULL);
	while ((ch = getopt(argc, argv, ":T:Vc:f:y:")) != -1) {
		switch (ch) {
		case 'T':
			now = opt_epoch(ch, optarg);
			break;
		case 'V':
			version();
		case 'c':
			dir = optarg;
			break;
		case 'f':
			lines = strcmp(optarg, "lines") == 0;
			if (!lines && strcmp(optarg, "json") != 0)
				usage();
			break;
		case 'y':
			wanted = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 1 || (strcmp(argv[optind], "acme") != 0 &&
	    strcmp(argv[optind], "est") != 0))
		usage();
	ossl_reader();
	if (agentconf_load(dir, argv[optind], AC_NOBODY, &all) != EX_YES)
		return EX_ERR;
	ch = look_after_all(&all, argv[optind]);
	agentconf_free(&all);
	jsonw_free(&json);
	return ch;
}
