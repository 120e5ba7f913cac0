/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CONTROL_PROTOCOL_H
#define TRAPLINE_ENGINE_CONTROL_PROTOCOL_H

/*
 * The control protocol (DESIGN 6), as traplined and its clients share it.
 *
 * A client sends one command a line, in the words of the command line of
 * traplinectl(8); several may be sent at once and are answered in order.
 * Every line is answered by no or more flat JSON objects, one a line, and
 * closed by {"ok":true} or {"ok":false,"error":"..."}.  Times are RFC 3339,
 * UTC, or "never"; units end a key (_seconds, _bytes).  A table may be
 * written with or without <>.  "for TIME" takes 90, 90s, 15m, 24h, 75d, 6w or
 * never.
 *
 * Each object begins with "what".  Keys that do not apply are left out.
 *
 * show status	"status": version now started uptime_seconds policy reloads
 *		firewall decoupled synced pending_changes transactions
 *		transactions_failed repairs entries_full pending_commits
 *		store_commits store_error clock_lag_seconds clock_steps
 *		clock_following entries pardons sources sources_forgotten
 *		tables_bytes sources_bytes, and the engine's counters:
 *		observations matched holds extends releases refused_never
 *		refused_pardoned refused_breaker refused_full nodes_full
 * show tables	"table": table entries enforce expire expire_seconds from
 * show table T	"entry": table prefix since expires holds, and of the hold
 *		that lasts longest: origin by sensor cause count
 * show rules	"rule": file line action by table sources text
 * show sensors	"sensor": sensor state since restarts packets observations
 *		undecodable lost_kernel overruns duplicates flows
 *		flows_forgotten batches_dropped; behind it for each reason
 *		"undecodable": sensor reason count
 * show never	"never": prefix why; "name": name state addresses failures
 *		since, for each host name.  state: asked (no answer yet),
 *		resolved, stale (the last question failed, what was answered
 *		before it counts), unresolved (it failed and nothing was)
 * show pardons	"pardon": prefix since until
 * show source A, check A
 *		"hold": table enforce prefix origin by sensor cause count
 *		since expires, for each hold of each entry that touches A;
 *		"named": the same, where the table only names addresses for
 *		the rules or for "set never", and holds nobody;
 *		"unsaid": holds, when there are more than a hundred;
 *		"pardon": prefix since until; "never": why;
 *		"counted": action file line by table conn states rate_count
 *		first last max_src_conn max_src_states rate_limit
 *		rate_seconds text, for each rule that has counted A;
 *		"rule": the same without what was counted, for each that
 *		names A ("check" only);
 *		"verdict": prefix held blocked decoupled holds would now
 *		release.  would: never, pardoned, ignored, unwatched, watched
 * add		"add": table prefix outcome expires decoupled.  outcome:
 *		held, extended, unchanged
 * delete	"delete": table prefix decoupled
 * pardon A	"pardon": prefix released until decoupled.  An address is
 *		widened to the policy's source-prefix
 * flush T	"flush": table released left decoupled
 * load T N	N lines follow, one prefix each.  "line": line error, for
 *		those that were not taken (the first thousand), and the
 *		closing line is an error then;
 *		"load": table held refused bad expires
 * couple, decouple	"couple" or "decouple": decoupled
 * reload, log brief|verbose	the closing line only
 * monitor	events as DESIGN 6 has them, until the client goes
 * metrics	{"line":"..."}: OpenMetrics text, one line each
 *
 * add, delete, pardon, flush and load are answered when what they did is
 * durable; an error that says "not durable yet" means that it was done.
 */

/* A command line's most bytes, newline included. */
#define CONTROL_LINE_MAX 4096
/* Most bytes of one line of an answer, newline included. */
#define CONTROL_ANSWER_MAX 8192
/* Connections at a time; one more is told so and closed. */
#define CONTROL_CLIENTS_MAX 64
/* Most lines behind one "load". */
#define CONTROL_LOAD_MAX 10000000

struct control_word {
	const char *name;  /* one or two words */
	const char *usage; /* what follows them; NULL: nothing */
	int least, most;   /* words behind the name */
	const char *help;
};

/*
 * The commands, ended by a name of NULL.  Over the socket the FILE of "load"
 * is the number of lines that follow.
 */
extern const struct control_word control_words[];

/*
 * Index of the command that the n words begin with, and in *skip how many of
 * them its name is; -1 if there is none.
 */
int control_word_find(char *const *words, int n, int *skip);

#endif
