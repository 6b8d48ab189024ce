/* SPDX-License-Identifier: ISC */
/*
 * agent-conf - the configuration of the agents, checked
 *
 * Reads certs.d(5), a directory, and the environment; writes what they come to
 * for a protocol: the keys of the agent itself, or those of one certificate,
 * as KEY=value lines, or all certificates as JSON; or the links to the files
 * of a certificate.  Exit: 0 it is good, 2 it is not, with a line for each
 * thing that is wrong.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentconf.h"
#include "certlinks.h"
#include "jsonw.h"
#include "ossl.h"
#include "util.h"

typedef void printer(const struct agentconf *);

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: agent-conf [-V] [-c dir] "
	    "[-f json | links] [-n name] acme | est\n");
	exit(EX_ERR);
}

static void
print_lines(const struct agentconf *c)
{
	enum agentconf_key key;

	for (key = 0; key < AC_KEYS; key++)
		if (c->value[key] != NULL)
			printf("%s=%s\n", agentconf_key_name(key),
			    c->value[key]);
}

/* The stable names: path, tabulator, file of the current generation. */
static void
print_links(const struct agentconf *c)
{
	const char *file;
	char *path;
	size_t at = 0;

	while ((path = certlinks_next(c, &at, &file)) != NULL) {
		printf("%s\t%s\n", path, file);
		free(path);
	}
}

static void
print_json(const struct agentconf *c)
{
	struct jsonw w = JSONW_INIT;
	enum agentconf_key key;

	jsonw_begin(&w, NULL, '{');
	jsonw_str(&w, "name", c->name);
	jsonw_str(&w, "file", c->file);
	for (key = 0; key < AC_KEYS; key++)
		if (c->value[key] != NULL)
			jsonw_str(&w, agentconf_key_name(key), c->value[key]);
	jsonw_end(&w, '}');
	jsonw_line(&w, stdout);
	jsonw_free(&w);
}

static printer *
form(const char *text)
{
	if (strcmp(text, "json") == 0)
		return print_json;
	return strcmp(text, "links") == 0 ? print_links : NULL;
}

/* All that is asked for; -1 with a message when there is no such name. */
static int
print_all(const struct agentconfs *all, const char *name, printer *print)
{
	size_t i, n = 0;

	if (name == NULL && print == print_lines) {
		print(&all->own);
		return 0;
	}
	for (i = 0; i < all->n; i++) {
		if (name != NULL && strcmp(all->cert[i].name, name) != 0)
			continue;
		n++;
		print(&all->cert[i]);
	}
	return name != NULL && n == 0 ? -1 : 0;
}

int
main(int argc, char *argv[])
{
	const char *dir = AC_DIR, *name = NULL, *protocol;
	struct agentconfs all;
	printer *print = print_lines;
	int ch;

	std_fill();
	while ((ch = getopt(argc, argv, ":Vc:f:n:")) != -1) {
		switch (ch) {
		case 'V':
			version();
		case 'c':
			dir = optarg;
			break;
		case 'f':
			if ((print = form(optarg)) == NULL)
				usage();
			break;
		case 'n':
			name = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 1)
		usage();
	protocol = argv[optind];
	if (strcmp(protocol, "acme") != 0 && strcmp(protocol, "est") != 0)
		usage();
	ossl_reader();
	if (agentconf_load(dir, protocol, name == NULL &&
	    print == print_lines ? AC_NOBODY : name, &all) != EX_YES)
		return EX_ERR;
	if (print_all(&all, name, print) == -1)
		errx(EX_ERR, "%s: no certificate of that name for %s in %s",
		    esc(name), protocol, dir);
	agentconf_free(&all);
	return finish(EX_YES);
}
