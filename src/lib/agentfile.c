/* SPDX-License-Identifier: ISC */
/* A source of the agents' configuration: see agentfile.h. */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentfile.h"
#include "agentthere.h"
#include "agentvalue.h"
#include "io.h"
#include "json.h"
#include "keyval.h"
#include "util.h"

#define SECRET "BOOTSTRAP_TOKEN"

/* A text that is being read. */
struct reading {
	struct agentfile *f;
	enum agentfile_form form;
	const char *text;	/* AF_JSON */
	size_t len;
};

/* file:line: key: why; line 0 and key NULL are left out. */
static void
complain(struct agentfile *f, unsigned int line, const char *key,
    const char *why)
{
	char number[16] = "";

	if (line > 0)
		snprintf(number, sizeof(number), ":%u", line);
	warnx("%s%s: %s%s%s", f->name, number, key != NULL ? esc(key) : "",
	    key != NULL ? ": " : "", why);
	f->bad = 1;
}

void
agentfile_complain(struct agentfile *f, int key, const char *fmt, ...)
{
	char *why;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) == -1)
		errx(EX_ERR, "memory: exhausted");
	va_end(ap);
	complain(f, f->line[key], agentkeys[key].name, why);
	free(why);
}

/* The same of a file none of which can be taken: nothing else is missed. */
static void
spoilt(struct agentfile *f, unsigned int line, const char *why)
{
	if (why != NULL)
		complain(f, line, NULL, why);
	memset(f->given, AF_WRONG, sizeof(f->given));
	f->bad = 1;
}

/* What agentfile_text() says of a key that is not in the table. */
static void
unknown(struct agentfile *f, unsigned int line, const char *key)
{
	const char *near = agentkey_near(key);
	char *why;

	if (strcmp(key, SECRET) == 0)
		why = xstrdup("a secret has no place here; put it into a file "
		    "of its own, mode 0600, and name that with " SECRET
		    "_FILE");
	else if (near != NULL)
		why = xasprintf("no such key; did you mean %s?", near);
	else
		why = xstrdup("no such key; certs.d(5) has the table");
	complain(f, line, key, why);
	free(why);
}

/* Is this all printable ASCII? */
static int
plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') ||
		    (unsigned char)*text >= 0x7f)
			return 0;
	return 1;
}

/* A key without a value that could be taken. */
static void
wrong(struct agentfile *f, int key, const char *why)
{
	f->given[key] = AF_WRONG;
	complain(f, f->line[key], agentkeys[key].name, why);
}

/* One key of a source. */
static void
take(struct agentfile *f, int key, unsigned int line, const char *text)
{
	char *why;

	f->given[key] = 1;
	f->line[key] = line;
	if (!plain(text)) {
		wrong(f, key, "a control character, or not ASCII; take it "
		    "out");
		return;
	}
	if (*text == '\0')
		return;
	f->value[key] = agentvalue_take((enum agentconf_key)key, text, &why);
	if (f->value[key] == NULL) {
		wrong(f, key, why);
		free(why);
	}
}

/* One key of a text. */
static void
take_key(struct reading *r, unsigned int line, const char *name,
    const char *text)
{
	struct agentfile *f = r->f;
	int key = agentkey_find(name);
	char *why;

	if (key == -1) {
		unknown(f, line, name);
	} else if (f->given[key]) {
		why = xasprintf("a second time, it is on line %u already; "
		    "take one out", f->line[key]);
		complain(f, line, name, why);
		free(why);
	} else if (key < AC_OWN_KEYS && r->form != AF_DEFAULTS) {
		f->line[key] = line;
		wrong(f, key, "a key of the agent itself; its place is the "
		    "file \"defaults\", or the environment");
	} else
		take(f, key, line, text);
}

static int
each_line(void *arg, unsigned int line, const char *key, const char *value,
    const char *why)
{
	struct reading *r = arg;
	char *more;

	if (why == NULL) {
		take_key(r, line, key, value);
		return 0;
	}
	more = xasprintf("%s; a line is KEY=value in ASCII, the key in "
	    "capitals and nothing before the =, or begins with #", why);
	complain(r->f, line, NULL, more);
	free(more);
	return 0;
}

