/* SPDX-License-Identifier: ISC */
/*
 * httpsd - a small HTTPS server that answers as it is told
 *
 * usage: httpsd port cert key dir
 *
 * On 127.0.0.1, for tests of what real servers will not do.  The answer to
 * /a/b is the file a_b in dir, as it is at that moment; while there are files
 * a_b.1 to a_b.9, the first of them is the answer, and removed.  A connection
 * is dropped before the handshake when there is a file connect.1.
 *
 * An answer is a head, an empty line and a body.  The head is sent as it is,
 * with a Content-Length unless it has that or Transfer-Encoding; the version
 * may be left out of the status line.  The connection is kept, unless the
 * version is HTTP/1.0 or the head says "Connection: close".  Lines of the head
 * that begin with ! are not sent:
 *
 *	!bare		no Content-Length is added
 *	!chunk N	the body is sent chunked, N bytes a chunk
 *	!cut N		the connection is dropped after N bytes of the answer,
 *			or when N bytes are missing to its end (-N)
 *	!drip N		N bytes a second; 0: no answer at all
 *	!repeat N	the body, over and over, N bytes in all
 *
 * Each request is a line on stdout: method, path and body.  Exit: 2 when it
 * cannot begin; it is ended by a signal.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define REQUEST_MAX ((size_t)1 << 18)
#define ANSWER_MAX ((size_t)1 << 22)
#define NONE LLONG_MIN

enum { BARE, CHUNK, CUT, DRIP, REPEAT, TRICKS };

struct request {
	char buf[REQUEST_MAX];
	char method[16];
	char name[256];		/* of the file */
};

struct answer {
	char text[ANSWER_MAX];	/* the file */
	char head[65536];
	size_t head_len;
	const char *body;
	size_t body_len;
	long long trick[TRICKS];
};

static struct request req;
static struct answer ans;
static SSL *ssl;
static long long room;		/* bytes until the cut */

/* The end of a connection, with or without saying so. */
static _Noreturn void
end(int politely)
{
	if (politely)
		SSL_shutdown(ssl);
	_exit(0);
}

static void
put(const char *p, size_t n)
{
	long long rate = ans.trick[DRIP];
	struct timespec pause = {0, 0};
	size_t some = 16384, k;

	if (rate > 0) {
		some = 1;
		pause.tv_sec = 1 / rate;
		pause.tv_nsec = 1000000000 / rate % 1000000000;
	}
	for (; n > 0; p += k, n -= k) {
		if (room == 0)
			end(0);
		k = n < some ? n : some;
		if ((long long)k > room)
			k = (size_t)room;
		if (SSL_write(ssl, p, (int)k) <= 0)
			end(0);
		room -= (long long)k;
		if (rate > 0)
			nanosleep(&pause, NULL);
	}
}

/* Read one request; ends when there is none. */
static void
read_request(void)
{
	size_t n = 0, want = 0;
	char *body = NULL, *length, *slash, path[256];
	int k;

	while (body == NULL || n < want) {
		k = SSL_read(ssl, req.buf + n, (int)(REQUEST_MAX - 1 - n));
		if (k <= 0)
			end(1);
		n += (size_t)k;
		req.buf[n] = '\0';
		if (body == NULL && (body = strstr(req.buf, "\r\n\r\n"))) {
			*body = '\0';
			body += 4;
			length = strcasestr(req.buf, "\r\nContent-Length:");
			want = (size_t)(body - req.buf);
			if (length != NULL)
				want += strtoul(length + 17, NULL, 10);
		}
	}
	if (sscanf(req.buf, "%15s %255s", req.method, path) != 2 ||
	    path[0] != '/')
		end(0);
	dprintf(STDOUT_FILENO, "%s %s %s\n", req.method, path, body);
	while ((slash = strrchr(path + 1, '/')) != NULL)
		*slash = '_';
	strcpy(req.name, path + 1);
}

/* The bytes of the file that is the answer; takes a numbered one away. */
static size_t
read_file(void)
{
	char name[sizeof(req.name) + 2];
	static const char none[] = "404 Not Found\n\nno such file";
	ssize_t n = -1;
	int fd = -1, i;

	for (i = 1; i <= 9 && fd == -1; i++) {
		snprintf(name, sizeof(name), "%s.%d", req.name, i);
		if ((fd = open(name, O_RDONLY)) != -1)
			unlink(name);
	}
	if (fd != -1 || (fd = open(req.name, O_RDONLY)) != -1) {
		n = read(fd, ans.text, ANSWER_MAX - 1);
		close(fd);
	}
	if (n >= 0)
		return (size_t)n;
	memcpy(ans.text, none, sizeof(none) - 1);
	return sizeof(none) - 1;
}

