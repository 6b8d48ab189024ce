/* SPDX-License-Identifier: ISC */
/* Certificate revocation lists: see crl.h. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crl.h"
#include "io.h"
#include "util.h"

#define T_EXTENSIONS 0xa0	/* [0], constructed */

/* The last byte of 2.5.29.x. */
#define ID_CRL_NUMBER 20
#define ID_REASON_CODE 21
#define ID_HOLD_INSTRUCTION 23
#define ID_INVALIDITY_DATE 24
#define ID_DELTA 27
#define ID_IDP 28
#define ID_AKI 35

#define NUMBER_MAX 20		/* RFC 5280 section 5.2.3 */
#define DER_SERIAL_MAX 64

/* Take an element with this tag; raw is all of it, with its header. */
static int
take_raw(struct der_span *in, unsigned int tag, struct der_span *raw,
    struct der_span *content)
{
	const unsigned char *from = in->p;

	if (der_take(in, tag, content) == -1)
		return -1;
	raw->p = from;
	raw->len = (size_t)(in->p - from);
	return 0;
}

struct ext {
	int id;			/* x of 2.5.29.x; 0 for others */
	int critical;
	struct der_span value;	/* what is in the OCTET STRING */
};

static int
take_ext(struct der_span *list, struct ext *e)
{
	struct der_span ext, oid, v;

	if (der_take(list, DER_SEQUENCE, &ext) == -1 ||
	    der_take(&ext, DER_OID, &oid) == -1)
		return -1;
	e->id = oid.len == 3 && memcmp(oid.p, "\x55\x1d", 2) == 0 ?
	    oid.p[2] : 0;
	e->critical = 0;
	if (ext.len > 0 && ext.p[0] == DER_BOOLEAN) {
		if (der_take(&ext, DER_BOOLEAN, &v) == -1 || v.len != 1)
			return -1;
		e->critical = v.p[0] != 0;
	}
	return der_take(&ext, DER_OCTET_STRING, &e->value) == 0 &&
	    ext.len == 0 ? 0 : -1;
}

struct der_span
crl_integer(struct der_span v)
{
	while (v.len > 1 && ((v.p[0] == 0 && v.p[1] < 0x80) ||
	    (v.p[0] == 0xff && v.p[1] >= 0x80))) {
		v.p++;
		v.len--;
	}
	return v;
}

/* The issuing distribution point; at most one of three sorts. */
static int
set_idp(struct crl *c, struct der_span v)
{
	const unsigned char *p = v.p;
	ISSUING_DIST_POINT *idp = d2i_ISSUING_DIST_POINT(NULL, &p,
	    (long)v.len);

	c->idp = idp;
	return idp != NULL && p == v.p + v.len &&
	    !!idp->onlyuser + !!idp->onlyCA + !!idp->onlyattr <= 1 &&
	    (idp->distpoint == NULL ||
	    DIST_POINT_set_dpname(idp->distpoint, c->issuer) == 1) ? 0 : -1;
}

static int
set_number(struct crl *c, struct der_span v)
{
	struct der_span n;

	if (der_take(&v, DER_INTEGER, &n) == -1 || v.len != 0 || n.len == 0 ||
	    n.p[0] >= 0x80)
		return -1;
	c->number = crl_integer(n);
	return c->number.len <= NUMBER_MAX + 1 ? 0 : -1;
}

static int
set_ext(struct crl *c, const struct ext *e)
{
	const unsigned char *p = e->value.p;

	switch (e->id) {
	case ID_CRL_NUMBER:
		return c->number.p != NULL ? -1 : set_number(c, e->value);
	case ID_IDP:
		return c->idp != NULL ? -1 : set_idp(c, e->value);
	case ID_AKI:
		if (c->akid != NULL)
			return -1;
		c->akid = d2i_AUTHORITY_KEYID(NULL, &p, (long)e->value.len);
		return c->akid != NULL && p == e->value.p + e->value.len ?
		    0 : -1;
	case ID_DELTA:
		c->delta = 1;
		return 0;
	default:
		c->unknown |= e->critical;
		return 0;
	}
}

static int
set_exts(struct crl *c, struct der_span in)
{
	struct der_span list;
	struct ext e;

	if (c->v1 || der_take(&in, DER_SEQUENCE, &list) == -1 || in.len != 0)
		return -1;
	while (list.len > 0)
		if (take_ext(&list, &e) == -1 || set_ext(c, &e) == -1)
			return -1;
	return 0;
}

