/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* "show status" for a reader: what is well in a word, what is not in full. */

#include <string.h>

#include "ctl/json_read.h"
#include "ctl/text.h"

static void
print_firewall(FILE *out, const struct json_object *o)
{
	fprintf(out, "firewall      %s, %s\n", json_text(o, "firewall"),
	    json_is_true(o, "decoupled") ? "DECOUPLED: it is not touched"
	    : json_is_true(o, "synced")  ? "coupled, in line"
					 : "coupled, being brought in line");
	fprintf(out,
	    "              %lld transactions, %lld failed, %lld repairs, "
	    "%lld changes pending\n",
	    json_number(o, "transactions"),
	    json_number(o, "transactions_failed"), json_number(o, "repairs"),
	    json_number(o, "pending_changes"));
	if (json_number(o, "entries_full") > 0)
		fprintf(out,
		    "              %lld entries did not fit into a full set\n",
		    json_number(o, "entries_full"));
}

static void
print_store(FILE *out, const struct json_object *o)
{
	const char *error = json_get(o, "store_error");

	fprintf(out, "store         %s%s, %lld commits, %lld writes pending\n",
	    error != NULL ? "FAILS: " : "fine", error != NULL ? error : "",
	    json_number(o, "store_commits"), json_number(o, "pending_commits"));
}

static void
print_clock(FILE *out, const struct json_object *o)
{
	if (json_get(o, "clock_steps") == NULL)
		return;
	if (json_is_true(o, "clock_following"))
		fprintf(out,
		    "clock         follows a step of the system's, %s s to "
		    "go\n",
		    json_text(o, "clock_lag_seconds"));
	else
		fprintf(out, "clock         in step, %lld steps so far\n",
		    json_number(o, "clock_steps"));
}

static void
print_counters(FILE *out, const struct json_object *o)
{
	fprintf(out, "observations  %lld, %lld matches of rules\n",
	    json_number(o, "observations"), json_number(o, "matched"));
	fprintf(out,
	    "holds         %lld entries appeared, %lld extended, %lld "
	    "released\n",
	    json_number(o, "holds"), json_number(o, "extends"),
	    json_number(o, "releases"));
	fprintf(out,
	    "refused       %lld never, %lld pardoned, %lld breaker, %lld "
	    "full\n",
	    json_number(o, "refused_never"), json_number(o, "refused_pardoned"),
	    json_number(o, "refused_breaker"), json_number(o, "refused_full"));
	if (json_number(o, "nodes_full") > 0)
		fprintf(out,
		    "              %lld sources not tracked "
		    "(max-src-nodes)\n",
		    json_number(o, "nodes_full"));
}

void
text_status(FILE *out, const struct json_object *o)
{
	char span[TEXT_SPAN_LEN], when[WALL_STRLEN];
	char tables[TEXT_SPAN_LEN], sources[TEXT_SPAN_LEN];

	fprintf(out, "trapline      %s, up %s, since %s UTC\n",
	    json_text(o, "version"),
	    text_span(json_number(o, "uptime_seconds") * 1000, span,
		sizeof(span)),
	    text_when(json_text(o, "started"), when, sizeof(when)));
	fprintf(out, "policy        %s, %lld reloads\n", json_text(o, "policy"),
	    json_number(o, "reloads"));
	print_firewall(out, o);
	print_store(out, o);
	print_clock(out, o);
	fprintf(out, "entries       %lld (%s), %lld pardons\n",
	    json_number(o, "entries"),
	    text_bytes(json_number(o, "tables_bytes"), tables, sizeof(tables)),
	    json_number(o, "pardons"));
	fprintf(out, "sources       %lld (%s), %lld forgotten\n",
	    json_number(o, "sources"),
	    text_bytes(json_number(o, "sources_bytes"), sources,
		sizeof(sources)),
	    json_number(o, "sources_forgotten"));
	print_counters(out, o);
}
