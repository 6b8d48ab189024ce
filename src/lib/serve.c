/* SPDX-License-Identifier: ISC */
/* Many connections in one process: see serve.h. */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"

#define CONNS 64
#define PAUSE_MS 100		/* no accept when out of descriptors */

struct server {
	const struct serve *s;
	long long pause;	/* accept nothing before this time */
	size_t used;		/* so many of conns have to be looked at */
	struct serve_conn conns[CONNS];	/* fd -1: free */
};

static void
conn_close(struct server *v, struct serve_conn *c)
{
	v->s->end(v->s->arg, c);
	close(c->fd);
	c->fd = -1;
}

/* The connection that has the least time left; NULL: there is none. */
static struct serve_conn *
oldest(struct server *v)
{
	struct serve_conn *c, *old = NULL;

	for (c = v->conns; c < v->conns + CONNS; c++)
		if (c->fd != -1 && (old == NULL ||
		    c->deadline < old->deadline))
			old = c;
	return old;
}

/* A free place, or else that of the oldest connection. */
static struct serve_conn *
place(struct server *v)
{
	struct serve_conn *c;

	for (c = v->conns; c < v->conns + CONNS; c++)
		if (c->fd == -1)
			return c;
	c = oldest(v);
	conn_close(v, c);
	return c;
}

static void
take(struct server *v, int listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct serve_conn *c;
	int fd;

	fd = accept4(listener, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1 && errno == EMFILE && (c = oldest(v)) != NULL) {
		conn_close(v, c);	/* the next accept has room */
		return;
	}
	if (fd == -1) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			v->pause = mono_ms() + PAUSE_MS;
		return;
	}
	c = place(v);
	c->fd = fd;
	c->want = POLLIN;
	c->deadline = mono_ms() + v->s->ms;
	c->data = NULL;
	listen_address(&ss, len, c->peer);
	if (v->s->begin(v->s->arg, c) == -1)
		conn_close(v, c);
}

/*
 * Say what to wait for and drop who is out of time.  Returns how long to
 * wait, -1 for ever.  poll(2) takes no more entries than there may be
 * descriptors: those behind the last connection are left out.
 */
static int
prepare(struct server *v, struct pollfd *p, const int *fds, size_t n)
{
	long long now = mono_ms(), next = -1;
	struct serve_conn *c;
	size_t i;

	if (v->pause > now)
		next = v->pause;
	for (i = 0; i < n; i++, p++) {
		p->fd = v->pause > now ? -1 : fds[i];
		p->events = POLLIN;
	}
	v->used = 0;
	for (c = v->conns; c < v->conns + CONNS; c++, p++) {
		if (c->fd != -1 && c->deadline <= now)
			conn_close(v, c);
		if (c->fd != -1)
			v->used = (size_t)(c - v->conns) + 1;
		p->fd = c->fd;
		p->events = c->want;
		if (c->fd != -1 && (next == -1 || c->deadline < next))
			next = c->deadline;
	}
	return next == -1 ? -1 : (int)(next - now);
}

int
serve_run(const struct serve *s, const int *fds, size_t n)
{
	struct server *v = xcalloc(1, sizeof(*v));
	struct pollfd *p = xcalloc(1 + n + CONNS, sizeof(*p));
	size_t i;
	int rc = 0, ready, wait;

	v->s = s;
	for (i = 0; i < CONNS; i++)
		v->conns[i].fd = -1;
	p[0].fd = s->ctl;
	p[0].events = POLLIN;
	for (;;) {
		wait = prepare(v, p + 1, fds, n);
		ready = poll(p, 1 + n + v->used, wait);
		if (ready == -1 && errno != EINTR) {
			warn("poll");
			rc = -1;
			break;
		}
		if (ready <= 0)
			continue;
		if (p[0].revents != 0 && s->on_ctl(s->arg, s->ctl) == -1)
			break;
		for (i = 0; i < v->used; i++)
			if (p[1 + n + i].revents != 0 &&
			    s->step(s->arg, &v->conns[i]) == -1)
				conn_close(v, &v->conns[i]);
		for (i = 0; i < n; i++)
			if (p[1 + i].revents != 0)
				take(v, fds[i]);
	}
	for (i = 0; i < CONNS; i++)
		if (v->conns[i].fd != -1)
			conn_close(v, &v->conns[i]);
	free(p);
	free(v);
	return rc;
}
