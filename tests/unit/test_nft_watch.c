/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The kernel's notices of other people's commits, in a network namespace of
 * its own.
 */

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actuators/nft_watch.h"
#include "tests/unit/netns.h"

static void
readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static void
a_commit_of_others_is_known_even_when_nobody_listened(void **state)
{
	struct nft_watch *w = nft_watch_new(1);

	(void)state;
	assert_int_equal(nft_watch_pause(w), 0);
	assert_int_equal(nft_watch_resume(w, 0), 0);
	assert_int_equal(nft_watch_pause(w), 0);
	assert_non_null(nft("add", "table", "inet", "other", NULL, NULL));
	assert_int_equal(nft_watch_resume(w, 0), 1);
	nft_watch_nudge(w);
	readable(nft_watch_fd(w));
	assert_int_equal(nft_watch_read(w), 0);
	assert_non_null(nft("delete", "table", "inet", "other", NULL, NULL));
	readable(nft_watch_fd(w));
	nft_watch_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_commit_of_others_is_known_even_when_nobody_listened),
	};

	if (namespace_enter() == -1) {
		printf("skipped: may not make a network namespace\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
