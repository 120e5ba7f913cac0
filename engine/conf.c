/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The words for what a policy can configure: one place, so that the language,
 * the log and the control socket never call a thing by two names.
 */

#include "engine/conf.h"

const char *
firewall_name(enum firewall_type type)
{
	switch (type) {
	case FIREWALL_NFT:
		return "nft";
	case FIREWALL_PF:
		return "pf";
	case FIREWALL_MEMORY:
		break;
	}
	return "memory";
}
