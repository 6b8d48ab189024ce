/* SPDX-License-Identifier: ISC */
/*
 * The account key in a process of its own: see signer.h.
 *
 * Both ends talk over a socketpair that keeps message boundaries.  The signer
 * begins with one message: alg, JWK, thumbprint and account URL, each ended by
 * NUL.  Then it answers: 'S' bytes -> signature; 'A' account-URL -> "ok"; 'I'
 * path -> "ok".  An empty answer is a "no".  It ends when the other side
 * closes.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "jws.h"
#include "key.h"
#include "replace.h"
#include "sandbox.h"
#include "signer.h"
#include "util.h"

#define MESSAGE_MAX (128 * 1024)
#define ACCOUNTS_MAX (64 * 1024)

struct signer {
	int fd;
	pid_t pid;
	char *hello;
	struct signer_info info;
};

/* The state of the signer's side. */
struct keeper {
	const char *path;	/* KEY */
	const char *directory;
	char *file;		/* KEY.accounts */
	char *accounts;		/* its text */
	EVP_PKEY *key;
};

static EVP_PKEY *
load_or_make(const char *path, int make)
{
	struct stat st;
	EVP_PKEY *key;
	char *pem;
	size_t len;
	int rc;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		warnx("%s: not a regular file", path);
		return NULL;
	}
	if (!make || access(path, F_OK) == 0 || errno != ENOENT)
		return key_load(path);
	if ((key = key_new("P-256")) == NULL)
		return NULL;
	if ((pem = key_pem(key, &len)) == NULL)
		exit(EX_ERR);
	rc = replace_write_new(path, 0600, pem, len);
	key_pem_free(pem, len);
	if (rc == -1)	/* unless somebody was quicker */
		return access(path, F_OK) == 0 ? key_load(path) : NULL;
	warnx("%s: made a new account key (P-256)", path);
	return key;
}

/* The text of KEY.accounts; one that cannot be read is as good as none. */
static char *
read_accounts(const char *file)
{
	struct stat st;
	char *text = NULL;
	size_t len;

	if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
		text = io_slurp(file, ACCOUNTS_MAX, &len);
	return text != NULL ? text : xstrdup("");
}

/* The line of text about the directory, of length *len, or NULL. */
static const char *
account_line(const char *text, const char *directory, size_t *len)
{
	size_t n = strlen(directory);

	while (*text != '\0') {
		*len = strcspn(text, "\n");
		if (*len > n + 1 && strncmp(text, directory, n) == 0 &&
		    text[n] == ' ')
			return text;
		text += *len + (text[*len] == '\n');
	}
	return NULL;
}

/* Write KEY.accounts anew with this account for our directory. */
static int
remember(struct keeper *k, const char *account)
{
	const char *line, *tail;
	char *text, *mine;
	size_t n = 0;

	line = account_line(k->accounts, k->directory, &n);
	tail = line == NULL ? "" : line + n + (line[n] == '\n');
	mine = *account == '\0' ? xstrdup("") :
	    xasprintf("%s %s\n", k->directory, account);
	text = xasprintf("%s%.*s%s", mine, (int)(line == NULL ?
	    strlen(k->accounts) : (size_t)(line - k->accounts)), k->accounts,
	    tail);
	free(mine);
	free(k->accounts);
	k->accounts = text;
	return replace_write(k->file, 0600, text, strlen(text));
}

/* Rename the key, durably. */
static int
install(const struct keeper *k, const char *as)
{
	char *copy = xstrdup(as);
	int fd = -1, rc = -1;

	if (rename(k->path, as) == -1)
		warn("%s: to %s", k->path, as);
	else if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1 || fsync(fd) == -1)
		warn("%s: in place, but its directory could not be synced", as);
	else
		rc = 0;
	if (fd != -1)
		close(fd);
	free(copy);
	return rc;
}

static int
send_hello(struct keeper *k, int fd)
{
	const char *alg = jws_alg(k->key), *line;
	char *jwk, *thumb, *buf;
	size_t n = 0, skip = strlen(k->directory) + 1, a, j, t;
	int rc;

	if ((jwk = jws_jwk(k->key)) == NULL)
		return -1;
	if (alg == NULL) {
		warnx("%s: JOSE has no algorithm for this key", k->path);
		free(jwk);
		return -1;
	}
	thumb = jws_thumbprint(jwk);
	line = account_line(k->accounts, k->directory, &n);
	n = line == NULL ? 0 : n - skip;
	a = strlen(alg) + 1;
	j = strlen(jwk) + 1;
	t = strlen(thumb) + 1;
	buf = xcalloc(1, a + j + t + n + 1);
	memcpy(buf, alg, a);
	memcpy(buf + a, jwk, j);
	memcpy(buf + a + j, thumb, t);
	if (n != 0)
		memcpy(buf + a + j + t, line + skip, n);
	rc = send(fd, buf, a + j + t + n + 1, MSG_NOSIGNAL) == -1 ? -1 : 0;
	free(jwk);
	free(thumb);
	free(buf);
	return rc;
}

