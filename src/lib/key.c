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
private_file(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		warn("%s", path);
		return -1;
	}
	if (S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0) {
		warnx("%s: mode %04o: a private key must not be open to others "
		    "or writable by its group; chmod 0600 or 0640", path,
		    (unsigned int)st.st_mode & 07777);
		return -1;
	}
	return 0;
}

EVP_PKEY *
key_load(const char *path)
{
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	char *buf = NULL;
	size_t len = 0;
	int fd, encrypted = 0;

	if ((fd = io_open(path)) == -1)
		return NULL;
	if (private_file(fd, io_name(path)) == -1 ||
	    (buf = io_slurp_fd(fd, io_name(path), IO_PEM_MAX, &len)) == NULL)
		goto out;
	if ((bio = BIO_new_mem_buf(buf, (int)len)) == NULL) {
		ossl_warn(path, "out of memory");
		goto out;
	}
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted);
	if (encrypted)
		warnx("%s: the key is encrypted; an unencrypted one is needed",
		    io_name(path));
	else if (key == NULL)
		warnx("%s: no private key in PEM form found", io_name(path));
	else if (key_strong(key, io_name(path)) == -1) {
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
key_pem(EVP_PKEY *key, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p, *pem = NULL;
	long n;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	    0, NULL, NULL) != 1 || (n = BIO_get_mem_data(bio, &p)) <= 0) {
		ossl_warn("key", "cannot be written as PEM");
	} else {
		pem = xmalloc((size_t)n);
		memcpy(pem, p, (size_t)n);
		*len = (size_t)n;
	}
	BIO_free(bio);
	return pem;
}

void
key_pem_free(char *pem, size_t len)
{
	OPENSSL_cleanse(pem, len);
	free(pem);
}

int
key_spki_sha256(EVP_PKEY *key, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned int mdlen = 0;
	int i, n, rc = -1;

	if ((n = i2d_PUBKEY(key, &der)) > 0 &&
	    EVP_Digest(der, (size_t)n, md, &mdlen, EVP_sha256(), NULL) == 1 &&
	    mdlen == 32) {
		for (i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", md[i]);
		rc = 0;
	} else
		ossl_warn("key", "no SHA-256 of its public half");
	OPENSSL_free(der);
	return rc;
}

void
key_no_dump(void)
{
	static const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}
