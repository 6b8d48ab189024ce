/* SPDX-License-Identifier: ISC */
/* The forms of values of the agents' keys: see agentform.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509.h>

#include "agentform.h"
#include "agentvalue.h"
#include "csr.h"
#include "name.h"
#include "nametext.h"
#include "util.h"

#define DIGITS "0123456789"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS
#define BLANKS " \t"

/*
 * A form makes the canonical value of text; NULL when it is none, and then
 * maybe the particular reason in *fault, both for the caller to free.
 */
typedef char *form(const struct agentkey *k, const char *text, char **fault);

/* The word of a list that text is (in any case of letters with fold). */
static char *
choose(const char *list, const char *text, int fold)
{
	size_t len = strlen(text), n;

	for (; *list != '\0'; list += n, list += strspn(list, ", ")) {
		n = strcspn(list, ", ");
		if (n == len && (fold ? strncasecmp(list, text, n) :
		    strncmp(list, text, n)) == 0)
			return xstrndup(list, n);
	}
	return NULL;
}

static char *
form_choice(const struct agentkey *k, const char *text, char **fault)
{
	(void)fault;
	return choose(k->words, text, k->kind == AK_TYPE);
}

static char *
form_path(const struct agentkey *k, const char *text, char **fault)
{
	char *path, *o;
	size_t n;

	(void)k;
	if (*text != '/')
		return NULL;
	if (strlen(text) >= PATH_MAX) {
		*fault = xstrdup("too long");
		return NULL;
	}
	if (strchr(text, '\t') != NULL) {	/* the lines of cert-plan */
		*fault = xstrdup("a tab in it");
		return NULL;
	}
	o = path = xmalloc(strlen(text) + 2);
	for (; *(text += strspn(text, "/")) != '\0'; text += n) {
		n = strcspn(text, "/");
		if (n == 2 && strncmp(text, "..", 2) == 0) {
			*fault = xstrdup("a part that is ..");
			free(path);
			return NULL;
		}
		if (n == 1 && *text == '.')
			continue;
		*o++ = '/';
		memcpy(o, text, n);
		o += n;
	}
	if (o == path)
		*o++ = '/';
	*o = '\0';
	return path;
}

static char *
form_log(const struct agentkey *k, const char *text, char **fault)
{
	char *word = choose(k->words, text, 0);

	return word != NULL ? word : form_path(k, text, fault);
}

/* Is this, len bytes, a host as a URL has it: a name or an address? */
static int
host_ok(const char *s, size_t len)
{
	char *host = xstrndup(s, len);
	int ok;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		ok = strchr(host, ':') != NULL && name_is_ip(host + 1);
	} else
		ok = len > 0 && len < 254 &&
		    strspn(host, ALNUM "-_.") == len;
	free(host);
	return ok;
}

static char *
form_hostport(const struct agentkey *k, const char *text, char **fault)
{
	const char *colon = strrchr(text, ':');
	long long port;
	size_t len;

	(void)fault;
	if (colon == NULL || parse_num(colon + 1, 1, 65535, &port) == -1)
		return NULL;
	len = (size_t)(colon - text);
	if ((k->kind == AK_LISTEN && (len == 0 || (len == 1 &&
	    *text == '*'))) || host_ok(text, len))
		return xstrdup(text);
	return NULL;
}

static const char *
url_fault(const char *host)
{
	const char *end = host + strcspn(host, "/?#"), *colon = end;
	long long port;

	if (memchr(host, '@', (size_t)(end - host)) != NULL)
		return "a user name in it";
	if (strchr(end, '#') != NULL)
		return "a # in it";
	while (colon > host && strchr(DIGITS, colon[-1]) != NULL)
		colon--;
	if (colon > host && colon[-1] == ':') {
		char *text = xstrndup(colon, (size_t)(end - colon));
		int bad = parse_num(text, 1, 65535, &port);

		free(text);
		if (bad)
			return "no port from 1 to 65535 behind the colon";
		end = colon - 1;
	}
	return host_ok(host, (size_t)(end - host)) ? NULL : "no host in it";
}

