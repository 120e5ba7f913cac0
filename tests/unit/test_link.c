/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Link headers: what is IP, what is not, and what is damaged. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/link.h"
#include "tests/unit/captures.h"

#define MACS "ffffffffffff020000000001"

/* The status; *pos is where the reader was left. */
static int
strip(int link_type, const char *hex, size_t *pos, const char **why)
{
	uint8_t bytes[128];
	size_t n = hex_read(hex, bytes, sizeof(bytes));
	struct buf b = buf_make(bytes, n);
	struct decode_error err = {NULL, 0};
	int status = link_strip(link_type, &b, &err);

	*pos = b.pos;
	*why = err.what;
	return status;
}

static void
expect_ip(int link_type, const char *hex, size_t at)
{
	const char *why;
	size_t pos;

	assert_int_equal(strip(link_type, hex, &pos, &why), 0);
	assert_int_equal(pos, at);
}

static void
expect_other(int link_type, const char *hex)
{
	const char *why;
	size_t pos;

	assert_int_equal(strip(link_type, hex, &pos, &why), 1);
	assert_int_equal(pos, 0);
}

static void
expect_refused(int link_type, const char *hex, const char *want)
{
	const char *why;
	size_t pos;

	assert_int_equal(strip(link_type, hex, &pos, &why), -1);
	assert_string_equal(why, want);
	assert_int_equal(pos, 0);
}

static void
ethernet_with_and_without_tags(void **state)
{
	(void)state;
	expect_ip(LINK_ETHERNET, MACS "080045", 14);
	expect_ip(LINK_ETHERNET, MACS "86dd60", 14);
	expect_ip(LINK_ETHERNET,
	    MACS "81000001"
		 "080045",
	    18);
	expect_ip(LINK_ETHERNET,
	    MACS "88a80001"
		 "81000002"
		 "86dd60",
	    22);
	expect_ip(LINK_ETHERNET,
	    MACS "91000001"
		 "81000002"
		 "080045",
	    22);
	expect_other(LINK_ETHERNET, MACS "0806"
					 "0001");
	expect_other(LINK_ETHERNET, MACS "0026"
					 "424203");
	expect_other(LINK_ETHERNET, MACS "81000001"
					 "0806");
	expect_refused(LINK_ETHERNET, MACS "08", "ethernet header cut short");
	expect_refused(LINK_ETHERNET, MACS "810000", "vlan tag cut short");
	expect_refused(LINK_ETHERNET,
	    MACS "81000001"
		 "81000001"
		 "81000001"
		 "81000001"
		 "81000001"
		 "0800",
	    "too many vlan tags");
}

static void
cooked_captures_of_both_versions(void **state)
{
	(void)state;
	expect_ip(LINK_COOKED,
	    "00000001000602000000000100000800"
	    "45",
	    16);
	expect_ip(LINK_COOKED,
	    "00000001000602000000000100008100"
	    "00010800",
	    20);
	expect_other(LINK_COOKED, "00000001000602000000000100000806");
	expect_refused(LINK_COOKED, "0000000100060200000000010000",
	    "cooked header cut short");
	expect_ip(LINK_COOKED2, "86dd0000000000020001000602000000000100006045",
	    20);
	expect_refused(LINK_COOKED2, "86dd00000000000200010006020000000001",
	    "cooked header cut short");
}

static void
loopback_in_both_byte_orders(void **state)
{
	(void)state;
	expect_ip(LINK_NULL, "0200000045", 4);
	expect_ip(LINK_NULL, "0000000245", 4);
	expect_ip(LINK_NULL, "1e00000060", 4);
	expect_ip(LINK_NULL, "0000001c60", 4);
	expect_ip(LINK_LOOP, "0000001860", 4);
	expect_ip(LINK_NULL, "0a00000060", 4);
	expect_other(LINK_NULL, "0700000060");
	expect_refused(LINK_LOOP, "000000", "loopback header cut short");
}

static void
raw_and_ppp(void **state)
{
	static const int raw[] = {LINK_RAW, LINK_RAW_12, LINK_RAW_14, LINK_IPV4,
	    LINK_IPV6};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		expect_ip(raw[i], "45", 0);
	expect_ip(LINK_PPP, "ff03002145", 4);
	expect_ip(LINK_PPP, "005760", 2);
	expect_other(LINK_PPP, "ff03c021");
	expect_refused(LINK_PPP, "ff0300", "ppp header cut short");
	expect_refused(147, "45", "unknown link type");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ethernet_with_and_without_tags),
	    cmocka_unit_test(cooked_captures_of_both_versions),
	    cmocka_unit_test(loopback_in_both_byte_orders),
	    cmocka_unit_test(raw_and_ppp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
