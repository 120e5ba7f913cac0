#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# What an operator sees who starts the daemon and something is wrong: the exit
# status, and a line that says what, where and what to do.  Nothing that is
# somebody else's is taken or removed.  In the background the log goes to
# syslog, the last words of a process that ends too.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft unshare perl pgrep
need_namespaces

space=$tag-start
make_space "$space"

write_policy() {
	policy_head >"$policy"
	cat >>"$policy" <<'POLICY'
table <bad> expire 1h enforce block
firewall nft
POLICY
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$policy"
}

# fails STATUS PATTERN [OPTION ...]: the daemon ends with that status and says
# that on standard error.
fails() {
	local status=$1 pattern=$2 got=0
	shift 2
	timeout 20 ip netns exec "$space" "$traplined" -d "$@" \
		>"$dir/out" 2>&1 </dev/null || got=$?
	cat "$dir/out"
	[ "$got" -eq "$status" ] && grep -q -E -- "$pattern" "$dir/out"
}

# --- wrong usage, wrong policy: status 2 ------------------------------------------

write_policy
check "an unknown option is wrong usage" fails 2 '^usage: traplined' -x
check "a macro without a value too" fails 2 'expected macro=value' -D x
check "a policy that is not there" fails 2 \
	"^$dir/none.conf: .*No such file" -f "$dir/none.conf"
check "a policy that is a directory" fails 2 "^$dir: .*directory" -f "$dir"
write_policy 'wtch seen passed'
check "a wrong policy is told with its line" fails 2 "^$policy:6: " \
	-f "$policy"
write_policy 'set user root'
check "a second user is told with its line" fails 2 "^$policy:6: " \
	-f "$policy"

# --- what is wrong with the host: status 1 ------------------------------------------

write_policy
sed -i "s/^set user .*/set user nobody-$tag/" "$policy"
check "a missing user, and how to make it" fails 1 \
	"user nobody-$tag does not exist; to make it: " -f "$policy"
sed -i "s/^set user .*/set user root/" "$policy"
check "root is no user for this" fails 1 "user root has root's user" \
	-f "$policy"

write_policy
rmdir "$dir/state"
echo mine >"$dir/state"
check "a state directory that is a file" fails 1 \
	"state directory $dir/state: Not a directory" -f "$policy"
check "which stays" grep -q mine "$dir/state"
rm "$dir/state"
mkdir -m 755 "$dir/state"
echo mine >"$dir/state/file"
check "a state directory that is another's" fails 1 \
	"state directory $dir/state: is not empty and belongs to" -f "$policy"
check "is not taken" test "$(stat -c '%u %a' "$dir/state")" = '0 755'
rm "$dir/state/file"

echo mine >"$socket"
check "a socket that is a file" fails 1 "socket $socket: .* no socket" \
	-f "$policy"
check "which stays" grep -q mine "$socket"
rm "$socket"
long=$dir/$(printf 'x%.0s' {1..120})
sed -i "s|^set socket .*|set socket \"$long\"|" "$policy"
check "a path too long for a socket is told with its line" fails 2 \
	"^$policy:3: path longer than" -f "$policy"

write_policy
chown "$user" "$dir/state"
echo 'not a database at all' >"$dir/state/trapline.db"
check "a store that may not be read" fails 1 \
	"store $dir/state/trapline.db: Permission denied" -f "$policy"
chown "$user" "$dir/state/trapline.db"
check "a store that is none" fails 1 \
	"store $dir/state/trapline.db: not a trapline store" -f "$policy"
