/* SPDX-License-Identifier: ISC */
/* JSON getters over jansson: see json.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "json.h"
#include "util.h"

#define VALUES_MAX 32768	/* more are not parsed: an empty object of two
				 * bytes becomes some hundred in memory */

static const json_t *
in(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

static const struct json *
out(const json_t *j)
{
	return (const struct json *)(const void *)j;
}

void
json_start(void)
{
	json_set_alloc_funcs(xmalloc, free);
	json_object_seed(0);
}

/* No fewer values than there are, strings with such characters aside. */
static size_t
values(const char *buf, size_t len)
{
	size_t i, n = 1;

	for (i = 0; i < len; i++)
		n += buf[i] == ',' || buf[i] == '[' || buf[i] == '{';
	return n;
}

struct json *
json_parse(const char *buf, size_t len, char why[160])
{
	unsigned int line;

	return json_parse_line(buf, len, why, &line);
}

struct json *
json_parse_line(const char *buf, size_t len, char why[160], unsigned int *line)
{
	json_error_t e;
	json_t *j;

	*line = 0;
	/* jansson overlooks one behind a number or a word. */
	if (memchr(buf, '\0', len) != NULL) {
		snprintf(why, 160, "not JSON: a NUL byte");
		return NULL;
	}
	if (values(buf, len) > VALUES_MAX) {
		snprintf(why, 160, "not JSON: too many values");
		return NULL;
	}
	j = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &e);
	if (j == NULL) {
		snprintf(why, 160, "not JSON: %.140s", esc(e.text));
		*line = e.line > 0 ? (unsigned int)e.line : 0;
		return NULL;
	}
	if (!json_is_object(j)) {
		snprintf(why, 160, "not a JSON object");
		json_decref(j);
		return NULL;
	}
	return (struct json *)(void *)j;
}

void
json_free(struct json *j)
{
	json_decref((json_t *)(void *)j);
}

const char *
json_str(const struct json *obj, const char *key)
{
	return json_string_value(json_object_get(in(obj), key));
}

const struct json *
json_obj(const struct json *obj, const char *key)
{
	const json_t *j = json_object_get(in(obj), key);

	return json_is_object(j) ? out(j) : NULL;
}

const struct json *
json_arr(const struct json *obj, const char *key)
{
	const json_t *j = json_object_get(in(obj), key);

	return json_is_array(j) ? out(j) : NULL;
}

int
json_num(const struct json *obj, const char *key, long long *n)
{
	const json_t *j = json_object_get(in(obj), key);

	if (!json_is_integer(j))
		return -1;
	*n = json_integer_value(j);
	return 0;
}

int
json_flag(const struct json *obj, const char *key)
{
	return json_is_true(json_object_get(in(obj), key));
}

size_t
json_len(const struct json *arr)
{
	return json_array_size(in(arr));
}

const char *
json_str_at(const struct json *arr, size_t i)
{
	return json_string_value(json_array_get(in(arr), i));
}

const struct json *
json_obj_at(const struct json *arr, size_t i)
{
	const json_t *j = json_array_get(in(arr), i);

	return json_is_object(j) ? out(j) : NULL;
}

const char *
json_key_at(const struct json *obj, size_t i)
{
	void *it = json_object_iter((json_t *)(size_t)obj);

	for (; it != NULL && i > 0; i--)
		it = json_object_iter_next((json_t *)(size_t)obj, it);
	return it != NULL ? json_object_iter_key(it) : NULL;
}

void
json_each(const struct json *obj, json_fn *each, void *arg)
{
	json_t *o = (json_t *)(size_t)obj, *v;
	const char *key;
	char *text;

	json_object_foreach(o, key, v) {
		if (json_is_string(v))
			each(arg, key, json_string_value(v));
		else if (json_is_number(v) || json_is_boolean(v)) {
			text = json_dumps(v, JSON_ENCODE_ANY |
			    JSON_REAL_PRECISION(15));
			if (text == NULL)
				errx(EX_ERR, "memory: exhausted");
			each(arg, key, text);
			free(text);
		} else
			each(arg, key, NULL);
	}
}

char *
json_text(const struct json *j)
{
	char *s = json_dumps(in(j), JSON_COMPACT | JSON_ENCODE_ANY);

	if (s == NULL)
		errx(EX_ERR, "memory: exhausted");
	return s;
}
