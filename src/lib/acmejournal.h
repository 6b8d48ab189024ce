/* SPDX-License-Identifier: ISC */
/*
 * The order that is under way, in a file: one JSON object with directory,
 * csr_sha256 and order (URL).  A run that was cut off is continued by the next
 * one with the same request at the same directory.
 */
#ifndef ECA_ACMEJOURNAL_H
#define ECA_ACMEJOURNAL_H

#include <openssl/x509.h>

struct journal;

/*
 * Open the file, made with mode 0600 when it is missing, and lock it, before
 * the sandbox.  What is broken in it, or about another request, counts for
 * nothing.  Returns 0 with *out, EX_TEMP when another run has it, EX_ERR; both
 * with a message.
 */
int journal_open(const char *path, const char *directory, X509_REQ *csr,
    struct journal **out);

/* The URL of the order that is under way, or NULL; owned by j. */
const char *journal_order(const struct journal *j);

/* Put down what the order is called, durably; NULL: none is under way. */
int journal_note(struct journal *j, const char *order);

/* NULL is fine. */
void journal_close(struct journal *j);

#endif
