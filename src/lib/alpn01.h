/* SPDX-License-Identifier: ISC */
/*
 * The server side of TLS-ALPN-01 (RFC 8737): a process of its own that speaks
 * acme-tls/1 and nothing else, and shows whoever asks for a name the
 * certificate that proves it.  An IP address is asked for by its reverse name
 * (RFC 8738 section 6).  Links with libssl.
 */
#ifndef ECA_ALPN01_H
#define ECA_ALPN01_H

#include <openssl/x509.h>

#include "responder.h"

/*
 * Listen on addr:port, before the sandbox.  Told with responder_tell(): a DNS
 * name or IP address, and the SHA-256 of the key authorization as base64url.
 * NULL with a message.
 */
struct responder *alpn01_start(const char *addr_port);

/*
 * The self-signed certificate (RFC 8737 section 3) for that name or address
 * with that digest, signed with key.  NULL with a message.
 */
X509 *alpn01_cert(EVP_PKEY *key, const char *ident, const char *digest);

/*
 * The server name a validation server asks for: the name itself, or for an
 * address its name below in-addr.arpa or ip6.arpa.  The caller frees.  NULL
 * without a message when ident is neither.
 */
char *alpn01_sni(const char *ident);

#endif
