/* SPDX-License-Identifier: ISC */
/*
 * mkkey - make a private key
 *
 * Writes a new key as PKCS#8 PEM to stdout, or with -o to a new file of mode
 * 0600 that must not exist.  Reads nothing.  Refuses a terminal and a file
 * that others can read as stdout.  Exit: 0 made, 2 error.
 */
#include <sys/stat.h>

#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "key.h"
#include "ossl.h"
#include "replace.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: mkkey [-V] [-o file] [-t type]\n");
	_exit(EX_ERR);
}

/* May a secret go to stdout? */
static void
check_stdout(void)
{
	struct stat st;

	if (isatty(STDOUT_FILENO))
		errx(EX_ERR, "stdout: a terminal; use -o file for a key");
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0)
		errx(EX_ERR, "stdout: a file of mode %04o that others could "
		    "read; use -o file, or umask 077",
		    (unsigned int)st.st_mode & 07777);
}

static int
print_key(const char *pem, size_t len)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	fwrite(pem, 1, len, stdout);
	return finish(EX_YES);
}

int
main(int argc, char *argv[])
{
	const char *out = NULL, *type = "P-256";
	EVP_PKEY *key;
	char *pem;
	size_t len;
	int ch, rc;

	std_fill();
	while ((ch = getopt(argc, argv, ":Vo:t:")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 'o':
			out = optarg;
			break;
		case 't':
			type = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc != optind)
		usage();
	key_no_dump();
	ossl_maker();
	if (out == NULL)
		check_stdout();
	else if (access(out, F_OK) == 0)
		errx(EX_ERR, "%s: exists; a key is never overwritten", out);
	if ((key = key_new(type)) == NULL ||
	    (pem = key_pem(key, &len)) == NULL)
		return EX_ERR;
	if (out != NULL)
		rc = replace_write_new(out, 0600, pem, len) == 0 ?
		    EX_YES : EX_ERR;
	else
		rc = print_key(pem, len);
	key_pem_free(pem, len);
	EVP_PKEY_free(key);
	return rc;
}
