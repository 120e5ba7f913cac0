/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What Linux adds to giving up root: capabilities go with the user number
 * unless whoever started the daemon set securebits against it, which is
 * looked for; and no process of the same user may look into this one.
 */

#include "engine/privdrop.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <stdio.h>
#include <unistd.h>

#include "engine/log.h"

void
privdrop_advise(const char *user, char *out)
{
	snprintf(out, PRIVDROP_ADVICE_LEN,
	    "useradd --system --user-group --no-create-home"
	    " --home-dir /nonexistent --shell /usr/sbin/nologin %.32s",
	    user);
}

void
privdrop_seal(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3,
	    .pid = 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
	size_t i;

	if (syscall(SYS_capget, &header, sets) == -1)
		fatal("capabilities");
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (sets[i].permitted != 0 || sets[i].effective != 0)
			fatalx("capabilities outlast root: securebits are set");
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("forbid core dumps");
}
