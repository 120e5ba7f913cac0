/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The grammar of trapline.conf.  Its actions put words into the structs of
 * conf.h and judge nothing but the order of a rule's terms and what is given
 * twice; what the words mean is rules/check.c's.  An error ends the statement
 * it is in, and reading goes on with the next line.
 */

%{
#include <stdio.h>
#include <string.h>

#include "rules/arena.h"
#include "rules/conf.h"
#include "rules/keywords.h"
#include "rules/lex.h"
#include "rules/parse.h"
#include "rules/report.h"

/* The reading under way: yacc's own state is global, too. */
static struct {
	struct conf *conf;
	struct lexer *lexer;
	struct arena *arena;
	struct report *report;
	/* For messages: the token read last, the one before, the statement. */
	int token, before, statement;
	struct conf_word *word;
	struct conf_word *tail; /* the rule's "via" or what is behind */
	char bracket;		/* '{' or '(' when in such, else 0 */
	/* The statement that is being put together: one of these. */
	struct conf_set *sets, **sets_end;
	struct conf_table *table;
	struct conf_word *firewall;
	struct conf_sensor *sensor;
	struct conf_rule *rule;
	struct conf_word *last_term;
	enum term {
		TERM_DIR = 1,
		TERM_QUICK,
		TERM_ON,
		TERM_FAMILY,
		TERM_SEEN,
		TERM_PROTO,
		TERM_FROM,
		TERM_TO,
		TERM_VIA,
		TERM_ANCHOR,
		TERM_PASSED,
		TERM_LABEL
	} last_rank;
	struct conf_option **options_end;
} p;

int yylex(void);
void yyerror(const char *);
int yyparse(void);

static void once(struct conf_word **, struct conf_word *,
    struct conf_word *);
static void term(enum term, struct conf_word *);
static void peer(struct conf_peer *, struct conf_word *, struct conf_word *,
    struct conf_port *);
static struct conf_port *port(enum conf_op, struct conf_word *);
static void option(enum conf_option_type, struct conf_word *,
    struct conf_word *, int);
static void setting(struct conf_word *, struct conf_word *,
    struct conf_word *);
static struct conf_sensor *sensor(struct conf_word *, struct conf_word *,
    struct conf_word *);
static void rule_start(struct conf_word *);
static void table_start(struct conf_word *);
static void statement_drop(void);
static void statement_keep(void);
%}

%union {
	struct conf_word *word;
	struct {
		struct conf_word *first, *last;
	} words;
	struct conf_port *port;
	struct {
		struct conf_port *first, *last;
	} ports;
	int number;
}

%token <word> ANCHOR DECOUPLED ENFORCE EXPIRE FILENAME FIREWALL FLUSH FROM
%token <word> GLOBAL GROUP IGNORE IN INCLUDE INET INET6 LABEL LIMIT LOG
%token <word> MAX_SRC_CONN MAX_SRC_CONN_RATE MAX_SRC_NODES MAX_SRC_STATES
%token <word> NEVER ON OUT OVERLOAD PASSED PORT PROTO QUICK RATE SEEN SENSOR
%token <word> SET SOCKET SOURCE_PREFIX STATE_DIR TABLE TO USER VIA WATCH
%token <word> WORD TABLENAME
%token NE LE GE NL BAD

%type <word> family host host_item hosts kind names simple source_prefix
%type <word> value
%type <words> host_list name_list
%type <port> port ports
%type <ports> port_list
%type <number> flush

%%

policy		: /* empty */
		| policy NL
		| policy statement NL
		{
			statement_keep();
		}
		| policy error NL
		{
			yyerrok;
			lexer_recover(p.lexer);
			statement_drop();
			p.token = NL;
			p.bracket = 0;
		}
		;

statement	: set
		| table
		| firewall
		| sensor
		| rule
		;

nl		: /* empty */
		| nl NL
		;

comma		: /* empty */
		| ',' nl
		;

