/* SPDX-License-Identifier: ISC */
/* What a name may look like: see nametext.h. */
#include <arpa/inet.h>

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "nametext.h"
#include "util.h"

#define DNS_MAX 253
#define LABEL_MAX 63
#define LOCAL_MAX 64
#define URI_MAX 2048

#define LDH "abcdefghijklmnopqrstuvwxyz0123456789-"
#define DIGITS "0123456789"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS

/*
 * Does RFC 3492 decode s, n bytes of a lower-case label behind "xn--", to
 * Unicode characters one of which at least is not ASCII?
 */
static int
punycode_ok(const char *s, size_t n)
{
	uint32_t cp = 128, i = 0, old, w, k, t, delta, digit, count = 0;
	size_t pos = 0, j;
	uint32_t bias = 72;
	int first = 1;

	for (j = n; j > 0; j--)
		if (s[j - 1] == '-') {
			count = (uint32_t)(j - 1);
			pos = j;
			break;
		}
	if (pos == n)
		return 0;
	while (pos < n) {
		old = i;
		for (w = 1, k = 36;; k += 36) {
			if (pos == n || s[pos] == '-')
				return 0;
			digit = isdigit((unsigned char)s[pos]) ?
			    (uint32_t)(s[pos] - '0' + 26) :
			    (uint32_t)(s[pos] - 'a');
			pos++;
			if (digit > (UINT32_MAX - i) / w)
				return 0;
			i += digit * w;
			t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
			if (digit < t)
				break;
			if (w > UINT32_MAX / (36 - t))
				return 0;
			w *= 36 - t;
		}
		count++;
		delta = first ? (i - old) / 700 : (i - old) / 2;
		delta += delta / count;
		for (k = 0; delta > 455; k += 36)
			delta /= 35;
		bias = k + 36 * delta / (delta + 38);
		first = 0;
		if (i / count > 0x10ffff - cp)
			return 0;
		cp += i / count;
		if (cp < 0xa0 || (cp >= 0xd800 && cp <= 0xdfff))
			return 0;
		i = i % count + 1;
	}
	return 1;
}

/*
 * Each of these says why the text is no such name, NULL when it is one.  A
 * DNS name is in lower case already.
 */
static const char *
dns_label_fault(const char *s, size_t n)
{
	if (n == 0)
		return "an empty label";
	if (n > LABEL_MAX)
		return "a label of more than 63 characters";
	if (memchr(s, '*', n) != NULL)
		return "* must be the whole first label, with two labels "
		    "behind it";
	if (strspn(s, LDH) < n)
		return "a label may have letters, digits and hyphens only";
	if (s[0] == '-' || s[n - 1] == '-')
		return "a label may not begin or end with a hyphen";
	if (n > 3 && strncmp(s, "xn--", 4) == 0 && !punycode_ok(s + 4, n - 4))
		return "a label that begins with xn-- and is no Punycode";
	return NULL;
}

int
name_is_ip(const char *s)
{
	unsigned char addr[16];

	return inet_pton(AF_INET, s, addr) == 1 ||
	    inet_pton(AF_INET6, s, addr) == 1;
}

static const char *
dns_fault(const char *s, int wildcard)
{
	const char *p = s, *why;
	size_t n;

	if (name_is_ip(s))
		return "an IP address, not a DNS name";
	if (strlen(s) > DNS_MAX)
		return "more than 253 characters";
	if (*s != '\0' && s[strlen(s) - 1] == '.')
		return "a DNS name here has no dot at its end";
	if (wildcard && strncmp(p, "*.", 2) == 0 && strchr(p + 2, '.') != NULL)
		p += 2;
	for (;; p += n + 1) {
		n = strcspn(p, ".");
		if ((why = dns_label_fault(p, n)) != NULL)
			return why;
		if (p[n] == '\0')
			break;
	}
	if (strspn(p, DIGITS) == n)
		return "the last label is a number";
	return NULL;
}

static const char *
uri_fault(const char *s)
{
	size_t scheme = strspn(s, ALNUM "+-.");

	if (!isalpha((unsigned char)*s) || s[scheme] != ':' ||
	    s[scheme + 1] == '\0')
		return "a URI has a scheme, a colon and something behind it";
	if (strlen(s) > URI_MAX)
		return "more than 2048 characters";
	for (; *s != '\0'; s++) {
		if (strchr(ALNUM "-._~:/?#[]@!$&'()*+,;=%", *s) == NULL)
			return "a character that a URI may not have";
		if (*s == '%' && (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2])))
			return "a % without two hex digits";
	}
	return NULL;
}

/* s is local@domain, the domain in lower case. */
static const char *
email_fault(const char *s)
{
	size_t n = strcspn(s, "@");

	if (n == 0 || s[n] == '\0')
		return "an address has the form local@domain";
	if (n > LOCAL_MAX)
		return "more than 64 characters before the @";
	if (strspn(s, ALNUM ".!#$%&'*+-/=?^_`{|}~") < n)
		return "a character that the part before the @ may not have";
	if (s[0] == '.' || s[n - 1] == '.' || strstr(s, "..") != NULL)
		return "a dot at the wrong place";
	return dns_fault(s + n + 1, 0);
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + ('a' - 'A'));
}

/* The canonical form of an address, or NULL. */
static char *
ip_text(const char *s)
{
	unsigned char addr[16];
	char buf[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, s, addr) == 1)
		inet_ntop(AF_INET, addr, buf, sizeof(buf));
	else if (inet_pton(AF_INET6, s, addr) == 1)
		inet_ntop(AF_INET6, addr, buf, sizeof(buf));
	else
		return NULL;
	return xstrdup(buf);
}

char *
name_canonical(int type, const char *text, const char **why)
{
	const unsigned char *p;
	char *s;

	*why = NULL;
	for (p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p >= 0x80) {
			*why = type == NAME_DNS || type == NAME_EMAIL ?
			    "not ASCII: write it as an A-label (xn--...)" :
			    "not ASCII";
			return NULL;
		}
	if (type == NAME_IP) {
		if ((s = ip_text(text)) == NULL)
			*why = "not an IP address";
		return s;
	}
	s = xstrdup(text);
	if (type == NAME_DNS) {
		lower(s);
		*why = dns_fault(s, 1);
	} else if (type == NAME_EMAIL) {
		lower(strchr(s, '@') != NULL ? strchr(s, '@') : s);
		*why = email_fault(s);
	} else
		*why = uri_fault(s);
	if (*why != NULL) {
		free(s);
		s = NULL;
	}
	return s;
}
