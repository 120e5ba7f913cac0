/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* pflog headers: the vectors of protocols/pflog.md, section 7.3, and fates. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/packet.h"
#include "sensors/pflog_decode.h"
#include "tests/unit/captures.h"

#define SYN4                                                                   \
	"450000401234400039063170cb007109c000020a9c41001601020304000000"       \
	"00b002400057880000020405b401010402010303060101080a0000000100000000"
#define SYN6                                                                   \
	"600000000018063920010db800000000000000000000000920010db8000000"       \
	"0000000000000000109c4200190102030400000000600240005c4e00000204"       \
	"05a0"
#define NONE PFLOG_NONE

struct vector {
	const char *header; /* hexadecimal */
	bool is_ipv6;
	bool is_swapped;
	bool is_old;
	const char *observation;
	uint32_t rulenr, subrulenr, uid, pid, rule_uid, rule_pid, ridentifier;
};

static void
expect(const struct vector *v)
{
	uint8_t bytes[256];
	struct pflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;
	struct buf b;
	char text[256];
	size_t n;

	n = hex_read(v->header, bytes, sizeof(bytes));
	n += hex_read(v->is_ipv6 ? SYN6 : SYN4, bytes + n, sizeof(bytes) - n);
	b = buf_make(bytes, n);
	if (v->is_old)
		assert_int_equal(pflog_decode_old(&b, &r, &err), 0);
	else
		assert_int_equal(pflog_decode(&b, v->is_swapped, &r, &err), 0);
	assert_int_equal(b.pos, strlen(v->header) / 2);
	assert_int_equal(
	    pflog_observe(&r, &b, (struct wall){1000}, &o, &p, &err), 0);
	assert_string_equal(seen_text(&o, text, sizeof(text)), v->observation);
	assert_int_equal(o.time.ms, 1000);
	assert_int_equal(r.rulenr, v->rulenr);
	assert_int_equal(r.subrulenr, v->subrulenr);
	assert_int_equal(r.uid, v->uid);
	assert_int_equal(r.pid, v->pid);
	assert_int_equal(r.rule_uid, v->rule_uid);
	assert_int_equal(r.rule_pid, v->rule_pid);
	assert_int_equal(r.ridentifier, v->ridentifier);
}

#define ZERO4  "00000000"
#define ZERO12 ZERO4 ZERO4 ZERO4
#define ZERO16 ZERO12 ZERO4
#define FROM4  "203.0.113.9:40001 > 192.0.2.10:22 proto 6 "
#define FROM6  "2001:db8::9:40002 > 2001:db8::10:25 proto 6 "

static void
openbsd_3_4_and_freebsd_5(void **state)
{
	struct vector v = {.header = "2d020100786c30" ZERO12 "00" ZERO16
				     "00000007ffffffff"
				     "01000000",
	    .observation = "blocked " FROM4 "in on xl0",
	    7,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    0};

	(void)state;
	expect(&v);
}

static void
openbsd_4_1_with_an_authpf_anchor(void **state)
{
	struct vector v = {
	    .header = "3d020000656d30" ZERO12 "006265636b28313233343529"
		      "00000000000000000300000000ffffffffa0860100e8030000"
		      "3930000001000000",
	    .observation = "passed " FROM4 "in on em0 anchor beck(12345)",
	    3,
	    0,
	    NONE,
	    NONE,
	    1000,
	    12345,
	    0};

	(void)state;
	expect(&v);
}

static void
the_same_from_a_big_endian_host(void **state)
{
	struct vector v = {
	    .header = "3d02000067656d30" ZERO12 "6265636b28313233343529"
		      "00000000000000000300000000ffffffff00007fff000003e8"
		      "0000303901000000",
	    .is_swapped = true,
	    .observation = "passed " FROM4 "in on gem0 anchor beck(12345)",
	    3,
	    0,
	    NONE,
	    NONE,
	    1000,
	    12345,
	    0};

	(void)state;
	expect(&v);
}

static void
freebsd_7_to_13_0_over_ipv6(void **state)
{
	struct vector v = {
	    .header = "3d1c010076746e657430" ZERO4 ZERO4 "0000" ZERO16
		      "0000000cffffffffffffffffa08601000000000009030000"
		      "01000000",
	    .is_ipv6 = true,
	    .observation = "blocked " FROM6 "in on vtnet0",
	    12,
	    NONE,
	    NONE,
	    NONE,
	    0,
	    777,
	    0};

	(void)state;
	expect(&v);
}

