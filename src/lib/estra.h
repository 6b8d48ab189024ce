/* SPDX-License-Identifier: ISC */
/*
 * est-ra: one request to an EST server (RFC 7030, 8951) in front of step-ca,
 * from the environment of a CGI program to the answer and a line of log.
 * Links with libcrypto.
 *
 *	estra.c		what is asked for, in which order it is looked at
 *	estraauth.c	who asks, and may they
 *	estraenroll.c	the request for a certificate
 *	estraca.c	the process that has the key of the provisioner
 *	estralimit.c	how much is done for strangers
 */
#ifndef ECA_ESTRA_H
#define ECA_ESTRA_H

#include <time.h>

#include <openssl/x509.h>

#include "cgi.h"
#include "estconf.h"
#include "estraca.h"
#include "esttoken.h"

enum estra_op {
	ESTRA_CACERTS,
	ESTRA_CSRATTRS,
	ESTRA_ENROLL,
	ESTRA_REENROLL,
	ESTRA_KEYGEN,
	ESTRA_FULLCMC,
	ESTRA_OPS
};

struct estra {
	struct cgi cgi;
	struct estconf conf;
	char label[ESTCONF_LABEL_MAX + 1];	/* "" without */
	enum estra_op op;		/* ESTRA_OPS: none */
	time_t now;
	long long start;		/* mono_ms() */
	long long deadline;

	struct estraca *ca;
	struct esttoken token;
	int has_token;			/* it is taken */
	X509 *client;			/* whose certificate was accepted */

	/* the answer */
	int status;
	const char *type;		/* NULL: estra_refuse() made it */
	char *body;
	size_t len;
	char fields[256];		/* more header lines */
	char text[512];			/* to the client, when refused */

	/* the line of log */
	const char *event;
	const char *reason;		/* a word, or NULL */
	char *who;			/* by what it is known, or NULL */
	char *subject;			/* of the request, or NULL */
	char *serial;			/* of the certificate, or NULL */
	char spki[65];			/* of the request, or "" */
	time_t not_after;		/* of the certificate, or 0 */
};

/* Events (the service's part of the common vocabulary). */
#define ESTRA_ISSUED "cert.issued"
#define ESTRA_RENEWED "cert.renewed"
#define ESTRA_PENDING "provision.request.accepted"
#define ESTRA_DENIED "provision.request.denied"
#define ESTRA_FAILED "provision.request.failed"
#define ESTRA_NO_AUTH "auth.refused"
#define ESTRA_REFUSED "request.refused"
#define ESTRA_ANSWERED "request.answered"

/* Do what r->cgi asks; conf is where the configuration is. */
void estra_serve(struct estra *r, const char *conf);

/*
 * Answer with a status, and this text for the client; event and reason are
 * for the log.  Returns -1.
 */
int estra_refuse(struct estra *r, int status, const char *event,
    const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Write the line of log for r to fd; detail is what libraries had to say. */
void estra_log(const struct estra *r, int fd, const char *detail, size_t len);

void estra_free(struct estra *r);

#endif
