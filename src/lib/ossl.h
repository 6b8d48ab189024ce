/* SPDX-License-Identifier: ISC */
/*
 * OpenSSL: its errors in our form of message, its clean-up left out.
 * Links with libcrypto.
 */
#ifndef ECA_OSSL_H
#define ECA_OSSL_H

/*
 * Print "tool: subject: reason" with the reason of the oldest OpenSSL error
 * (or fallback when there is none) and empty the error queue.
 */
void ossl_warn(const char *subject, const char *fallback);

/*
 * Start libcrypto for a program that only parses: openssl.cnf is not read
 * and nothing is freed at exit, which saves half a millisecond.  Programs
 * that make keys or signatures do not call this: there the operator's
 * openssl.cnf (a provider, FIPS) has its say.
 */
void ossl_reader(void);

#endif
