/* SPDX-License-Identifier: ISC */
/* Tests of plan.c: each rule, and clocks that jump. */
#include <limits.h>
#include <stdlib.h>

#include "check.h"
#include "plan.h"

#define HOUR 3600
#define DAY 86400
#define YEAR (365 * DAY)
#define T0 1800000000	/* the certificate of these tests begins here, */
#define LIFE (90 * DAY)

/* A good certificate, proven, asked about just now, no failure. */
static struct plan_facts
good(void)
{
	struct plan_facts f = {
		.id = "name 0A", .threshold = 33, .spread = 10,
		.interval = 6 * HOUR, .skew = 300, .is = PLAN_THERE,
		.current = {"0A", T0, T0 + LIFE, 0, 0}, .proven = 1,
		.linked = 1, .last_attempt = T0, .last_success = T0
	};

	return f;
}

/* The decision in one text: action, reason, seconds until next. */
static const char *
decide(const struct plan_facts *f, time_t now)
{
	static char text[64];
	struct plan p;

	plan_decide(f, now, &p);
	snprintf(text, sizeof(text), "%s %s %lld", plan_word(p.action),
	    p.reason == NULL ? "-" : p.reason, (long long)(p.next - now));
	return text;
}

static time_t
renew_at(const struct plan_facts *f)
{
	struct plan p;

	plan_decide(f, T0 + 1, &p);
	return p.renew_at;
}

/* When the attempt after one that failed at t comes, in seconds after t. */
static long long
wait_after(struct plan_facts *f, time_t t, long long failures)
{
	struct plan p;
	long long s;

	f->last_attempt = t;
	f->failures = failures;
	f->interval = 10 * DAY;
	for (s = 0; s < 20 * DAY; s = p.next - t) {
		plan_decide(f, t + s, &p);
		if (p.action != PLAN_WAIT)
			return s;
	}
	return s;
}

static void
life_of_one(void)
{
	struct plan_facts f = good();
	time_t at = renew_at(&f);

	CHECK(at > T0 + LIFE * 57LL / 100 - 1 && at <= T0 + LIFE * 67LL / 100);
	CHECK_STR(decide(&f, T0 + 1), "none - 21600");
	CHECK_STR(decide(&f, at - 100), "none - 100");
	CHECK_STR(decide(&f, at - 1), "none - 1");
	CHECK_STR(decide(&f, at), "renew due 0");
	CHECK_STR(decide(&f, T0 + LIFE - 1), "renew due 0");
	CHECK_STR(decide(&f, T0 + LIFE), "enroll expired 0");
	f.proven = 0;
	CHECK_STR(decide(&f, T0 + 1), "prove unproven 0");
	CHECK_STR(decide(&f, at), "renew due 0");
	f.proven = 1;
	f.linked = 0;
	CHECK_STR(decide(&f, T0 + 1), "link path 0");
	f.linked = 1;
	f.left = 1;
	CHECK_STR(decide(&f, T0 + 1), "tidy left 0");
	CHECK_STR(decide(&f, at), "renew due 0");
	f.failures = 1;
	CHECK(strncmp(decide(&f, T0 + 1), "wait left", 9) == 0);
	f.failures = f.left = 0;
	f.current.revoked = 1;
	CHECK_STR(decide(&f, T0 + 1), "renew revoked 0");
	CHECK_STR(decide(&f, T0 + LIFE), "enroll expired 0");
}

static void
without_one(void)
{
	struct plan_facts f = {.id = "name", .threshold = 33, .spread = 10,
	    .interval = 6 * HOUR, .skew = 300, .is = PLAN_MISSING};
	struct plan p;

	CHECK_STR(decide(&f, T0), "enroll missing 0");
	plan_decide(&f, T0, &p);
	CHECK_INT(p.renew_at, 0);
	f.is = PLAN_BROKEN;
	CHECK_STR(decide(&f, T0), "enroll broken 0");
}