host_item	: WORD
		| TABLENAME
		;

host		: host_item
		| '!' host_item
		{
			$2->is_negated = true;
			$$ = $2;
		}
		;

host_list	: host nl
		{
			$$.first = $$.last = $1;
		}
		| host_list comma host nl
		{
			$1.last->next = $3;
			$$.first = $1.first;
			$$.last = $3;
		}
		;

hosts		: host
		| '{' nl host_list '}'
		{
			$$ = $3.first;
		}
		;

name_list	: WORD nl
		{
			$$.first = $$.last = $1;
		}
		| name_list comma WORD nl
		{
			$1.last->next = $3;
			$$.first = $1.first;
			$$.last = $3;
		}
		;

names		: WORD
		| '{' nl name_list '}'
		{
			$$ = $3.first;
		}
		;

port		: WORD
		{
			$$ = port(CONF_OP_IS, $1);
		}
		| '=' WORD
		{
			$$ = port(CONF_OP_IS, $2);
		}
		| NE WORD
		{
			$$ = port(CONF_OP_NE, $2);
		}
		| '<' WORD
		{
			$$ = port(CONF_OP_LT, $2);
		}
		| LE WORD
		{
			$$ = port(CONF_OP_LE, $2);
		}
		| '>' WORD
		{
			$$ = port(CONF_OP_GT, $2);
		}
		| GE WORD
		{
			$$ = port(CONF_OP_GE, $2);
		}
		;

port_list	: port nl
		{
			$$.first = $$.last = $1;
		}
		| port_list comma port nl
		{
			$1.last->next = $3;
			$$.first = $1.first;
			$$.last = $3;
		}
		;

ports		: port
		| '{' nl port_list '}'
		{
			$$ = $3.first;
		}
		;

value		: WORD
		| NEVER
		;

kind		: WORD
		| PASSED
		;

set		: SET NEVER hosts
		{
			setting($2, NULL, $3);
		}
		| source_prefix
		| SET LIMIT WORD WORD
		{
			setting($2, $3, $4);
		}
		| SET simple WORD
		{
			setting($2, NULL, $3);
		}
		;

simple		: DECOUPLED
		| RATE
		| SOCKET
		| STATE_DIR
		| USER
		;

source_prefix	: SET SOURCE_PREFIX family WORD
		{
			setting($2, $3, $4);
			$$ = $2;
		}
		| source_prefix family WORD
		{
			setting($1, $2, $3);
			$$ = $1;
		}
		;

family		: INET
		| INET6
		;

table		: table_head table_terms
		;

table_head	: TABLE TABLENAME
		{
			table_start($2);
		}
		;

table_terms	: /* empty */
		| table_terms table_term
		;

table_term	: '{' nl '}'
		| '{' nl host_list '}'
		{
			if (p.table->members != NULL)
				report_error(p.report, &$3.first->pos,
				    "members given twice");
			p.table->members = $3.first;
		}
		| FILENAME WORD
		{
			once(&p.table->file, $1, $2);
		}
		| EXPIRE value
		{
			once(&p.table->expire, $1, $2);
		}
		| FROM WORD
		{
			once(&p.table->from_first, $1, $2);
		}
		| ENFORCE WORD
		{
			once(&p.table->enforce, $1, $2);
		}
		;

firewall	: FIREWALL WORD
		{
			p.firewall = $2;
		}
		;

sensor		: sensor_head sensor_terms
		;

sensor_head	: SENSOR WORD
		{
			p.sensor = sensor($2, NULL, NULL);
		}
		;

sensor_terms	: /* empty */
		| sensor_terms sensor_term
		;

sensor_term	: ON WORD
		{
			once(&p.sensor->on, $1, $2);
		}
		| GROUP WORD
		{
			once(&p.sensor->group, $1, $2);
		}
		| SEEN kind
		{
			once(&p.sensor->seen, $1, $2);
		}
		| LOG WORD
		{
			once(&p.sensor->log, $1, $2);
		}
		;

