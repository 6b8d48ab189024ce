/* SPDX-License-Identifier: ISC */
/* Bootstrap tokens: see esttoken.h. */
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "esttoken.h"
#include "io.h"
#include "keyval.h"
#include "util.h"

#define FILE_MAX ((size_t)4096)
#define SALT_LEN 32
#define HASH_LEN 64
#define ALPHABET "0123456789abcdefghjkmnpqrstvwxyz"

/* What a token's file says. */
struct record {
	struct esttoken *token;
	char salt[SALT_LEN + 1];
	char hash[HASH_LEN + 1];
	char *labels;		/* NULL: every label */
	int has_uses;
	int has_expires;
	time_t expires;
};

/* The token in text as it was made, into out.  0, or -1 when it is none. */
static int
canonical(const char *text, char out[ESTTOKEN_LEN + 1])
{
	size_t n = 0;
	char c;

	for (; *text != '\0'; text++) {
		c = *text;
		if (c == '-' || c == ' ')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (c == 'o')
			c = '0';
		else if (c == 'i' || c == 'l')
			c = '1';
		if (strchr(ALPHABET, c) == NULL || n == ESTTOKEN_LEN)
			return -1;
		out[n++] = c;
	}
	out[n] = '\0';
	return n == ESTTOKEN_LEN ? 0 : -1;
}

/* SHA-256 of salt and token in hex, as est-token writes it. */
static int
digest(const char *salt, const char *token, char out[HASH_LEN + 1])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char text[SALT_LEN + ESTTOKEN_LEN + 1];
	unsigned int i, n;
	int len = snprintf(text, sizeof(text), "%s%s", salt, token);
	int ok = EVP_Digest(text, (size_t)len, md, &n, EVP_sha256(), NULL);

	for (i = 0; ok == 1 && i < HASH_LEN / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(md, sizeof(md));
	return ok == 1 ? 0 : -1;
}

static const char *
take_hex(char *out, size_t len, const char *value)
{
	if (strlen(value) != len || strspn(value, "0123456789abcdef") != len ||
	    *out != '\0')
		return "not so many hex digits, or twice";
	memcpy(out, value, len + 1);
	return NULL;
}

static const char *
take_key(void *arg, const char *key, const char *value)
{
	struct record *r = arg;

	if (strcmp(key, "SALT") == 0)
		return take_hex(r->salt, SALT_LEN, value);
	if (strcmp(key, "SHA256") == 0)
		return take_hex(r->hash, HASH_LEN, value);
	if (strcmp(key, "USES") == 0) {
		r->token->once = strcmp(value, "once") == 0;
		if (r->has_uses++ || (!r->token->once &&
		    strcmp(value, "many") != 0))
			return "neither once nor many, or twice";
	} else if (strcmp(key, "EXPIRES") == 0) {
		if (r->has_expires++ || rfc3339_parse(value, &r->expires) == -1)
			return "not a time such as 2026-12-31T23:59:59Z";
	} else if (strcmp(key, "LABEL") == 0) {
		if (r->labels != NULL)
			return "twice";
		r->labels = xstrdup(value);
	} else if (strcmp(key, "NAME") == 0) {
		if (strlen(value) > ESTTOKEN_NAME_MAX ||
		    *r->token->name != '\0')
			return "too long, or twice";
		strcpy(r->token->name, value);
	} else
		return "none of SALT, SHA256, USES, EXPIRES, LABEL, NAME";
	return NULL;
}

