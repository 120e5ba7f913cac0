/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* What cppcheck is told of sys/queue.h, whose macros it does not know. */

#ifndef TRAPLINE_TESTS_DATA_CPPCHECK_H
#define TRAPLINE_TESTS_DATA_CPPCHECK_H

#define TAILQ_HEAD(name, type)                                                 \
	struct name {                                                          \
		struct type *first;                                            \
	}
#define TAILQ_ENTRY(type)                                                      \
	struct {                                                               \
		struct type *next;                                             \
	}

#endif
