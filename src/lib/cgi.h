/* SPDX-License-Identifier: ISC */
/*
 * A program that a web server starts for one request (RFC 3875).  Whatever a
 * client can send is in the environment as HTTP_something and comes from a
 * stranger; the rest is as good as the front end that sets it.  Links with
 * libc only.
 *
 *	struct cgi c;
 *	if (!cgi_take(&c))
 *		errx(EX_ERR, "started by hand");
 *	cgi_answer(&(struct cgi_answer){.status = 404, ...});
 */
#ifndef ECA_CGI_H
#define ECA_CGI_H

#include <stddef.h>

#define CGI_ADDRESS_SIZE 64

struct cgi {
	char *method;
	char *path;		/* behind the program's own; "" when none */
	char *type;		/* of the body; "" when none */
	char *credential;	/* Authorization, a secret; NULL: none */
	char *verify;		/* NONE, SUCCESS, FAILED:reason */
	char *cert;		/* PEM of the client, NULL: none */
	char *conf;		/* from the front end; or NULL */
	char peer[CGI_ADDRESS_SIZE];	/* canonical; "" when it is none */
	long long length;	/* of the body; -1: none, -2: not a number */
	int tls;		/* it came over TLS */
	int odd;		/* a variable was too long, and left out */
};

/*
 * Take over the request and empty the environment, but for what libraries take
 * for options (OPENSSL_CONF and the like); conf names the variable for that.
 * The credential goes first of all, from the memory of the environment too.
 * Returns 1, or 0 when there is no request.
 */
int cgi_take(struct cgi *c, const char *conf);

/* Wipe the credential and free all. */
void cgi_free(struct cgi *c);

/* Is the media type of the body this one, whatever its case and parameters? */
int cgi_type_is(const struct cgi *c, const char *type);

/*
 * User and password of a Basic credential (RFC 7617), for cgi_secret_free().
 * 0, or -1 without a message when there is none or it is broken.
 */
int cgi_basic(const struct cgi *c, char **user, char **password);
void cgi_secret_free(char *s);

/*
 * The body: exactly c->length bytes, at most max, by the deadline (mono_ms()).
 * A NUL is behind them; the caller frees.  NULL with the status to answer in
 * *status and the reason, a constant, in *why.
 */
char *cgi_body(const struct cgi *c, size_t max, long long deadline,
    int *status, const char **why);

struct cgi_answer {
	int status;
	const char *type;	/* NULL: no body */
	const char *fields;	/* more header lines, each with \r\n; or NULL */
	const char *body;
	size_t len;
};

/*
 * Write the answer to stdout, and close it.  Returns 0, or -1 when it was
 * lost.  No messages.
 */
int cgi_answer(const struct cgi_answer *a);

/* The words for a status (RFC 9110 section 15), "" for one never sent. */
const char *cgi_phrase(int status);

#endif
