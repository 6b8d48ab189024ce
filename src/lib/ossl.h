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

/*
 * Start libcrypto for a program that makes a key or a signature and ends:
 * openssl.cnf is read and obeyed, but what such a program never needs is left
 * out (names of old ciphers and digests, the clean-up), and random numbers
 * come from HASH-DRBG, which needs no cipher: half the work of a start.  To
 * be called before anything else of libcrypto.
 */
void ossl_maker(void);

#endif
