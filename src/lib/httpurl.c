/* SPDX-License-Identifier: ISC */
/* URLs of HTTP: see httpurl.h. */
#include <curl/urlapi.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "httpurl.h"
#include "util.h"

static int
parse_url(const char *url, int plain, char *host, size_t size,
    unsigned int *port)
{
	CURLU *u = curl_url();
	char *s = NULL, *h = NULL, *p = NULL;
	long long v;
	int rc = -1;

	if (u != NULL &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == 0 &&
	    curl_url_get(u, CURLUPART_SCHEME, &s, 0) == 0 &&
	    (strcmp(s, "https") == 0 || (plain && strcmp(s, "http") == 0)) &&
	    curl_url_get(u, CURLUPART_HOST, &h, 0) == 0 && strlen(h) < size &&
	    curl_url_get(u, CURLUPART_PORT, &p, CURLU_DEFAULT_PORT) == 0 &&
	    parse_num(p, 1, 65535, &v) == 0) {
		strcpy(host, h);
		*port = (unsigned int)v;
		rc = 0;
	}
	curl_free(s);
	curl_free(h);
	curl_free(p);
	curl_url_cleanup(u);
	return rc;
}

int
http_url(const char *url, char *host, size_t size, unsigned int *port)
{
	return parse_url(url, 0, host, size, port);
}

int
http_url_plain(const char *url, char *host, size_t size, unsigned int *port)
{
	return parse_url(url, 1, host, size, port);
}

char *
http_absolute(const char *base, const char *target, size_t len)
{
	char *text = xstrndup(target, len), *url = NULL, *copy = NULL;
	CURLU *u = curl_url();
	unsigned int port;
	char host[256];

	if (u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == 0 &&
	    curl_url_set(u, CURLUPART_URL, text, 0) == 0 &&
	    curl_url_get(u, CURLUPART_URL, &url, 0) == 0 &&
	    http_url(url, host, sizeof(host), &port) == 0)
		copy = xstrdup(url);
	curl_free(url);
	curl_url_cleanup(u);
	free(text);
	return copy;
}

int
http_proxy(const char **url, unsigned int *port)
{
	static const char *const vars[] = {"https_proxy", "HTTPS_PROXY",
	    "all_proxy", "ALL_PROXY"};
	char *text, *scheme = NULL, *p = NULL;
	CURLU *u;
	long long v = 1080;
	size_t i;
	int rc = -1;

	*url = NULL;
	for (i = 0; *url == NULL && i < sizeof(vars) / sizeof(vars[0]); i++)
		if ((*url = getenv(vars[i])) != NULL && **url == '\0')
			*url = NULL;
	if (*url == NULL)
		return 0;
	text = xasprintf("%s%s", strstr(*url, "://") ? "" : "http://", *url);
	if ((u = curl_url()) != NULL && curl_url_set(u, CURLUPART_URL, text,
	    CURLU_NON_SUPPORT_SCHEME) == 0 &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == 0 &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "socks5h") == 0) &&
	    (curl_url_get(u, CURLUPART_PORT, &p, 0) != 0 ||
	    parse_num(p, 1, 65535, &v) == 0))
		rc = 0;
	else
		warnx("%s: not a proxy by http or socks5h", vars[i - 1]);
	*port = (unsigned int)v;
	curl_free(scheme);
	curl_free(p);
	curl_url_cleanup(u);
	free(text);
	return rc;
}
