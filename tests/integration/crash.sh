#!/usr/bin/env bash
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# kill -9 of a process of the daemon at random moments, while an operator adds
# and deletes entries.  After each restart every acknowledged hold must be in
# the tables and in the kernel, every acknowledged deletion gone from both,
# and whatever else the kernel has must carry a timeout.
#
# By hand: TRAPLINE_CRASH_ENTRIES=100000 TRAPLINE_CRASH_ROUNDS=50, with BUILD
# naming a release build.  TRAPLINE_SEED repeats a run's choices.

# shellcheck source=tests/integration/lib.bash
. "$(dirname "$0")/lib.bash"
need ip nft unshare comm pgrep
need_namespaces

entries=${TRAPLINE_CRASH_ENTRIES:-500}
rounds=${TRAPLINE_CRASH_ROUNDS:-50}
adds=8
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

in_tables() {
	ctl -j show table bad | grep -o '"prefix":"[^"]*"' | cut -d '"' -f 4 |
		sort
}

in_kernel() {
	in_space "$firewall" nft list table inet trapline |
		grep -oE '10\.[0-9.]+' | sort
}

# The kernel's addresses that have no timeout of their own.
without_timeout() {
	in_space "$firewall" nft list table inet trapline |
		grep -oE '10\.[0-9.]+[^,}]*' | grep -v timeout || true
}

# operate: adds and deletes until the daemon is gone or enough was done; what
# was acknowledged is in $dir/added and $dir/deleted.
operate() {
	local i one
	for ((i = 0; i < adds; i++)); do
		one=$(address $next)
		next=$((next + 1))
		ctl add bad "$one" for 6w >/dev/null 2>&1 || return 0
		echo "$one" >>"$dir/added"
		[ $((i % 4)) -eq 3 ] || continue
		echo "$one" >>"$dir/tried"
		ctl delete bad "$one" >/dev/null 2>&1 || return 0
		echo "$one" >>"$dir/deleted"
	done
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

: >"$dir/added"
: >"$dir/deleted"
: >"$dir/tried"
start_daemon "$firewall" 'nflog group 5'
for ((next = 0; next < entries; next++)); do
	address $next
	echo
done >"$dir/load"
check "$entries entries are loaded" ctl load bad "$dir/load"
cat "$dir/load" >>"$dir/added"

hits=()
for ((round = 1; round <= rounds; round++)); do
	mapfile -t processes < <(echo "$daemon"; children)
	victim=${processes[RANDOM % ${#processes[@]}]}
	delay=$(printf '0.%03d' $((RANDOM % 300)))
	{ pause "$delay"; kill -9 "$victim" 2>/dev/null || true; } &
	killer=$!
	operate
	wait "$killer" || true
	if [ "$victim" = "$daemon" ]; then
		hits+=(parent)
	elif kill -0 "$daemon" 2>/dev/null; then
		hits+=(sensor)
	else
		hits+=(engine)
	fi
	end_daemon
	start_daemon "$firewall" 'nflog group 5'

	# Wanted: what was added and acknowledged, less what somebody at
	# least tried to delete; unwanted: what was deleted and acknowledged.
	sort -u "$dir/added" >"$dir/added.sorted"
	sort -u "$dir/tried" | comm -23 "$dir/added.sorted" - >"$dir/wanted"
	sort -u "$dir/deleted" >"$dir/unwanted"
	in_tables >"$dir/tables"
	in_kernel >"$dir/kernel"
	comm -23 "$dir/wanted" "$dir/tables" >"$dir/lost"
	comm -23 "$dir/wanted" "$dir/kernel" >"$dir/unenforced"
	comm -12 "$dir/unwanted" "$dir/tables" >"$dir/risen"
	comm -12 "$dir/unwanted" "$dir/kernel" >"$dir/stuck"
	without_timeout >"$dir/endless"
	for list in lost unenforced risen stuck endless; do
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
	"acknowledged: $(wc -l <"$dir/added") added," \
	"$(wc -l <"$dir/deleted") deleted"
stop_daemon || true
finish
