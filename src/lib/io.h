/* SPDX-License-Identifier: ISC */
/* Bounded reading of files and standard input.  Links with libc only. */
#ifndef ECA_IO_H
#define ECA_IO_H

#include <stddef.h>

/* The most that is read of anything in PEM: 1 MiB. */
#define IO_PEM_MAX ((size_t)1 << 20)

/*
 * Open path for reading, "-" or NULL for standard input.  Returns a
 * descriptor that the caller closes, or -1 with a message.  Directories are
 * refused.
 */
int io_open(const char *path);
/* The same for a directory, which not everybody may write. */
int io_open_dir(const char *path);

/*
 * Read path ("-" or NULL: standard input) whole, at most max bytes.  Returns
 * an allocated buffer that ends in a NUL of its own (not counted in *len), for
 * the caller to free, or NULL with a message that names the file.
 */
char *io_slurp(const char *path, size_t max, size_t *len);
/* The same from an open descriptor; name is for the messages. */
char *io_slurp_fd(int fd, const char *name, size_t max, size_t *len);

/* Write all len bytes, over EINTR and short writes.  0, or -1 with errno. */
int io_write(int fd, const void *buf, size_t len);

/* The name of an input in messages: the path, or "stdin". */
const char *io_name(const char *path);

#endif
