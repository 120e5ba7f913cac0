/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The grammar of trapline.conf.  Its actions put words into the structs of
 * conf.h, by way of statement.c, and judge nothing; what the words mean is
 * rules/check.c's.  An error ends the statement
 * it is in, and reading goes on with the next line.
 */

%{
#include <stdio.h>
#include <string.h>

#include "rules/conf.h"
#include "rules/keywords.h"
#include "rules/lex.h"
#include "rules/parse.h"
#include "rules/report.h"
#include "rules/statement.h"

/* The reading under way: yacc's own state is global, too. */
static struct {
	struct statement statement;
	struct lexer *lexer;
	struct report *report;
	/* For messages: the token read last, the one before it, ... */
	int token, before;
	struct conf_word *word;
	int first;		/* ... the first of the statement, ... */
	struct conf_word *tail; /* ... the rule's "via" or what is behind,
	    ... */
	char bracket;		/* ... '{' or '(' when in such, else 0, ... */
	unsigned int depth;	/* ... and how many '{' are open. */
} p;

int yylex(void);
void yyerror(const char *);
int yyparse(void);

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
%type <words> host_group host_list name_group name_list
%type <port> port ports
%type <ports> port_group port_list
%type <number> flush

%%

policy		: /* empty */
		| policy NL
		| policy statement NL
		{
			statement_keep(&p.statement);
		}
		| policy error NL
		{
			yyerrok;
			lexer_recover(p.lexer);
			statement_drop(&p.statement);
			p.token = NL;
			p.bracket = 0;
			p.depth = 0;
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

/* A list in a list is part of it: what macros with lists are used for. */
host_group	: host
		{
			$$.first = $$.last = $1;
		}
		| '{' nl host_list '}'
		{
			$$ = $3;
		}
		;

host_list	: host_group nl
		| host_list comma host_group nl
		{
			$1.last->next = $3.first;
			$$.first = $1.first;
			$$.last = $3.last;
		}
		;

hosts		: host_group
		{
			$$ = $1.first;
		}
		;

name_group	: WORD
		{
			$$.first = $$.last = $1;
		}
		| '{' nl name_list '}'
		{
			$$ = $3;
		}
		;

name_list	: name_group nl
		| name_list comma name_group nl
		{
			$1.last->next = $3.first;
			$$.first = $1.first;
			$$.last = $3.last;
		}
		;

names		: name_group
		{
			$$ = $1.first;
		}
		;

port		: WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_IS, $1);
		}
		| '=' WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_IS, $2);
		}
		| NE WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_NE, $2);
		}
		| '<' WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_LT, $2);
		}
		| LE WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_LE, $2);
		}
		| '>' WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_GT, $2);
		}
		| GE WORD
		{
			$$ = statement_port(&p.statement, CONF_OP_GE, $2);
		}
		;

port_group	: port
		{
			$$.first = $$.last = $1;
		}
		| '{' nl port_list '}'
		{
			$$ = $3;
		}
		;

port_list	: port_group nl
		| port_list comma port_group nl
		{
			$1.last->next = $3.first;
			$$.first = $1.first;
			$$.last = $3.last;
		}
		;

ports		: port_group
		{
			$$ = $1.first;
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
			statement_set(&p.statement, $2, NULL, $3);
		}
		| source_prefix
		| SET LIMIT WORD WORD
		{
			statement_set(&p.statement, $2, $3, $4);
		}
		| SET simple WORD
		{
			statement_set(&p.statement, $2, NULL, $3);
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
			statement_set(&p.statement, $2, $3, $4);
			$$ = $2;
		}
		| source_prefix family WORD
		{
			statement_set(&p.statement, $1, $2, $3);
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
			statement_table(&p.statement, $2);
		}
		;

table_terms	: /* empty */
		| table_terms table_term
		;

table_term	: '{' nl '}'
		| '{' nl host_list '}'
		{
			statement_members(&p.statement, $3.first);
		}
		| FILENAME WORD
		{
			statement_once(&p.statement, &p.statement.table->file,
			    $1, $2);
		}
		| EXPIRE value
		{
			statement_once(&p.statement, &p.statement.table->expire,
			    $1, $2);
		}
		| FROM WORD
		{
			statement_once(&p.statement,
			    &p.statement.table->from_first, $1, $2);
		}
		| ENFORCE WORD
		{
			statement_once(&p.statement,
			    &p.statement.table->enforce, $1, $2);
		}
		;

firewall	: FIREWALL WORD
		{
			p.statement.firewall = $2;
		}
		;

sensor		: sensor_head sensor_terms
		;

sensor_head	: SENSOR WORD
		{
			p.statement.sensor = statement_sensor(&p.statement, $2,
			    NULL, NULL);
		}
		;

sensor_terms	: /* empty */
		| sensor_terms sensor_term
		;

sensor_term	: ON WORD
		{
			statement_once(&p.statement, &p.statement.sensor->on,
			    $1, $2);
		}
		| GROUP WORD
		{
			statement_once(&p.statement, &p.statement.sensor->group,
			    $1, $2);
		}
		| SEEN kind
		{
			statement_once(&p.statement, &p.statement.sensor->seen,
			    $1, $2);
		}
		| LOG WORD
		{
			statement_once(&p.statement, &p.statement.sensor->log,
			    $1, $2);
		}
		;

rule		: rule_head terms via tails options
		;

rule_head	: WATCH
		{
			statement_rule(&p.statement, $1);
		}
		| IGNORE
		{
			statement_rule(&p.statement, $1);
		}
		;

