/* SPDX-License-Identifier: ISC */
/*
 * Tests of replace and cleanup.  They work in a directory of their own; all
 * that concerns writing is done twice, with unnamed temporary files and with
 * a seccomp filter under which there are none.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"
#include "io.h"
#include "replace.h"
#include "util.h"

#include "check.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define WRITERS 16
#define ROUNDS 40

static char home[] = "/tmp/replace-test.XXXXXX";
static FILE *messages;

/* The last message since the call before. */
static const char *
said(void)
{
	static char text[500];
	size_t n;

	rewind(messages);
	n = fread(text, 1, sizeof(text) - 1, messages);
	text[n] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	rewind(messages);
	if (ftruncate(fileno(messages), 0) == -1)
		return NULL;
	return strstr(text, ": ") != NULL ? strstr(text, ": ") + 2 : text;
}

/* The names in a directory, with blanks between them, in their order. */
static const char *
names(const char *dir)
{
	static char text[1000];
	struct dirent **list;
	int i, n = scandir(dir, &list, NULL, alphasort);

	text[0] = '\0';
	for (i = 0; i < n; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 &&
		    strcmp(list[i]->d_name, "..") != 0 &&
		    strlen(text) + 300 < sizeof(text)) {
			strcat(text, text[0] == '\0' ? "" : " ");
			strcat(text, list[i]->d_name);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return text;
}

static const char *
content(const char *path)
{
	static char text[200];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd != -1)
		close(fd);
	if (n == -1)
		return NULL;
	text[n] = '\0';
	return text;
}

static unsigned int
mode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode & 07777 : 07777;
}

static int
put(const char *path, const char *text)
{
	return replace_write(path, 0644, text, strlen(text));
}

static int
put_new(const char *path, const char *text)
{
	return replace_write_new(path, 0600, text, strlen(text));
}

/* A child that runs fn and exits through exit(3) or a signal. */
static int
child(void (*fn)(void))
{
	pid_t pid;
	int st = -1;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		fn();
		exit(check_bad != 0);
	}
	waitpid(pid, &st, 0);
	return st;
}

/* From now on openat(O_TMPFILE) is EOPNOTSUPP. */
static void
no_unnamed_files(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY,
		    0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {N(f), f};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
	CHECK(open(".", O_TMPFILE | O_WRONLY, 0600) == -1);
	CHECK(errno == EOPNOTSUPP);
}

/* Run fn here, and in a child without unnamed files; both start empty. */
static void (*both_fn)(void);

static void
both_child(void)
{
	no_unnamed_files();
	both_fn();
}

static void
both(void (*fn)(void))
{
	CHECK_STR(names("."), "");
	fn();
	CHECK_STR(names("."), "");
	both_fn = fn;
	CHECK_INT(child(both_child), 0);
	CHECK_STR(names("."), "");
}

static void
do_replaces(void)
{
	static const mode_t masks[] = {0, 022, 077, 0777}, modes[] = {0600,
	    0640, 0644, 0400};
	size_t i, j;

	for (i = 0; i < N(masks); i++)
		for (j = 0; j < N(modes); j++) {
			umask(masks[i]);
			CHECK_INT(replace_write("f", modes[j], "new", 3), 0);
			umask(022);
			CHECK_STR(content("f"), "new");
			CHECK_INT(mode("f"), modes[j]);
			CHECK_INT(put("f", "other"), 0);
			CHECK_STR(content("f"), "other");
			CHECK_INT(mode("f"), 0644);
		}
	CHECK_INT(put("f", ""), 0);
	CHECK_STR(content("f"), "");
	CHECK_INT(mkdir("d", 0700), 0);
	CHECK_INT(put("d/f", "x"), 0);
	CHECK_INT(put("./d/../d/f", "y"), 0);
	CHECK_STR(content("d/f"), "y");
	CHECK_STR(names("d"), "f");
	CHECK_STR(names("."), "d f");
	CHECK(unlink("d/f") == 0 && rmdir("d") == 0 && unlink("f") == 0);
	CHECK_STR(said(), "");
}

