/* SPDX-License-Identifier: ISC */
/* Bodies of EST: see estbody.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs7.h>

#include "estbody.h"
#include "pem.h"
#include "util.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What is wrong with a body that has byte c in it. */
static const char *
bad_byte(const char *text, size_t len, unsigned char c)
{
	static const char mark[] = "-----BEGIN ";

	if (memmem(text, len, mark, sizeof(mark) - 1) != NULL)
		return "PEM: the body must be bare base64, without the lines "
		    "BEGIN and END";
	if (c == '<')
		return "a page of HTML or XML, no base64";
	if (c == '-' || c == '_')
		return "base64url where base64 is wanted";
	if (c < 0x20 || c > 0x7e)
		return "binary, no base64";
	return "not base64";
}

/*
 * The text without white space into out.  Returns how many characters of the
 * alphabet and its padding there are (*pad: of the latter), or -1.
 */
static int
squeeze(const char *text, size_t len, char *out, int *pad, const char **why)
{
	int n = 0;
	size_t i;

	*pad = 0;
	for (i = 0; i < len; i++) {
		if (text[i] != '\0' && strchr("\r\n\t ", text[i]) != NULL)
			continue;
		if (text[i] == '=')
			++*pad;
		else if (text[i] == '\0' ||
		    strchr(alphabet, text[i]) == NULL) {
			*why = bad_byte(text, len, (unsigned char)text[i]);
			return -1;
		} else if (*pad > 0) {
			*why = "base64 that goes on behind its padding";
			return -1;
		}
		out[n++] = text[i];
	}
	if (n % 4 == 0 && *pad <= 2)
		return n;
	*why = "base64 that is cut off or wrongly padded";
	return -1;
}

unsigned char *
est_decode(const char *text, size_t len, size_t *n, const char **why)
{
	unsigned char *der = NULL;
	char *bare;
	int chars, pad, rc;

	if (len > EST_BODY_MAX) {
		*why = "larger than the limit";
		return NULL;
	}
	bare = xmalloc(len + 1);
	chars = squeeze(text, len, bare, &pad, why);
	if (chars == 0)
		*why = "empty";
	else if (chars > 0) {
		der = xmalloc((size_t)chars / 4 * 3);
		rc = EVP_DecodeBlock(der, (unsigned char *)bare, chars);
		if (rc < pad)	/* cannot be: all was looked at */
			errx(EX_ERR, "base64: cannot be decoded");
		*n = (size_t)(rc - pad);
	}
	OPENSSL_cleanse(bare, len);
	free(bare);
	return der;
}

char *
est_encode(const unsigned char *der, size_t len, unsigned int width, size_t *n)
{
	size_t chars = (len + 2) / 3 * 4, i, line;
	unsigned char *bare;
	char *out, *p;

	if (len > EST_BODY_MAX)
		errx(EX_ERR, "EST body: larger than the limit");
	bare = xmalloc(chars + 1);
	EVP_EncodeBlock(bare, der, (int)len);
	if (width == 0 || chars < EST_LINE_MAX)
		width = (unsigned int)chars;
	p = out = xmalloc(chars + (width > 0 ? chars / width : 0) + 2);
	for (i = 0; i < chars; i += line) {
		line = chars - i < width ? chars - i : width;
		memcpy(p, bare + i, line);
		p += line;
		*p++ = '\n';
	}
	*p = '\0';
	*n = (size_t)(p - out);
	free(bare);
	return out;
}

/* The certificates that are in there, or NULL. */
static STACK_OF(X509) *
inside(const PKCS7 *p7)
{
	if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL)
		return NULL;
	return p7->d.sign->cert;
}

STACK_OF(X509) *
est_certs(const unsigned char *der, size_t len, const char **why)
{
	const unsigned char *p = der;
	PKCS7 *p7 = len > EST_BODY_MAX ? NULL :
	    d2i_PKCS7(NULL, &p, (long)len);
	STACK_OF(X509) *certs = NULL;

	if (p7 == NULL)
		*why = "not PKCS#7";
	else if (p != der + len)
		*why = "bytes behind the PKCS#7";
	else if (!PKCS7_type_is_signed(p7))
		*why = "PKCS#7, but not of signed data";
	else if (inside(p7) == NULL || sk_X509_num(inside(p7)) == 0)
		*why = "PKCS#7 without a certificate";
	else if (sk_X509_num(inside(p7)) > EST_CERTS_MAX)
		*why = "PKCS#7 with too many certificates";
	else if ((certs = X509_chain_up_ref(inside(p7))) == NULL)
		errx(EX_ERR, "memory: exhausted");
	ERR_clear_error();
	PKCS7_free(p7);
	return certs;
}

/* What is in a SignedData before the certificates: version, no digest, data. */
static const unsigned char signed_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48,
    0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
static const unsigned char no_data[] = {0x02, 0x01, 0x01, 0x31, 0x00, 0x30,
    0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
static const unsigned char no_signer[] = {0x31, 0x00};

static void
put(unsigned char **p, const unsigned char *from, size_t len)
{
	memcpy(*p, from, len);
	*p += len;
}

unsigned char *
est_wrap(const unsigned char *certs, size_t len, size_t *n)
{
	int body, seq, content, total;
	unsigned char *der, *p;

	body = (int)(sizeof(no_data) + sizeof(no_signer));
	body += len > 0 ? ASN1_object_size(1, (int)len, 0) : 0;
	seq = ASN1_object_size(1, body, V_ASN1_SEQUENCE);
	content = (int)sizeof(signed_data) + ASN1_object_size(1, seq, 0);
	total = ASN1_object_size(1, content, V_ASN1_SEQUENCE);
	if ((p = der = OPENSSL_malloc((size_t)total)) == NULL)
		errx(EX_ERR, "memory: exhausted");
	ASN1_put_object(&p, 1, content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, signed_data, sizeof(signed_data));
	ASN1_put_object(&p, 1, seq, 0, V_ASN1_CONTEXT_SPECIFIC);
	ASN1_put_object(&p, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, no_data, sizeof(no_data));
	if (len > 0) {
		ASN1_put_object(&p, 1, (int)len, 0, V_ASN1_CONTEXT_SPECIFIC);
		put(&p, certs, len);
	}
	put(&p, no_signer, sizeof(no_signer));
	*n = (size_t)total;
	return der;
}

unsigned char *
est_certs_only(STACK_OF(X509) *certs, size_t *n)
{
	unsigned char *all = NULL, *p, *der;
	size_t len = 0;
	int i, add;

	for (i = 0; i < sk_X509_num(certs); i++) {
		if ((add = i2d_X509(sk_X509_value(certs, i), NULL)) <= 0)
			errx(EX_ERR, "memory: exhausted");
		all = xrealloc(all, len + (size_t)add);
		p = all + len;
		i2d_X509(sk_X509_value(certs, i), &p);
		len += (size_t)add;
	}
	der = est_wrap(all, len, n);
	free(all);
	return der;
}

X509_REQ *
est_csr(const unsigned char *der, size_t len, const char **why)
{
	const unsigned char *p = der;
	X509_REQ *req = len > EST_BODY_MAX ? NULL :
	    d2i_X509_REQ(NULL, &p, (long)len);
	EVP_PKEY *key;

	if (req == NULL)
		*why = "not a certificate request";
	else if (p != der + len)
		*why = "bytes behind the certificate request";
	else if ((key = X509_REQ_get0_pubkey(req)) == NULL ||
	    X509_REQ_verify(req, key) != 1)
		*why = "a request that its own key did not sign";
	else
		return req;
	ERR_clear_error();
	X509_REQ_free(req);
	return NULL;
}
