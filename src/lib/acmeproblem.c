/* SPDX-License-Identifier: ISC */
/* What an ACME server refuses, and why: see acmeproblem.h. */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "acmeproblem.h"
#include "util.h"

#define URN "urn:ietf:params:acme:error:"
#define RETRY_MAX (100LL * 365 * 86400)	/* seconds; a year has four digits */

int
acme_is(const struct acme_reply *r, const char *type)
{
	const char *t = json_str(r->json, "type");

	return r->status >= 400 && t != NULL &&
	    strncmp(t, URN, strlen(URN)) == 0 &&
	    strcmp(t + strlen(URN), type) == 0;
}

static const char *
short_type(const char *type)
{
	if (type == NULL)
		return "problem";
	return strncmp(type, URN, strlen(URN)) == 0 ? type + strlen(URN) : type;
}

/* Add text to buf (ACME_PROBLEM_SIZE), if all of it has room. */
static void __attribute__((format(printf, 2, 3)))
add(char *buf, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf + n, ACME_PROBLEM_SIZE - n, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= ACME_PROBLEM_SIZE - n)
		buf[n] = '\0';
}

/* At most max bytes of s, made safe. */
static const char *
some(const char *s, size_t max)
{
	return s == NULL ? "(none)" : escn(s, strnlen(s, max));
}

const char *
acme_problem(const struct json *p)
{
	static char buf[ACME_PROBLEM_SIZE];
	const struct json *subs = json_arr(p, "subproblems"), *s;
	const char *detail = json_str(p, "detail");
	const char *instance = json_str(p, "instance");
	const struct json *algs = json_arr(p, "algorithms");
	size_t i;

	buf[0] = '\0';
	add(buf, "%s: %s", some(short_type(json_str(p, "type")), 100),
	    detail != NULL ? esc(detail) : "no detail given");
	if (instance != NULL)
		add(buf, "; see %s", some(instance, 300));
	for (i = 0; i < json_len(algs) && i < 20; i++)
		add(buf, "%s%s", i == 0 ? "; it takes " : ", ",
		    some(json_str_at(algs, i), 20));
	for (i = 0; i < json_len(subs); i++) {
		s = json_obj_at(subs, i);
		add(buf, "; %s: %s: %s", some(json_str(json_obj(s,
		    "identifier"), "value"), 253),
		    some(short_type(json_str(s, "type")), 100),
		    some(json_str(s, "detail"), 300));
	}
	return buf;
}

static int
is_caa(const struct json *problem)
{
	const char *type = json_str(problem, "type");

	return type != NULL && strcmp(type, URN "caa") == 0;
}

void
acme_caa(const struct acme *a, const struct json *problem)
{
	const struct json *subs = json_arr(problem, "subproblems");
	const struct json *names = json_arr(json_obj(a->dir, "meta"),
	    "caaIdentities");
	int yes = is_caa(problem);
	char list[500] = "";
	size_t i, n;

	for (i = 0; !yes && i < json_len(subs); i++)
		yes = is_caa(json_obj_at(subs, i));
	if (!yes)
		return;
	for (i = 0; i < json_len(names); i++) {
		n = strlen(list);
		snprintf(list + n, sizeof(list) - n, " %.60s",
		    esc(json_str_at(names, i)));
	}
	warnx("caa: in CAA records this CA is:%s; accounturi=%s",
	    list[0] != '\0' ? list : " (it does not say)", esc(a->account));
}

int
acme_refused(struct acme *a, const char *what, const struct acme_reply *r)
{
	int limit = r->status == 429 || acme_is(r, "rateLimited");
	int later = limit || r->status >= 500;
	char *subject = xstrdup(what);	/* may be in a buffer of esc() */
	char *url = NULL;

	if (r->json != NULL)
		warnx("%s: %d %s", subject, r->status, acme_problem(r->json));
	else if (r->status / 100 == 3 && r->location != NULL)
		warnx("%s: %d: redirected to %s, which is not followed",
		    subject, r->status, esc(r->location));
	else
		warnx("%s: %d without a problem document: %s", subject,
		    r->status, r->len == 0 ? "nothing" :
		    escn(r->body, r->len < 80 ? r->len : 80));
	a->reason = limit ? ACME_R_LIMIT : later ? ACME_R_SERVER :
	    ACME_R_REFUSED;
	if (acme_is(r, "userActionRequired")) {
		a->reason = ACME_R_USER;
		url = http_link(&r->fields, a->directory, "terms-of-service",
		    0);
	} else if (limit)
		url = http_link(&r->fields, a->directory, "help", 0);
	if (url != NULL)
		warnx("%s: see %s", subject, esc(url));
	free(url);
	acme_caa(a, r->json);
	free(subject);
	if (later && r->retry_after >= 0)
		a->retry_at = time(NULL) + (r->retry_after < RETRY_MAX ?
		    r->retry_after : RETRY_MAX);
	return later ? EX_TEMP : EX_ERR;
}
