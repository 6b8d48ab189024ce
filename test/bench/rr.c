/* SPDX-License-Identifier: ISC */
/*
 * rr - run commands in turn and time them
 *
 * usage: rr [-c check] [-i file] [-n rounds] [-w warm-ups] [-x code] --
 *        [VAR=value ...] command ... [::: [VAR=value ...] command ...]
 *
 * Round after round runs each command once, alone, with file as stdin and an
 * environment of PATH, HOME, LANG and its own variables.  A word + in a
 * command separates parts that run one after the other and are timed as one.
 * A run counts when it exits 0 and "sh -c check", given its stdout as stdin
 * and its number as $1, does too (without -c: when it wrote something).  The
 * check is not timed, it may also prepare the next run.
 * Writes a line for each command, tabs between: number, runs that counted,
 * wall ms median, 10 %, 90 %, CPU ms median (user + system, of all processes
 * that were waited for), largest resident set KiB.
 * Exit: 0 done, 2 usage, or a run that did not count, which ends it all.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VARS 8
#define LIMIT 60	/* seconds that a process may take */

extern char **environ;

struct command {
	char **argv;
	char *env[VARS + 4];
	double *wall, *cpu;	/* one a round, ms */
	long rss;
};

static const char *check, *input = "/dev/null";
static char path[8192], home[1024], lang[] = "LANG=C.UTF-8";
static int out, errs, rounds = 21, warm = 2, also;
static volatile pid_t child;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: rr [-c check] [-i file] [-n rounds] "
	    "[-w warm-ups] [-x code] -- [VAR=value ...] command ... "
	    "[::: ...]\n");
	exit(2);
}

static double
ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double
tv_ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static void
too_long(int sig)
{
	(void)sig;
	kill(child, SIGKILL);
}

/* Run argv to its end; its wait status. */
static int
run(char **argv, char **env, const char *in, int outfd, int errfd,
    struct rusage *ru)
{
	posix_spawn_file_actions_t fa;
	int rc, status;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, in, O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, outfd, 1);
	posix_spawn_file_actions_adddup2(&fa, errfd, 2);
	if ((rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, env)) != 0)
		errx(2, "%s: %s", argv[0], strerror(rc));
	child = pid;
	alarm(LIMIT);
	if (wait4(pid, &status, 0, ru) != pid)
		err(2, "%s: wait4", argv[0]);
	alarm(0);
	posix_spawn_file_actions_destroy(&fa);
	return status;
}

/* Did the run do its job?  Ends the program when not. */
static void
judge(const struct command *c, int number, int status)
{
	char n[16], in[32], buf[4096];
	char *argv[] = {"sh", "-c", (char *)(size_t)check, "check", n, NULL};
	struct rusage ru;
	struct stat st;
	ssize_t len;

	snprintf(n, sizeof(n), "%d", number);
	snprintf(in, sizeof(in), "/proc/self/fd/%d", out);
	if (status == 0 && check != NULL)
		status = run(argv, environ, in, errs, errs, &ru);
	else if (status == 0 && (fstat(out, &st) == -1 || st.st_size == 0))
		status = 255 << 8;
	if (status == 0)
		return;
	lseek(errs, 0, SEEK_SET);
	while ((len = read(errs, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)len, stderr);
	errx(2, "command %d, %s: failed, wait status %#x", number, c->argv[0],
	    (unsigned int)status);
}

/* One run of a command, timed. */
static void
once(struct command *c, int number, int round)
{
	char **p, **end;
	struct rusage ru;
	double start, cpu = 0, wall;
	int status = 0;

	if (ftruncate(out, 0) == -1 || ftruncate(errs, 0) == -1 ||
	    lseek(out, 0, SEEK_SET) == -1 || lseek(errs, 0, SEEK_SET) == -1)
		err(2, "output");
	start = ms();
	for (p = c->argv; status == 0 && *p != NULL; p = end + 1) {
		for (end = p; *end != NULL; end++)
			;
		status = run(p, c->env, input, out, errs, &ru);
		if (WIFEXITED(status) && WEXITSTATUS(status) == also)
			status = 0;
		cpu += tv_ms(ru.ru_utime) + tv_ms(ru.ru_stime);
		if (ru.ru_maxrss > c->rss)
			c->rss = ru.ru_maxrss;
	}
	wall = ms() - start;
	judge(c, number, status);
	if (round >= 0) {
		c->wall[round] = wall;
		c->cpu[round] = cpu;
	}
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
percentile(double *v, int pct)
{
	qsort(v, (size_t)rounds, sizeof(*v), order);
	return v[(rounds - 1) * pct / 100];
}

/* Cut one command off the words at *argv; its parts end with NULL, all of it
 * with another one. */
static struct command
command(char ***argv)
{
	struct command c = {NULL, {path, home, lang}, NULL, NULL, 0};
	char **v = *argv, **w;
	size_t n = 3;

	for (; *v != NULL && strchr(*v, '=') != NULL && n < VARS + 3; v++)
		c.env[n++] = *v;
	for (w = v; *w != NULL && strcmp(*w, ":::") != 0; w++)
		;
	*argv = *w == NULL ? w : w + 1;
	n = (size_t)(w - v);
	if (n == 0 || (c.argv = calloc(n + 2, sizeof(*v))) == NULL ||
	    (c.wall = calloc((size_t)rounds, sizeof(double))) == NULL ||
	    (c.cpu = calloc((size_t)rounds, sizeof(double))) == NULL)
		usage();
	memcpy(c.argv, v, n * sizeof(*v));
	while (n-- > 0)
		if (strcmp(c.argv[n], "+") == 0)
			c.argv[n] = NULL;
	return c;
}

int
main(int argc, char *argv[])
{
	struct command *c;
	int ch, i, round, n = 0;

	while ((ch = getopt(argc, argv, "c:i:n:w:x:")) != -1) {
		if (ch == 'c')
			check = optarg;
		else if (ch == 'i')
			input = optarg;
		else if (ch == 'n')
			rounds = atoi(optarg);
		else if (ch == 'w')
			warm = atoi(optarg);
		else if (ch == 'x')
			also = atoi(optarg);
		else
			usage();
	}
	argv += optind;
	if (*argv == NULL || rounds < 1 || rounds > 10000)
		usage();
	snprintf(path, sizeof(path), "PATH=%s", getenv("PATH"));
	snprintf(home, sizeof(home), "HOME=%s", getenv("HOME"));
	out = memfd_create("out", MFD_CLOEXEC);
	errs = memfd_create("err", MFD_CLOEXEC);
	if (out == -1 || errs == -1 || fchmod(out, 0600) == -1 ||
	    (c = calloc((size_t)argc, sizeof(*c))) == NULL)
		err(2, "memory");
	signal(SIGALRM, too_long);
	while (*argv != NULL)
		c[n++] = command(&argv);
	for (round = -warm; round < rounds; round++)
		for (i = 0; i < n; i++)
			once(&c[i], i + 1, round);
	for (i = 0; i < n; i++)
		printf("%d\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%ld\n", i + 1, rounds,
		    percentile(c[i].wall, 50), percentile(c[i].wall, 10),
		    percentile(c[i].wall, 90), percentile(c[i].cpu, 50),
		    c[i].rss);
	return fflush(stdout) == 0 ? 0 : 2;
}
