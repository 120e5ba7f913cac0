#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# kill -9 of a process of the daemon at random moments, while one operator adds
# and deletes entries, another loads files and a third watches; also while it
# is starting again.  After each restart every hold that was acknowledged, by
# an answer or by an event of the monitor's, must be in the tables and in the
# kernel, every acknowledged deletion gone from both, everything in the tables
# in the kernel, and whatever else the kernel has must carry a timeout.
#
# By hand: TRAPLINE_CRASH_ENTRIES=100000 TRAPLINE_CRASH_ROUNDS=50, with BUILD
# naming a release build.  TRAPLINE_SEED repeats a run's choices.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft unshare comm pgrep
need_namespaces

entries=${TRAPLINE_CRASH_ENTRIES:-500}
rounds=${TRAPLINE_CRASH_ROUNDS:-20}
loads=300
seed=${TRAPLINE_SEED:-$RANDOM}
RANDOM=$seed
export LC_ALL=C
echo "crash.sh: TRAPLINE_SEED=$seed, $entries entries, $rounds rounds"

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

# address N: the N-th of the addresses that are added.
address() {
	printf '10.%d.%d.%d' $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

# The next COUNT addresses, one a line.
addresses() {
	local i
	for ((i = next; i < next + $1; i++)); do
		address $i
		echo
	done
}

# What the tables, and the kernel, have; its addresses without a timeout.
look() {
	ctl -j show table bad | grep -o '"prefix":"[^"]*"' | cut -d '"' -f 4 |
		sort >"$dir/tables"
	in_space "$firewall" nft list table inet trapline |
		grep -oE '10\.[0-9.]+[^,}]*' >"$dir/listed" || true
	grep -oE '^[0-9.]+' "$dir/listed" | sort >"$dir/kernel"
	grep -v timeout "$dir/listed" >"$dir/endless" || true
}

# operate: adds and deletes for as long as the killer waits; what was
# acknowledged is in $dir/added and $dir/deleted.
operate() {
	local i one
	for ((i = 0;; i++)); do
		kill -0 "$killer" 2>/dev/null || return 0
		one=$(address $next)
		next=$((next + 1))
		ctl add bad "$one" for 6w >/dev/null 2>&1 || return 0
		echo "$one" >>"$dir/added"
		[ $((i % 2)) -eq 1 ] || continue
		echo "$one" >>"$dir/tried"
		ctl delete bad "$one" >/dev/null 2>&1 || return 0
		echo "$one" >>"$dir/deleted"
	done
}

# load FILE: as another operator does meanwhile.
load() {
	if ctl load bad "$1" >/dev/null 2>&1; then
		cat "$1" >>"$dir/added"
	fi
}

# Ends all of it, whichever process was hit.
end_daemon() {
	local pid
	for pid in $(ip netns pids "$firewall"); do
		kill -9 "$pid" 2>/dev/null || true
		timeout 10 tail -s 0.05 --pid="$pid" -f /dev/null
	done
	wait "$daemon" 2>/dev/null || true
}

# Starts it and kills it before, or just after, it is ready.
start_in_vain() {
	local pids
	"${starting[@]}" 2>>"$dir/daemon.log" &
	daemon=$!
	pause "$(printf '0.%03d' $((RANDOM % 600)))"
	mapfile -t pids < <(echo "$daemon"; children)
	kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || true
	end_daemon
	vain=$((vain + 1))
}

: >"$dir/added"
: >"$dir/deleted"
: >"$dir/tried"
: >"$dir/events"
starting=(ip netns exec "$firewall" "$traplined" -d -f "$policy")
vain=0
next=0
start_daemon "$firewall" 'nflog group 5'
addresses "$entries" >"$dir/load"
next=$entries
began=$(date +%s%N)
check "$entries entries are loaded" ctl load bad "$dir/load"
echo "loading took $((($(date +%s%N) - began) / 1000000)) ms"
cat "$dir/load" >>"$dir/added"

hits=()
for ((round = 1; round <= rounds; round++)); do
	mapfile -t processes < <(echo "$daemon"; children)
	choice=$((RANDOM % ${#processes[@]}))
	victim=${processes[choice]}
	names=(parent engine child child child)
	hits+=("${names[choice]}")
	delay=$(printf '0.%03d' $((RANDOM % 300)))
	addresses $loads >"$dir/load"
	next=$((next + loads))
	ctl -j monitor >"$dir/monitor.log" 2>/dev/null &
	watcher=$!
	{ pause "$delay"; kill -9 "$victim" 2>/dev/null || true; } &
	killer=$!
	load "$dir/load" &
	loader=$!
	operate
	wait "$killer" || true
	end_daemon
	wait "$loader" "$watcher" || true
	grep '"event":"hold"' "$dir/monitor.log" |
		grep -o '"prefix":"[^"]*"' | cut -d '"' -f 4 >>"$dir/events" ||
		true
	[ $((RANDOM % 3)) -ne 0 ] || start_in_vain
	start_daemon "$firewall" 'nflog group 5'

	# Wanted: what was added and acknowledged, less what somebody at
	# least tried to delete; unwanted: what was deleted and acknowledged.
	sort -u "$dir/added" "$dir/events" >"$dir/added.sorted"
	sort -u "$dir/tried" | comm -23 "$dir/added.sorted" - >"$dir/wanted"
	sort -u "$dir/deleted" >"$dir/unwanted"
	look
	comm -23 "$dir/wanted" "$dir/tables" >"$dir/lost"
	comm -23 "$dir/wanted" "$dir/kernel" >"$dir/unenforced"
	comm -12 "$dir/unwanted" "$dir/tables" >"$dir/risen"
	comm -12 "$dir/unwanted" "$dir/kernel" >"$dir/stuck"
	comm -23 "$dir/tables" "$dir/kernel" >"$dir/missing"
	comm -13 "$dir/tables" "$dir/kernel" >"$dir/lapsing"
	for list in lost unenforced risen stuck missing endless; do
		[ -s "$dir/$list" ] || continue
		echo "not ok round $round (${hits[-1]}): $list:"
		head -n 5 "$dir/$list"
		faults=$((faults + 1))
	done
	[ "$faults" -eq 0 ] || break
done
check "$((round - 1)) rounds lost nothing that was acknowledged" \
	test "$faults" -eq 0
echo "killed: $(printf '%s\n' "${hits[@]}" | sort | uniq -c | paste -sd ' ')," \
	"and $vain starts; acknowledged: $(wc -l <"$dir/added") added," \
	"$(wc -l <"$dir/events") told by the monitor," \
	"$(wc -l <"$dir/deleted") deleted; left to lapse in the kernel:" \
	"$(wc -l <"$dir/lapsing")"
stop_daemon || true
finish
