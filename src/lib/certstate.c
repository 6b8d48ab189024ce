/* SPDX-License-Identifier: ISC */
/* What is on the disk about a certificate: see certstate.h. */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certstate.h"
#include "certwalk.h"
#include "dertext.h"
#include "hostset.h"
#include "io.h"
#include "json.h"
#include "jsonw.h"
#include "util.h"

#define STATE_MAX ((size_t)64 << 10)
#define GEN_TIME (sizeof("gen/20261122T071449Z") - 1)
#define AGAIN_MAX (366 * 86400LL)

/* A file that may be missing.  NULL when it is, or after a message. */
static char *
slurp(const char *path, size_t max, size_t *len)
{
	char *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd == -1) {
		if (errno != ENOENT)
			warn("%s", path);
		return NULL;
	}
	text = io_slurp_fd(fd, path, max, len);
	close(fd);
	return text;
}

/* The store. */

struct reading {
	struct certleaf *leaf;
	const char *names;	/* wanted exactly, or NULL */
	const char *revoked;	/* a serial number, or NULL */
	time_t now;
	int text;
};

static char *
names_json(struct der_span names)
{
	struct der_text text = DER_TEXT_INIT;
	struct jsonw w = JSONW_INIT;

	jsonw_begin(&w, NULL, '[');
	while (der_next_san(&text, &names) != NULL)
		jsonw_strn(&w, NULL, text.s, text.len);
	jsonw_end(&w, ']');
	jsonw_text(&w);
	der_text_free(&text);
	return w.buf;
}

/* The first certificate of a file is the one. */
static void
take_leaf(void *arg, const struct der_cert *c)
{
	const struct reading *r = arg;
	struct der_text text = DER_TEXT_INIT;
	struct certleaf *l = r->leaf;

	if (l->serial != NULL)
		return;
	l->serial = xstrdup(der_serial_hex(&text, c->serial));
	if (r->text) {
		l->subject = xstrdup(der_name(&text, c->subject));
		l->issuer = xstrdup(der_name(&text, c->issuer));
		l->names = names_json(c->names);
		l->tenths = certwalk_tenths(c, r->now);
	}
	der_text_free(&text);
	l->facts.serial = l->serial;
	l->facts.not_before = c->not_before;
	l->facts.not_after = c->not_after;
	l->facts.changed = r->names != NULL &&
	    hostset_differs(r->names, c->names);
	l->facts.revoked = r->revoked != NULL &&
	    strcmp(r->revoked, l->serial) == 0;
}

static void
free_leaf(struct certleaf *l)
{
	free(l->dir);
	free(l->file);
	free(l->serial);
	free(l->subject);
	free(l->issuer);
	free(l->names);
	memset(l, 0, sizeof(*l));
}

/* The leaf of the generation at store/target. */
static void
read_leaf(struct reading *r, const char *store, const char *target)
{
	struct certleaf *l = r->leaf;
	size_t len;
	char *pem;

	l->dir = xasprintf("%s/%s", store, target);
	l->file = xasprintf("%s/cert.pem", l->dir);
	if ((pem = slurp(l->file, IO_PEM_MAX, &len)) == NULL)
		return;
	certwalk(pem, len, l->file, take_leaf, r);
	free(pem);
}

/*
 * Has the generation of a leaf all that belongs to it?  What is in the files
 * is not for everybody to read.
 */
static int
whole(const struct certleaf *l)
{
	static const char *const files[] = {"key.pem", "fullchain.pem",
	    "keychain.pem", "chain.pem"};	/* the last may be empty */
	const size_t n = sizeof(files) / sizeof(files[0]);
	struct stat st;
	char *path;
	size_t i;
	int ok = l->serial != NULL;

	for (i = 0; ok && i < n; i++) {
		path = xasprintf("%s/%s", l->dir, files[i]);
		ok = stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    (i == n - 1 || st.st_size > 0);
		if (!ok)
			warnx("%s: missing or empty", path);
		free(path);
	}
	return ok;
}

/* Where a link in the store points to; NULL when it is missing. */
static char *
target_of(const char *store, const char *link)
{
	char *path = xasprintf("%s/%s", store, link), buf[PATH_MAX];
	ssize_t n = readlink(path, buf, sizeof(buf));

	if (n == -1 && errno != ENOENT)
		warn("%s", path);
	free(path);
	return n == -1 ? NULL : xstrndup(buf, (size_t)n);
}

/* The only line of a file, which may be missing. */
static char *
line_of(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *line;
	size_t len;

	if ((line = slurp(path, PATH_MAX, &len)) != NULL)
		line[strcspn(line, "\n")] = '\0';
	free(path);
	return line;
}

static int
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/*
 * Was p made after c?  The CA's clock tells, and where both are of one second
 * the time at which their names begin, or that there was a failure.  In doubt
 * it was not: what a commit that was cut short leaves looks like it.
 */
static int
is_later(const struct certleaf *p, const char *target,
    const struct certleaf *c, const char *current, int failed)
{
	int order;

	if (p->serial == NULL)
		return 0;
	if (p->facts.not_before != c->facts.not_before)
		return p->facts.not_before > c->facts.not_before;
	order = strncmp(target, current, GEN_TIME);
	return order > 0 || (order == 0 && failed);
}

