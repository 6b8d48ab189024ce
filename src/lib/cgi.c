/* SPDX-License-Identifier: ISC */
/* A program that a web server starts for one request: see cgi.h. */
#include <arpa/inet.h>

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cgi.h"
#include "io.h"
#include "util.h"

#define VALUE_MAX ((size_t)8192)	/* of a variable */
#define CERT_MAX ((size_t)65536)	/* of SSL_CLIENT_CERT */

/* A copy of the variable, "" or too long: NULL. */
static char *
variable(struct cgi *c, const char *name, size_t max)
{
	const char *s = getenv(name);

	if (s == NULL || *s == '\0')
		return NULL;
	if (strlen(s) > max) {
		c->odd = 1;
		return NULL;
	}
	return xstrdup(s);
}

static char *
text(struct cgi *c, const char *name)
{
	char *s = variable(c, name, VALUE_MAX);

	return s != NULL ? s : xstrdup("");
}

/*
 * The address in one form, whatever the front end makes of it: one of IPv4
 * that came through a socket of IPv6 is one of IPv4.
 */
static void
canonical(const char *s, char out[CGI_ADDRESS_SIZE])
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0xff, 0xff};
	unsigned char a[16];

	out[0] = '\0';
	if (inet_pton(AF_INET, s, a) == 1)
		inet_ntop(AF_INET, a, out, CGI_ADDRESS_SIZE);
	else if (inet_pton(AF_INET6, s, a) != 1)
		return;
	else if (memcmp(a, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, a + sizeof(mapped), out, CGI_ADDRESS_SIZE);
	else
		inet_ntop(AF_INET6, a, out, CGI_ADDRESS_SIZE);
}

static void
take_credential(struct cgi *c)
{
	char *s = getenv("HTTP_AUTHORIZATION");

	if (s == NULL)
		return;
	c->credential = variable(c, "HTTP_AUTHORIZATION", VALUE_MAX);
	explicit_bzero(s, strlen(s));
	unsetenv("HTTP_AUTHORIZATION");
}

/* Empty the environment of all but what libraries take for options. */
static void
forget(void)
{
	static const char *const keep[] = {"OPENSSL_CONF", "ASAN_OPTIONS",
	    "UBSAN_OPTIONS"};
	char *value[sizeof(keep) / sizeof(keep[0])];
	size_t i;

	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		if ((value[i] = getenv(keep[i])) != NULL)
			value[i] = xstrdup(value[i]);
	clearenv();
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		if (value[i] != NULL) {
			setenv(keep[i], value[i], 1);
			free(value[i]);
		}
}

int
cgi_take(struct cgi *c, const char *conf)
{
	char *s;

	*c = (struct cgi){.length = -1};
	take_credential(c);
	if (getenv("REQUEST_METHOD") == NULL)
		return 0;
	c->method = text(c, "REQUEST_METHOD");
	c->path = text(c, "PATH_INFO");
	c->type = text(c, "CONTENT_TYPE");
	c->verify = text(c, "SSL_CLIENT_VERIFY");
	c->cert = variable(c, "SSL_CLIENT_CERT", CERT_MAX);
	c->conf = variable(c, conf, VALUE_MAX);
	s = text(c, "HTTPS");
	c->tls = strcasecmp(s, "on") == 0;
	free(s);
	s = text(c, "REMOTE_ADDR");
	canonical(s, c->peer);
	free(s);
	s = text(c, "CONTENT_LENGTH");
	if (*s != '\0' && parse_num(s, 0, 1LL << 40, &c->length) == -1)
		c->length = -2;
	free(s);
	forget();
	return 1;
}

void
cgi_secret_free(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

void
cgi_free(struct cgi *c)
{
	cgi_secret_free(c->credential);
	free(c->method);
	free(c->path);
	free(c->type);
	free(c->verify);
	free(c->cert);
	free(c->conf);
}

int
cgi_type_is(const struct cgi *c, const char *type)
{
	size_t n = strcspn(c->type, "; \t");
	char next = c->type[n + strspn(c->type + n, " \t")];

	return n == strlen(type) && strncasecmp(c->type, type, n) == 0 &&
	    (next == '\0' || next == ';');
}

static int
sextet(int ch)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = ch != '\0' ? strchr(alphabet, ch) : NULL;

	return p != NULL ? (int)(p - alphabet) : -1;
}

