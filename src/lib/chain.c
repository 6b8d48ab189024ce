/* SPDX-License-Identifier: ISC */
/* Judge a chain of certificates: see chain.h. */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "chain.h"
#include "util.h"

static const char *const words[CHAIN_BITS] = {
	"expired",
	"not_yet_valid",
	"untrusted",
	"broken_link",
	"bad_signature",
	"not_a_ca",
	"not_allowed",
	"weak_key",
	"wrong_purpose",
	"name_mismatch",
	"names_differ",
	"key_mismatch",
	"invalid"
};

const char *
chain_reason(unsigned int bit)
{
	int i;

	for (i = 0; i < CHAIN_BITS; i++)
		if (bit == 1u << i)
			return words[i];
	return "unknown";
}

const char *
chain_reasons(unsigned int bits)
{
	static char buf[CHAIN_BITS * 16];
	int i, n = 0;

	buf[0] = '\0';
	for (i = 0; i < CHAIN_BITS; i++)
		if ((bits & 1u << i) != 0)
			n += snprintf(buf + n, sizeof(buf) - (size_t)n, "%s%s",
			    n > 0 ? ", " : "", words[i]);
	return buf;
}

int
chain_purpose(const char *word)
{
	static const char *const purposes[] = {"any", "server", "client", "ca"};
	int i;

	for (i = CHAIN_ANY; i <= CHAIN_CA; i++)
		if (strcmp(word, purposes[i]) == 0)
			return i;
	return -1;
}

/* Is this certificate marked as one of a CA (RFC 5280 section 4.2.1.9)? */
static int
is_ca(X509 *cert)
{
	return X509_check_ca(cert) == 1;
}

/* What an error of libcrypto's verification means here. */
static unsigned int
meaning(int error, X509 *cert, int depth)
{
	switch (error) {
	case X509_V_OK:
		return 0;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CHAIN_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CHAIN_NOT_YET_VALID;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		return CHAIN_UNTRUSTED;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
	case X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH:
	case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
		return CHAIN_BAD_SIGNATURE;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return CHAIN_NOT_A_CA;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return CHAIN_NOT_ALLOWED;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return CHAIN_WEAK_KEY;
	case X509_V_ERR_INVALID_PURPOSE:
		return depth == 0 || is_ca(cert) ? CHAIN_WRONG_PURPOSE :
		    CHAIN_NOT_A_CA;
	default:
		return CHAIN_INVALID;
	}
}

/* Called by libcrypto for each certificate and error: note and go on. */
static int
note(int ok, X509_STORE_CTX *ctx)
{
	unsigned int *bits = X509_STORE_CTX_get_app_data(ctx);

	if (!ok)
		*bits |= meaning(X509_STORE_CTX_get_error(ctx),
		    X509_STORE_CTX_get_current_cert(ctx),
		    X509_STORE_CTX_get_error_depth(ctx));
	return 1;
}

/* The links as they stand in the chain: each one certified by the next. */
static unsigned int
check_links(STACK_OF(X509) *chain)
{
	unsigned int bits = 0;
	X509 *cert, *issuer;
	EVP_PKEY *key;
	int error, i;

	for (i = 1; i < sk_X509_num(chain); i++) {
		cert = sk_X509_value(chain, i - 1);
		issuer = sk_X509_value(chain, i);
		if (!is_ca(issuer))
			bits |= CHAIN_NOT_A_CA;
		error = X509_check_issued(issuer, cert);
		if (error == X509_V_ERR_KEYUSAGE_NO_CERTSIGN)
			bits |= CHAIN_NOT_A_CA;
		else if (error != X509_V_OK) {
			bits |= CHAIN_BROKEN_LINK;
			continue;
		}
		key = X509_get0_pubkey(issuer);
		if (key == NULL || X509_verify(cert, key) != 1)
			bits |= CHAIN_BAD_SIGNATURE;
	}
	ERR_clear_error();
	return bits;
}

/* The times of all, those that the path can do without too. */
static unsigned int
check_times(STACK_OF(X509) *chain, time_t now)
{
	unsigned int bits = 0;
	X509 *cert;
	int i;

	for (i = 0; i < sk_X509_num(chain); i++) {
		cert = sk_X509_value(chain, i);
		if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0)
			bits |= CHAIN_EXPIRED;
		if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
			bits |= CHAIN_NOT_YET_VALID;
	}
	ERR_clear_error();
	return bits;
}

/* A store of what is trusted; the caller frees. */
static X509_STORE *
trusted(STACK_OF(X509) *chain, STACK_OF(X509) *anchors)
{
	X509_STORE *store = X509_STORE_new();
	int i, ok = store != NULL;

	if (anchors == NULL)
		ok = ok && X509_STORE_add_cert(store, sk_X509_value(chain,
		    sk_X509_num(chain) - 1)) == 1;
	else
		for (i = 0; ok && i < sk_X509_num(anchors); i++)
			ok = X509_STORE_add_cert(store,
			    sk_X509_value(anchors, i)) == 1;
	if (!ok)
		errx(EX_ERR, "memory: exhausted");
	return store;
}

/* The path to an anchor (RFC 5280 section 6), by libcrypto. */
static unsigned int
check_path(STACK_OF(X509) *chain, const struct chain_want *want)
{
	static const int purposes[] = {
		[CHAIN_ANY] = 0,
		[CHAIN_SERVER] = X509_PURPOSE_SSL_SERVER,
		[CHAIN_CLIENT] = X509_PURPOSE_SSL_CLIENT,
		[CHAIN_CA] = 0
	};
	X509_STORE *store = trusted(chain, want->anchors);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	unsigned int bits = 0;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, store,
	    sk_X509_value(chain, 0), chain) != 1 ||
	    X509_STORE_CTX_set_app_data(ctx, &bits) != 1)
		errx(EX_ERR, "memory: exhausted");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_time(param, want->now);
	X509_VERIFY_PARAM_set_auth_level(param, 2);	/* 112 bits */
	if (purposes[want->purpose] != 0)
		X509_VERIFY_PARAM_set_purpose(param, purposes[want->purpose]);
	X509_STORE_CTX_set_verify_cb(ctx, note);
	if (X509_verify_cert(ctx) != 1 && bits == 0)
		bits = CHAIN_INVALID;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return bits;
}

static unsigned int
check_leaf(X509 *leaf, const struct chain_want *want)
{
	unsigned int bits = 0;
	struct names names = {NULL, 0};
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	if (want->purpose == CHAIN_CA && !is_ca(leaf))
		bits |= CHAIN_WRONG_PURPOSE;
	if (want->key != NULL && (key == NULL ||
	    EVP_PKEY_eq(key, want->key) != 1))
		bits |= CHAIN_KEY_MISMATCH;
	if (want->name != NULL && !name_matches(leaf, want->name))
		bits |= CHAIN_NAME_MISMATCH;
	if (want->names != NULL) {
		names_show(&names, leaf);
		if (!names_equal(&names, want->names))
			bits |= CHAIN_NAMES_DIFFER;
		names_free(&names);
	}
	ERR_clear_error();
	return bits;
}

unsigned int
chain_check(STACK_OF(X509) *chain, const struct chain_want *want)
{
	return check_links(chain) | check_times(chain, want->now) |
	    check_path(chain, want) | check_leaf(sk_X509_value(chain, 0), want);
}