static char *
form_url(const struct agentkey *k, const char *text, char **fault)
{
	const char *why;
	char *uri;

	if (strncmp(text, "https://", 8) != 0 &&
	    (k->kind != AK_HTTP || strncmp(text, "http://", 7) != 0))
		return NULL;
	if ((uri = name_canonical(NAME_URI, text, &why)) != NULL &&
	    (why = url_fault(strstr(uri, "://") + 3)) == NULL)
		return uri;
	free(uri);
	*fault = xstrdup(why);
	return NULL;
}

static char *
form_word(const struct agentkey *k, const char *text, char **fault)
{
	(void)k;
	(void)fault;
	if (*text == '\0' || *text == '.' || strlen(text) > 64 ||
	    text[strspn(text, ALNUM "-._~@+")] != '\0')
		return NULL;
	return xstrdup(text);
}

static char *
form_name(const struct agentkey *k, const char *text, char **fault)
{
	const char *why = "a wildcard";
	char *name = NULL;

	(void)k;
	if (*text == '*' || (name = name_canonical(name_kind(text), text,
	    &why)) == NULL)
		*fault = xstrdup(why);
	return name;
}

/* One of a list of names, with its prefix. */
static char *
one_name(const char *word, const char **why)
{
	const char *prefix = "", *rest = word;
	char *name, *value = NULL;
	int kind = name_kind(word);

	if (strncmp(word, "URI:", 4) == 0) {
		kind = NAME_URI;
		prefix = "URI:";
	} else if (strncmp(word, "email:", 6) == 0) {
		kind = NAME_EMAIL;
		prefix = "email:";
	}
	rest += strlen(prefix);
	if ((name = name_canonical(kind, rest, why)) != NULL)
		value = xasprintf("%s%s", prefix, name);
	free(name);
	return value;
}

static char *
one_contact(const char *word, const char **why)
{
	char *uri = name_canonical(NAME_URI, word, why), *mail = NULL;

	if (uri != NULL && strncmp(uri, "mailto:", 7) == 0) {
		mail = name_canonical(NAME_EMAIL, uri + 7, why);
		free(uri);
		uri = mail == NULL ? NULL : xasprintf("mailto:%s", mail);
		free(mail);
	}
	return uri;
}

/* Is word one of the words of list, which have one blank between them? */
static int
listed(const char *list, const char *word)
{
	char *found = choose(list, word, 0);

	free(found);
	return found != NULL;
}

/* The words of text, each as one() makes it, once, with a blank between. */
static char *
word_list(const char *text, const char *separators,
    char *(*one)(const char *, const char **), char **fault)
{
	char *list = xstrdup(""), *word, *value, *longer;
	size_t n, count = 0;
	const char *why = "more than 1000 of them";

	for (; *(text += strspn(text, separators)) != '\0'; text += n) {
		n = strcspn(text, separators);
		word = xstrndup(text, n);
		value = count++ == NAMES_MAX ? NULL : one(word, &why);
		if (value == NULL) {
			*fault = xasprintf("%s: %s", esc(word), why);
			free(word);
			free(list);
			return NULL;
		}
		if (!listed(list, value)) {
			longer = xasprintf("%s%s%s", list,
			    *list != '\0' ? " " : "", value);
			free(list);
			list = longer;
		}
		free(word);
		free(value);
	}
	if (count == 0) {
		free(list);
		list = NULL;
	}
	return list;
}

static char *
form_words(const struct agentkey *k, const char *text, char **fault)
{
	if (k->kind == AK_NAMES)
		return word_list(text, BLANKS ",", one_name, fault);
	return word_list(text, BLANKS, one_contact, fault);
}

static char *
form_dn(const struct agentkey *k, const char *text, char **fault)
{
	const char *why;
	X509_NAME *name;

	(void)k;
	if ((name = csr_subject_why(text, &why)) == NULL) {
		*fault = xstrdup(why);
		return NULL;
	}
	X509_NAME_free(name);
	return xstrdup(text);
}