/* All of the window is used, evenly, and nothing outside. */
static void
spread(void)
{
	static const struct {
		long long threshold, spread, from, to;	/* per mille left */
	} rows[] = {
		{33, 10, 430, 330}, {33, 0, 330, 330}, {33, 50, 665, 330},
		{90, 50, 950, 900}, {99, 10, 995, 990}, {1, 50, 505, 10}
	};
	struct plan_facts f = good();
	long long tenth, from, to;
	int seen[10], n;
	size_t i;
	char serial[20];

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f.threshold = rows[i].threshold;
		f.spread = rows[i].spread;
		from = T0 + LIFE - LIFE * rows[i].from / 1000;
		to = T0 + LIFE - LIFE * rows[i].to / 1000;
		memset(seen, 0, sizeof(seen));
		for (n = 0; n < 10000; n++) {
			snprintf(serial, sizeof(serial), "%X", n);
			f.current.serial = serial;
			CHECK(renew_at(&f) >= from && renew_at(&f) <= to);
			tenth = to == from ? 0 :
			    (renew_at(&f) - from) * 10 / (to - from);
			seen[tenth < 10 ? tenth : 9]++;
		}
		for (n = 0; to != from && n < 10; n++)
			CHECK(seen[n] > 850 && seen[n] < 1150);
	}
}

static void
lifetimes(void)
{
	static const long long lives[] = {1, 10, 60, 120, HOUR, DAY, 7 * DAY,
	    398 * DAY, 10 * YEAR, 8000LL * YEAR};
	struct plan_facts f = good();
	long long life, at;
	size_t i;

	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		life = lives[i];
		f.current.not_after = T0 + life;
		at = renew_at(&f) - T0;
		CHECK(at >= life * 56 / 100 && at <= life * 67 / 100 + 1);
		if (at > 1)
			CHECK_STR(decide(&f, T0 + at - 1), "none - 1");
		CHECK_STR(decide(&f, T0 + life), "enroll expired 0");
	}
}

/* A check never comes later than something that is going to be done. */
static void
look_again(void)
{
	struct plan_facts f = good();

	f.current.not_after = T0 + 60;
	CHECK_INT(strtol(decide(&f, T0 + 30) + 7, NULL, 10),
	    renew_at(&f) - T0 - 30);
	f = good();
	f.interval = 1;
	CHECK_STR(decide(&f, T0 + 1), "none - 1");
	f.interval = 7 * DAY;
	f.crl_age = 2 * HOUR;
	CHECK_STR(decide(&f, T0 + 10), "none - 7200");
	f.crl_got = T0;
	CHECK_STR(decide(&f, T0 + 10), "none - 7190");
	CHECK_STR(decide(&f, T0 + 7200), "none - 7200");
	f.crl_got = T0 + YEAR;
	CHECK_STR(decide(&f, T0 + 10), "none - 7200");
}

static void
steps(void)
{
	static const struct {
		long long failures, least, most;
	} rows[] = {
		{1, 60, 90}, {2, 600, 900}, {3, 6000, 36000},
		{4, DAY, DAY * 3 / 2}, {5, DAY, DAY * 3 / 2},
		{LLONG_MAX, DAY, DAY * 3 / 2}
	};
	struct plan_facts f = good();
	long long s, low, high;
	char id[20];
	size_t i;
	int n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		low = LLONG_MAX;
		high = 0;
		for (n = 0; n < 300; n++) {
			snprintf(id, sizeof(id), "%d", n);
			f.id = id;
			s = wait_after(&f, T0 + 61 * DAY, rows[i].failures);
			low = s < low ? s : low;
			high = s > high ? s : high;
		}
		CHECK(low >= rows[i].least && high <= rows[i].most);
		/* All of the room is used. */
		CHECK((high - low) * 10 > (rows[i].most - rows[i].least) * 9);
	}
}

