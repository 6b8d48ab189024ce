/* SPDX-License-Identifier: ISC */
/* Before a server is asked: see client.h. */
#include <stdlib.h>

#include "client.h"
#include "io.h"
#include "pem.h"
#include "sandbox.h"

char *
client_anchors(const char *path, size_t *len)
{
	char *pem = io_slurp(path, IO_PEM_MAX, len);
	STACK_OF(X509) *certs;

	if (pem == NULL)
		return NULL;
	if ((certs = pem_certs(pem, *len, io_name(path), 0)) == NULL) {
		free(pem);
		return NULL;
	}
	pem_certs_free(certs);
	return pem;
}

int
client_confine(const char *writable, unsigned int port, unsigned int proxy)
{
	static const char *const resolver[] = {"/etc/gai.conf",
	    "/etc/host.conf", "/etc/hosts", "/etc/nsswitch.conf",
	    "/etc/resolv.conf", "/etc/services", "/run/systemd/resolve"};
	int s = sandbox_begin();
	size_t i;

	for (i = 0; i < sizeof(resolver) / sizeof(resolver[0]); i++)
		sandbox_path(s, resolver[i], SANDBOX_READ);
	if (writable != NULL) {
		sandbox_path(s, writable, SANDBOX_CREATE | SANDBOX_READ);
		sandbox_path(s, "/proc/self/fd", SANDBOX_READ);
	}
	sandbox_connect(s, port);
	if (proxy != 0)
		sandbox_connect(s, proxy);
	sandbox_connect(s, 53);
	return sandbox_apply(s);
}
