/* SPDX-License-Identifier: ISC */
/* KEY=value data: see keyval.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "keyval.h"
#include "util.h"

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/*
 * Key and value of a line, len bytes with a NUL behind; *key is NULL when it
 * is blank or a comment.  Why it is refused, or NULL.
 */
static const char *
split(char *s, size_t len, char **key, char **value)
{
	size_t i, n;

	*key = *value = NULL;
	for (i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    (unsigned char)s[i] >= 0x7f)
			return "a control character, or not ASCII";
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		s[--len] = '\0';
	if (len == 0 || *s == '#')
		return NULL;
	n = strspn(s, KEY_CHARS);
	if (n == 0 || s[n] != '=')
		return "not KEY=value";
	s[n] = '\0';
	*key = s;
	*value = s + n + 1;
	*value += strspn(*value, " \t");
	return NULL;
}

int
keyval_lines(char *text, size_t len, keyval_line_fn *each, void *arg)
{
	char *end = text + len, *s, *nl, *key, *value;
	const char *why;
	unsigned int line = 1;

	for (s = text; s < end; s = nl + 1, line++) {
		if ((nl = memchr(s, '\n', (size_t)(end - s))) == NULL)
			nl = end;
		*nl = '\0';
		why = split(s, (size_t)(nl - s), &key, &value);
		if ((why != NULL || key != NULL) &&
		    each(arg, line, key, value, why) == -1)
			return -1;
	}
	return 0;
}

/* What keyval_parse() was given. */
struct parse {
	const char *name;
	keyval_fn *each;
	void *arg;
};

static int
first_fault(void *arg, unsigned int line, const char *key, const char *value,
    const char *why)
{
	const struct parse *p = arg;

	if (why == NULL && (why = p->each(p->arg, key, value)) == NULL)
		return 0;
	warnx("%s: line %u: %s", p->name, line, why);
	return -1;
}

int
keyval_parse(char *text, size_t len, const char *name, keyval_fn *each,
    void *arg)
{
	struct parse p = {name, each, arg};

	return keyval_lines(text, len, first_fault, &p);
}

int
keyval_load(const char *path, keyval_fn *each, void *arg)
{
	size_t len;
	char *buf;
	int rc;

	if ((buf = io_slurp(path, KEYVAL_MAX, &len)) == NULL)
		return -1;
	rc = keyval_parse(buf, len, io_name(path), each, arg);
	free(buf);
	return rc;
}

char *
keyval_word(char **list)
{
	char *word = *list + strspn(*list, " \t");

	if (*word == '\0')
		return NULL;
	*list = word + strcspn(word, " \t");
	if (**list != '\0')
		*(*list)++ = '\0';
	return word;
}
