/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Capture files through libpcap: both byte orders, both resolutions, cut and
 * damaged ones.  The files are made here.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/captures.h"

#define SYN4                                                                   \
	"450000401234400039063170cb007109c000020a9c41001601020304000000"       \
	"00b002400057880000020405b401010402010303060101080a0000000100000000"
#define ZERO12 "000000000000000000000000"
#define FROM4  "203.0.113.9:40001 > 192.0.2.10:22 proto 6 "

#define BIG                                                                    \
	"a1b2c3d400020004"                                                     \
	"0000000000000000"                                                     \
	"0000ffff"
#define LITTLE                                                                 \
	"d4c3b2a102000400"                                                     \
	"0000000000000000"                                                     \
	"ffff0000"
#define NANO                                                                   \
	"4d3cb2a102000400"                                                     \
	"0000000000000000"                                                     \
	"ffff0000"

static char path[] = "/tmp/test_pcap_source.XXXXXX";

/* Writes the file that the tests share. */
static void
file_write(const char *hex)
{
	uint8_t bytes[2048];
	size_t n = hex_read(hex, bytes, sizeof(bytes));
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static struct seen *
file_read(const char *hex)
{
	struct seen *seen;

	file_write(hex);
	seen = seen_read(path, NULL);
	assert_non_null(seen);
	return seen;
}

static void
expect_one(struct seen *seen, const char *want)
{
	char text[256];

	assert_int_equal(seen->status, 0);
	assert_int_equal(seen->n, 1);
	assert_string_equal(
	    seen_text(&seen->observations[0], text, sizeof(text)), want);
	free(seen);
}

#define PFLOG61                                                                \
	"3d02000067656d30" ZERO12 "6265636b283132333435290000000000000000"     \
	"0300000000ffffffff00007fff000003e80000303901000000"

static void
a_big_endian_pflog_file(void **state)
{
	(void)state;
	expect_one(file_read(BIG "00000075"
				 "65000000"
				 "000000ff"
				 "00000080"
				 "00000080" PFLOG61 SYN4),
	    "passed " FROM4 "in on gem0 anchor beck(12345)");
}

static void
its_uid_fields_arrive_as_announced(void **state)
{
	struct pcap_source *source;
	struct pcap_packet packet;
	char error[PCAP_SOURCE_ERRLEN];
	uint32_t rule_pid;

	(void)state;
	file_write(BIG "00000075"
		       "65000000"
		       "000000ff"
		       "00000080"
		       "00000080" PFLOG61 SYN4);
	source = pcap_source_open_file(path, error);
	assert_non_null(source);
	assert_int_equal(pcap_source_link_type(source), LINK_PFLOG);
	assert_int_equal(pcap_source_next(source, &packet, error), 1);
	memcpy(&rule_pid, packet.bytes + 56, sizeof(rule_pid));
	if (pcap_source_is_swapped(source))
		assert_int_equal(rule_pid, 0x39300000);
	else
		assert_int_equal(rule_pid, 12345);
	pcap_source_free(source);
}

static void
a_big_endian_nflog_file(void **state)
{
	(void)state;
	expect_one(file_read(BIG "000000ef"
				 "65000000"
				 "000000ff"
				 "00000050"
				 "00000050"
				 "02000005"
				 "00080001"
				 "08000100"
				 "00440009" SYN4),
	    "passed " FROM4 "in");
}

static void
link_type_17(void **state)
{
	(void)state;
	expect_one(file_read(LITTLE "11000000"
				    "00000065"
				    "ff000000"
				    "5c000000"
				    "5c000000"
				    "00000002786c30" ZERO12
				    "000007000000010000" SYN4),
	    "blocked " FROM4 "in on xl0");
}

static void
raw_ip_in_all_its_numbers(void **state)
{
	static const char *const types[] = {"65000000", "0c000000", "0e000000",
	    "e4000000"};
	char hex[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(hex, sizeof(hex), "%s%s%s", LITTLE, types[i],
		    "00000065"
		    "ff000000"
		    "40000000"
		    "40000000" SYN4);
		expect_one(file_read(hex), "opened " FROM4 "?");
	}
}

static void
times_of_both_resolutions(void **state)
{
	struct seen *seen;

	(void)state;
	seen = file_read(LITTLE "65000000"
				"00000065"
				"3f420f00"
				"40000000"
				"40000000" SYN4);
	assert_int_equal(seen->observations[0].time.ms,
	    INT64_C(0x65000000) * 1000 + 999);
	free(seen);
	seen = file_read(NANO "65000000"
			      "00000065"
			      "ffc99a3b"
			      "40000000"
			      "40000000" SYN4);
	assert_int_equal(seen->observations[0].time.ms,
	    INT64_C(0x65000000) * 1000 + 999);
	free(seen);
}

static void
seconds_have_no_sign(void **state)
{
	struct seen *seen;

	(void)state;
	seen = file_read(LITTLE "65000000"
				"ffffffff"
				"00000000"
				"40000000"
				"40000000" SYN4);
	assert_int_equal(seen->observations[0].time.ms,
	    INT64_C(0xffffffff) * 1000);
	free(seen);
}

static void
a_cut_file_gives_what_it_has_and_says_so(void **state)
{
	struct seen *seen;

	(void)state;
	seen = file_read(LITTLE "65000000"
				"00000065"
				"ff000000"
				"40000000"
				"40000000" SYN4 "01000065"
				"ff000000"
				"40000000"
				"40000000"
				"4500");
	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->status, -1);
	assert_non_null(strstr(seen->error, "truncated"));
	free(seen);
}

