/* SPDX-License-Identifier: ISC */
/*
 * A store: generations of a private key with its certificates, one of them
 * current.
 *
 *	PATH/gen/NAME/		a generation: there as a whole, on the disk
 *	PATH/current		relative symbolic link to gen/NAME
 *	PATH/previous		a line: where a rollback leads to
 *	PATH/proven		relative symbolic link to the generation that
 *				has been seen in service, once there is one
 *
 * Whoever resolves current once sees files of one generation; a kill at any
 * instant leaves the old one current or the new one.  What current and
 * previous shall be is prepared as .current.new and .previous.new, then the
 * first is renamed, then the second.  So the next opening can tell what a
 * kill left: with .current.new there nothing was switched, and both are
 * removed; .previous.new alone is renamed.  gen/.new and .proven.new are
 * removed.
 *
 * All that is removed is overwritten before.  Links with libc only.
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
 * Open, lock and heal the store at path.  Returns EX_YES, or with a message
 * EX_ERR, or EX_TEMP when another process has it open.
 */
int store_open(const char *path, struct store **s);

/*
 * The same, but it is made when it is missing, and so is the one directory
 * above.  Directories that are made get mode 0700, with a group 0750 and that
 * group; so does a store that is there already but closed to the group.
 */
int store_make(const char *path, gid_t gid, struct store **s);

/*
 * Make the n files a new generation and make that the current one.  Its name
 * is name, or name-2 and so on when that is taken.  Files get exactly their
 * modes, and the group of the store.  previous is what was current, or what
 * is proven when that was another one and is still there.  HUP, INT, TERM and
 * the like wait until it is done.  Returns the path of the generation, to be
 * freed by the caller, or NULL with a message: then nothing has changed,
 * unless the message says that it is current.
 */
char *store_install(struct store *s, const char *name,
    const struct store_file *files, size_t n);

/*
 * The path of the generation that previous names, to be freed by the caller.
 * Returns EX_YES; EX_NO with a message when there is none, when it is the
 * current one, or when not all of its files are there; EX_ERR with a message.
 */
int store_previous(const struct store *s, char **path);

/*
 * Make the generation that previous names current, and let previous name the
 * one that was.  Returns 0, or -1 with a message: then nothing has changed,
 * unless the message says so.
 */
int store_swap(struct store *s);

/*
 * What is current is proven: note that, overwrite and remove all other
 * generations, and forget previous at last: so it can be seen when that was cut
 * short.  A second call completes it; with nothing to do nothing is written.
 * Returns 0, or -1 with a message.
 */
int store_commit(struct store *s);

/*
 * Print on stdout which generation is current now, without need of memory:
 * the switch is done, whatever becomes of this.  EX_YES, or EX_ERR with a
 * message.
 */
int store_report(const char *path);

/* Unlock and free; NULL is fine. */
void store_close(struct store *s);

#endif
