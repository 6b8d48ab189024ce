/* SPDX-License-Identifier: ISC */
/*
 * acme-account - the account of a key at an ACME server (RFC 8555 section 7.3)
 *
 * Registers, shows, updates and deactivates an account, lists its orders and
 * changes its key.  Reads the key from a file and writes one line of JSON for
 * the account, or one for each order.  Exit: 0 done, 2 error or refused, 75
 * try later.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme.h"
#include "acmeaccount.h"
#include "acmeproblem.h"
#include "acmesession.h"
#include "eab.h"
#include "jsonw.h"
#include "ossl.h"
#include "util.h"

#define PAGES 1000	/* of orders */
#define ORDERS_MAX ((size_t)4 << 20)

struct job {
	struct acme acme;
	struct acme_conf conf;
	const char *binding;	/* -E: file */
	struct eab eab;		/* what is in it */
	const char *new_key;	/* -k: file, for rollover */
	struct signer *next;	/* that holds it */
	char **contacts;
	int ncontacts;
};

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: acme-account [-OVvY] [-E file] [-e file] "
	    "[-k key] [-m sec] -A file -a file -u url command "
	    "[contact ...]\n");
	exit(EX_ERR);
}

/* The account object as the server sees it, in our words. */
static int
report(const char *url, const struct json *j, int created)
{
	const struct json *contacts = json_arr(j, "contact");
	struct jsonw w = JSONW_INIT;
	size_t i;

	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "account", url);
	jsonw_str(&w, "status", json_str(j, "status"));
	jsonw_begin(&w, "contact", '[');
	for (i = 0; i < json_len(contacts); i++)
		jsonw_str(&w, NULL, json_str_at(contacts, i));
	jsonw_end(&w, ']');
	if (created >= 0)
		jsonw_bool(&w, "created", created);
	jsonw_end(&w, '}');
	jsonw_line(&w, stdout);
	jsonw_free(&w);
	return finish(EX_YES);
}

/* "contact": the operands, as they are; the server judges them. */
static void
put_contacts(const struct job *job, struct jsonw *w)
{
	int i;

	jsonw_begin(w, "contact", '[');
	for (i = 0; i < job->ncontacts; i++)
		jsonw_str(w, NULL, job->contacts[i]);
	jsonw_end(w, ']');
}

static int
do_new(struct job *job)
{
	struct acme *a = &job->acme;
	struct jsonw w = JSONW_INIT;
	struct acme_reply r;
	char *inner = NULL;
	int rc;

	jsonw_begin(&w, NULL, '{');
	if (a->agree)
		jsonw_bool(&w, "termsOfServiceAgreed", 1);
	if (job->ncontacts > 0)
		put_contacts(job, &w);
	if (job->binding != NULL) {
		inner = eab_jws(&job->eab, a->key->jwk, a->new_account);
		jsonw_raw(&w, "externalAccountBinding", inner);
		free(inner);
	}
	jsonw_end(&w, '}');
	rc = acme_register(a, jsonw_text(&w), &r);
	jsonw_free(&w);
	if (rc == 0) {
		rc = report(a->account, r.json, r.status == 201);
		acme_reply_free(&r);
	}
	return rc;
}

/* POST payload to the account; print what it is then, or refuse: not end. */
static int
post_account(struct job *job, const char *payload, const char *end)
{
	struct acme *a = &job->acme;
	const char *status;
	struct acme_reply r;
	int rc;

	if (a->account == NULL && (rc = acme_login(a, ACME_EXISTING)) != 0)
		return rc;
	if ((rc = acme_call(a, "account", a->account, payload, &r)) != 0)
		return rc;
	status = json_str(r.json, "status");
	if (status == NULL || (end != NULL && strcmp(status, end) != 0)) {
		warnx("%s: status %s", esc(a->account), esc(status));
		rc = EX_ERR;
	} else
		rc = report(a->account, r.json, -1);
	acme_reply_free(&r);
	return rc;
}

static int
do_show(struct job *job)
{
	return post_account(job, "", NULL);
}

static int
do_update(struct job *job)
{
	struct jsonw w = JSONW_INIT;
	int rc;

	jsonw_begin(&w, NULL, '{');
	put_contacts(job, &w);
	jsonw_end(&w, '}');
	rc = post_account(job, jsonw_text(&w), NULL);
	jsonw_free(&w);
	return rc;
}

static int
do_deactivate(struct job *job)
{
	int rc = post_account(job, "{\"status\":\"deactivated\"}",
	    "deactivated");

	if (rc == 0)
		signer_remember(job->acme.signer, "");
	return rc;
}

/* The orders on one page; *next is the URL of the one after it, or NULL. */
static int
orders_page(struct acme *a, const char *url, FILE *out, char **next)
{
	struct jsonw w = JSONW_INIT;
	const struct json *orders;
	struct acme_reply r;
	size_t i;
	int rc;

	if ((rc = acme_call(a, "orders", url, "", &r)) != 0)
		return rc;
	orders = json_arr(r.json, "orders");
	for (i = 0; i < json_len(orders); i++) {
		jsonw_begin(&w, NULL, '{');
		jsonw_str(&w, "order", json_str_at(orders, i));
		jsonw_end(&w, '}');
		jsonw_line(&w, out);
	}
	jsonw_free(&w);
	*next = http_link(&r.fields, url, "next", 0);
	acme_reply_free(&r);
	return 0;
}

