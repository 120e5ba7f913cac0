# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the integration scripts share: a temporary directory and network
# namespaces that are gone at every exit, a daemon in one of them, bounded
# waits for lines, and the counting of checks.  To be sourced.

set -eu
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$top/build/debug}
traplined=$BUILD/engine/traplined
traplinectl=$BUILD/ctl/traplinectl

# The exit status that says "skipped".
skip() {
	echo "skip $(basename "$0"): $*"
	exit 77
}

# need PROGRAM ...: skips the script where one is missing.
need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "no $program here"
	done
	[ -x "$traplined" ] || skip "$traplined is not built"
}

need_namespaces() {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
	unshare --net true 2>/dev/null ||
		skip "this system allows no network namespaces"
	unshare --net nft add table inet probe 2>/dev/null ||
		skip "this kernel has no nftables"
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/trapline-test.XXXXXX")
chmod 711 "$dir"
tag=tlt$$
spaces=()
faults=0
daemon=

clean_up() {
	local status=$? space pid
	trap - EXIT
	if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] &&
		[ -s "$dir/daemon.log" ]; then
		echo "--- the daemon's log:"
		cat "$dir/daemon.log"
	fi
	for space in "${spaces[@]}"; do
		for pid in $(ip netns pids "$space" 2>/dev/null); do
			kill -9 "$pid" 2>/dev/null || true
		done
		ip netns delete "$space" 2>/dev/null || true
		rm -rf "/etc/netns/$space"
	done
	rmdir /etc/netns 2>/dev/null || true
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	rm -rf "$dir"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# check TEXT COMMAND ...: one fact.
check() {
	local text=$1 status=0
	shift
	"$@" >"$dir/check.out" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		echo "ok $text"
	else
		echo "not ok $text: \"$*\" returned $status"
		cat "$dir/check.out"
		faults=$((faults + 1))
	fi
}

not() {
	! "$@"
}

# The last statement of a script.
finish() {
	[ "$faults" -eq 0 ]
}

# await FILE PATTERN SECONDS: waits for the first line that matches.
await() {
	grep -q -m 1 -E -- "$2" \
		< <(timeout "$3" tail --pid=$$ -n +1 -f "$1" 2>/dev/null) || {
		echo "waited $3 s in vain for \"$2\" in $(basename "$1"):"
		tail -n 30 "$1"
		return 1
	}
}

# make_space SPACE: a network namespace that goes with the script; its name
# starts with $tag.
make_space() {
	ip netns add "$1"
	spaces+=("$1")
	ip -n "$1" link set lo up
}

# cable SPACE PORT SPACE PORT: a pair of interfaces made inside the two.
cable() {
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

in_space() {
	local space=$1
	shift
	ip netns exec "$space" "$@"
}

user=_trapline
getent passwd "$user" >/dev/null || user=nobody
socket=$dir/traplined.sock
policy=$dir/trapline.conf
mkdir "$dir/state"

# The statements that keep a daemon inside the temporary directory.
policy_head() {
	printf 'set user %s\nset state-dir "%s"\nset socket "%s"\n' \
		"$user" "$dir/state" "$socket"
}

# start_daemon SPACE [SENSOR ...]: until it and the named sensors are running.
start_daemon() {
	local space=$1 sensor
	shift
	: >"$dir/daemon.log"
	ip netns exec "$space" "$traplined" -d -f "$policy" \
		2>>"$dir/daemon.log" &
	daemon=$!
	await "$dir/daemon.log" '\[parent\]: running' 30
	for sensor in "$@"; do
		await "$dir/daemon.log" "sensor $sensor.*: running" 30
	done
}

# Stops it as a supervisor does; its exit status.
stop_daemon() {
	local status=0
	kill -TERM "$daemon"
	wait "$daemon" || status=$?
	return "$status"
}

ctl() {
	"$traplinectl" -s "$socket" "$@"
}

# monitor: streams events into monitor.log from here on.
monitor() {
	: >"$dir/monitor.log"
	ctl -j monitor >"$dir/monitor.log" &
}

# The processes of the daemon other than the parent.
children() {
	pgrep -P "$daemon" || true
}

# pause SECONDS: where a moment at random is the very thing wanted.
exec {silence}<> <(:)
pause() {
	read -r -t "$1" -u "$silence" || true
}
