/* SPDX-License-Identifier: ISC */
/*
 * Confinement: what a program may still do once it starts to parse what a
 * stranger sent.  Landlock on Linux, as much of it as the kernel knows (files
 * from ABI 1, TCP from 4, abstract sockets and signals from 6); a kernel
 * without it confines nothing and that is no error, a kernel that has it and
 * refuses is one.  Links with libc only.
 *
 *	s = sandbox_begin();
 *	sandbox_path(s, "/etc", SANDBOX_READ);
 *	sandbox_connect(s, 443);
 *	if (sandbox_apply(s) == -1) ...
 *
 * What is open stays usable.  Nothing else can be opened, made, removed,
 * executed, connected to or bound, and no process outside can be signalled.
 */
#ifndef ECA_SANDBOX_H
#define ECA_SANDBOX_H

#define SANDBOX_READ 1		/* read files, list directories */
#define SANDBOX_CREATE 2	/* make, write, remove files in a directory */

/* Begin a set of rules. */
int sandbox_begin(void);

/* Allow access below path.  A path that does not exist allows nothing. */
void sandbox_path(int s, const char *path, int access);

/* Allow TCP connections to a port. */
void sandbox_connect(int s, unsigned int port);

/* Allow what a client needs: the port of its server, and name resolution. */
void sandbox_client(int s, unsigned int port);

/*
 * Confine this process and its children from now on, for good.  Returns 0, or
 * -1 with a message.
 */
int sandbox_apply(int s);

/* The same with no rules: for filters, once everything is open. */
int sandbox_stdio(void);

#endif
