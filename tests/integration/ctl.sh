#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# traplinectl as a user meets it: exit status, messages, text, JSON, a load,
# completion in bash and zsh, and "top" on two sizes of terminal.  It talks to
# the control socket over an engine in memory; no privilege is needed.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
server=$BUILD/tests/control_server
for program in "$server" "$traplinectl"; do
	[ -x "$program" ] || skip "$program is not built"
done

# The server lives as long as this end of its standard input.
coproc server { exec "$server" "$socket" 50; }
input=${server[1]}
read -r -t 30 -u "${server[0]}" ready
[ "$ready" = ready ]

# status N COMMAND ...: its exit status is N.
status() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ]
}

# says PATTERN COMMAND ...: a line of its output or its messages matches.
says() {
	local pattern=$1
	shift
	{ "$@" 2>&1 || true; } >"$dir/says.out"
	grep -qE -- "$pattern" "$dir/says.out" || {
		cat "$dir/says.out"
		return 1
	}
}

into_full() {
	ctl show tables >/dev/full
}

show_lists() {
	local what
	for what in status tables sensors never pardons "table bruteforce"; do
		# shellcheck disable=SC2086 # two words
		ctl show $what
	done
}

load_stdin() {
	printf '203.0.113.21\n' | ctl load kept -
}

# --- exit status and messages ------------------------------------------

check "a command that was carried out gives 0" status 0 ctl show tables
check "a command that was refused gives 1" \
	status 1 ctl add bruteforce 127.0.0.1
check "an unknown command gives 2" status 2 ctl ban 192.0.2.1
check "a word too many gives 2" status 2 ctl show status now
check "no command gives 2" status 2 ctl
check "a word with a blank in it gives 2" status 2 ctl add "a b" 192.0.2.1
check "usage lists the commands" says '^  pardon ADDR \[for TIME\]' ctl
check "a full output gives 1" status 1 into_full
check "a missing socket is told with its path" \
	says "$dir/none: there is no such socket: is traplined running" \
	"$traplinectl" -s "$dir/none" show status
check "a missing socket gives 1" \
	status 1 "$traplinectl" -s "$dir/none" show status
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 600 "$socket"
	install -m 755 "$traplinectl" "$dir/traplinectl"
	check "a socket of somebody else is told with its path" \
		says "permission denied: only root and the socket's group" \
		setpriv --reuid 65534 --clear-groups "$dir/traplinectl" \
		-s "$socket" show status
fi

# --- text and JSON ------------------------------------------------------

check "a table in brackets is the table" ctl add '<seen>' 203.0.113.9 for 1h
check "show source ends with what to type" \
	says '^To let it go: traplinectl pardon 203\.0\.113\.9$' \
	ctl show source 203.0.113.9
check "JSON is passed through with its closing line" \
	says '^\{"ok":true\}$' ctl -j show tables
check "metrics are raw" says '^trapline_entries\{table="seen"\} 1$' ctl metrics
check "metrics end as they must" says '^# EOF$' ctl metrics
check "lists fit 80 columns" not says '^.{81,}$' show_lists

printf '# a list\n203.0.113.20\n\n 2001:db8:1::/48 # ours\n' >"$dir/good"
check "a file is loaded" says '<kept>: 2 held for ever' \
	ctl load kept "$dir/good"
check "standard input is loaded" load_stdin
printf '203.0.113.30\n203.0.113.300\n192.0.2.0/33\n' >"$dir/bad"
check "a bad line is told with its number" \
	says "^$dir/bad:3: \"192.0.2.0/33\" is no address or prefix$" \
	ctl load kept "$dir/bad"
check "nothing of a bad file is held" \
	not says '203\.0\.113\.30' ctl show table kept
printf '\n203.0.113.31\n192.0.2.254\n' >"$dir/never"
check "a refused line is told with its number" \
	says "^$dir/never:3: 192.0.2.254 was not added: it is never held" \
	ctl load kept "$dir/never"
check "a refused line gives 1" status 1 ctl load kept "$dir/never"

