#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# A live firewall: connections through it are logged by the kernel, counted,
# held, dropped; innocents pass; what the policy, the operator and other
# people's nft commands change takes effect as promised.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft nc unshare
need_namespaces

server=192.0.2.10
sensor='nflog group 5'

outside=$tag-outside
firewall=$tag-firewall
inside=$tag-inside
for space in "$outside" "$firewall" "$inside"; do
	make_space "$space"
done
cable "$outside" eth0 "$firewall" out0
cable "$inside" eth0 "$firewall" in0
ip -n "$firewall" address add 203.0.113.1/24 dev out0
ip -n "$firewall" address add 192.0.2.1/24 dev in0
ip -n "$firewall" -6 address add 2001:db8:66::1/64 dev out0 nodad
ip -n "$firewall" -6 address add 2001:db8:10::1/64 dev in0 nodad
in_space "$firewall" sysctl -q -w net.ipv4.ip_forward=1 \
	net.ipv6.conf.all.forwarding=1
for host in 20 30 66 67 70 71 72 73 74 80; do
	ip -n "$outside" address add 203.0.113.$host/24 dev eth0
done
for host in 61 62 63 64; do
	ip -n "$outside" -6 address add 2001:db8:66::$host/64 dev eth0 nodad
done
ip -n "$inside" address add $server/24 dev eth0
ip -n "$inside" -6 address add 2001:db8:10::10/64 dev eth0 nodad
ip -n "$outside" route add default via 203.0.113.1
ip -n "$inside" route add default via 192.0.2.1
ip -n "$outside" -6 route add default via 2001:db8:66::1
ip -n "$inside" -6 route add default via 2001:db8:10::1
# A network behind the outside one, without any address of the firewall.
ip -n "$firewall" -6 route add 2001:db8:67::/64 via 2001:db8:66::61
for host in 1 2 3 4; do
	ip -n "$outside" -6 address add 2001:db8:67::$host/128 dev lo
done

# connect OPTION ... ADDRESS PORT: one connection.  Nobody listens: what gets
# through is refused by the server, what is dropped times out.
connect() {
	in_space "$outside" nc -n -z -v -w 1 "$@" 2>&1 | grep refused
}

# reach ADDRESS PORT: one connection from there to the server.
reach() {
	connect -s "$1" "$server" "$2"
}

# knock ADDRESS PORT N: N connections, however they end.
knock() {
	local i
	for ((i = 0; i < $3; i++)); do
		reach "$1" "$2" >/dev/null || true
	done
}

in_kernel() {
	in_space "$firewall" nft list table inet trapline | grep -F -- "$1"
}

held() {
	await "$dir/monitor.log" \
		"\"event\":\"hold\",\"table\":\"$1\",\"prefix\":\"$2\"" 10
}

# write_policy LINE ...: the policy of these tests and further lines.
write_policy() {
	policy_head >"$policy"
	cat >>"$policy" <<POLICY
table <friends> { 203.0.113.20 }
table <long> expire 6w enforce block
table <short> expire 3s enforce block
set never { <friends>, 192.0.2.0/24 }
set source-prefix inet6 64
firewall nft
sensor nflog group 5 seen passed log new
watch in seen passed proto tcp to port 22 label "ssh" \\
	(max-src-conn-rate 3/60, overload <long>)
watch in seen passed proto tcp to port 23 label "telnet" \\
	(max-src-conn-rate 3/60, overload <short>)
POLICY
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$policy"
}

write_policy
start_daemon "$firewall" "$sensor"
monitor

# --- held, dropped, and nobody else -------------------------------------------

check "before anything, everybody passes" reach 203.0.113.66 22
knock 203.0.113.66 22 3
check "the fourth connection is held" held long 203.0.113.66
check "the event names rule, sensor, limit and count" grep -E \
	'"by":"ssh","sensor":"nflog group 5","cause":"max-src-conn-rate 3/60","count":4' \
	"$dir/monitor.log"
check "the kernel has it" in_kernel 203.0.113.66
check "the kernel drops it" not reach 203.0.113.66 22
check "and on every port" not reach 203.0.113.66 23
check "an innocent passes" reach 203.0.113.30 22
check "the operator is told why" sh -c \
	"'$traplinectl' -s '$socket' check 203.0.113.66 | grep -F max-src-conn-rate"

knock 203.0.113.20 22 6
check "a never address is refused" await "$dir/monitor.log" \
	'"event":"refuse".*203.0.113.20.*"cause":"never"' 10
check "and passes" reach 203.0.113.20 22