static int
do_orders(struct job *job)
{
	struct acme *a = &job->acme;
	struct acme_reply r;
	char *url = NULL, *next, *text = NULL;
	size_t len = 0;
	FILE *out;
	int rc, n;

	if ((rc = acme_login(a, ACME_EXISTING)) != 0 ||
	    (rc = acme_call(a, "account", a->account, "", &r)) != 0)
		return rc;
	if (json_str(r.json, "orders") != NULL)
		url = xstrdup(json_str(r.json, "orders"));
	acme_reply_free(&r);
	if (url == NULL) {
		warnx("%s: the server keeps no list of orders",
		    esc(a->account));
		return EX_ERR;
	}
	/* all or nothing */
	if ((out = open_memstream(&text, &len)) == NULL)
		err(EX_ERR, "memory");
	for (n = 0; rc == 0 && url != NULL; n++) {
		next = NULL;
		if (n == PAGES || fflush(out) != 0 || len > ORDERS_MAX) {
			warnx("orders: more than %d pages, or too long", n);
			rc = EX_ERR;
		} else
			rc = orders_page(a, url, out, &next);
		free(url);
		url = next;
	}
	free(url);
	if (fclose(out) == 0 && rc == 0)
		fwrite(text, 1, len, stdout);
	free(text);
	return rc == 0 ? finish(EX_YES) : rc;
}

/* Section 7.3.5: the old key signs that the new one signs. */
static int
change_key(struct job *job)
{
	struct acme *a = &job->acme;
	struct acme_reply r;
	char *payload, *inner;
	int rc;

	payload = xasprintf("{\"account\":\"%s\",\"oldKey\":%s}", a->account,
	    a->key->jwk);
	inner = acme_jws(job->next, NULL, NULL, a->key_change, payload);
	free(payload);
	if (inner == NULL)
		return EX_ERR;
	rc = acme_post(a, a->key_change, inner, &r);
	free(inner);
	if (rc != 0) {
		warnx("keyChange: %s", esc(http_error(a->http)));
		return rc;
	}
	if (r.status == 501) {
		warnx("keyChange: this server cannot change keys");
		rc = EX_ERR;
	} else if (r.status < 200 || r.status > 299)
		rc = acme_refused(a, "keyChange", &r);
	acme_reply_free(&r);
	return rc;
}

/* From now on the new key signs. */
static void
switch_keys(struct job *job)
{
	struct signer *old = job->acme.signer;

	job->acme.signer = job->next;
	job->acme.key = signer_info(job->next);
	job->next = old;
}

/*
 * The new key is on the disk before the server hears of it, and takes the
 * place of the old one only when the server has been seen to know it: pebble
 * 2.10 says 200 to a key that another account has.  An earlier run that was
 * cut off in between is made good: then the server knows the new key.
 */
static int
do_rollover(struct job *job)
{
	struct acme *a = &job->acme;
	char *account;
	int rc, seen;

	if (a->key_change == NULL) {
		warnx("%s: the server does not offer key changes",
		    esc(a->directory));
		return EX_ERR;
	}
	if ((rc = acme_login(a, ACME_EXISTING)) != 0)
		return rc;
	account = xstrdup(a->account);
	rc = change_key(job);
	switch_keys(job);
	if (rc != EX_TEMP) {
		seen = acme_confirm(a, account);
		if (rc == 0 && seen == EX_ERR)
			warnx("keyChange: the server agreed, but the new key "
			    "is not known as that of %s", esc(account));
		else if (rc != 0 && seen == 0)
			warnx("keyChange: but the server knows the new key "
			    "already");
		if (rc == 0 || seen == 0)
			rc = seen;
	}
	free(account);
	if (rc != 0)
		return rc;
	if (signer_install(a->signer, job->conf.key) == -1)
		return EX_ERR;
	return post_account(job, "", NULL);
}

static const struct command {
	const char *name;
	int (*run)(struct job *);
	int contacts;		/* takes them */
} commands[] = {
	{"deactivate", do_deactivate, 0},
	{"new", do_new, 1},
	{"orders", do_orders, 0},
	{"rollover", do_rollover, 0},
	{"show", do_show, 0},
	{"update", do_update, 1}
};

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	errx(EX_ERR, "%s: not a command; one of deactivate, new, orders, "
	    "rollover, show, update", esc(name));
}

static int
run(struct job *job, const struct command *c)
{
	struct acme *a = &job->acme;
	int rc = EX_ERR;

	if (job->binding != NULL && eab_load(job->binding, &job->eab) == -1)
		return EX_ERR;
	if (job->new_key != NULL && ((job->next = signer_start(job->new_key,
	    a->directory, 0)) == NULL || signer_info(job->next) == NULL))
		return EX_ERR;
	job->conf.make_key = c->run == do_new;
	if ((rc = acme_start(a, &job->conf)) == 0 && (rc = acme_open(a)) == 0)
		rc = c->run(job);
	signer_stop(job->next);
	eab_free(&job->eab);
	return acme_end(a, rc);
}

int
main(int argc, char *argv[])
{
	struct job job = {.conf = {.sec = 60}};
	const struct command *c;
	int ch;

	std_fill();
	ossl_memory();
	while ((ch = getopt(argc, argv, ":" ACME_OPTS "E:Ya:k:")) != -1) {
		switch (ch) {
		case 'E':
			job.binding = optarg;
			break;
		case 'Y':
			job.acme.agree = 1;
			break;
		case 'a':
			job.conf.key = optarg;
			break;
		case 'k':
			job.new_key = optarg;
			break;
		default:
			if (acme_opt(&job.acme, &job.conf, ch, optarg) == -1)
				usage();
		}
	}
	if (argc == optind || job.acme.directory == NULL ||
	    job.conf.anchors == NULL || job.conf.key == NULL)
		usage();
	c = find_command(argv[optind]);
	job.contacts = argv + optind + 1;
	job.ncontacts = argc - optind - 1;
	if ((job.ncontacts > 0 && !c->contacts) ||
	    (job.new_key != NULL) != (c->run == do_rollover))
		usage();
	signal(SIGPIPE, SIG_IGN);
	return run(&job, c);
}
