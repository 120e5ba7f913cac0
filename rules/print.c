/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The policy in the form that parses to itself: what traplined -nv prints.
 * Macros and includes are gone, lists and ports are in their compiled form,
 * settings that have their default are left out.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/log.h"
#include "rules/check.h"
#include "rules/lex.h"
#include "rules/ruleset.h"
#include "rules/values.h"

static void
print_word(FILE *out, const char *text)
{
	if (lexer_is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void
print_term(FILE *out, const struct ruleset *rs, const struct host_term *t)
{
	char text[PREFIX_STRLEN];

	if (t->is_negated)
		fputs("! ", out);
	if (t->type == HOST_TABLE)
		fprintf(out, "<%s>", rs->tables[t->table].name);
	else
		fputs(prefix_format(&t->prefix, text, sizeof(text)), out);
}

static void
print_terms(FILE *out, const struct ruleset *rs, const struct host_term *terms,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fputs(i == 0 ? "{ " : ", ", out);
		print_term(out, rs, &terms[i]);
	}
	fputs(" }", out);
}

static void
print_ports(FILE *out, const struct port_range *ports, size_t n)
{
	size_t i;

	fputs(n > 1 ? " port { " : " port ", out);
	for (i = 0; i < n; i++) {
		if (i > 0)
			fputs(", ", out);
		fprintf(out, "%u", ports[i].low);
		if (ports[i].high != ports[i].low)
			fprintf(out, ":%u", ports[i].high);
	}
	if (n > 1)
		fputs(" }", out);
}

static void
print_peer(FILE *out, const char *keyword, const struct ruleset *rs,
    const struct host_list *list)
{
	if (list->nterms == 0 && list->nports == 0)
		return;
	fprintf(out, " %s", keyword);
	if (list->nterms == 1) {
		fputc(' ', out);
		print_term(out, rs, list->terms);
	} else if (list->nterms > 1) {
		fputc(' ', out);
		print_terms(out, rs, list->terms, list->nterms);
	}
	if (list->nports > 0)
		print_ports(out, list->ports, list->nports);
}

static void
print_protos(FILE *out, const struct rule *r)
{
	unsigned int proto, n = 0, printed = 0;
	const char *name;

	for (proto = 0; proto < 256; proto++)
		n += r->protos[proto / 32] >> (proto % 32) & 1;
	fputs(n > 1 ? " proto { " : " proto ", out);
	for (proto = 0; proto < 256; proto++) {
		if ((r->protos[proto / 32] >> (proto % 32) & 1) == 0)
			continue;
		if (printed++ > 0)
			fputs(", ", out);
		name = value_proto_name((uint8_t)proto);
		if (name != NULL)
			fputs(name, out);
		else
			fprintf(out, "%u", proto);
	}
	if (n > 1)
		fputs(" }", out);
}

static void
print_interfaces(FILE *out, const struct rule *r)
{
	size_t i;

	fputs(r->nifnames > 1 ? " on { " : " on ", out);
	for (i = 0; i < r->nifnames; i++) {
		if (i > 0)
			fputs(", ", out);
		print_word(out, r->ifnames[i]);
	}
	if (r->nifnames > 1)
		fputs(" }", out);
}

static void
print_seen(FILE *out, const struct rule *r)
{
	/* One bit only, or the default of an "ignore": all. */
	if ((r->kinds & (r->kinds - 1)) != 0 ||
	    (!r->is_ignore && r->kinds == OBS_ESTABLISHED))
		return;
	fprintf(out, " seen %s", obs_kind_name(r->kinds));
}

static void
print_via(FILE *out, const struct conf_sensor *via)
{
	fprintf(out, " via ");
	print_word(out, via->kind->text);
	if (via->on != NULL) {
		fputs(" on ", out);
		print_word(out, via->on->text);
	}
	if (via->group != NULL) {
		fputs(" group ", out);
		print_word(out, via->group->text);
	}
}

static void
print_option(FILE *out, bool *is_first, const char *text)
{
	fprintf(out, "%s%s", *is_first ? " (" : ", ", text);
	*is_first = false;
}

static void
print_overload(FILE *out, const struct ruleset *rs, const struct rule *r,
    bool *is_first)
{
	char text[128];

	snprintf(text, sizeof(text), "overload <%s>%s",
	    rs->tables[r->overload].name,
	    r->flush == FLUSH_NONE   ? ""
	    : r->flush == FLUSH_RULE ? " flush"
				     : " flush global");
	print_option(out, is_first, text);
}

static void
print_options(FILE *out, const struct ruleset *rs, const struct rule *r)
{
	char text[64], expire[VALUE_TIME_LEN];
	bool is_first = true;

	if (r->cause_conn != NULL)
		print_option(out, &is_first, r->cause_conn);
	if (r->cause_rate != NULL)
		print_option(out, &is_first, r->cause_rate);
	if (r->cause_states != NULL)
		print_option(out, &is_first, r->cause_states);
	if (r->limits.max_src_nodes != 0) {
		snprintf(text, sizeof(text), "max-src-nodes %u",
		    r->limits.max_src_nodes);
		print_option(out, &is_first, text);
	}
	if (r->overload != -1)
		print_overload(out, rs, r, &is_first);
	if (r->expire_s != 0) {
		value_time_format(r->expire_s, expire, sizeof(expire));
		snprintf(text, sizeof(text), "expire %s", expire);
		print_option(out, &is_first, text);
	}
	if (!is_first)
		fputc(')', out);
}

static void
print_rule_to(FILE *out, const struct ruleset *rs, const struct rule *r,
    const struct conf_sensor *via)
{
	fputs(r->is_ignore ? "ignore" : "watch", out);
	if (r->dir != OBS_DIR_UNKNOWN)
		fputs(r->dir == OBS_DIR_IN ? " in" : " out", out);
	if (r->is_quick)
		fputs(" quick", out);
	if (r->nifnames > 0)
		print_interfaces(out, r);
	if (r->family != 0)
		fputs(r->family == 4 ? " inet" : " inet6", out);
	print_seen(out, r);
	if (r->has_protos)
		print_protos(out, r);
	print_peer(out, "from", rs, &r->from);
	print_peer(out, "to", rs, &r->to);
	if (via != NULL)
		print_via(out, via);
	if (r->anchor[0] != '\0') {
		fputs(" anchor ", out);
		print_word(out, r->anchor);
	}
	if (r->passed != 0)
		fprintf(out, " passed %u", r->passed);
	if (r->label != NULL) {
		fputs(" label ", out);
		print_word(out, r->label);
	}
	print_options(out, rs, r);
}

static FILE *
memory_open(char **text, size_t *len)
{
	FILE *out = open_memstream(text, len);

	if (out == NULL)
		fatal("policy");
	return out;
}

static void
memory_close(FILE *out)
{
	if (fclose(out) == EOF)
		fatal("policy");
}

char *
print_rule(const struct ruleset *rs, const struct rule *r,
    const struct conf_sensor *via)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = memory_open(&text, &len);

	print_rule_to(out, rs, r, via);
	memory_close(out);
	return text;
}

