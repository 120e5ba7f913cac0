/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_LOG_H
#define TRAPLINE_ENGINE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/compat.h"

/*
 * Where lines go.  LOG_TO_TERMINAL writes "traplined[process]: text" to
 * standard error.  LOG_TO_SUPERVISOR puts "<N>", syslog's number, before it,
 * which journald and the parent's own relay to syslog understand.
 * LOG_TO_SYSLOG is for the one process that may keep syslog open: the parent.
 */
enum log_target {
	LOG_TO_TERMINAL,
	LOG_TO_SUPERVISOR,
	LOG_TO_SYSLOG,
};

/* process: a constant text such as "engine"; verbose lets log_debug() out. */
void log_init(enum log_target, const char *process, bool verbose);
/* In a fresh child: what it is, and no syslog of its own. */
void log_set_process(const char *process);
void log_set_verbose(bool);
bool log_is_verbose(void);

/* Each writes one line; the forms without x add errno's text. */
void fatal(const char *format, ...) PRINTF_LIKE(1, 2) NO_RETURN;
void fatalx(const char *format, ...) PRINTF_LIKE(1, 2) NO_RETURN;
void log_warn(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warnx(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * A place that a stranger can make speak at will.  Zero it, give it to
 * log_bounded() with the time: at most one warning goes out in ten seconds,
 * and tells how many were withheld since the last.
 */
struct log_site {
	int64_t next_ns;
	uint64_t withheld;
};

struct mono;
void log_bounded(struct log_site *, struct mono, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * Copies text from outside with everything that is not printable ASCII, and
 * the backslash, as \xNN.  Returns out.
 */
const char *log_printable(const void *text, size_t len, char *out, size_t size);

#endif