static void
head_add(const char *line, size_t n)
{
	if (ans.head_len + n + 2 >= sizeof(ans.head))
		errx(2, "%s: head too long", req.name);
	memcpy(ans.head + ans.head_len, line, n);
	memcpy(ans.head + ans.head_len + n, "\r\n", 3);
	ans.head_len += n + 2;
}

static void
trick(const char *line)
{
	static const char *const words[TRICKS] = {"bare", "chunk", "cut",
	    "drip", "repeat"};
	long long n = 0;
	char word[16];
	int i;

	if (sscanf(line, "!%15s %lld", word, &n) > 0)
		for (i = 0; i < TRICKS; i++)
			if (strcmp(word, words[i]) == 0) {
				ans.trick[i] = n;
				return;
			}
	errx(2, "%s: no such trick: %s", req.name, line);
}

/* Is there a field in the head that begins so? */
static int
has(const char *field)
{
	return strcasestr(ans.head, field) != NULL;
}

/* Make the head; the body stays where it is. */
static void
read_answer(void)
{
	size_t n = read_file();
	char *line = ans.text, *next, text[64];
	int i;

	ans.text[n] = '\0';
	for (i = 0; i < TRICKS; i++)
		ans.trick[i] = NONE;
	ans.head_len = strncmp(line, "HTTP/", 5) == 0 ? 0 : 9;
	memcpy(ans.head, "HTTP/1.1 ", ans.head_len);
	for (; *line != '\0' && *line != '\n'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next != '\0')
			*next++ = '\0';
		if (*line == '!')
			trick(line);
		else
			head_add(line, strlen(line));
	}
	ans.body = line + (*line == '\n');
	ans.body_len = n - (size_t)(ans.body - ans.text);
	if (ans.trick[REPEAT] == NONE || ans.body_len == 0)
		ans.trick[REPEAT] = (long long)ans.body_len;
	if (ans.trick[CHUNK] > 0)
		head_add("Transfer-Encoding: chunked", 26);
	else if (ans.trick[BARE] == NONE && !has("\r\nContent-Length:") &&
	    !has("\r\nTransfer-Encoding:"))
		head_add(text, (size_t)snprintf(text, sizeof(text),
		    "Content-Length: %lld", ans.trick[REPEAT]));
	head_add("", 0);
}

static void
send_body(long long chunk, long long left)
{
	size_t most = chunk > 0 ? (size_t)chunk : ans.body_len, from, n;
	char size[32];

	for (from = 0; left > 0; left -= (long long)n) {
		n = ans.body_len - from < most ? ans.body_len - from : most;
		if ((long long)n > left)
			n = (size_t)left;
		if (chunk > 0)
			put(size, (size_t)snprintf(size, sizeof(size),
			    "%zx\r\n", n));
		put(ans.body + from, n);
		if (chunk > 0)
			put("\r\n", 2);
		from = (from + n) % ans.body_len;
	}
	if (chunk > 0)
		put("0\r\n\r\n", 5);
}

static void
answer(void)
{
	long long cut = ans.trick[CUT], body = ans.trick[REPEAT];
	char c;

	room = cut == NONE ? LLONG_MAX : cut >= 0 ? cut :
	    (long long)ans.head_len + body + cut;
	if (ans.trick[DRIP] == 0) {
		SSL_read(ssl, &c, 1);
		end(0);
	}
	put(ans.head, ans.head_len);
	if (strcmp(req.method, "HEAD") != 0)
		send_body(ans.trick[CHUNK], body);
	if (cut != NONE)
		end(0);
	if (has("\r\nConnection: close") || has("HTTP/1.0 "))
		end(1);
}

static _Noreturn void
serve(SSL_CTX *ctx, int fd)
{
	int on = 1;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (unlink("connect.1") == 0)
		_exit(0);
	if ((ssl = SSL_new(ctx)) == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_accept(ssl) != 1)
		_exit(0);
	for (;;) {
		read_request();
		read_answer();
		answer();
	}
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int on = 1, s, fd;

	if (argc != 5)
		errx(2, "usage: httpsd port cert key dir");
	if (ctx == NULL ||
	    SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1)
		errx(2, "%s, %s: cannot be used", argv[2], argv[3]);
	if (chdir(argv[4]) == -1)
		err(2, "%s", argv[4]);
	sin.sin_port = htons((unsigned short)atoi(argv[1]));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(s, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(s, 64) == -1)
		err(2, "port %s", argv[1]);
	fcntl(STDOUT_FILENO, F_SETFL, O_APPEND);	/* tests empty it */
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while ((fd = accept(s, NULL, NULL)) != -1) {
		if (fork() == 0)
			serve(ctx, fd);
		close(fd);
	}
	err(2, "accept");
}
