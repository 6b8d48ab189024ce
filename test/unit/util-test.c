/* SPDX-License-Identifier: ISC */
/* Tests of what everything stands on: util, io, jsonw, sandbox. */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "jsonw.h"
#include "sandbox.h"
#include "util.h"

#include "check.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define BAD "\xef\xbf\xbd"

/* Run fn in a child with stderr in a file; returns the status of wait(2). */
static int
in_child(void (*fn)(void), char *said, size_t size)
{
	FILE *fp = tmpfile();
	size_t n;
	pid_t pid;
	int st;

	if (fp == NULL || (pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		dup2(fileno(fp), STDERR_FILENO);
		fn();
		_exit(99);
	}
	waitpid(pid, &st, 0);
	rewind(fp);
	n = fread(said, 1, size - 1, fp);
	said[n] = '\0';
	fclose(fp);
	return st;
}

static void
esc_table(void)
{
	static const struct {
		const char *in;
		const char *out;
	} t[] = {
		{"", ""},
		{"plain text 0-9 {}", "plain text 0-9 {}"},
		{"a\nb\r\t\x1b[2J\x7f", "a\\x0ab\\x0d\\x09\\x1b[2J\\x7f"},
		{"back\\slash", "back\\x5cslash"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xe2\x82\xac \xf0\x9f\x94\x91",
		    "\xe2\x82\xac \xf0\x9f\x94\x91"},
		/* C1 controls, NEL and CSI among them; first that is none */
		{"\xc2\x85\xc2\x9b", "\\xc2\\x85\\xc2\\x9b"},
		{"\xc2\xa0", "\xc2\xa0"},
		/* bidirectional controls, zero width, line separators */
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},
		{"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
		{"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},
		{"\xd8\x9c", "\\xd8\\x9c"},
		{"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},
		{"\xe2\x80\x90", "\xe2\x80\x90"},
		/* overlong forms of /, NUL, and U+07FF, U+FFFF */
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xc0\x80", "\\xc0\\x80"},
		{"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
		{"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
		/* surrogate, above U+10FFFF, impossible bytes */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xf5\xfe\xff", "\\xf5\\xfe\\xff"},
		/* cut short, at the end and before something else */
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xe2\x82x", "\\xe2\\x82x"},
		{"\xf0\x9f\x94", "\\xf0\\x9f\\x94"},
		{"\xc3", "\\xc3"},
		{"\x80x", "\\x80x"},
	};
	size_t i;

	for (i = 0; i < N(t); i++)
		CHECK_STR(esc(t[i].in), t[i].out);
	CHECK_STR(esc(NULL), "(none)");
	CHECK_STR(escn("a\0b", 3), "a\\x00b");
	CHECK_STR(escn("\xe2\x82\xac", 2), "\\xe2\\x82");
}

static void
esc_limit(void)
{
	char long_text[2000], want[600];
	const char *first;
	int i;

	memset(long_text, 'x', sizeof(long_text));
	memset(want, 'x', 500);
	strcpy(want + 500, "...");
	CHECK_STR(escn(long_text, sizeof(long_text)), want);
	CHECK_STR(escn(long_text, 501), want);
	want[500] = '\0';
	CHECK_STR(escn(long_text, 500), want);
	memset(long_text, 1, sizeof(long_text));
	CHECK_INT(strlen(escn(long_text, sizeof(long_text))), 2003);
	/* a character that begins within the limit is not torn */
	memset(long_text, 'x', 499);
	memcpy(long_text + 499, "\xf0\x9f\x94\x91z", 6);
	CHECK(strstr(esc(long_text), "x\xf0\x9f\x94\x91...") != NULL);
	/* eight results live side by side */
	first = esc("first");
	for (i = 0; i < 7; i++)
		CHECK_STR(esc("next"), "next");
	CHECK_STR(first, "first");
}

static void
numbers(void)
{
	static const struct {
		const char *in;
		long long min, max;
		int rc;
		long long v;
	} t[] = {
		{"0", 0, 9, 0, 0},
		{"9", 0, 9, 0, 9},
		{"10", 0, 9, -1, 0},
		{"-1", 0, 9, -1, 0},
		{"-1", -1, 9, 0, -1},
		{"-2", -1, 9, -1, 0},
		{"007", 0, 9, 0, 7},
		{"", 0, 9, -1, 0},
		{" 1", 0, 9, -1, 0},
		{"1 ", 0, 9, -1, 0},
		{"+1", 0, 9, -1, 0},
		{"--1", -9, 9, -1, 0},
		{"- 1", -9, 9, -1, 0},
		{"-", -9, 9, -1, 0},
		{"1x", 0, 9, -1, 0},
		{"0x1", 0, 9, -1, 0},
		{"1e1", 0, 99, -1, 0},
		{"1.0", 0, 9, -1, 0},
		{"1\n", 0, 9, -1, 0},
		{"\t1", 0, 9, -1, 0},
		{"9223372036854775807", LLONG_MIN, LLONG_MAX, 0, LLONG_MAX},
		{"9223372036854775808", LLONG_MIN, LLONG_MAX, -1, 0},
		{"-9223372036854775808", LLONG_MIN, LLONG_MAX, 0, LLONG_MIN},
		{"-9223372036854775809", LLONG_MIN, LLONG_MAX, -1, 0},
		{"99999999999999999999999", 0, LLONG_MAX, -1, 0},
	};
	long long v;
	size_t i;

	for (i = 0; i < N(t); i++) {
		v = 4242;
		if (!CHECK_INT(parse_num(t[i].in, t[i].min, t[i].max, &v),
		    t[i].rc))
			printf("# \"%s\"\n", t[i].in);
		CHECK_INT(v, t[i].rc == 0 ? t[i].v : 4242);
	}
	CHECK_INT(opt_num('t', "33", 0, 100), 33);
}

static void
bad_option(void)
{
	opt_num('t', "101\x1b", 0, 100);
}

static void
option_refused(void)
{
	char said[200];
	int st = in_child(bad_option, said, sizeof(said));

	CHECK(WIFEXITED(st));
	CHECK_INT(WEXITSTATUS(st), EX_ERR);
	CHECK(strstr(said, ": -t 101\\x1b: not a whole number between 0 and "
	    "100\n") != NULL);
}

/* Every day of the years, at changing times of the day, both ways. */
static void
days(long long from, long long to)
{
	char buf[RFC3339_SIZE], want[64];
	struct tm tm;
	time_t t = (time_t)from;

	for (; t < to; t += 86400 + 7919) {
		if (gmtime_r(&t, &tm) == NULL)
			break;
		CHECK_INT(utc_seconds(tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec), t);
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		if (tm.tm_year + 1900 < 0)
			strcpy(want, "out of range");
		if (strcmp(rfc3339(t, buf), want) != 0)
			CHECK_STR(buf, want);
	}
}

static void
times(void)
{
	char buf[RFC3339_SIZE];
	struct tm tm = {0};
	time_t last = 253402300799;
	int year, month;

	days(-62167219200LL - 800 * 366 * 86400LL, last);
	for (year = -400; year <= 9999; year++)
		for (month = 1; month <= 12; month++) {
			tm.tm_year = year - 1900;
			tm.tm_mon = month - 1;
			tm.tm_mday = 1;
			CHECK_INT(utc_seconds(year, month, 1, 0, 0, 0),
			    timegm(&tm));
		}
	CHECK_STR(rfc3339(0, buf), "1970-01-01T00:00:00Z");
	CHECK_STR(rfc3339(-1, buf), "1969-12-31T23:59:59Z");
	CHECK_STR(rfc3339(951782400, buf), "2000-02-29T00:00:00Z");
	CHECK_STR(rfc3339(1795299222, buf), "2026-11-21T22:13:42Z");
	CHECK_STR(rfc3339(-62167219200, buf), "0000-01-01T00:00:00Z");
	CHECK_STR(rfc3339(-62167219201, buf), "out of range");
	CHECK_STR(rfc3339(last, buf), "9999-12-31T23:59:59Z");
	CHECK_STR(rfc3339(last + 1, buf), "out of range");
	CHECK_STR(rfc3339(INT64_MAX, buf), "out of range");
	CHECK_STR(rfc3339(INT64_MIN, buf), "out of range");
}

static void
monotonic(void)
{
	long long a = mono_ms(), b;

	usleep(20000);
	b = mono_ms();
	CHECK(b - a >= 20);
	CHECK(b - a < 10000);
}

static void
full_stdout(void)
{
	if (freopen("/dev/full", "w", stdout) != NULL) {
		printf("lost");
		_exit(finish(EX_NO));
	}
}

static void
closed_stdout(void)
{
	printf("lost");
	close(STDOUT_FILENO);
	_exit(finish(EX_YES));
}

static void
good_stdout(void)
{
	if (freopen("/dev/null", "w", stdout) != NULL) {
		printf("fine");
		_exit(finish(EX_TEMP));
	}
}

static void
checked_end(void)
{
	char said[200];
	int st;

	fflush(stdout);
	st = in_child(full_stdout, said, sizeof(said));
	CHECK_INT(WEXITSTATUS(st), EX_ERR);
	CHECK(strstr(said, ": stdout: No space left on device\n") != NULL);
	st = in_child(closed_stdout, said, sizeof(said));
	CHECK_INT(WEXITSTATUS(st), EX_ERR);
	CHECK(strstr(said, ": stdout: Bad file descriptor\n") != NULL);
	st = in_child(good_stdout, said, sizeof(said));
	CHECK_INT(WEXITSTATUS(st), EX_TEMP);
	CHECK_STR(said, "");
}

static void
memory(void)
{
	char *p = xstrndup("abcdef", 3), *q = xstrdup("x");
	char *r = xasprintf("%s-%d", p, 7), *e = xstrndup(NULL, 0);
	char *z = xcalloc(3, 2);

	CHECK_STR(p, "abc");
	CHECK_STR(q, "x");
	CHECK_STR(r, "abc-7");
	CHECK_STR(e, "");
	CHECK(memcmp(z, "\0\0\0\0\0", 6) == 0);
	free(p);
	free(q);
	free(r);
	free(e);
	free(z);
	free(xmalloc(0));
	free(xcalloc(0, 8));
}

/* A pipe that holds len bytes and its end. */
static int
filled_pipe(size_t len)
{
	char buf[4096];
	int fd[2];

	memset(buf, 'a', sizeof(buf));
	if (len > sizeof(buf) || pipe(fd) == -1 ||
	    io_write(fd[1], buf, len) == -1)
		return -1;
	close(fd[1]);
	return fd[0];
}

static void
slurp(void)
{
	size_t len;
	char *p;
	int fd;

	fd = filled_pipe(0);
	p = io_slurp_fd(fd, "in", 10, &len);
	CHECK_STR(p, "");
	CHECK_INT(len, 0);
	free(p);
	close(fd);
	fd = filled_pipe(10);
	p = io_slurp_fd(fd, "in", 10, &len);
	CHECK_STR(p, "aaaaaaaaaa");
	CHECK_INT(len, 10);
	free(p);
	close(fd);
	p = io_slurp("/proc/self/exe", (size_t)64 << 20, &len);
	CHECK(p != NULL && len > 20000 && memcmp(p, "\177ELF", 4) == 0);
	free(p);
	CHECK_STR(io_name(NULL), "stdin");
	CHECK_STR(io_name("-"), "stdin");
	CHECK_STR(io_name("./-"), "./-");
}

static void
slurp_errors(void)
{
	size_t len;
	int fd = filled_pipe(11);

	CHECK(io_slurp_fd(fd, "in", 10, &len) == NULL);
	CHECK(io_slurp_fd(fd, "in", 0, &len) != NULL);	/* at its end now */
	close(fd);
	CHECK(io_slurp_fd(fd, "closed", 10, &len) == NULL);
	CHECK(io_slurp("/", 10, &len) == NULL);
	CHECK(io_slurp("/nonexistent/file", 10, &len) == NULL);
	_exit(check_bad != 0);
}

static void
slurp_refuses(void)
{
	char said[500];
	int st = in_child(slurp_errors, said, sizeof(said));

	CHECK_INT(st, 0);
	CHECK(strstr(said, ": in: larger than the limit of 10 bytes") != NULL);
	CHECK(strstr(said, ": closed: Bad file descriptor\n") != NULL);
	CHECK(strstr(said, ": /: Is a directory\n") != NULL);
	CHECK(strstr(said, ": /nonexistent/file: No such file") != NULL);
}

static void
json_strings(void)
{
	static const struct {
		const char *in;
		const char *out;
	} t[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"q\"b\\s/", "\"q\\\"b\\\\s/\""},
		{"\n\t\r\b\x01\x1f\x7f",
		    "\"\\n\\t\\u000d\\u0008\\u0001\\u001f\\u007f\""},
		{"\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91",
		    "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\""},
		{"\xff", "\"" BAD "\""},
		{"a\x80z", "\"a" BAD "z\""},
		{"\xc0\xaf", "\"" BAD BAD "\""},
		{"\xe0\x9f\xbf", "\"" BAD BAD BAD "\""},
		{"\xed\xa0\x80", "\"" BAD BAD BAD "\""},
		{"\xed\x9f\xbf", "\"\xed\x9f\xbf\""},
		{"\xf0\x8f\xbf\xbf", "\"" BAD BAD BAD BAD "\""},
		{"\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""},
		{"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
		{"\xe2\x82", "\"" BAD BAD "\""},
		{"\xe2\x82\"", "\"" BAD BAD "\\\"\""},
		{"\xf0\x9f\x94", "\"" BAD BAD BAD "\""},
		{"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
		    "\"\\u0080\\u009b\\u009f\xc2\xa0\""},
		{"\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6",
		    "\"\\u202e\\u2028\\u2066\""},
		{"\xd8\x9c\xef\xbb\xbf\xef\xbb\xbe",
		    "\"\\u061c\\ufeff\xef\xbb\xbe\""},
	};
	struct jsonw w = JSONW_INIT;
	size_t i;

	for (i = 0; i < N(t); i++) {
		jsonw_free(&w);
		w.comma = 0;
		jsonw_str(&w, NULL, t[i].in);
		CHECK_STR(jsonw_text(&w), t[i].out);
	}
	jsonw_free(&w);
	w.comma = 0;
	jsonw_strn(&w, NULL, "a\0b", 3);
	CHECK_STR(jsonw_text(&w), "\"a\\u0000b\"");
	jsonw_strn(&w, NULL, NULL, 0);
	CHECK_STR(jsonw_text(&w), "\"a\\u0000b\",\"\"");
	jsonw_free(&w);
}

static void
json_numbers(void)
{
	static const struct {
		long long v;
		const char *num, *tenths;
	} t[] = {
		{0, "0", "0.0"},
		{5, "5", "0.5"},
		{-5, "-5", "-0.5"},
		{10, "10", "1.0"},
		{-10, "-10", "-1.0"},
		{-15, "-15", "-1.5"},
		{333, "333", "33.3"},
		{-1234, "-1234", "-123.4"},
		{LLONG_MAX, "9223372036854775807", "922337203685477580.7"},
		{LLONG_MIN, "-9223372036854775808", "-922337203685477580.8"},
	};
	struct jsonw w = JSONW_INIT;
	size_t i;

	for (i = 0; i < N(t); i++) {
		jsonw_free(&w);
		w.comma = 0;
		jsonw_num(&w, NULL, t[i].v);
		CHECK_STR(jsonw_text(&w), t[i].num);
		jsonw_free(&w);
		w.comma = 0;
		jsonw_tenths(&w, NULL, t[i].v);
		CHECK_STR(jsonw_text(&w), t[i].tenths);
	}
	jsonw_free(&w);
}

static void
json_line(void)
{
	struct jsonw w = JSONW_INIT;
	char *text = NULL;
	size_t len = 0;
	FILE *fp = open_memstream(&text, &len);
	int i;

	for (i = 0; i < 2; i++) {
		jsonw_begin(&w, NULL, '{');
		jsonw_str(&w, "s", "x");
		jsonw_str(&w, "null", NULL);
		jsonw_bool(&w, "yes", 7);
		jsonw_bool(&w, "no", 0);
		jsonw_time(&w, "t", 1795299222);
		jsonw_begin(&w, "names", '[');
		jsonw_str(&w, NULL, "a");
		jsonw_num(&w, NULL, 1);
		jsonw_begin(&w, NULL, '[');
		jsonw_end(&w, ']');
		jsonw_end(&w, ']');
		jsonw_begin(&w, "o", '{');
		jsonw_end(&w, '}');
		jsonw_raw(&w, "raw", "[1,2]");
		jsonw_tenths(&w, "k\"", 1);
		jsonw_end(&w, '}');
		jsonw_line(&w, fp);
	}
	fclose(fp);
#define LINE "{\"s\":\"x\",\"null\":null,\"yes\":true,\"no\":false," \
	"\"t\":\"2026-11-21T22:13:42Z\",\"names\":[\"a\",1,[]],\"o\":{}," \
	"\"raw\":[1,2],\"k\\\"\":0.1}\n"
	CHECK_STR(text, LINE LINE);
	free(text);
	jsonw_free(&w);
}

static void
json_grows(void)
{
	struct jsonw w = JSONW_INIT;
	char big[5000];
	int i;

	memset(big, '"', sizeof(big));
	jsonw_begin(&w, NULL, '[');
	for (i = 0; i < 100; i++)
		jsonw_strn(&w, NULL, big, sizeof(big));
	jsonw_end(&w, ']');
	CHECK_INT(strlen(jsonw_text(&w)), 100 * (2 * 5000 + 3) + 1);
	jsonw_free(&w);
}

static void
confined(void)
{
	int fd = open("/dev/null", O_RDONLY), pipes[2];
	char c;

	if (pipe(pipes) == -1 || sandbox_stdio() == -1)
		_exit(1);
	if (open("/etc/passwd", O_RDONLY) != -1 || errno != EACCES)
		_exit(2);
	if (open("/tmp", O_RDONLY | O_DIRECTORY) != -1 || errno != EACCES)
		_exit(3);
	if (mkdir("/tmp/util-test", 0700) != -1 || errno != EACCES)
		_exit(4);
	/* what is open stays usable */
	if (read(fd, &c, 1) != 0 || write(pipes[1], "x", 1) != 1)
		_exit(5);
	_exit(42);
}

static char dir[] = "/tmp/util-test.XXXXXX";

static void
confined_to_one(void)
{
	char *path = xasprintf("%s/file", dir);
	int fd, s = sandbox_begin();

	sandbox_path(s, dir, SANDBOX_CREATE);
	sandbox_path(s, "/etc/passwd", SANDBOX_READ);
	sandbox_path(s, "/nonexistent", SANDBOX_READ);
	if (sandbox_apply(s) == -1)
		_exit(2);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) == -1)
		_exit(3);
	if (write(fd, "x", 1) != 1 || unlink(path) == -1)
		_exit(4);
	if (open("/etc/passwd", O_RDONLY) == -1)
		_exit(5);
	if (open("/etc/passwd", O_RDWR) != -1 || errno != EACCES)
		_exit(6);
	if (open("/etc/group", O_RDONLY) != -1 || errno != EACCES)
		_exit(7);
	_exit(42);
}

static void
sandbox(void)
{
	char said[200];
	int st;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1) {
		printf("# this kernel has no Landlock\n");
		return;
	}
	st = in_child(confined, said, sizeof(said));
	CHECK_INT(WEXITSTATUS(st), 42);
	CHECK(mkdtemp(dir) != NULL);
	st = in_child(confined_to_one, said, sizeof(said));
	CHECK_INT(WEXITSTATUS(st), 42);
	CHECK(rmdir(dir) == 0);
}

int
main(void)
{
	check_case("util: esc masks what is not harmless UTF-8", esc_table);
	check_case("util: esc shows 500 bytes, eight at a time", esc_limit);
	check_case("util: parse_num takes whole numbers in a range", numbers);
	check_case("util: opt_num says what would be right", option_refused);
	check_case("util: times agree with gmtime and timegm", times);
	check_case("util: mono_ms runs", monotonic);
	check_case("util: finish turns lost output into an error", checked_end);
	check_case("util: the x-allocators", memory);
	check_case("io: reads to the end, at most so much", slurp);
	check_case("io: refuses with the name of the input", slurp_refuses);
	check_case("jsonw: 5 escapes strings, mends UTF-8", json_strings);
	check_case("jsonw: numbers and tenths", json_numbers);
	check_case("jsonw: a line with everything, twice", json_line);
	check_case("jsonw: the buffer grows", json_grows);
	check_case("sandbox: what is not allowed is denied", sandbox);
	return check_end();
}
