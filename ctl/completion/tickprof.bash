# SPDX-License-Identifier: GPL-2.0-only
# bash completion for tickprof. Commands and options are read from the tool's own
# help, so they are always those of the tool installed.

_tickprof_commands() {
	"$1" help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

# One a line: every short and long option; with "args", those that take an argument.
_tickprof_options() {
	"$1" help "$2" 2>/dev/null | sed -n '/^Options:/,/^$/p' |
		sed -nE "/^ {2,6}-/{${3:+/^ +(-[^-], )?(--[a-z-]+ |-[^-] )[A-Z]/!d;}s/^ +((-[^-])(, )?)?(--[a-z-]+)?.*/\2 \4/p}" |
		tr ' ' '\n' | sed '/^$/d'
}

_tickprof_argument() {
	case $1 in
	-p | --pid)
		compgen -W "$(cd /proc && echo [0-9]*)" -- "$2"
		;;
	-u | --uid)
		compgen -u -- "$2"
		;;
	-G | --cgroup)
		(cd /sys/fs/cgroup 2>/dev/null && compgen -d -- "$2")
		;;
	--format)
		compgen -W "pprof otlp" -- "$2"
		;;
	-F | --freq)
		compgen -W "19 49 99 499 997 max" -- "$2"
		;;
	--source)
		compgen -W "cpu offcpu cpu,offcpu" -- "$2"
		;;
	--context)
		compgen -W "auto off" -- "$2"
		;;
	--keep-slower-than)
		compgen -W "10ms 50ms 100ms 1s p90 p99 p99.9" -- "$2"
		;;
	--listen | --otlp-listen)
		compgen -W "127.0.0.1:4318" -- "$2"
		;;
	--value)
		compgen -W "samples cpu off_cpu runq" -- "$2"
		;;
	--state)
		compgen -W "sleeping disk preempted lock idle stopped traced parked new before short" -- "$2"
		;;
	-o | --output | -*)
		compgen -f -- "$2"
		;;
	esac
}

# Sets place to "option" if the word to complete is an option's argument, to
# "command" behind the first operand, else to "".
_tickprof_place() {
	local takes=$1 i word
	place=
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--) place=command first=$((i + 1)) && return ;;
		-*)
			[[ $'\n'$takes$'\n' == *$'\n'"$word"$'\n'* ]] || continue
			i=$((i + 1))
			[ "$i" -lt "$COMP_CWORD" ] || place=option
			;;
		*) place=command first=$i && return ;;
		esac
	done
}

_tickprof() {
	local tool=${COMP_WORDS[0]} command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]}
	local place first
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ] || { [ "$command" = help ] && [ "$COMP_CWORD" -eq 2 ]; }; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tickprof_commands "$tool")" -- "$word")
		return
	fi
	_tickprof_place "$(_tickprof_options "$tool" "$command" args)"
	if [ "$place" = option ]; then
		mapfile -t COMPREPLY < <(_tickprof_argument "${COMP_WORDS[COMP_CWORD - 1]}" "$word")
	elif [ "$place" = command ] && [ "$command" = record ]; then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$first"
		else
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
		fi
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tickprof_options "$tool" "$command")" -- "$word")
	elif [ "$command" = record ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	elif [ "$command" = context ]; then
		mapfile -t COMPREPLY < <(_tickprof_argument --pid "$word"; compgen -f -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _tickprof tickprof
