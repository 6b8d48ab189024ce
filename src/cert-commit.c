/* SPDX-License-Identifier: ISC */
/*
 * cert-commit - keep the current generation for good
 *
 * Notes that what is current has been seen in service, overwrites all other
 * generations of the store and removes them.  Writes nothing.  Exit: 0 done,
 * 2 error, 75 another process is changing the store.
 */
#include <stdio.h>
#include <unistd.h>

#include "store.h"
#include "util.h"

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: cert-commit [-V] directory\n");
	_exit(EX_ERR);
}

int
main(int argc, char *argv[])
{
	struct store *s = NULL;
	int ch, rc;

	std_fill();
	while ((ch = getopt(argc, argv, ":V")) != -1) {
		switch (ch) {
		case 'V':
			version();
		default:
			usage();
		}
	}
	if (argc - optind != 1)
		usage();
	if ((rc = store_open(argv[optind], &s)) == EX_YES &&
	    store_commit(s) == -1)
		rc = EX_ERR;
	store_close(s);
	return rc;
}