/* However often it fails, there is always a next time before the end. */
static void
before_the_end(void)
{
	static const long long lives[] = {60, 120, HOUR, DAY, LIFE, 398 * DAY};
	struct plan_facts f = good();
	long long life, s, left, n;
	time_t t;
	size_t i;

	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		life = lives[i];
		f.current.not_after = T0 + life;
		t = T0 + life * 67 / 100 + 1;
		for (n = 1; t < f.current.not_after && n < 1000; n++) {
			left = f.current.not_after - t;
			s = wait_after(&f, t, n);
			CHECK(s >= 1 && (s <= left * 2 / 3 || s <=
			    (life / 20 < 60 ? life / 20 : 60) || s == 1));
			CHECK(left * 6 > life || s <= left / 3 ||
			    s <= (life / 20 < 60 ? life / 20 : 60));
			t += s;
		}
		CHECK(n > 4 && n < 200);
		/* And after it: not more than an hour. */
		for (n = 1; n < 9; n++) {
			s = wait_after(&f, T0 + life + 5, n);
			CHECK(s >= 1 && s <= HOUR);
			CHECK(s <= life / 4 || s <= 10);
		}
	}
}

static void
nothing_usable(void)
{
	struct plan_facts f = good();
	long long n, s;

	f.current.revoked = 1;
	for (n = 1; n < 9; n++) {
		s = wait_after(&f, T0 + DAY, n);
		CHECK(s >= 60 && s <= HOUR);
	}
	f.is = PLAN_MISSING;
	for (n = 1; n < 9; n++) {
		s = wait_after(&f, T0 + DAY, n);
		CHECK(s >= 60 && s <= HOUR);
	}
}

static void
told_to_wait(void)
{
	struct plan_facts f = good();
	time_t t = T0 + 61 * DAY;

	f.retry_at = t + 5000;
	CHECK_INT(wait_after(&f, t, 1), 5000);
	CHECK_INT(wait_after(&f, t, 0), 5000);
	f.retry_at = t + 10;	/* our own wait is longer */
	CHECK(wait_after(&f, t, 1) >= 60);
	f.retry_at = t + YEAR;	/* a week at most */
	CHECK_INT(wait_after(&f, t, 1), 7 * DAY);
	f.retry_at = t + 5000;
	f.interval = 600;
	CHECK_STR(decide(&f, t), "wait due 600");
	f.force_now = 1;
	CHECK_STR(decide(&f, t), "renew forced 0");
	f.force_now = 0;
	f.proven = 0;
	f.current.not_after += YEAR;	/* a proof needs no CA */
	f.failures = 0;
	CHECK_STR(decide(&f, t), "prove unproven 0");
}

static void
forced(void)
{
	struct plan_facts f = good();

	f.force_now = 1;
	CHECK_STR(decide(&f, T0 + 1), "renew forced 0");
	f.is = PLAN_MISSING;
	CHECK_STR(decide(&f, T0 + 1), "enroll missing 0");
	f = good();
	f.force = 1;	/* each interval, whoever else makes us look */
	CHECK_STR(decide(&f, T0), "none - 21600");
	CHECK_STR(decide(&f, T0 + 6 * HOUR - 1), "none - 1");
	CHECK_STR(decide(&f, T0 + 6 * HOUR), "renew forced 0");
	f.failures = 1;	/* then that counts */
	f.last_attempt = T0 + 6 * HOUR;
	CHECK(strncmp(decide(&f, T0 + 6 * HOUR + 1), "wait forced", 11) == 0);
	CHECK(strtol(decide(&f, T0 + 6 * HOUR + 1) + 12, NULL, 10) >= 59);
	f.failures = 0;
	f.last_success = 0;
	CHECK_STR(decide(&f, T0 + 1), "renew forced 0");
}

