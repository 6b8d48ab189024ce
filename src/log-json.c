/* SPDX-License-Identifier: ISC */
/*
 * log-json - write one structured log line
 *
 * Writes a JSON object of time, level, service, event and the facts given as
 * key=value operands, or with "-" as lines of stdin, to stdout with a single
 * write(2).  As a last line of defence values that look like secrets are
 * redacted.  Exit: 0 written, 2 error.
 */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "jsonw.h"
#include "sandbox.h"
#include "util.h"

#define LINE_LIMIT 8191		/* bytes, with the newline */
#define STDIN_LIMIT 65536
#define FACTS (LINE_LIMIT / 6)	/* the shortest is ,"k":1 */

static struct {
	const char *name;
	size_t len;
} keys[FACTS] = {{"time", 4}, {"level", 5}, {"service", 7}, {"event", 5}};
static size_t nkeys = 4;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: log-json [-V] [-T epoch] level service event "
	    "[key=value ...] [-]\n");
	_exit(EX_ERR);
}

/* Is the word in a list that ends in NULL? */
static int
listed(const char *const *list, const char *word, size_t len)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == len && memcmp(*list, word, len) == 0)
			return 1;
	return 0;
}

/*
 * Does the key name a secret?  It does when one of its words is on the first
 * list, digits and an "s" at the word's end aside, and its last word is not on
 * the second.
 */
static int
secret_key(const char *key, size_t len)
{
	static const char *const secrets[] = {"password", "passwd",
	    "passphrase", "token", "secret", "pin", "credential",
	    "authorization", "cookie", "psk", "mac", "hmac", "key", "apikey",
	    NULL};
	static const char *const harmless[] = {"file", "path", "dir", "type",
	    "alg", "bits", "size", "id", "count", "sha256", "url", "uri",
	    "expires", NULL};
	const char *word = key, *end = key + len, *next;
	size_t n;
	int secret = 0;

	for (;; word = next + 1) {
		next = memchr(word, '_', (size_t)(end - word));
		n = (size_t)((next == NULL ? end : next) - word);
		if (next == NULL && listed(harmless, word, n))
			return 0;
		while (n > 0 && isdigit((unsigned char)word[n - 1]))
			n--;
		secret |= listed(secrets, word, n) ||
		    (n > 0 && word[n - 1] == 's' && listed(secrets, word,
		    n - 1));
		if (next == NULL)
			return secret;
	}
}

/* Does the value look like a private key or an HTTP credential? */
static int
secret_value(const char *s, size_t len)
{
	return memmem(s, len, "PRIVATE KEY-----", 16) != NULL ||
	    (len >= 7 && strncasecmp(s, "Bearer ", 7) == 0) ||
	    (len >= 6 && strncasecmp(s, "Basic ", 6) == 0);
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p;
}

