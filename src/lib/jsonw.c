/* SPDX-License-Identifier: ISC */
/* A JSON writer: see jsonw.h. */
#include <stdlib.h>
#include <string.h>

#include "jsonw.h"
#include "util.h"

static void
room(struct jsonw *w, size_t n)
{
	if (w->cap - w->len > n)
		return;
	w->cap = (w->cap + n + 1) * 2;
	w->buf = xrealloc(w->buf, w->cap);
}

static void
put(struct jsonw *w, const char *s, size_t n)
{
	room(w, n);
	memcpy(w->buf + w->len, s, n);
	w->len += n;
}

static void
put_char(struct jsonw *w, char c)
{
	put(w, &c, 1);
}

/* The length of the valid UTF-8 sequence at p, or 0. */
static size_t
utf8_len(const unsigned char *p, size_t n)
{
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, i;

	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* A character of at most 16 bits as \uXXXX. */
static void
put_escape(struct jsonw *w, unsigned int cp)
{
	static const char hex[] = "0123456789abcdef";
	const char u[6] = {'\\', 'u', hex[cp >> 12], hex[cp >> 8 & 15],
	    hex[cp >> 4 & 15], hex[cp & 15]};

	put(w, u, sizeof(u));
}

/* A valid sequence of two to four bytes. */
static void
put_utf8(struct jsonw *w, const unsigned char *p, size_t len)
{
	unsigned int cp = len == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu) :
	    (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

	if (len < 4 && esc_wanted(cp))
		put_escape(w, cp);
	else
		put(w, (const char *)p, len);
}

/* One character that is not copied as it is; returns the bytes it took. */
static size_t
put_special(struct jsonw *w, const unsigned char *p, size_t n)
{
	size_t len;

	if (p[0] == '"' || p[0] == '\\') {
		put_char(w, '\\');
		put_char(w, (char)p[0]);
	} else if (p[0] == '\n')
		put(w, "\\n", 2);
	else if (p[0] == '\t')
		put(w, "\\t", 2);
	else if (p[0] < 0x20 || p[0] == 0x7f)
		put_escape(w, p[0]);
	else if ((len = utf8_len(p, n)) != 0) {
		put_utf8(w, p, len);
		return len;
	} else
		put(w, "\xef\xbf\xbd", 3);
	return 1;
}

static void
put_string(struct jsonw *w, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, from;

	put_char(w, '"');
	while (i < len) {
		for (from = i; i < len && p[i] >= 0x20 && p[i] < 0x7f &&
		    p[i] != '"' && p[i] != '\\'; i++)
			;
		put(w, s + from, i - from);
		if (i < len)
			i += put_special(w, p + i, len - i);
	}
	put_char(w, '"');
}

static void
put_key(struct jsonw *w, const char *key)
{
	if (w->comma)
		put_char(w, ',');
	w->comma = 1;
	if (key != NULL) {
		put_string(w, key, strlen(key));
		put_char(w, ':');
	}
}

void
jsonw_begin(struct jsonw *w, const char *key, char bracket)
{
	put_key(w, key);
	put_char(w, bracket);
	w->comma = 0;
}

void
jsonw_end(struct jsonw *w, char bracket)
{
	put_char(w, bracket);
	w->comma = 1;
}

void
jsonw_strn(struct jsonw *w, const char *key, const char *s, size_t len)
{
	put_key(w, key);
	put_string(w, s, len);
}

void
jsonw_str(struct jsonw *w, const char *key, const char *s)
{
	if (s == NULL)
		jsonw_raw(w, key, "null");
	else
		jsonw_strn(w, key, s, strlen(s));
}

/* v in decimal at the end of buf (24 bytes); returns where it begins. */
static char *
decimal(long long v, char *end)
{
	unsigned long long u = v < 0 ? 0 - (unsigned long long)v :
	    (unsigned long long)v;
	char *p = end;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (v < 0)
		*--p = '-';
	return p;
}

void
jsonw_num(struct jsonw *w, const char *key, long long v)
{
	char buf[24], *p = decimal(v, buf + sizeof(buf));

	put_key(w, key);
	put(w, p, (size_t)(buf + sizeof(buf) - p));
}

void
jsonw_tenths(struct jsonw *w, const char *key, long long v)
{
	long long t = v % 10;

	if (v < 0 && v > -10)
		put_key(w, key), put(w, "-0", 2);
	else
		jsonw_num(w, key, v / 10);
	put_char(w, '.');
	put_char(w, (char)('0' + (t < 0 ? -t : t)));
}

void
jsonw_bool(struct jsonw *w, const char *key, int v)
{
	jsonw_raw(w, key, v ? "true" : "false");
}

void
jsonw_time(struct jsonw *w, const char *key, time_t t)
{
	char buf[RFC3339_SIZE];

	put_key(w, key);
	put_char(w, '"');
	rfc3339(t, buf);
	put(w, buf, strlen(buf));
	put_char(w, '"');
}

void
jsonw_raw(struct jsonw *w, const char *key, const char *text)
{
	put_key(w, key);
	put(w, text, strlen(text));
}

const char *
jsonw_text(struct jsonw *w)
{
	room(w, 1);
	w->buf[w->len] = '\0';
	return w->buf;
}

void
jsonw_line(struct jsonw *w, FILE *fp)
{
	put_char(w, '\n');
	fwrite(w->buf, 1, w->len, fp);
	w->len = 0;
	w->comma = 0;
}

void
jsonw_free(struct jsonw *w)
{
	free(w->buf);
	w->buf = NULL;
	w->len = w->cap = 0;
}