# knock6 NETWORK HOST ...: one connection over IPv6 from each.
knock6() {
	local host
	for host in "${@:2}"; do
		connect -6 -s "$1::$host" 2001:db8:10::10 22 >/dev/null || true
	done
}
knock6 2001:db8:67 1 2 3 4
check "IPv6 is counted and held by /64" held long 2001:db8:67::/64
check "and dropped" not connect -6 -s 2001:db8:67::1 2001:db8:10::10 22
knock6 2001:db8:66 61 62 63 64
check "a /64 with an address of the firewall is refused" \
	await "$dir/monitor.log" \
	'"event":"refuse".*"prefix":"2001:db8:66::/64"' 10

# --- release at expiry ------------------------------------------------------------

knock 203.0.113.67 23 4
check "a term of 3 s begins" held short 203.0.113.67
check "it drops meanwhile" not reach 203.0.113.67 22
check "the release is told" await "$dir/monitor.log" \
	'"event":"release".*203.0.113.67.*"cause":"expired"' 10
check "the kernel let it go" not in_kernel 203.0.113.67
check "it passes again" reach 203.0.113.67 22

# --- the operator --------------------------------------------------------------------

check "the operator adds" ctl add long 203.0.113.80 for 1h
check "it is dropped when the answer is there" not reach 203.0.113.80 22
check "the operator pardons" ctl pardon 203.0.113.80
check "it passes at once" reach 203.0.113.80 22
knock 203.0.113.80 22 5
check "and a pardon sticks" reach 203.0.113.80 22
check "adding a prefix over a never address fails" not \
	ctl add long 203.0.113.0/24

# --- reload --------------------------------------------------------------------------

knock 203.0.113.70 22 2
write_policy 'table <more> expire 1h'
check "reload" ctl reload
check "entries survive it" in_kernel 203.0.113.66
knock 203.0.113.70 22 2
check "counters survive it" held long 203.0.113.70

write_policy 'wtch in proto tcp'
bad=$(wc -l <"$policy")
check "a wrong policy is refused" not ctl reload
ctl reload >"$dir/reload.out" 2>&1 || true
check "with file and line" grep -F "$policy:$bad:" "$dir/reload.out"
kill -HUP "$daemon"
check "SIGHUP says so in the log" await "$dir/daemon.log" \
	'the old policy stays in force' 10
knock 203.0.113.71 22 4
check "the old policy goes on" held long 203.0.113.71
write_policy

# --- other people's commands -----------------------------------------------------------

# meddle COMMAND ...: runs nft, and waits until the daemon has put its entries
# back, which it says in its log.
meddle() {
	: >"$dir/daemon.log"
	in_space "$firewall" nft "$@"
	await "$dir/daemon.log" 'entries were offered' 10
}
check "a deleted table is put right" meddle delete table inet trapline
check "the entry is back" in_kernel 203.0.113.66
check "and dropped" not reach 203.0.113.66 22
check "a flushed ruleset is put right" meddle flush ruleset
check "the entry is back" in_kernel 203.0.113.66
check "flushed rules are put right" meddle flush table inet trapline
check "and drop again" not reach 203.0.113.66 22
check "repairs are counted" sh -c \
	"'$traplinectl' -j -s '$socket' show status | grep -E '\"repairs\":[3-9]'"
in_space "$firewall" nft add table inet other
check "others' tables are left alone" sh -c \
	"ip netns exec '$firewall' nft list tables | grep -x 'table inet other'"

# --- exit and restart ------------------------------------------------------------------

expires=$(ctl -j show table long | grep -o '203.0.113.66.*"expires":"[^"]*"')
check "SIGTERM ends it with status 0" stop_daemon
check "the kernel goes on dropping" not reach 203.0.113.66 22
in_space "$firewall" nft delete table inet trapline
start_daemon "$firewall" "$sensor"
check "a restart adds everything again" in_kernel 203.0.113.66
check "with the same expiry" test "$expires" = \
	"$(ctl -j show table long | grep -o '203.0.113.66.*"expires":"[^"]*"')"
check "and the pardon stands" sh -c \
	"'$traplinectl' -s '$socket' check 203.0.113.80 | grep 'pardoned until'"

# --- decoupled ---------------------------------------------------------------------------

ctl add long 203.0.113.72 for 1h >/dev/null
stop_daemon || true
write_policy 'set decoupled yes'
start_daemon "$firewall" "$sensor"
check "a decoupled start leaves the kernel as it is" in_kernel 203.0.113.66
check "rules too" not reach 203.0.113.66 22
ctl add long 203.0.113.74 for 1h >/dev/null
ctl pardon 203.0.113.72 >/dev/null
check "what is decided does not reach the kernel" not in_kernel 203.0.113.74
check "nor does what is let go" in_kernel 203.0.113.72
: >"$dir/daemon.log"
check "coupling" ctl couple
check "offers everything" await "$dir/daemon.log" 'entries were offered' 10
check "what was decided is enforced" not reach 203.0.113.74 22
check "what was let go is gone" not in_kernel 203.0.113.72
check "what was there is still dropped" not reach 203.0.113.66 22
stop_daemon || true
finish
