/* SPDX-License-Identifier: ISC */
/*
 * What an order stands on, without a CA: problem documents as text, the
 * signer with its key and accounts, the answers of HTTP-01 in a webroot and
 * from the responder.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "acme.h"
#include "acmeproblem.h"
#include "check.h"
#include "io.h"
#include "jws.h"
#include "key.h"
#include "signer.h"
#include "util.h"
#include "webroot.h"

#define DIR_A "https://ca.example/acme/directory"
#define DIR_B "https://ca.example/acme/directory2"
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define ANSWER TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

static char *tmp;	/* the directory of this run */

/* The path of name in it; one of four buffers in turn. */
static const char *
in(const char *name)
{
	static char bufs[4][1024];
	static unsigned int turn;
	char *p = bufs[turn++ % 4];

	snprintf(p, sizeof(bufs[0]), "%s/%s", tmp, name);
	return p;
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	CHECK(fd != -1 && io_write(fd, text, strlen(text)) == 0 &&
	    fchmod(fd, mode) == 0);
	close(fd);
}

/* The text of a file, or NULL; the caller frees. */
static char *
read_file(const char *name)
{
	size_t n;

	return access(in(name), F_OK) == 0 ? io_slurp(in(name), 1 << 20, &n) :
	    NULL;
}

static int
is_file(const char *name, const char *want)
{
	char *text = read_file(name);
	int ok = CHECK_STR(text, want);

	free(text);
	return ok;
}

