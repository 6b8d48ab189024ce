/* SPDX-License-Identifier: ISC */
/*
 * Tests of estqueue.c.  With arguments it is a command for bats: estqueue-test
 * DIR LABEL IDENTITY MAX reads a request (PEM) from stdin, asks, prints key and
 * reason, and exits as estqueue_ask() returns; an approval is used up.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "csr.h"
#include "estqueue.h"
#include "io.h"
#include "key.h"
#include "ossl.h"
#include "util.h"

#define NOW time(NULL)
#define CROWD 30

static char dir[] = "/tmp/estqueue-test.XXXXXX";
static struct csrfacts facts[3];	/* two keys, the first with two names */
static struct estqueue q;
static struct estqueue_ask ask;
static const char *why;

static int
path_is(const char *state, const char *key)
{
	char *path = xasprintf("%s/%s/%s", dir, state, key);
	int there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static void
move(const char *key, const char *from, const char *to)
{
	char *a = xasprintf("%s/%s/%s", dir, from, key);
	char *b = xasprintf("%s/%s/%s", dir, to, key);

	CHECK_INT(rename(a, b), 0);
	free(a);
	free(b);
}

static void
reset(void)
{
	char *cmd = xasprintf("rm -rf %s/pending %s/approved %s/denied", dir,
	    dir, dir);

	CHECK_INT(system(cmd), 0);
	free(cmd);
	ask = (struct estqueue_ask){"l", "token k7m2p", "192.0.2.1", NOW, 2,
	    100};
}

static void
life(void)
{
	char key[65];
	struct estqueue other;

	reset();
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_STR(why, "waits for approval");
	CHECK(path_is("pending", q.key));
	strcpy(key, q.key);
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_STR(q.key, key);
	move(key, "pending", "approved");
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_YES);
	CHECK_INT(estqueue_ask(&other, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_STR(why, "another request is being answered");
	estqueue_drop(&q);
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_YES);
	CHECK_INT(estqueue_done(&q), 0);
	estqueue_drop(&q);
	CHECK(!path_is("approved", key));
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK(path_is("pending", key));
	move(key, "pending", "denied");
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_NO);
	CHECK_STR(q.reason, "");
}

/* Another label, identity, name or key is another request. */
static void
keys(void)
{
	char key[65];

	reset();
	ask.max_pending = 9;
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	strcpy(key, q.key);
	CHECK_INT(estqueue_ask(&q, dir, &facts[1], &ask, &why), EX_TEMP);
	CHECK(strcmp(key, q.key) != 0);
	CHECK_INT(estqueue_ask(&q, dir, &facts[2], &ask, &why), EX_TEMP);
	CHECK(strcmp(key, q.key) != 0);
	ask.label = "lt";
	ask.identity = "oken k7m2p";
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK(strcmp(key, q.key) != 0);
	ask.label = "l";
	ask.identity = "other";
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK(strcmp(key, q.key) != 0);
	ask.identity = "token k7m2p";
	ask.address = "192.0.2.2";
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_STR(q.key, key);
}

static void
bounds(void)
{
	reset();
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_INT(estqueue_ask(&q, dir, &facts[1], &ask, &why), EX_TEMP);
	CHECK_INT(estqueue_ask(&q, dir, &facts[2], &ask, &why), EX_TEMP);
	CHECK_STR(why, "too many requests wait for approval");
	CHECK(!path_is("pending", q.key));
	/* Who asks again is young again; who does not makes room. */
	ask.now += 60;
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_STR(why, "waits for approval");
	ask.now += 60;
	CHECK_INT(estqueue_ask(&q, dir, &facts[2], &ask, &why), EX_TEMP);
	CHECK_STR(why, "waits for approval");
	CHECK(path_is("pending", q.key));
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	CHECK_STR(why, "waits for approval");
	CHECK_INT(estqueue_ask(&q, dir, &facts[1], &ask, &why), EX_TEMP);
	CHECK_STR(why, "too many requests wait for approval");
	/* An approval that nobody fetched is no approval any more. */
	estqueue_ask(&q, dir, &facts[2], &ask, &why);
	move(q.key, "pending", "approved");
	ask.now += 101;
	CHECK_INT(estqueue_ask(&q, dir, &facts[2], &ask, &why), EX_TEMP);
	CHECK(!path_is("approved", q.key) && path_is("pending", q.key));
}

