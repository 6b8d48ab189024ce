/* SPDX-License-Identifier: ISC */
/* Header fields, links, Retry-After: see http.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"
#include "httpurl.h"
#include "util.h"

void
http_fields_free(struct http_fields *f)
{
	while (f->n > 0) {
		f->n--;
		free(f->v[f->n].name);
		free(f->v[f->n].value);
	}
}

static int
token_char(char c)
{
	return isalnum((unsigned char)c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

int
http_field_add(struct http_fields *f, const char *line, size_t len)
{
	size_t n = 0, from, i;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' ||
	    line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		http_fields_free(f);
		return 0;
	}
	if (len == 0 || len > HTTP_FIELD_SIZE || f->n == HTTP_FIELDS_MAX)
		return -1;
	while (n < len && token_char(line[n]))
		n++;
	if (n == 0 || n == len || line[n] != ':')
		return -1;
	for (from = n + 1; from < len &&
	    (line[from] == ' ' || line[from] == '\t'); from++)
		;
	for (i = from; i < len; i++)
		if (line[i] == '\0' || line[i] == '\r' || line[i] == '\n')
			return -1;
	f->v[f->n].name = xstrndup(line, n);
	f->v[f->n].value = xstrndup(line + from, len - from);
	f->n++;
	return 0;
}

const char *
http_field(const struct http_fields *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcasecmp(f->v[i].name, name) == 0)
			return f->v[i].value;
	return NULL;
}

/* Is rel one of the words of the relation parameter among these? */
static int
has_relation(const char *params, const char *end, const char *rel)
{
	const char *p, *q;
	size_t n = strlen(rel);

	for (p = params; p < end; p++) {
		if (*p != ';' && *p != ' ' && *p != '\t')
			continue;
		if (end - p < 5 || strncasecmp(p + 1, "rel=", 4) != 0)
			continue;
		q = p + 5;
		q += q < end && *q == '"';
		for (; q < end && *q != '"' && *q != ';';
		    q += strcspn(q, " \";"), q += *q == ' ')
			if ((size_t)(end - q) >= n && strncasecmp(q, rel,
			    n) == 0 && (q + n == end || q[n] == '"' ||
			    q[n] == ' ' || q[n] == ';'))
				return 1;
		return 0;
	}
	return 0;
}

/*
 * Take one link off *s: its target is the *len bytes at the returned pointer,
 * its parameters end at *s.  NULL when there is no more.
 */
static const char *
next_link(const char **s, size_t *len)
{
	const char *target, *p;
	int quoted = 0;

	if ((p = strchr(*s, '<')) == NULL)
		return NULL;
	target = p + 1;
	*len = strcspn(target, ">");
	p = target + *len;
	for (; *p != '\0' && (quoted || *p != ','); p++)
		if (*p == '"')
			quoted = !quoted;
	*s = p;
	return target;
}

char *
http_link(const struct http_fields *f, const char *base, const char *rel,
    size_t i)
{
	const char *s, *target, *params;
	size_t k, len;

	for (k = 0; k < f->n; k++) {
		if (strcasecmp(f->v[k].name, "Link") != 0)
			continue;
		s = f->v[k].value;
		while ((target = next_link(&s, &len)) != NULL) {
			params = target + len;
			if (has_relation(params, s, rel) && i-- == 0)
				return http_absolute(base, target, len);
		}
	}
	return NULL;
}

long long
http_retry_after(const char *value, time_t now)
{
	long long v;
	time_t t;

	if (value == NULL)
		return -1;
	if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0')
		return parse_num(value, 0, 1LL << 40, &v) == 0 ? v : 1LL << 40;
	if (!isalpha((unsigned char)value[0]) ||
	    (t = http_date(value)) == (time_t)-1)
		return -1;
	return t > now ? t - now : 0;
}