static void
do_creates(void)
{
	umask(0777);
	CHECK_INT(put_new("f", "first"), 0);
	umask(022);
	CHECK_INT(mode("f"), 0600);
	CHECK_INT(put_new("f", "second"), -1);
	CHECK_STR(said(), "f: File exists");
	CHECK_STR(content("f"), "first");
	CHECK_STR(names("."), "f");
	CHECK(unlink("f") == 0);
}

static void
do_aborts(void)
{
	struct replace *r;

	CHECK_INT(put("f", "old"), 0);
	r = replace_open("f");
	CHECK(r != NULL && io_write(replace_fd(r), "new", 3) == 0);
	CHECK_STR(content("f"), "old");
	replace_abort(r);
	CHECK_STR(content("f"), "old");
	CHECK_STR(names("."), "f");
	CHECK(unlink("f") == 0);
	r = replace_open("f");
	CHECK(r != NULL && io_write(replace_fd(r), "new", 3) == 0);
	replace_abort(r);
	replace_abort(NULL);
}

static void
do_refuses(void)
{
	CHECK_INT(put("real", "old"), 0);
	CHECK(symlink("real", "link") == 0 && symlink("none", "dangling") == 0);
	CHECK(mkfifo("fifo", 0600) == 0 && mkdir("dir", 0700) == 0);
#define REFUSED(path, why)						\
	CHECK_INT(put(path, "new"), -1);				\
	CHECK_STR(said(), path ": " why);				\
	CHECK_INT(put_new(path, "new"), -1);				\
	CHECK_STR(said(), path ": " why)
	REFUSED("link", "not a regular file; name the file itself");
	REFUSED("dangling", "not a regular file; name the file itself");
	REFUSED("fifo", "not a regular file; name the file itself");
	REFUSED("dir", "not a regular file; name the file itself");
	REFUSED("dir/", "not a regular file; name the file itself");
	REFUSED("", "not a regular file; name the file itself");
	CHECK_INT(put("none/f", "new"), -1);
	CHECK_STR(said(), "none: No such file or directory");
	CHECK_INT(put("real/f", "new"), -1);
	CHECK_STR(said(), "real: Not a directory");
	CHECK_STR(content("real"), "old");
	CHECK_STR(names("."), "dangling dir fifo link real");
	CHECK_STR(names("dir"), "");
	CHECK(unlink("link") == 0 && unlink("dangling") == 0 &&
	    unlink("fifo") == 0 && rmdir("dir") == 0 && unlink("real") == 0);
}

/* A disk that is full after 4096 bytes. */
static void
full(void)
{
	static char big[8192];
	struct rlimit lim = {4096, 4096};

	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &lim) == 0);
	CHECK_INT(replace_write("f", 0644, big, sizeof(big)), -1);
	CHECK_INT(replace_write_new("g", 0644, big, sizeof(big)), -1);
}

static void
do_fails(void)
{
	CHECK_INT(put("f", "old"), 0);
	CHECK_INT(child(full), 0);
	CHECK_STR(said(), "f: File too large\nreplace-test: g: File too large");
	CHECK_STR(content("f"), "old");
	CHECK_STR(names("."), "f");
	CHECK(unlink("f") == 0);
}

static void
leftover(void)
{
	int fd = open(".f.new", O_WRONLY | O_CREAT, 0600);

	CHECK(fd != -1 && io_write(fd, "half", 4) == 0 && close(fd) == 0);
	CHECK_INT(put("f", "whole"), 0);
	CHECK_STR(content("f"), "whole");
	CHECK_STR(names("."), "f");
	CHECK(unlink("f") == 0);
}

/* Writer i writes 4001 * (i + 1) times its own letter. */
static void
writer(int i)
{
	size_t len = 4001 * ((size_t)i + 1);
	char *buf = xmalloc(len);
	int round;

	memset(buf, 'a' + i, len);
	for (round = 0; round < ROUNDS; round++)
		if (replace_write("f", 0644, buf, len) == -1)
			_exit(1);
	_exit(0);
}

