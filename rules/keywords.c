/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The words of the language, in one sorted table: how the lexer tells them
 * from other words, and what a message says about each.  A word that only
 * ever stands where a value stands ("block", "yes") is not here: the checker
 * knows those, and they can be names elsewhere.
 */

#include "rules/keywords.h"

#include <stdlib.h>
#include <string.h>

#include "rules/parse.h"

#define IN_RULE    "in a \"watch\" or \"ignore\" rule"
#define IN_TABLE   "in a \"table\" statement"
#define IN_SENSOR  "in a \"sensor\" statement"
#define IN_OPTIONS "in the parentheses of a \"watch\" rule"
#define IN_SET     "behind \"set\""
#define STATEMENT  "at the start of a line"

#define A_NUMBER "a number"
#define A_TABLE  "a table's name such as <bruteforce>"
#define A_TIME   "a time such as 90s, 24h or 6w"
#define A_TERM   "\"in\", \"on\", \"proto\", \"from\", \"to\" or another term"
#define HOSTS    "\"any\", an address, a prefix, a <table> or a list in braces"
#define AN_IF    "an interface or a list in braces"

/* Sorted by strcmp() for bsearch(). */
static const struct keyword keywords[] = {
    {"anchor", ANCHOR, false, "an anchor's name", IN_RULE},
    {"decoupled", DECOUPLED, false, "\"yes\" or \"no\"", IN_SET},
    {"enforce", ENFORCE, false, "\"block\" or \"none\"", IN_TABLE},
    {"expire", EXPIRE, false, A_TIME, IN_TABLE " or " IN_OPTIONS},
    {"file", FILENAME, false, "a file's name", IN_TABLE},
    {"firewall", FIREWALL, true, "\"nft\", \"pf\" or \"memory\"", STATEMENT},
    {"flush", FLUSH, false, "\"global\", \",\" or \")\"",
	"behind \"overload <table>\""},
    {"from", FROM, false, HOSTS ", or \"port\"", IN_RULE},
    {"global", GLOBAL, false, "\",\" or \")\"", "behind \"flush\""},
    {"group", GROUP, false, "a group's number", "behind \"nflog\""},
    {"ignore", IGNORE, true, A_TERM, STATEMENT},
    {"in", IN, false, A_TERM, IN_RULE},
    {"include", INCLUDE, true, "a file's name in quotes", STATEMENT},
    {"inet", INET, false, "another term", IN_RULE},
    {"inet6", INET6, false, "another term", IN_RULE},
    {"label", LABEL, false, "a text, in quotes if it has blanks", IN_RULE},
    {"limit", LIMIT, false, "\"sources\", \"table-entries\" or \"holds\"",
	IN_SET},
    {"log", LOG, false, "\"new\"", IN_SENSOR},
    {"max-src-conn", MAX_SRC_CONN, false, A_NUMBER, IN_OPTIONS},
    {"max-src-conn-rate", MAX_SRC_CONN_RATE, false,
	"NUMBER/SECONDS such as 15/5", IN_OPTIONS},
    {"max-src-nodes", MAX_SRC_NODES, false, A_NUMBER, IN_OPTIONS},
    {"max-src-states", MAX_SRC_STATES, false, A_NUMBER, IN_OPTIONS},
    {"never", NEVER, false,
	"a list of prefixes, <tables> and host names in braces", IN_SET},
    {"on", ON, false, AN_IF, IN_RULE " or " IN_SENSOR},
    {"out", OUT, false, A_TERM, IN_RULE},
    {"overload", OVERLOAD, false, A_TABLE, IN_OPTIONS},
    {"passed", PASSED, false, A_NUMBER, IN_RULE},
    {"port", PORT, false, "a port, a range a:b or a list in braces",
	"behind \"from\" or \"to\""},
    {"proto", PROTO, false, "a protocol or a list in braces", IN_RULE},
    {"quick", QUICK, false, A_TERM, IN_RULE},
    {"rate", RATE, false, "\"average\" or \"window\"", IN_SET},
    {"seen", SEEN, false, "a kind such as passed, blocked or established",
	IN_RULE " or " IN_SENSOR},
    {"sensor", SENSOR, true, "\"pflog\", \"nflog\" or \"capture\"", STATEMENT},
    {"set", SET, true, "the name of a setting", STATEMENT},
    {"socket", SOCKET, false, "a path", IN_SET},
    {"source-prefix", SOURCE_PREFIX, false, "\"inet\" or \"inet6\"", IN_SET},
    {"state-dir", STATE_DIR, false, "a path", IN_SET},
    {"table", TABLE, true, A_TABLE, STATEMENT},
    {"to", TO, false, HOSTS ", or \"port\"", IN_RULE},
    {"user", USER, false, "a user's name", IN_SET},
    {"via", VIA, false, "a sensor", IN_RULE},
    {"watch", WATCH, true, A_TERM, STATEMENT},
};

#define NKEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static int
keyword_order(const void *word, const void *keyword)
{
	const struct keyword *k = keyword;

	return strcmp(word, k->name);
}

const struct keyword *
keyword_find(const char *word)
{
	return bsearch(word, keywords, NKEYWORDS, sizeof(keywords[0]),
	    keyword_order);
}

const struct keyword *
keyword_of_token(int token)
{
	size_t i;

	for (i = 0; i < NKEYWORDS; i++) {
		if (keywords[i].token == token)
			return &keywords[i];
	}
	return NULL;
}

const char *const *
keyword_names(bool statements_only)
{
	static const char *names[NKEYWORDS + 1];
	size_t i, n = 0;

	for (i = 0; i < NKEYWORDS; i++) {
		if (keywords[i].is_statement || !statements_only)
			names[n++] = keywords[i].name;
	}
	names[n] = NULL;
	return names;
}
