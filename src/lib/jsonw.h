/* SPDX-License-Identifier: ISC */
/*
 * A JSON writer (RFC 8259) for one line at a time.  Strings are escaped, and
 * so is what a terminal might obey, see esc_wanted(); bytes that are not UTF-8
 * become U+FFFD.  Links with libc only.
 *
 *	struct jsonw w = JSONW_INIT;
 *	jsonw_begin(&w, NULL, '{');
 *	jsonw_str(&w, "subject", s);
 *	jsonw_begin(&w, "names", '[');
 *	jsonw_str(&w, NULL, "a.example");
 *	jsonw_end(&w, ']');
 *	jsonw_end(&w, '}');
 *	jsonw_line(&w, stdout);
 *
 * key is NULL inside arrays and at the top.  Nothing fails: memory that
 * cannot be had ends the program with exit 2.
 */
#ifndef ECA_JSONW_H
#define ECA_JSONW_H

#include <stddef.h>
#include <stdio.h>
#include <time.h>

struct jsonw {
	char *buf;
	size_t len;
	size_t cap;
	int comma;	/* the next value needs a comma before it */
};

#define JSONW_INIT {NULL, 0, 0, 0}

/* Open and close an object ('{', '}') or an array ('[', ']'). */
void jsonw_begin(struct jsonw *w, const char *key, char bracket);
void jsonw_end(struct jsonw *w, char bracket);

/* A string; NULL is written as null. */
void jsonw_str(struct jsonw *w, const char *key, const char *s);
void jsonw_strn(struct jsonw *w, const char *key, const char *s, size_t len);
/* A whole number. */
void jsonw_num(struct jsonw *w, const char *key, long long v);
/* v/10 with one decimal: 333 is 33.3. */
void jsonw_tenths(struct jsonw *w, const char *key, long long v);
void jsonw_bool(struct jsonw *w, const char *key, int v);
/* A time as RFC 3339 text in UTC with Z. */
void jsonw_time(struct jsonw *w, const char *key, time_t t);
/* A value that is JSON text already: taken as it is. */
void jsonw_raw(struct jsonw *w, const char *key, const char *text);

/* Write the text and a newline to fp and start anew; keeps the buffer. */
void jsonw_line(struct jsonw *w, FILE *fp);
/* The text so far, NUL-terminated, owned by w. */
const char *jsonw_text(struct jsonw *w);
/* Free the buffer. */
void jsonw_free(struct jsonw *w);

#endif
