/* SPDX-License-Identifier: ISC */
/*
 * tls-peek - print the certificate chain of a TLS server
 *
 * Connects to host:port, shakes hands and writes the chain as the server sent
 * it, leaf first, as PEM to stdout.  Nothing is verified without -A.  With -c
 * the server has to accept our certificate, too.  Exit: 0 printed, 1 the chain
 * does not verify to -A or is for another name, 2 error or refused, 75 no
 * connection or no answer before the deadline.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "dial.h"
#include "key.h"
#include "ossl.h"
#include "pem.h"
#include "sandbox.h"
#include "util.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static const char *anchors, *certfile, *keyfile;
static char *name;		/* to ask for and to expect */
static unsigned int sec = 10;
static int vflag;
static const char *peer;	/* host:port, for messages */
static char *late;		/* what the deadline's signal says */
static size_t latelen;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: tls-peek [-Vv] [-A file] [-c cert -k key] "
	    "[-m sec] [-n name] host:port\n");
	exit(EX_ERR);
}

/* The deadline: resolver, connection and handshake all end here. */
static void
on_alarm(int sig)
{
	(void)sig;
	(void)!write(STDERR_FILENO, late, latelen);
	_exit(EX_TEMP);
}

static void
deadline(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	sigset_t set;

	late = xasprintf("%s: %s: no answer within %u seconds\n",
	    program_invocation_short_name, peer, sec);
	latelen = strlen(late);
	sigaction(SIGALRM, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(sec);
}

/* Is name an IP address?  A zone (fe80::1%eth0) is cut off. */
static int
is_ip(void)
{
	unsigned char buf[16];

	if (strchr(name, ':') != NULL)
		name[strcspn(name, "%")] = '\0';
	return inet_pton(AF_INET, name, buf) == 1 ||
	    inet_pton(AF_INET6, name, buf) == 1;
}

/* Our own certificate.  0, or -1 with a message. */
static int
use_cert(SSL_CTX *ctx)
{
	STACK_OF(X509) *certs;
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	int rc = -1;

	if ((certs = pem_load_certs(certfile, 0)) == NULL ||
	    (key = key_load(keyfile)) == NULL)
		goto out;
	leaf = sk_X509_shift(certs);
	if (X509_check_private_key(leaf, key) != 1)
		warnx("%s: not the key of %s", keyfile, certfile);
	else if (SSL_CTX_use_cert_and_key(ctx, leaf, key, certs, 1) != 1)
		ossl_warn(certfile, "cannot be used");
	else
		rc = 0;
out:
	ERR_clear_error();
	X509_free(leaf);
	EVP_PKEY_free(key);
	pem_certs_free(certs);
	return rc;
}

/* What is in the file is trusted, root or not.  0, or -1 with a message. */
static int
use_anchors(SSL_CTX *ctx)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	STACK_OF(X509) *certs;
	int i;

	if ((certs = pem_load_certs(anchors, 1)) == NULL)
		return -1;
	for (i = 0; i < sk_X509_num(certs); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(certs, i)) != 1)
			errx(EX_ERR, "memory: exhausted");
	pem_certs_free(certs);
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

/* Everything that needs no connection.  NULL with a message. */
static SSL *
prepare(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int ip = is_ip(), ok;

	if (!ip && (*name == '.' || strlen(name) > 253 || *name == '\0' ||
	    name[strspn(name, NAME_CHARS)] != '\0')) {
		warnx("%s: neither a host name nor an IP address", esc(name));
		return NULL;
	}
	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		errx(EX_ERR, "OpenSSL: no TLS");
	if ((anchors != NULL && use_anchors(ctx) == -1) ||
	    (certfile != NULL && use_cert(ctx) == -1))
		return NULL;
	if ((ssl = SSL_new(ctx)) == NULL)
		errx(EX_ERR, "memory: exhausted");
	SSL_CTX_free(ctx);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (ip)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	else
		ok = SSL_set_tlsext_host_name(ssl, name) == 1 &&
		    SSL_set1_host(ssl, name) == 1;
	if (ok != 1)
		errx(EX_ERR, "memory: exhausted");
	return ssl;
}

/* Why the last call failed: SSL_R_..., or 0 when it is not TLS that says so. */
static int
reason_of(void)
{
	unsigned long e = ERR_peek_error();

	return ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;
}