rule		: rule_head terms via tails options
		;

rule_head	: WATCH
		{
			rule_start($1);
		}
		| IGNORE
		{
			rule_start($1);
		}
		;

terms		: /* empty */
		| terms term
		;

term		: IN
		{
			term(TERM_DIR, $1);
			p.rule->dir = $1;
		}
		| OUT
		{
			term(TERM_DIR, $1);
			p.rule->dir = $1;
		}
		| QUICK
		{
			term(TERM_QUICK, $1);
			p.rule->quick = $1;
		}
		| ON names
		{
			term(TERM_ON, $1);
			p.rule->on = $2;
		}
		| family
		{
			term(TERM_FAMILY, $1);
			p.rule->family = $1;
		}
		| SEEN kind
		{
			term(TERM_SEEN, $1);
			p.rule->seen = $2;
		}
		| PROTO names
		{
			term(TERM_PROTO, $1);
			p.rule->protos = $2;
		}
		| FROM hosts
		{
			term(TERM_FROM, $1);
			peer(&p.rule->from, $1, $2, NULL);
		}
		| FROM hosts PORT ports
		{
			term(TERM_FROM, $1);
			peer(&p.rule->from, $1, $2, $4);
		}
		| FROM PORT ports
		{
			term(TERM_FROM, $1);
			peer(&p.rule->from, $1, NULL, $3);
		}
		| TO hosts
		{
			term(TERM_TO, $1);
			peer(&p.rule->to, $1, $2, NULL);
		}
		| TO hosts PORT ports
		{
			term(TERM_TO, $1);
			peer(&p.rule->to, $1, $2, $4);
		}
		| TO PORT ports
		{
			term(TERM_TO, $1);
			peer(&p.rule->to, $1, NULL, $3);
		}
		;

via		: /* empty */
		| VIA WORD
		{
			term(TERM_VIA, $1);
			p.rule->via = sensor($2, NULL, NULL);
		}
		| VIA WORD ON WORD
		{
			term(TERM_VIA, $1);
			p.rule->via = sensor($2, $4, NULL);
		}
		| VIA WORD GROUP WORD
		{
			term(TERM_VIA, $1);
			p.rule->via = sensor($2, NULL, $4);
		}
		;

tails		: /* empty */
		| tails tail
		;

tail		: ANCHOR WORD
		{
			term(TERM_ANCHOR, $1);
			p.rule->anchor = $2;
		}
		| PASSED WORD
		{
			term(TERM_PASSED, $1);
			p.rule->passed = $2;
		}
		| LABEL WORD
		{
			term(TERM_LABEL, $1);
			p.rule->label = $2;
		}
		;

options		: /* empty */
		| '(' option_list ')'
		{
			p.rule->has_options = true;
		}
		;

option_list	: option
		| option_list option
		| option_list ',' option
		;

option		: MAX_SRC_CONN WORD
		{
			option(OPTION_SRC_CONN, $1, $2, 0);
		}
		| MAX_SRC_CONN_RATE WORD
		{
			option(OPTION_SRC_CONN_RATE, $1, $2, 0);
		}
		| MAX_SRC_STATES WORD
		{
			option(OPTION_SRC_STATES, $1, $2, 0);
		}
		| MAX_SRC_NODES WORD
		{
			option(OPTION_SRC_NODES, $1, $2, 0);
		}
		| OVERLOAD TABLENAME flush
		{
			option(OPTION_OVERLOAD, $1, $2, $3);
		}
		| EXPIRE value
		{
			option(OPTION_EXPIRE, $1, $2, 0);
		}
		;

flush		: /* empty */
		{
			$$ = 0;
		}
		| FLUSH
		{
			$$ = 1;
		}
		| FLUSH GLOBAL
		{
			$$ = 2;
		}
		;

%%

