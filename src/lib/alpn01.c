/* SPDX-License-Identifier: ISC */
/* The TLS-ALPN-01 responder: see alpn01.h. */
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "alpn01.h"
#include "b64.h"
#include "key.h"
#include "name.h"
#include "ossl.h"
#include "serve.h"
#include "util.h"

#define EXCHANGE_MS 10000
#define LINGER_MS 1000		/* for the client to read and close */
#define DAY 86400
#define DIGEST 32

/* ProtocolNameList with one name, as in a ClientHello (RFC 7301). */
static const unsigned char only[] = "\0\013\012acme-tls/1";

/* What the process knows. */
struct proofs {
	SSL_CTX *ctx;
	EVP_PKEY *key;
	struct proof {
		char *sni;
		X509 *cert;
	} *v;
	size_t n;
};

char *
alpn01_sni(const char *ident)
{
	unsigned char a[16];
	char text[2 * 32 + sizeof("ip6.arpa")], *p = text;
	int i;

	if (inet_pton(AF_INET, ident, a) == 1)
		return xasprintf("%d.%d.%d.%d.in-addr.arpa", a[3], a[2], a[1],
		    a[0]);
	if (inet_pton(AF_INET6, ident, a) != 1)
		return strchr(ident, ':') == NULL ? xstrdup(ident) : NULL;
	for (i = 15; i >= 0; i--)
		p += sprintf(p, "%x.%x.", a[i] & 15, a[i] >> 4);
	strcpy(p, "ip6.arpa");
	return xstrdup(text);
}

/* acmeIdentifier (RFC 8737 section 3), critical: the digest. */
static X509_EXTENSION *
digest_ext(const char *digest)
{
	unsigned char der[2 + DIGEST] = {V_ASN1_OCTET_STRING, DIGEST}, *bytes;
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	size_t len;

	if ((bytes = b64url_decode(digest, &len)) != NULL && len == DIGEST) {
		memcpy(der + 2, bytes, DIGEST);
		if (id != NULL && value != NULL && ASN1_OCTET_STRING_set(value,
		    der, sizeof(der)) == 1)
			ext = X509_EXTENSION_create_by_OBJ(NULL, id, 1, value);
	}
	free(bytes);
	ASN1_OBJECT_free(id);
	ASN1_OCTET_STRING_free(value);
	return ext;
}

X509 *
alpn01_cert(EVP_PKEY *key, const char *ident, const char *digest)
{
	struct names names = {NULL, 0};
	X509_EXTENSION *san = NULL, *proof = digest_ext(digest);
	X509 *cert = X509_new();
	int ok;

	ok = cert != NULL && proof != NULL &&
	    names_add(&names, name_kind(ident), ident) == 0 &&
	    (san = names_to_ext(&names, 1)) != NULL &&
	    X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), DAY) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_add_ext(cert, san, -1) == 1 &&
	    X509_add_ext(cert, proof, -1) == 1 &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
	X509_EXTENSION_free(san);
	X509_EXTENSION_free(proof);
	names_free(&names);
	if (!ok) {
		ossl_warn("TLS-ALPN-01", "cannot make the certificate");
		X509_free(cert);
		return NULL;
	}
	return cert;
}

/* RFC 8737 section 4: the one protocol, or no connection. */
static int
hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *list;
	size_t len;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl,
	    TLSEXT_TYPE_application_layer_protocol_negotiation, &list,
	    &len) == 1 && len == sizeof(only) - 1 &&
	    memcmp(list, only, len) == 0)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int
protocol(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned int inlen, void *arg)
{
	(void)ssl;
	(void)inlen;
	(void)arg;
	*out = in + 1;
	*outlen = in[0];
	return SSL_TLSEXT_ERR_OK;
}

/* The certificate for the name that is asked for, or no connection. */
static int
server_name(SSL *ssl, int *alert, void *arg)
{
	const struct proofs *p = arg;
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t i;

	for (i = 0; sni != NULL && i < p->n; i++)
		if (strcasecmp(sni, p->v[i].sni) == 0 &&
		    SSL_use_certificate(ssl, p->v[i].cert) == 1 &&
		    SSL_use_PrivateKey(ssl, p->key) == 1)
			return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *
context(struct proofs *p)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		ossl_warn("TLS-ALPN-01", "cannot be served");
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_client_hello_cb(ctx, hello, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, protocol, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, p);
	return ctx;
}

static int
begin(void *arg, struct serve_conn *c)
{
	struct proofs *p = arg;
	SSL *ssl = SSL_new(p->ctx);

	c->data = ssl;
	return ssl != NULL && SSL_set_fd(ssl, c->fd) == 1 ? 0 : -1;
}

static void
end(void *arg, struct serve_conn *c)
{
	(void)arg;
	SSL_free(c->data);
}

/* The handshake, then the end: no data is served. */
static int
step(void *arg, struct serve_conn *c)
{
	SSL *ssl = c->data;
	char junk[256];
	int rc;

	(void)arg;
	if (SSL_get_shutdown(ssl) != 0)
		return recv(c->fd, junk, sizeof(junk), 0) > 0 ? 0 : -1;
	ERR_clear_error();
	if ((rc = SSL_accept(ssl)) == 1) {
		SSL_shutdown(ssl);
		shutdown(c->fd, SHUT_WR);
		if (c->deadline > mono_ms() + LINGER_MS)
			c->deadline = mono_ms() + LINGER_MS;
		c->want = POLLIN;
		return 0;
	}
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		c->want = POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		c->want = POLLOUT;
		return 0;
	default:
		return -1;
	}
}

/* One name more, or another digest for one that is known: a new order's. */
static int
add(void *arg, const char *ident, const char *digest)
{
	struct proofs *p = arg;
	struct proof new = {alpn01_sni(ident), NULL};
	size_t i = 0;

	if (new.sni == NULL ||
	    (new.cert = alpn01_cert(p->key, ident, digest)) == NULL) {
		free(new.sni);
		return -1;
	}
	while (i < p->n && strcasecmp(p->v[i].sni, new.sni) != 0)
		i++;
	if (i == p->n)
		p->v = xrealloc(p->v, ++p->n * sizeof(*p->v));
	else {
		free(p->v[i].sni);
		X509_free(p->v[i].cert);
	}
	p->v[i] = new;
	return 0;
}

static int
take(void *arg, int ctl)
{
	return responder_take(ctl, arg, add);
}

static int
respond(const int *fds, size_t n, int ctl)
{
	struct proofs p = {NULL, NULL, NULL, 0};
	const struct serve s = {.ms = EXCHANGE_MS, .arg = &p, .begin = begin,
	    .end = end, .step = step, .ctl = ctl, .on_ctl = take};

	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    (p.key = key_new("P-256")) == NULL ||
	    (p.ctx = context(&p)) == NULL)
		return -1;
	return serve_run(&s, fds, n);
}

struct responder *
alpn01_start(const char *addr_port)
{
	return responder_start(addr_port, respond);
}
