/* SPDX-License-Identifier: ISC */
/* Exit codes, safe text, checked end, numbers and times: see util.h. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#ifndef ECA_VERSION
#define ECA_VERSION "unknown"
#endif

#define ESC_SHOWN 500
#define ESC_BUFS 8

int
esc_wanted(unsigned long cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c ||
	    (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

/*
 * The length of the valid, harmless UTF-8 sequence at s (n bytes are there),
 * or 0 when it must be escaped.
 */
static size_t
plain_utf8(const unsigned char *s, size_t n)
{
	unsigned long cp;
	size_t len, i;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f && s[0] != '\\';
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
		return 0;
	cp = s[0] & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && cp < 0x800) || (len == 4 && cp < 0x10000) ||
	    cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	return esc_wanted(cp) ? 0 : len;
}

const char *
escn(const char *s, size_t len)
{
	static char bufs[ESC_BUFS][ESC_SHOWN * 4 + 4];
	static unsigned int turn;
	const unsigned char *p = (const unsigned char *)s;
	char *out, *o;
	size_t i, n;

	o = out = bufs[turn++ % ESC_BUFS];
	for (i = 0; i < len && i < ESC_SHOWN; i += n) {
		if ((n = plain_utf8(p + i, len - i)) != 0) {
			memcpy(o, p + i, n);
			o += n;
		} else {
			o += snprintf(o, 5, "\\x%02x", p[i]);
			n = 1;
		}
	}
	strcpy(o, i < len ? "..." : "");
	return out;
}

const char *
esc(const char *s)
{
	return s == NULL ? "(none)" : escn(s, strlen(s));
}