/* Sets a word that may be given once. */
static void
once(struct conf_word **slot, struct conf_word *keyword,
    struct conf_word *value)
{
	if (*slot != NULL)
		report_error(p.report, &keyword->pos, "\"%s\" given twice",
		    keyword->text);
	*slot = value;
}

/* A rule's terms stand in one order, each at most once. */
static void
term(enum term rank, struct conf_word *keyword)
{
	if (rank == p.last_rank)
		report_error(p.report, &keyword->pos,
		    rank == TERM_DIR || rank == TERM_FAMILY
			? "\"%s\" given behind \"%s\""
			: "\"%s\" given twice",
		    keyword->text, p.last_term->text);
	else if (rank < p.last_rank)
		report_error(p.report, &keyword->pos,
		    "expected \"%s\" before \"%s\", found it behind",
		    keyword->text, p.last_term->text);
	if (rank < p.last_rank)
		return;
	p.last_rank = rank;
	p.last_term = keyword;
}

static void
peer(struct conf_peer *peer, struct conf_word *keyword,
    struct conf_word *hosts, struct conf_port *ports)
{
	peer->is_given = true;
	peer->pos = keyword->pos;
	peer->hosts = hosts;
	peer->ports = ports;
}

static struct conf_port *
port(enum conf_op op, struct conf_word *word)
{
	struct conf_port *port = arena_alloc(p.arena, sizeof(*port));

	port->op = op;
	port->word = word;
	return port;
}

static void
option(enum conf_option_type type, struct conf_word *keyword,
    struct conf_word *value, int flush)
{
	struct conf_option *o = arena_alloc(p.arena, sizeof(*o));

	o->type = type;
	o->keyword = keyword;
	o->value = value;
	o->is_flush = flush > 0;
	o->is_flush_global = flush > 1;
	*p.options_end = o;
	p.options_end = &o->next;
}

static void
setting(struct conf_word *keyword, struct conf_word *what,
    struct conf_word *value)
{
	struct conf_set *s = arena_alloc(p.arena, sizeof(*s));

	s->keyword = keyword;
	s->what = what;
	s->value = value;
	*p.sets_end = s;
	p.sets_end = &s->next;
}

static struct conf_sensor *
sensor(struct conf_word *kind, struct conf_word *on, struct conf_word *group)
{
	struct conf_sensor *s = arena_alloc(p.arena, sizeof(*s));

	s->kind = kind;
	s->on = on;
	s->group = group;
	return s;
}

static void
rule_start(struct conf_word *action)
{
	p.rule = arena_alloc(p.arena, sizeof(*p.rule));
	p.rule->action = action;
	p.options_end = &p.rule->options;
	p.last_rank = 0;
	p.last_term = NULL;
}

static void
table_start(struct conf_word *name)
{
	p.table = arena_alloc(p.arena, sizeof(*p.table));
	p.table->name = name;
}

static void
statement_drop(void)
{
	p.sets = NULL;
	p.sets_end = &p.sets;
	p.table = NULL;
	p.firewall = NULL;
	p.sensor = NULL;
	p.rule = NULL;
	p.last_rank = 0;
}

/* A statement has reached the end of its line without an error. */
static void
statement_keep(void)
{
	struct conf *conf = p.conf;

	if (p.sets != NULL) {
		*conf->sets_end = p.sets;
		conf->sets_end = p.sets_end;
	}
	if (p.table != NULL) {
		*conf->tables_end = p.table;
		conf->tables_end = &p.table->next;
	}
	if (p.firewall != NULL) {
		*conf->firewalls_end = p.firewall;
		conf->firewalls_end = &p.firewall->next;
	}
	if (p.sensor != NULL) {
		*conf->sensors_end = p.sensor;
		conf->sensors_end = &p.sensor->next;
	}
	if (p.rule != NULL) {
		*conf->rules_end = p.rule;
		conf->rules_end = &p.rule->next;
	}
	statement_drop();
}

