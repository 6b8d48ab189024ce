/* SPDX-License-Identifier: ISC */
/*
 * What every command shares: exit codes, safe text for messages, the checked
 * end of a program, numbers and times.  Links with libc only.  Messages are
 * printed with err(3); remote text goes through esc() first.
 */
#ifndef ECA_UTIL_H
#define ECA_UTIL_H

#include <sys/types.h>

#include <stddef.h>
#include <time.h>

/* The exit codes of all commands (sh/lib/base.sh has the same set). */
enum {
	EX_YES = 0,	/* yes, done */
	EX_NO = 1,	/* the documented "no" */
	EX_ERR = 2,	/* error, do not retry as is */
	EX_TEMP = 75	/* temporary, retry later */
};

/*
 * Text from a stranger made safe for a terminal: control characters,
 * backslash, bytes that are not UTF-8 and bidirectional controls come out as
 * \xNN; at most 500 bytes are shown, then "...".  Returns one of eight static
 * buffers in turn.  NULL is shown as "(none)".
 */
const char *esc(const char *s);
/* The same for len bytes that need not end in NUL. */
const char *escn(const char *s, size_t len);

/*
 * Is this character one that a terminal may obey or that hides what is there:
 * a control character, a bidirectional control, of no width, a line separator?
 */
int esc_wanted(unsigned long cp);

/*
 * The beginning of every command: a standard stream that is closed is taken by
 * /dev/null, opened so that its use fails.  Else the next file or socket would
 * get its number, and what is meant for stdout would go there.
 */
void std_fill(void);

/*
 * The end of a command that wrote to stdout: flushes and closes it.  Returns
 * rc, or EX_ERR with a message when something written was lost.
 */
int finish(int rc);

/* Print "name (eca) version" on stdout and exit 0, or 2 when it is lost. */
_Noreturn void version(void);

/*
 * A whole decimal number between min and max into *out.  Returns 0, or -1
 * without a message when s is anything else.
 */
int parse_num(const char *s, long long min, long long max, long long *out);

/*
 * The argument of option -opt as a number between min and max.  Exits 2 with
 * one line that names the range when it is anything else.
 */
long long opt_num(int opt, const char *s, long long min, long long max);
/* The last second of the year 9999: times are written with four digits. */
#define TIME_LAST 253402300799LL
/* The same as seconds since 1970, up to TIME_LAST. */
time_t opt_epoch(int opt, const char *s);
/* The same as a time of RFC 3339, after 1970. */
time_t opt_time(int opt, const char *s);
/* The same as the name or the number of a group. */
gid_t opt_group(int opt, const char *s);

/* Length of the text rfc3339() writes, with its NUL. */
#define RFC3339_SIZE 32
/* t as "2026-11-21T22:13:42Z" (RFC 3339, UTC) into buf, which is returned. */
const char *rfc3339(time_t t, char buf[RFC3339_SIZE]);

/*
 * A date-time of RFC 3339 section 5.6 into *t; a fraction of a second is cut
 * off.  0, or -1 without a message when s is anything else.
 */
int rfc3339_parse(const char *s, time_t *t);

/*
 * The UTC time for a date of the proleptic Gregorian calendar, in seconds
 * since 1970.  The arguments are taken as they are: month 1-12, day 1-31.
 */
time_t utc_seconds(int year, int month, int day, int hour, int min, int sec);

/* Monotonic milliseconds, for deadlines. */
long long mono_ms(void);

/* Allocation that cannot fail: exits 2 with a message when it would. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
