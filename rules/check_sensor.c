/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Checks of "sensor" statements and of the "via" of a rule.  One table says
 * what each kind of sensor takes; a new kind is one line there, and what it
 * can report is one line in check_sensor_kinds().
 */

#include <stdio.h>
#include <string.h>

#include "engine/compat.h"
#include "rules/check.h"
#include "rules/lex.h"
#include "rules/ruleset.h"
#include "rules/values.h"

static const struct sensor_kind {
	const char *name;
	enum sensor_type type;
	bool has_on;
	bool has_group; /* and "seen", and "log" */
	const char *usage;
} kinds[] = {
    {"capture", SENSOR_CAPTURE, true, false, "sensor capture on INTERFACE"},
    {"nflog", SENSOR_NFLOG, false, true,
	"sensor nflog group N seen passed|blocked [log new]"},
    {"pflog", SENSOR_PFLOG, true, false, "sensor pflog on INTERFACE"},
};

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

unsigned int
check_sensor_kinds(const struct sensor_conf *s)
{
	switch (s->type) {
	case SENSOR_PFLOG:
		return OBS_PASSED | OBS_BLOCKED;
	case SENSOR_NFLOG:
		return s->seen;
	case SENSOR_CAPTURE:
		return OBS_OPENED | OBS_ESTABLISHED | OBS_CLOSED;
	}
	return 0;
}

static const struct sensor_kind *
sensor_kind(struct check *c, const struct conf_word *w)
{
	const char *names[NKINDS + 1];
	size_t i;

	for (i = 0; i < NKINDS; i++) {
		if (strcmp(kinds[i].name, w->text) == 0)
			return &kinds[i];
		names[i] = kinds[i].name;
	}
	names[i] = NULL;
	check_expected(c, w, "\"pflog\", \"nflog\" or \"capture\"", names);
	return NULL;
}

/* Is everything there that this kind needs, and nothing else? */
static int
sensor_shape(struct check *c, const struct conf_sensor *s,
    const struct sensor_kind *k)
{
	if ((s->on != NULL) == k->has_on &&
	    (s->group != NULL) == k->has_group &&
	    (s->seen != NULL) == k->has_group &&
	    (s->log == NULL || k->has_group))
		return 0;
	report_error(c->report, &s->kind->pos,
	    "expected \"%s\", found other terms or too few", k->usage);
	return -1;
}

static void
sensor_nflog(struct check *c, const struct conf_sensor *s,
    struct sensor_conf *out)
{
	static const char *const seen[] = {"passed", "blocked", NULL};
	static const char *const new[] = {"new", NULL};
	uint64_t group = 0;

	check_number(c, "group", s->group, 0, UINT16_MAX, &group);
	out->group = (uint16_t)group;
	if (strcmp(s->seen->text, "passed") == 0)
		out->seen = OBS_PASSED;
	else if (strcmp(s->seen->text, "blocked") == 0)
		out->seen = OBS_BLOCKED;
	else
		check_expected(c, s->seen, "\"passed\" or \"blocked\"", seen);
	if (s->log == NULL)
		return;
	out->log_new = true;
	if (strcmp(s->log->text, "new") != 0)
		check_expected(c, s->log, "\"new\"", new);
	else if (out->seen == OBS_BLOCKED)
		report_error(c->report, &s->log->pos,
		    "\"log new\" logs what was passed: it cannot go with "
		    "\"seen blocked\"");
}

static void
sensor_text(struct sensor_conf *s)
{
	if (s->type == SENSOR_NFLOG)
		snprintf(s->text, sizeof(s->text), "nflog group %u seen %s%s",
		    (unsigned int)s->group,
		    s->seen == OBS_BLOCKED ? "blocked" : "passed",
		    s->log_new ? " log new" : "");
	else
		snprintf(s->text, sizeof(s->text), "%s on %s",
		    s->type == SENSOR_PFLOG ? "pflog" : "capture", s->ifname);
}

/* Would both read the same source? */
static bool
is_same_source(const struct sensor_conf *a, const struct sensor_conf *b)
{
	return a->type == b->type && a->group == b->group &&
	       strcmp(a->ifname, b->ifname) == 0;
}

static void
check_sensor(struct check *c, const struct conf_sensor *s)
{
	struct ruleset *rs = c->ruleset;
	const struct sensor_kind *k = sensor_kind(c, s->kind);
	struct sensor_conf out = {0};
	size_t i;

	if (k == NULL || sensor_shape(c, s, k) == -1)
		return;
	out.type = k->type;
	if (k->has_on && !lexer_is_plain(s->on->text)) {
		check_expected(c, s->on, "an interface's name", NULL);
		return;
	}
	if (k->has_on && check_name(c, s->on, "an interface's name", out.ifname,
			     sizeof(out.ifname)) == -1)
		return;
	if (k->has_group)
		sensor_nflog(c, s, &out);
	sensor_text(&out);
	for (i = 0; i < rs->nsensors; i++) {
		if (is_same_source(&rs->sensors[i], &out)) {
			report_error(c->report, &s->kind->pos,
			    "sensor \"%s\" reads what \"%s\" reads already",
			    out.text, rs->sensors[i].text);
			return;
		}
	}
	if (rs->nsensors == SENSORS_MAX) {
		report_error(c->report, &s->kind->pos, "more than %d sensors",
		    SENSORS_MAX);
		return;
	}
	if (out.log_new && out.seen == OBS_PASSED &&
	    rs->firewall != FIREWALL_NFT)
		report_warning(c->report, &s->log->pos,
		    "\"log new\" needs \"firewall nft\", which makes the "
		    "kernel log: nothing will be seen");
	out.index = (uint8_t)rs->nsensors;
	rs->sensors[rs->nsensors++] = out;
}

void
check_sensors(struct check *c)
{
	const struct conf_sensor *s;

	for (s = c->conf->sensors; s != NULL; s = s->next)
		check_sensor(c, s);
}

uint64_t
check_via(struct check *c, const struct conf_sensor *via)
{
	const struct ruleset *rs = c->ruleset;
	const struct sensor_kind *k = sensor_kind(c, via->kind);
	uint64_t bits = 0, group = 0;
	size_t i;

	if (k == NULL ||
	    (via->group != NULL && check_number(c, "group", via->group, 0,
				       UINT16_MAX, &group) == -1))
		return 0;
	for (i = 0; i < rs->nsensors; i++) {
		if (rs->sensors[i].type != k->type)
			continue;
		if (via->on != NULL &&
		    strcmp(rs->sensors[i].ifname, via->on->text) != 0)
			continue;
		if (via->group != NULL &&
		    (!k->has_group || rs->sensors[i].group != group))
			continue;
		bits |= UINT64_C(1) << i;
	}
	if (bits == 0)
		report_error(c->report, &via->kind->pos,
		    "\"via\" names no configured sensor");
	return bits;
}
