/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_DECISION_H
#define TRAPLINE_ENGINE_DECISION_H

#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/prefix.h"
#include "engine/tables.h"

enum decision_kind {
	DECISION_HOLD,
	DECISION_EXTEND,
	DECISION_RELEASE,
	DECISION_REFUSE,
};

#define DECISION_NO_COUNT (-1)

/*
 * What replay prints, "monitor" streams and the log tells (DESIGN 6).  The
 * texts are borrowed and last as long as the process.
 */
struct decision {
	struct wall time;
	enum decision_kind kind;
	uint16_t table;
	const char *table_name;
	struct prefix prefix;
	enum origin origin;
	const char *by;
	const char *sensor; /* empty: does not apply */
	const char *cause;
	int64_t count;       /* DECISION_NO_COUNT: does not apply */
	struct wall expires; /* hold and extend only */
};

#define DECISION_STRLEN 768

/* One JSON object, keys in the order of DESIGN 6, no newline.  Its length. */
size_t decision_json(const struct decision *, char *out, size_t size);
/* The same facts for a reader, no newline. */
size_t decision_text(const struct decision *, char *out, size_t size);

#endif
