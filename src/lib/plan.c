/* SPDX-License-Identifier: ISC */
/* What is to be done for a certificate: see plan.h. */
#include <stdint.h>
#include <string.h>

#include "plan.h"

#define HOUR 3600
#define DAY 86400
#define WEEK (7 * DAY)

/* How parts of one hash are used. */
enum use { FOR_RENEWAL, FOR_QUESTION, FOR_RETRY };

static long long
least(long long a, long long b)
{
	return a < b ? a : b;
}

static long long
most(long long a, long long b)
{
	return a > b ? a : b;
}

/*
 * A part of whole, anything from none to (not quite) all, by a hash of id:
 * FNV-1a, whose bits are then mixed.  It spreads and does not protect.
 */
static long long
part(long long whole, const char *id, enum use use, long long n)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)n << 8 ^ use;

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return whole * (long long)(h >> 40) >> 24;
}

/* Not by a clock that was far ahead then. */
static int
has_been(const struct plan_facts *f, time_t t, time_t now)
{
	return t != 0 && t <= now + f->skew;
}

static long long
lifetime(const struct plan_cert *c)
{
	return most(c->not_after - c->not_before, 1);
}

/* The lifetime rule, or what the CA says about the current certificate. */
static time_t
renew_at(const struct plan_facts *f, const struct plan_cert *c, time_t ari_at)
{
	long long life = lifetime(c), spread = least(f->spread * 2,
	    100 - f->threshold);

	if (ari_at != 0)
		return least(ari_at, c->not_after - life / 10);
	return c->not_after - life * f->threshold / 100 -
	    part(life * spread / 200, c->serial, FOR_RENEWAL, 0);
}

static int
is_early(const struct plan_facts *f, const struct plan_cert *c, time_t now)
{
	return now + f->skew < c->not_before;
}

/* Is the one that was taken back worth more than a new one? */
static int
retry_newer(const struct plan_facts *f, time_t now)
{
	const struct plan_cert *c = f->newer;

	return c != NULL && !f->force_now && !c->revoked && !c->changed &&
	    now < c->not_after && now < renew_at(f, c, 0);
}

/* When to ask the CA; spread, because many were issued at the same time. */
static time_t
ask_at(const struct plan_facts *f, time_t now)
{
	long long again = f->ari_again;

	if (!has_been(f, f->ari_asked, now))
		return now;
	if (again == 0)
		again = most(least(lifetime(&f->current) / 10, 6 * HOUR), 60);
	return f->ari_asked + again +
	    part(again / 4, f->id, FOR_QUESTION, f->ari_asked);
}

/* What there is to do, if it were not for attempts that failed. */
static void
want(const struct plan_facts *f, time_t now, struct plan *p)
{
	const struct plan_cert *c = &f->current;

#define DO(a, why) (p->action = (a), (void)(p->reason = (why)))
	if ((f->is == PLAN_THERE && is_early(f, c, now)) ||
	    (f->newer != NULL && is_early(f, f->newer, now)))
		DO(PLAN_CLOCK, "early");
	else if (retry_newer(f, now))
		DO(PLAN_RETRY, "unproven");
	else if (f->is != PLAN_THERE)
		DO(PLAN_ENROLL, f->is == PLAN_BROKEN ? "broken" : "missing");
	else if (now >= c->not_after)
		DO(PLAN_ENROLL, "expired");
	else if (c->revoked)
		DO(PLAN_RENEW, "revoked");
	else if (f->force_now)
		DO(PLAN_RENEW, "forced");
	else if (c->changed)
		DO(PLAN_RENEW, "changed");
	else if (now >= p->renew_at)
		DO(PLAN_RENEW, f->ari_at != 0 ? "ari" : "due");
	else if (f->force && (!has_been(f, f->last_success, now) ||
	    now >= f->last_success + f->interval))
		DO(PLAN_RENEW, "forced");
	else if (!f->proven)
		DO(PLAN_PROVE, "unproven");
	else if (!f->linked)
		DO(PLAN_LINK, "path");
	else if (f->left)
		DO(PLAN_TIDY, "left");
	else if (f->ari && now >= ask_at(f, now))
		DO(PLAN_ASK, f->ari_asked == 0 ? "missing" : "old");
	else
		DO(PLAN_NONE, NULL);
#undef DO
}

