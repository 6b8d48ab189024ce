/* SPDX-License-Identifier: ISC */
/* Tests of keyval.c: lines that are taken and lines that are refused. */
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "keyval.h"
#include "util.h"

static char seen[256];
static unsigned int lines;

static const char *
see(void *arg, const char *key, const char *value)
{
	size_t n = strlen(seen);

	lines++;
	snprintf(seen + n, sizeof(seen) - n, "%s[%s=%s]", (char *)arg, key,
	    value);
	return strcmp(key, "BAD") == 0 ? "bad" : NULL;
}

static int
parse(const char *text, size_t len)
{
	char buf[256], mark[] = ".";

	memset(buf, 0, sizeof(buf));
	memcpy(buf, text, len);
	seen[0] = '\0';
	lines = 0;
	return keyval_parse(buf, len, "test", see, mark);
}

static void
good(void)
{
	static const char text[] = "# a comment\n\nA=1\n B_2= \t x = y \t\n"
	    "  \nC=";

	CHECK_INT(parse("", 0), 0);
	CHECK_STR(seen, "");
	CHECK_INT(parse(text, sizeof(text) - 1), -1);	/* a blank before B */
	CHECK_STR(seen, ".[A=1]");
	CHECK_INT(parse("B_2= \t x = y \t\n  \nC=", 20), 0);
	CHECK_STR(seen, ".[B_2=x = y].[C=]");
}

static void
bad(void)
{
	static const char *const texts[] = {
		"a=1", "=1", "A", "A B=1", "A=\001", "A=\r\n", "A=\x7f",
		"A=\xc3\xa4", "BAD=1", "export A=1"
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!CHECK_INT(parse(texts[i], strlen(texts[i])), -1))
			printf("# %s\n", texts[i]);
	CHECK_INT(parse("A=1\0B=2\n", 8), -1);
	CHECK_INT(lines, 0);
	CHECK_INT(parse("A=1\nBAD=1\nC=1\n", 14), -1);
	CHECK_STR(seen, ".[A=1].[BAD=1]");
}

static void
words(void)
{
	char text[] = "  a\tbc  d ", none[] = " ", *p = text, *q = none;

	CHECK_STR(keyval_word(&p), "a");
	CHECK_STR(keyval_word(&p), "bc");
	CHECK_STR(keyval_word(&p), "d");
	CHECK(keyval_word(&p) == NULL);
	CHECK(keyval_word(&p) == NULL);
	CHECK(keyval_word(&q) == NULL);
}

int
main(void)
{
	check_case("keyval: comments, blanks, values", good);
	check_case("keyval: what is refused", bad);
	check_case("keyval: words", words);
	return check_end();
}
