/* SPDX-License-Identifier: ISC */
/*
 * Tests of esttoken.c: who gets a token, and that it is spent once.  With
 * arguments it is a command for bats: esttoken-test take|spend DIR LABEL reads
 * a token from stdin and exits as esttoken_take() returns.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "esttoken.h"
#include "replace.h"
#include "util.h"

#define TOKEN "k7m2p9qxab0123456789cdefghjkmnpqrst"
#define SALT "SALT=0123456789abcdef0123456789abcdef\n"
/* printf %s%s SALT TOKEN | openssl dgst -sha256 */
#define HASH "SHA256=d8ae56d5a425d4d9ef4ce3169a595264" \
	"6d04e7fe3ee18ae67f06c5d9565d63bb\n"
#define NOW 1780000000
#define RACERS 50

static char dir[] = "/tmp/esttoken-test.XXXXXX";
static const char *why;

/* The token's file has this text; what was there before is gone. */
static void
put(const char *text)
{
	char *spent = xasprintf("%s/k7m2p.spent", dir);
	char *path = xasprintf("%s/k7m2p", dir);

	unlink(spent);
	CHECK_INT(replace_write(path, 0600, text, strlen(text)), 0);
	free(spent);
	free(path);
}

static int
take(const char *text, const char *label)
{
	struct esttoken t;
	int rc = esttoken_take(&t, dir, text, label, NOW, &why);

	if (rc == EX_YES)
		esttoken_drop(&t);
	CHECK(rc != EX_YES || (t.fd == -1 && t.dirfd == -1));
	return rc;
}

static void
good(void)
{
	struct esttoken t;

	put(SALT HASH "USES=once\nNAME=a.example\n");
	CHECK_INT(take(TOKEN, ""), EX_YES);
	CHECK_INT(take("K7M2P-9qxab-0123456789 CDEFGHJKMNPQRST", "x"), EX_YES);
	CHECK_INT(take("k7m2p9qxabOi23456789cdefghjkmnpqrst", ""), EX_YES);
	CHECK_INT(take("k7m2p9qxabol23456789cdefghjkmnpqrst", ""), EX_YES);
	CHECK_INT(esttoken_take(&t, dir, TOKEN, "", NOW, &why), EX_YES);
	CHECK_STR(t.id, "k7m2p");
	CHECK_STR(t.name, "a.example");
	CHECK_INT(t.once, 1);
	esttoken_drop(&t);
	esttoken_drop(&t);
}

static void
wrong(void)
{
	static const char *const none[] = {
		"", "k7m2p", "k7m2p9qxab0123456789cdefghjkmnpqrs",
		TOKEN "0", "../k7m2p9qxab0123456789cdefghjkmnpq",
		"k7m2p9qxab0123456789cdefghjkmnpqrs\n",
		"k7m2p9qxab0123456789cdefghjkmnpqrsu"
	};
	size_t i;

	put(SALT HASH "USES=once\n");
	CHECK_INT(take("k7m2p9qxab0123456789cdefghjkmnpqrss", ""), EX_NO);
	CHECK_STR(why, "wrong token");
	CHECK_INT(take("zzzzz9qxab0123456789cdefghjkmnpqrst", ""), EX_NO);
	CHECK_STR(why, "unknown token");
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		CHECK_INT(take(none[i], ""), EX_NO);
		CHECK_STR(why, "no token at all");
	}
}

static void
limits(void)
{
	put(SALT HASH "USES=many\nEXPIRES=2026-05-28T20:26:40Z\n");
	CHECK_INT(take(TOKEN, ""), EX_NO);	/* that is now */
	CHECK_STR(why, "expired token");
	put(SALT HASH "USES=many\nEXPIRES=2026-05-28T20:26:41Z\n");
	CHECK_INT(take(TOKEN, ""), EX_YES);
	put(SALT HASH "USES=once\nLABEL=a bc\n");
	CHECK_INT(take(TOKEN, "a"), EX_YES);
	CHECK_INT(take(TOKEN, "bc"), EX_YES);
	CHECK_INT(take(TOKEN, "b"), EX_NO);
	CHECK_STR(why, "token for another label");
	CHECK_INT(take(TOKEN, "a bc"), EX_NO);
	CHECK_INT(take(TOKEN, ""), EX_NO);
	put(SALT HASH "USES=once\nLABEL=\n");
	CHECK_INT(take(TOKEN, ""), EX_NO);
}

static void
broken(void)
{
	static const char *const texts[] = {
		"", SALT HASH, SALT "USES=once\n", HASH "USES=once\n",
		SALT HASH "USES=many\n", SALT HASH "USES=twice\n",
		SALT HASH "USES=once\nUSES=many\nEXPIRES=2030-01-01T00:00:00Z",
		SALT SALT HASH "USES=once\n", SALT HASH HASH "USES=once\n",
		SALT HASH "USES=once\nWHAT=1\n", "SALT=\n" HASH "USES=once\n",
		SALT "SHA256=d8ae\nUSES=once\n", SALT HASH "USES=once\nLABEL\n",
		SALT HASH "USES=once\nEXPIRES=tomorrow\n",
		SALT HASH "USES=once\nLABEL=a\nLABEL=b\n"
	};
	char *path = xasprintf("%s/k7m2p", dir);
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(texts[i]);
		if (!CHECK_INT(take(TOKEN, ""), EX_ERR))
			printf("# %s\n", texts[i]);
	}
	put(SALT HASH "USES=once\n");
	CHECK_INT(chmod(path, 0620), 0);
	CHECK_INT(take(TOKEN, ""), EX_ERR);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(symlink("/dev/null", path), 0);
	CHECK_INT(take(TOKEN, ""), EX_ERR);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(mkfifo(path, 0600), 0);
	CHECK_INT(take(TOKEN, ""), EX_ERR);
	CHECK_INT(unlink(path), 0);
	free(path);
}

