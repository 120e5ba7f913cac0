#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# Host names in "set never", with a real name server: whoever a name comes to
# stand for is let go and cannot be held; the answer follows the server's; and
# what was answered outlasts the server.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft unshare pgrep dnsmasq
need_namespaces

name=monitor.example.org
space=$tag-names
make_space "$space"

# What "ip netns exec" puts over the files of this machine.
etc=/etc/netns/$space
mkdir -p "$etc"
echo 'nameserver 127.0.0.1' >"$etc/resolv.conf"
printf '127.0.0.1 localhost\n203.0.113.77 Relay.example.net # a comment\n' \
	>"$etc/hosts"

# serve ADDRESS ...: a name server that knows the name by these.
server=
serve() {
	local address records=()
	for address in "$@"; do
		records+=("--host-record=$name,$address")
	done
	: >"$dir/dns.log"
	ip netns exec "$space" dnsmasq --no-daemon --port=53 --no-resolv --no-hosts \
		--listen-address=127.0.0.1 --bind-interfaces --local-ttl=1 \
		--conf-file=/dev/null --local=/example.org/ --log-queries \
		--log-facility=- "${records[@]}" 2>"$dir/dns.log" &
	server=$!
	await "$dir/dns.log" 'started, version' 10
}

silence_server() {
	kill "$server"
	wait "$server" || true
}

write_policy() {
	policy_head >"$policy"
	cat >>"$policy"
}

# Without sensors it is the one process that is confined to an empty place.
resolver() {
	local pid
	for pid in $(children); do
		case $(readlink "/proc/$pid/root") in
		*/var/empty | */run/traplined-empty-*) echo "$pid" ;;
		esac
	done
}

in_kernel() {
	in_space "$space" nft list table inet trapline | grep -F -- "$1"
}

says() {
	local pattern=$1
	shift
	"$@" | grep -E -- "$pattern"
}

# learnt ADDRESSES [SECONDS]: until the daemon's log says that the name is these.
learnt() {
	await "$dir/daemon.log" "never: name $name is $1\$" "${2:-20}"
}

# --- nobody answers ------------------------------------------------------------
write_policy <<POLICY
set never { 192.0.2.1, $name, "relay.example.net" }
table <bad> expire 6w enforce block
firewall nft
POLICY
start_daemon "$space"
monitor
check "a name of /etc/hosts needs no name server" await "$dir/daemon.log" \
	'never: name relay.example.net is 203.0.113.77' 10
check "its address is refused" says \
	'it is never held \(name relay.example.net\)' \
	ctl -j add bad 203.0.113.77
check "a name that does not resolve is shown as such" says \
	"\"$name\",\"state\":\"(asked|unresolved)\"" ctl -j show never
ctl add bad 198.51.100.7 for 1h >/dev/null
ctl add bad 2001:db8::7 for 1h >/dev/null
check "its later address is held meanwhile" in_kernel 198.51.100.7
check "that is said" await "$dir/daemon.log" \
	"name $name does not resolve for IPv.*keeps nobody from being held" 40

# --- the server is there ---------------------------------------------------------
serve 198.51.100.7 2001:db8::7
: >"$dir/daemon.log"
check "after a reload it is asked at once" ctl reload
check "the name is resolved" learnt '198.51.100.7.*' 20
check "the held source is let go" await "$dir/monitor.log" \
	'"event":"release".*"198.51.100.7".*"cause":"never"' 10
check "and that of the other family" await "$dir/monitor.log" \
	'"event":"release".*"2001:db8::7".*"cause":"never"' 10
check "the kernel has forgotten it" not in_kernel 198.51.100.7
check "it cannot be held again" says "it is never held \(name $name\)" \
	ctl -j add bad 198.51.100.7
check "nor a prefix over it" says "it covers 198.51.100.7" \
	ctl -j add bad 198.51.100.0/24
check "its neighbour can be" ctl add bad 198.51.100.6
check "the name is shown" says \
	"\"$name\",\"state\":\"resolved\",\"addresses\":2" ctl -j show never
check "and its address with the reason" says \
	"198.51.100.7 +name $name" ctl show never
check "one process asks" test "$(resolver | wc -l)" = 1
check "which is not root" test \
	"$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$(resolver)/status")" = \
	"$(id -u "$user")"
check "and has an empty root directory" test -z \
	"$(ls -A "/proc/$(resolver)/root/")"

# --- the answer changes, then the server is gone ------------------------------
silence_server
serve 198.51.100.9
check "another answer is followed" learnt 198.51.100.9 45
check "the new address is refused" not ctl add bad 198.51.100.9
check "the old one is not" ctl add bad 198.51.100.7
silence_server
: >"$dir/daemon.log"
check "a silent server is said" await "$dir/daemon.log" \
	"name $name does not resolve .*last known to be stays" 60
check "the last answer stays" not ctl add bad 198.51.100.9
check "and is shown as such" says "\"$name\",\"state\":\"stale\"" \
	ctl -j show never
check "it is counted" says 'trapline_name_failures_total [1-9]' ctl metrics

# --- the process ----------------------------------------------------------------
pid=$(resolver)
inject=$BUILD/tests/inject
if [ -x "$inject" ] && grep -q 'Seccomp:.*2' "/proc/$pid/status"; then
	for call in openat socket netlink execve; do
		check "a resolver that calls $call is killed" \
			"$inject" "$(resolver)" "$call"
		: >"$dir/daemon.log"
		check "and started again" await "$dir/daemon.log" \
			'\[resolver\]: running' 20
	done
else
	kill -9 "$pid"
	check "a resolver that dies is started again" await \
		"$dir/daemon.log" '\[resolver\]: running' 20
fi
check "what it had found out is not lost" not ctl add bad 198.51.100.9

write_policy <<POLICY
set never { 192.0.2.1 }
table <bad> expire 6w enforce block
firewall nft
POLICY
pid=$(resolver)
check "a policy without names is loaded" ctl reload
check "its resolver ends" timeout 20 tail --pid="$pid" -f /dev/null
check "and there is none" test -z "$(resolver)"
check "names protect nobody any more" ctl add bad 198.51.100.9
stop_daemon || true
finish
