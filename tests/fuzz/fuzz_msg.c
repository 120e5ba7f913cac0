/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Any bytes as a message from any process to any other: msg_check() either
 * refuses it, or everything that a receiver would touch is in bounds.  The
 * first two bytes choose the direction.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conf.h"
#include "engine/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int is_so)
{
	if (!is_so)
		abort();
}

/* Reads all that a receiver would; the sanitizer watches. */
static size_t
touch(const struct msg *m)
{
	size_t sum = 0;
	uint32_t i;

	switch (m->header.type) {
	case MSG_POLICY_FILE:
		sum += strlen(m->u.policy_file.path);
		for (i = 0; i < m->u.policy_file.n; i++)
			sum += (uint8_t)m->u.policy_file.bytes[i];
		break;
	case MSG_POLICY_LOAD:
		sum += strlen(m->u.policy_load.path);
		break;
	case MSG_POLICY_REFUSED:
		sum += strlen(m->u.text.text);
		break;
	case MSG_NEVER:
		for (i = 0; i < m->u.never.n; i++)
			sum += strlen(m->u.never.members[i].why);
		break;
	case MSG_CHANGES:
		for (i = 0; i < m->u.changes.n; i++) {
			require(m->u.changes.changes[i].table < TABLES_MAX);
			require(m->u.changes.changes[i].prefix.len <= 128);
		}
		break;
	case MSG_NAME:
		sum += strlen(m->u.name.name) + strlen(m->u.name.why);
		for (i = 0; i < m->u.name.n; i++)
			sum += m->u.name.addrs[i].bytes[15];
		break;
	case MSG_FOUND:
		for (i = 0; i < m->u.found.n; i++)
			require(m->u.found.entries[i].table < TABLES_MAX);
		break;
	case MSG_OBSERVATIONS:
		for (i = 0; i < m->u.observations.n; i++)
			sum += strlen(m->u.observations.observations[i].ifname);
		break;
	default:
		break;
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile size_t sink = 0; /* so that touching is not left out */
	struct decode_error err;
	struct msg *m;

	if (size < 2 + sizeof(m->header) || size - 2 > MSG_MAX)
		return 0;
	/* Exactly as long as the packet: any byte behind it is a fault. */
	m = malloc(size - 2);
	if (m == NULL)
		return 0;
	memcpy(m, data + 2, size - 2);
	/* Mutated lengths rarely fit; the others are tested by test_msg. */
	m->header.len = (uint32_t)(size - 2 - sizeof(m->header));
	if (msg_check(m, size - 2, data[0] % 4, data[1] % 4, &err) == 0)
		sink = touch(m);
	free(m);
	(void)sink;
	return 0;
}
