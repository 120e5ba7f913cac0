/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Which packets count as logged before. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/dedupe.h"
#include "sensors/packet.h"
#include "tests/unit/captures.h"

static const struct observation syn = {
    .time = {1000000},
    .kind = OBS_PASSED,
    .src_port = 40000,
    .dst_port = 22,
    .proto = PROTO_TCP,
};
static const struct packet syn_packet = {.seq = 77, .has_tcp = true};

/* Whether b, ms later, is taken for what a was. */
static bool
repeats(const struct observation *a, const struct packet *pa,
    const struct observation *b, const struct packet *pb, int64_t ms)
{
	struct dedupe *d = dedupe_new();
	struct observation later = *b;
	bool is_duplicate;

	assert_false(dedupe_is_duplicate(d, a, pa));
	later.time.ms += ms;
	is_duplicate = dedupe_is_duplicate(d, &later, pb);
	dedupe_free(d);
	return is_duplicate;
}

static void
a_syn_repeats_for_three_seconds(void **state)
{
	(void)state;
	assert_true(repeats(&syn, &syn_packet, &syn, &syn_packet, 0));
	assert_true(repeats(&syn, &syn_packet, &syn, &syn_packet, 3000));
	assert_true(repeats(&syn, &syn_packet, &syn, &syn_packet, -900));
	assert_false(repeats(&syn, &syn_packet, &syn, &syn_packet, 3001));
}

static void
the_first_sight_counts_not_the_last(void **state)
{
	struct dedupe *d = dedupe_new();
	struct observation o = syn;

	(void)state;
	assert_false(dedupe_is_duplicate(d, &o, &syn_packet));
	o.time.ms += 2000;
	assert_true(dedupe_is_duplicate(d, &o, &syn_packet));
	o.time.ms += 2000;
	assert_false(dedupe_is_duplicate(d, &o, &syn_packet));
	dedupe_free(d);
}

static void
every_part_of_the_key_matters(void **state)
{
	struct packet p = syn_packet;
	struct observation o = syn;

	(void)state;
	p.seq++;
	assert_false(repeats(&syn, &syn_packet, &syn, &p, 0));
	o.src_port++;
	assert_false(repeats(&syn, &syn_packet, &o, &syn_packet, 0));
	o = syn;
	o.dst.bytes[15] = 1;
	assert_false(repeats(&syn, &syn_packet, &o, &syn_packet, 0));
	o = syn;
	o.src.bytes[0] = 1;
	assert_false(repeats(&syn, &syn_packet, &o, &syn_packet, 0));
	o = syn;
	o.kind = OBS_BLOCKED;
	assert_false(repeats(&syn, &syn_packet, &o, &syn_packet, 0));
	o = syn;
	o.sensor = 1;
	assert_false(repeats(&syn, &syn_packet, &o, &syn_packet, 0));
}

/* Far more keys than slots, alike but for one part: none is another. */
static void
what_shares_a_slot_is_no_duplicate(void **state)
{
	struct dedupe *d = dedupe_new();
	struct observation o = syn;
	struct packet p = syn_packet;
	uint32_t i;

	(void)state;
	for (i = 1000; i < 60000; i++) {
		o = syn;
		p = syn_packet;
		switch (i & 7) {
		case 0:
			memcpy(o.src.bytes, &i, sizeof(i));
			break;
		case 1:
			memcpy(o.dst.bytes, &i, sizeof(i));
			break;
		case 2:
			p.seq = i;
			break;
		case 3:
			o.src_port = (uint16_t)(i >> 3);
			break;
		case 4:
			o.dst_port = (uint16_t)(i >> 3);
			break;
		case 5:
			memcpy(o.dst.bytes + 8, &i, sizeof(i));
			break;
		case 6:
			memcpy(o.src.bytes + 8, &i, sizeof(i));
			break;
		default:
			o.kind = (uint16_t)(i >> 3);
			break;
		}
		if (dedupe_is_duplicate(d, &o, &p))
			fail_msg("key %u was taken for another", i);
	}
	dedupe_free(d);
}

static void
other_protocols_go_by_their_identification(void **state)
{
	struct observation o = syn;
	struct packet p = {.ip_id = 9};

	(void)state;
	o.proto = PROTO_UDP;
	assert_true(repeats(&o, &p, &o, &p, 1000));
	assert_false(repeats(&o, &p, &o, &p, 1001));
	p.ip_id = 0;
	assert_false(repeats(&o, &p, &o, &p, 0));
}

static void
what_opens_nothing_is_never_a_duplicate(void **state)
{
	struct observation o = syn;

	(void)state;
	o.flags = OBS_NOT_FIRST;
	assert_false(repeats(&o, &syn_packet, &o, &syn_packet, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_syn_repeats_for_three_seconds),
	    cmocka_unit_test(the_first_sight_counts_not_the_last),
	    cmocka_unit_test(every_part_of_the_key_matters),
	    cmocka_unit_test(what_shares_a_slot_is_no_duplicate),
	    cmocka_unit_test(other_protocols_go_by_their_identification),
	    cmocka_unit_test(what_opens_nothing_is_never_a_duplicate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