terms		: /* empty */
		| terms term
		;

term		: IN
		{
			statement_term(&p.statement, TERM_DIR, $1);
			p.statement.rule->dir = $1;
		}
		| OUT
		{
			statement_term(&p.statement, TERM_DIR, $1);
			p.statement.rule->dir = $1;
		}
		| QUICK
		{
			statement_term(&p.statement, TERM_QUICK, $1);
			p.statement.rule->quick = $1;
		}
		| ON names
		{
			statement_term(&p.statement, TERM_ON, $1);
			p.statement.rule->on = $2;
		}
		| family
		{
			statement_term(&p.statement, TERM_FAMILY, $1);
			p.statement.rule->family = $1;
		}
		| SEEN kind
		{
			statement_term(&p.statement, TERM_SEEN, $1);
			p.statement.rule->seen = $2;
		}
		| PROTO names
		{
			statement_term(&p.statement, TERM_PROTO, $1);
			p.statement.rule->protos = $2;
		}
		| FROM hosts
		{
			statement_term(&p.statement, TERM_FROM, $1);
			p.statement.rule->from.hosts = $2;
		}
		| FROM hosts PORT ports
		{
			statement_term(&p.statement, TERM_FROM, $1);
			p.statement.rule->from.hosts = $2;
			p.statement.rule->from.ports = $4;
		}
		| FROM PORT ports
		{
			statement_term(&p.statement, TERM_FROM, $1);
			p.statement.rule->from.ports = $3;
		}
		| TO hosts
		{
			statement_term(&p.statement, TERM_TO, $1);
			p.statement.rule->to.hosts = $2;
		}
		| TO hosts PORT ports
		{
			statement_term(&p.statement, TERM_TO, $1);
			p.statement.rule->to.hosts = $2;
			p.statement.rule->to.ports = $4;
		}
		| TO PORT ports
		{
			statement_term(&p.statement, TERM_TO, $1);
			p.statement.rule->to.ports = $3;
		}
		;

via		: /* empty */
		| VIA WORD
		{
			statement_term(&p.statement, TERM_VIA, $1);
			p.statement.rule->via = statement_sensor(&p.statement,
			    $2, NULL, NULL);
		}
		| VIA WORD ON WORD
		{
			statement_term(&p.statement, TERM_VIA, $1);
			p.statement.rule->via = statement_sensor(&p.statement,
			    $2, $4, NULL);
		}
		| VIA WORD GROUP WORD
		{
			statement_term(&p.statement, TERM_VIA, $1);
			p.statement.rule->via = statement_sensor(&p.statement,
			    $2, NULL, $4);
		}
		;

tails		: /* empty */
		| tails tail
		;

tail		: ANCHOR WORD
		{
			statement_term(&p.statement, TERM_ANCHOR, $1);
			p.statement.rule->anchor = $2;
		}
		| PASSED WORD
		{
			statement_term(&p.statement, TERM_PASSED, $1);
			p.statement.rule->passed = $2;
		}
		| LABEL WORD
		{
			statement_term(&p.statement, TERM_LABEL, $1);
			p.statement.rule->label = $2;
		}
		;

options		: /* empty */
		| '(' option_list ')'
		{
			p.statement.rule->has_options = true;
		}
		;

option_list	: option
		| option_list option
		| option_list ',' option
		;

option		: MAX_SRC_CONN WORD
		{
			statement_option(&p.statement, OPTION_SRC_CONN, $1, $2,
			    0);
		}
		| MAX_SRC_CONN_RATE WORD
		{
			statement_option(&p.statement, OPTION_SRC_CONN_RATE, $1,
			    $2, 0);
		}
		| MAX_SRC_STATES WORD
		{
			statement_option(&p.statement, OPTION_SRC_STATES, $1,
			    $2, 0);
		}
		| MAX_SRC_NODES WORD
		{
			statement_option(&p.statement, OPTION_SRC_NODES, $1, $2,
			    0);
		}
		| OVERLOAD TABLENAME flush
		{
			statement_option(&p.statement, OPTION_OVERLOAD, $1, $2,
			    $3);
		}
		| EXPIRE value
		{
			statement_option(&p.statement, OPTION_EXPIRE, $1, $2,
			    0);
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

int
yylex(void)
{
	if (p.token == NL && p.bracket != '{') {
		p.first = 0;
		p.bracket = 0;
		p.tail = NULL;
	}
	p.before = p.token;
	p.token = lexer_next(p.lexer, &p.word);
	yylval.word = p.word;
	if (p.first == 0)
		p.first = p.token;
	if (p.token == VIA || p.token == ANCHOR || p.token == LABEL)
		p.tail = p.word;
	if (p.token == '{' || p.token == '(')
		p.bracket = (char)p.token;
	if (p.token == '{')
		p.depth++;
	if (p.token == '}' && p.depth > 0)
		p.depth--;
	if (p.token == '}' || p.token == ')')
		p.bracket = p.depth > 0 ? '{' : 0;
	return p.token;
}

/* What could have stood where the error is. */
static const char *
expected(void)
{
	const struct keyword *k = keyword_of_token(p.before);

	if (k != NULL)
		return k->follows;
	if (p.first == p.token && (p.before == NL || p.before == 0))
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
	if (p.first == WATCH || p.first == IGNORE)
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
	memset(&p, 0, sizeof(p));
	statement_start(&p.statement, conf, arena, report);
	p.lexer = lexer;
	p.report = report;
	yyparse();
	memset(&p, 0, sizeof(p));
}
