/* SPDX-License-Identifier: ISC */
/* Private keys: see key.h. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "io.h"
#include "key.h"
#include "ossl.h"
#include "util.h"

EVP_PKEY *
key_new(const char *type)
{
	EVP_PKEY *key = NULL;

	if (strcasecmp(type, "P-256") == 0 || strcasecmp(type, "P-384") == 0)
		key = EVP_EC_gen(strcasecmp(type, "P-256") == 0 ? "P-256" :
		    "P-384");
	else if (strcasecmp(type, "Ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (strcasecmp(type, "rsa2048") == 0)
		key = EVP_RSA_gen(2048);
	else if (strcasecmp(type, "rsa3072") == 0)
		key = EVP_RSA_gen(3072);
	else if (strcasecmp(type, "rsa4096") == 0)
		key = EVP_RSA_gen(4096);
	else {
		warnx("%s: not a key type; one of " KEY_TYPES, esc(type));
		return NULL;
	}
	if (key == NULL)
		ossl_warn(type, "no key could be made");
	return key;
}

int
key_strong(EVP_PKEY *key, const char *subject)
{
	char group[64];
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		if (bits >= 2048 && bits <= 8192)
			return 0;
		warnx("%s: RSA key of %d bits; 2048 to 8192 are accepted",
		    subject, bits);
		return -1;
	}
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return 0;
	if (EVP_PKEY_is_a(key, "EC")) {
		if (EVP_PKEY_get_group_name(key, group, sizeof(group),
		    NULL) != 1)
			group[0] = '\0';
		if (strcmp(group, "prime256v1") == 0 ||
		    strcmp(group, "secp384r1") == 0 ||
		    strcmp(group, "secp521r1") == 0)
			return 0;
		warnx("%s: curve %s; P-256, P-384 and P-521 are accepted",
		    subject, group[0] != '\0' ? esc(group) : "without a name");
		return -1;
	}
	warnx("%s: key of an unknown kind; RSA, EC and Ed25519 are accepted",
	    subject);
	return -1;
}

/* ECPrivateKey of RFC 5915 section 3. */
struct ecpriv {
	int32_t version;
	ASN1_OCTET_STRING *priv;
	ASN1_TYPE *group;
	ASN1_BIT_STRING *pub;
};

ASN1_SEQUENCE(ecpriv) = {
	ASN1_EMBED(struct ecpriv, version, INT32),
	ASN1_SIMPLE(struct ecpriv, priv, ASN1_OCTET_STRING),
	ASN1_EXP_OPT(struct ecpriv, group, ASN1_ANY, 0),
	ASN1_EXP_OPT(struct ecpriv, pub, ASN1_BIT_STRING, 1)
} static_ASN1_SEQUENCE_END_name(struct ecpriv, ecpriv)

static void
ecpriv_free(struct ecpriv *ec)
{
	if (ec != NULL && ec->priv != NULL)
		OPENSSL_cleanse(ec->priv->data, (size_t)ec->priv->length);
	ASN1_item_free((ASN1_VALUE *)ec, ASN1_ITEM_rptr(ecpriv));
}

