/* SPDX-License-Identifier: ISC */
/* Bounded reading of files and standard input: see io.h. */
#include <sys/mman.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "util.h"

#define HUGE_PAGE (2 << 20)

const char *
io_name(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0 ? "stdin" : path;
}

int
io_open(const char *path)
{
	struct stat st;
	int fd;

	if (path == NULL || strcmp(path, "-") == 0) {
		if ((fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) == -1)
			warn("stdin");
		return fd;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1) {
		warn("%s", path);
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		warn("%s", path);
		close(fd);
		return -1;
	}
	return fd;
}

int
io_open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		warn("%s", path);
	else if ((st.st_mode & S_IWOTH) != 0)
		warnx("%s: everybody can write there: chmod o-w", path);
	else
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

/*
 * A first buffer.  For a large file it has the size of the file and one byte
 * more, which shows the end, in large pages where there are any: a thousand
 * small ones take longer to get than to read.
 */
static char *
first_buffer(int fd, size_t max, size_t *cap)
{
	struct stat st;
	size_t size;
	char *buf;

	*cap = 16384;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size < HUGE_PAGE || (uintmax_t)st.st_size > max)
		return xmalloc(*cap + 1);
	size = ((size_t)st.st_size + 2 + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	if ((buf = aligned_alloc(HUGE_PAGE, size)) == NULL)
		return xmalloc(*cap + 1);
	madvise(buf, size, MADV_HUGEPAGE);
	*cap = (size_t)st.st_size + 1;
	return buf;
}

char *
io_slurp_fd(int fd, const char *name, size_t max, size_t *len)
{
	size_t cap, n = 0;
	char *buf = first_buffer(fd, max, &cap);
	ssize_t r;

	for (;;) {
		if (n == cap) {
			cap *= 2;
			buf = xrealloc(buf, cap + 1);
		}
		r = read(fd, buf + n, cap - n);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1) {
			warn("%s", name);
			free(buf);
			return NULL;
		}
		if (r == 0)
			break;
		n += (size_t)r;
		if (n > max) {
			warnx("%s: larger than the limit of %zu bytes", name,
			    max);
			free(buf);
			return NULL;
		}
	}
	buf[n] = '\0';
	*len = n;
	return buf;
}

char *
io_slurp(const char *path, size_t max, size_t *len)
{
	char *buf;
	int fd;

	if ((fd = io_open(path)) == -1)
		return NULL;
	buf = io_slurp_fd(fd, io_name(path), max, len);
	close(fd);
	return buf;
}

int
io_write(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