check "which stays" grep -q 'not a database' "$dir/state/trapline.db"
rm "$dir/state"/*

check "without the right to change the firewall" sh -c "
	ip netns exec '$space' setpriv --bounding-set -net_admin \\
		'$traplined' -d -f '$policy' 2>&1 |
		grep 'firewall nft: .*Operation not permitted'"

# --- what is waited for -----------------------------------------------------------

write_policy 'sensor capture on none0' 'sensor nflog group 7 seen passed' \
	'watch seen passed (overload <bad>)' 'watch (overload <bad>)'
start_daemon "$space" 'nflog group 7'
check "an interface that is not there is waited for" await "$dir/daemon.log" \
	'sensor capture on none0: waiting for it to appear' 10
cable "$space" none0 "$space" none1
check "and used when it is" await "$dir/daemon.log" \
	'sensor capture on none0: running' 10

# --- a second one --------------------------------------------------------------------

check "a second daemon is refused" fails 1 \
	"socket $socket: another traplined serves it" -f "$policy"
check "and the first goes on" ctl show status
sed "s|^set socket .*|set socket \"$dir/second.sock\"|" "$policy" \
	>"$dir/second.conf"
check "one with the same store too" fails 1 \
	"store $dir/state/trapline.db: in use by another traplined" \
	-f "$dir/second.conf"
sed -i "s|^set state-dir .*|set state-dir \"$dir/second\"|" "$dir/second.conf"
ip netns exec "$space" "$traplined" -d -f "$dir/second.conf" \
	2>"$dir/second.log" &
second=$!
check "a log group that is in use is told" await "$dir/second.log" \
	'sensor nflog group 7.*: group 7 has another listener' 10
check "and tried again" await "$dir/second.log" \
	'sensor nflog group 7.*: ended with status 1, again in 2 s' 20
check "SIGTERM ends it with status 0" stop_daemon
check "then the second gets it" await "$dir/second.log" \
	'sensor nflog group 7.*: running' 20
kill "$second"
wait "$second" || true
check "two on one firewall do not flood the log" test \
	"$(grep -c 'entries were offered' "$dir/second.log")" -le 12

# --- the background, syslog and a supervisor -----------------------------------------------

# A /dev of its own, with somebody behind /dev/log.
mkdir "$dir/dev"
for node in null zero random urandom; do
	: >"$dir/dev/$node"
done
: >"$dir/syslog"
# datagrams PATH: what is sent to a socket of its own there, a line each.
datagrams() {
	# shellcheck disable=SC2016
	exec perl -MSocket -e '
		socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
		bind($s, sockaddr_un($ARGV[0])) or die "$ARGV[0]: $!";
		$| = 1;
		print "listening\n";
		print "$text\n" while defined recv($s, $text, 65536, 0);' "$1"
}
: >"$dir/notified"
datagrams "$dir/dev/log" >"$dir/syslog" &
datagrams "$dir/notify" >"$dir/notified" &
await "$dir/syslog" '^listening' 10 >/dev/null
await "$dir/notified" '^listening' 10 >/dev/null
chmod 711 "$dir"

# background [OPTION ...]: starts the daemon as one, from the policy's directory.
background() {
	(
		cd "$dir"
		# shellcheck disable=SC2016
		NOTIFY_SOCKET=$dir/notify timeout 20 \
			ip netns exec "$space" unshare --mount sh -c '
			for node in null zero random urandom; do
				mount --bind /dev/$node "$0/dev/$node"
			done
			mount --rbind "$0/dev" /dev
			exec "$@"' "$dir" "$traplined" "$@"
	)
}

# The daemon's first process: the one that has the others for children.
find_parent() {
	local pid
	for pid in $(ip netns pids "$space"); do
		[ -z "$(pgrep -P "$pid")" ] || echo "$pid"
	done
}
check "in the background it returns and keeps no descriptor" \
	test -z "$(background -f trapline.conf 2>&1 </dev/null)"
check "syslog has what the parent says" await "$dir/syslog" \
	'traplined\[[0-9]+\]: running' 20
check "and what the others say" await "$dir/syslog" \
	'traplined\[sensor\]: sensor nflog group 7.*: running' 20
check "the supervisor is told" await "$dir/notified" '^READY=1' 10
daemon=$(find_parent)
check "its standard input is nobody's" test \
	"$(readlink "/proc/$daemon/fd/0")" = /dev/null
kill -HUP "$daemon"
check "a reload finds a policy that was named from elsewhere" \
	await "$dir/syslog" 'reload: the new policy is in force' 10
for pid in $(children); do
	check "process $pid has no descriptor but its own" test \
		"$(find "/proc/$pid/fd" -type l | wc -l)" -le 12
done
sensor=$(pgrep -P "$daemon" | tail -n 1)
printf '<6>\033[2Jhostile\n' >"/proc/$sensor/fd/2"
check "what a hostile sensor writes reaches syslog as text" \
	await "$dir/syslog" '\?\[2Jhostile' 10
timeout 5 yes '<6>flood' >"/proc/$sensor/fd/2" &
flood=$!
check "and does not keep the parent from its work" \
	timeout 3 "$traplinectl" -s "$socket" add bad 203.0.113.5
check "such as telling the kernel" timeout 2 sh -c "
	until ip netns exec '$space' nft list table inet trapline |
		grep -q -F 203.0.113.5; do :; done"
kill "$flood"
kill "$daemon"
timeout 20 tail --pid="$daemon" -f /dev/null
check "its end is told" await "$dir/syslog" \
	'stopped: the firewall.s tables stay' 10

echo 'not a database at all' >"$dir/state/trapline.db"
background -f trapline.conf </dev/null >/dev/null 2>&1
check "syslog has the last words of an engine that cannot start" \
	await "$dir/syslog" 'traplined\[engine\]: store .*: not a trapline' 20
check "and that it was the end" await "$dir/syslog" \
	'traplined\[[0-9]+\]: the engine ended with status 1' 20
finish