static void
answer(struct keeper *k, int fd, char *msg, size_t len)
{
	unsigned char *sig = NULL;
	size_t n = 0;

	if (msg[0] == 'S')
		sig = jws_sign(k->key, msg + 1, len - 1, &n);
	else if ((msg[0] == 'A' && remember(k, msg + 1) == 0) ||
	    (msg[0] == 'I' && install(k, msg + 1) == 0))
		sig = (unsigned char *)xstrndup("ok", n = 2);
	send(fd, sig != NULL ? sig : (unsigned char *)"", n, MSG_NOSIGNAL);
	free(sig);
}

/* What the signer may do: write KEY.accounts, and that is all. */
static int
confine(const char *file)
{
	char *copy = xstrdup(file);
	int s = sandbox_begin(), rc;

	sandbox_path(s, dirname(copy), SANDBOX_CREATE | SANDBOX_READ);
	sandbox_path(s, "/proc/self/fd", SANDBOX_READ);
	rc = sandbox_apply(s);
	free(copy);
	return rc;
}

static _Noreturn void
keep(const char *path, const char *directory, int make, int fd)
{
	struct keeper k = {path, directory, xasprintf("%s.accounts", path),
	    NULL, NULL};
	char *msg = xmalloc(MESSAGE_MAX + 2);
	ssize_t n;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	key_no_dump();
	if ((k.key = load_or_make(path, make)) == NULL)
		_exit(EX_ERR);
	k.accounts = read_accounts(k.file);
	if (confine(k.file) == -1 || send_hello(&k, fd) == -1)
		_exit(EX_ERR);
	while ((n = recv(fd, msg, MESSAGE_MAX + 1, 0)) > 0 ||
	    (n == -1 && errno == EINTR)) {
		if (n <= 0)
			continue;
		msg[n] = '\0';
		answer(&k, fd, msg, (size_t)n);
	}
	EVP_PKEY_free(k.key);
	_exit(EX_YES);
}

struct signer *
signer_start(const char *path, const char *directory, int make)
{
	struct signer *s = xcalloc(1, sizeof(*s));
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1) {
		warn("signer");
		free(s);
		return NULL;
	}
	if ((s->pid = fork()) == -1) {
		warn("signer");
		close(sv[0]);
		close(sv[1]);
		free(s);
		return NULL;
	}
	if (s->pid == 0) {
		dup2(sv[1], STDIN_FILENO);
		close_range(STDERR_FILENO + 1, ~0U, 0);
		keep(path, directory, make, STDIN_FILENO);
	}
	close(sv[1]);
	s->fd = sv[0];
	return s;
}

static char *
receive(struct signer *s, size_t *len)
{
	char *buf = xmalloc(MESSAGE_MAX + 1);
	ssize_t n;

	while ((n = recv(s->fd, buf, MESSAGE_MAX, 0)) == -1 && errno == EINTR)
		;
	if (n <= 0) {
		free(buf);
		return NULL;
	}
	buf[n] = '\0';
	*len = (size_t)n;
	return buf;
}

const struct signer_info *
signer_info(struct signer *s)
{
	size_t len;
	char *p;

	if (s->hello != NULL)
		return &s->info;
	if ((s->hello = p = receive(s, &len)) == NULL)
		return NULL;
	s->info.alg = p;
	s->info.jwk = p += strlen(p) + 1;
	s->info.thumbprint = p += strlen(p) + 1;
	s->info.account = p + strlen(p) + 1;
	return &s->info;
}

static char *
ask(struct signer *s, char what, const void *msg, size_t len, size_t *n)
{
	char *buf = xmalloc(len + 1);
	ssize_t sent;

	buf[0] = what;
	memcpy(buf + 1, msg, len);
	sent = send(s->fd, buf, len + 1, MSG_NOSIGNAL);
	free(buf);
	return sent == -1 ? NULL : receive(s, n);
}

unsigned char *
signer_sign(struct signer *s, const void *msg, size_t len, size_t *siglen)
{
	char *sig = NULL;

	if (len <= MESSAGE_MAX)
		sig = ask(s, 'S', msg, len, siglen);
	if (sig == NULL)
		warnx("signer: no signature");
	return (unsigned char *)sig;
}

int
signer_remember(struct signer *s, const char *account)
{
	size_t n;
	char *ok = ask(s, 'A', account, strlen(account), &n);

	free(ok);
	return ok != NULL ? 0 : -1;
}

int
signer_install(struct signer *s, const char *as)
{
	size_t n;
	char *ok = ask(s, 'I', as, strlen(as), &n);

	free(ok);
	return ok != NULL ? 0 : -1;
}

void
signer_stop(struct signer *s)
{
	if (s == NULL)
		return;
	close(s->fd);
	while (waitpid(s->pid, NULL, 0) == -1 && errno == EINTR)
		;
	free(s->hello);
	free(s);
}