/*
 * How long after an attempt that failed the next one may come: a minute, ten,
 * a hundred, then a day, and up to half of that more; the third up to six
 * times, since after an outage of hours it is the one that all come back by.
 * While there is a certificate that works, at most two thirds of what was left
 * of it, and a third once that is less than a sixth of its life: until then
 * many attempts would only make the crowd larger when the CA is back.  Without
 * a certificate at most an hour.
 */
static long long
back_off(const struct plan_facts *f)
{
	static const struct {
		long long wait, more;
	} steps[] = {{60, 30}, {600, 300}, {6000, 30000}, {DAY, DAY / 2}};
	const struct plan_cert *c = &f->current;
	long long life = f->is == PLAN_THERE ? lifetime(c) : 4 * HOUR;
	long long left = f->is == PLAN_THERE && !c->revoked ?
	    c->not_after - f->last_attempt : 0;
	long long n = least(f->failures, 4) - 1, wait = steps[n].wait +
	    part(steps[n].more, f->id, FOR_RETRY, f->failures);
	long long limit = left <= 0 ? most(least(life / 4, HOUR), 10) :
	    left * 6 > life ? left * 2 / 3 : left / 3;

	limit -= part(limit / 4, f->id, FOR_RETRY, f->failures);
	return most(least(wait, limit), most(least(life / 20, 60), 1));
}

/*
 * No order follows a success at once unless it must: whatever is wrong with a
 * certificate from its first minute on is no better in the next one.
 */
static time_t
pause_after_success(const struct plan_facts *f, time_t now)
{
	if (!has_been(f, f->last_success, now) || f->current.revoked ||
	    (f->current.changed && f->edited > f->last_success &&
	    f->edited <= now))
		return 0;
	return f->last_success +
	    least(HOUR, (f->current.not_after - f->last_success) / 10);
}

/* When what is wanted may be tried. */
static time_t
may_try(const struct plan_facts *f, const struct plan *p, time_t now)
{
	time_t t = 0;
	int known = has_been(f, f->last_attempt, now);

	if (known && f->failures > 0)
		t = f->last_attempt + back_off(f);
	if (p->action < PLAN_RENEW)
		return t;
	if (known)	/* nobody is locked out for longer */
		t = most(t, least(f->retry_at, f->last_attempt + WEEK));
	if (p->action == PLAN_RENEW && strcmp(p->reason, "forced") != 0)
		t = most(t, pause_after_success(f, now));
	return t;
}

/* Not yet.  A proof that has to wait keeps nobody from asking the CA. */
static void
hold(const struct plan_facts *f, time_t now, struct plan *p)
{
	int order = p->action >= PLAN_RETRY;

	p->action = PLAN_WAIT;
	if (!order && f->ari && now >= ask_at(f, now)) {
		p->action = PLAN_ASK;
		p->reason = f->ari_asked == 0 ? "missing" : "old";
	}
}

static time_t
look_again(const struct plan_facts *f, const struct plan *p, time_t now,
    time_t attempt)
{
	time_t next = now + f->interval;

	if (p->action == PLAN_CLOCK)
		next = least(next, now + 600);
	if (p->action == PLAN_WAIT)
		next = least(next, attempt);
	if (p->renew_at > now)
		next = least(next, p->renew_at);
	if (f->force && f->last_success + f->interval > now)
		next = least(next, f->last_success + f->interval);
	if (f->ari && f->is == PLAN_THERE && p->action == PLAN_NONE)
		next = least(next, ask_at(f, now));
	if (f->crl_age > 0)
		next = least(next, f->crl_age +
		    (has_been(f, f->crl_got, now) && f->crl_got + f->crl_age >
		    now ? f->crl_got : now));
	return most(next, now + 1);
}

void
plan_decide(const struct plan_facts *f, time_t now, struct plan *p)
{
	time_t attempt = 0;

	p->renew_at = f->is != PLAN_THERE ? 0 :
	    renew_at(f, &f->current, f->ari_at);
	want(f, now, p);
	if (p->action >= PLAN_TIDY && !f->force_now &&
	    (attempt = may_try(f, p, now)) > now)
		hold(f, now, p);
	p->next = p->action >= PLAN_ASK && p->action != PLAN_CLOCK ? now :
	    look_again(f, p, now, attempt);
}

const char *
plan_word(enum plan_action action)
{
	static const char *const words[] = {"none", "wait", "ask", "clock",
	    "tidy", "link", "prove", "retry", "renew", "enroll"};

	return words[action];
}