static void
broken(void)
{
	char *path;

	reset();
	CHECK_INT(estqueue_ask(&q, "/nonexistent", &facts[0], &ask, &why),
	    EX_ERR);
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_TEMP);
	path = xasprintf("%s/approved/%s", dir, q.key);
	CHECK_INT(symlink("/dev/null", path), 0);
	CHECK_INT(estqueue_ask(&q, dir, &facts[0], &ask, &why), EX_ERR);
	CHECK(q.fd == -1 && q.dirfd == -1);
	free(path);
}

/* Many at once: no more wait than may. */
static void
crowd(void)
{
	char identity[16], *cmd;
	int i, st, waiting = 0;

	reset();
	fflush(stdout);
	for (i = 0; i < CROWD; i++)
		if (fork() == 0) {
			snprintf(identity, sizeof(identity), "%d", i);
			ask.identity = identity;
			st = estqueue_ask(&q, dir, &facts[0], &ask, &why);
			_exit(st == EX_TEMP && why[0] == 'w' ? 0 : 1);
		}
	while (wait(&st) != -1)
		waiting += WIFEXITED(st) && WEXITSTATUS(st) == 0;
	CHECK_INT(waiting, 2);
	cmd = xasprintf("test $(ls %s/pending | wc -l) -eq 2", dir);
	CHECK_INT(system(cmd), 0);
	free(cmd);
}

static void
make(struct csrfacts *f, EVP_PKEY *key, const char *name)
{
	struct names l = {NULL, 0};
	unsigned char *der = NULL;
	X509_REQ *req;
	int len;

	names_add(&l, NAME_DNS, name);
	if ((req = csr_new(key, NULL, &l)) == NULL ||
	    (len = i2d_X509_REQ(req, &der)) < 0 ||
	    csrfacts_der(f, der, (size_t)len, name) == -1)
		errx(EX_ERR, "%s: cannot make it", name);
	OPENSSL_free(der);
	X509_REQ_free(req);
	names_free(&l);
}

static int
command(char *argv[])
{
	struct csrfacts f;
	size_t len;
	char *pem = io_slurp("-", IO_PEM_MAX, &len);
	int rc;

	if (pem == NULL || csrfacts_pem(&f, pem, len, "stdin") == -1)
		return EX_ERR;
	ask = (struct estqueue_ask){argv[2], argv[3], "192.0.2.1", NOW,
	    atoi(argv[4]), 1000};
	rc = estqueue_ask(&q, argv[1], &f, &ask, &why);
	printf("%s %s\n", q.key, q.reason);
	if (rc == EX_YES && estqueue_done(&q) == -1)
		rc = EX_ERR;
	estqueue_drop(&q);
	csrfacts_free(&f);
	free(pem);
	return finish(rc);
}

int
main(int argc, char *argv[])
{
	EVP_PKEY *a, *b;

	ossl_memory();
	if (argc == 5)
		return command(argv);
	a = key_new("P-256");
	b = key_new("P-256");
	make(&facts[0], a, "a.example");
	make(&facts[1], a, "b.example");
	make(&facts[2], b, "a.example");
	if (mkdtemp(dir) == NULL)
		err(EX_ERR, "%s", dir);
	check_case("estqueue: waits, approved, issued, denied", life);
	check_case("estqueue: what is another request", keys);
	check_case("estqueue: how many wait and how long", bounds);
	check_case("estqueue: a queue that is broken", broken);
	check_case("estqueue: a crowd at once", crowd);
	reset();
	if (rmdir(dir) == -1)
		err(EX_ERR, "%s", dir);
	csrfacts_free(&facts[0]);
	csrfacts_free(&facts[1]);
	csrfacts_free(&facts[2]);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	return check_end();
}
