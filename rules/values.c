/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Words to values: numbers, times, protocols, ports.  Names are built in as
 * far as a policy commonly needs them, so that a policy means the same on
 * every machine, chrooted or not.
 */

#include "rules/values.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/conf.h"
#include "rules/policy_text.h"
#include "rules/ruleset.h"

#define TIME_MOST  (INT64_C(100) * 366 * 86400)
#define LABEL_MOST 63

struct name_number {
	const char *name;
	uint16_t number;
};

/* The first name of a number is the one that is printed. */
static const struct name_number protos[] = {
    {"icmp", 1},
    {"igmp", 2},
    {"ipip", 4},
    {"ipencap", 4},
    {"tcp", 6},
    {"udp", 17},
    {"ipv6", 41},
    {"gre", 47},
    {"esp", 50},
    {"ah", 51},
    {"ipv6-icmp", 58},
    {"icmp6", 58},
    {"icmpv6", 58},
    {"ospf", 89},
    {"pim", 103},
    {"carp", 112},
    {"vrrp", 112},
    {"l2tp", 115},
    {"sctp", 132},
    {"udplite", 136},
    {"pfsync", 240},
};

static const struct name_number services[] = {
    {"bgp", 179},
    {"dns", 53},
    {"domain", 53},
    {"ftp", 21},
    {"ftp-data", 20},
    {"http", 80},
    {"https", 443},
    {"imap", 143},
    {"imap2", 143},
    {"imaps", 993},
    {"ldap", 389},
    {"ldaps", 636},
    {"mysql", 3306},
    {"nntp", 119},
    {"ntp", 123},
    {"openvpn", 1194},
    {"pop3", 110},
    {"pop3s", 995},
    {"postgresql", 5432},
    {"rdp", 3389},
    {"redis", 6379},
    {"rsync", 873},
    {"sieve", 4190},
    {"sip", 5060},
    {"sips", 5061},
    {"smtp", 25},
    {"smtps", 465},
    {"snmp", 161},
    {"spamd", 8025},
    {"ssh", 22},
    {"submission", 587},
    {"submissions", 465},
    {"syslog", 514},
    {"telnet", 23},
    {"tftp", 69},
    {"www", 80},
    {"xmpp-client", 5222},
    {"xmpp-server", 5269},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int
value_number(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t value = 0, digit;

	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		digit = (uint64_t)(*text - '0');
		if (value > (most - digit) / 10 || digit > most)
			return -1;
		value = value * 10 + digit;
	}
	*out = value;
	return 0;
}

/* Splits at the first sep.  0 with both halves, or -1. */
static int
split(const char *text, char sep, char *first, size_t size, const char **rest)
{
	const char *at = strchr(text, sep);

	if (at == NULL || (size_t)(at - text) >= size)
		return -1;
	memcpy(first, text, (size_t)(at - text));
	first[at - text] = '\0';
	*rest = at + 1;
	return 0;
}

int
value_pair(const char *text, uint32_t *first, uint32_t *second)
{
	char head[24];
	const char *rest;
	uint64_t a, b;

	if (split(text, '/', head, sizeof(head), &rest) == -1 ||
	    value_number(head, UINT32_MAX, &a) == -1 ||
	    value_number(rest, UINT32_MAX, &b) == -1)
		return -1;
	*first = (uint32_t)a;
	*second = (uint32_t)b;
	return 0;
}

int
value_time(const char *text, int64_t *seconds)
{
	int64_t s;

	if (duration_parse(text, &s) == -1 || s > TIME_MOST)
		return -1;
	*seconds = s;
	return 0;
}

const char *
value_time_format(int64_t seconds, char *out, size_t size)
{
	if (seconds != EXPIRE_NEVER)
		return duration_format(seconds, out, size);
	snprintf(out, size, "never");
	return out;
}

static int
name_find(const struct name_number *list, size_t n, const char *name,
    uint16_t *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(list[i].name, name) == 0) {
			*out = list[i].number;
			return 0;
		}
	}
	return -1;
}

static const char *const *
names_of(const struct name_number *list, size_t n, const char **names)
{
	size_t i;

	for (i = 0; i < n; i++)
		names[i] = list[i].name;
	names[n] = NULL;
	return names;
}

