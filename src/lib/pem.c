/* SPDX-License-Identifier: ISC */
/* PEM: see pem.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "io.h"
#include "ossl.h"
#include "pem.h"
#include "util.h"

#define REPEATS 4	/* so far back */

/*
 * How many lines among the len bytes at s begin a block?  libcrypto ends one
 * that has lost its last line where the next one begins, and passes over that
 * one, and over one whose first line is damaged.
 */
static int
beginnings(const char *s, size_t len)
{
	static const char mark[] = "-----BEGIN ";
	const char *p = s, *end = s + len;
	int n = 0;

	while ((p = memmem(p, (size_t)(end - p), mark, sizeof(mark) - 1)) !=
	    NULL) {
		n += p == s || p[-1] == '\n';
		p += sizeof(mark) - 1;
	}
	return n;
}

int
pem_next(BIO *bio, const char *name, char **label, unsigned char **der,
    long *len)
{
	char *header = NULL, *text;
	size_t left = (size_t)BIO_get_mem_data(bio, &text);
	int rc;

	/*
	 * libcrypto would find the end with an error, and the first error of a
	 * program loads all the texts of errors: a quarter of a short run.
	 */
	if (memmem(text, left, "-----BEGIN ", 11) == NULL)
		return 0;
	rc = PEM_read_bio(bio, label, &header, der, len);
	if (rc != 1 && ERR_GET_REASON(ERR_peek_last_error()) !=
	    PEM_R_NO_START_LINE) {
		ossl_warn(name, "broken PEM");
		return -1;
	}
	ERR_clear_error();
	OPENSSL_free(header);
	if (beginnings(text, left - BIO_ctrl_pending(bio)) > rc)
		warnx("%s: broken PEM: a block without its first or last line",
		    name);
	else if (rc == 1 && (size_t)*len > IO_PEM_MAX)
		warnx("%s: PEM block larger than the limit of %zu bytes", name,
		    IO_PEM_MAX);
	else
		return rc;
	if (rc == 1) {
		OPENSSL_free(*label);
		OPENSSL_free(*der);
	}
	return -1;
}

int
pem_is_cert(const char *label)
{
	return strcmp(label, PEM_STRING_X509) == 0 ||
	    strcmp(label, PEM_STRING_X509_OLD) == 0;
}

/* One in a form that is not read, as "TRUSTED CERTIFICATE" of libcrypto. */
static int
is_odd_cert(const char *label)
{
	static const char word[] = "CERTIFICATE";
	size_t n = strlen(label), len = sizeof(word) - 1;

	return n >= len && strcasecmp(label + n - len, word) == 0;
}

/*
 * The same certificate a little before: chains that follow each other repeat
 * their CAs, and to decode a key takes libcrypto 0.1 ms.
 */
static X509 *
repeated(STACK_OF(X509) *certs, const unsigned char *der, long len)
{
	int i, same = 0, n = sk_X509_num(certs);
	unsigned char *had;
	X509 *x = NULL;

	for (i = n - 1; !same && i >= 0 && i >= n - REPEATS; i--) {
		x = sk_X509_value(certs, i);
		had = NULL;
		same = i2d_X509(x, &had) == len &&
		    memcmp(had, der, (size_t)len) == 0;
		OPENSSL_free(had);
	}
	return same && X509_up_ref(x) == 1 ? x : NULL;
}

/* Put the certificate der on the stack. */
static int
push_cert(STACK_OF(X509) *certs, const unsigned char *der, long len,
    const char *name)
{
	const unsigned char *p = der;
	X509 *x = repeated(certs, der, len);

	if (x == NULL)
		x = d2i_X509(NULL, &p, len);
	else
		p += len;
	if (x == NULL || p != der + len || sk_X509_push(certs, x) == 0) {
		ossl_warn(name, "broken certificate");
		X509_free(x);
		return -1;
	}
	return 0;
}

STACK_OF(X509) *
pem_certs(const char *buf, size_t len, const char *name, int strict)
{
	BIO *bio = BIO_new_mem_buf(buf, (int)len);
	STACK_OF(X509) *certs = sk_X509_new_null();
	unsigned char *der;
	char *label;
	long derlen;
	int rc;

	if (bio == NULL || certs == NULL)
		errx(EX_ERR, "memory: exhausted");
	while ((rc = pem_next(bio, name, &label, &der, &derlen)) == 1) {
		if (pem_is_cert(label))
			rc = push_cert(certs, der, derlen, name);
		else if (strict) {
			warnx("%s: a block \"%s\" where only certificates are "
			    "allowed", name, esc(label));
			rc = -1;
		} else if (is_odd_cert(label)) {
			warnx("%s: a block \"%s\", which is not read here; "
			    "openssl x509 makes it plain", name, esc(label));
			rc = -1;
		}
		OPENSSL_free(label);
		OPENSSL_free(der);
		if (rc == -1)
			break;
	}
	BIO_free(bio);
	if (rc == 0 && sk_X509_num(certs) == 0) {
		warnx("%s: no certificate in PEM form found", name);
		rc = -1;
	}
	if (rc == -1) {
		pem_certs_free(certs);
		return NULL;
	}
	return certs;
}

STACK_OF(X509) *
pem_load_certs(const char *path, int strict)
{
	STACK_OF(X509) *certs;
	size_t len;
	char *buf;

	if ((buf = io_slurp(path, IO_PEM_MAX, &len)) == NULL)
		return NULL;
	certs = pem_certs(buf, len, io_name(path), strict);
	free(buf);
	return certs;
}

char *
pem_load_anchors(const char *path, size_t *len)
{
	char *pem = io_slurp(path, IO_PEM_MAX, len);
	STACK_OF(X509) *certs;

	if (pem == NULL)
		return NULL;
	if ((certs = pem_certs(pem, *len, io_name(path), 0)) == NULL) {
		free(pem);
		return NULL;
	}
	pem_certs_free(certs);
	return pem;
}

X509_REQ *
pem_load_csr(const char *path)
{
	const char *name = io_name(path);
	X509_REQ *req = NULL;
	EVP_PKEY *key;
	BIO *bio;
	size_t len;
	char *buf;

	if ((buf = io_slurp(path, IO_PEM_MAX, &len)) == NULL)
		return NULL;
	if ((bio = BIO_new_mem_buf(buf, (int)len)) != NULL)
		req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	ERR_clear_error();
	if (req == NULL)
		warnx("%s: no certificate request in PEM form found", name);
	else if ((key = X509_REQ_get0_pubkey(req)) == NULL ||
	    X509_REQ_verify(req, key) != 1) {
		ERR_clear_error();
		warnx("%s: the request is not signed by its own key", name);
		X509_REQ_free(req);
		req = NULL;
	}
	BIO_free(bio);
	free(buf);
	return req;
}

char *
pem_text(STACK_OF(X509) *certs, int first, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p, *text = NULL;
	int i, ok = bio != NULL;
	long n;

	for (i = first; ok && i < sk_X509_num(certs); i++)
		ok = PEM_write_bio_X509(bio, sk_X509_value(certs, i)) == 1;
	if (ok && (n = BIO_get_mem_data(bio, &p)) >= 0) {
		text = xstrndup(p, (size_t)n);
		*len = (size_t)n;
	} else
		ossl_warn("certificate", "cannot be written as PEM");
	BIO_free(bio);
	return text;
}

int
pem_certs_have(STACK_OF(X509) *certs, X509 *cert)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (X509_cmp(sk_X509_value(certs, i), cert) == 0)
			return 1;
	return 0;
}

void
pem_certs_free(STACK_OF(X509) *certs)
{
	sk_X509_pop_free(certs, X509_free);
}