static char *
form_group(const struct agentkey *k, const char *text, char **fault)
{
	long long n;

	(void)k;
	(void)fault;
	if (strspn(text, DIGITS) == strlen(text))
		return parse_num(text, 0, 4294967294, &n) == 0 ?
		    xasprintf("%lld", n) : NULL;
	return text[strspn(text, ALNUM "-_.@\\$")] == '\0' ? xstrdup(text) :
	    NULL;
}

static char *
form_num(const struct agentkey *k, const char *text, char **fault)
{
	long long n = agentvalue_num((enum agentconf_key)(k - agentkeys),
	    text);

	(void)fault;
	return n < k->min || n > k->max ? NULL : k->kind == AK_NUM ?
	    xasprintf("%lld", n) : xstrdup(text);
}

/* A program, and its words with one blank between them. */
static char *
form_command(const struct agentkey *k, const char *text, char **fault)
{
	size_t n, len;
	char *line, *o;

	(void)fault;
	text += strspn(text, BLANKS);
	n = strcspn(text, BLANKS);
	if (*text != '/' && (k->kind == AK_COMMAND || *text == '.' ||
	    n == 0 || strspn(text, ALNUM "-_.") != n))
		return NULL;
	if (k->kind == AK_PROGRAM && text[n] != '\0')
		return NULL;
	o = line = xmalloc(strlen(text) + 1);
	for (; *(text += strspn(text, BLANKS)) != '\0'; text += len) {
		len = strcspn(text, BLANKS);
		if (o != line)
			*o++ = ' ';
		memcpy(o, text, len);
		o += len;
	}
	*o = '\0';
	return line;
}

static char *
form_text(const struct agentkey *k, const char *text, char **fault)
{
	(void)k;
	(void)fault;
	return xstrdup(text);
}

/* By kind: the form, and what it is called. */
static const struct {
	form *make;
	const char *noun;
} kinds[] = {
	[AK_PATH] = {form_path, "an absolute path"},
	[AK_LINK] = {form_path, "an absolute path"},
	[AK_FILE] = {form_path, "the absolute path of a file"},
	[AK_SECRET] = {form_path, "the absolute path of a file"},
	[AK_TOKEN] = {form_path, "the absolute path of a file"},
	[AK_DIR] = {form_path, "the absolute path of a directory"},
	[AK_URL] = {form_url, "an https URL"},
	[AK_HTTP] = {form_url, "an http or https URL"},
	[AK_WORD] = {form_word, "a word of letters, digits and -._~@+"},
	[AK_NAMES] = {form_words, "a list of DNS names, IP addresses, "
	    "URI:... and email:..."},
	[AK_NAME] = {form_name, "a DNS name or an IP address"},
	[AK_DN] = {form_dn, "a subject as in RFC 4514"},
	[AK_TYPE] = {form_choice, NULL},
	[AK_GROUP] = {form_group, "the name or number of a group"},
	[AK_NUM] = {form_num, "a whole number"},
	[AK_HOURS] = {form_num, "a number from 0.1 to 168"},
	[AK_CHOICE] = {form_choice, NULL},
	[AK_LOG] = {form_log, "stderr, syslog or an absolute path"},
	[AK_HOOK] = {form_command, "the absolute path of a program (or the "
	    "name of a hook that came with eca) with its arguments"},
	[AK_PROGRAM] = {form_command, "the absolute path of a program (or "
	    "the name of a hook that came with eca) without arguments"},
	[AK_COMMAND] = {form_command, "the absolute path of a program with its "
	    "arguments"},
	[AK_HOSTPORT] = {form_hostport, "host:port, an IPv6 address in "
	    "brackets,"},
	[AK_LISTEN] = {form_hostport, "addr:port or :port, an IPv6 address "
	    "in brackets,"},
	[AK_CONTACT] = {form_words, "a list of URLs"},
	[AK_TEXT] = {form_text, "a text"}
};

char *
agentform_make(const struct agentkey *k, const char *text, char **fault)
{
	*fault = NULL;
	return kinds[k->kind].make(k, text, fault);
}

const char *
agentform_noun(enum agentkey_kind kind)
{
	return kinds[kind].noun;
}
