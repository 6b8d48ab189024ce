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
#include <unistd.h>

#include "http01.h"
#include "listen.h"
#include "util.h"

#define CONNS 64
#define REQUEST_MAX 4096
#define EXCHANGE_MS 10000	/* from accept to the last byte */
#define LINGER_MS 1000		/* for the client to read and close */
#define PAUSE_MS 100		/* no accept when out of descriptors */
#define TOKEN_MAX 128

struct conn {
	int fd;			/* -1: free */
	enum { READING, WRITING, LINGERING } phase;
	long long deadline;
	size_t len;		/* bytes in buf */
	size_t off;		/* of which are sent */
	char peer[LISTEN_ADDRESS_SIZE];
	char buf[REQUEST_MAX];	/* the request, then the response */
};

struct server {
	http01_find *find;
	void *arg;
	long long pause;	/* accept nothing before this time */
	struct conn conns[CONNS];
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

/* The response into c->buf; without a body the reason is the body. */
static void
respond(struct conn *c, int status, const char *body, size_t len, int head)
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
	n = snprintf(c->buf, sizeof(c->buf), "HTTP/1.1 %d %s\r\nDate: %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n%s"
	    "Connection: close\r\n\r\n", status, reason(status), date,
	    status == 200 ? "application/octet-stream" : "text/plain", len,
	    status == 405 ? "Allow: GET, HEAD\r\n" : "");
	c->len = (size_t)n;
	c->off = 0;
	if (!head) {
		memcpy(c->buf + c->len, body, len);
		c->len += len;
	}
	c->phase = WRITING;
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

/* Answer the request in c->buf as soon as all of its head is there. */
static void
answer(struct server *s, struct conn *c)
{
	const char *eol = memchr(c->buf, '\n', c->len);
	char token[TOKEN_MAX + 1], body[HTTP01_ANSWER_MAX];
	ssize_t n = 0;
	size_t len;
	int status, head = 0;

	len = eol == NULL ? c->len : (size_t)(eol - c->buf);
	if (len > 0 && c->buf[len - 1] == '\r')
		len--;
	if (memchr(c->buf, '\0', c->len) != NULL)
		status = 400;
	else if (memmem(c->buf, c->len, "\n\r\n", 3) != NULL ||
	    memmem(c->buf, c->len, "\n\n", 2) != NULL)
		status = judge(c->buf, len, token, &head);
	else if (c->len == sizeof(c->buf))
		status = 431;
	else
		return;
	if (status == 200 &&
	    (n = s->find(s->arg, token, body, sizeof(body))) == -1)
		status = 404;
	if (verbose)
		warnx("%s: %s: %d", c->peer, escn(c->buf, len), status);
	respond(c, status, body, (size_t)n, head);
}

static void
conn_close(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

/* The socket is ready for the next step. */
static void
conn_step(struct server *s, struct conn *c)
{
	ssize_t n;

	if (c->phase == READING) {
		n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
		if (n > 0) {
			c->len += (size_t)n;
			answer(s, c);
		}
	} else if (c->phase == WRITING) {
		n = send(c->fd, c->buf + c->off, c->len - c->off,
		    MSG_NOSIGNAL);
		if (n > 0 && (c->off += (size_t)n) == c->len) {
			/* A close now could destroy what is under way. */
			shutdown(c->fd, SHUT_WR);
			c->phase = LINGERING;
			if (c->deadline > mono_ms() + LINGER_MS)
				c->deadline = mono_ms() + LINGER_MS;
		}
	} else
		n = recv(c->fd, c->buf, sizeof(c->buf), 0);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		conn_close(c);
}

/* The loop. */

/* A free place, or else that of the connection that has the least time left. */
static struct conn *
place(struct server *s)
{
	struct conn *c, *oldest = s->conns;

	for (c = s->conns; c < s->conns + CONNS; c++) {
		if (c->fd == -1)
			return c;
		if (c->deadline < oldest->deadline)
			oldest = c;
	}
	conn_close(oldest);
	return oldest;
}

static void
take(struct server *s, int listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct conn *c;
	int fd;

	fd = accept4(listener, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			s->pause = mono_ms() + PAUSE_MS;
		return;
	}
	c = place(s);
	c->fd = fd;
	c->phase = READING;
	c->deadline = mono_ms() + EXCHANGE_MS;
	c->len = 0;
	if (verbose)
		listen_address(&ss, len, c->peer);
}

/*
 * Say what to wait for and drop who is out of time.  Returns how long to
 * wait, -1 for ever.
 */
static int
prepare(struct server *s, struct pollfd *p, const int *fds, size_t n)
{
	long long now = mono_ms(), next = -1;
	struct conn *c;
	size_t i;

	if (s->pause > now)
		next = s->pause;
	for (i = 0; i < n; i++, p++) {
		p->fd = s->pause > now ? -1 : fds[i];
		p->events = POLLIN;
	}
	for (c = s->conns; c < s->conns + CONNS; c++, p++) {
		if (c->fd != -1 && c->deadline <= now)
			conn_close(c);
		p->fd = c->fd;
		p->events = c->phase == WRITING ? POLLOUT : POLLIN;
		if (c->fd != -1 && (next == -1 || c->deadline < next))
			next = c->deadline;
	}
	return next == -1 ? -1 : (int)(next - now);
}

int
http01_run(const int *fds, size_t n, http01_find *find, void *arg, int ctl,
    int (*on_ctl)(void *arg, int ctl))
{
	struct server *s = xcalloc(1, sizeof(*s));
	struct pollfd *p = xcalloc(1 + n + CONNS, sizeof(*p));
	size_t i;
	int rc = 0, ready;

	s->find = find;
	s->arg = arg;
	for (i = 0; i < CONNS; i++)
		s->conns[i].fd = -1;
	p[0].fd = ctl;
	p[0].events = POLLIN;
	for (;;) {
		ready = poll(p, 1 + n + CONNS, prepare(s, p + 1, fds, n));
		if (ready == -1 && errno != EINTR) {
			warn("poll");
			rc = -1;
			break;
		}
		if (ready <= 0)
			continue;
		if (p[0].revents != 0 && on_ctl(arg, ctl) == -1)
			break;
		for (i = 0; i < CONNS; i++)
			if (p[1 + n + i].revents != 0)
				conn_step(s, &s->conns[i]);
		for (i = 0; i < n; i++)
			if (p[1 + i].revents != 0)
				take(s, fds[i]);
	}
	for (i = 0; i < CONNS; i++)
		if (s->conns[i].fd != -1)
			conn_close(&s->conns[i]);
	free(p);
	free(s);
	return rc;
}