/* Say why there was no handshake; returns the exit code. */
static int
refused(const SSL *ssl, int how, int error)
{
	int reason = reason_of();

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		warnx("%s: the chain does not verify: %s", peer,
		    X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
		return EX_NO;
	}
	if (how == SSL_ERROR_SYSCALL ||
	    reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		warnx("%s: connection lost in the handshake: %s", peer,
		    how == SSL_ERROR_SYSCALL && error != 0 ? strerror(error) :
		    "end of file");
		return EX_TEMP;
	}
	if (reason > SSL_AD_REASON_OFFSET)
		warnx("%s: refused by the server: alert %s", peer,
		    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else
		ossl_warn(peer, "the handshake failed");
	return EX_ERR;
}

/*
 * Does the server take our certificate?  With TLS 1.3 it judges it after our
 * end of the handshake.  So we say goodbye, and unless an alert comes first it
 * has no objection: servers answer with a goodbye, or just hang up.  Returns
 * the exit code.
 */
static int
accepted(SSL *ssl)
{
	char c;
	int how, rc;

	SSL_shutdown(ssl);
	ERR_clear_error();
	rc = SSL_read(ssl, &c, 1);
	how = SSL_get_error(ssl, rc);
	if (how == SSL_ERROR_NONE || how == SSL_ERROR_ZERO_RETURN ||
	    how == SSL_ERROR_SYSCALL ||
	    reason_of() == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return EX_YES;
	return refused(ssl, how, 0);
}

/* Take leave: what the server still sends is read, for a second or two. */
static void
leave(SSL *ssl, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char buf[4096];
	int i;

	if ((SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN) == 0)
		SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	for (i = 0; i < 16 && poll(&pfd, 1, 100) == 1 &&
	    read(fd, buf, sizeof(buf)) > 0; i++)
		;
	close(fd);
	SSL_free(ssl);
}

/* Shake hands and print; returns the exit code. */
static int
peek(SSL *ssl, int fd)
{
	STACK_OF(X509) *chain;
	char *pem = NULL;
	size_t len;
	int error, rc;

	if (SSL_set_fd(ssl, fd) != 1)
		errx(EX_ERR, "memory: exhausted");
	errno = 0;
	if ((rc = SSL_connect(ssl)) != 1) {
		error = errno;
		return refused(ssl, SSL_get_error(ssl, rc), error);
	}
	if (vflag)
		warnx("%s: %s, %s", peer, SSL_get_version(ssl),
		    SSL_get_cipher_name(ssl));
	if (certfile != NULL && (rc = accepted(ssl)) != EX_YES)
		return rc;
	alarm(0);
	if ((chain = SSL_get_peer_cert_chain(ssl)) == NULL)
		warnx("%s: the server sent no certificate", peer);
	else if ((pem = pem_text(chain, 0, &len)) != NULL)
		fwrite(pem, 1, len, stdout);
	rc = pem == NULL ? EX_ERR : finish(EX_YES);
	free(pem);
	return rc;
}

static void
options(int argc, char *argv[])
{
	int ch, inputs;

	while ((ch = getopt(argc, argv, ":A:Vc:k:m:n:v")) != -1) {
		switch (ch) {
		case 'A':
			anchors = optarg;
			break;
		case 'V':
			version();
		case 'c':
			certfile = optarg;
			break;
		case 'k':
			keyfile = optarg;
			break;
		case 'm':
			sec = (unsigned int)opt_num(ch, optarg, 1, 3600);
			break;
		case 'n':
			name = optarg;
			break;
		case 'v':
			vflag = 1;
			break;
		default:
			usage();
		}
	}
	inputs = (anchors != NULL && strcmp(anchors, "-") == 0) +
	    (certfile != NULL && strcmp(certfile, "-") == 0) +
	    (keyfile != NULL && strcmp(keyfile, "-") == 0);
	if (argc - optind != 1 || (certfile == NULL) != (keyfile == NULL) ||
	    inputs > 1)
		usage();
}

int
main(int argc, char *argv[])
{
	char *host, *port;
	SSL *ssl;
	int fd, rc;

	std_fill();
	options(argc, argv);
	ossl_memory();
	if (keyfile != NULL)
		key_no_dump();
	signal(SIGPIPE, SIG_IGN);
	peer = xstrdup(esc(argv[optind]));
	if (dial_split(argv[optind], peer, &host, &port) == -1)
		return EX_ERR;
	if (name == NULL)
		name = xstrdup(host);
	if ((ssl = prepare()) == NULL)
		return EX_ERR;
	deadline();
	if ((fd = dial(host, port, peer, mono_ms() + sec * 1000LL,
	    vflag)) == -1)
		return EX_TEMP;
	if (sandbox_stdio() == -1)
		return EX_ERR;
	rc = peek(ssl, fd);
	leave(ssl, fd);
	return rc;
}
