/* SPDX-License-Identifier: ISC */
/*
 * A simulated herd: 10 000 certificates, all issued at the same moment, that
 * are renewed when plan.c says so, by a CA that is down for a quarter of the
 * shortest lifetime among them.  None may expire, and the CA may never see
 * many more requests in an hour than in others.
 *
 * What "many" means: twice the mean.  Where fewer than 50 requests an hour are
 * the rule, chance alone would exceed that, and as many hours are taken
 * together as have 100.  ECA_TEST_LONG=1 tries more moments and longer times.
 */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "plan.h"

#define HOUR 3600
#define DAY 86400
#define START 1800000000
#define HOSTS 10000
#define FEW 50
#define ENOUGH 100

struct host {
	struct plan_facts f;
	char serial[17];
	time_t at;		/* looks again then */
	long long life;
};

static struct host hosts[HOSTS];
static int heap[HOSTS];			/* of hosts, who is first on top */
static unsigned long long serials;
static unsigned int *hours;		/* requests that were answered */
static size_t all;			/* hours */
static long long expired, hurried, tries;

static void
sift(size_t i)
{
	size_t child;
	int top = heap[i];

	for (; (child = 2 * i + 1) < HOSTS; i = child) {
		if (child + 1 < HOSTS &&
		    hosts[heap[child + 1]].at < hosts[heap[child]].at)
			child++;
		if (hosts[top].at <= hosts[heap[child]].at)
			break;
		heap[i] = heap[child];
	}
	heap[i] = top;
}

static void
issue(struct host *h, time_t t)
{
	snprintf(h->serial, sizeof(h->serial), "%016llX",
	    ++serials * 0x9e3779b97f4a7c15u);
	h->f.id = h->f.current.serial = h->serial;
	h->f.current.not_before = t;
	h->f.current.not_after = t + h->life;
	h->f.last_attempt = h->f.last_success = t;
	h->f.failures = 0;
}

/*
 * An attempt that fails.  After the first, second, third and any other one no
 * other comes for a minute, ten, a hundred, a day, unless a quarter of what is
 * left is sooner: as long as that is more than four days, there is one order a
 * day at most.
 */
static void
fail(struct host *h, time_t t)
{
	static const long long waits[] = {60, 600, 6000, DAY};
	long long n = h->f.failures, gap = t - h->f.last_attempt;
	long long left = h->f.current.not_after - h->f.last_attempt;

	if (n > 0 && left > 0 && gap < waits[n < 4 ? n - 1 : 3] &&
	    gap < left / 4 - 1)
		hurried++;
	h->f.failures++;
	h->f.last_attempt = t;
	if (h->f.failures > tries)
		tries = h->f.failures;
}

/*
 * Lifetimes from lo to hi, as many from 1 to 2 hours as from 2 to 4, for that
 * many hours; the CA is down in [from, to).
 */
static void
run(double lo, double hi, double from, double to, double until)
{
	struct plan p;
	struct host *h;
	size_t i;
	time_t t;

	all = (size_t)until;
	free(hours);
	hours = calloc(all, sizeof(*hours));
	serials = 1;
	expired = hurried = tries = 0;
	memset(hosts, 0, sizeof(hosts));
	for (i = 0; i < HOSTS; i++) {
		h = &hosts[i];
		heap[i] = (int)i;
		h->life = llround(HOUR * lo *
		    pow(hi / lo, ((double)i + .5) / HOSTS));
		h->f.threshold = 33;
		h->f.spread = 10;
		h->f.interval = 7 * DAY;
		h->f.skew = 300;
		h->f.is = PLAN_THERE;
		h->f.proven = h->f.linked = 1;
		issue(h, START);
		h->at = START + 1;
	}
	while (h = &hosts[heap[0]], (t = h->at - START) < (time_t)all * HOUR) {
		plan_decide(&h->f, h->at, &p);
		if (p.action >= PLAN_RENEW) {
			/* Of those it is a fair thing to ask. */
			if (h->at >= h->f.current.not_after &&
			    h->life >= (to - from) * 4 * HOUR)
				expired++;
			if (t < from * HOUR || t >= to * HOUR) {
				hours[t / HOUR]++;
				issue(h, h->at);
			} else
				fail(h, h->at);
			plan_decide(&h->f, h->at, &p);
		}
		h->at = p.next > h->at ? p.next : h->at + 1;
		sift(0);
	}
}

/* The most requests in an hour, as a multiple of the mean. */
static double
crowd(double from, double to)
{
	size_t i, end = (size_t)to < all ? (size_t)to : all, n = 0, width, most;
	size_t begin = (size_t)ceil(from), sum = 0;
	double mean;

	for (i = begin; i < end; i++)
		n += hours[i];
	mean = (double)n / (double)(end - begin);
	width = mean >= FEW ? 1 : (size_t)ceil(ENOUGH / mean);
	for (i = begin, most = 0; i < end; i++) {
		sum += hours[i];
		if (i >= begin + width)
			sum -= hours[i - width];
		most = sum > most ? sum : most;
	}
	CHECK(n > 100);
	return (double)most / (mean * (double)width);
}

/* The CA is down for so many hours from then on. */
static void
outage(double lo, double hi, double from, double down, double more)
{
	double to = from + down, before = 0, day, after;

	run(lo, hi, from, to, to + 36 + more);
	if (from > 3 * lo)
		CHECK((before = crowd(lo * .57, from)) <= 2);
	CHECK((day = crowd(to, ceil(to) + 24)) <= 2);
	CHECK((after = crowd(to + 36, to + 36 + more)) <= 2);
	CHECK_INT(expired, 0);
	CHECK_INT(hurried, 0);
	CHECK(tries > 1);
	printf("# lives of %g to %g h, down %g h from %.1f h on: busiest hour "
	    "before %.2f, on the first day %.2f, after %.2f of the mean; at "
	    "most %lld attempts\n", lo, hi, down, from, before, day, after,
	    tries);
}

/* Each class: down for a quarter of the shortest life, at bad moments. */
static void
classes(void)
{
	static const double bounds[] = {1, 6, 24, 168, 1128, 9552};
	static const double moments[] = {.57, 10, .6, .64, .67, .8, 1, 2.5, 5};
	size_t i, j, n = getenv("ECA_TEST_LONG") != NULL ? 9 : 2;
	double lo;

	for (i = 0; i + 1 < sizeof(bounds) / sizeof(bounds[0]); i++)
		for (j = 0; j < n; j++) {
			lo = bounds[i];
			outage(lo, bounds[i + 1], moments[j] * lo, lo / 4,
			    lo < 24 ? 200 : lo < 1000 ? 8 * lo : 4 * lo);
		}
}

static void
mixed(void)
{
	outage(1, 9552, .57, .25, 200);
	outage(1, 9552, 100, .25, 200);
	if (getenv("ECA_TEST_LONG") != NULL)
		outage(1, 9552, 9552, .25, 9552);
}

/* Down for six hours: what lives for a day or longer is kept. */
static void
long_outage(void)
{
	outage(1, 9552, 100, 6, 100);
}

int
main(void)
{
	check_case("herd: 1 h to 398 days", mixed);
	check_case("herd: lives of hours, days, weeks, months", classes);
	check_case("herd: a CA that is down for six hours", long_outage);
	free(hours);
	return check_end();
}