static void
macos_has_no_uid_of_its_own_kind(void **state)
{
	struct vector v = {.header =
			       "3d1e0100656e30" ZERO12
			       "00636f6d2e6170706c65" ZERO4 "00000000000000"
			       "00000002ffffff7fa086010000000000"
			       "2c01000002000000",
	    .is_ipv6 = true,
	    .observation = "blocked " FROM6 "out on en0 anchor com.apple",
	    0,
	    2,
	    NONE,
	    NONE,
	    0,
	    300,
	    0};

	(void)state;
	expect(&v);
}

static void
npf_of_netbsd_names_no_anchor(void **state)
{
	struct vector v = {
	    .header = "3d020100776d30" ZERO12 "0072756c6573000000000000"
		      "00000000000000002a00000001ffffff7fffffffffffffff7f"
		      "ffffffff01000000",
	    .observation = "blocked " FROM4 "in on wm0",
	    0x2a,
	    1,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    0};

	(void)state;
	expect(&v);
}

static void
freebsd_13_1_with_a_rule_identifier(void **state)
{
	struct vector v = {
	    .header = "4502010069676230" ZERO12 "747261706c696e6500000000"
		      "000000000000000500000001ffffffffa08601000000000092"
		      "100000010000003b9aca6700000000",
	    .observation = "blocked " FROM4 "in on igb0 anchor trapline",
	    5,
	    1,
	    NONE,
	    NONE,
	    0,
	    4242,
	    1000000103};

	(void)state;
	expect(&v);
}

static void
openbsd_4_9_and_later(void **state)
{
	struct vector v = {
	    .header = "6402010076696f30" ZERO12 ZERO16
		      "0000000affffffffffffffffa08601000000000014310100"
		      "01000200cb007109" ZERO12 "c000020a" ZERO12 "9c410016",
	    .observation = "blocked " FROM4 "in on vio0",
	    10,
	    NONE,
	    NONE,
	    NONE,
	    0,
	    78100,
	    0};

	(void)state;
	expect(&v);
}

static void
a_redirected_packet_shows_the_target_it_asked_for(void **state)
{
	struct vector v = {
	    .header = "6402000076696f30" ZERO12 ZERO16
		      "00000004ffffffffffffffffa08601000000000014310100"
		      "01020200cb007109" ZERO12 "c6336401" ZERO12 "9c4108ae",
	    .observation = "passed 203.0.113.9:40001 > 198.51.100.1:2222 "
			   "proto 6 in on vio0",
	    4,
	    NONE,
	    NONE,
	    NONE,
	    0,
	    78100,
	    0};

	(void)state;
	expect(&v);
}

static void
short_under_the_default_rule_was_dropped(void **state)
{
	struct vector v = {
	    .header = "6402000376696f30" ZERO12 ZERO16
		      "ffffffffffffffffffffffffa08601000000000000000000"
		      "01000200cb007109" ZERO12 "c000020a" ZERO12 "00000000",
	    .observation = "blocked " FROM4 "in on vio0",
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    0,
	    0,
	    0};

	(void)state;
	expect(&v);
}

static void
openbsd_3_0_on_link_type_17(void **state)
{
	struct vector v = {.header =
			       "00000002786c30" ZERO12 "000007000000010000",
	    .is_old = true,
	    .observation = "blocked " FROM4 "in on xl0",
	    7,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    0};

	(void)state;
	expect(&v);
}

static void
old_direction_one_can_be_either(void **state)
{
	struct vector v = {.header =
			       "00000002786c30" ZERO12 "00ffff000000010001",
	    .is_old = true,
	    .observation = "blocked " FROM4 "? on xl0",
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    NONE,
	    0};

	(void)state;
	expect(&v);
	v.header = "00000002786c30" ZERO12 "00ffff000000010002";
	v.observation = "blocked " FROM4 "out on xl0";
	expect(&v);
}

static uint16_t
fate(uint8_t action, uint8_t reason)
{
	struct pflog_record r = {.action = action, .reason = reason};

	return pflog_fate(&r);
}