static void
print_limits(const struct ruleset *rs, const struct ruleset *defaults,
    FILE *out)
{
	char text[VALUE_TIME_LEN];

	if (rs->source_len_inet != defaults->source_len_inet)
		fprintf(out, "set source-prefix inet %u\n",
		    rs->source_len_inet - PREFIX_V4_BASE);
	if (rs->source_len_inet6 != defaults->source_len_inet6)
		fprintf(out, "set source-prefix inet6 %u\n",
		    rs->source_len_inet6);
	if (rs->limit_sources != defaults->limit_sources)
		fprintf(out, "set limit sources %" PRIu64 "\n",
		    rs->limit_sources);
	if (rs->limit_entries != defaults->limit_entries)
		fprintf(out, "set limit table-entries %" PRIu64 "\n",
		    rs->limit_entries);
	if (rs->limit_holds != 0)
		fprintf(out, "set limit holds %u/%s\n", rs->limit_holds,
		    value_time_format(rs->limit_holds_seconds, text,
			sizeof(text)));
}

static void
print_setting(FILE *out, const char *name, const char *value,
    const char *by_default)
{
	if (strcmp(value, by_default) == 0)
		return;
	fprintf(out, "set %s ", name);
	print_word(out, value);
	fputc('\n', out);
}

static void
print_never(const struct ruleset *rs, FILE *out)
{
	const char *before = "set never { ";
	size_t i;

	if (rs->nnever == 0 && rs->nnever_names == 0)
		return;
	for (i = 0; i < rs->nnever; i++) {
		fputs(before, out);
		print_term(out, rs, &rs->never[i]);
		before = ", ";
	}
	for (i = 0; i < rs->nnever_names; i++) {
		fprintf(out, "%s%s", before, rs->never_names[i]);
		before = ", ";
	}
	fputs(" }\n", out);
}

