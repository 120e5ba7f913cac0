/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The one judge of messages between processes.  A process that was taken over
 * by a hostile packet can say anything, so every field that the receiver uses
 * as a length, an index or a text is checked here, before anybody looks.
 */

#include "engine/msg.h"

#include <string.h>

#include "engine/conf.h"

/* Who may say what to whom, and how long it may be. */
struct msg_rule {
	enum msg_type type;
	enum process from, to;
	size_t least, most;
};

#define EXACTLY(size)        (size), (size)
#define FROM_FIELD(s, field) offsetof(s, field), sizeof(s)

static const struct msg_rule msg_rules[] = {
    {MSG_POLICY_FILE, PROCESS_PARENT, PROCESS_ENGINE,
	FROM_FIELD(struct msg_policy_file, bytes)},
    {MSG_POLICY_LOAD, PROCESS_PARENT, PROCESS_ENGINE,
	EXACTLY(sizeof(struct msg_policy_load))},
    {MSG_POLICY_REFUSED, PROCESS_PARENT, PROCESS_ENGINE,
	EXACTLY(sizeof(struct msg_text))},
    {MSG_SENSOR_ATTACH, PROCESS_PARENT, PROCESS_ENGINE,
	EXACTLY(sizeof(struct msg_sensor_state))},
    {MSG_SENSOR_STATE, PROCESS_SENSOR, PROCESS_ENGINE,
	EXACTLY(sizeof(struct msg_sensor_state))},
    {MSG_RESOLVER_ATTACH, PROCESS_PARENT, PROCESS_ENGINE, EXACTLY(0)},
    {MSG_NEVER, PROCESS_PARENT, PROCESS_ENGINE,
	FROM_FIELD(struct msg_never, members)},
    {MSG_CHANGES_DONE, PROCESS_PARENT, PROCESS_ENGINE,
	EXACTLY(sizeof(struct msg_changes_done))},
    {MSG_FOUND, PROCESS_PARENT, PROCESS_ENGINE,
	FROM_FIELD(struct msg_found, entries)},
    {MSG_DAMAGED, PROCESS_PARENT, PROCESS_ENGINE, EXACTLY(0)},
    {MSG_COUNTERS, PROCESS_PARENT, PROCESS_ENGINE,
	EXACTLY(sizeof(struct actuator_counters))},
    {MSG_STATUS, PROCESS_PARENT, PROCESS_ENGINE, EXACTLY(0)},
    {MSG_READY, PROCESS_ENGINE, PROCESS_PARENT, EXACTLY(0)},
    {MSG_RELOAD, PROCESS_ENGINE, PROCESS_PARENT, EXACTLY(0)},
    {MSG_CHANGES, PROCESS_ENGINE, PROCESS_PARENT,
	FROM_FIELD(struct msg_changes, changes)},
    {MSG_LIST, PROCESS_ENGINE, PROCESS_PARENT,
	EXACTLY(sizeof(struct msg_list))},
    {MSG_VERBOSE, PROCESS_ENGINE, PROCESS_PARENT,
	EXACTLY(sizeof(struct msg_verbose))},
    {MSG_COUPLE, PROCESS_ENGINE, PROCESS_PARENT,
	EXACTLY(sizeof(struct msg_couple))},
    {MSG_OBSERVATIONS, PROCESS_SENSOR, PROCESS_ENGINE,
	FROM_FIELD(struct msg_observations, observations)},
    {MSG_SENSOR_STATS, PROCESS_SENSOR, PROCESS_ENGINE,
	EXACTLY(sizeof(struct msg_sensor_stats))},
    {MSG_NAME, PROCESS_RESOLVER, PROCESS_ENGINE,
	EXACTLY(sizeof(struct host_name_answer))},
};

#define NRULES (sizeof(msg_rules) / sizeof(msg_rules[0]))

size_t
msg_policy_file_len(uint32_t n)
{
	return offsetof(struct msg_policy_file, bytes) + n;
}

size_t
msg_never_len(uint32_t n)
{
	return offsetof(struct msg_never, members) +
	       n * sizeof(struct msg_never_member);
}

size_t
msg_changes_len(uint32_t n)
{
	return offsetof(struct msg_changes, changes) +
	       n * sizeof(struct change);
}

size_t
msg_found_len(uint32_t n)
{
	return offsetof(struct msg_found, entries) +
	       n * sizeof(struct msg_found_entry);
}

size_t
msg_observations_len(uint32_t n)
{
	return offsetof(struct msg_observations, observations) +
	       n * sizeof(struct observation);
}

static bool
is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
is_prefix(const struct prefix *p)
{
	struct prefix masked;

	if (p->len > 128)
		return false;
	masked = prefix_make(&p->addr, p->len);
	return prefix_equal(&masked, p);
}

static bool
is_policy_file(const struct msg_policy_file *m, size_t len)
{
	return m->n <= MSG_TEXT_MAX && len == msg_policy_file_len(m->n) &&
	       m->offset <= m->total && m->n <= m->total - m->offset &&
	       is_text(m->path, sizeof(m->path));
}