static int
one_whole(void)
{
	size_t len, i;
	char *p = io_slurp("f", 1 << 20, &len);
	int ok = p != NULL && len > 0;

	ok = ok && p[0] >= 'a' && p[0] < 'a' + WRITERS &&
	    len == 4001 * ((size_t)p[0] - 'a' + 1);
	for (i = 0; ok && i < len; i++)
		ok = p[i] == p[0];
	free(p);
	return ok;
}

static void
do_concurrent(void)
{
	int i, st, left = 0, reads = 0, bad = 0;

	char *first = xmalloc(4001);

	memset(first, 'a', 4001);
	CHECK_INT(replace_write("f", 0644, first, 4001), 0);
	free(first);
	fflush(stdout);
	for (i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			writer(i);
		left += pid != -1;
	}
	CHECK_INT(left, WRITERS);
	for (; left > 0; reads++) {
		while (left > 0 && waitpid(-1, &st, WNOHANG) > 0) {
			CHECK_INT(st, 0);
			left--;
		}
		bad += mode("f") != 0644 || !one_whole();
	}
	CHECK(reads > 10);
	CHECK_INT(bad, 0);
	CHECK(one_whole());
	CHECK_STR(names("."), "f");
	CHECK_STR(said(), "");
	CHECK(unlink("f") == 0);
}

static void
do_one_creator(void)
{
	int i, st, won = 0, lost = 0;
	char text[16];

	fflush(stdout);
	for (i = 0; i < WRITERS; i++)
		if (fork() == 0) {
			snprintf(text, sizeof(text), "%d", i);
			_exit(put_new("f", text) == 0 ? i : 100);
		}
	for (i = 0; i < WRITERS; i++) {
		wait(&st);
		if (WIFEXITED(st) && WEXITSTATUS(st) < 100) {
			won++;
			snprintf(text, sizeof(text), "%d", WEXITSTATUS(st));
		} else
			lost++;
	}
	CHECK_INT(won, 1);
	CHECK_INT(lost, WRITERS - 1);
	CHECK_STR(content("f"), text);
	CHECK_STR(names("."), "f");
	CHECK(unlink("f") == 0);
	said();
}

static int ending;
static struct replace *volatile held;	/* lost on purpose, but no leak */

static void
ended_half_way(void)
{
	struct replace *r = replace_open("f");

	held = r;
	if (r == NULL || io_write(replace_fd(r), "new", 3) == -1)
		_exit(1);
	if (ending != 0)
		raise(ending);
	exit(7);
}

static void
do_ended(void)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
	    SIGALRM, 0};
	size_t i;
	int st;

	CHECK_INT(put("f", "old"), 0);
	for (i = 0; i < N(sigs); i++) {
		ending = sigs[i];
		st = child(ended_half_way);
		if (ending == 0)
			CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 7);
		else
			CHECK(WIFSIGNALED(st) && WTERMSIG(st) == ending);
		CHECK_STR(content("f"), "old");
		CHECK_STR(names("."), "f");
	}
	CHECK(unlink("f") == 0);
}

/* A file and a directory around it, both registered, the file inside last. */
static void
make_tree(void)
{
	int dir, fd;

	CHECK(cleanup_dir(AT_FDCWD, "dir") != -1);
	CHECK(mkdir("dir", 0700) == 0);
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	CHECK(cleanup_file(dir, "inner") != -1);
	fd = openat(dir, "inner", O_WRONLY | O_CREAT, 0600);
	CHECK(fd != -1 && close(fd) == 0);
	CHECK(cleanup_file(AT_FDCWD, "outer") != -1);
	fd = open("outer", O_WRONLY | O_CREAT, 0600);
	CHECK(fd != -1 && close(fd) == 0);
	CHECK_STR(names("."), "dir outer");
}

static void
tree_ended(void)
{
	make_tree();
	if (ending != 0)
		raise(ending);
}

