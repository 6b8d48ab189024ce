/* SPDX-License-Identifier: ISC */
/*
 * est-ra - an EST server in front of step-ca, as a CGI program
 *
 * A web server starts it for each request (RFC 3875): the request comes in
 * the environment and on stdin, the answer goes to stdout, one line of JSON
 * about it to stderr.  EST_RA_CONF is the directory of its configuration.
 * With -t it checks that.  Exit: 0 answered, or the configuration is good;
 * 2 error.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addrlist.h"
#include "crl.h"
#include "estbody.h"
#include "estra.h"
#include "io.h"
#include "key.h"
#include "ossl.h"
#include "ott.h"
#include "pem.h"
#include "util.h"

#define CONF_DIR "/etc/eca/est-ra"
#define DETAIL_MAX 2000		/* of what libraries say, in the log */

static struct estra request;
static int log_fd = -1;
static pid_t self;

static _Noreturn void
usage(const char *more)
{
	fprintf(stderr, "usage: est-ra [-V] -t dir%s\n", more);
	_exit(EX_ERR);
}

/*
 * Messages of libraries are kept, and become a part of the one line of log.
 * Without a place to keep them they go where they went.
 */
static void
keep_messages(void)
{
	int fd = memfd_create("messages", MFD_CLOEXEC);

	log_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	if (fd == -1 || log_fd == -1 || dup2(fd, STDERR_FILENO) == -1)
		warn("messages");
	if (fd != -1)
		close(fd);
}

static void
write_log(void)
{
	char detail[DETAIL_MAX];
	ssize_t n = 0;

	if (log_fd == -1)
		return;
	n = pread(STDERR_FILENO, detail, sizeof(detail), 0);
	while (n > 0 && detail[n - 1] == '\n')
		n--;
	estra_log(&request, log_fd, detail, n > 0 ? (size_t)n : 0);
	log_fd = -1;
}

/* The end of a program that could not go on, for want of memory. */
static void
cut_short(void)
{
	const struct cgi_answer a = {.status = 500, .type = "text/plain",
	    .body = "the server is not in order; its log says why\n",
	    .len = 45};

	if (log_fd == -1 || getpid() != self)
		return;
	estra_refuse(&request, 500, ESTRA_FAILED, "cut_short", "%s", "");
	cgi_answer(&a);
	write_log();
}

static int
serve(void)
{
	/*
	 * A server ends its programs when their answer is there or the client
	 * gone: the line of log is still to come, and a certificate may be on
	 * its way.  Everything here has a time limit.
	 */
	signal(SIGTERM, SIG_IGN);
	self = getpid();
	request.op = ESTRA_OPS;
	request.now = time(NULL);
	request.start = mono_ms();
	keep_messages();
	atexit(cut_short);
	ossl_reader();
	estra_serve(&request, CONF_DIR);
	write_log();
	estra_free(&request);
	return EX_YES;
}

/* Can the certificates be read? */
static int
check_certs(const char *path)
{
	STACK_OF(X509) *certs;

	if (path == NULL)
		return 0;
	certs = pem_load_certs(path, 0);
	pem_certs_free(certs);
	return certs != NULL ? 0 : -1;
}

static int
check_dir(const char *path)
{
	int fd;

	if (path == NULL)
		return 0;
	if ((fd = io_open_dir(path)) == -1)
		return -1;
	close(fd);
	if (access(path, R_OK | W_OK | X_OK) == 0)
		return 0;
	warn("%s", path);
	return -1;
}

/* A list without which nobody gets in: is it there? */
static int
check_crl(const struct estconf *c, const char *path)
{
	enum crl_why why = CRL_OK;
	struct crl *crl = NULL;
	size_t len;
	char *text;

	if (path == NULL || !c->crl_required)
		return 0;
	if ((text = crl_slurp(path, &len, &why)) != NULL)
		crl = crl_take(text, len, path, &why);
	else if (why == CRL_MISSING)
		warnx("%s: missing; crl-fetch -C keeps it", path);
	if (crl == NULL)
		return -1;
	crl_free(crl);
	return 0;
}

