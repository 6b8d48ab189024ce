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
 * From now on memory that libcrypto cannot have ends the program, as in
 * util.h.  By itself it goes on without: it crashes, or takes a good key or a
 * good chain for a bad one.  There is no clean-up at exit.  To be called before
 * anything else of libcrypto; the two functions below do it too.
 */
void ossl_memory(void);

/*
 * Start libcrypto for a program that only parses: openssl.cnf is not read
 * and nothing is freed at exit, which saves half a millisecond.
 */
void ossl_reader(void);

/*
 * Start libcrypto for a program that makes a key or a signature and ends, in
 * a third of the time.  A configuration (a provider, FIPS) is read and obeyed
 * when OPENSSL_CONF names it; the system's openssl.cnf, which says nothing of
 * that kind unless edited, is not read.  Left out are the names of old ciphers
 * and digests, the texts of errors (ossl_warn() prints its fallback) and the
 * clean-up.  Random numbers come from HASH-DRBG, which needs no cipher.  To be
 * called before anything else of libcrypto.
 */
void ossl_maker(void);

#endif
