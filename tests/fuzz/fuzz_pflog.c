/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * pflog entries.  The first byte chooses the variant: bit 0 link type 17,
 * bit 1 foreign byte order; the rest is one captured packet.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sensors/dedupe.h"
#include "sensors/packet.h"
#include "sensors/pflog_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct observation *o)
{
	if (o->kind != OBS_PASSED && o->kind != OBS_BLOCKED)
		abort();
	if (o->ifname[OBS_NAME_LEN - 1] != '\0' ||
	    o->anchor[OBS_NAME_LEN - 1] != '\0')
		abort();
	if (o->dir > OBS_DIR_OUT)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dedupe *dedupe;
	struct pflog_record record;
	struct decode_error err = {NULL, 0};
	struct observation o;
	struct packet p;
	struct wall time = {1};
	struct buf b;
	int status;

	if (dedupe == NULL)
		dedupe = dedupe_new();
	if (size == 0 || dedupe == NULL)
		return 0;
	b = buf_make(data + 1, size - 1);
	if (data[0] & 1)
		status = pflog_decode_old(&b, &record, &err);
	else
		status = pflog_decode(&b, data[0] & 2, &record, &err);
	if (status == 0)
		status = pflog_observe(&record, &b, time, &o, &p, &err);
	if (status == -1 && (err.what == NULL || err.at > size))
		abort();
	if (status != 0)
		return 0;
	check(&o);
	/* The same once more is a duplicate, or never one. */
	dedupe_is_duplicate(dedupe, &o, &p);
	if (dedupe_is_duplicate(dedupe, &o, &p) && o.flags & OBS_NOT_FIRST)
		abort();
	return 0;
}