static bool
is_never(const struct msg_never *m, size_t len)
{
	uint32_t i;

	if (m->n > MSG_NEVER_MAX || len != msg_never_len(m->n))
		return false;
	for (i = 0; i < m->n; i++) {
		if (!is_prefix(&m->members[i].prefix) ||
		    !is_text(m->members[i].why, sizeof(m->members[i].why)))
			return false;
	}
	return true;
}

static bool
is_changes(const struct msg_changes *m, size_t len)
{
	const struct change *c;

	if (m->n > MSG_CHANGES_MAX || len != msg_changes_len(m->n))
		return false;
	for (c = m->changes; c < m->changes + m->n; c++) {
		if (c->kind > CHANGE_RELEASE || c->table >= TABLES_MAX ||
		    c->remaining_ms < 0 || !is_prefix(&c->prefix))
			return false;
	}
	return true;
}

static bool
is_found(const struct msg_found *m, size_t len)
{
	const struct msg_found_entry *f;

	if (m->n > MSG_FOUND_MAX || len != msg_found_len(m->n))
		return false;
	for (f = m->entries; f < m->entries + m->n; f++) {
		if (f->table >= TABLES_MAX || f->remaining_ms < 0 ||
		    !is_prefix(&f->prefix))
			return false;
	}
	return true;
}

static bool
is_kind(uint16_t kind)
{
	return kind != 0 && (kind & (kind - 1)) == 0 && kind <= OBS_LISTED;
}

static bool
is_observations(const struct msg_observations *m, size_t len)
{
	const struct observation *o;

	if (m->n > MSG_OBS_MAX || len != msg_observations_len(m->n))
		return false;
	for (o = m->observations; o < m->observations + m->n; o++) {
		if (!is_kind(o->kind) || o->sensor >= SENSORS_MAX ||
		    o->dir > OBS_DIR_OUT || o->time.ms < 0 ||
		    wall_is_never(o->time) ||
		    !is_text(o->ifname, sizeof(o->ifname)) ||
		    !is_text(o->anchor, sizeof(o->anchor)))
			return false;
	}
	return true;
}

static bool
is_sensor_stats(const struct msg_sensor_stats *m)
{
	size_t i;

	for (i = 0; i < SENSOR_REASONS_MAX; i++) {
		if (!is_text(m->stats.reasons[i].what, SENSOR_REASON_LEN))
			return false;
	}
	return true;
}

static bool
is_name(const struct host_name_answer *m)
{
	if (!is_text(m->name, sizeof(m->name)) ||
	    !is_text(m->why, sizeof(m->why)) ||
	    (m->family != 4 && m->family != 6))
		return false;
	if (m->result == HOST_NAME_ADDRESSES)
		return m->n > 0 && m->n <= HOST_NAME_ADDRS_MAX;
	return m->result <= HOST_NAME_FAILED && m->n == 0;
}

/* Is what lies behind the header within bounds?  Its length is. */
static bool
is_content(const struct msg *m)
{
	size_t len = m->header.len;

	switch (m->header.type) {
	case MSG_POLICY_FILE:
		return is_policy_file(&m->u.policy_file, len);
	case MSG_POLICY_LOAD:
		return is_text(m->u.policy_load.path, MSG_PATH_LEN);
	case MSG_POLICY_REFUSED:
		return is_text(m->u.text.text, MSG_TEXT_MAX);
	case MSG_SENSOR_ATTACH:
	case MSG_SENSOR_STATE:
		return m->u.sensor_state.index < SENSORS_MAX;
	case MSG_NEVER:
		return is_never(&m->u.never, len);
	case MSG_FOUND:
		return is_found(&m->u.found, len);
	case MSG_CHANGES:
		return is_changes(&m->u.changes, len);
	case MSG_OBSERVATIONS:
		return is_observations(&m->u.observations, len);
	case MSG_SENSOR_STATS:
		return is_sensor_stats(&m->u.sensor_stats);
	case MSG_NAME:
		return is_name(&m->u.name);
	default:
		return true;
	}
}

int
msg_check(const struct msg *m, size_t len, enum process from, enum process to,
    struct decode_error *err)
{
	const struct msg_rule *rule;

	if (len < sizeof(m->header) || len > MSG_MAX)
		return decode_fail(err, "bad message size", 0);
	if (m->header.len != len - sizeof(m->header))
		return decode_fail(err, "length is not that of the packet",
		    offsetof(struct msg_header, len));
	for (rule = msg_rules; rule < msg_rules + NRULES; rule++) {
		if (rule->type == (enum msg_type)m->header.type &&
		    rule->from == from && rule->to == to)
			break;
	}
	if (rule == msg_rules + NRULES)
		return decode_fail(err, "not a message for this direction", 0);
	if (m->header.len < rule->least || m->header.len > rule->most)
		return decode_fail(err, "bad length for its type",
		    offsetof(struct msg_header, len));
	if (!is_content(m))
		return decode_fail(err, "bad content",
		    sizeof(struct msg_header));
	return 0;
}
