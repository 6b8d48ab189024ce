/* SPDX-License-Identifier: ISC */
/* Header fields of HTTP, links and times in them. */
#ifndef ECA_HTTPFIELD_H
#define ECA_HTTPFIELD_H

#include <stddef.h>
#include <time.h>

/* The most that is kept of one answer's header fields. */
#define HTTP_FIELDS_MAX 100
#define HTTP_FIELD_SIZE 8192

struct http_fields {
	struct {
		char *name;
		char *value;
	} v[HTTP_FIELDS_MAX];
	size_t n;
};

/*
 * Take one header line as received into f (RFC 9112 section 5).  A status
 * line empties f.  Returns 0, or -1 for a line that is no field or too long,
 * which is then left out.
 */
int http_field_add(struct http_fields *f, const char *line, size_t len);
void http_fields_free(struct http_fields *f);
/* The value of the first field of that name, or NULL. */
const char *http_field(const struct http_fields *f, const char *name);

/*
 * The target of link number i (from 0) with that relation, over all Link
 * fields (RFC 8288), resolved against the URL base.  The caller frees.  NULL
 * when there is none, or it is no https URL.
 */
char *http_link(const struct http_fields *f, const char *base,
    const char *rel, size_t i);

/*
 * Retry-After (RFC 9110 section 10.2.3) as seconds from now, 0 or more; both
 * forms.  -1 when value is NULL or neither.
 */
long long http_retry_after(const char *value, time_t now);

#endif