/* An EC key of the curve nid. */
static EVP_PKEY *
ec_make(int nid, const struct ecpriv *ec)
{
	unsigned char priv[66];
	char group[32];
	OSSL_PARAM params[4];
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	BIGNUM *bn = NULL;

	snprintf(group, sizeof(group), "%s", OBJ_nid2sn(nid));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, priv,
	    sizeof(priv));
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    ec->pub->data, (size_t)ec->pub->length);
	params[3] = OSSL_PARAM_construct_end();
	if ((bn = BN_bin2bn(ec->priv->data, ec->priv->length, NULL)) != NULL &&
	    BN_bn2nativepad(bn, priv, sizeof(priv)) > 0 &&
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	OPENSSL_cleanse(priv, sizeof(priv));
	BN_clear_free(bn);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/*
 * The short way to the key most of our files hold, PKCS#8 with a named curve
 * and both halves: libcrypto's own decoder takes longer to get ready than a
 * whole signature.  NULL without a message for everything else.
 */
static EVP_PKEY *
ec_read(BIO *bio)
{
	const ASN1_OBJECT *oid;
	const X509_ALGOR *alg;
	const void *group;
	const unsigned char *p;
	unsigned char *der = NULL;
	char *label = NULL, *header = NULL;
	PKCS8_PRIV_KEY_INFO *p8 = NULL;
	struct ecpriv *ec = NULL;
	EVP_PKEY *key = NULL;
	long len = 0;
	int n, ptype;

	if (PEM_read_bio(bio, &label, &header, &der, &len) != 1 ||
	    strcmp(label, PEM_STRING_PKCS8INF) != 0 || header[0] != '\0')
		goto out;
	p = der;
	if ((p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, len)) == NULL ||
	    p != der + len || PKCS8_pkey_get0(&oid, &p, &n, &alg, p8) != 1 ||
	    OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey)
		goto out;
	X509_ALGOR_get0(NULL, &ptype, &group, alg);
	ec = (struct ecpriv *)ASN1_item_d2i(NULL, &p, n,
	    ASN1_ITEM_rptr(ecpriv));
	if (ptype == V_ASN1_OBJECT && ec != NULL && ec->pub != NULL)
		key = ec_make(OBJ_obj2nid(group), ec);
out:
	ecpriv_free(ec);
	PKCS8_PRIV_KEY_INFO_free(p8);
	OPENSSL_clear_free(der, (size_t)len);
	OPENSSL_free(header);
	OPENSSL_free(label);
	ERR_clear_error();
	return key;
}

/* The same way back.  NULL without a message for everything else. */
static PKCS8_PRIV_KEY_INFO *
ec_write(EVP_PKEY *key)
{
	unsigned char priv[66], pub[1 + 2 * 66], *der = NULL;
	PKCS8_PRIV_KEY_INFO *p8 = NULL;
	struct ecpriv *ec = NULL;
	BIGNUM *bn = NULL;
	char group[32];
	size_t publen, size = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
	int n = -1;

	if (!EVP_PKEY_is_a(key, "EC") || size > sizeof(priv) ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    OBJ_sn2nid(group) == NID_undef ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &bn) != 1 ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, pub,
	    sizeof(pub), &publen) != 1)
		goto out;
	ec = (struct ecpriv *)ASN1_item_new(ASN1_ITEM_rptr(ecpriv));
	if (ec == NULL || (ec->pub = ASN1_BIT_STRING_new()) == NULL)
		goto out;
	ec->version = 1;
	ec->pub->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	if (BN_bn2binpad(bn, priv, (int)size) != -1 &&
	    ASN1_OCTET_STRING_set(ec->priv, priv, (int)size) == 1 &&
	    ASN1_STRING_set(ec->pub, pub, (int)publen) == 1)
		n = ASN1_item_i2d((ASN1_VALUE *)ec, &der,
		    ASN1_ITEM_rptr(ecpriv));
	if (n <= 0 || (p8 = PKCS8_PRIV_KEY_INFO_new()) == NULL ||
	    PKCS8_pkey_set0(p8, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), 0,
	    V_ASN1_OBJECT, OBJ_nid2obj(OBJ_sn2nid(group)), der, n) != 1) {
		PKCS8_PRIV_KEY_INFO_free(p8);
		p8 = NULL;
		OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
	}
out:
	OPENSSL_cleanse(priv, sizeof(priv));
	BN_clear_free(bn);
	ecpriv_free(ec);
	ERR_clear_error();
	return p8;
}

/* Called when a key turns out to be encrypted: there is nobody to ask. */
static int
no_password(char *buf, int size, int writing, void *seen)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(int *)seen = 1;
	return -1;
}

