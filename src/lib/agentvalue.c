/* SPDX-License-Identifier: ISC */
/* The values of the agents' keys: see agentvalue.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agentform.h"
#include "agentvalue.h"
#include "util.h"

#define DIGITS "0123456789"

/* The words of a list as "a, b or c". */
static char *
either(const char *list)
{
	char *text = xstrdup(""), *longer;
	size_t n;

	for (; *list != '\0'; list += n, list += strspn(list, ", ")) {
		n = strcspn(list, ", ");
		longer = xasprintf("%s%s%.*s", text, *text == '\0' ? "" :
		    list[n] == '\0' ? " or " : ", ", (int)n, list);
		free(text);
		text = longer;
	}
	return text;
}

char *
agentvalue_wanted(enum agentconf_key key)
{
	const struct agentkey *k = &agentkeys[key];
	char *words, *text;

	if (k->kind == AK_NUM)
		return xasprintf("a whole number from %lld to %lld is needed",
		    k->min, k->max);
	if (k->kind == AK_CHOICE || k->kind == AK_TYPE) {
		words = either(k->words);
		text = xasprintf("%s is needed", words);
		free(words);
		return text;
	}
	return xasprintf("%s is needed, as in %s=%s", agentform_noun(k->kind),
	    k->name, k->example);
}

static int
quoted(const char *s)
{
	size_t len = strlen(s);

	return len > 1 && (*s == '"' || *s == '\'') && s[len - 1] == *s;
}

char *
agentvalue_take(enum agentconf_key key, const char *text, char **why)
{
	const struct agentkey *k = &agentkeys[key];
	char *fault = NULL, *value = NULL, *wanted;
	const char *shown = strchr(text, '@') != NULL && (k->kind == AK_URL ||
	    k->kind == AK_HTTP) ? "a URL" : text;

	*why = NULL;
	if (quoted(text))
		fault = xstrdup("quotes stay a part of it, leave them out");
	else
		value = agentform_make(k, text, &fault);
	if (value != NULL)
		return value;
	wanted = agentvalue_wanted(key);
	if (fault == NULL)
		*why = xasprintf("%s: %s", esc(shown), wanted);
	else if (k->kind == AK_NAMES || k->kind == AK_CONTACT)
		*why = xasprintf("%s; %s", fault, wanted);
	else
		*why = xasprintf("%s: %s; %s", esc(shown), fault, wanted);
	free(wanted);
	free(fault);
	return NULL;
}

long long
agentvalue_num(enum agentconf_key key, const char *value)
{
	long long n, unit = 3600, seconds;
	char *whole;
	size_t len;

	if (agentkeys[key].kind == AK_NUM)
		return parse_num(value, 0, LLONG_MAX, &n) == 0 ? n : -1;
	len = strspn(value, DIGITS);
	whole = xstrndup(value, len);
	seconds = parse_num(whole, 0, 1000000, &n) == 0 ? n * 3600 : -1;
	free(whole);
	if (seconds == -1 || value[len] == '\0')
		return seconds;
	if (value[len] != '.' || value[len + 1] == '\0' ||
	    strspn(value + len + 1, DIGITS) != strlen(value + len + 1))
		return -1;
	for (value += len + 1; *value != '\0' && unit > 1; value++) {
		seconds += (*value - '0') * unit / 10;
		unit /= 10;
	}
	return seconds;
}