static int
is_time(const struct der_span *in)
{
	return in->len > 0 && (in->p[0] == DER_UTC_TIME ||
	    in->p[0] == DER_GENERALIZED_TIME);
}

/* TBSCertList: NULL, or what is wrong with it. */
static const char *
walk_tbs(struct crl *c, struct der_span tbs)
{
	struct der_span v, raw;
	const unsigned char *p;

	c->v1 = tbs.len > 0 && tbs.p[0] != DER_INTEGER;
	if (!c->v1 && (der_take(&tbs, DER_INTEGER, &v) == -1 || v.len != 1 ||
	    v.p[0] != 1))
		return "version is not v1 or v2";
	if (take_raw(&tbs, DER_SEQUENCE, &raw, &v) == -1)
		return "broken signature algorithm";
	if (raw.len != c->algorithm.len ||
	    memcmp(raw.p, c->algorithm.p, raw.len) != 0)
		return "two different signature algorithms";
	if (take_raw(&tbs, DER_SEQUENCE, &raw, &v) == -1)
		return "broken issuer";
	p = raw.p;
	c->issuer = d2i_X509_NAME(NULL, &p, (long)raw.len);
	if (c->issuer == NULL || X509_NAME_entry_count(c->issuer) == 0)
		return "broken issuer";
	if (der_take_time(&tbs, &c->this_update) == -1 ||
	    (is_time(&tbs) && (der_take_time(&tbs, &c->next_update) == -1 ||
	    c->next_update <= 0)))
		return "broken times";
	if (tbs.len > 0 && tbs.p[0] == DER_SEQUENCE &&
	    der_take(&tbs, DER_SEQUENCE, &c->revoked) == -1)
		return "broken list of entries";
	if (tbs.len > 0 && (der_take(&tbs, T_EXTENSIONS, &v) == -1 ||
	    tbs.len != 0 || set_exts(c, v) == -1))
		return "broken extensions";
	return NULL;
}

static const char *
walk(struct crl *c, const unsigned char *der, size_t len)
{
	struct der_span in = {der, len}, list, tbs, v;

	if (der_take(&in, DER_SEQUENCE, &list) == -1 ||
	    take_raw(&list, DER_SEQUENCE, &c->tbs, &tbs) == -1 ||
	    take_raw(&list, DER_SEQUENCE, &c->algorithm, &v) == -1 ||
	    der_take(&list, DER_BIT_STRING, &c->signature) == -1 ||
	    list.len != 0 || c->signature.len < 2)
		return "not a CRL in DER or PEM";
	if (in.len != 0)
		return "bytes after the end of the CRL";
	/* one with unused bits is nobody's */
	c->signature.len = *c->signature.p++ == 0 ? c->signature.len - 1 : 0;
	return walk_tbs(c, tbs);
}

/* Decode the only block.  NULL, or what is wrong with it. */
static const char *
from_pem(struct crl *c, const char *data, size_t len, long *n)
{
	static const char mark[] = "-----BEGIN ";
	const char *first = memmem(data, len, mark, sizeof(mark) - 1);
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	char *label = NULL, *header = NULL;
	const char *why = NULL;

	if (bio == NULL)
		errx(EX_ERR, "memory: exhausted");
	if (PEM_read_bio(bio, &label, &header, &c->pem, n) != 1 ||
	    strcmp(label, PEM_STRING_X509_CRL) != 0)
		why = "not a CRL in DER or PEM";
	else if (memmem(first + 1, len - (size_t)(first + 1 - data), mark,
	    sizeof(mark) - 1) != NULL)
		why = "more than one PEM block";
	OPENSSL_free(label);
	OPENSSL_free(header);
	BIO_free(bio);
	return why;
}

struct crl *
crl_new(const char *data, size_t len, const char **why)
{
	struct crl *c = xcalloc(1, sizeof(*c));
	long n = (long)len;

	*why = NULL;
	if (len > CRL_MAX)
		*why = "larger than the limit of 64 MiB";
	else if (len < 2 || data[0] != DER_SEQUENCE || (data[1] & 0x80) == 0)
		*why = from_pem(c, data, len, &n);
	if (*why == NULL)
		*why = walk(c, c->pem != NULL ? c->pem :
		    (const unsigned char *)data, (size_t)n);
	ERR_clear_error();
	if (*why != NULL) {
		crl_free(c);
		return NULL;
	}
	return c;
}