static void
an_impossible_length_is_damage(void **state)
{
	struct seen *seen;

	(void)state;
	seen = file_read(LITTLE "65000000"
				"00000065"
				"ff000000"
				"40000000"
				"40000000" SYN4 "01000065"
				"ff000000"
				"ffffff7f"
				"ffffff7f"
				"4500");
	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->status, -1);
	assert_true(seen->error[0] != '\0');
	free(seen);
}

static void
what_is_no_capture_is_refused_with_a_reason(void **state)
{
	char error[PCAP_SOURCE_ERRLEN] = "";

	(void)state;
	file_write("00112233445566778899aabbccddeeff0011223344556677");
	assert_null(pcap_source_open_file(path, error));
	assert_true(error[0] != '\0');
	error[0] = '\0';
	assert_null(pcap_source_open_file("/nonexistent/capture", error));
	assert_string_equal(error, "No such file or directory");
	file_write("d4c3b2a1");
	error[0] = '\0';
	assert_null(pcap_source_open_file(path, error));
	assert_true(error[0] != '\0');
}

static void
an_interface_that_is_not_there_is_missing(void **state)
{
	char error[PCAP_SOURCE_ERRLEN] = "";
	bool is_missing = false;

	(void)state;
	if (geteuid() != 0) {
		printf("skipped: opening an interface needs root\n");
		skip();
	}
	assert_null(
	    pcap_source_open_live("nosuch0", 128, false, &is_missing, error));
	assert_true(is_missing);
	assert_true(error[0] != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_big_endian_pflog_file),
	    cmocka_unit_test(its_uid_fields_arrive_as_announced),
	    cmocka_unit_test(a_big_endian_nflog_file),
	    cmocka_unit_test(link_type_17),
	    cmocka_unit_test(raw_ip_in_all_its_numbers),
	    cmocka_unit_test(times_of_both_resolutions),
	    cmocka_unit_test(seconds_have_no_sign),
	    cmocka_unit_test(a_cut_file_gives_what_it_has_and_says_so),
	    cmocka_unit_test(an_impossible_length_is_damage),
	    cmocka_unit_test(what_is_no_capture_is_refused_with_a_reason),
	    cmocka_unit_test(an_interface_that_is_not_there_is_missing),
	};

	int fd = mkstemp(path), failed;

	if (fd == -1) {
		perror(path);
		return 1;
	}
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
