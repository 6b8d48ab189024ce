/* SPDX-License-Identifier: ISC */
/* Reasons of a revocation: see reason.h. */
#include <err.h>
#include <stddef.h>
#include <string.h>

#include "reason.h"
#include "util.h"

/* By number; 7 is not used. */
static const char *const reasons[] = {"unspecified", "keyCompromise",
    "cACompromise", "affiliationChanged", "superseded",
    "cessationOfOperation", "certificateHold", NULL, "removeFromCRL",
    "privilegeWithdrawn", "aACompromise"};

#define REASONS ((int)(sizeof(reasons) / sizeof(reasons[0])))

const char *
reason_name(int number)
{
	return number >= 0 && number < REASONS ? reasons[number] : NULL;
}

int
opt_reason(int opt, const char *text)
{
	long long v;
	int i;

	for (i = 0; i < REASONS; i++)
		if (reasons[i] != NULL && strcmp(text, reasons[i]) == 0)
			return i;
	if (parse_num(text, 0, REASONS - 1, &v) == -1 || reasons[v] == NULL)
		errx(EX_ERR, "-%c %s: not a reason of RFC 5280, such as "
		    "keyCompromise, superseded or 0 to 10 without 7", opt,
		    esc(text));
	return (int)v;
}
