/* SPDX-License-Identifier: ISC */
/* Fuzz target: the file of a bootstrap token, as KEY=value data. */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esttoken.h"
#include "io.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/fuzz-esttoken.XXXXXX";
static char path[sizeof(dir) + ESTTOKEN_ID + sizeof("/.spent")];

static void
leave(void)
{
	unlink(path);
	rmdir(dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct esttoken t;
	const char *why;
	int fd, rc;

	if (path[0] == '\0') {
		if (mkdtemp(dir) == NULL)
			err(EX_ERR, "%s", dir);
		snprintf(path, sizeof(path), "%s/k7m2p", dir);
		atexit(leave);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || io_write(fd, data, size) == -1)
		err(EX_ERR, "%s", path);
	close(fd);
	rc = esttoken_take(&t, dir, "k7m2p9qxab0123456789cdefghjkmnpqrst",
	    "a", 1780000000, &why);
	if (rc == EX_YES && strlen(t.name) > ESTTOKEN_NAME_MAX)
		abort();
	if (rc == EX_YES && (esttoken_spend(&t) == -1 ||
	    (access(path, F_OK) == 0) == (t.once != 0)))
		abort();
	if (rc == EX_YES) {
		strcpy(path + strlen(path), t.once ? ".spent" : "");
		esttoken_drop(&t);
		unlink(path);
		path[strlen(dir) + 1 + ESTTOKEN_ID] = '\0';
	}
	return 0;
}
