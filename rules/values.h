/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_VALUES_H
#define TRAPLINE_RULES_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_text;
struct port_range;

/* What the words of a policy mean.  Each: 0, or -1 when it means nothing. */

/* Digits only, from 0 to most. */
int value_number(const char *text, uint64_t most, uint64_t *out);
/* "15/5": two numbers of 32 bits. */
int value_pair(const char *text, uint32_t *first, uint32_t *second);
/* "90", "90s", "15m", "24h", "75d", "6w" in seconds, up to 100 years. */
int value_time(const char *text, int64_t *seconds);
/* The same back, in the largest unit that divides it, or "never". */
#define VALUE_TIME_LEN 24
const char *value_time_format(int64_t seconds, char *out, size_t size);

/*
 * A host name of two labels or more (RFC 1123, section 2.1) in lower case;
 * out has HOST_NAME_LEN bytes.  A last label of digits alone is a mistyped
 * address.
 */
int value_host_name(const char *text, char *out);

/* An IP protocol by name or number. */
int value_proto(const char *text, uint8_t *out);
/* NULL when the number has no name here. */
const char *value_proto_name(uint8_t);
/* For hints: the names, ended by NULL. */
const char *const *value_proto_names(void);

/*
 * A port by number or service name.  Names that are not built in are looked
 * up in /etc/services, which becomes part of the policy's text.
 */
int value_port(const char *text, struct policy_text *, bool from_files,
    uint16_t *out);
const char *const *value_port_names(void);

/* Sorts ranges and joins those that touch.  Returns how many are left. */
size_t ports_join(struct port_range *, size_t n);

#endif
