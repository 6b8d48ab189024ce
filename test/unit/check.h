/* SPDX-License-Identifier: ISC */
/*
 * check.h: what a unit test needs.  A test program is a list of cases, each
 * a function full of checks; it writes TAP on stdout (test/run counts it)
 * and ends with 0 when every check of every case held, else with 1.
 *
 *	static void
 *	decode(void)
 *	{
 *		CHECK(b64_decode("Zg") == 1);
 *		CHECK_STR(name, "f");
 *	}
 *
 *	int
 *	main(void)
 *	{
 *		check_case("base64: decodes RFC 4648 vectors", decode);
 *		return check_end();
 *	}
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

static int	check_cases;	/* cases so far */
static int	check_failed;	/* cases with a failed check */
static int	check_bad;	/* failed checks of the current case */

/* Each is an expression that is true when the check held. */
#define CHECK(cond)						\
	check_true((cond) ? 1 : 0, __FILE__, __LINE__, #cond)
#define CHECK_INT(got, want)					\
	check_int((long long)(got), (long long)(want),		\
	    __FILE__, __LINE__, #got)
#define CHECK_STR(got, want)					\
	check_str(got, want, __FILE__, __LINE__, #got)

static inline int
check_true(int ok, const char *file, int line, const char *what)
{
	if (!ok) {
		printf("# %s:%d: not true: %s\n", file, line, what);
		check_bad++;
	}
	return ok;
}

static inline int
check_int(long long got, long long want, const char *file, int line,
    const char *what)
{
	if (got == want)
		return 1;
	printf("# %s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
	check_bad++;
	return 0;
}

static inline int
check_str(const char *got, const char *want, const char *file, int line,
    const char *what)
{
	if (got == want || (got && want && strcmp(got, want) == 0))
		return 1;
	printf("# %s:%d: %s is \"%s\", not \"%s\"\n", file, line, what,
	    got ? got : "(null)", want ? want : "(null)");
	check_bad++;
	return 0;
}

/* Runs one case and reports it. */
static inline void
check_case(const char *name, void (*fn)(void))
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	check_bad = 0;
	fn();
	check_cases++;
	if (check_bad)
		check_failed++;
	printf("%s %d - %s\n", check_bad ? "not ok" : "ok", check_cases, name);
}

/* The plan comes last: a program that ends early is found by its absence. */
static inline int
check_end(void)
{
	printf("1..%d\n", check_cases);
	return check_failed != 0 || check_cases == 0;
}

#endif
