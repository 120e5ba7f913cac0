/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_CHECK_RULE_H
#define TRAPLINE_RULES_CHECK_RULE_H

struct check;
struct conf_rule;
struct rule;

/*
 * Checks what stands in the parentheses of a rule, whose terms are in out
 * already, and completes out.
 */
void check_options(struct check *, const struct conf_rule *, struct rule *out);

#endif