/* A certificate that is wrong from the start does not lead to a rush. */
static void
no_rush(void)
{
	struct plan_facts f = good();

	f.current.changed = 1;
	CHECK_STR(decide(&f, T0 + 10), "wait changed 3590");
	CHECK_STR(decide(&f, T0 + HOUR), "renew changed 0");
	f.edited = T0 + 5;	/* after the success: that is a wish */
	CHECK_STR(decide(&f, T0 + 10), "renew changed 0");
	f.edited = T0 + YEAR;	/* a file from the future is not */
	CHECK_STR(decide(&f, T0 + 10), "wait changed 3590");
	f = good();
	f.threshold = 99;
	f.current.not_before = T0 - LIFE;
	CHECK_STR(decide(&f, T0 + 10), "wait due 3590");
	f.edited = T0 + 5;	/* of the names only */
	CHECK_STR(decide(&f, T0 + 10), "wait due 3590");
	f.current.not_after = T0 + 60;
	CHECK_STR(decide(&f, T0 + 5), "wait due 1");
	CHECK_STR(decide(&f, T0 + 6), "renew due 0");
	f = good();
	f.ari_at = T0 - 1;
	CHECK_STR(decide(&f, T0 + 10), "wait ari 3590");
	f.current.revoked = 1;
	CHECK_STR(decide(&f, T0 + 10), "renew revoked 0");
}

static void
the_ca_decides(void)
{
	struct plan_facts f = good();
	time_t late = T0 + LIFE - LIFE / 10;

	f.ari_at = T0 + 20 * DAY;
	CHECK_INT(renew_at(&f), T0 + 20 * DAY);
	CHECK_STR(decide(&f, T0 + 20 * DAY - 5), "none - 5");
	CHECK_STR(decide(&f, T0 + 20 * DAY), "renew ari 0");
	f.ari_at = T0 + 70 * DAY;	/* later than our own rule */
	CHECK_STR(decide(&f, T0 + 65 * DAY), "none - 21600");
	f.ari_at = T0 + YEAR;
	CHECK_INT(renew_at(&f), late);
	CHECK_STR(decide(&f, late - 1), "none - 1");
	CHECK_STR(decide(&f, late), "renew ari 0");
}

static void
asking(void)
{
	struct plan_facts f = good();
	long long s;

	f.ari = 1;
	CHECK_STR(decide(&f, T0 + 1), "ask missing 0");
	f.ari_asked = T0;
	f.ari_again = 4000;
	f.interval = 7 * DAY;
	CHECK(strncmp(decide(&f, T0 + 3999), "none", 4) == 0);
	CHECK_STR(decide(&f, T0 + 5000), "ask old 0");
	f.ari_again = 0;	/* no answer: some hours */
	for (s = 1; strncmp(decide(&f, T0 + s), "none", 4) == 0; s++)
		;
	CHECK(s >= 6 * HOUR && s <= 15 * HOUR / 2);
	f.ari_asked = T0 + YEAR;
	CHECK_STR(decide(&f, T0 + 10), "ask old 0");
	/* A proof that waits does not keep from asking, an order does. */
	f.proven = 0;
	f.failures = 1;
	f.last_attempt = T0 + 9;
	CHECK_STR(decide(&f, T0 + 10), "ask old 0");
	f.current.revoked = 1;
	CHECK(strncmp(decide(&f, T0 + 10), "wait revoked", 12) == 0);
}

static void
taken_back(void)
{
	struct plan_facts f = good();
	struct plan_cert newer = {"0B", T0 + 60 * DAY, T0 + 150 * DAY, 0, 0};
	time_t t = T0 + 61 * DAY;

	CHECK_STR(decide(&f, t), "renew due 0");
	f.newer = &newer;
	CHECK_STR(decide(&f, t), "retry unproven 0");
	f.failures = 1;
	f.last_attempt = t;
	CHECK(strncmp(decide(&f, t + 1), "wait unproven", 13) == 0);
	f.failures = 0;
	CHECK_STR(decide(&f, T0 + LIFE + 1), "retry unproven 0");
	f.is = PLAN_MISSING;
	CHECK_STR(decide(&f, t), "retry unproven 0");
	f.is = PLAN_THERE;
	f.force_now = 1;
	CHECK_STR(decide(&f, t), "renew forced 0");
	f.force_now = 0;
	newer.revoked = 1;
	CHECK_STR(decide(&f, t), "renew due 0");
	newer.revoked = 0;
	newer.changed = 1;
	CHECK_STR(decide(&f, t), "renew due 0");
	newer.changed = 0;
	CHECK_STR(decide(&f, T0 + 125 * DAY), "enroll expired 0");
}