/* Is it a JSON number (RFC 8259 section 6), true, false or null? */
static int
scalar(const char *p, size_t len)
{
	static const char *const words[] = {"true", "false", "null", NULL};
	const char *end = p + len, *from;

	if (listed(words, p, len))
		return 1;
	if (p < end && *p == '-')
		p++;
	from = p;
	p = skip_digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return 0;
	if (p < end && *p == '.') {
		from = ++p;
		if ((p = skip_digits(p, end)) == from)
			return 0;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		if (++p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		if ((p = skip_digits(p, end)) == from)
			return 0;
	}
	return p == end;
}

static void
check_key(const char *key, size_t len, const char *where)
{
	size_t i;

	for (i = 0; i < len && ((key[i] >= 'a' && key[i] <= 'z') ||
	    (i > 0 && (isdigit((unsigned char)key[i]) || key[i] == '_'))); i++)
		;
	if (len == 0 || i < len)
		errx(EX_ERR, "%s: the key is not [a-z][a-z0-9_]*", where);
	for (i = 0; i < nkeys; i++)
		if (keys[i].len == len && memcmp(keys[i].name, key, len) == 0)
			errx(EX_ERR, "%s: %.*s is in the line already", where,
			    (int)len, key);
	keys[nkeys].name = key;
	keys[nkeys++].len = len;
}

static void
check_length(const struct jsonw *w)
{
	if (w->len + 2 > LINE_LIMIT)	/* } and newline are to come */
		errx(EX_ERR, "the line is longer than %d bytes", LINE_LIMIT);
}

/* key=value or key:=scalar; messages say where, and never the value. */
static void
add_fact(struct jsonw *w, const char *fact, size_t len, const char *where)
{
	const char *value = memchr(fact, '=', len);
	char *key, *text;
	size_t klen, n;
	int raw;

	if (value == NULL)
		errx(EX_ERR, "%s: not key=value", where);
	klen = (size_t)(value++ - fact);
	n = len - klen - 1;
	raw = klen > 0 && fact[klen - 1] == ':';
	if (raw)
		klen--;
	check_key(fact, klen, where);
	if (raw && !scalar(value, n))
		errx(EX_ERR, "%s: after := comes a number, true, false or "
		    "null", where);
	key = xstrndup(fact, klen);
	if (secret_key(fact, klen) || secret_value(value, n))
		jsonw_str(w, key, "[redacted]");
	else if (raw) {
		text = xstrndup(value, n);
		jsonw_raw(w, key, text);
		free(text);
	} else
		jsonw_strn(w, key, value, n);
	free(key);
	check_length(w);
}

/* The lines of stdin; returned, for keys points into it. */
static char *
add_stdin(struct jsonw *w)
{
	size_t len, n, number = 0;
	char *text, *p, *end, *eol, where[40];

	if ((text = io_slurp(NULL, STDIN_LIMIT, &len)) == NULL)
		exit(EX_ERR);
	for (p = text, end = p + len; p < end; p += n + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((eol == NULL ? end : eol) - p);
		snprintf(where, sizeof(where), "stdin: line %zu", ++number);
		add_fact(w, p, n, where);
	}
	return text;
}

static void
add_time(struct jsonw *w, const char *epoch)
{
	struct timespec now = {0, 0};
	char buf[RFC3339_SIZE + 4];
	size_t z;

	if (epoch != NULL)
		now.tv_sec = opt_epoch('T', epoch);
	else if (clock_gettime(CLOCK_REALTIME, &now) == -1)
		err(EX_ERR, "clock");
	z = strlen(rfc3339(now.tv_sec, buf)) - 1;
	snprintf(buf + z, sizeof(buf) - z, ".%03dZ",
	    (int)(now.tv_nsec / 1000000) % 1000);
	jsonw_str(w, "time", buf);
}

static void
add_level(struct jsonw *w, const char *level)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn",
	    "error", "critical", "fatal"};
	size_t i, n = sizeof(levels) / sizeof(levels[0]);

	for (i = 0; i < n && strcasecmp(level, levels[i]) != 0; i++)
		;
	if (i == n)
		errx(EX_ERR, "%s: not a level; one of TRACE, DEBUG, INFO, "
		    "WARN, ERROR, CRITICAL, FATAL", esc(level));
	jsonw_str(w, "level", levels[i]);
}

static void
add_name(struct jsonw *w, const char *key, const char *name)
{
	if (*name == '\0')
		errx(EX_ERR, "%s: empty", key);
	jsonw_str(w, key, secret_value(name, strlen(name)) ? "[redacted]" :
	    name);
	check_length(w);
}

int
main(int argc, char *argv[])
{
	static char buf[LINE_LIMIT + 1];
	struct jsonw w = JSONW_INIT;
	const char *epoch = NULL;
	char *text = NULL, where[40];
	int ch, i, dash = 0;

	std_fill();
	while ((ch = getopt(argc, argv, ":T:V")) != -1) {
		switch (ch) {
		case 'T':
			epoch = optarg;
			break;
		case 'V':
			version();
		default:
			usage();
		}
	}
	for (i = optind + 3; i < argc; i++)
		dash += strcmp(argv[i], "-") == 0;
	if (argc - optind < 3 || dash > 1)
		usage();
	if (sandbox_stdio() == -1)
		return EX_ERR;
	jsonw_begin(&w, NULL, '{');
	add_time(&w, epoch);
	add_level(&w, argv[optind]);
	add_name(&w, "service", argv[optind + 1]);
	add_name(&w, "event", argv[optind + 2]);
	for (i = optind + 3; i < argc; i++) {
		snprintf(where, sizeof(where), "operand %d", i - optind + 1);
		if (strcmp(argv[i], "-") == 0)
			text = add_stdin(&w);
		else
			add_fact(&w, argv[i], strlen(argv[i]), where);
	}
	jsonw_end(&w, '}');
	setvbuf(stdout, buf, _IOFBF, sizeof(buf));
	jsonw_line(&w, stdout);
	jsonw_free(&w);
	free(text);
	return finish(EX_YES);
}
