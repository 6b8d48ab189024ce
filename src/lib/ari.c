/* SPDX-License-Identifier: ISC */
/* ACME Renewal Information: see ari.h. */
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "ari.h"
#include "b64.h"
#include "util.h"

#define SHORT_LIFE (10 * 86400)

char *
ari_cert_id(const X509 *cert)
{
	AUTHORITY_KEYID *akid = X509_get_ext_d2i(cert,
	    NID_authority_key_identifier, NULL, NULL);
	unsigned char *der = NULL;
	char *a, *s, *id = NULL;
	int n;

	/* The content of the INTEGER, a leading zero octet included. */
	n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);
	if (akid != NULL && akid->keyid != NULL && akid->keyid->length > 0 &&
	    n > 2 && der[1] < 0x80) {
		a = b64url(akid->keyid->data, (size_t)akid->keyid->length);
		s = b64url(der + 2, (size_t)n - 2);
		id = xasprintf("%s.%s", a, s);
		free(a);
		free(s);
	}
	OPENSSL_free(der);
	AUTHORITY_KEYID_free(akid);
	return id;
}

int
ari_window(const struct json *answer, struct ari_window *w)
{
	const struct json *sw = json_obj(answer, "suggestedWindow");
	const char *start = json_str(sw, "start"), *end = json_str(sw, "end");

	if (start == NULL || end == NULL ||
	    rfc3339_parse(start, &w->start) == -1 ||
	    rfc3339_parse(end, &w->end) == -1 || w->end <= w->start)
		return -1;
	return 0;
}

time_t
ari_moment(const struct ari_window *w, const char *cert_id, const char *host)
{
	char *text = xasprintf("%s\n%s\n%lld\n%lld", cert_id, host,
	    (long long)w->start, (long long)w->end);
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	uint64_t r = 0;
	int i;

	if (EVP_Digest(text, strlen(text), md, &n, EVP_sha256(), NULL) != 1)
		errx(EX_ERR, "SHA-256: not available");
	free(text);
	for (i = 0; i < 7; i++)
		r = r << 8 | md[i];
	return w->start + (time_t)(r % (uint64_t)(w->end - w->start));
}

void
ari_lifetime(time_t not_before, time_t not_after, struct ari_window *w)
{
	time_t life = not_after - not_before;
	time_t left = life < SHORT_LIFE ? life / 2 : life / 3;

	w->start = not_after - left;
	w->end = w->start + left / 10 + 1;
}
