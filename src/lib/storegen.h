/* SPDX-License-Identifier: ISC */
/*
 * One generation of a store: its directory and files.  For store.c, which
 * says what is current.  Links with libc only.
 */
#ifndef ECA_STOREGEN_H
#define ECA_STOREGEN_H

#include <sys/types.h>

#include <stddef.h>

#include "store.h"

/* A generation before it has its name. */
#define GEN_NEW ".new"

struct store {
	char *path;	/* without slashes at the end */
	gid_t gid;
	int fd;		/* path */
	int gen;	/* path/gen, locked */
};

/* The name in gen/NAME, or NULL when target is anything else. */
const char *gen_of(const char *target);

/* Print errno about PATH/name.  Returns -1. */
int gen_fail(const struct store *s, const char *name);

/*
 * Open the directory name in dirfd, made when it is missing, and open it to
 * the group, if there is one, with this mode; without one it is 0700.  A
 * descriptor to be closed, or -1 with errno.
 */
int gen_dir(const struct store *s, int dirfd, const char *name, mode_t mode);

/*
 * The same for a path, of which the last parts may be missing, at most so
 * many.
 */
int gen_path(const struct store *s, const char *path, int missing);

/*
 * Write a new file into the directory, synced.  0, or -1 with errno; then a
 * part of it may be there.
 */
int gen_file(const struct store *s, int dir, const struct store_file *f);

/* Make GEN_NEW with all files, on the disk.  0, or -1 with a message. */
int gen_make(const struct store *s, const struct store_file *files, size_t n);

/*
 * Give GEN_NEW the name, or one with a number behind.  Returns that, to be
 * freed by the caller, or NULL with a message.
 */
char *gen_name(const struct store *s, const char *name);

/*
 * Is there a generation of this name with all files, and can they be read?
 * 1, 0, or -1 with errno.
 */
int gen_whole(const struct store *s, const char *name);

/*
 * Overwrite all files of the generation, remove them and it.  A file that
 * cannot be overwritten is removed all the same, but that is an error.
 * Returns 0, or -1 with a message.
 */
int gen_remove(const struct store *s, const char *name);

/* The same after a failure that has its message already. */
void gen_undo(const struct store *s, const char *name);

/*
 * Do that with all generations but the one to keep, on the disk.  Goes on
 * after an error.  Returns 0, or -1 with messages.
 */
int gen_remove_others(const struct store *s, const char *keep);

#endif