static int
private_file(int fd, const char *path, const char *what)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		warn("%s", path);
		return -1;
	}
	if (S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0) {
		warnx("%s: mode %04o: a %s must not be open to others "
		    "or writable by its group; chmod 0600 or 0640", path,
		    (unsigned int)st.st_mode & 07777, what);
		return -1;
	}
	return 0;
}

/* Is an EC key whole?  Its point is kept in the form that every CA reads. */
static int
ec_whole(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	int ok = ctx != NULL && EVP_PKEY_private_check(ctx) == 1 &&
	    EVP_PKEY_pairwise_check(ctx) == 1 &&
	    EVP_PKEY_set_utf8_string_param(key,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* Does it verify what it signs?  RSA's own check takes a hundred times that. */
static int
signs(EVP_PKEY *key)
{
	unsigned char sig[1024];
	size_t len = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, sig, 0) == 1 &&
	    EVP_MD_CTX_reset(ctx) == 1 &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, len, sig, 0) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* A file holds both halves, and libcrypto does not compare them. */
static int
key_whole(EVP_PKEY *key, const char *subject)
{
	if (EVP_PKEY_is_a(key, "EC") ? ec_whole(key) : signs(key))
		return 0;
	warnx("%s: a broken key: its halves do not belong together", subject);
	return -1;
}

EVP_PKEY *
key_load(const char *path)
{
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	char *buf = NULL;
	unsigned long e;
	size_t len = 0;
	int fd, encrypted = 0;

	if ((fd = io_open(path)) == -1)
		return NULL;
	if (private_file(fd, io_name(path), "private key") == -1 ||
	    (buf = io_slurp_fd(fd, io_name(path), IO_PEM_MAX, &len)) == NULL)
		goto out;
	if ((bio = BIO_new_mem_buf(buf, (int)len)) == NULL) {
		ossl_warn(path, "out of memory");
		goto out;
	}
	if ((key = ec_read(bio)) == NULL && BIO_reset(bio) == 1)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password,
		    &encrypted);
	e = ERR_peek_last_error();
	if (key == NULL && (encrypted || (ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_UNSUPPORTED_ENCRYPTION)))
		warnx("%s: the key is encrypted; an unencrypted one is needed",
		    io_name(path));
	else if (key == NULL)
		warnx("%s: no private key in PEM form found", io_name(path));
	else if (key_strong(key, io_name(path)) == -1 ||
	    key_whole(key, io_name(path)) == -1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	ERR_clear_error();
out:
	BIO_free(bio);
	if (buf != NULL)
		key_pem_free(buf, len);
	close(fd);
	return key;
}

char *
key_secret(const char *path, size_t max, size_t *len)
{
	char *text = NULL;
	int fd = io_open(path);

	if (fd == -1)
		return NULL;
	if (private_file(fd, io_name(path), "secret") == 0)
		text = io_slurp_fd(fd, io_name(path), max, len);
	close(fd);
	return text;
}

char *
key_pem(EVP_PKEY *key, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	PKCS8_PRIV_KEY_INFO *p8;
	char *p, *pem = NULL;
	long n;

	if ((p8 = ec_write(key)) == NULL)
		p8 = EVP_PKEY2PKCS8(key);
	if (bio == NULL || p8 == NULL ||
	    PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8) != 1 ||
	    (n = BIO_get_mem_data(bio, &p)) <= 0) {
		ossl_warn("key", "cannot be written as PEM");
	} else {
		pem = xmalloc((size_t)n);
		memcpy(pem, p, (size_t)n);
		*len = (size_t)n;
	}
	PKCS8_PRIV_KEY_INFO_free(p8);
	BIO_free(bio);
	return pem;
}

void
key_pem_free(char *pem, size_t len)
{
	OPENSSL_cleanse(pem, len);
	free(pem);
}

void
key_no_dump(void)
{
	static const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}
