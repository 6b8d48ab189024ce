/* SPDX-License-Identifier: ISC */
/*
 * A store: generations of a private key with its certificates, one of them
 * current.
 *
 *	PATH/gen/NAME/		a generation: there as a whole, on the disk
 *	PATH/current		relative symbolic link to gen/NAME
 *	PATH/previous		a line: where current pointed to before
 *
 * Whoever resolves current once sees files of one generation; a kill at any
 * instant leaves the old one current or the new one.  What it leaves besides
 * (gen/.new, .current.new) the next store_open() removes.
 *
 * Links with libc only.
 */
#ifndef ECA_STORE_H
#define ECA_STORE_H

#include <sys/types.h>

#include <stddef.h>

struct store;

#define STORE_NO_GROUP ((gid_t)-1)

struct store_file {
	const char *name;
	mode_t mode;
	const char *text;
	size_t len;
};

/*
 * Open, lock and heal the store at path.  It is made when it is missing, and
 * so is the one directory above.  Directories that are made get mode 0700,
 * with a group 0750 and that group; so does a store that is there already
 * but closed to the group.  Returns EX_YES, or with a message EX_ERR, or
 * EX_TEMP when another process has it open.
 */
int store_open(const char *path, gid_t gid, struct store **s);

/*
 * Make the n files a new generation and make that the current one.  Its name
 * is name, or name-2 and so on when that is taken.  Files get exactly their
 * modes, and the group of the store.  HUP, INT, TERM and the like wait until
 * it is done.  Returns the path of the generation, to be freed by the caller,
 * or NULL with a message: then nothing has changed, unless the message says
 * that it is in place but could not be synced.
 */
char *store_install(struct store *s, const char *name,
    const struct store_file *files, size_t n);

/* Unlock and free; NULL is fine. */
void store_close(struct store *s);

#endif
