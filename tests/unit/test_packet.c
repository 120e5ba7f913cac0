/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* IPv4, IPv6 and TCP headers, whole and damaged. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/packet.h"
#include "tests/unit/captures.h"

#define SYN4_IP "450000401234400039063170cb007109c000020a"
#define SYN_TCP                                                                \
	"9c4100160102030400000000b002400057880000020405b401010402010303"       \
	"060101080a0000000100000000"
#define SRC6 "20010db8000000000000000000000009"
#define DST6 "20010db8000000000000000000000010"
#define TCP6 "9c4200190102030400000005601240005c4e0000020405a0"

static int
decode(const char *hex, struct packet *p, struct decode_error *err)
{
	uint8_t bytes[512];
	size_t n = hex_read(hex, bytes, sizeof(bytes));
	struct buf b = buf_make(bytes, n);

	return packet_decode(&b, p, err);
}

static void
expect_refused(const char *hex, const char *why)
{
	struct decode_error err;
	struct packet p;

	assert_int_equal(decode(hex, &p, &err), -1);
	assert_string_equal(err.what, why);
}

static void
an_ipv4_syn(void **state)
{
	struct decode_error err;
	struct packet p;
	char text[PREFIX_STRLEN];

	(void)state;
	assert_int_equal(decode(SYN4_IP SYN_TCP, &p, &err), 0);
	assert_string_equal(addr_format(&p.src, text, sizeof(text)),
	    "203.0.113.9");
	assert_string_equal(addr_format(&p.dst, text, sizeof(text)),
	    "192.0.2.10");
	assert_int_equal(p.proto, PROTO_TCP);
	assert_int_equal(p.src_port, 40001);
	assert_int_equal(p.dst_port, 22);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.ack, 0);
	assert_int_equal(p.tcp_flags, TCP_SYN);
	assert_int_equal(p.ip_id, 0x1234);
	assert_int_equal(p.payload_len, 0);
	assert_false(packet_is_not_first(&p));
}

static void
an_ipv6_answer(void **state)
{
	struct decode_error err;
	struct packet p;
	char text[PREFIX_STRLEN];

	(void)state;
	assert_int_equal(decode("6000000000180639" SRC6 DST6 TCP6, &p, &err),
	    0);
	assert_string_equal(addr_format(&p.src, text, sizeof(text)),
	    "2001:db8::9");
	assert_int_equal(p.dst_port, 25);
	assert_int_equal(p.ack, 5);
	assert_int_equal(p.tcp_flags, TCP_SYN | TCP_ACK);
	assert_true(packet_is_not_first(&p));
}

static void
the_payload_counts_by_the_ip_header_not_the_capture(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	/* Total length 1500, header 20 + 44. */
	assert_int_equal(
	    decode("450005dc1234400039063170cb007109c000020a" SYN_TCP, &p,
		&err),
	    0);
	assert_int_equal(p.payload_len, 1500 - 20 - 44);
	/* Cut by the snap length behind the flags. */
	assert_int_equal(decode("450005dc1234400039063170cb007109c000020a"
				"9c41001601020304000000005010",
			     &p, &err),
	    0);
	assert_true(p.has_tcp);
	assert_int_equal(p.payload_len, 1500 - 40);
	/* Padding behind the packet is not payload. */
	assert_int_equal(decode("450000281234400039063170cb007109c000020a"
				"9c4100160102030400000000501040005788"
				"0000"
				"000000000000",
			     &p, &err),
	    0);
	assert_int_equal(p.payload_len, 0);
}

static void
ipv4_options_are_stepped_over(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	assert_int_equal(decode("470000481234400039063170cb007109c000020a"
				"0707040000000000" SYN_TCP,
			     &p, &err),
	    0);
	assert_int_equal(p.dst_port, 22);
}

static void
later_fragments_have_no_ports(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	assert_int_equal(
	    decode("450000401234000239063170cb007109c000020a" SYN_TCP, &p,
		&err),
	    0);
	assert_true(p.is_later_fragment);
	assert_false(p.has_ports);
	assert_int_equal(p.dst_port, 0);
	assert_true(packet_is_not_first(&p));
	assert_int_equal(decode("6000000000202c39" SRC6 DST6
				"0600000900000007" TCP6,
			     &p, &err),
	    0);
	assert_true(p.is_later_fragment);
	assert_int_equal(p.proto, PROTO_TCP);
	assert_int_equal(p.dst_port, 0);
	/* The first fragment has them. */
	assert_int_equal(decode("6000000000202c39" SRC6 DST6
				"0600000100000007" TCP6,
			     &p, &err),
	    0);
	assert_false(p.is_later_fragment);
	assert_int_equal(p.dst_port, 25);
}