/*
 * previous is of interest when it was taken back: made after the current one
 * and never proven; or when the current one is no use.
 */
static void
read_previous(struct certstate *s, struct reading *r, const char *current,
    const char *proven)
{
	char *target = line_of(s->store, "previous");
	int useless = s->is != PLAN_THERE;

	s->left = target != NULL && s->proven;
	if (target != NULL && !same(target, current) &&
	    (useless || !same(target, proven))) {
		r->leaf = &s->previous;
		read_leaf(r, s->store, target);
		s->newer = (useless || is_later(&s->previous, target,
		    &s->current, current, s->failures > 0)) &&
		    whole(&s->previous);
	}
	free(target);
}

static void
read_store(struct certstate *s, struct reading *r)
{
	char *current = target_of(s->store, "current");
	char *proven = target_of(s->store, "proven");

	s->is = PLAN_MISSING;
	if (current != NULL) {
		r->leaf = &s->current;
		read_leaf(r, s->store, current);
		s->is = whole(&s->current) ? PLAN_THERE : PLAN_BROKEN;
		s->proven = s->is == PLAN_THERE && same(current, proven);
	}
	read_previous(s, r, current, proven);
	free(current);
	free(proven);
}

/* The state directory. */

/* A time or null into *t.  0, or -1. */
static int
get_time(const struct json *j, const char *key, time_t *t)
{
	const char *text = json_str(j, key);

	return text == NULL ? 0 : rfc3339_parse(text, t);
}

/* A file with a JSON object, which may be missing. */
static struct json *
read_json(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *text, why[160];
	struct json *j = NULL;
	size_t len;

	if ((text = slurp(path, STATE_MAX, &len)) != NULL &&
	    (j = json_parse(text, len, why)) == NULL)
		warnx("%s: %s: taken as empty", path, why);
	free(text);
	free(path);
	return j;
}

static void
read_result(struct certstate *s, const char *dir)
{
	struct json *j = read_json(dir, "state.json");
	time_t attempt = 0, success = 0, retry = 0;
	const char *result = json_str(j, "result");

	if (j == NULL)
		return;
	if (result == NULL || (strcmp(result, "ok") != 0 &&
	    strcmp(result, "failed") != 0) ||
	    json_num(j, "failures", &s->failures) == -1 || s->failures < 0 ||
	    get_time(j, "last_attempt", &attempt) == -1 ||
	    get_time(j, "last_success", &success) == -1 ||
	    get_time(j, "retry_at", &retry) == -1) {
		warnx("%s/state.json: a member is missing or broken: taken as "
		    "empty", dir);
		s->failures = 0;
	} else {
		s->result = xstrdup(result);
		if (json_str(j, "reason") != NULL)
			s->error = xstrdup(json_str(j, "reason"));
		s->last_attempt = attempt;
		s->last_success = success;
		s->retry_at = retry;
	}
	json_free(j);
}

static int
exists(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	int there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* An answer that is about another certificate is none. */
static void
read_ari(struct certstate *s, const char *dir)
{
	struct json *j = read_json(dir, "ari.json");
	const char *serial = json_str(j, "serial");
	const char *source = json_str(j, "source");
	time_t asked = 0, at = 0;
	long long again = 0;

	json_num(j, "ask_again_seconds", &again);
	if (serial != NULL && s->current.serial != NULL &&
	    strcmp(serial, s->current.serial) == 0) {
		if (get_time(j, "asked_at", &asked) == -1 ||
		    get_time(j, "renew_at", &at) == -1 ||
		    again < 0 || again > AGAIN_MAX)
			warnx("%s/ari.json: a member is broken: taken as empty",
			    dir);
		else if (asked != 0) {
			s->ari_asked = asked;
			if (source == NULL || strcmp(source, "server") == 0)
				s->ari_at = at;
			s->ari_again = again;
		}
	}
	json_free(j);
}

void
certstate_read(struct certstate *s, const struct agentconf *conf,
    const struct agentconf *own, time_t now, int text)
{
	char *dir = xasprintf("%s/state/%s", own->value[AC_STATE_DIR],
	    conf->name), *revoked = line_of(dir, "revoked");
	struct reading r = {.now = now, .text = text, .revoked = revoked};
	int acme = strcmp(conf->value[AC_PROTOCOL], "acme") == 0;

	memset(s, 0, sizeof(*s));
	/* By EST a certificate is renewed for the names it has. */
	if (acme)
		r.names = conf->value[AC_DOMAIN_NAME];
	s->store = xasprintf("%s/%s", own->value[AC_STORE_DIR], conf->name);
	read_result(s, dir);
	read_store(s, &r);
	/* Where the CA has yet to decide, the next attempt goes on with it. */
	s->left |= s->retry_at == 0 && exists(dir, "pending");
	if (acme && agentconf_true(conf, AC_ARI))
		read_ari(s, dir);
	free(revoked);
	free(dir);
}

void
certstate_free(struct certstate *s)
{
	free_leaf(&s->current);
	free_leaf(&s->previous);
	free(s->store);
	free(s->result);
	free(s->error);
}
