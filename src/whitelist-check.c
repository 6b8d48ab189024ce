/* SPDX-License-Identifier: ISC */
/*
 * whitelist-check - is this address on the list
 *
 * Reads a list of addresses and networks from a file or stdin and looks for
 * each address named; writes nothing.  Exit: 0 all of them are on the list,
 * 1 one is not, 2 error.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "addrlist.h"
#include "io.h"
#include "sandbox.h"
#include "util.h"

static int vflag;

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: whitelist-check [-Vv] list address ...\n");
	_exit(EX_ERR);
}

static int
check(const struct addrlist *l, const char *text)
{
	const struct addrnet *net;
	struct addr a;

	if (addr_parse(&a, text) == -1) {
		warnx("%s: not an IP address", esc(text));
		return EX_ERR;
	}
	net = addrlist_find(l, &a);
	if (vflag && net != NULL)
		warnx("%s: on the list, line %u", text, net->line);
	else if (vflag)
		warnx("%s: not on the list", text);
	return net != NULL ? EX_YES : EX_NO;
}

int
main(int argc, char *argv[])
{
	struct addrlist l = {NULL, 0};
	int ch, i, rc = EX_YES, one;
	size_t len;
	char *text;

	std_fill();
	while ((ch = getopt(argc, argv, ":Vv")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 'v':
			vflag = 1;
			break;
		default:
			usage();
		}
	}
	if (argc - optind < 2)
		usage();
	if ((text = io_slurp(argv[optind], ADDRLIST_MAX, &len)) == NULL ||
	    sandbox_stdio() == -1 ||
	    addrlist_parse(&l, text, len, io_name(argv[optind])) == -1)
		return EX_ERR;
	for (i = optind + 1; i < argc; i++)
		if ((one = check(&l, argv[i])) > rc)
			rc = one;
	return rc;
}
