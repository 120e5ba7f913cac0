/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* NFLOG messages: good ones, damaged ones, both byte orders. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/nflog_decode.h"
#include "sensors/packet.h"
#include "tests/unit/captures.h"

#define SYN4                                                                   \
	"450000401234400039063170cb007109c000020a9c41001601020304000000"       \
	"00b002400057880000020405b401010402010303060101080a0000000100000000"

static int
decode(const char *hex, bool is_swapped, bool is_cut, struct nflog_record *r,
    struct decode_error *err)
{
	/* The record borrows its payload from here. */
	static uint8_t bytes[512];
	size_t n = hex_read(hex, bytes, sizeof(bytes));
	struct buf b = buf_make(bytes, n);

	return nflog_decode(&b, is_swapped, is_cut, r, err);
}

static void
expect_refused(const char *hex, const char *why)
{
	struct nflog_record r;
	struct decode_error err;

	assert_int_equal(decode(hex, false, false, &r, &err), -1);
	assert_string_equal(err.what, why);
}

static const char whole[] = "02000005"
			    "08000100"
			    "08000100"
			    "09000a00"
			    "7472617000"
			    "000000"
			    "08000400"
			    "00000003"
			    "08000200"
			    "00000016"
			    "14000300"
			    "00000000650a0b0c"
			    "00000000000927bf"
			    "08000b00"
			    "000003e8"
			    "08000c00"
			    "0000002a"
			    "44000900" SYN4;

static void
every_field_is_read(void **state)
{
	struct nflog_record r;
	struct decode_error err;

	(void)state;
	assert_int_equal(decode(whole, false, false, &r, &err), 0);
	assert_int_equal(r.family, 2);
	assert_int_equal(r.group, 5);
	assert_int_equal(r.hook, 1);
	assert_int_equal(r.ethertype, 0x0800);
	assert_string_equal(r.prefix, "trap");
	assert_int_equal(r.indev, 3);
	assert_int_equal(r.outdev, 0);
	assert_int_equal(r.mark, 0x16);
	assert_true(r.has_time);
	assert_int_equal(r.time.ms, INT64_C(0x650a0b0c) * 1000 + 599);
	assert_true(r.has_uid);
	assert_int_equal(r.uid, 1000);
	assert_true(r.has_seq);
	assert_int_equal(r.seq, 42);
	assert_int_equal(r.payload.len, 64);
}

static void
the_kernels_time_is_the_observations(void **state)
{
	struct nflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;
	char text[256];

	(void)state;
	assert_int_equal(decode(whole, false, false, &r, &err), 0);
	assert_int_equal(
	    nflog_observe(&r, OBS_BLOCKED, (struct wall){7}, &o, &p, &err), 0);
	assert_int_equal(o.time.ms, r.time.ms);
	assert_string_equal(seen_text(&o, text, sizeof(text)),
	    "blocked 203.0.113.9:40001 > 192.0.2.10:22 proto 6 in");
	r.has_time = false;
	assert_int_equal(
	    nflog_observe(&r, OBS_BLOCKED, (struct wall){7}, &o, &p, &err), 0);
	assert_int_equal(o.time.ms, 7);
}

static void
hooks_give_the_direction(void **state)
{
	static const uint8_t want[] = {OBS_DIR_IN, OBS_DIR_IN, OBS_DIR_IN,
	    OBS_DIR_OUT, OBS_DIR_OUT, OBS_DIR_UNKNOWN};
	struct nflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;
	uint8_t hook;

	(void)state;
	assert_int_equal(decode(whole, false, false, &r, &err), 0);
	for (hook = 0; hook < sizeof(want); hook++) {
		r.hook = hook;
		assert_int_equal(nflog_observe(&r, OBS_PASSED, (struct wall){7},
				     &o, &p, &err),
		    0);
		assert_int_equal(o.dir, want[hook]);
	}
}

static void
the_other_byte_order_gives_the_same(void **state)
{
	struct nflog_record r;
	struct decode_error err;

	(void)state;
	assert_int_equal(decode("02000005"
				"00080001"
				"08000100"
				"0009000a"
				"7472617000"
				"000000"
				"00440009" SYN4,
			     true, false, &r, &err),
	    0);
	assert_int_equal(r.hook, 1);
	assert_string_equal(r.prefix, "trap");
	assert_int_equal(r.payload.len, 64);
}

