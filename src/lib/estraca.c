/* SPDX-License-Identifier: ISC */
/* The key of the provisioner in a process of its own: see estraca.h. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "csr.h"
#include "estbody.h"
#include "estconf.h"
#include "estraca.h"
#include "io.h"
#include "key.h"
#include "ott.h"
#include "pem.h"
#include "util.h"

#define TOKEN_FD 3

struct estraca {
	pid_t pid;
	int in;			/* the request, to it */
	int out;		/* the chain, from it */
};

/* A file without a name that has this text, rewound; -1 with a message. */
static int
memory_file(const char *name, const char *text, size_t len)
{
	int fd = memfd_create(name, 0);

	if (fd != -1 && fchmod(fd, 0600) == 0 && io_write(fd, text, len) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	warn("%s", name);
	return -1;
}

/* The token for this request; NULL with a message. */
static char *
token(const struct estconf *c, X509_REQ *req)
{
	int x5c = c->provisioner_type == ESTCONF_X5C;
	struct names names = {NULL, 0};
	struct ott ott = {.provisioner = c->provisioner, .names = &names,
	    .kid = c->provisioner_kid, .now = time(NULL)};
	EVP_PKEY *key = key_load(c->provisioner_key);
	char *subject, *audience;

	if (key == NULL || (x5c && (ott.chain =
	    pem_load_certs(c->provisioner_cert, 0)) == NULL) ||
	    (audience = ott_url(c->ca_url, "sign", x5c ? c->provisioner :
	    NULL)) == NULL ||
	    ott_request(req, "request", &subject, &names) == -1)
		return NULL;
	ott.audience = audience;
	ott.subject = subject;
	return ott_new(key, &ott);
}

/* The command beside this one. */
static char *
beside(const char *name)
{
	char self[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n == -1)
		err(EX_ERR, "/proc/self/exe");
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) != NULL)
		*slash = '\0';
	return xasprintf("%s/%s", self, name);
}

static _Noreturn void
become_step_sign(const struct estconf *c, const char *csr, size_t len,
    const char *ott)
{
	char fd[32], sec[16], until[RFC3339_SIZE];
	char *prog = beside("step-sign");
	const char *argv[] = {"step-sign", "-u", c->ca_url, "-A", c->ca_root,
	    "-B", c->cacerts, "-U", fd, "-m", sec, NULL, NULL, NULL};
	int in = memory_file("request", csr, len);
	int secret = memory_file("token", ott, strlen(ott));

	if (in == -1 || secret == -1)
		_exit(EX_ERR);
	if (dup2(in, STDIN_FILENO) == -1 || dup2(secret, TOKEN_FD) == -1)
		err(EX_ERR, "dup2");
	snprintf(fd, sizeof(fd), "/dev/fd/%d", TOKEN_FD);
	snprintf(sec, sizeof(sec), "%d", c->max_seconds);
	if (c->lifetime != 0) {
		argv[11] = "-z";
		argv[12] = rfc3339(time(NULL) + c->lifetime, until);
	}
	execv(prog, (char **)(size_t)argv);
	err(EX_ERR, "%s", prog);
}

/* The process: wait for a request, or for the end. */
static _Noreturn void
serve(const struct estconf *c, int in, int out)
{
	char *text, *csr, *ott;
	const unsigned char *p;
	X509_REQ *req;
	size_t len;

	key_no_dump();
	if (dup2(out, STDOUT_FILENO) == -1)
		err(EX_ERR, "dup2");
	if ((text = io_slurp_fd(in, "request", EST_BODY_MAX, &len)) == NULL)
		_exit(EX_ERR);
	if (len == 0)
		_exit(EX_YES);
	p = (const unsigned char *)text;
	if ((req = d2i_X509_REQ(NULL, &p, (long)len)) == NULL ||
	    (csr = csr_pem(req, &len)) == NULL ||
	    (ott = token(c, req)) == NULL)
		_exit(EX_ERR);
	become_step_sign(c, csr, len, ott);
}

struct estraca *
estraca_start(const struct estconf *conf)
{
	struct estraca *ca = xcalloc(1, sizeof(*ca));
	int in[2] = {-1, -1}, out[2] = {-1, -1};

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    (ca->pid = fork()) == -1)
		goto fail;
	if (ca->pid == 0) {
		close(in[1]);
		close(out[0]);
		serve(conf, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	ca->in = in[1];
	ca->out = out[0];
	return ca;
fail:
	warn("process");
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
	free(ca);
	return NULL;
}

/* Give it the request, take what it writes.  NULL with a message. */
static char *
ask(struct estraca *ca, X509_REQ *req, size_t *len)
{
	unsigned char *der = NULL;
	int n = i2d_X509_REQ(req, &der), rc;

	if (n <= 0) {
		warnx("request: cannot be encoded");
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);
	rc = io_write(ca->in, der, (size_t)n);
	if (rc == -1)
		warn("process");
	OPENSSL_free(der);
	close(ca->in);
	ca->in = -1;
	return rc == -1 ? NULL : io_slurp_fd(ca->out, "step-sign", IO_PEM_MAX,
	    len);
}

/* Its exit code; what is none of ours is an error. */
static int
ended(struct estraca *ca)
{
	int status;

	while (waitpid(ca->pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_ERR;
	ca->pid = 0;
	if (WIFEXITED(status) && (WEXITSTATUS(status) == EX_YES ||
	    WEXITSTATUS(status) == EX_TEMP))
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		warnx("step-sign: ended by signal %d", WTERMSIG(status));
	return EX_ERR;
}

int
estraca_sign(struct estraca *ca, X509_REQ *req, X509 **cert)
{
	STACK_OF(X509) *chain;
	size_t len = 0;
	char *pem = ask(ca, req, &len);
	int rc = ended(ca);

	*cert = NULL;
	if (rc == EX_YES && pem != NULL && (chain = pem_certs(pem, len,
	    "step-sign", 1)) != NULL) {
		*cert = X509_dup(sk_X509_value(chain, 0));
		pem_certs_free(chain);
	}
	free(pem);
	return rc == EX_YES && *cert == NULL ? EX_ERR : rc;
}

void
estraca_stop(struct estraca *ca)
{
	if (ca == NULL)
		return;
	if (ca->in != -1)
		close(ca->in);
	close(ca->out);
	if (ca->pid != 0)
		ended(ca);
	free(ca);
}
