/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * One line a call, in one write(2), to standard error and nowhere else: a
 * sandboxed process cannot reopen syslog, so what stands behind the
 * descriptor is the parent's or the supervisor's business.
 */

#include "engine/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "engine/clock.h"

#define LINE_MAX_BYTES    1024
#define BOUNDED_PERIOD_NS INT64_C(10000000000)

static enum log_target target = LOG_TO_TERMINAL;
static const char *process_name = "parent";
static bool is_verbose;

void
log_init(enum log_target where, const char *process, bool verbose)
{
	target = where;
	process_name = process;
	is_verbose = verbose;
}

void
log_set_process(const char *process)
{
	process_name = process;
	if (target == LOG_TO_SYSLOG)
		target = LOG_TO_SUPERVISOR;
}

void
log_set_verbose(bool verbose)
{
	is_verbose = verbose;
}

bool
log_is_verbose(void)
{
	return is_verbose;
}

static void
put(char *line, size_t *used, const char *text)
{
	*used += strlcpy(line + *used, text, LINE_MAX_BYTES - *used);
	if (*used >= LINE_MAX_BYTES)
		*used = LINE_MAX_BYTES - 1;
}

static void PRINTF_LIKE(3, 0)
    write_line(int priority, int error, const char *format, va_list ap)
{
	char line[LINE_MAX_BYTES + 1], text[LINE_MAX_BYTES];
	size_t used = 0;
	ssize_t done;

	vsnprintf(text, sizeof(text), format, ap);
	if (target == LOG_TO_SYSLOG) {
		if (error != 0)
			syslog(priority, "%s: %s", text, strerror(error));
		else
			syslog(priority, "%s", text);
		return;
	}
	if (target == LOG_TO_SUPERVISOR) {
		snprintf(line, sizeof(line), "<%d>", priority);
		used = strlen(line);
	}
	put(line, &used, "traplined[");
	put(line, &used, process_name);
	put(line, &used, "]: ");
	put(line, &used, text);
	if (error != 0) {
		put(line, &used, ": ");
		put(line, &used, strerror(error));
	}
	line[used++] = '\n';
	/* Nothing can be done about a log that cannot be written. */
	done = write(STDERR_FILENO, line, used);
	(void)done;
}

void
fatal(const char *format, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, format);
	write_line(LOG_CRIT, error, format, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line(LOG_CRIT, 0, format, ap);
	va_end(ap);
	exit(1);
}

void
log_warn(const char *format, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, format);
	write_line(LOG_WARNING, error, format, ap);
	va_end(ap);
	errno = error;
}

void
log_warnx(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line(LOG_WARNING, 0, format, ap);
	va_end(ap);
}

void
log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line(LOG_INFO, 0, format, ap);
	va_end(ap);
}

void
log_debug(const char *format, ...)
{
	va_list ap;

	if (!is_verbose)
		return;
	va_start(ap, format);
	write_line(LOG_DEBUG, 0, format, ap);
	va_end(ap);
}

void
log_bounded(struct log_site *site, struct mono now, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	if (now.ns < site->next_ns) {
		site->withheld++;
		return;
	}
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (site->withheld > 0)
		log_warnx("%s (%llu more of this kind were withheld)", text,
		    (unsigned long long)site->withheld);
	else
		log_warnx("%s", text);
	site->withheld = 0;
	site->next_ns = now.ns + BOUNDED_PERIOD_NS;
}

const char *
log_printable(const void *text, size_t len, char *out, size_t size)
{
	const unsigned char *bytes = text;
	size_t i, used = 0;

	if (size == 0)
		return out;
	for (i = 0; i < len && used + 5 <= size; i++) {
		if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '\\')
			out[used++] = (char)bytes[i];
		else
			used += (size_t)snprintf(out + used, size - used,
			    "\\x%02x", bytes[i]);
	}
	out[used] = '\0';
	return out;
}
