/* SPDX-License-Identifier: ISC */
/*
 * The account key in a process of its own: it signs what it is asked to sign
 * and can do nothing else, so the process that talks to the network never has
 * the key in its memory.  Links with libcrypto.
 *
 * Beside the key KEY lies KEY.accounts, which says for each ACME directory
 * what the account of this key is called there (RFC 8555 section 7.3): lines
 * of "directory-URL account-URL".
 */
#ifndef ECA_SIGNER_H
#define ECA_SIGNER_H

#include <stddef.h>

struct signer;

/* What is public about the key. */
struct signer_info {
	const char *alg;	/* RFC 7518 section 3.1, RFC 8037 */
	const char *jwk;	/* as jws_jwk() writes it */
	const char *thumbprint;	/* RFC 7638 */
	const char *account;	/* account URL, "" when none is known */
};

/*
 * Start the signer for the key in the file path, before the sandbox and the
 * first connection.  With make, a file that does not exist is made, with a
 * new P-256 key.  The file is read in the signer: whether that went well is
 * seen at signer_info().  Returns NULL with a message when no process can be
 * had.
 */
struct signer *signer_start(const char *path, const char *directory, int make);

/*
 * Wait for the key to be read.  Returns NULL when it could not be; the signer
 * has printed why.  Owned by the signer.
 */
const struct signer_info *signer_info(struct signer *s);

/*
 * Sign len bytes (at most 128 KiB).  Returns an allocated buffer of *siglen
 * bytes for the caller to free, or NULL with a message.
 */
unsigned char *signer_sign(struct signer *s, const void *msg, size_t len,
    size_t *siglen);

/*
 * Remember what the account is called; "" forgets it.  0, or -1 when the
 * signer, which has said why, could not write it down.
 */
int signer_remember(struct signer *s, const char *account);

/*
 * Give the key file the name as, over whatever is there, in the same
 * directory.  0, or -1 with a message.
 */
int signer_install(struct signer *s, const char *as);

/* End the signer and wait for it.  NULL is fine. */
void signer_stop(struct signer *s);

#endif
