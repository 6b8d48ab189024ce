/* SPDX-License-Identifier: ISC */
/* Before a server is asked: see client.h. */
#include <stddef.h>

#include "client.h"
#include "sandbox.h"

int
client_confine(const char *writable, unsigned int port, unsigned int proxy)
{
	int s = sandbox_begin();

	sandbox_client(s, port);
	if (writable != NULL) {
		sandbox_path(s, writable, SANDBOX_CREATE | SANDBOX_READ);
		sandbox_path(s, "/proc/self/fd", SANDBOX_READ);
	}
	if (proxy != 0)
		sandbox_connect(s, proxy);
	return sandbox_apply(s);
}
