/* SPDX-License-Identifier: ISC */
/* The beginning and the end of a step command: see stepsession.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "httpurl.h"
#include "io.h"
#include "json.h"
#include "key.h"
#include "ott.h"
#include "pem.h"
#include "stepsession.h"
#include "util.h"

int
step_opt(struct step_conf *conf, int ch, const char *arg)
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
	case 'm':
		conf->sec = opt_num(ch, arg, 1, 86400);
		return 0;
	case 'u':
		conf->url = arg;
		return 0;
	default:
		return -1;
	}
}

char *
step_token(const char *path)
{
	static const char blank[] = " \t\r\n";
	size_t len, skip;
	char *text = io_slurp(path, OTT_MAX + 2, &len);

	if (text == NULL)
		return NULL;
	skip = strspn(text, blank);
	while (len > skip && strchr(blank, text[len - 1]) != NULL)
		text[--len] = '\0';
	memmove(text, text + skip, strlen(text + skip) + 1);
	if (!ott_ok(text)) {
		warnx("%s: not a token", io_name(path));
		free(text);
		return NULL;
	}
	return text;
}

/* Certificate and key as the PEM texts that libcurl wants. */
static int
read_own(struct http_conf *http, const struct step_conf *conf)
{
	STACK_OF(X509) *certs = pem_load_certs(conf->cert, 0);
	EVP_PKEY *key = NULL;
	char *text = NULL, *secret = NULL;

	key_no_dump();
	if (certs != NULL && (key = key_load(conf->key)) != NULL) {
		if (X509_check_private_key(sk_X509_value(certs, 0), key) != 1)
			warnx("%s: not the key of %s", conf->key, conf->cert);
		else if ((text = pem_text(certs, 0, &http->cert_len)) != NULL)
			secret = key_pem(key, &http->key_len);
	}
	http->cert = text;
	http->key = secret;
	EVP_PKEY_free(key);
	pem_certs_free(certs);
	return secret != NULL ? 0 : -1;
}

int
step_start(struct stepca *ca, const struct step_conf *conf)
{
	struct http_conf http = {.deadline = mono_ms() + conf->sec * 1000};
	unsigned int port, proxy_port = 0;
	char host[256];

	ca->url = conf->url;
	if (http_url(conf->url, host, sizeof(host), &port) == -1) {
		warnx("%s: not an https URL", esc(conf->url));
		return EX_ERR;
	}
	if (conf->proxy && http_proxy(&http.proxy, &proxy_port) == -1)
		return EX_ERR;
	if ((http.anchors = pem_load_anchors(conf->anchors,
	    &http.anchors_len)) == NULL)
		return EX_ERR;
	if (conf->cert != NULL && read_own(&http, conf) == -1)
		return EX_ERR;
	json_start();
	if (client_confine(NULL, port, proxy_port) == -1 ||
	    (ca->http = http_new(&http)) == NULL)
		return EX_ERR;
	return 0;
}

int
step_end(const struct stepca *ca, int rc)
{
	char when[RFC3339_SIZE];

	if (rc != 0)
		warnx("%s", ca->why);
	if (rc == EX_TEMP && ca->retry_at != 0)
		fprintf(stderr, "retry-at: %s\n", rfc3339(ca->retry_at, when));
	return rc;
}
