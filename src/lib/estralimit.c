/* SPDX-License-Identifier: ISC */
/* How much est-ra does for strangers: see estralimit.h. */
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "estralimit.h"
#include "io.h"
#include "util.h"

#define SETS 512
#define WAYS 8		/* addresses of one hash */

struct entry {
	uint64_t who;		/* hash of the address */
	uint32_t minute;
	uint32_t count;
};

/* The file: a salt, so that nobody can choose addresses of one hash; sets. */
struct salt {
	unsigned char b[sizeof(struct entry)];
};

static off_t
place_of(uint64_t who)
{
	return (off_t)(sizeof(struct salt) +
	    who % SETS * WAYS * sizeof(struct entry));
}

/* FNV-1a behind the salt. */
static uint64_t
hash(const struct salt *salt, const unsigned char *p, size_t len)
{
	uint64_t h = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < sizeof(salt->b); i++)
		h = (h ^ salt->b[i]) * 1099511628211ULL;
	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h ^ h >> 32;
}

static uint64_t
hash_address(const struct salt *salt, const char *address)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, address, a) == 1)
		return hash(salt, a, 4);
	if (inet_pton(AF_INET6, address, a) == 1)
		return hash(salt, a, 8);
	return hash(salt, NULL, 0);
}

/* Open the file, locked, whole; -1 with a message. */
static int
open_counts(const char *path, struct salt *salt)
{
	const off_t size = place_of(SETS - 1) +
	    (off_t)(WAYS * sizeof(struct entry));
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd == -1 || flock(fd, LOCK_EX) == -1 || fstat(fd, &st) == -1)
		goto fail;
	if (st.st_size == size &&
	    pread(fd, salt, sizeof(*salt), 0) == (ssize_t)sizeof(*salt))
		return fd;
	/* New: its blocks now, so that a full disk stops nothing later. */
	if (ftruncate(fd, 0) == -1 ||
	    (errno = posix_fallocate(fd, 0, size)) != 0)
		goto fail;
	if (getrandom(salt, sizeof(*salt), 0) == (ssize_t)sizeof(*salt) &&
	    pwrite(fd, salt, sizeof(*salt), 0) == (ssize_t)sizeof(*salt))
		return fd;
fail:
	warn("%s", path);
	if (fd != -1)
		close(fd);
	return -1;
}

/* The entry of who in a set, or the one that is worth least. */
static struct entry *
find(struct entry *set, uint64_t who, uint32_t minute)
{
	struct entry *e, *least = set;

	for (e = set; e < set + WAYS; e++) {
		if (e->who == who && e->minute == minute)
			return e;
		if (e->minute != minute)
			e->count = 0;
		if (e->count < least->count)
			least = e;
	}
	*least = (struct entry){.who = who, .minute = minute};
	return least;
}

int
estralimit_count(const char *dir, const char *address, int max, time_t now)
{
	char *path = xasprintf("%s/counts", dir);
	struct entry set[WAYS], *e;
	struct salt salt;
	uint64_t who;
	int fd, rc = -1;

	if ((fd = open_counts(path, &salt)) == -1)
		goto out;
	who = hash_address(&salt, address);
	if (pread(fd, set, sizeof(set), place_of(who)) !=
	    (ssize_t)sizeof(set)) {
		warnx("%s: cut short; remove it", path);
		goto out;
	}
	e = find(set, who, (uint32_t)(now / 60));
	rc = e->count >= (uint32_t)max;
	if (rc == 0)
		e->count++;
	if (pwrite(fd, set, sizeof(set), place_of(who)) !=
	    (ssize_t)sizeof(set)) {
		warn("%s", path);
		rc = -1;
	}
out:
	if (fd != -1)
		close(fd);
	free(path);
	return rc;
}

int
estralimit_place(const char *dir, int max)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	char *path = xasprintf("%s/places", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = -1;

	if (fd != -1) {
		for (rc = 1; rc == 1 && l.l_start < max; l.l_start++) {
			l.l_pid = 0;
			if (fcntl(fd, F_OFD_SETLK, &l) == 0)
				rc = 0;
			else if (errno != EAGAIN && errno != EACCES)
				rc = -1;
		}
	}
	if (rc == -1)
		warn("%s", path);
	if (rc != 0 && fd != -1)
		close(fd);
	free(path);
	return rc;	/* the file stays open: that is the place */
}