static void
the_reason_outweighs_the_action(void **state)
{
	(void)state;
	assert_int_equal(fate(0, 0), OBS_PASSED);
	assert_int_equal(fate(1, 0), OBS_BLOCKED);
	assert_int_equal(fate(0, 8), OBS_BLOCKED);
	assert_int_equal(fate(12, 3), OBS_BLOCKED);
	assert_int_equal(fate(0, 13), OBS_BLOCKED);
	assert_int_equal(fate(10, 14), OBS_PASSED);
	assert_int_equal(fate(0, 14), OBS_PASSED);
}

static void
match_and_translation_rules_decide_nothing(void **state)
{
	static const uint8_t undecided[] = {2, 3, 4, 5, 6, 7, 8, 9, 12, 13};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(undecided); i++)
		assert_int_equal(fate(undecided[i], 0), 0);
}

static void
expect_refused(const char *hex, const char *why)
{
	uint8_t bytes[256];
	size_t n = hex_read(hex, bytes, sizeof(bytes));
	struct buf b = buf_make(bytes, n);
	struct pflog_record r;
	struct decode_error err;

	assert_int_equal(pflog_decode(&b, false, &r, &err), -1);
	assert_string_equal(err.what, why);
	assert_int_equal(b.pos, 0);
}

static void
impossible_headers_are_refused(void **state)
{
	(void)state;
	expect_refused("", "pflog header cut short");
	expect_refused("54020100", "unknown pflog header length");
	expect_refused("2c020100" ZERO16 ZERO16 ZERO12,
	    "unknown pflog header length");
	expect_refused("3d020100" ZERO16 ZERO16 ZERO16 "00000001",
	    "pflog header cut short");
}

static void
a_header_without_a_packet_is_refused(void **state)
{
	const char *header =
	    "2d020100786c30" ZERO12 "00" ZERO16 "00000007ffffffff01000000";
	uint8_t bytes[64];
	size_t n = hex_read(header, bytes, sizeof(bytes));
	struct buf b = buf_make(bytes, n);
	struct pflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;

	(void)state;
	assert_int_equal(pflog_decode(&b, false, &r, &err), 0);
	assert_int_equal(pflog_observe(&r, &b, (struct wall){1}, &o, &p, &err),
	    -1);
	assert_string_equal(err.what, "no packet");
}

static void
names_need_no_terminator_and_become_printable(void **state)
{
	const char *header = "2d020100"
			     "657468305c41414141414141414141ff"
			     "1b5b326d41414141414141414141414141"
			     "000007ffffffff01000000";
	uint8_t bytes[256];
	size_t n = hex_read(header, bytes, sizeof(bytes));
	struct pflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;
	struct buf b;

	(void)state;
	n = 48 + hex_read(SYN4, bytes + 48, sizeof(bytes) - 48);
	b = buf_make(bytes, n);
	assert_int_equal(pflog_decode(&b, false, &r, &err), 0);
	assert_int_equal(strlen(r.ifname), 16);
	assert_int_equal(pflog_observe(&r, &b, (struct wall){1}, &o, &p, &err),
	    0);
	assert_string_equal(o.ifname, "eth0\\AAAAAAAAAA");
	assert_string_equal(o.anchor, "?[2mAAAAAAAAAAA");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(openbsd_3_4_and_freebsd_5),
	    cmocka_unit_test(openbsd_4_1_with_an_authpf_anchor),
	    cmocka_unit_test(the_same_from_a_big_endian_host),
	    cmocka_unit_test(freebsd_7_to_13_0_over_ipv6),
	    cmocka_unit_test(macos_has_no_uid_of_its_own_kind),
	    cmocka_unit_test(npf_of_netbsd_names_no_anchor),
	    cmocka_unit_test(freebsd_13_1_with_a_rule_identifier),
	    cmocka_unit_test(openbsd_4_9_and_later),
	    cmocka_unit_test(a_redirected_packet_shows_the_target_it_asked_for),
	    cmocka_unit_test(short_under_the_default_rule_was_dropped),
	    cmocka_unit_test(openbsd_3_0_on_link_type_17),
	    cmocka_unit_test(old_direction_one_can_be_either),
	    cmocka_unit_test(the_reason_outweighs_the_action),
	    cmocka_unit_test(match_and_translation_rules_decide_nothing),
	    cmocka_unit_test(impossible_headers_are_refused),
	    cmocka_unit_test(a_header_without_a_packet_is_refused),
	    cmocka_unit_test(names_need_no_terminator_and_become_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