static void
ipv6_extension_headers_are_walked(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	assert_int_equal(decode("6000000000480039" SRC6 DST6
				"3c00010400000000" /* hop */
				"2b00010400000000" /* dest */
				"3300000000000000" /* routing */
				"0604000000000001000000010000000000000000"
				"00000000" TCP6,
			     &p, &err),
	    0);
	assert_int_equal(p.proto, PROTO_TCP);
	assert_int_equal(p.dst_port, 25);
	assert_true(p.has_tcp);
}

static void
other_protocols_have_no_ports(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	assert_int_equal(decode("4500001c1234400039013170cb007109c000020a"
				"0800f7ff00000000",
			     &p, &err),
	    0);
	assert_int_equal(p.proto, 1);
	assert_false(p.has_ports);
	assert_false(packet_is_not_first(&p));
}

static void
a_cut_transport_header_is_no_error(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	/* By the IP header's length: 10 bytes of TCP. */
	assert_int_equal(
	    decode("4500001e1234400039063170cb007109c000020a" SYN_TCP, &p,
		&err),
	    0);
	assert_true(p.has_ports);
	assert_false(p.has_tcp);
	/* By the capture. */
	assert_int_equal(decode(SYN4_IP "9c41", &p, &err), 0);
	assert_false(p.has_ports);
	/* A data offset of 4 bytes, and one beyond the packet. */
	assert_int_equal(decode("450000281234400039063170cb007109c000020a"
				"9c41001601020304000000001002400057880000",
			     &p, &err),
	    0);
	assert_false(p.has_tcp);
	assert_int_equal(decode("450000281234400039063170cb007109c000020a"
				"9c4100160102030400000000f002400057880000",
			     &p, &err),
	    0);
	assert_false(p.has_tcp);
}

static void
ip_headers_that_contradict_themselves_are_refused(void **state)
{
	(void)state;
	expect_refused("", "no packet");
	expect_refused("55", "bad ip version");
	expect_refused("4500004012344000390631", "ipv4 header cut short");
	expect_refused("440000401234400039063170cb007109c000020a",
	    "bad ipv4 header length");
	expect_refused("450000131234400039063170cb007109c000020a",
	    "bad ipv4 total length");
	expect_refused("4f0000401234400039063170cb007109c000020a"
		       "0101",
	    "ipv4 options cut short");
	expect_refused("6000000000180639" SRC6, "ipv6 header cut short");
	expect_refused("6000000000080039" SRC6 DST6 "0601010400000000",
	    "bad ipv6 extension header");
	expect_refused("6000000000040039" SRC6 DST6 "06010104",
	    "bad ipv6 extension header");
	expect_refused("6000000000500039" SRC6 DST6 "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000"
		       "0000010400000000",
	    "too many ipv6 extension headers");
}

static void
length_zero_means_what_was_captured(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	assert_int_equal(
	    decode("450000001234400039063170cb007109c000020a" SYN_TCP
		   "41414141",
		&p, &err),
	    0);
	assert_int_equal(p.payload_len, 4);
	assert_int_equal(
	    decode("6000000000000639" SRC6 DST6 TCP6 "4141", &p, &err), 0);
	assert_int_equal(p.payload_len, 2);
}

static void
a_mapped_source_is_the_ipv4_host(void **state)
{
	struct decode_error err;
	struct packet p;

	(void)state;
	assert_int_equal(decode("6000000000180639"
				"00000000000000000000ffffcb007109" DST6 TCP6,
			     &p, &err),
	    0);
	assert_true(addr_is_ipv4(&p.src));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_ipv4_syn),
	    cmocka_unit_test(an_ipv6_answer),
	    cmocka_unit_test(
		the_payload_counts_by_the_ip_header_not_the_capture),
	    cmocka_unit_test(ipv4_options_are_stepped_over),
	    cmocka_unit_test(later_fragments_have_no_ports),
	    cmocka_unit_test(ipv6_extension_headers_are_walked),
	    cmocka_unit_test(other_protocols_have_no_ports),
	    cmocka_unit_test(a_cut_transport_header_is_no_error),
	    cmocka_unit_test(ip_headers_that_contradict_themselves_are_refused),
	    cmocka_unit_test(length_zero_means_what_was_captured),
	    cmocka_unit_test(a_mapped_source_is_the_ipv4_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
