/* SPDX-License-Identifier: ISC */
/*
 * oom.so: memory that runs out.  For LD_PRELOAD, before a program that calls
 * the allocator of glibc:
 *
 *	OOM_AT=N	the Nth allocation fails (0, or not set: none)
 *	OOM_STICKY=1	and so do all that come after it
 *	OOM_COUNT=file	the counter: 8 bytes in the order of the machine, which
 *			this makes anew; `od -An -t d8 file' reads it
 *
 * One counter runs over the program and all processes it forks, from the end
 * of the libraries' constructors on, and is up to date whatever ends them.
 * Programs that these execute are left alone.  Counted are malloc, calloc,
 * realloc to more than nothing, reallocarray and the aligned ones, and so
 * what libc does with them: strdup, getline, vasprintf, fopen, getaddrinfo.
 * Not counted: mmap and brk.
 *
 * A program that was not started or cannot be counted ends with 125.
 */
#include <sys/mman.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define OWN_ERROR 125

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

/* A place for the breakpoint of a debugger. */
void oom_here(void);

static _Atomic int64_t *count;	/* shared; NULL before we are started */
static int64_t at;
static int sticky;

__attribute__((constructor)) static void
start(void)
{
	const char *file = getenv("OOM_COUNT"), *n = getenv("OOM_AT");
	int fd = -1, flags = MAP_SHARED | MAP_ANONYMOUS;
	void *page;

	at = n != NULL ? strtoll(n, NULL, 10) : 0;
	sticky = getenv("OOM_STICKY") != NULL;
	if (file != NULL) {
		fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd == -1 || ftruncate(fd, sizeof(*count)) == -1)
			err(OWN_ERROR, "%s", file);
		flags = MAP_SHARED;
	}
	page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (page == MAP_FAILED)
		err(OWN_ERROR, "mmap");
	if (fd != -1)
		close(fd);
	unsetenv("LD_PRELOAD");
	count = page;
}

__attribute__((noinline)) void
oom_here(void)
{
	errno = ENOMEM;
}

/* Is it this one's turn to fail? */
static int
fails(void)
{
	int64_t n;

	if (count == NULL)
		return 0;
	n = atomic_fetch_add(count, 1) + 1;
	if (at == 0 || (sticky ? n < at : n != at))
		return 0;
	oom_here();
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	if (p != NULL && size == 0)
		return __libc_realloc(p, size);
	return fails() ? NULL : __libc_realloc(p, size);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

void *
memalign(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int
posix_memalign(void **p, size_t align, size_t size)
{
	void *new;

	if (align % sizeof(void *) != 0 || (align & (align - 1)) != 0)
		return EINVAL;
	if ((new = memalign(align, size)) == NULL)
		return ENOMEM;
	*p = new;
	return 0;
}
