#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# Captures in, events out: every tests/data/replay/NAME.conf is replayed on
# NAME.pcap, or on the capture outside the tree that its first line names, and
# must give NAME.jsonl byte for byte.  With "update" as argument the expected
# files are written instead; read the difference before keeping it.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need cmp
cd "$top"
data=tests/data/replay

replay() {
	"$traplined" -f "$1" -o json -r "${@:2}"
}

# The capture of a scenario; nothing where it is not there.
capture() {
	local named=${1%.conf}.pcap
	if [ ! -e "$named" ]; then
		named=$(sed -n '1s/^# capture: //p' "$1")
	fi
	[ ! -e "$named" ] || echo "$named"
}

for conf in "$data"/*.conf; do
	name=$(basename "$conf" .conf)
	file=$(capture "$conf")
	if [ -z "$file" ]; then
		echo "skip $name: $(sed -n '1s/^# capture: //p' "$conf") is not here"
		continue
	fi
	replay "$conf" "$file" >"$dir/out" 2>"$dir/err" || true
	if [ "${1:-}" = update ]; then
		cp "$dir/out" "$data/$name.jsonl"
	fi
	check "$name" diff -u "$data/$name.jsonl" "$dir/out"
done

# --- what is not in the events -----------------------------------------------------

conf=$data/handshakes.conf
file=$data/handshakes.pcap
if [ ! -e "$file" ]; then
	finish
	exit
fi
check "a whole capture exits with 0" replay "$conf" "$file"
replay "$conf" - <"$file" >"$dir/stdin" || true
check "standard input gives the same" cmp "$dir/stdin" \
	"$data/handshakes.jsonl"

size=$(stat -c %s "$file")
head -c $((size - 7)) "$file" >"$dir/cut.pcap"
status=0
replay "$conf" "$dir/cut.pcap" >"$dir/cut" 2>"$dir/cut.err" || status=$?
check "a truncated capture exits with 1" test "$status" -eq 1
check "it is named in the warning" grep -F cut.pcap "$dir/cut.err"
check "what it can give comes out" grep -F '"event":"hold"' "$dir/cut"
check "and a summary" grep -F '"event":"summary"' "$dir/cut"

head -c 200 /dev/zero >"$dir/zero.pcap"
status=0
replay "$conf" "$dir/zero.pcap" >/dev/null 2>"$dir/zero.err" || status=$?
check "what is no capture exits with 1" test "$status" -eq 1
check "and is named" grep -F zero.pcap "$dir/zero.err"

printf 'table <b>\nsensor nflog group 5 seen passed\nwatch seen passed (overload <b>)\n' \
	>"$dir/passed.conf"
replay "$dir/passed.conf" "$file" >/dev/null 2>"$dir/kinds.err"
check "rules that count nothing of a capture are told" grep -x \
	'warning: no rule counts what these captures show: opened established' \
	"$dir/kinds.err"
check "and those that do are not" not grep warning "$dir/cut.err"

status=0
replay "$dir/none.conf" "$file" >/dev/null 2>&1 || status=$?
check "a missing policy exits with 2" test "$status" -eq 2

sed 's/^set never { /&www.example.org, /' "$conf" >"$dir/names.conf"
replay "$dir/names.conf" "$file" >"$dir/names" 2>"$dir/names.err" || true
check "a host name changes nothing in a replay" cmp "$dir/names" \
	"$data/handshakes.jsonl"
check "that is said once" test "$(grep -c 'looks nothing up' "$dir/names.err")" = 1

# Text says the same as JSON: one line an event.
"$traplined" -f "$conf" -r "$file" >"$dir/text" 2>/dev/null || true
check "text has a line for each hold" test \
	"$(grep -c hold "$dir/text")" -ge "$(grep -c '"event":"hold"' "$data/handshakes.jsonl")"
finish
