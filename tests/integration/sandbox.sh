#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# Each unprivileged process of a running daemon is made to do what it must not
# do, and must be killed for it by the kernel.  A sensor is then started again,
# later each time; the engine's end is the end of all, and the kernel's tables
# stay.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft unshare pgrep
need_namespaces
inject=$BUILD/tests/inject
[ -x "$inject" ] || skip "$inject is not built"

firewall=$tag-firewall
make_space "$firewall"
policy_head >"$policy"
cat >>"$policy" <<'POLICY'
table <bad> expire 6w enforce block
firewall nft
sensor nflog group 5 seen passed log new
watch in seen passed proto tcp to port ssh \
	(max-src-conn-rate 3/60, overload <bad>)
POLICY
start_daemon "$firewall" 'nflog group 5'
ctl add bad 203.0.113.66 for 1h >/dev/null

# A process is known by how its root directory ends: the engine's is the state
# directory, a sensor's an empty one that is nobody's.
engine() {
	local pid
	for pid in $(children); do
		case $(readlink "/proc/$pid/root") in
		*"$dir/state") echo "$pid" ;;
		esac
	done
}

sensor() {
	local pid
	for pid in $(children); do
		case $(readlink "/proc/$pid/root") in
		*/var/empty | */run/traplined-empty-*) echo "$pid" ;;
		esac
	done
}

field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

gone() {
	timeout 20 tail --pid="$1" -f /dev/null
}

in_kernel() {
	in_space "$firewall" nft list table inet trapline |
		grep -F 203.0.113.66
}

for name in engine sensor; do
	check "there is one $name" test "$($name | wc -l)" -eq 1
done
finish
if [ "$(field "$(engine)" Seccomp)" != 2 ]; then
	skip "this build has no system call filter"
fi

for name in engine sensor; do
	pid=$($name)
	check "the $name is not root" test \
		"$(field "$pid" Uid | cut -f 2)" = "$(id -u "$user")"
	check "the $name has no capability" test \
		"$(field "$pid" CapEff)$(field "$pid" CapPrm)" = \
		00000000000000000000000000000000
	check "the $name can gain no privileges" test \
		"$(field "$pid" NoNewPrivs)" = 1
	check "the $name has a system call filter" test \
		"$(field "$pid" Seccomp)" = 2
	check "the $name has no child" test -z "$(pgrep -P "$pid")"
done
check "a sensor's root directory is empty" test -z \
	"$(ls -A "/proc/$(sensor)/root/")"

for call in openat socket execve; do
	check "a sensor that calls $call is killed" "$inject" "$(sensor)" $call
	check "and started again" await "$dir/daemon.log" \
		'sensor nflog group 5.*: ended by signal 31' 10
	: >"$dir/daemon.log"
	check "which it says when it runs" await "$dir/daemon.log" \
		'sensor nflog group 5.*: running' 20
	check "the engine went on" ctl show status
done

for call in openat socket netlink execve ptrace clone; do
	pid=$(engine)
	check "an engine that calls $call is killed" "$inject" "$pid" $call
	check "that is the end of all" gone "$daemon"
	wait "$daemon" || true
	check "the kernel's table stays" in_kernel
	start_daemon "$firewall" 'nflog group 5'
done

mapfile -t orphans < <(children)
kill -9 "$daemon"
wait "$daemon" || true
for pid in "${orphans[@]}"; do
	check "process $pid ends when the parent is gone" gone "$pid"
done
check "the kernel's table stays then too" in_kernel
start_daemon "$firewall" 'nflog group 5'
check "and the entry is known" ctl check 203.0.113.66
stop_daemon || true
finish
