/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the words behind a control command mean: tables, prefixes, times; and
 * the reasons for a refusal in words that help somebody who was woken up.
 */

#include <stdio.h>
#include <string.h>

#include "engine/control_session.h"
#include "engine/engine.h"
#include "engine/log.h"
#include "engine/never.h"
#include "engine/tables.h"
#include "rules/ruleset.h"

/* Lists the policy's tables, as many as fit. */
static void
list_tables(const struct ruleset *rules, char *out, size_t size)
{
	size_t i;

	out[0] = '\0';
	for (i = 0; i < rules->ntables; i++) {
		if (rules->tables[i].name[0] == '\0')
			continue;
		if (out[0] != '\0')
			strlcat(out, ", ", size);
		strlcat(out, "<", size);
		strlcat(out, rules->tables[i].name, size);
		strlcat(out, ">", size);
	}
}

int
control_table(struct control_session *s, const char *name)
{
	const struct ruleset *rules = control_ruleset(s);
	char bare[TABLE_NAME_LEN + 2], all[400], shown[128];
	size_t len = strlen(name);
	int table = -1;

	if (len > 2 && name[0] == '<' && name[len - 1] == '>') {
		name++;
		len -= 2;
	}
	if (len < sizeof(bare)) {
		memcpy(bare, name, len);
		bare[len] = '\0';
		table = ruleset_table(rules, bare);
	}
	if (table >= 0)
		return table;
	list_tables(rules, all, sizeof(all));
	if (len > 30)
		len = 30;
	log_printable(name, len, shown, sizeof(shown));
	if (all[0] == '\0')
		control_error(s, "there is no table <%s>: the policy has none",
		    shown);
	else
		control_error(s, "there is no table <%s>: the policy has %s",
		    shown, all);
	return -1;
}

int
control_prefix(struct control_session *s, const char *text, struct prefix *out)
{
	char shown[256];

	if (prefix_parse(text, out) == 0)
		return 0;
	log_printable(text, strnlen(text, 60), shown, sizeof(shown));
	control_error(s,
	    "\"%s\" is no address or prefix: expected something like "
	    "192.0.2.1, 192.0.2.0/24 or 2001:db8::/64",
	    shown);
	return -1;
}

struct prefix
control_source(const struct control_session *s, const struct prefix *p)
{
	const struct ruleset *rules = control_ruleset(s);
	unsigned int len = prefix_is_ipv4(p) ? rules->source_len_inet
					     : rules->source_len_inet6;

	return p->len > len ? prefix_make(&p->addr, len) : *p;
}

const char *
control_never_why(const struct control_session *s, const char *why, char *out,
    size_t size)
{
	if (ruleset_table(control_ruleset(s), why) >= 0)
		snprintf(out, size, "table <%s>", why);
	else
		strlcpy(out, why, size);
	return out;
}

static void
describe_member(const struct prefix *p, const struct prefix *member,
    const char *why, char *out, size_t size)
{
	char text[PREFIX_STRLEN];

	prefix_format(member, text, sizeof(text));
	if (prefix_equal(p, member))
		snprintf(out, size, "it is never held (%s)", why);
	else if (prefix_covers(p, member))
		snprintf(out, size, "it covers %s, which is never held (%s)",
		    text, why);
	else
		snprintf(out, size, "it is in %s, which is never held (%s)",
		    text, why);
}

/* What looking for the prefix in the tables of "set never" found. */
struct related {
	uint16_t table;
	bool is_found;
	struct prefix prefix;
};

static void
visit_related(void *arg, const struct entry_view *view)
{
	struct related *r = arg;

	if (r->is_found || view->table != r->table)
		return;
	r->is_found = true;
	r->prefix = view->prefix;
}

static bool
never_table(const struct control_session *s, uint16_t table,
    const struct prefix *p, struct prefix *member)
{
	struct related r = {.table = table};
	struct entry_view view;

	if (prefix_is_host(p)) {
		if (!tables_lookup(engine_tables(s->engine), table, &p->addr,
			&view))
			return false;
		*member = view.prefix;
		return true;
	}
	tables_each_related(engine_tables(s->engine), (size_t)table + 1, p,
	    visit_related, &r);
	*member = r.prefix;
	return r.is_found;
}

bool
control_never_reason(const struct control_session *s, const struct prefix *p,
    char *out, size_t size)
{
	const struct ruleset *rules = control_ruleset(s);
	char why[CONTROL_WHY_LEN];
	struct prefix member;
	const char *text;
	size_t i;

	text = never_forbids(engine_never(s->engine), p, &member);
	if (text != NULL) {
		control_never_why(s, text, why, sizeof(why));
		describe_member(p, &member, why, out, size);
		return true;
	}
	/* What a table of "set never" got a moment ago. */
	for (i = 0; i < rules->nnever; i++) {
		const struct host_term *term = &rules->never[i];

		if (term->type != HOST_TABLE ||
		    !never_table(s, term->table, p, &member))
			continue;
		snprintf(why, sizeof(why), "table <%s>",
		    rules->tables[term->table].name);
		describe_member(p, &member, why, out, size);
		return true;
	}
	return false;
}
