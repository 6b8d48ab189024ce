/* SPDX-License-Identifier: ISC */
/* The beginning and the end of an ACME command: see acmesession.h. */
#include <err.h>
#include <stdlib.h>

#include "acmeaccount.h"
#include "acmesession.h"
#include "client.h"
#include "httpurl.h"
#include "pem.h"
#include "util.h"

int
acme_opt(struct acme *a, struct acme_conf *conf, int ch, const char *arg)
{
	switch (ch) {
	case 'A':
		conf->anchors = arg;
		return 0;
	case 'O':
		conf->proxy = 1;
		return 0;
	case 'V':
		version();
	case 'e':
		conf->events = arg;
		return 0;
	case 'm':
		conf->sec = opt_num(ch, arg, 1, 86400);
		return 0;
	case 'u':
		a->directory = arg;
		return 0;
	case 'v':
		a->verbose = 1;
		return 0;
	default:
		return -1;
	}
}

int
acme_start(struct acme *a, const struct acme_conf *conf)
{
	struct http_conf http = {0};
	unsigned int port, proxy_port = 0;
	char host[256];

	a->deadline = mono_ms() + conf->sec * 1000;
	a->events_name = conf->events;
	if (conf->events != NULL &&
	    (a->events = fopen(conf->events, "ae")) == NULL) {
		warn("%s", conf->events);
		return EX_ERR;
	}
	if (http_url(a->directory, host, sizeof(host), &port) == -1) {
		warnx("%s: not an https URL", esc(a->directory));
		return EX_ERR;
	}
	if (conf->proxy && http_proxy(&http.proxy, &proxy_port) == -1)
		return EX_ERR;
	if ((a->anchors = pem_load_anchors(conf->anchors,
	    &http.anchors_len)) == NULL)
		return EX_ERR;
	json_start();
	if (conf->key != NULL && (a->signer = signer_start(conf->key,
	    a->directory, conf->make_key)) == NULL)
		return EX_ERR;
	http.anchors = a->anchors;
	http.deadline = a->deadline;
	if (client_confine(conf->writable, port, proxy_port) == -1 ||
	    (a->http = http_new(&http)) == NULL)
		return EX_ERR;
	if (a->signer != NULL && (a->key = signer_info(a->signer)) == NULL)
		return EX_ERR;
	return 0;
}

int
acme_end(struct acme *a, int rc)
{
	char when[RFC3339_SIZE];

	signer_stop(a->signer);
	acme_note_end(a, rc);
	if (a->events != NULL &&
	    (ferror(a->events) | (fclose(a->events) != 0)) != 0)
		warnx("%s: some events could not be written",
		    a->events_name);
	acme_close(a);
	http_free(a->http);
	free(a->anchors);
	if (rc == EX_TEMP && a->retry_at != 0)
		fprintf(stderr, "retry-at: %s\n", rfc3339(a->retry_at, when));
	return rc;
}