static void
tree_removed(void)
{
	static const int sigs[] = {0, SIGTERM, SIGINT};
	size_t i;

	for (i = 0; i < N(sigs); i++) {
		ending = sigs[i];
		CHECK_INT(child(tree_ended), sigs[i]);
		CHECK_STR(names("."), "");
	}
}

static void
with_a_child(void)
{
	int st = -1;

	make_tree();
	if (fork() == 0)
		exit(3);		/* removes nothing of ours */
	wait(&st);
	CHECK_INT(WEXITSTATUS(st), 3);
	CHECK_STR(names("."), "dir outer");
	if (fork() == 0) {
		cleanup_file(AT_FDCWD, "own");
		close(open("own", O_WRONLY | O_CREAT, 0600));
		raise(SIGTERM);		/* removes its own and no more */
	}
	wait(&st);
	CHECK(WIFSIGNALED(st));
	CHECK_STR(names("."), "dir outer");
}

static void
ignores(void)
{
	signal(SIGHUP, SIG_IGN);
	make_tree();
	raise(SIGHUP);
	CHECK_STR(names("."), "dir outer");
}

static void
forgets(void)
{
	int a, b;

	CHECK((a = cleanup_file(AT_FDCWD, "keep")) != -1);
	CHECK((b = cleanup_file(AT_FDCWD, "gone")) != -1);
	CHECK(a != b);
	close(open("keep", O_WRONLY | O_CREAT, 0600));
	close(open("gone", O_WRONLY | O_CREAT, 0600));
	cleanup_forget(a);
	cleanup_now(b);
	CHECK_STR(names("."), "keep");
	close(open("gone", O_WRONLY | O_CREAT, 0600));
	cleanup_now(b);			/* forgotten by now */
	cleanup_now(-1);
	cleanup_forget(-1);
	CHECK_STR(names("."), "gone keep");
}

static void
too_many(void)
{
	char name[16];
	int i, slot = -1;

	for (i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		if ((slot = cleanup_file(AT_FDCWD, name)) == -1)
			break;
	}
	CHECK_INT(i, 4096);
	CHECK_INT(cleanup_file(AT_FDCWD, "one"), -1);
	cleanup_forget(slot);
	CHECK_INT(cleanup_file(AT_FDCWD, "one"), slot);
}

static void
cleanup(void)
{
	tree_removed();
	CHECK_INT(child(with_a_child), 0);
	CHECK_STR(names("."), "");
	CHECK_INT(child(ignores), 0);
	CHECK_STR(names("."), "");
	CHECK_INT(child(forgets), 0);
	CHECK_STR(names("."), "gone keep");
	CHECK(unlink("gone") == 0 && unlink("keep") == 0);
	CHECK_INT(child(too_many), 0);
	CHECK_STR(said(), "one: more than 4096 temporary files");
}

static void replaces(void) { both(do_replaces); }
static void creates(void) { both(do_creates); }
static void aborts(void) { both(do_aborts); }
static void refuses(void) { both(do_refuses); }
static void fails(void) { both(do_fails); }
static void concurrent(void) { both(do_concurrent); }
static void one_creator(void) { both(do_one_creator); }
static void ended(void) { both(do_ended); }

int
main(void)
{
	int rc;

	if (mkdtemp(home) == NULL || chdir(home) == -1 ||
	    (messages = tmpfile()) == NULL ||
	    dup2(fileno(messages), STDERR_FILENO) == -1)
		return 1;
	umask(022);
	check_case("replace: a new version with exactly its mode", replaces);
	check_case("replace: create never overwrites", creates);
	check_case("replace: abort leaves no trace", aborts);
	check_case("replace: links and the like are refused", refuses);
	check_case("replace: a failed write changes nothing", fails);
	check_case("replace: what a kill left is taken away", leftover);
	check_case("replace: many writers, always one whole file", concurrent);
	check_case("replace: many creators, one of them wins", one_creator);
	check_case("replace: a signal or exit leaves the old file", ended);
	check_case("cleanup: on exit, on signals, by the owner alone", cleanup);
	rc = check_end();
	if (chdir("/") == -1 || rmdir(home) == -1)
		rc = 1;
	return rc;
}