/* base64 (RFC 4648 section 4) of text without a NUL in it; or NULL. */
static char *
decode(const char *s)
{
	size_t len = strcspn(s, "="), i, n = 0;
	unsigned int bits = 0;
	char *out;
	int v;

	if (strlen(s) % 4 != 0 || strlen(s) - len > 2 ||
	    s[len + strspn(s + len, "=")] != '\0')
		return NULL;
	out = xmalloc(len + 1);
	for (i = 0; i < len; i++) {
		if ((v = sextet(s[i])) == -1)
			break;
		bits = bits << 6 | (unsigned int)v;
		if (i % 4 == 0)
			continue;
		out[n] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
		if (out[n++] == '\0')
			break;
	}
	out[n] = '\0';
	if (i == len)
		return out;
	explicit_bzero(out, n);
	free(out);
	return NULL;
}

int
cgi_basic(const struct cgi *c, char **user, char **password)
{
	const char *s = c->credential;
	char *both, *colon;

	if (s == NULL || strncasecmp(s, "Basic ", 6) != 0)
		return -1;
	s += 6;
	s += strspn(s, " ");
	if ((both = decode(s)) == NULL)
		return -1;
	if ((colon = strchr(both, ':')) == NULL) {
		cgi_secret_free(both);
		return -1;
	}
	*password = xstrdup(colon + 1);
	*user = xstrndup(both, (size_t)(colon - both));
	cgi_secret_free(both);
	return 0;
}

/* Read up to len bytes; how many there were, or -1 when time is up. */
static ssize_t
read_by(char *buf, size_t len, long long deadline)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	size_t got = 0;
	long long left;
	ssize_t n;

	while (got < len) {
		if ((left = deadline - mono_ms()) <= 0)
			return -1;
		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) < 1)
			continue;
		n = read(STDIN_FILENO, buf + got, len - got);
		if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
			break;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)got;
}

char *
cgi_body(const struct cgi *c, size_t max, long long deadline, int *status,
    const char **why)
{
	size_t len = c->length < 0 ? 0 : (size_t)c->length;
	char *buf;
	ssize_t n;

	*status = 400;
	*why = "the body is empty";
	if (c->length == -1) {
		*status = 411;
		*why = "no length of the body is given";
	} else if (c->length == -2)
		*why = "the length of the body is not a number";
	else if (len > max) {
		*status = 413;
		*why = "the body is too large";
	}
	if (len == 0 || len > max)
		return NULL;
	buf = xmalloc(len + 1);
	n = read_by(buf, len, deadline);
	if (n == (ssize_t)len) {
		buf[len] = '\0';
		return buf;
	}
	*status = n == -1 ? 408 : 400;
	*why = n == -1 ? "the body did not come in time" :
	    "the body is shorter than its length says";
	free(buf);
	return NULL;
}

const char *
cgi_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} v[] = {{200, "OK"}, {202, "Accepted"}, {204, "No Content"},
	    {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
	    {404, "Not Found"}, {405, "Method Not Allowed"},
	    {408, "Request Timeout"}, {411, "Length Required"},
	    {413, "Content Too Large"}, {415, "Unsupported Media Type"},
	    {429, "Too Many Requests"}, {500, "Internal Server Error"},
	    {501, "Not Implemented"}, {502, "Bad Gateway"},
	    {503, "Service Unavailable"}};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].status == status)
			return v[i].phrase;
	return "";
}

int
cgi_answer(const struct cgi_answer *a)
{
	char *head;
	int rc;

	/* 204 has no body, hence no length (RFC 9110 section 8.6). */
	if (a->type == NULL)
		head = xasprintf("Status: %d %s\r\n%s%s\r\n", a->status,
		    cgi_phrase(a->status), a->fields ? a->fields : "",
		    a->status == 204 ? "" : "Content-Length: 0\r\n");
	else
		head = xasprintf("Status: %d %s\r\nContent-Type: %s\r\n"
		    "Content-Length: %zu\r\n%s\r\n", a->status,
		    cgi_phrase(a->status), a->type, a->len,
		    a->fields ? a->fields : "");
	rc = io_write(STDOUT_FILENO, head, strlen(head));
	if (rc == 0 && a->type != NULL)
		rc = io_write(STDOUT_FILENO, a->body, a->len);
	free(head);
	return close(STDOUT_FILENO) == -1 ? -1 : rc;
}
