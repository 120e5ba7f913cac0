#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# Policies that come and go under a running daemon: tables, sensors, macros and
# "decoupled" follow, entries of a table that comes back come back, and
# reloads in a hurry put nobody into another table.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft unshare pgrep
need_namespaces

space=$tag-reload
make_space "$space"

# Whole or not at all: the daemon may be reading it.
write_policy() {
	policy_head >"$policy.new"
	printf '%s\n' 'firewall nft' "$@" >>"$policy.new"
	mv "$policy.new" "$policy"
}

in_kernel() {
	in_space "$space" nft list table inet trapline | grep -F -- "$1"
}

# in_set TABLE PREFIX: is it in the kernel's sets of that table?
in_set() {
	in_space "$space" nft list table inet trapline |
		sed -n "/set $1[_ ]/,/}/p" | grep -F -- "$2"
}

sensors() {
	children | wc -l
}

# await_sensors N: until the daemon has so many children.
await_sensors() {
	local i
	for ((i = 0; i < 100; i++)); do
		[ "$(sensors)" -ne "$1" ] || return 0
		pause 0.1
	done
	return 1
}

red='table <red> expire 1h enforce block'
blue='table <blue> expire 1h enforce block'
green='table <green> expire 1h enforce block'

write_policy "$red" "$blue"
start_daemon "$space"
ctl add red 203.0.113.1 >/dev/null
ctl add blue 203.0.113.2 >/dev/null
check "both are in the kernel" in_set red 203.0.113.1
check "each in its own set" in_set blue 203.0.113.2

# --- tables ---------------------------------------------------------------------------

: >"$dir/daemon.log"
check "the same policy again" ctl reload
check "is no reason to offer anything" not grep 'were offered' "$dir/daemon.log"

write_policy "$green" "$blue"
check "a table goes, another comes" ctl reload
check "what it held is out of the kernel" not in_kernel 203.0.113.1
check "its commands are refused" not ctl add red 203.0.113.3
check "what stayed is still in its set" in_set blue 203.0.113.2
check "the new one holds" ctl add green 203.0.113.4
check "in its own set" in_set green 203.0.113.4

write_policy "$red" "$green" "$blue"
check "the table comes back" ctl reload
check "and what it held" await "$dir/daemon.log" 'back from the store: 1' 10
check "is known" ctl check 203.0.113.1
check "and in the kernel again" timeout 10 sh -c "
	until ip netns exec '$space' nft list table inet trapline |
		grep -q -F 203.0.113.1; do sleep 0.1; done"

write_policy "$red" "$green" 'table <blue> expire 1h enforce none'
check "a table is enforced no more" ctl reload
check "and leaves the kernel" not in_kernel 203.0.113.2
check "with its entries kept" ctl check 203.0.113.2
write_policy "$red" "$green" "$blue"
check "it is enforced again" ctl reload
check "with all that it had" timeout 10 sh -c "
	until ip netns exec '$space' nft list table inet trapline |
		grep -q -F 203.0.113.2; do sleep 0.1; done"

# Numbers of tables change hands while operators are busy.
printf '198.51.100.%s\n' {1..200} >"$dir/list"
for _ in 1 2 3 4 5; do
	ctl load green "$dir/list" >/dev/null 2>&1 &
	load=$!
	write_policy "$blue"
	kill -HUP "$daemon"
	write_policy "$red" "$blue"
	kill -HUP "$daemon"
	write_policy "$blue" "$red" "$green"
	ctl reload >/dev/null || true
	wait "$load" || true
done
check "a last reload" ctl reload
check "nobody is in another table" not in_set red 198.51.100
check "nor in this one" not in_set blue 198.51.100
check "blue has what it had" in_set blue 203.0.113.2

# --- sensors ----------------------------------------------------------------------------

rule='watch seen passed (overload <red>)'
check "without sensors there is one child" await_sensors 1
write_policy "$red" "$green" "$blue" "$rule" 'sensor nflog group 5 seen passed'
check "a sensor comes" ctl reload
check "and runs" await "$dir/daemon.log" 'sensor nflog group 5.*: running' 10
mapfile -t before < <(children)
check "the same policy again" ctl reload
check "leaves it alone" test "${before[*]}" = "$(children | tr '\n' ' ' |
	sed 's/ $//')"
# One that hears nothing is ended all the same.
kill -STOP "${before[-1]}"
write_policy "$red" "$green" "$blue" "$rule" 'sensor nflog group 6 seen passed'
check "another one comes in its place" ctl reload
check "and runs" await "$dir/daemon.log" 'sensor nflog group 6.*: running' 10
check "the old one is gone, stuck or not" await_sensors 2
check "which is no accident" not grep 'ended by signal' "$dir/daemon.log"
kill -9 "$(children | tail -n 1)"
write_policy "$red" "$green" "$blue"
check "a sensor goes that had just died" ctl reload
check "and is not started again" await_sensors 1

# --- coupled or not -------------------------------------------------------------------------

write_policy "$red" 'set decoupled yes'
check "decoupled by the policy" ctl reload
ctl add red 203.0.113.7 >/dev/null
ctl delete red 203.0.113.1 >/dev/null
check "an addition stays here" not in_kernel 203.0.113.7
write_policy "$red"
check "coupled again" ctl reload
check "what was added meanwhile is enforced" timeout 10 sh -c "
	until ip netns exec '$space' nft list table inet trapline |
		grep -q -F 203.0.113.7; do sleep 0.1; done"
check "what was deleted meanwhile is gone" not in_kernel 203.0.113.1
check "decoupled by hand" ctl decouple
write_policy "$red" "$green"
check "a reload" ctl reload
check "leaves that" sh -c \
	"'$traplinectl' -j -s '$socket' show status | grep '\"decoupled\":true'"
check "coupled by hand" ctl couple
write_policy "$red" 'set decoupled yes'
check "then the policy has its say again" ctl reload
check "and takes it" sh -c \
	"'$traplinectl' -j -s '$socket' show status | grep '\"decoupled\":true'"
check "SIGTERM ends it with status 0" stop_daemon
finish
