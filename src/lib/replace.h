/* SPDX-License-Identifier: ISC */
/*
 * The one way to write a file that others read.  Nobody sees half of it, a
 * power cut leaves the old file or the new one, a failure leaves no trace.
 *
 *	r = replace_open(path);			nothing visible yet
 *	io_write(replace_fd(r), ...);
 *	replace_commit(r, 0644);		or replace_create(r, 0600),
 *						or replace_abort(r)
 *
 * The bytes go to an unnamed file (O_TMPFILE) in the same directory, are
 * synced, then linked and renamed over the target, and the directory is
 * synced.  Between link and rename the new file is called .NAME.new; when a
 * kill leaves that behind, the next replacement of the same file takes it
 * away.  Where the file system knows no unnamed files, a temporary file
 * .NAME.XXXXXX takes their place and is registered with cleanup.h.
 *
 * Links with libc only.
 */
#ifndef ECA_REPLACE_H
#define ECA_REPLACE_H

#include <sys/types.h>

#include <stddef.h>

struct replace;

/*
 * Begin a new version of path, mode 0600.  A path whose last part is a
 * symbolic link or a directory is refused.  Returns NULL with a message.
 */
struct replace *replace_open(const char *path);

/* The descriptor to write to; owned by r. */
int replace_fd(const struct replace *r);

/*
 * Give the new version its mode and its name, over whatever is there.  Frees
 * r.  Returns 0, or -1 with a message; then the old file is untouched unless
 * the message says that only the directory could not be synced.
 */
int replace_commit(struct replace *r, mode_t mode);

/*
 * The same, but an existing file is never replaced: -1 with a message.  After
 * a failure there is no new file.
 */
int replace_create(struct replace *r, mode_t mode);

/* Throw the new version away.  Frees r; NULL is fine. */
void replace_abort(struct replace *r);

/* All of the above for a buffer.  Returns 0, or -1 with a message. */
int replace_write(const char *path, mode_t mode, const void *buf, size_t len);
int replace_write_new(const char *path, mode_t mode, const void *buf,
    size_t len);

#endif
