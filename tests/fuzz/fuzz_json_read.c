/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * traplinectl's reader of JSON objects.  Whatever it accepts must be
 * printable, and must survive being asked for every key.
 */

#include <stdint.h>
#include <stdlib.h>

#include "ctl/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_print(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_object o;
	size_t i;

	if (json_read(&o, (const char *)data, size) == -1)
		return 0;
	for (i = 0; i < o.n; i++) {
		must_print(o.members[i].key);
		must_print(o.members[i].value);
		if (json_get(&o, o.members[i].key) == NULL)
			abort();
		(void)json_number(&o, o.members[i].key);
		(void)json_is_true(&o, o.members[i].key);
	}
	return 0;
}
