/* SPDX-License-Identifier: ISC */
/* One-time tokens of step-ca: see ott.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "b64.h"
#include "jsonw.h"
#include "jws.h"
#include "ossl.h"
#include "ott.h"
#include "util.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* The length of a serial number (RFC 5280 section 4.1.2.2). */
#define SERIAL_BYTES 20

/* The certificates in the standard alphabet (RFC 7515 section 4.1.6). */
static int
put_x5c(struct jsonw *w, STACK_OF(X509) *chain)
{
	unsigned char *der, *text;
	int i, n;

	jsonw_begin(w, "x5c", '[');
	for (i = 0; i < sk_X509_num(chain); i++) {
		der = NULL;
		if ((n = i2d_X509(sk_X509_value(chain, i), &der)) <= 0) {
			ossl_warn("certificate", "cannot be written as DER");
			return -1;
		}
		text = xmalloc((size_t)n / 3 * 4 + 5);
		EVP_EncodeBlock(text, der, n);
		jsonw_str(w, NULL, (char *)text);
		free(text);
		OPENSSL_free(der);
	}
	jsonw_end(w, ']');
	return 0;
}

/* The thumbprint of the key, unless its name is said. */
static char *
key_id(EVP_PKEY *key, const char *kid)
{
	char *jwk, *text;

	if (kid != NULL)
		return xstrdup(kid);
	if ((jwk = jws_jwk(key)) == NULL)
		return NULL;
	text = jws_thumbprint(jwk);
	free(jwk);
	return text;
}

/* In the order step writes it: alphabetical. */
static int
put_header(struct jsonw *w, EVP_PKEY *key, const struct ott *ott)
{
	const char *alg = jws_alg(key);
	char *kid = NULL;

	if (alg == NULL) {
		warnx("key: of a kind that signs no tokens");
		return -1;
	}
	jsonw_begin(w, NULL, '{');
	jsonw_str(w, "alg", alg);
	if (ott->chain == NULL) {
		if ((kid = key_id(key, ott->kid)) == NULL)
			return -1;
		jsonw_str(w, "kid", kid);
		free(kid);
	}
	jsonw_str(w, "typ", "JWT");
	if (ott->chain != NULL && put_x5c(w, ott->chain) == -1)
		return -1;
	jsonw_end(w, '}');
	return 0;
}

static char *
random_id(void)
{
	unsigned char bytes[32];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		errx(EX_ERR, "random numbers: none to be had");
	return b64url(bytes, sizeof(bytes));
}

static void
put_claims(struct jsonw *w, const struct ott *ott)
{
	char *id = ott->id != NULL ? xstrdup(ott->id) : random_id();
	size_t i;

	jsonw_begin(w, NULL, '{');
	jsonw_str(w, "aud", ott->audience);
	jsonw_num(w, "exp", ott->now + OTT_SECONDS);
	jsonw_num(w, "iat", ott->now);
	jsonw_str(w, "iss", ott->provisioner);
	jsonw_str(w, "jti", id);
	jsonw_num(w, "nbf", ott->now);
	if (ott->names != NULL) {
		jsonw_begin(w, "sans", '[');
		for (i = 0; i < ott->names->n; i++)
			jsonw_str(w, NULL, ott->names->v[i].value);
		jsonw_end(w, ']');
	}
	if (ott->root != NULL)
		jsonw_str(w, "sha", ott->root);
	jsonw_str(w, "sub", ott->subject);
	jsonw_end(w, '}');
	free(id);
}

/* header.claims and the signature behind it. */
static char *
compact(EVP_PKEY *key, const char *header, const char *claims)
{
	char *h = b64url(header, strlen(header));
	char *c = b64url(claims, strlen(claims));
	char *input = xasprintf("%s.%s", h, c), *s, *token = NULL;
	unsigned char *sig;
	size_t n;

	if ((sig = jws_sign(key, input, strlen(input), &n)) != NULL) {
		s = b64url(sig, n);
		token = xasprintf("%s.%s", input, s);
		free(s);
	}
	free(sig);
	free(input);
	free(c);
	free(h);
	return token;
}

char *
ott_new(EVP_PKEY *key, const struct ott *ott)
{
	struct jsonw header = JSONW_INIT, claims = JSONW_INIT;
	char *token = NULL;

	if (ott->chain != NULL &&
	    X509_check_private_key(sk_X509_value(ott->chain, 0), key) != 1)
		ossl_warn("key", "not the key of the certificate");
	else if (put_header(&header, key, ott) == 0) {
		put_claims(&claims, ott);
		token = compact(key, jsonw_text(&header),
		    jsonw_text(&claims));
	}
	if (token != NULL && strlen(token) > OTT_MAX) {
		warnx("token: longer than the limit of %zu bytes", OTT_MAX);
		free(token);
		token = NULL;
	}
	jsonw_free(&header);
	jsonw_free(&claims);
	return token;
}