static int
check_csrattrs(const char *path)
{
	const char *why = "cannot be read";
	unsigned char *der = NULL;
	size_t len, n;
	char *text;

	if (path == NULL)
		return 0;
	if ((text = io_slurp(path, EST_BODY_MAX, &len)) != NULL &&
	    (der = est_decode(text, len, &n, &why)) == NULL)
		warnx("%s: %s", path, why);
	OPENSSL_free(der);
	free(text);
	return der != NULL ? 0 : -1;
}

static int
check_key(const char *path)
{
	EVP_PKEY *key = key_load(path);

	EVP_PKEY_free(key);
	return key != NULL ? 0 : -1;
}

static int
check_url(const char *base)
{
	char *url = ott_url(base, "sign", NULL);

	free(url);
	return url != NULL ? 0 : -1;
}

static int
check_addresses(const char *path)
{
	struct addrlist l = {NULL, 0};
	int rc = path == NULL ? 0 : addrlist_load(&l, path);

	addrlist_free(&l);
	return rc;
}

/* What was said is of this file and key. */
static int
of(const struct estconf *c, const char *key, int rc)
{
	if (rc == -1)
		warnx("%s: %s: not in order, see above", c->name, key);
	return rc;
}

/* What the configuration names. */
static int
check_files(const struct estconf *c)
{
	return of(c, "CA_URL", check_url(c->ca_url)) |
	    of(c, "CA_ROOT", check_certs(c->ca_root)) |
	    of(c, "CACERTS", check_certs(c->cacerts)) |
	    of(c, "PROVISIONER_KEY", check_key(c->provisioner_key)) |
	    of(c, "PROVISIONER_CERT", check_certs(c->provisioner_cert)) |
	    of(c, "CLIENT_CAS", check_certs(c->client_cas)) |
	    of(c, "CLIENT_CRL", check_crl(c, c->client_crl)) |
	    of(c, "CRL", check_crl(c, c->reenroll ? c->crl : NULL)) |
	    of(c, "ADDRESSES", check_addresses(c->addresses)) |
	    of(c, "CSRATTRS", check_csrattrs(c->csrattrs)) |
	    of(c, "STATE_DIR", check_dir(c->state_dir)) |
	    of(c, "TOKEN_DIR", check_dir(c->token_dir)) |
	    of(c, "QUEUE_DIR", check_dir(c->queue_dir));
}

/* One file of the directory; others than *.conf do not matter. */
static int
check_one(const char *dir, const char *file, int *n)
{
	const char *dot = strrchr(file, '.');
	struct estconf conf;
	char *label;
	int rc = -1;

	if (dot == NULL || strcmp(dot, ".conf") != 0)
		return 0;
	(*n)++;
	label = xstrndup(file, (size_t)(dot - file));
	if (strcmp(label, "default") == 0)
		*label = '\0';
	if (*label != '\0' && !estconf_label_ok(label))
		warnx("%s/%s: not a name for a label", dir, esc(file));
	else if (estconf_load(dir, label, &conf) == EX_YES) {
		rc = check_files(&conf);
		estconf_free(&conf);
	}
	free(label);
	return rc;
}

static int
check(const char *path)
{
	int n = 0, rc = 0;
	struct dirent *d;
	DIR *dir = opendir(path);

	if (dir == NULL)
		err(EX_ERR, "%s", path);
	ossl_reader();
	while ((d = readdir(dir)) != NULL)
		rc |= check_one(path, d->d_name, &n);
	closedir(dir);
	if (n == 0)
		errx(EX_ERR, "%s: no LABEL.conf, no default.conf", path);
	return rc == 0 ? EX_YES : EX_ERR;
}

int
main(int argc, char *argv[])
{
	const char *dir = NULL;
	int ch;

	/* A client can put words into argv (RFC 3875 section 4.4). */
	if (cgi_take(&request.cgi, "EST_RA_CONF")) {
		std_fill();
		return serve();
	}
	std_fill();
	while ((ch = getopt(argc, argv, ":Vt:")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 't':
			dir = optarg;
			break;
		default:
			usage("");
		}
	}
	if (argc == 1)
		usage(" (else it is a CGI program, for a web server to start)");
	if (optind != argc || dir == NULL)
		usage("");
	return check(dir);
}