ctl monitor >"$dir/monitor" &
check "monitor says what happens" \
	await "$dir/monitor" '^20.* hold    <bruteforce> 100\.' 30

# --- completion -----------------------------------------------------------

# complete_bash WORD ...: what bash offers for the last word.
complete_bash() (
	PATH=$(dirname "$traplinectl"):$PATH
	# shellcheck source=ctl/completion/traplinectl.bash
	. "$top/ctl/completion/traplinectl.bash"
	# shellcheck disable=SC2034 # bash's own names
	COMP_WORDS=(traplinectl "$@") COMP_CWORD=$#
	_traplinectl
	echo "${COMPREPLY[*]}"
)

offers() {
	local want=$1 got
	shift
	got=$(complete_bash "$@")
	[ "$got" = "$want" ] || {
		echo "offered: $got"
		return 1
	}
}

check "bash completes commands" offers "decouple" dec
check "bash completes what to show" offers "tables table" -j show tab
check "bash completes tables" offers "bruteforce" -s "$socket" add br
check "bash completes options" offers "-j -s" -
check "bash completes the end of add" offers "for" add kept 192.0.2.1 ""
check "bash offers no table without a daemon" \
	offers "" -s "$dir/none" flush ""

# --- top ------------------------------------------------------------------

terminals=0

# terminal COLUMNS LINES COMMAND: each in a server of its own, since one that
# is just ending refuses the next session.
terminal() {
	terminals=$((terminals + 1))
	tmux -L "$tag-$terminals" new-session -d -x "$1" -y "$2" "$3"
}

type_in() {
	tmux -L "$tag-$terminals" send-keys "$@"
}

end_terminal() {
	tmux -L "$tag-$terminals" kill-server
}

# Waits until the screen matches, a tenth of a second at a time.
await_screen() {
	local i
	for ((i = 0; i < 100; i++)); do
		tmux -L "$tag-$terminals" capture-pane -p >"$dir/screen" ||
			return 1
		! grep -qE -- "$1" "$dir/screen" || return 0
		pause 0.1
	done
	cat "$dir/screen"
	return 1
}

# completes_zsh TYPED WANTED: what zsh makes of it at the tab key.
completes_zsh() {
	local status=0
	terminal 120 24 \
		"ZDOTDIR=$dir PATH=$(dirname "$traplinectl"):\$PATH exec zsh -i"
	await_screen '^ready'
	type_in "$1" Tab
	await_screen "^ready.*$2" || status=1
	end_terminal
	return "$status"
}

if command -v zsh >/dev/null && command -v tmux >/dev/null; then
	cat >"$dir/.zshrc" <<-END
		fpath=($top/ctl/completion \$fpath)
		autoload -Uz compinit && compinit -u -D
		PROMPT='ready '
		TMOUT=60
	END
	check "zsh completes commands" \
		completes_zsh "traplinectl dec" "decouple"
	check "zsh completes what to show" \
		completes_zsh "traplinectl -j show stat" "show status"
	check "zsh completes tables" \
		completes_zsh "traplinectl -s $socket add br" "add bruteforce"
	check "zsh completes the end of add" \
		completes_zsh "traplinectl add kept 192.0.2.1 f" "192.0.2.1 for"
else
	echo "skip zsh: no zsh, or no tmux to type into it"
fi

if command -v tmux >/dev/null &&
	! ctl top 2>&1 </dev/null | grep -q "without curses"; then
	for size in "80 24" "120 40"; do
		read -r columns lines <<<"$size"
		terminal "$columns" "$lines" \
			"$traplinectl -s $socket top; echo left: \$?; sleep 20"
		check "top shows tables on $size" \
			await_screen '^bruteforce +[0-9]+  block'
		check "top shows sensors on $size" \
			await_screen '^capture on em2 .*running'
		check "top shows events on $size" await_screen \
			'^[0-9:]{8} hold    <bruteforce> 100\..*rate 3/30'
		type_in q
		check "top leaves when told on $size" await_screen '^left: 0'
		end_terminal
	done
else
	echo "skip top: no tmux, or built without curses"
fi

exec {input}>&-
finish
