/* SPDX-License-Identifier: ISC */
/*
 * URLs of HTTP, and the proxy that the environment names.  Links with libcurl,
 * which reads them (RFC 3986).
 */
#ifndef ECA_HTTPURL_H
#define ECA_HTTPURL_H

#include <stddef.h>

/*
 * Host and port of an https URL, or of one of http or https.  0, or -1 when it
 * is not one or has a user name in it.
 */
int http_url(const char *url, char *host, size_t size, unsigned int *port);
int http_url_plain(const char *url, char *host, size_t size,
    unsigned int *port);

/*
 * A reference of len bytes resolved against the URL base (RFC 3986 section 5).
 * The caller frees.  NULL when the result is no https URL.
 */
char *http_absolute(const char *base, const char *target, size_t len);

/*
 * The proxy for https URLs that the environment names (https_proxy,
 * HTTPS_PROXY, all_proxy, ALL_PROXY; hosts in no_proxy go without it), by
 * http or socks5h, and its port (1080 when not said).  Returns 0, with NULL
 * in *url when there is none, or -1 with a message.
 */
int http_proxy(const char **url, unsigned int *port);

#endif
