/* SPDX-License-Identifier: ISC */
/*
 * One ACME order: see acmeorder.h.
 *
 * The order is polled, not its authorizations, and only when the answers to
 * the challenges and to finalize do not say already how things stand.  But an
 * order that stays pending says nothing of a challenge that failed: step-ca
 * answers those with a challenge that is pending and has an error, or with one
 * that is invalid under an authorization that stays pending.  So the
 * challenges are looked at too, and those with an error are tried again.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "acmechain.h"
#include "acmeneworder.h"
#include "acmeproblem.h"
#include "b64.h"
#include "util.h"

#define FIRST_POLL_MS 3
#define LAST_POLL_MS 2000
#define LOOK_MS 200	/* polls that far apart look at the challenges too */
#define FINALIZE_TRIES 4
#define RETRIES 3	/* of a challenge with an error: after 1, 2, 4 s */
#define ORDERS 8	/* in one run, where challenges fail */

static size_t
count(const struct order *o, enum authz_state state)
{
	size_t i, n = 0;

	for (i = 0; i < o->n; i++)
		n += o->authz[i].state == state;
	return n;
}

/*
 * For each authorization in a state; one that fails by itself does not keep the
 * others from being looked at.
 */
static int
each(struct order *o, enum authz_state state,
    int (*f)(struct acme *, struct solver *, struct authz *))
{
	struct authz *z;
	int rc = 0;

	for (z = o->authz; rc == 0 && z < o->authz + o->n; z++)
		if (z->state == state &&
		    (rc = f(o->a, o->want->solver, z)) == EX_ERR &&
		    z->state == AUTHZ_FAILED)
			rc = 0;
	return rc;
}

static int
too_late(const struct order *o)
{
	size_t i;

	o->a->reason = ACME_R_DEADLINE;
	for (i = 0; i < o->n; i++)
		if (o->authz[i].state != AUTHZ_VALID &&
		    o->authz[i].error != NULL) {
			warnx("%s: deadline reached; last error: %s",
			    esc(o->authz[i].name), o->authz[i].error);
			return EX_TEMP;
		}
	warnx("order: deadline reached while it is %s", esc(o->status));
	return EX_TEMP;
}

/* Answer the challenges that have an error once more, or give up. */
static int
again(struct order *o)
{
	struct authz *z;
	size_t i;
	int most = -1;

	for (i = 0; i < o->n; i++) {
		z = &o->authz[i];
		if (z->state != AUTHZ_TROUBLE)
			continue;
		if (z->tries >= RETRIES) {
			authz_failed(o->a, o->want->solver, z, "failed");
			continue;
		}
		if (z->tries > most)
			most = z->tries;
		z->tries++;
	}
	if (most == -1)
		return 0;
	if (acme_sleep(o->a, 1000LL << most) == -1)
		return too_late(o);
	return each(o, AUTHZ_TROUBLE, authz_answer);
}

/* Challenges have failed, which was told. */
static int
unproven(struct order *o)
{
	o->a->reason = ACME_R_CHALLENGE;
	return EX_ERR;
}

/*
 * Another challenge for those whose challenge has failed: an authorization may
 * be pending still.
 */
static int
other(struct order *o)
{
	struct authz *z;
	int rc;

	for (z = o->authz; z < o->authz + o->n; z++)
		if (z->state == AUTHZ_FAILED && !z->more)
			return unproven(o);
	if ((rc = each(o, AUTHZ_FAILED, authz_load)) != 0)
		return rc;
	if (count(o, AUTHZ_FAILED) != 0)
		return unproven(o);
	return each(o, AUTHZ_TODO, authz_answer);
}

/*
 * How long to wait before the next poll: what the server says from the third
 * on, so that a quick server is not waited for; never more than half of the
 * time that is left, so that there is a next poll.
 */
static long long
next_delay(const struct order *o, long long delay)
{
	long long half = (o->a->deadline - mono_ms()) / 2;
	long long said = o->retry_after * 1000;

	if (said > half)
		said = half;
	return delay > 2 * FIRST_POLL_MS && said > delay ? said : delay;
}

/* Look at the challenges; what they say of when to come back counts too. */
static int
look(struct order *o)
{
	int rc = each(o, AUTHZ_SENT, authz_load);
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->authz[i].state == AUTHZ_SENT &&
		    o->authz[i].retry_after > o->retry_after)
			o->retry_after = o->authz[i].retry_after;
	return rc;
}

/* Until the order is no longer pending, or has no reason to be. */
static int
wait_ready(struct order *o)
{
	long long delay = FIRST_POLL_MS;
	int rc = 0;

	while (rc == 0 && strcmp(o->status, "pending") == 0) {
		if (count(o, AUTHZ_FAILED) != 0) {
			rc = other(o);
			continue;
		}
		if (count(o, AUTHZ_TROUBLE) != 0) {
			rc = again(o);
			continue;
		}
		if (count(o, AUTHZ_SENT) == 0)
			return 0;
		if (acme_sleep(o->a, next_delay(o, delay)) == -1)
			return too_late(o);
		if ((rc = order_poll(o)) == 0 && delay >= LOOK_MS &&
		    strcmp(o->status, "pending") == 0)
			rc = look(o);
		if ((delay *= 2) > LAST_POLL_MS)
			delay = LAST_POLL_MS;
	}
	return rc;
}

