/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_REPLAY_H
#define TRAPLINE_ENGINE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

struct ruleset;

/*
 * Runs captures through the policy in this process, with the packets' own
 * times as the clock and no kernel, network or state directory.  Several
 * captures are merged by time.  Events and a summary go to standard output,
 * as JSON Lines or text.  Takes the rule set.
 *
 * Returns the program's exit status: 0; 1 when a capture could not be read to
 * its end, which is said on standard error.
 */
int replay_run(struct ruleset *, const char *const *captures, size_t n,
    bool is_json);

#endif
