/* SPDX-License-Identifier: ISC */
/* The order that is under way: see acmejournal.h. */
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acmejournal.h"
#include "http.h"
#include "httpurl.h"
#include "io.h"
#include "json.h"
#include "jsonw.h"
#include "util.h"

#define JOURNAL_MAX 65536

struct journal {
	int fd;
	const char *path;
	const char *directory;
	char csr[65];		/* SHA-256 of its DER */
	char *order;
};

static void
hash(X509_REQ *csr, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;

	if (X509_REQ_digest(csr, EVP_sha256(), md, &n) != 1 || n != 32)
		errx(EX_ERR, "SHA-256: not available");
	for (i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

static int
is(const struct json *j, const char *key, const char *want)
{
	const char *s = json_str(j, key);

	return s != NULL && strcmp(s, want) == 0;
}

/* Take the order over if the file is about ours. */
static int
read_file(struct journal *j)
{
	char why[160], host[256], *text;
	unsigned int port;
	struct json *json;
	size_t len;

	if ((text = io_slurp_fd(j->fd, j->path, JOURNAL_MAX, &len)) == NULL)
		return -1;
	json = json_parse(text, len, why);
	if (is(json, "directory", j->directory) &&
	    is(json, "csr_sha256", j->csr) && json_str(json, "order") != NULL &&
	    http_url(json_str(json, "order"), host, sizeof(host), &port) == 0)
		j->order = xstrdup(json_str(json, "order"));
	json_free(json);
	free(text);
	return 0;
}

int
journal_open(const char *path, const char *directory, X509_REQ *csr,
    struct journal **out)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	struct stat st;
	int rc = EX_ERR;

	j->path = path;
	j->directory = directory;
	hash(csr, j->csr);
	j->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC, 0600);
	if (j->fd == -1)
		warn("%s", path);
	else if (fstat(j->fd, &st) == -1 || !S_ISREG(st.st_mode))
		warnx("%s: not a regular file", path);
	else if (flock(j->fd, LOCK_EX | LOCK_NB) == -1) {
		warnx("%s: busy: another process is at this order", path);
		rc = EX_TEMP;
	} else if (read_file(j) == 0) {
		*out = j;
		return 0;
	}
	journal_close(j);
	return rc;
}

const char *
journal_order(const struct journal *j)
{
	return j->order;
}

int
journal_note(struct journal *j, const char *order)
{
	struct jsonw w = JSONW_INIT;
	const char *text;
	int rc = -1;

	free(j->order);
	j->order = order != NULL ? xstrdup(order) : NULL;
	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "directory", j->directory);
	jsonw_str(&w, "csr_sha256", j->csr);
	jsonw_str(&w, "order", order);
	jsonw_end(&w, '}');
	text = jsonw_text(&w);
	if (ftruncate(j->fd, 0) == -1 || lseek(j->fd, 0, SEEK_SET) == -1 ||
	    (order != NULL && (io_write(j->fd, text, strlen(text)) == -1 ||
	    io_write(j->fd, "\n", 1) == -1)) || fsync(j->fd) == -1)
		warn("%s", j->path);
	else
		rc = 0;
	jsonw_free(&w);
	return rc;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd != -1)
		close(j->fd);
	free(j->order);
	free(j);
}
