/* SPDX-License-Identifier: ISC */
/*
 * Files that must not outlive the program: temporary files and challenge
 * files are registered here and removed on exit(3) and on HUP, INT, QUIT,
 * TERM, PIPE, ALRM.  After the removal the signal ends the program as usual.
 * A forked child removes nothing that its parent registered.
 */
#ifndef ECA_CLEANUP_H
#define ECA_CLEANUP_H

/*
 * Register name in the directory dirfd, before the file is made; dirfd must
 * stay open.  name is copied.  Returns a slot, or -1 with a message when there
 * are too many (4096).
 */
int cleanup_file(int dirfd, const char *name);
/* The same for a directory: removed after the files, when it is empty. */
int cleanup_dir(int dirfd, const char *name);

/* Forget the slot: the file has got its final name or is gone.  -1 is fine. */
void cleanup_forget(int slot);

/* Remove the file of the slot now and forget it.  -1 is fine. */
void cleanup_now(int slot);

#endif