/*
 * The line of a member: nothing but its name stands in quotes before a colon.
 * 0 when it is not spelled so.
 */
static unsigned int
line_of(const struct reading *r, const char *key)
{
	char *name = xasprintf("\"%s\"", key);
	const char *s = r->text, *after, *p;
	unsigned int line = 1;

	while ((s = strstr(s, name)) != NULL) {
		after = s + strlen(name);
		after += strspn(after, " \t\r\n");
		if (*after == ':' && (s == r->text || s[-1] != '\\'))
			break;
		s++;
	}
	free(name);
	if (s == NULL)
		return 0;
	for (p = r->text; p < s; p++)
		line += *p == '\n';
	return line;
}

static void
each_member(void *arg, const char *key, const char *text)
{
	struct reading *r = arg;
	int known = agentkey_find(key);
	unsigned int line = line_of(r, key);

	if (text != NULL || known == -1) {
		take_key(r, line, key, text);
		return;
	}
	r->f->line[known] = line;
	wrong(r->f, known, "not a single value; a string, a number, true or "
	    "false is needed");
}

static void
take_json(struct reading *r)
{
	unsigned int line;
	struct json *j;
	char why[160], *more;

	json_start();
	if ((j = json_parse_line(r->text, r->len, why, &line)) == NULL) {
		more = xasprintf("%s; one object is needed, {\"KEY\": "
		    "\"value\", ...}", why);
		spoilt(r->f, line, more);
		free(more);
		return;
	}
	json_each(j, each_member, r);
	json_free(j);
}

void
agentfile_text(struct agentfile *f, char *text, size_t len,
    enum agentfile_form form)
{
	struct reading r = {f, form, text, len};

	if (memchr(text, '\0', len) != NULL)
		spoilt(f, 0, "a NUL byte in it; this is no text");
	else if (form == AF_JSON)
		take_json(&r);
	else
		keyval_lines(text, len, each_line, &r);
}

void
agentfile_read(struct agentfile *f, int dirfd, const char *base,
    enum agentfile_form form)
{
	int fd = openat(dirfd, base, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	struct stat st;
	char *text;
	size_t len;

	if (fd == -1 || fstat(fd, &st) == -1) {
		warn("%s", f->name);
		spoilt(f, 0, NULL);
	} else if (!S_ISREG(st.st_mode))
		spoilt(f, 0, "not a regular file; one is needed");
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		spoilt(f, 0, "others can write it; chmod go-w");
	else if ((text = io_slurp_fd(fd, f->name, KEYVAL_MAX, &len)) == NULL)
		spoilt(f, 0, NULL);
	else {
		agentfile_text(f, text, len, form);
		free(text);
	}
	if (fd != -1)
		close(fd);
}

void
agentfile_env(struct agentfile *f, const char *protocol, int first, int last)
{
	const char *text;
	int key;

	for (key = first; key < last; key++)
		if (agentkey_of(key, protocol) &&
		    (text = getenv(agentkeys[key].name)) != NULL &&
		    *text != '\0')
			take(f, key, 0, text);
}

void
agentfile_there(struct agentfile *f, const char *protocol,
    const struct agentfile *over)
{
	char *why;
	int key;

	for (key = 0; key < AC_KEYS; key++)
		if (f->value[key] != NULL && agentkey_of(key, protocol) &&
		    (over == NULL || !over->given[key]) &&
		    (why = agentthere((enum agentconf_key)key,
		    &f->value[key])) != NULL) {
			agentfile_complain(f, key, "%s", why);
			free(why);
		}
}

void
agentfile_begin(struct agentfile *f, const char *name)
{
	*f = (struct agentfile){.name = xstrdup(name)};
}

void
agentfile_free(struct agentfile *f)
{
	int key;

	for (key = 0; key < AC_KEYS; key++)
		free(f->value[key]);
	free(f->name);
}