/* The order has failed: say why, from the authorizations if need be. */
static int
failed(struct order *o)
{
	struct authz *z;
	int rc;

	for (z = o->authz; z < o->authz + o->n; z++)
		if (z->state != AUTHZ_VALID && z->state != AUTHZ_FAILED &&
		    (rc = authz_load(o->a, o->want->solver, z)) != 0 &&
		    z->state != AUTHZ_FAILED)
			return rc;
	if (count(o, AUTHZ_FAILED) == 0) {
		o->a->reason = ACME_R_REFUSED;
		warnx("order: %s: %s", esc(o->status),
		    o->error != NULL ? o->error : "no error given");
		return EX_ERR;
	}
	return unproven(o);
}

static int
post_finalize(struct order *o)
{
	unsigned char *der = NULL;
	struct acme_reply r;
	char *csr, *payload;
	int n, rc;

	if ((n = i2d_X509_REQ(o->want->csr, &der)) <= 0)
		errx(EX_ERR, "request: cannot be written as DER");
	csr = b64url(der, (size_t)n);
	payload = xasprintf("{\"csr\":\"%s\"}", csr);
	rc = acme_post(o->a, o->finalize, payload, &r);
	OPENSSL_free(der);
	free(csr);
	free(payload);
	if (rc == EX_TEMP)	/* whatever became of it, the order knows */
		return order_poll(o);
	if (rc != 0) {
		warnx("finalize: %s", esc(http_error(o->a->http)));
		return rc;
	}
	if (r.status >= 200 && r.status <= 299)
		rc = order_read(o, &r);
	else if (acme_is(&r, ACME_NOT_READY))
		rc = order_poll(o);
	else
		rc = acme_refused(o->a, "finalize", &r);
	acme_reply_free(&r);
	return rc;
}

/* From an order that is ready to its certificate. */
static int
wait_valid(struct order *o)
{
	long long delay = FIRST_POLL_MS;
	int rc = 0, asked = 0;

	while (rc == 0) {
		if (strcmp(o->status, "valid") == 0 && o->certificate != NULL)
			return 0;
		if (strcmp(o->status, "invalid") == 0)
			return failed(o);
		if (strcmp(o->status, "ready") == 0 ||
		    (strcmp(o->status, "pending") == 0 && asked == 0)) {
			if (asked == FINALIZE_TRIES) {
				warnx("order: stays ready after finalize");
				o->a->reason = ACME_R_SERVER;
				return EX_TEMP;
			}
			if (asked++ != 0 &&
			    acme_sleep(o->a, 100LL << asked) == -1)
				return too_late(o);
			rc = post_finalize(o);
			continue;
		}
		if (strcmp(o->status, "pending") != 0 &&
		    strcmp(o->status, "processing") != 0 &&
		    strcmp(o->status, "valid") != 0) {
			warnx("order: unknown status %s", esc(o->status));
			return EX_ERR;
		}
		if (acme_sleep(o->a, next_delay(o, delay)) == -1)
			return too_late(o);
		rc = order_poll(o);
		if ((delay *= 2) > LAST_POLL_MS)
			delay = LAST_POLL_MS;
	}
	return rc;
}

/* From the authorizations to an order that is ready, or says so. */
static int
prove(struct order *o)
{
	int rc;

	if ((rc = each(o, AUTHZ_TODO, authz_load)) != 0)
		return rc;
	if (count(o, AUTHZ_FAILED) != 0)
		return unproven(o);
	if ((rc = each(o, AUTHZ_TODO, authz_answer)) != 0)
		return rc;
	return wait_ready(o);
}

/* Did challenges fail that others could be tried for? */
static int
hopeful(const struct order *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->authz[i].state == AUTHZ_FAILED && !o->authz[i].more)
			return 0;
	return count(o, AUTHZ_FAILED) != 0;
}

/*
 * Before a new order, what the other challenges of this one come to, or else
 * it would try those again that are about to fail.  Returns hopeful().
 */
static int
settle(struct order *o)
{
	long long ms;

	for (ms = 250; hopeful(o) && count(o, AUTHZ_SENT) != 0 && ms <= 2000;
	    ms *= 2)
		if (acme_sleep(o->a, ms) == -1 ||
		    each(o, AUTHZ_SENT, authz_load) != 0)
			return 0;
	return hopeful(o);
}

int
order_run(struct acme *a, const struct order_want *want, char **chain,
    size_t *len)
{
	struct order o;
	int rc, next, n = 0;

	do {
		o = (struct order){.a = a, .want = want, .retry_after = -1};
		if ((rc = order_begin(&o)) == 0 &&
		    strcmp(o.status, "pending") == 0)
			rc = prove(&o);
		if (rc == 0)
			rc = wait_valid(&o);
		if (rc == 0)
			rc = acme_chain(a, o.certificate, want, chain, len);
		next = rc == EX_ERR && ++n < ORDERS && settle(&o);
		if (next && want->journal != NULL &&
		    journal_note(want->journal, NULL) == -1)
			next = 0;
		order_end(&o);
	} while (next);
	return rc;
}
