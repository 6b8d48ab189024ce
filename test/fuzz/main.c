/* SPDX-License-Identifier: ISC */
/*
 * Gives a fuzz target a main() where there is no libFuzzer: runs it once on
 * each file named, and on each file of a directory named.  Exit: 0 all ran
 * (a finding is a crash), 2 nothing to run or a file that cannot be read.
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "io.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int ran;

static void
replay(const char *path)
{
	uint8_t *exact;
	size_t len, i;
	char *buf;

	if ((buf = io_slurp(path, IO_PEM_MAX, &len)) == NULL)
		exit(EX_ERR);
	/* A copy without the NUL behind it, so that over-reads are seen. */
	exact = xmalloc(len);
	for (i = 0; i < len; i++)
		exact[i] = (uint8_t)buf[i];
	free(buf);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	ran++;
}

static void
replay_all(DIR *dir, const char *name)
{
	struct dirent *d;
	char *path;

	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", name, d->d_name);
		replay(path);
		free(path);
	}
	closedir(dir);
}

int
main(int argc, char *argv[])
{
	DIR *dir;
	int i;

	for (i = 1; i < argc; i++)
		if ((dir = opendir(argv[i])) != NULL)
			replay_all(dir, argv[i]);
		else
			replay(argv[i]);
	if (ran == 0)
		errx(EX_ERR, "usage: %s file|directory ...", argv[0]);
	printf("%u inputs\n", ran);
	return finish(EX_YES);
}