static void
nested_and_unknown_attributes_are_passed_over(void **state)
{
	struct nflog_record r;
	struct decode_error err;

	(void)state;
	assert_int_equal(decode("02000005"
				"08001280"
				"ffffffff"
				"0600ff3f"
				"aaaa0000"
				"44000940" SYN4,
			     false, false, &r, &err),
	    0);
	assert_int_equal(r.payload.len, 64);
}

static void
lengths_that_cannot_be_end_the_message(void **state)
{
	(void)state;
	expect_refused("02000000"
		       "00010100"
		       "00000000",
	    "nflog attribute beyond its message");
	expect_refused("02000005"
		       "00000900",
	    "bad nflog attribute length");
	expect_refused("02000005"
		       "03000900",
	    "bad nflog attribute length");
	expect_refused("02000005"
		       "0400",
	    "nflog attribute cut short");
	expect_refused("020000", "nflog header cut short");
	expect_refused("02010005", "unknown nflog version");
	expect_refused("02000005"
		       "44000900"
		       "45000040",
	    "nflog attribute beyond its message");
}

static void
the_last_attribute_needs_no_padding(void **state)
{
	struct nflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;

	(void)state;
	assert_int_equal(decode("02000005"
				"05000a00"
				"00",
			     false, false, &r, &err),
	    0);
	assert_string_equal(r.prefix, "");
	assert_int_equal(
	    nflog_observe(&r, OBS_PASSED, (struct wall){7}, &o, &p, &err), -1);
	assert_string_equal(err.what, "no packet");
}

static void
a_cut_capture_still_shows_its_packet(void **state)
{
	char hex[sizeof(whole)];
	struct nflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;

	(void)state;
	memcpy(hex, whole, sizeof(hex));
	hex[strlen(hex) - 2 * 30] = '\0';
	assert_int_equal(decode(hex, false, false, &r, &err), -1);
	assert_int_equal(decode(hex, false, true, &r, &err), 0);
	assert_int_equal(r.payload.len, 34);
	assert_int_equal(
	    nflog_observe(&r, OBS_PASSED, (struct wall){7}, &o, &p, &err), 0);
	assert_int_equal(o.dst_port, 22);
	assert_int_equal(p.payload_len, 0);
}

static void
arp_is_nothing_to_report(void **state)
{
	struct nflog_record r;
	struct decode_error err;
	struct observation o;
	struct packet p;

	(void)state;
	assert_int_equal(decode("07000005"
				"08000100"
				"08060000"
				"08000900"
				"00010800",
			     false, false, &r, &err),
	    0);
	assert_int_equal(
	    nflog_observe(&r, OBS_PASSED, (struct wall){7}, &o, &p, &err), 1);
}

static void
a_time_that_cannot_be_is_none(void **state)
{
	struct nflog_record r;
	struct decode_error err;

	(void)state;
	assert_int_equal(decode("02000005"
				"14000300"
				"ffffffffffffffff"
				"0000000000000000",
			     false, false, &r, &err),
	    0);
	assert_false(r.has_time);
	assert_int_equal(decode("02000005"
				"14000300"
				"0000000000000001"
				"00000000ffffffff",
			     false, false, &r, &err),
	    0);
	assert_false(r.has_time);
}

static void
a_prefix_is_bounded(void **state)
{
	char hex[1024] = "02000005"
			 "cc000a00";
	struct nflog_record r;
	struct decode_error err;
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++)
		memcpy(hex + 16 + 2 * i, "41", 3);
	assert_int_equal(decode(hex, false, false, &r, &err), 0);
	assert_int_equal(strlen(r.prefix), NFLOG_PREFIX_LEN - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_is_read),
	    cmocka_unit_test(the_kernels_time_is_the_observations),
	    cmocka_unit_test(hooks_give_the_direction),
	    cmocka_unit_test(the_other_byte_order_gives_the_same),
	    cmocka_unit_test(nested_and_unknown_attributes_are_passed_over),
	    cmocka_unit_test(lengths_that_cannot_be_end_the_message),
	    cmocka_unit_test(the_last_attribute_needs_no_padding),
	    cmocka_unit_test(a_cut_capture_still_shows_its_packet),
	    cmocka_unit_test(arp_is_nothing_to_report),
	    cmocka_unit_test(a_time_that_cannot_be_is_none),
	    cmocka_unit_test(a_prefix_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