int
yylex(void)
{
	if (p.token == NL && p.bracket != '{') {
		p.statement = 0;
		p.bracket = 0;
		p.tail = NULL;
	}
	p.before = p.token;
	p.token = lexer_next(p.lexer, &p.word);
	yylval.word = p.word;
	if (p.statement == 0)
		p.statement = p.token;
	if (p.token == VIA || p.token == ANCHOR || p.token == LABEL)
		p.tail = p.word;
	if (p.token == '{' || p.token == '(')
		p.bracket = (char)p.token;
	if (p.token == '}' || p.token == ')')
		p.bracket = 0;
	return p.token;
}

/* What could have stood where the error is. */
static const char *
expected(void)
{
	const struct keyword *k = keyword_of_token(p.before);

	if (k != NULL)
		return k->follows;
	if (p.statement == p.token && (p.before == NL || p.before == 0))
		return "a statement such as \"table\" or \"watch\", or a "
		       "macro \"name = value\"";
	if (p.before == '(' || (p.before == ',' && p.bracket == '('))
		return "an option such as \"max-src-conn\" or \"overload\"";
	if (p.bracket == '(')
		return "another option, \",\" or \")\"";
	if (p.before == ',' || p.before == '{' || p.before == '!')
		return "an item of the list";
	if (p.bracket == '{')
		return "another item of the list or \"}\"";
	if (p.statement == WATCH || p.statement == IGNORE)
		return "another term of the rule, its options in parentheses "
		       "or the end of the line";
	return "another part of the statement or the end of the line";
}

static bool
takes_name(int token)
{
	return token == ANCHOR || token == LABEL || token == ON ||
	    token == USER || token == FILENAME || token == SOCKET ||
	    token == STATE_DIR;
}

static bool
is_rule_term(int token)
{
	return token == IN || token == OUT || token == QUICK || token == ON ||
	    token == INET || token == INET6 || token == SEEN ||
	    token == PROTO || token == FROM || token == TO;
}

/* What may help: where a keyword belongs, or what a word may have meant. */
static void
hint(const struct keyword *k, char *out, size_t size)
{
	bool is_start = p.before == NL || p.before == 0;

	if (p.token == WORD)
		report_hint(p.word->text, keyword_names(is_start), out);
	else if (k == NULL)
		return;
	else if (takes_name(p.before))
		snprintf(out, size, "; quote it to use it as a name");
	else if (p.tail != NULL && is_rule_term(p.token))
		snprintf(out, size, "; it stands before \"%s\"",
		    p.tail->text);
	else
		snprintf(out, size, "; it stands %s", k->place);
}

void
yyerror(const char *message)
{
	char found[REPORT_QUOTE_LEN], help[REPORT_QUOTE_LEN * 2] = "";

	if (p.token == BAD)
		return;
	if (strcmp(message, "syntax error") != 0) {
		report_error(p.report, &p.word->pos, "%s", message);
		return;
	}
	report_quote(p.word->text, found);
	if (p.token == NL || p.token == 0)
		snprintf(found, sizeof(found), "the end of the %s",
		    p.token == NL ? "line" : "file");
	else if (p.token == TABLENAME)
		snprintf(found, sizeof(found), "<%.31s>", p.word->text);
	hint(keyword_of_token(p.token), help, sizeof(help));
	report_error(p.report, &p.word->pos, "expected %s, found %s%s",
	    expected(), found, help);
}

void
parse_policy(struct conf *conf, struct lexer *lexer, struct arena *arena,
    struct report *report)
{
	memset(conf, 0, sizeof(*conf));
	conf->sets_end = &conf->sets;
	conf->tables_end = &conf->tables;
	conf->firewalls_end = &conf->firewalls;
	conf->sensors_end = &conf->sensors;
	conf->rules_end = &conf->rules;
	memset(&p, 0, sizeof(p));
	p.conf = conf;
	p.lexer = lexer;
	p.arena = arena;
	p.report = report;
	statement_drop();
	yyparse();
	memset(&p, 0, sizeof(p));
}