/* Read the token's file, open in t->fd.  0, or -1 with a message. */
static int
read_record(struct esttoken *t, struct record *r)
{
	char *buf, name[sizeof("token ") + ESTTOKEN_ID];
	struct stat st;
	size_t len;
	int rc;

	snprintf(name, sizeof(name), "token %s", t->id);
	if (fstat(t->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		warnx("%s: not a file that only its owner can write", name);
		return -1;
	}
	if ((buf = io_slurp_fd(t->fd, name, FILE_MAX, &len)) == NULL)
		return -1;
	rc = keyval_parse(buf, len, name, take_key, r);
	if (rc == 0 && (r->salt[0] == '\0' || r->hash[0] == '\0' ||
	    !r->has_uses || (!t->once && !r->has_expires))) {
		warnx("%s: SALT, SHA256, USES or EXPIRES is missing", name);
		rc = -1;
	}
	OPENSSL_cleanse(buf, len);
	free(buf);
	return rc;
}

/*
 * Is label one of the words of r->labels, which are cut up?  No label is called
 * default, as its configuration is.
 */
static int
label_ok(struct record *r, const char *label)
{
	char *list = r->labels, *word;

	if (list == NULL)
		return 1;
	if (*label == '\0')
		label = "default";
	while ((word = keyval_word(&list)) != NULL)
		if (strcmp(word, label) == 0)
			return 1;
	return 0;
}

/* Does the name still belong to what is open?  The lock may have come late. */
static int
still_there(const struct esttoken *t)
{
	struct stat mine, named;

	return fstat(t->fd, &mine) == 0 && fstatat(t->dirfd, t->id, &named,
	    AT_SYMLINK_NOFOLLOW) == 0 && mine.st_dev == named.st_dev &&
	    mine.st_ino == named.st_ino;
}

/* Judge the token, whose file is open. */
static int
judge(struct esttoken *t, struct record *r, const char *token,
    const char *label, time_t now, const char **why)
{
	char hash[HASH_LEN + 1];

	if (read_record(t, r) == -1 || digest(r->salt, token, hash) == -1)
		return EX_ERR;
	*why = NULL;
	if (CRYPTO_memcmp(hash, r->hash, HASH_LEN) != 0)
		*why = "wrong token";
	else if (r->has_expires && now >= r->expires)
		*why = "expired token";
	else if (!label_ok(r, label))
		*why = "token for another label";
	if (*why != NULL)
		return EX_NO;
	if (!t->once)
		return EX_YES;
	if (flock(t->fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			return EX_TEMP;
		warn("token %s", t->id);
		return EX_ERR;
	}
	if (!still_there(t)) {
		*why = "spent token";
		return EX_NO;
	}
	return EX_YES;
}

/* The file is not there: was it?  The hash is for the time it takes. */
static int
missing(const struct esttoken *t, const char *token, const char **why)
{
	static const char salt[SALT_LEN + 1] =
	    "00000000000000000000000000000000";
	char hash[HASH_LEN + 1], name[ESTTOKEN_ID + sizeof(".spent")];
	int e = errno;

	if (e != ENOENT) {
		warn("token %s", t->id);
		return EX_ERR;
	}
	snprintf(name, sizeof(name), "%s.spent", t->id);
	if (digest(salt, token, hash) == -1)
		return EX_ERR;
	*why = faccessat(t->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ?
	    "spent token" : "unknown token";
	return EX_NO;
}

int
esttoken_take(struct esttoken *t, const char *dir, const char *text,
    const char *label, time_t now, const char **why)
{
	char token[ESTTOKEN_LEN + 1];
	struct record r = {.token = t};
	int rc = EX_NO;

	memset(t, 0, sizeof(*t));
	t->fd = -1;
	*why = "no token at all";
	if ((t->dirfd = io_open_dir(dir)) == -1)
		return EX_ERR;
	if (canonical(text, token) == 0) {
		memcpy(t->id, token, ESTTOKEN_ID);
		t->fd = openat(t->dirfd, t->id, O_RDONLY | O_NOFOLLOW |
		    O_NONBLOCK | O_CLOEXEC);
		rc = t->fd == -1 ? missing(t, token, why) :
		    judge(t, &r, token, label, now, why);
	}
	free(r.labels);
	OPENSSL_cleanse(&r, sizeof(r));
	OPENSSL_cleanse(token, sizeof(token));
	if (rc == EX_TEMP)
		*why = "token in use by another request";
	if (rc != EX_YES)
		esttoken_drop(t);
	return rc;
}

int
esttoken_spend(struct esttoken *t)
{
	char to[ESTTOKEN_ID + sizeof(".spent")];
	int renamed;

	if (!t->once)
		return 0;
	if (!still_there(t)) {
		warnx("token %s: withdrawn", t->id);
		return -1;
	}
	snprintf(to, sizeof(to), "%s.spent", t->id);
	/* A new name may need space on the disk; to remove one needs none. */
	renamed = renameat(t->dirfd, t->id, t->dirfd, to) == 0;
	if (!renamed && unlinkat(t->dirfd, t->id, 0) == -1) {
		warn("token %s", t->id);
		return -1;
	}
	if (fsync(t->dirfd) == 0)
		return 0;
	warn("token %s: its directory cannot be synced", t->id);
	if (renamed)
		renameat(t->dirfd, to, t->dirfd, t->id);
	return -1;
}

void
esttoken_drop(struct esttoken *t)
{
	if (t->fd != -1)
		close(t->fd);
	if (t->dirfd != -1)
		close(t->dirfd);
	t->fd = t->dirfd = -1;
}
