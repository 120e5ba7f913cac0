/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Bounded reading: both byte orders, and zero behind a failure. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/buf.h"

static const uint8_t bytes[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};

static void
integers_are_read_in_network_order(void **state)
{
	struct buf b;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	b = buf_make(bytes, sizeof(bytes));
	assert_int_equal(buf_get_u8(&b, &u8), 0);
	assert_int_equal(u8, 0x01);
	assert_int_equal(buf_get_be16(&b, &u16), 0);
	assert_int_equal(u16, 0x8203);
	assert_int_equal(buf_left(&b), 5);
	b = buf_make(bytes, sizeof(bytes));
	assert_int_equal(buf_get_be32(&b, &u32), 0);
	assert_int_equal(u32, 0x01820384);
	b = buf_make(bytes, sizeof(bytes));
	assert_int_equal(buf_get_be64(&b, &u64), 0);
	assert_true(u64 == UINT64_C(0x0182038405860788));
	assert_int_equal(buf_left(&b), 0);
}

static void
too_few_bytes_leave_the_reader_alone_and_zero_the_result(void **state)
{
	struct buf b = buf_make(bytes, 7), slice = {0};
	uint8_t copy[8] = {9};
	uint64_t u64 = 9;
	uint32_t u32 = 9;
	uint16_t u16 = 9;
	uint8_t u8 = 9;

	(void)state;
	assert_int_equal(buf_get_be64(&b, &u64), -1);
	assert_int_equal(buf_get_bytes(&b, copy, 8), -1);
	assert_int_equal(buf_get_slice(&b, 8, &slice), -1);
	assert_int_equal(buf_skip(&b, 8), -1);
	assert_int_equal(buf_skip(&b, SIZE_MAX), -1);
	assert_int_equal(b.pos, 0);
	assert_int_equal(buf_skip(&b, 4), 0);
	assert_int_equal(buf_get_be32(&b, &u32), -1);
	assert_int_equal(buf_skip(&b, 2), 0);
	assert_int_equal(buf_get_be16(&b, &u16), -1);
	assert_int_equal(buf_skip(&b, 1), 0);
	assert_int_equal(buf_get_u8(&b, &u8), -1);
	assert_int_equal(b.pos, 7);
	assert_true(u64 == 0 && u32 == 0 && u16 == 0 && u8 == 0);
	assert_int_equal(copy[0], 0);
	assert_null(slice.data);
}

static void
a_slice_ends_where_it_was_told(void **state)
{
	struct buf b = buf_make(bytes, sizeof(bytes)), slice;
	uint8_t copy[3];

	(void)state;
	buf_skip(&b, 1);
	assert_int_equal(buf_get_slice(&b, 3, &slice), 0);
	assert_int_equal(b.pos, 4);
	assert_int_equal(buf_get_bytes(&slice, copy, 3), 0);
	assert_memory_equal(copy, bytes + 1, 3);
	assert_int_equal(buf_skip(&slice, 1), -1);
}

static void
nothing_can_be_read_from_nothing(void **state)
{
	struct buf b = buf_make(NULL, 0), slice;
	uint8_t u8;

	(void)state;
	assert_int_equal(buf_get_u8(&b, &u8), -1);
	assert_int_equal(buf_get_bytes(&b, &u8, 0), 0);
	assert_int_equal(buf_get_slice(&b, 0, &slice), 0);
	assert_int_equal(buf_left(&slice), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_are_read_in_network_order),
	    cmocka_unit_test(
		too_few_bytes_leave_the_reader_alone_and_zero_the_result),
	    cmocka_unit_test(a_slice_ends_where_it_was_told),
	    cmocka_unit_test(nothing_can_be_read_from_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
