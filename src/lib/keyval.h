/* SPDX-License-Identifier: ISC */
/*
 * KEY=value data: one a line, blank lines and those that begin with # are
 * passed over.  Nothing is quoted, nothing is expanded; blanks around the
 * value are not part of it.  Links with libc only.
 */
#ifndef ECA_KEYVAL_H
#define ECA_KEYVAL_H

#include <stddef.h>

/* The most a file of this kind may have. */
#define KEYVAL_MAX ((size_t)64 << 10)

/*
 * Called for each line with what keyval_parse() was given.  Returns NULL, or
 * why the key or the value is refused.
 */
typedef const char *keyval_fn(void *arg, const char *key, const char *value);

/*
 * Call each for every line of text (len bytes, a NUL behind them), which is
 * cut up for it.  Returns 0, or -1 with a message about name and the number of
 * the line: no KEY= at its beginning (capitals, digits and _), a control
 * character or a byte that is not ASCII in it, or refused by each.
 */
int keyval_parse(char *text, size_t len, const char *name, keyval_fn *each,
    void *arg);

/*
 * For whoever wants to hear of more than the first fault: each is called for
 * every line that is not blank and no comment, with key and value, or else with
 * why it is refused.  Returns 0, or -1 at once when each does.
 */
typedef int keyval_line_fn(void *arg, unsigned int line, const char *key,
    const char *value, const char *why);
int keyval_lines(char *text, size_t len, keyval_line_fn *each, void *arg);

/* keyval_parse() for a file, up to KEYVAL_MAX bytes. */
int keyval_load(const char *path, keyval_fn *each, void *arg);

/*
 * Take the next word off *list, words being separated by blanks: it begins at
 * the pointer returned and is NUL-terminated.  NULL at the end.
 */
char *keyval_word(char **list);

#endif
