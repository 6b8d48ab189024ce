/* SPDX-License-Identifier: ISC */
/* ACME Renewal Information (RFC 9773).  Links with libcrypto. */
#ifndef ECA_ARI_H
#define ECA_ARI_H

#include <time.h>

#include <openssl/x509.h>

#include "json.h"

struct ari_window {
	time_t start;
	time_t end;
};

/*
 * What ACME calls a certificate (section 4.1): the key identifier of its
 * authority and its serial number, base64url, a dot between.  The caller
 * frees.  NULL without a message when the certificate names no authority key.
 */
char *ari_cert_id(const X509 *cert);

/*
 * The suggestedWindow of an answer (section 4.2).  0, or -1 without a message
 * when there is none or it ends before it begins.
 */
int ari_window(const struct json *answer, struct ari_window *w);

/*
 * The moment in the window at which this host renews this certificate: spread
 * evenly over hosts and certificates, the same each time it is asked.
 */
time_t ari_moment(const struct ari_window *w, const char *cert_id,
    const char *host);

/*
 * The window for a server that says nothing: from the moment when a third of
 * the lifetime is left (half of it, when that is under ten days) for a tenth
 * of what is left then.
 */
void ari_lifetime(time_t not_before, time_t not_after, struct ari_window *w);

#endif
