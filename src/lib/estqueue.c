/* SPDX-License-Identifier: ISC */
/* Requests that wait for approval: see estqueue.h. */
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "csr.h"
#include "estqueue.h"
#include "io.h"
#include "replace.h"
#include "util.h"

#define FILE_MAX ((size_t)128 << 10)

/* The key of this request into q->key. */
static int
make_key(struct estqueue *q, const struct csrfacts *f,
    const struct estqueue_ask *ask)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int i, n = 0;
	int ok;

	/* The NULs keep "a", "bc" and "ab", "c" apart. */
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, ask->label, strlen(ask->label) + 1) == 1 &&
	    EVP_DigestUpdate(ctx, ask->identity, strlen(ask->identity) + 1) ==
	    1 && EVP_DigestUpdate(ctx, f->id, sizeof(f->id)) == 1 &&
	    EVP_DigestFinal_ex(ctx, md, &n) == 1;
	EVP_MD_CTX_free(ctx);
	for (i = 0; ok && i < n; i++)
		snprintf(q->key + 2 * i, 3, "%02x", md[i]);
	if (!ok)
		warnx("queue: no SHA-256");
	return ok ? 0 : -1;
}

/* Open the directory of a state, which is made when it is missing. */
static int
open_state(const char *dir, const char *state)
{
	char *path = xasprintf("%s/%s", dir, state);
	int fd = -1;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		warn("%s", path);
	else
		fd = io_open_dir(path);
	free(path);
	return fd;
}

/* How long ago the file was touched. */
static long long
age(const struct stat *st, const struct estqueue_ask *ask)
{
	return (long long)ask->now - (long long)st->st_mtime;
}

/*
 * Open the request in this state.  -1 with errno; one too old is removed and
 * counts as missing.
 */
static int
open_request(int dirfd, const char *key, const struct estqueue_ask *ask)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    age(&st, ask) <= ask->max_age)
		return fd;
	close(fd);
	unlinkat(dirfd, key, 0);
	errno = ENOENT;
	return -1;
}

/* The REASON of a request that was denied. */
static void
read_reason(struct estqueue *q, int fd)
{
	char *buf, *line;
	size_t len;

	if ((buf = io_slurp_fd(fd, q->key, FILE_MAX, &len)) == NULL)
		return;
	if (strncmp(buf, "REASON=", 7) == 0) {
		line = buf + 7;
		line[strcspn(line, "\n")] = '\0';
		snprintf(q->reason, sizeof(q->reason), "%s", line);
	}
	free(buf);
}

static int
denied(struct estqueue *q, const char *dir, const struct estqueue_ask *ask)
{
	int dirfd = open_state(dir, "denied"), fd, rc = EX_YES;

	if (dirfd == -1)
		return EX_ERR;
	if ((fd = open_request(dirfd, q->key, ask)) != -1) {
		read_reason(q, fd);
		close(fd);
		rc = EX_NO;
	} else if (errno != ENOENT) {
		warn("%s/denied/%s", dir, q->key);
		rc = EX_ERR;
	}
	close(dirfd);
	return rc;
}

/* EX_YES and locked, EX_TEMP when another has it, EX_NO when it is not. */
static int
approved(struct estqueue *q, const char *dir, const struct estqueue_ask *ask)
{
	struct stat mine, named;

	if ((q->dirfd = open_state(dir, "approved")) == -1)
		return EX_ERR;
	if ((q->fd = open_request(q->dirfd, q->key, ask)) == -1) {
		if (errno == ENOENT)
			return EX_NO;
		warn("%s/approved/%s", dir, q->key);
		return EX_ERR;
	}
	if (flock(q->fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			return EX_TEMP;
		warn("%s/approved/%s", dir, q->key);
		return EX_ERR;
	}
	/* Issued while we waited to look? */
	return fstat(q->fd, &mine) == 0 && fstatat(q->dirfd, q->key, &named,
	    AT_SYMLINK_NOFOLLOW) == 0 && mine.st_ino == named.st_ino ?
	    EX_YES : EX_NO;
}

/* How many wait, those too old not counted but removed; -1 with a message. */
static long
count(int dirfd, const struct estqueue_ask *ask)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct stat st;
	long n = 0;

	if (dir == NULL) {
		warn("pending");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    age(&st, ask) > ask->max_age &&
		    unlinkat(dirfd, d->d_name, 0) == 0)
			continue;
		n++;
	}
	closedir(dir);
	return n;
}

/* Write the request, for est-queue to show. */
static int
put(const struct estqueue *q, const char *dir, const struct csrfacts *f,
    const struct estqueue_ask *ask)
{
	char *path, *pem, *text, when[RFC3339_SIZE];
	size_t len;
	int rc;

	if ((pem = csr_pem(f->req, &len)) == NULL)
		return -1;
	path = xasprintf("%s/pending/%s", dir, q->key);
	text = xasprintf("LABEL=%s\nIDENTITY=%s\nADDRESS=%s\nTIME=%s\n%s",
	    esc(ask->label), esc(ask->identity), esc(ask->address),
	    rfc3339(ask->now, when), pem);
	rc = replace_write_new(path, 0600, text, strlen(text));
	free(path);
	free(text);
	free(pem);
	return rc;
}

/* Waits already, or is made to wait if there is room. */
static int
pending(const struct estqueue *q, const char *dir, const struct csrfacts *f,
    const struct estqueue_ask *ask, const char **why)
{
	int dirfd = open_state(dir, "pending"), rc = EX_TEMP;
	struct timespec when[2] = {{0, UTIME_OMIT}, {ask->now, 0}};
	long n;

	if (dirfd == -1)
		return EX_ERR;
	*why = "waits for approval";
	if (utimensat(dirfd, q->key, when, AT_SYMLINK_NOFOLLOW) == 0)
		goto out;
	if (flock(dirfd, LOCK_EX) == -1) {
		warn("%s/pending", dir);
		rc = EX_ERR;
	} else if (faccessat(dirfd, q->key, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		;	/* another caller was faster */
	else if ((n = count(dirfd, ask)) == -1)
		rc = EX_ERR;
	else if (n >= ask->max_pending)
		*why = "too many requests wait for approval";
	else if (put(q, dir, f, ask) == -1 ||
	    utimensat(dirfd, q->key, when, AT_SYMLINK_NOFOLLOW) == -1)
		rc = EX_ERR;
out:
	close(dirfd);
	return rc;
}

int
estqueue_ask(struct estqueue *q, const char *dir, const struct csrfacts *f,
    const struct estqueue_ask *ask, const char **why)
{
	int rc;

	memset(q, 0, sizeof(*q));
	q->dirfd = q->fd = -1;
	*why = NULL;
	if (make_key(q, f, ask) == -1)
		return EX_ERR;
	if ((rc = denied(q, dir, ask)) != EX_YES) {
		*why = "denied";
		return rc;
	}
	if ((rc = approved(q, dir, ask)) == EX_YES)
		return rc;
	estqueue_drop(q);
	*why = "another request is being answered";
	return rc == EX_NO ? pending(q, dir, f, ask, why) : rc;
}

int
estqueue_done(struct estqueue *q)
{
	if (unlinkat(q->dirfd, q->key, 0) == 0 && fsync(q->dirfd) == 0)
		return 0;
	warn("approved/%s", q->key);
	return -1;
}

void
estqueue_drop(struct estqueue *q)
{
	if (q->fd != -1)
		close(q->fd);
	if (q->dirfd != -1)
		close(q->dirfd);
	q->fd = q->dirfd = -1;
}
