/* SPDX-License-Identifier: ISC */
/* Landlock, with the constants of newer kernels at hand: see sandbox.h. */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "sandbox.h"

/* linux/landlock.h of Debian 12 ends at ABI 2. */
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_REG (1ULL << 8)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define CREATE_RULESET_VERSION 1

struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_attr {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct port_attr {
	uint64_t allowed;
	uint64_t port;
};

static struct ruleset_attr handled;

/* The rights that this kernel knows; 0 when it has no Landlock. */
static size_t
probe(struct ruleset_attr *a)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_RULESET_VERSION);

	a->fs = a->net = a->scoped = 0;
	if (abi < 1)
		return 0;
	a->fs = abi >= 5 ? 0xffff : abi >= 3 ? 0x7fff : abi == 2 ? 0x3fff :
	    0x1fff;
	if (abi >= 4)
		a->net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		a->scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

int
sandbox_begin(void)
{
	size_t size = probe(&handled);

	if (size == 0)
		return -1;
	return (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
}

void
sandbox_path(int s, const char *path, int access)
{
	struct path_attr a = {0, -1};

	if (s == -1)
		return;
	if (access & SANDBOX_READ)
		a.allowed |= FS_READ_FILE | FS_READ_DIR;
	if (access & SANDBOX_CREATE)
		a.allowed |= FS_WRITE_FILE | FS_READ_DIR | FS_REMOVE_FILE |
		    FS_MAKE_REG | FS_REFER | FS_TRUNCATE;
	a.allowed &= handled.fs;
	if ((a.fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return;
	/* A plain file takes no rights of directories. */
	if (syscall(SYS_landlock_add_rule, s, RULE_PATH_BENEATH, &a, 0) == -1 &&
	    errno == EINVAL) {
		a.allowed &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
		syscall(SYS_landlock_add_rule, s, RULE_PATH_BENEATH, &a, 0);
	}
	close(a.fd);
}

static void
allow_port(int s, uint64_t right, unsigned int port)
{
	struct port_attr a = {right & handled.net, port};

	if (s != -1 && a.allowed != 0)
		syscall(SYS_landlock_add_rule, s, RULE_NET_PORT, &a, 0);
}

void
sandbox_connect(int s, unsigned int port)
{
	allow_port(s, NET_CONNECT_TCP, port);
}

void
sandbox_client(int s, unsigned int port)
{
	static const char *const resolver[] = {"/etc/gai.conf",
	    "/etc/host.conf", "/etc/hosts", "/etc/nsswitch.conf",
	    "/etc/resolv.conf", "/etc/services", "/run/systemd/resolve"};
	size_t i;

	for (i = 0; i < sizeof(resolver) / sizeof(resolver[0]); i++)
		sandbox_path(s, resolver[i], SANDBOX_READ);
	sandbox_connect(s, port);
	sandbox_connect(s, 53);
}

int
sandbox_apply(int s)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		warn("sandbox");
		return -1;
	}
	if (s == -1)
		return 0;
	if (syscall(SYS_landlock_restrict_self, s, 0) == -1) {
		warn("sandbox");
		return -1;
	}
	close(s);
	return 0;
}

int
sandbox_stdio(void)
{
	return sandbox_apply(sandbox_begin());
}