static void
clock_is_wrong(void)
{
	struct plan_facts f = good();
	struct plan_cert newer = {"0B", T0 + 60 * DAY, T0 + 150 * DAY, 0, 0};
	time_t t = T0 + 61 * DAY;

	/* Back before notBefore: an alarm, whatever else there is. */
	CHECK_STR(decide(&f, T0 - 300), "none - 21600");
	CHECK_STR(decide(&f, T0 - 301), "clock early 600");
	CHECK_STR(decide(&f, 0), "clock early 600");
	f.force_now = f.current.revoked = f.current.changed = 1;
	CHECK_STR(decide(&f, T0 - 301), "clock early 600");
	f = good();
	f.newer = &newer;
	CHECK_STR(decide(&f, T0 + DAY), "clock early 600");
	f.newer = NULL;

	/* A year ahead it has expired; what was noted then is forgotten. */
	CHECK_STR(decide(&f, T0 + YEAR), "enroll expired 0");
	f.last_attempt = f.last_success = t + YEAR;
	f.retry_at = t + YEAR + HOUR;
	f.failures = 4;
	CHECK_STR(decide(&f, t), "renew due 0");
	f.last_attempt = t + 100;	/* a small step back is no jump */
	CHECK(strncmp(decide(&f, t), "wait due", 8) == 0);
	f = good();
	f.force = 1;
	f.last_success = T0 + YEAR;
	CHECK_STR(decide(&f, T0 + 10), "renew forced 0");

	/* 2038 and later. */
	f = good();
	f.current.not_before = 0x7fffffff - DAY;
	f.current.not_after = 0x7fffffff + (time_t)DAY;
	CHECK_STR(decide(&f, 0x7fffffff), "none - 21600");
	CHECK_STR(decide(&f, 0x80000000), "none - 21600");
	CHECK_STR(decide(&f, 0x7fffffff + (time_t)80000), "renew due 0");
	f.current.not_after = 253402300799;
	CHECK_STR(decide(&f, 0x80000000), "none - 21600");
	CHECK_STR(decide(&f, 253402300799), "enroll expired 0");
}

static void
same_each_time(void)
{
	struct plan_facts f = good(), g = good();

	CHECK_INT(renew_at(&f), renew_at(&g));
	g.current.serial = "0C";
	CHECK(renew_at(&f) != renew_at(&g));
	CHECK_INT(wait_after(&f, T0 + 61 * DAY, 3),
	    wait_after(&f, T0 + 61 * DAY, 3));
	g = good();
	g.id = "other 0A";
	CHECK(wait_after(&f, T0 + 61 * DAY, 3) !=
	    wait_after(&g, T0 + 61 * DAY, 3));
}

int
main(void)
{
	check_case("plan: the life of a certificate", life_of_one);
	check_case("plan: without a certificate", without_one);
	check_case("plan: renewals are spread over the window", spread);
	check_case("plan: lifetimes from seconds to ages", lifetimes);
	check_case("plan: when to look again", look_again);
	check_case("plan: a minute, ten, a hundred, a day", steps);
	check_case("plan: always once more before the end", before_the_end);
	check_case("plan: an hour at most with nothing usable", nothing_usable);
	check_case("plan: what the CA says about when", told_to_wait);
	check_case("plan: forced", forced);
	check_case("plan: no rush after a success", no_rush);
	check_case("plan: renewal information decides", the_ca_decides);
	check_case("plan: when the CA is asked", asking);
	check_case("plan: what was taken back is tried again", taken_back);
	check_case("plan: the clock jumps", clock_is_wrong);
	check_case("plan: the same facts, the same plan", same_each_time);
	return check_end();
}
