/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * NFLOG messages.  The first byte chooses: bit 0 foreign byte order, bit 1
 * cut by the capture; the rest is one message.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/nflog_decode.h"
#include "sensors/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nflog_record record;
	struct decode_error err = {NULL, 0};
	struct observation o;
	struct packet p;
	struct wall read = {1};
	struct buf b;
	int status;

	if (size == 0)
		return 0;
	b = buf_make(data + 1, size - 1);
	status = nflog_decode(&b, data[0] & 1, data[0] & 2, &record, &err);
	if (status == 0) {
		if (strlen(record.prefix) >= sizeof(record.prefix) ||
		    record.payload.len > size || record.time.ms < 0)
			abort();
		status =
		    nflog_observe(&record, OBS_BLOCKED, read, &o, &p, &err);
	}
	if (status == -1 && (err.what == NULL || err.at > size))
		abort();
	if (status == 0 && (o.kind != OBS_BLOCKED || o.dir > OBS_DIR_OUT))
		abort();
	return 0;
}
