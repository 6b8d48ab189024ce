/* SPDX-License-Identifier: ISC */
/*
 * The key of the provisioner in a process of its own: it is started before
 * anything a stranger sent is parsed, does nothing until it is given a request
 * that is to be signed, makes a one-time token for it and becomes step-sign.
 * Links with libcrypto.
 */
#ifndef ECA_ESTRACA_H
#define ECA_ESTRACA_H

#include <openssl/x509.h>

struct estconf;
struct estraca;

/* Start it, before the sandbox.  conf stays in use.  NULL with a message. */
struct estraca *estraca_start(const struct estconf *conf);

/*
 * Have the request signed, which takes MAX_SECONDS at most.  Once only.
 * Returns 0 with the certificate, for X509_free(); EX_ERR when the CA refuses,
 * EX_TEMP when it cannot be reached, both with a message.
 */
int estraca_sign(struct estraca *ca, X509_REQ *req, X509 **cert);

/* End it and wait for it.  NULL is fine. */
void estraca_stop(struct estraca *ca);

#endif
