/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_PARENT_H
#define TRAPLINE_ENGINE_PARENT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/compat.h"

struct policy_macro;
struct policy_text;
struct ruleset;

/* What the command line said, and the policy that was read by it. */
struct parent_start {
	const char *policy; /* path */
	const struct policy_macro *macros;
	size_t nmacros;
	bool is_foreground; /* -d */
	bool is_verbose;    /* -v */
};

/*
 * The privileged process: opens the firewall, forks the rest, carries out
 * what the engine decides, restarts sensors, reloads.  Takes the rule set and
 * the text it came from.  Ends with the exit status of the program.
 */
void parent_run(const struct parent_start *, struct ruleset *,
    struct policy_text *) NO_RETURN;

#endif