static int
mode_of(const char *name)
{
	struct stat st;

	return stat(in(name), &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

/* stderr goes to a file from here until heard() looks what is in it. */
static int saved_stderr;

static void
listen_in(void)
{
	int fd = open(in("stderr"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void
heard(const char *part)
{
	char *text;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	if ((text = read_file("stderr")) == NULL ||
	    !CHECK(strstr(text, part) != NULL))
		printf("# \"%s\", not \"%s\"\n", esc(text), part);
	free(text);
}

/* Problem documents. */

static void
problem(const char *text, const char *want)
{
	char why[160] = "";
	struct json *j = json_parse(text, strlen(text), why);

	if (CHECK(j != NULL))
		CHECK_STR(acme_problem(j), want);
	else
		printf("# %s: %s\n", esc(text), why);
	json_free(j);
}

static void
problems(void)
{
	problem("{\"type\": \"urn:ietf:params:acme:error:rateLimited\", "
	    "\"detail\": \"too many orders\", \"status\": 429}",
	    "rateLimited: too many orders");
	problem("{\"type\": \"about:blank\", \"detail\": \"d\"}",
	    "about:blank: d");
	problem("{\"type\": \"urn:ietf:params:acme:error:\"}",
	    ": no detail given");
	problem("{\"detail\": \"only that\"}", "problem: only that");
	problem("{}", "problem: no detail given");
	problem("{\"type\": 7, \"detail\": [1], \"subproblems\": {}, "
	    "\"instance\": null}", "problem: no detail given");
	problem("{\"type\": \"urn:ietf:params:acme:error:userActionRequired\","
	    "\"detail\": \"new terms\", "
	    "\"instance\": \"https://ca.example/tos/2\"}",
	    "userActionRequired: new terms; see https://ca.example/tos/2");
	CHECK_STR(acme_problem(NULL), "problem: no detail given");
}

static void
subproblems(void)
{
	/* RFC 8555 section 6.7.1. */
	problem("{\"type\": \"urn:ietf:params:acme:error:malformed\", "
	    "\"detail\": \"Some of the identifiers requested were rejected\","
	    "\"subproblems\": ["
	    "{\"type\": \"urn:ietf:params:acme:error:malformed\","
	    " \"detail\": \"Invalid underscore\", \"identifier\": "
	    "{\"type\": \"dns\", \"value\": \"_example.org\"}},"
	    "{\"type\": \"urn:ietf:params:acme:error:rejectedIdentifier\","
	    " \"detail\": \"This CA will not issue\", \"identifier\": "
	    "{\"type\": \"dns\", \"value\": \"example.net\"}}]}",
	    "malformed: Some of the identifiers requested were rejected; "
	    "_example.org: malformed: Invalid underscore; "
	    "example.net: rejectedIdentifier: This CA will not issue");
	problem("{\"detail\": \"d\", \"subproblems\": [7, {}, "
	    "{\"identifier\": \"x\", \"detail\": 1}]}", "problem: d; "
	    "(none): problem: (none); (none): problem: (none); "
	    "(none): problem: (none)");
}

static void
problem_escapes(void)
{
	problem("{\"type\": \"\\u001b[2J\", \"detail\": \"a\\nb\\u0007\\\\\", "
	    "\"instance\": \"\\u202ex\", \"subproblems\": [{\"type\": "
	    "\"\\r\", \"detail\": \"\\u0085\", \"identifier\": {\"value\": "
	    "\"\\u007f\"}}]}", "\\x1b[2J: a\\x0ab\\x07\\x5c; "
	    "see \\xe2\\x80\\xaex; \\x7f: \\x0d: \\xc2\\x85");
}

/* Everything too long: one line that ends, with its beginning in place. */
static void
problem_overlong(void)
{
	char x[9001], why[160];
	char *text;
	const char *got;
	struct json *j;
	size_t i, n = 0;

	memset(x, 'x', sizeof(x) - 1);
	x[sizeof(x) - 1] = '\0';
	text = xmalloc(200000);
	n += (size_t)sprintf(text, "{\"type\": \"%s\", \"detail\": \"%s\", "
	    "\"instance\": \"%s\", \"subproblems\": [", x, x, x);
	for (i = 0; i < 500; i++)
		n += (size_t)sprintf(text + n, "%s{\"detail\": \"%.200s\", "
		    "\"identifier\": {\"value\": \"%zu\"}}",
		    i == 0 ? "" : ",", x, i);
	strcpy(text + n, "]}");
	j = json_parse(text, strlen(text), why);
	if (CHECK(j != NULL)) {
		got = acme_problem(j);
		CHECK(strlen(got) < ACME_PROBLEM_SIZE);
		CHECK(strncmp(got, "xxxxxxxx", 8) == 0);
		CHECK(strstr(got, "xxx...; see xxx") != NULL);
		CHECK(strstr(got, "xxx; 0: problem: xxx") != NULL);
		CHECK(strchr(got, '\n') == NULL);
	}
	json_free(j);
	free(text);
}

/* Which replies are which problem. */
static void
problem_types(void)
{
	static const char body[] =
	    "{\"type\": \"urn:ietf:params:acme:error:badNonce\"}";
	char why[160];
	struct acme_reply r = {.status = 400};

	r.json = json_parse(body, sizeof(body) - 1, why);
	CHECK(acme_is(&r, ACME_BAD_NONCE));
	CHECK(!acme_is(&r, ACME_NO_ACCOUNT));
	CHECK(!acme_is(&r, "bad"));
	CHECK(!acme_is(&r, "badNonce2"));
	r.status = 200;
	CHECK(!acme_is(&r, ACME_BAD_NONCE));
	json_free(r.json);
	r.json = NULL;
	r.status = 400;
	CHECK(!acme_is(&r, ACME_BAD_NONCE));
}

/* The signer. */

/* Does OpenSSL take this signature (of JOSE's form) of text? */
static int
verify(EVP_PKEY *key, const void *text, size_t len, const unsigned char *sig,
    size_t siglen)
{
	int ec = EVP_PKEY_is_a(key, "EC"), ok;
	const char *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : "SHA256";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *rs = ECDSA_SIG_new();
	unsigned char *der = NULL;

	if (ec) {
		ECDSA_SIG_set0(rs, BN_bin2bn(sig, (int)siglen / 2, NULL),
		    BN_bin2bn(sig + siglen / 2, (int)siglen / 2, NULL));
		siglen = (size_t)i2d_ECDSA_SIG(rs, &der);
		sig = der;
	}
	ok = EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, key, NULL) ==
	    1 && EVP_DigestVerify(ctx, sig, siglen, text, len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(rs);
	EVP_MD_CTX_free(ctx);
	return ok;
}

static void
make_key(const char *name, const char *type)
{
	EVP_PKEY *key = key_new(type);
	size_t n;
	char *pem = key_pem(key, &n), *text = xstrndup(pem, n);

	write_file(name, text, 0600);
	free(text);
	key_pem_free(pem, n);
	EVP_PKEY_free(key);
}

static void
signs(const char *name, const char *alg, size_t want)
{
	struct signer *s = signer_start(in(name), DIR_A, 1);
	const struct signer_info *info;
	EVP_PKEY *key = key_load(in(name));
	char *jwk, *thumb;
	unsigned char *sig;
	size_t n = 0;

	if (CHECK(s != NULL) && CHECK((info = signer_info(s)) != NULL) &&
	    CHECK(key != NULL)) {
		CHECK(signer_info(s) == info);
		jwk = jws_jwk(key);
		thumb = jws_thumbprint(jwk);
		CHECK_STR(info->alg, alg);
		CHECK_STR(info->jwk, jwk);
		CHECK_STR(info->thumbprint, thumb);
		CHECK_STR(info->account, "");
		if (CHECK((sig = signer_sign(s, "text\0more", 9, &n)) !=
		    NULL)) {
			CHECK_INT(n, want);
			CHECK(verify(key, "text\0more", 9, sig, n));
			CHECK(!verify(key, "text\0mora", 9, sig, n));
		}
		free(sig);
		free(jwk);
		free(thumb);
	}
	EVP_PKEY_free(key);
	signer_stop(s);
}

static void
signer_keys(void)
{
	make_key("p256", "P-256");
	make_key("p384", "P-384");
	make_key("rsa", "rsa2048");
	make_key("ed", "Ed25519");
	signs("p256", "ES256", 64);
	signs("rsa", "RS256", 256);
	signs("ed", "EdDSA", 64);
	CHECK_INT(access(in("p256.accounts"), F_OK), -1);
}

/* Many messages one after the other, empty and as long as they may be. */
static void
signer_sizes(void)
{
	static const size_t sizes[] = {0, 1, 4095, 65536, 128 * 1024};
	struct signer *s = signer_start(in("p256"), DIR_A, 1);
	EVP_PKEY *key = key_load(in("p256"));
	char *text = xcalloc(1, 128 * 1024 + 1);
	unsigned char *sig;
	size_t i, n;

	CHECK(signer_info(s) != NULL);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(text, (int)i, sizes[i]);
		sig = signer_sign(s, text, sizes[i], &n);
		if (CHECK(sig != NULL))
			CHECK(verify(key, text, sizes[i], sig, n));
		free(sig);
	}
	listen_in();
	CHECK(signer_sign(s, text, 128 * 1024 + 1, &n) == NULL);
	heard("signer: no signature");
	CHECK((sig = signer_sign(s, "x", 1, &n)) != NULL);
	free(sig);
	free(text);
	EVP_PKEY_free(key);
	signer_stop(s);
}

static void
signer_makes_key(void)
{
	struct signer *s;
	char *first, *again;

	umask(0);
	listen_in();
	s = signer_start(in("new"), DIR_A, 1);
	CHECK(signer_info(s) != NULL);
	heard("made a new account key (P-256)");
	umask(022);
	CHECK_INT(mode_of("new"), 0600);
	signer_stop(s);
	first = read_file("new");
	signs("new", "ES256", 64);
	again = read_file("new");
	CHECK_STR(again, first);
	free(first);
	free(again);
}

/* The account that the signer knows for a directory. */
static void
account_is(const char *directory, const char *want)
{
	struct signer *s = signer_start(in("p256"), directory, 1);
	const struct signer_info *info = signer_info(s);

	if (CHECK(info != NULL))
		CHECK_STR(info->account, want);
	signer_stop(s);
}

static void
remember(const char *directory, const char *account)
{
	struct signer *s = signer_start(in("p256"), directory, 1);

	CHECK(signer_info(s) != NULL);
	CHECK_INT(signer_remember(s, account), 0);
	signer_stop(s);
}

static void
signer_accounts(void)
{
	remember(DIR_A, "https://ca.example/acct/1");
	CHECK_INT(mode_of("p256.accounts"), 0600);
	account_is(DIR_A, "https://ca.example/acct/1");
	account_is(DIR_B, "");
	remember(DIR_B, "https://ca.example/acct/2");
	account_is(DIR_A, "https://ca.example/acct/1");
	account_is(DIR_B, "https://ca.example/acct/2");
	account_is("https://ca.example/acme/director", "");
	account_is("https://ca.example/acme", "");
	account_is("", "");
	remember(DIR_A, "https://ca.example/acct/3");
	is_file("p256.accounts", DIR_A " https://ca.example/acct/3\n"
	    DIR_B " https://ca.example/acct/2\n");
	remember(DIR_A, "");
	account_is(DIR_A, "");
	account_is(DIR_B, "https://ca.example/acct/2");
	remember(DIR_A, "");
	is_file("p256.accounts", DIR_B " https://ca.example/acct/2\n");
}

/* Remembered twice by one signer, which signs in between. */
static void
signer_account_twice(void)
{
	struct signer *s = signer_start(in("p256"), DIR_A, 1);
	unsigned char *sig;
	size_t n;

	CHECK_INT(signer_info(s) != NULL, 1);
	CHECK_INT(signer_remember(s, "https://ca.example/acct/4"), 0);
	CHECK((sig = signer_sign(s, "x", 1, &n)) != NULL);
	free(sig);
	CHECK_INT(signer_remember(s, ""), 0);
	CHECK_INT(signer_remember(s, "https://ca.example/acct/5"), 0);
	signer_stop(s);
	account_is(DIR_A, "https://ca.example/acct/5");
	account_is(DIR_B, "https://ca.example/acct/2");
}

/* A file of accounts that somebody spoilt costs a request, no more. */
static void
signer_accounts_spoilt(void)
{
	char *big = xcalloc(1, 70001);

	write_file("p256.accounts", "", 0600);
	account_is(DIR_A, "");
	write_file("p256.accounts", "\n\n \nrubbish\n" DIR_A "\n" DIR_A " \n"
	    DIR_B " https://ca.example/acct/6", 0600);
	account_is(DIR_A, "");
	account_is(DIR_B, "https://ca.example/acct/6");
	remember(DIR_B, "https://ca.example/acct/7");
	account_is(DIR_B, "https://ca.example/acct/7");
	memset(big, 'x', 70000);
	write_file("p256.accounts", big, 0600);
	free(big);
	listen_in();
	account_is(DIR_A, "");
	heard("p256.accounts: ");
}

static void
signer_cannot_write(void)
{
	struct signer *s;

	unlink(in("p256.accounts"));
	listen_in();
	s = signer_start(in("p256"), DIR_A, 1);
	CHECK(signer_info(s) != NULL);
	CHECK_INT(mkdir(in("p256.accounts"), 0700), 0);
	CHECK_INT(signer_remember(s, "https://ca.example/acct/8"), -1);
	heard("p256.accounts: not a regular file");
	CHECK_INT(rmdir(in("p256.accounts")), 0);
	CHECK_INT(signer_remember(s, "https://ca.example/acct/8"), 0);
	signer_stop(s);
}

static void
no_signer(const char *path, const char *message)
{
	struct signer *s;
	size_t n;

	listen_in();
	s = signer_start(path, DIR_A, 1);
	CHECK(s != NULL && signer_info(s) == NULL);
	CHECK(signer_sign(s, "x", 1, &n) == NULL);
	CHECK_INT(signer_remember(s, "x"), -1);
	signer_stop(s);
	heard(message);
}

static void
signer_bad_keys(void)
{
	char *pem = read_file("p256");

	write_file("bad", "-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n", 0600);
	no_signer(in("bad"), "bad: no private key in PEM form found");
	is_file("bad", "-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n");
	write_file("empty", "", 0600);
	no_signer(in("empty"), "empty: ");
	write_file("open", pem, 0644);
	no_signer(in("open"), "open: mode 0644: ");
	free(pem);
	no_signer(tmp, ": ");
	no_signer(in("missing/key"), "missing");
	no_signer(in("bad/key"), "bad/key: ");
	signer_stop(NULL);
}

/* The webroot. */

#define FOLDER ".well-known/acme-challenge"

static void
webroot_files(void)
{
	struct webroot *w;
	char *path;

	CHECK_INT(mkdir(in("www"), 0755), 0);
	umask(077);
	w = webroot_dir(in("www"));
	if (!CHECK(w != NULL))
		return;
	path = xstrdup(in("www/" FOLDER));
	CHECK_STR(webroot_path(w), path);
	free(path);
	CHECK_INT(mode_of("www/.well-known"), 0755);
	CHECK_INT(mode_of("www/" FOLDER), 0755);
	CHECK_INT(webroot_put(w, TOKEN, ANSWER), 0);
	CHECK_INT(webroot_put(w, "second", "second.x"), 0);
	umask(022);
	CHECK_INT(mode_of("www/" FOLDER "/" TOKEN), 0644);
	is_file("www/" FOLDER "/" TOKEN, ANSWER);
	is_file("www/" FOLDER "/second", "second.x");
	CHECK_INT(webroot_put(w, "second", "again"), 0);
	is_file("www/" FOLDER "/second", "again");
	webroot_free(w);
	CHECK_INT(mode_of("www/" FOLDER "/" TOKEN), -1);
	CHECK_INT(mode_of("www/" FOLDER "/second"), -1);
	CHECK_INT(mode_of("www/" FOLDER), 0755);
	webroot_free(NULL);
}

/* What others put there stays; modes of directories that are there too. */
static void
webroot_others(void)
{
	struct webroot *w;

	write_file("www/" FOLDER "/other", "not ours", 0640);
	CHECK_INT(chmod(in("www/.well-known"), 0750), 0);
	w = webroot_dir(in("www"));
	if (CHECK(w != NULL))
		CHECK_INT(webroot_put(w, TOKEN, ANSWER), 0);
	webroot_free(w);
	is_file("www/" FOLDER "/other", "not ours");
	CHECK_INT(mode_of("www/.well-known"), 0750);
	CHECK_INT(mode_of("www/" FOLDER "/" TOKEN), -1);
}

static void
webroot_refused(void)
{
	struct webroot *w;

	listen_in();
	CHECK(webroot_dir(in("no-such")) == NULL);
	heard("no-such/" FOLDER ": No such file or directory");
	listen_in();
	CHECK(webroot_dir(in("p256")) == NULL);
	heard("p256/" FOLDER ": Not a directory");
	CHECK_INT(mkdir(in("www/" FOLDER "/taken"), 0755), 0);
	listen_in();
	w = webroot_dir(in("www"));
	if (CHECK(w != NULL))
		CHECK_INT(webroot_put(w, "taken", "x"), -1);
	webroot_free(w);
	heard("taken: not a regular file");
	CHECK_INT(rmdir(in("www/" FOLDER "/taken")), 0);
}

/* A program that ends without webroot_free(), by itself or by a signal. */
static void
ends(int sig)
{
	static struct webroot *volatile w;	/* in sight at exit() */
	pid_t pid;
	int status, p[2];
	char c;

	CHECK_INT(pipe(p), 0);
	if ((pid = fork()) == 0) {
		close(p[0]);
		if ((w = webroot_dir(in("www"))) == NULL ||
		    webroot_put(w, TOKEN, ANSWER) == -1)
			_exit(99);
		if (sig == 0)
			exit(7);
		io_write(p[1], "r", 1);
		pause();
		_exit(98);
	}
	close(p[1]);
	if (sig != 0) {
		CHECK_INT(read(p[0], &c, 1), 1);
		is_file("www/" FOLDER "/" TOKEN, ANSWER);
		kill(pid, sig);
	}
	close(p[0]);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	if (sig == 0)
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	else
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig);
	CHECK_INT(mode_of("www/" FOLDER "/" TOKEN), -1);
	is_file("www/" FOLDER "/other", "not ours");
}

static void
webroot_ends(void)
{
	ends(0);
	ends(SIGTERM);
	ends(SIGINT);
	ends(SIGHUP);
}

/* The responder. */

static int
loopback(unsigned int port)
{
	struct sockaddr_in sin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons((unsigned short)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (port != 0)
		return connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 ?
		    fd : (close(fd), -1);
	return bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 ? fd : -1;
}

/* A port nobody listens on. */
static unsigned int
free_port(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = loopback(0);

	memset(&sin, 0, sizeof(sin));
	getsockname(fd, (struct sockaddr *)&sin, &len);
	close(fd);
	return ntohs(sin.sin_port);
}

/* The whole response to METHOD of TOKEN, or NULL; static. */
static const char *
ask(unsigned int port, const char *method, const char *token)
{
	static char buf[8192];
	char *req = xasprintf("%s /" FOLDER "/%s HTTP/1.1\r\n"
	    "Host: a.example\r\nUser-Agent: test\r\n\r\n", method, token);
	int fd = loopback(port);
	size_t n = 0;
	ssize_t got;

	if (fd == -1) {
		free(req);
		return NULL;
	}
	io_write(fd, req, strlen(req));
	while (n < sizeof(buf) - 1 &&
	    (got = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)got;
	buf[n] = '\0';
	close(fd);
	free(req);
	return buf;
}

static void
says(const char *response, const char *status, const char *body)
{
	const char *end = response == NULL ? NULL :
	    strstr(response, "\r\n\r\n");

	if (!CHECK(response != NULL && strncmp(response, status,
	    strlen(status)) == 0) || !CHECK(end != NULL) ||
	    !CHECK_STR(end + 4, body))
		printf("# %s\n", esc(response));
}

static void
responder(void)
{
	unsigned int port = free_port();
	char *addr = xasprintf("127.0.0.1:%u", port);
	struct webroot *w = webroot_listen(addr);
	const char *r;

	if (CHECK(w != NULL)) {
		CHECK(webroot_path(w) == NULL);
		says(ask(port, "GET", TOKEN), "HTTP/1.1 404 ",
		    "404 Not Found\n");
		CHECK_INT(webroot_put(w, TOKEN, ANSWER), 0);
		CHECK_INT(webroot_put(w, "second", "second.x"), 0);
		r = ask(port, "GET", TOKEN);
		says(r, "HTTP/1.1 200 OK\r\n", ANSWER);
		CHECK(r != NULL && strstr(r, "\r\nContent-Type: "
		    "application/octet-stream\r\n") != NULL);
		says(ask(port, "GET", "second"), "HTTP/1.1 200 ", "second.x");
		says(ask(port, "HEAD", TOKEN), "HTTP/1.1 200 ", "");
		says(ask(port, "POST", TOKEN), "HTTP/1.1 405 ",
		    "405 Method Not Allowed\n");
		says(ask(port, "GET", "third"), "HTTP/1.1 404 ",
		    "404 Not Found\n");
		says(ask(port, "GET", "../" TOKEN), "HTTP/1.1 404 ",
		    "404 Not Found\n");
	}
	webroot_free(w);
	CHECK(ask(port, "GET", TOKEN) == NULL);
	free(addr);
}

static void
responder_refused(void)
{
	unsigned int port = free_port();
	char *addr = xasprintf("127.0.0.1:%u", port);
	struct webroot *w = webroot_listen(addr);
	char *big = xcalloc(1, 5000);

	CHECK(w != NULL);
	listen_in();
	CHECK(webroot_listen(addr) == NULL);
	heard("Address already in use");
	listen_in();
	CHECK(webroot_listen("127.0.0.1:65536") == NULL);
	heard("127.0.0.1:65536: the port is no number");
	memset(big, 'x', 4999);
	listen_in();
	CHECK_INT(webroot_put(w, TOKEN, big), -1);
	heard("responder: does not take the answer");
	CHECK_INT(webroot_put(w, TOKEN, ANSWER), 0);
	says(ask(port, "GET", TOKEN), "HTTP/1.1 200 ", ANSWER);
	webroot_free(w);
	free(big);
	free(addr);
}

static void
remove_tmp(void)
{
	static const char *const files[] = {"p256", "p384", "rsa", "ed", "new",
	    "bad", "empty", "open", "p256.accounts", "stderr",
	    "www/" FOLDER "/other"};
	static const char *const dirs[] = {"www/.well-known/acme-challenge",
	    "www/.well-known", "www"};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(in(files[i]));
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		rmdir(in(dirs[i]));
	CHECK_INT(rmdir(tmp), 0);
	free(tmp);
}

int
main(void)
{
	const char *where = getenv("TMPDIR");

	umask(022);
	alarm(60);
	tmp = xasprintf("%s/acme-test.XXXXXX", where != NULL ? where : "/tmp");
	if (mkdtemp(tmp) == NULL)
		return 1;
	check_case("acme: 6.7 problem documents as text", problems);
	check_case("acme: 6.7.1 subproblems as text", subproblems);
	check_case("acme: problems are safe for a terminal", problem_escapes);
	check_case("acme: overlong problems end", problem_overlong);
	check_case("acme: 6.7 problems by type", problem_types);
	check_case("signer: 6.2 signs with each kind of key", signer_keys);
	check_case("signer: messages of every size", signer_sizes);
	check_case("signer: a missing key is made, 0600", signer_makes_key);
	check_case("signer: an account for each directory", signer_accounts);
	check_case("signer: remembers anew", signer_account_twice);
	check_case("signer: a spoilt list of accounts", signer_accounts_spoilt);
	check_case("signer: an account that cannot be written down",
	    signer_cannot_write);
	check_case("signer: a bad key is no signer", signer_bad_keys);
	check_case("webroot: 8.3 answers are files and go away", webroot_files);
	check_case("webroot: what others put there stays", webroot_others);
	check_case("webroot: what cannot be one is refused", webroot_refused);
	check_case("webroot: 8.3 answers go away at exit and signal",
	    webroot_ends);
	check_case("webroot: 8.3 the responder answers", responder);
	check_case("webroot: what the responder refuses", responder_refused);
	check_case("acme: the tests leave no file behind", remove_tmp);
	return check_end();
}