static void
spend(void)
{
	struct esttoken t, u;

	put(SALT HASH "USES=once\n");
	CHECK_INT(esttoken_take(&t, dir, TOKEN, "", NOW, &why), EX_YES);
	CHECK_INT(take(TOKEN, ""), EX_TEMP);
	CHECK_INT(esttoken_spend(&t), 0);
	CHECK_INT(take(TOKEN, ""), EX_NO);
	CHECK_STR(why, "spent token");
	CHECK_INT(esttoken_spend(&t), -1);
	esttoken_drop(&t);
	CHECK_INT(take(TOKEN, ""), EX_NO);
	put(SALT HASH "USES=many\nEXPIRES=2030-01-01T00:00:00Z\n");
	CHECK_INT(esttoken_take(&t, dir, TOKEN, "", NOW, &why), EX_YES);
	CHECK_INT(esttoken_take(&u, dir, TOKEN, "", NOW, &why), EX_YES);
	CHECK_INT(esttoken_spend(&t), 0);
	CHECK_INT(esttoken_spend(&u), 0);
	esttoken_drop(&t);
	esttoken_drop(&u);
	CHECK_INT(take(TOKEN, ""), EX_YES);
}

/* Withdrawn, or made anew, while a request had it: not for that request. */
static void
withdrawn(void)
{
	char *path = xasprintf("%s/k7m2p", dir);
	struct esttoken t;

	put(SALT HASH "USES=once\n");
	CHECK_INT(esttoken_take(&t, dir, TOKEN, "", NOW, &why), EX_YES);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(esttoken_spend(&t), -1);
	put(SALT HASH "USES=once\n");
	CHECK_INT(esttoken_spend(&t), -1);
	esttoken_drop(&t);
	CHECK_INT(take(TOKEN, ""), EX_YES);
	free(path);
}

/* Has it until it is killed; says so through the pipe. */
static void
holder(int fd)
{
	struct esttoken t;

	if (esttoken_take(&t, dir, TOKEN, "", NOW, &why) == EX_YES &&
	    write(fd, "x", 1) == 1)
		pause();
	_exit(1);
}

static void
killed(void)
{
	int p[2];
	pid_t pid;
	char c;

	put(SALT HASH "USES=once\n");
	CHECK_INT(pipe(p), 0);
	if ((pid = fork()) == 0)
		holder(p[1]);
	CHECK_INT(read(p[0], &c, 1), 1);
	CHECK_INT(take(TOKEN, ""), EX_TEMP);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(take(TOKEN, ""), EX_YES);
	close(p[0]);
	close(p[1]);
}

/* One of many at once: tries until it is told yes or no. */
static void
racer(void)
{
	struct esttoken t;
	int rc;

	while ((rc = esttoken_take(&t, dir, TOKEN, "", NOW, &why)) == EX_TEMP)
		usleep(1000);
	if (rc == EX_YES && esttoken_spend(&t) == -1)
		rc = EX_ERR;
	_exit(rc);
}

static void
race(void)
{
	int i, st, yes = 0, no = 0;

	put(SALT HASH "USES=once\n");
	fflush(stdout);
	for (i = 0; i < RACERS; i++)
		if (fork() == 0)
			racer();
	while (wait(&st) != -1) {
		yes += WIFEXITED(st) && WEXITSTATUS(st) == EX_YES;
		no += WIFEXITED(st) && WEXITSTATUS(st) == EX_NO;
	}
	CHECK_INT(yes, 1);
	CHECK_INT(no, RACERS - 1);
}

static int
command(char *argv[])
{
	struct esttoken t;
	char text[128];
	int rc;

	if (fgets(text, sizeof(text), stdin) == NULL)
		errx(EX_ERR, "stdin: empty");
	text[strcspn(text, "\n")] = '\0';
	rc = esttoken_take(&t, argv[2], text, argv[3], time(NULL), &why);
	if (rc != EX_YES) {
		puts(why);
		return finish(rc);
	}
	if (strcmp(argv[1], "spend") == 0 && esttoken_spend(&t) == -1)
		rc = EX_ERR;
	esttoken_drop(&t);
	return rc;
}

int
main(int argc, char *argv[])
{
	char *path;

	if (argc == 4)
		return command(argv);
	if (mkdtemp(dir) == NULL)
		err(EX_ERR, "%s", dir);
	check_case("esttoken: taken in every way to write it", good);
	check_case("esttoken: wrong and unknown tokens", wrong);
	check_case("esttoken: expiry and labels", limits);
	check_case("esttoken: broken files", broken);
	check_case("esttoken: spent once, or as often as wanted", spend);
	check_case("esttoken: withdrawn while it is taken", withdrawn);
	check_case("esttoken: free again when its taker is killed", killed);
	check_case("esttoken: one of many racers gets it", race);
	put("");
	path = xasprintf("%s/k7m2p", dir);
	unlink(path);
	free(path);
	if (rmdir(dir) == -1)
		err(EX_ERR, "%s", dir);
	return check_end();
}