const char *const *
value_proto_names(void)
{
	static const char *names[COUNT(protos) + 1];

	return names_of(protos, COUNT(protos), names);
}

const char *const *
value_port_names(void)
{
	static const char *names[COUNT(services) + 1];

	return names_of(services, COUNT(services), names);
}

int
value_proto(const char *text, uint8_t *out)
{
	uint64_t number;
	uint16_t named;

	if (value_number(text, 255, &number) == 0)
		*out = (uint8_t)number;
	else if (name_find(protos, COUNT(protos), text, &named) == 0)
		*out = (uint8_t)named;
	else
		return -1;
	return 0;
}

const char *
value_proto_name(uint8_t number)
{
	size_t i;

	for (i = 0; i < COUNT(protos); i++) {
		if (protos[i].number == number)
			return protos[i].name;
	}
	return NULL;
}

/* Does this line of services(5) define the name?  0 with the port. */
static int
service_line(char *line, const char *name, uint16_t *out)
{
	const char *first, *word, *rest;
	char digits[8], *last = NULL;
	uint64_t number;
	bool is_named;

	line[strcspn(line, "#")] = '\0';
	first = strtok_r(line, " \t\r", &last);
	word = first == NULL ? NULL : strtok_r(NULL, " \t\r", &last);
	if (word == NULL ||
	    split(word, '/', digits, sizeof(digits), &rest) == -1 ||
	    value_number(digits, UINT16_MAX, &number) == -1)
		return -1;
	is_named = strcmp(first, name) == 0;
	while (!is_named && (word = strtok_r(NULL, " \t\r", &last)) != NULL)
		is_named = strcmp(word, name) == 0;
	*out = (uint16_t)number;
	return is_named ? 0 : -1;
}

static int
service_find(const char *name, const char *bytes, size_t len, uint16_t *out)
{
	const char *end, *stop = bytes + len;
	char line[512];
	size_t n;

	for (; bytes < stop; bytes = end + 1) {
		end = memchr(bytes, '\n', (size_t)(stop - bytes));
		if (end == NULL)
			end = stop;
		n = (size_t)(end - bytes);
		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		memcpy(line, bytes, n);
		line[n] = '\0';
		if (service_line(line, name, out) == 0)
			return 0;
		if (end == stop)
			break;
	}
	return -1;
}

int
value_port(const char *text, struct policy_text *policy, bool from_files,
    uint16_t *out)
{
	const char *bytes;
	uint64_t number;
	size_t len;

	if (value_number(text, UINT16_MAX, &number) == 0) {
		*out = (uint16_t)number;
		return 0;
	}
	if (name_find(services, COUNT(services), text, out) == 0)
		return 0;
	if (!isalpha((unsigned char)*text) ||
	    policy_text_open(policy, "/etc/services", from_files, &bytes,
		&len) == -1)
		return -1;
	return service_find(text, bytes, len, out);
}

/* The length of the label at text, or 0 when it is none. */
static size_t
label_len(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || text[n] == '-')
		n++;
	if (n == 0 || n > LABEL_MOST || text[0] == '-' || text[n - 1] == '-')
		return 0;
	return n;
}

int
value_host_name(const char *text, char *out)
{
	size_t i, n, labels = 0, len = strlen(text);
	bool is_number = false;
	const char *at = text;

	if (len >= HOST_NAME_LEN)
		return -1;
	for (;; at++) {
		n = label_len(at);
		if (n == 0)
			return -1;
		is_number = strspn(at, "0123456789") == n;
		labels++;
		at += n;
		if (*at != '.')
			break;
	}
	if (*at != '\0' || labels < 2 || is_number)
		return -1;
	for (i = 0; i <= len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	return 0;
}

static int
range_order(const void *one, const void *two)
{
	const struct port_range *a = one, *b = two;

	return (int)a->low - (int)b->low;
}

size_t
ports_join(struct port_range *list, size_t n)
{
	size_t i, last = 0;

	if (n == 0)
		return 0;
	qsort(list, n, sizeof(*list), range_order);
	for (i = 1; i < n; i++) {
		if ((unsigned int)list[i].low <= list[last].high + 1U) {
			if (list[i].high > list[last].high)
				list[last].high = list[i].high;
		} else {
			list[++last] = list[i];
		}
	}
	return last + 1;
}