char *
crl_slurp(const char *path, size_t *len, enum crl_why *why)
{
	char *buf;

	*why = CRL_MISSING;
	if (path != NULL && strcmp(path, "-") != 0 &&
	    access(path, F_OK) == -1 && errno == ENOENT)
		return NULL;
	buf = io_slurp(path, CRL_MAX, len);
	*why = buf == NULL ? CRL_UNREADABLE : CRL_OK;
	return buf;
}

struct crl *
crl_take(char *buf, size_t len, const char *path, enum crl_why *why)
{
	const char *what;
	struct crl *c = crl_new(buf, len, &what);

	*why = c == NULL ? CRL_BROKEN : CRL_OK;
	if (c == NULL) {
		warnx("%s: %s", io_name(path), what);
		free(buf);
	} else
		c->file = buf;
	return c;
}

void
crl_free(struct crl *c)
{
	if (c == NULL)
		return;
	X509_NAME_free(c->issuer);
	AUTHORITY_KEYID_free(c->akid);
	ISSUING_DIST_POINT_free(c->idp);
	OPENSSL_free(c->pem);
	free(c->file);
	free(c);
}

int
crl_order(const void *a, const void *b)
{
	const struct der_span *x = &((const struct crl_want *)a)->serial;
	const struct der_span *y = &((const struct crl_want *)b)->serial;

	return x->len != y->len ? (x->len > y->len ? 1 : -1) :
	    memcmp(x->p, y->p, x->len);
}

/* The extensions of an entry; *reason is -1 when it has none. */
static int
entry_exts(struct crl *c, struct der_span in, int *reason)
{
	struct der_span list, v;
	struct ext e;

	*reason = -1;
	if (c->v1 || der_take(&in, DER_SEQUENCE, &list) == -1 || in.len != 0)
		return -1;
	while (list.len > 0) {
		if (take_ext(&list, &e) == -1)
			return -1;
		if (e.id == ID_REASON_CODE) {
			if (der_take(&e.value, DER_ENUMERATED, &v) == -1 ||
			    e.value.len != 0 || v.len != 1)
				return -1;
			*reason = v.p[0];
		} else if (e.id != ID_HOLD_INSTRUCTION &&
		    e.id != ID_INVALIDITY_DATE)
			c->unknown |= e.critical;
	}
	return 0;
}

/* Note what an entry says, unless an earlier one said more. */
static int
note(struct crl_want *w, struct der_span when, int reason)
{
	if (w->listed && w->reason != CRL_REASON_REMOVE)
		return 0;
	w->listed = 1;
	w->reason = reason;
	return der_take_time(&when, &w->when);
}

/* Of the same number may be wanted more than one: note all of them. */
static int
note_all(struct crl_want *w, struct crl_want *want, size_t n,
    struct der_span when, int reason)
{
	const struct crl_want key = *w;

	while (w > want && crl_order(w - 1, &key) == 0)
		w--;
	for (; w < want + n && crl_order(w, &key) == 0; w++)
		if (note(w, when, reason) == -1)
			return -1;
	return 0;
}

/* Extensions that are those of the entry before are not taken apart again. */
int
crl_lookup(struct crl *c, struct crl_want *want, size_t n)
{
	struct der_span list = c->revoked, last = {NULL, 0}, e, when, v;
	struct crl_want key, *w;
	int reason = -1;

	for (c->entries = 0; list.len > 0; c->entries++) {
		if (der_take(&list, DER_SEQUENCE, &e) == -1 ||
		    der_take(&e, DER_INTEGER, &v) == -1 || v.len == 0 ||
		    v.len > DER_SERIAL_MAX || !is_time(&e) ||
		    take_raw(&e, e.p[0], &when, &key.serial) == -1)
			return -1;
		if (e.len > 0 && (e.len != last.len ||
		    memcmp(e.p, last.p, e.len) != 0)) {
			if (entry_exts(c, e, &reason) == -1)
				return -1;
			last = e;
		}
		key.serial = crl_integer(v);
		w = n == 0 ? NULL :
		    bsearch(&key, want, n, sizeof(*want), crl_order);
		if (w != NULL && note_all(w, want, n, when,
		    e.len > 0 ? reason : -1) == -1)
			return -1;
	}
	return 0;
}
