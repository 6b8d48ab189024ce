/* SPDX-License-Identifier: ISC */
/*
 * Reading JSON (RFC 8259) that a stranger sent: the getters a protocol needs,
 * so that nobody else includes the library.  Links with jansson.
 */
#ifndef ECA_JSON_H
#define ECA_JSON_H

#include <stddef.h>

struct json;

/*
 * Seed the hash tables, and let memory that cannot be had end the program.
 * Once, before a sandbox that takes /dev/urandom away (jansson would fall back
 * to the clock without a word).
 */
void json_start(void);

/*
 * Parse len bytes as one JSON object: UTF-8, no duplicate keys, no trailing
 * bytes, no NUL, not even as \u0000, not many thousands of values.  Returns
 * NULL with the reason in why (at least 160 bytes), which is safe to print.
 * The caller frees with json_free().
 */
struct json *json_parse(const char *buf, size_t len, char why[160]);
/* The same, and *line is the line of the fault, or 0. */
struct json *json_parse_line(const char *buf, size_t len, char why[160],
    unsigned int *line);
void json_free(struct json *j);

/*
 * Members of an object, borrowed from it; NULL when there is no such member
 * or it is of another type.  NULL objects are fine.
 */
const char *json_str(const struct json *obj, const char *key);
const struct json *json_obj(const struct json *obj, const char *key);
const struct json *json_arr(const struct json *obj, const char *key);
/* The whole number of a member into *n.  0, or -1 when it is none. */
int json_num(const struct json *obj, const char *key, long long *n);
/* The boolean member, or 0. */
int json_flag(const struct json *obj, const char *key);

/* Elements of an array (NULL is an empty one), borrowed. */
size_t json_len(const struct json *arr);
const char *json_str_at(const struct json *arr, size_t i);
const struct json *json_obj_at(const struct json *arr, size_t i);

/* The name of member number i of an object, borrowed; NULL past the last. */
const char *json_key_at(const struct json *obj, size_t i);

/*
 * Call each for every member: with the text of a string, a number, true or
 * false, and with NULL for anything else.
 */
typedef void json_fn(void *arg, const char *key, const char *text);
void json_each(const struct json *obj, json_fn *each, void *arg);

/* The value as compact text on one line, for the caller to free. */
char *json_text(const struct json *j);

#endif
