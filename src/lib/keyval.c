/* SPDX-License-Identifier: ISC */
/* KEY=value data: see keyval.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "keyval.h"
#include "util.h"

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* One line, len bytes with a NUL behind.  Why it is refused, or NULL. */
static const char *
take_line(char *s, size_t len, keyval_fn *each, void *arg)
{
	char *value;
	size_t i, n;

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
	value = s + n + 1;
	value += strspn(value, " \t");
	return each(arg, s, value);
}

int
keyval_parse(char *text, size_t len, const char *name, keyval_fn *each,
    void *arg)
{
	char *end = text + len, *s, *nl;
	const char *why;
	unsigned int line = 1;

	for (s = text; s < end; s = nl + 1, line++) {
		if ((nl = memchr(s, '\n', (size_t)(end - s))) == NULL)
			nl = end;
		*nl = '\0';
		if ((why = take_line(s, (size_t)(nl - s), each, arg)) == NULL)
			continue;
		warnx("%s: line %u: %s", name, line, why);
		return -1;
	}
	return 0;
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
