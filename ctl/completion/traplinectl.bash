# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
#
# Completion of traplinectl(8) for bash.  Tables are asked of the daemon over
# the socket that the command line names; without it none are offered.

# Names of tables, one a line.
_traplinectl_tables() {
	local -a options=()
	[ -z "$1" ] || options=(-s "$1")
	traplinectl -j "${options[@]}" show tables 2>/dev/null |
		sed -n 's/^{"what":"table","table":"\([^"]*\)".*/\1/p'
}

_traplinectl() {
	local cur=${COMP_WORDS[COMP_CWORD]} word at="" i
	local -a words=()

	# What the options are and what they take is no part of the command.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((${#words[@]} == 0)); then
			case $word in
			-s | -js)
				i=$((i + 1))
				at=${COMP_WORDS[i]:-}
				continue
				;;
			-*) continue ;;
			esac
		fi
		words+=("$word")
	done

	COMPREPLY=()
	word=${COMP_WORDS[COMP_CWORD - 1]}
	if ((${#words[@]} == 0)) && [[ $word == -s || $word == -js ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi

	local offer=""
	case ${#words[@]}:${words[*]} in
	0:)
		offer="show add delete pardon flush load check couple
			decouple reload monitor metrics top log"
		[[ $cur != -* ]] || offer="-j -s"
		;;
	1:show)
		offer="status tables table source rules sensors never pardons
			neighbors redis queues"
		;;
	2:show\ table | 1:add | 1:delete | 1:flush | 1:load)
		offer=$(_traplinectl_tables "$at")
		;;
	2:load\ *)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	3:add\ * | 2:pardon\ *) offer=for ;;
	4:add\ *\ for | 3:pardon\ *\ for) offer="15m 1h 24h 7d 6w never" ;;
	1:log) offer="brief verbose" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$offer" -- "$cur")
}

complete -F _traplinectl traplinectl