void
std_fill(void)
{
	int fd;

	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int
finish(int rc)
{
	int bad = ferror(stdout);

	errno = 0;
	if (fflush(stdout) != 0 || bad || fclose(stdout) != 0) {
		if (errno != 0)
			warn("stdout");
		else
			warnx("stdout: write error");
		return EX_ERR;
	}
	return rc;
}

void
version(void)
{
	printf("%s (eca) %s\n", program_invocation_short_name, ECA_VERSION);
	exit(finish(EX_YES));
}

int
parse_num(const char *s, long long min, long long max, long long *out)
{
	long long v;
	char *end;

	if ((*s < '0' || *s > '9') &&
	    !(*s == '-' && s[1] >= '0' && s[1] <= '9'))
		return -1;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

long long
opt_num(int opt, const char *s, long long min, long long max)
{
	long long v;

	if (parse_num(s, min, max, &v) == -1)
		errx(EX_ERR, "-%c %s: not a whole number between %lld and %lld",
		    opt, esc(s), min, max);
	return v;
}

time_t
opt_epoch(int opt, const char *s)
{
	return (time_t)opt_num(opt, s, 0, TIME_LAST);
}

time_t
opt_time(int opt, const char *s)
{
	time_t t;

	if (rfc3339_parse(s, &t) == -1 || t <= 0)
		errx(EX_ERR, "-%c %s: not a time such as 2026-11-21T22:13:42Z",
		    opt, esc(s));
	return t;
}

gid_t
opt_group(int opt, const char *s)
{
	struct group *gr = getgrnam(s);
	long long id;

	if (gr != NULL)
		return gr->gr_gid;
	if (parse_num(s, 0, UINT_MAX - 1, &id) == -1)
		errx(EX_ERR, "-%c %s: no such group", opt, esc(s));
	return (gid_t)id;
}

/* Days since 1970-01-01 of a civil date, and back: exact for all years. */
time_t
utc_seconds(int year, int month, int day, int hour, int min, int sec)
{
	long long y = month <= 2 ? (long long)year - 1 : year;
	long long era = (y >= 0 ? y : y - 399) / 400;
	long long yoe = y - era * 400;
	long long mp = month + (month > 2 ? -3 : 9);
	long long doy = (153 * mp + 2) / 5 + day - 1;
	long long doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (time_t)((era * 146097 + doe - 719468) * 86400 +
	    hour * 3600LL + min * 60LL + sec);
}

static char *
digits(char *p, long long v, int n)
{
	int i;

	for (i = n - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + n;
}

const char *
rfc3339(time_t t, char buf[RFC3339_SIZE])
{
	long long days = t / 86400 - (t % 86400 < 0);
	long long rem = t - days * 86400;
	long long z = days + 719468;
	long long era = (z >= 0 ? z : z - 146096) / 146097;
	long long doe = z - era * 146097;
	long long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	long long doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	long long mp = (5 * doy + 2) / 153;
	long long month = mp < 10 ? mp + 3 : mp - 9;
	long long year = yoe + era * 400 + (month <= 2);
	char *p = buf;

	if (year < 0 || year > 9999) {
		snprintf(buf, RFC3339_SIZE, "out of range");
		return buf;
	}
	p = digits(p, year, 4);
	*p++ = '-';
	p = digits(p, month, 2);
	*p++ = '-';
	p = digits(p, doy - (153 * mp + 2) / 5 + 1, 2);
	*p++ = 'T';
	p = digits(p, rem / 3600, 2);
	*p++ = ':';
	p = digits(p, rem / 60 % 60, 2);
	*p++ = ':';
	p = digits(p, rem % 60, 2);
	*p++ = 'Z';
	*p = '\0';
	return buf;
}

/* n digits at *s as a number between min and max, or -1; *s moves on. */
static int
take_digits(const char **s, int n, int min, int max)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v < min || v > max ? -1 : v;
}

/* The offset "Z" or "+hh:mm" in seconds into *off.  0 or -1. */
static int
take_offset(const char **s, int *off)
{
	int sign = **s == '-' ? -1 : 1, h, m;

	*off = 0;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return 0;
	}
	if (*(*s)++ != (sign < 0 ? '-' : '+') ||
	    (h = take_digits(s, 2, 0, 23)) == -1 || *(*s)++ != ':' ||
	    (m = take_digits(s, 2, 0, 59)) == -1)
		return -1;
	*off = sign * (h * 3600 + m * 60);
	return 0;
}

int
rfc3339_parse(const char *s, time_t *t)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
	    31};
	int y, mo, d, h, mi, sec, off;

	if ((y = take_digits(&s, 4, 0, 9999)) == -1 || *s++ != '-' ||
	    (mo = take_digits(&s, 2, 1, 12)) == -1 || *s++ != '-' ||
	    (d = take_digits(&s, 2, 1, days[mo - 1] + (mo == 2 &&
	    ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0)))) == -1 ||
	    (*s != 'T' && *s != 't' && *s != ' '))
		return -1;
	s++;
	if ((h = take_digits(&s, 2, 0, 23)) == -1 || *s++ != ':' ||
	    (mi = take_digits(&s, 2, 0, 59)) == -1 || *s++ != ':' ||
	    (sec = take_digits(&s, 2, 0, 60)) == -1)
		return -1;
	if (*s == '.') {
		if (s[1] < '0' || s[1] > '9')
			return -1;
		s += 1 + strspn(s + 1, "0123456789");
	}
	if (take_offset(&s, &off) == -1 || *s != '\0')
		return -1;
	*t = utc_seconds(y, mo, d, h, mi, sec) - off;
	return 0;
}

long long
mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void *
xrealloc(void *p, size_t size)
{
	if ((p = realloc(p, size != 0 ? size : 1)) == NULL)
		err(EX_ERR, "memory");
	return p;
}

void *
xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

void *
xcalloc(size_t n, size_t size)
{
	void *p;

	if ((p = calloc(n != 0 ? n : 1, size != 0 ? size : 1)) == NULL)
		err(EX_ERR, "memory");
	return p;
}

char *
xstrndup(const char *s, size_t len)
{
	char *p = xmalloc(len + 1);

	if (len != 0)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) == -1)
		err(EX_ERR, "memory");
	va_end(ap);
	return p;
}