/* The name behind "#x5c/", escaped as net/url of Go does, byte for byte. */
static char *
fragment(const char *name)
{
	static const char plain[] = ALNUM "-_.~$&+,/:;=?@!()*";
	static const char hex[] = "0123456789ABCDEF";
	char *text = xmalloc(3 * strlen(name) + 1), *p = text;
	const unsigned char *s;

	for (s = (const unsigned char *)name; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL) {
			*p++ = (char)*s;
			continue;
		}
		*p++ = '%';
		*p++ = hex[*s >> 4];
		*p++ = hex[*s & 15];
	}
	*p = '\0';
	return text;
}

char *
ott_url(const char *base, const char *operation, const char *x5c)
{
	static const char allowed[] = ALNUM "-._~:/[]!$&'()*+,;=%";
	size_t n = strlen(base);
	char *url, *name;

	if (strncasecmp(base, "https://", 8) != 0 || base[8] == '\0' ||
	    base[8] == '/' || base[8] == ':' || base[strspn(base, allowed)] !=
	    '\0') {
		warnx("%s: not an https URL of a step-ca", esc(base));
		return NULL;
	}
	while (base[n - 1] == '/')
		n--;
	url = xasprintf("%.*s/1.0/%s", (int)n, base, operation);
	if (x5c != NULL) {
		name = fragment(x5c);
		base = url;
		url = xasprintf("%s#x5c/%s", base, name);
		free((void *)(size_t)base);
		free(name);
	}
	return url;
}

/* The common name of a subject, "" when there is none. */
static char *
common_name(const X509_NAME *name, const char *file)
{
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1), n;
	unsigned char *utf8;
	char *cn = NULL;

	if (i == -1)
		return xstrdup("");
	if (X509_NAME_get_index_by_NID(name, NID_commonName, i) != -1) {
		warnx("%s: a request with two common names", file);
		return NULL;
	}
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(name, i)));
	if (n > 0 && strlen((char *)utf8) == (size_t)n)
		cn = xstrdup((char *)utf8);
	else
		warnx("%s: a request with a common name that is no text",
		    file);
	if (n >= 0)
		OPENSSL_free(utf8);
	return cn;
}

int
ott_request(X509_REQ *req, const char *file, char **subject,
    struct names *names)
{
	char *cn;

	if (names_from_csr(names, req, file) == -1 || (cn =
	    common_name(X509_REQ_get_subject_name(req), file)) == NULL)
		return -1;
	if (names->n == 0 && *cn == '\0') {
		warnx("%s: a request without names; mkcsr -d NAME", file);
		free(cn);
		return -1;
	}
	if (names->n == 0 && names_add(names, name_kind(cn), cn) == -1) {
		free(cn);
		return -1;
	}
	if (*cn == '\0') {
		free(cn);
		cn = xstrdup(names->v[0].value);
	}
	*subject = cn;
	return 0;
}

/* Takes bn. */
static char *
decimal(BIGNUM *bn, const char *subject)
{
	char *dec, *text = NULL;

	if (bn == NULL || BN_is_zero(bn) || BN_is_negative(bn) ||
	    BN_num_bytes(bn) > SERIAL_BYTES)
		warnx("%s: not a serial number", esc(subject));
	else if ((dec = BN_bn2dec(bn)) != NULL) {
		text = xstrdup(dec);
		OPENSSL_free(dec);
	}
	BN_free(bn);
	return text;
}

char *
ott_serial(const char *text)
{
	int hex = strncasecmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	size_t n = strlen(digits);
	BIGNUM *bn = NULL;

	if (n > 0 && n <= 60 && digits[strspn(digits, hex ?
	    "0123456789abcdefABCDEF" : "0123456789")] == '\0')
		(void)(hex ? BN_hex2bn(&bn, digits) : BN_dec2bn(&bn, digits));
	return decimal(bn, text);
}

char *
ott_serial_of(const X509 *cert)
{
	return decimal(ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL),
	    "certificate");
}

int
ott_ok(const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *part;
	int n = 0, ok = strlen(text) <= OTT_MAX;

	while (ok && (part = strsep(&rest, ".")) != NULL)
		ok = ++n <= 3 && b64url_ok(part);
	free(copy);
	return ok && n == 3;
}