static void
print_settings(const struct ruleset *rs, FILE *out)
{
	struct ruleset *defaults = ruleset_new();

	print_never(rs, out);
	print_limits(rs, defaults, out);
	if (rs->rate_is_window)
		fputs("set rate window\n", out);
	if (rs->is_decoupled)
		fputs("set decoupled yes\n", out);
	print_setting(out, "state-dir", rs->state_dir, defaults->state_dir);
	print_setting(out, "socket", rs->socket, defaults->socket);
	print_setting(out, "user", rs->user, defaults->user);
	ruleset_free(defaults);
}

static void
print_members(const struct ruleset *rs, size_t table, FILE *out)
{
	const struct ruleset_member *m;
	char text[PREFIX_STRLEN];
	bool is_first = true;
	size_t i;

	for (i = 0; i < rs->nmembers; i++) {
		m = &rs->members[i];
		if (m->table != table || m->is_from_file)
			continue;
		fprintf(out, "%s%s", is_first ? " { " : ", ",
		    prefix_format(&m->prefix, text, sizeof(text)));
		is_first = false;
	}
	if (!is_first)
		fputs(" }", out);
}

static void
print_table(const struct ruleset *rs, size_t table, FILE *out)
{
	const struct table_conf *t = &rs->tables[table];
	char text[VALUE_TIME_LEN];

	fprintf(out, "table <%s>", t->name);
	print_members(rs, table, out);
	if (rs->table_files[table] != NULL) {
		fputs(" file ", out);
		print_word(out, rs->table_files[table]);
	}
	if (t->expire_s != EXPIRE_NEVER)
		fprintf(out, " expire %s",
		    value_time_format(t->expire_s, text, sizeof(text)));
	if (t->from_first)
		fputs(" from first", out);
	if (t->enforce == ENFORCE_BLOCK)
		fputs(" enforce block", out);
	fputc('\n', out);
}

static void
print_all(const struct ruleset *rs, FILE *out)
{
	size_t i;

	print_settings(rs, out);
	for (i = 0; i < rs->ntables; i++) {
		if (rs->tables[i].name[0] != '\0')
			print_table(rs, i, out);
	}
	if (rs->firewall_is_said)
		fprintf(out, "firewall %s\n", firewall_name(rs->firewall));
	for (i = 0; i < rs->nsensors; i++) {
		if (rs->sensors[i].text[0] != '\0')
			fprintf(out, "sensor %s\n", rs->sensors[i].text);
	}
	for (i = 0; i < rs->nrules; i++)
		fprintf(out, "%s\n", rs->rules[i].text);
}

static char *
ruleset_text(const struct ruleset *rs)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = memory_open(&text, &len);

	print_all(rs, out);
	memory_close(out);
	return text;
}

/*
 * Writes text, breaking its long lines where the grammar lets a line end:
 * behind a comma in braces.
 */
static void
print_broken(const char *text, FILE *out)
{
	bool is_quoted = false, is_in_braces = false;
	size_t column = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\\' && is_quoted) {
			fputc(*text++, out);
		} else if (*text == '"') {
			is_quoted = !is_quoted;
		} else if (!is_quoted && (*text == '{' || *text == '}')) {
			is_in_braces = *text == '{';
		} else if (*text == ' ' && text[-1] == ',' && is_in_braces &&
			   !is_quoted && column > 64) {
			fputs("\n\t", out);
			column = 8;
			continue;
		}
		fputc(*text, out);
		column = *text == '\n' ? 0 : column + 1;
	}
}

void
ruleset_print(const struct ruleset *rs, FILE *out)
{
	char *text = ruleset_text(rs);

	print_broken(text, out);
	free(text);
}
