/* SPDX-License-Identifier: ISC */
/*
 * file-replace - replace a file atomically and durably
 *
 * Reads stdin to its end and makes that the new content of the target: who
 * reads it sees the old content or the new, also after a power cut.  Writes
 * nothing to stdout.  Empty input is refused.  Exit: 0 replaced, 2 error.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "replace.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: file-replace [-V] [-g group] [-m mode] "
	    "target\n");
	_exit(EX_ERR);
}

static mode_t
parse_mode(const char *s)
{
	size_t n = strspn(s, "01234567");
	unsigned long mode = strtoul(s, NULL, 8);

	if (n == 0 || n > 4 || s[n] != '\0' || mode > 0777)
		errx(EX_ERR, "-m %s: not an octal mode between 0 and 0777",
		    esc(s));
	return (mode_t)mode;
}

/* The mode of the target, or what open(2) would give a new file. */
static int
usual_mode(const char *target, mode_t *mode)
{
	struct stat st;
	mode_t mask;

	if (lstat(target, &st) == 0) {
		*mode = st.st_mode & 0777;
		return 0;
	}
	if (errno != ENOENT) {
		warn("%s", target);
		return -1;
	}
	mask = umask(0);
	umask(mask);
	*mode = 0666 & ~mask;
	return 0;
}

/* All of stdin to fd; an error when there is nothing. */
static int
copy(int fd, const char *target)
{
	static char buf[65536];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		n = read(STDIN_FILENO, buf, sizeof(buf));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			warn("stdin");
			return -1;
		}
		if (n == 0)
			break;
		if (io_write(fd, buf, (size_t)n) == -1) {
			warn("%s", target);
			return -1;
		}
		total += (size_t)n;
	}
	if (total == 0) {
		warnx("stdin: empty; %s is left as it is", target);
		return -1;
	}
	return 0;
}

int
main(int argc, char *argv[])
{
	const char *target;
	struct replace *r;
	mode_t mode = 0;
	gid_t group = (gid_t)-1;
	int ch, mflag = 0;

	std_fill();
	while ((ch = getopt(argc, argv, ":Vg:m:")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 'g':
			group = opt_group(ch, optarg);
			break;
		case 'm':
			mode = parse_mode(optarg);
			mflag = 1;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 1)
		usage();
	target = argv[optind];
	if ((r = replace_open(target)) == NULL)
		return EX_ERR;
	if (group != (gid_t)-1 &&
	    fchown(replace_fd(r), (uid_t)-1, group) == -1) {
		warn("%s: group", target);
		replace_abort(r);
		return EX_ERR;
	}
	if (copy(replace_fd(r), target) == -1 ||
	    (!mflag && usual_mode(target, &mode) == -1)) {
		replace_abort(r);
		return EX_ERR;
	}
	return replace_commit(r, mode) == 0 ? EX_YES : EX_ERR;
}
