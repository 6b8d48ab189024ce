/* SPDX-License-Identifier: ISC */
/* The HTTP-01 responder: see http01.h. */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http01.h"
#include "serve.h"
#include "util.h"

#define REQUEST_MAX 4096
#define EXCHANGE_MS 10000	/* from accept to the last byte */
#define LINGER_MS 1000		/* for the client to read and close */
#define TOKEN_MAX 128

/* One connection: a request, then its response. */
struct exchange {
	enum { READING, WRITING, LINGERING } phase;
	size_t len;		/* bytes in buf */
	size_t off;		/* of which are sent */
	char buf[REQUEST_MAX];
};

struct server {
	http01_find *find;
	int (*on_ctl)(void *arg, int ctl);
	void *arg;		/* for both */
};

static int verbose;

void
http01_verbose(void)
{
	verbose = 1;
}

int
http01_token_ok(const char *token)
{
	size_t n = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return n >= 1 && n <= TOKEN_MAX && token[n] == '\0';
}

/* One exchange. */

static const char *
reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Bad Request";
	}
}

/* The response into x->buf; without a body the reason is the body. */
static void
respond(struct exchange *x, int status, const char *body, size_t len, int head)
{
	time_t now = time(NULL);
	char date[40] = "", text[64];
	struct tm tm;
	int n;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (status != 200) {
		len = (size_t)snprintf(text, sizeof(text), "%d %s\n", status,
		    reason(status));
		body = text;
	}
	n = snprintf(x->buf, sizeof(x->buf), "HTTP/1.1 %d %s\r\nDate: %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n%s"
	    "Connection: close\r\n\r\n", status, reason(status), date,
	    status == 200 ? "application/octet-stream" : "text/plain", len,
	    status == 405 ? "Allow: GET, HEAD\r\n" : "");
	x->len = (size_t)n;
	x->off = 0;
	if (!head) {
		memcpy(x->buf + x->len, body, len);
		x->len += len;
	}
	x->phase = WRITING;
}

/*
 * Judge a request line (RFC 9112 section 3).  Returns the status as far as it
 * is known without looking for the token, which is put into token.
 */
static int
judge(const char *line, size_t len, char token[TOKEN_MAX + 1], int *head)
{
	static const char prefix[] = "/" HTTP01_DIR "/";
	const char *path = memchr(line, ' ', len), *end = line + len;
	size_t n;

	*head = 0;
	if (path == NULL || path == line || *++path != '/' || end - path < 9 ||
	    strncmp(end - 9, " HTTP/1.", 8) != 0 || end[-1] < '0' ||
	    end[-1] > '9')
		return 400;
	end -= 9;
	if (memchr(path, ' ', (size_t)(end - path)) != NULL)
		return 400;
	*head = strncmp(line, "HEAD ", 5) == 0;
	if (!*head && strncmp(line, "GET ", 4) != 0)
		return 405;
	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return 404;
	path += sizeof(prefix) - 1;
	n = (size_t)(end - path);
	if (n > TOKEN_MAX)
		return 404;
	memcpy(token, path, n);
	token[n] = '\0';
	return http01_token_ok(token) ? 200 : 404;
}

/* Answer the request in x->buf as soon as all of its head is there. */
static void
answer(const struct server *s, const struct serve_conn *c,
    struct exchange *x)
{
	const char *eol = memchr(x->buf, '\n', x->len);
	char token[TOKEN_MAX + 1], body[HTTP01_ANSWER_MAX];
	ssize_t n = 0;
	size_t len;
	int status, head = 0;

	len = eol == NULL ? x->len : (size_t)(eol - x->buf);
	if (len > 0 && x->buf[len - 1] == '\r')
		len--;
	if (memchr(x->buf, '\0', x->len) != NULL)
		status = 400;
	else if (memmem(x->buf, x->len, "\n\r\n", 3) != NULL ||
	    memmem(x->buf, x->len, "\n\n", 2) != NULL)
		status = judge(x->buf, len, token, &head);
	else if (x->len == sizeof(x->buf))
		status = 431;
	else
		return;
	if (status == 200 &&
	    (n = s->find(s->arg, token, body, sizeof(body))) == -1)
		status = 404;
	if (verbose)
		warnx("%s: %s: %d", c->peer, escn(x->buf, len), status);
	respond(x, status, body, (size_t)n, head);
}

/* The socket is ready for the next step. */
static int
conn_step(void *arg, struct serve_conn *c)
{
	struct exchange *x = c->data;
	ssize_t n;

	if (x->phase == READING) {
		n = recv(c->fd, x->buf + x->len, sizeof(x->buf) - x->len, 0);
		if (n > 0) {
			x->len += (size_t)n;
			answer(arg, c, x);
		}
	} else if (x->phase == WRITING) {
		n = send(c->fd, x->buf + x->off, x->len - x->off,
		    MSG_NOSIGNAL);
		if (n > 0 && (x->off += (size_t)n) == x->len) {
			/* A close now could destroy what is under way. */
			shutdown(c->fd, SHUT_WR);
			x->phase = LINGERING;
			if (c->deadline > mono_ms() + LINGER_MS)
				c->deadline = mono_ms() + LINGER_MS;
		}
	} else
		n = recv(c->fd, x->buf, sizeof(x->buf), 0);
	c->want = x->phase == WRITING ? POLLOUT : POLLIN;
	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR) ? -1 :
	    0;
}

static int
conn_begin(void *arg, struct serve_conn *c)
{
	(void)arg;
	c->data = xcalloc(1, sizeof(struct exchange));
	return 0;
}

static void
conn_end(void *arg, struct serve_conn *c)
{
	(void)arg;
	free(c->data);
}

static int
on_ctl(void *arg, int ctl)
{
	const struct server *s = arg;

	return s->on_ctl(s->arg, ctl);
}

int
http01_run(const int *fds, size_t n, http01_find *find, void *arg, int ctl,
    int (*ctl_ready)(void *arg, int ctl))
{
	struct server server = {find, ctl_ready, arg};
	const struct serve s = {.ms = EXCHANGE_MS, .arg = &server,
	    .begin = conn_begin, .end = conn_end, .step = conn_step,
	    .ctl = ctl, .on_ctl = on_ctl};

	return serve_run(&s, fds, n);
}
