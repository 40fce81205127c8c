# SPDX-License-Identifier: GPL-2.0-only
# How a guest's run is judged. Sourced by tests/vm/run: judge RUN-FOLDER QEMU-STATUS sets verdict (the exit status) and
# reason (empty where the command's own status stands).

fault_pattern='\bBUG\b|WARNING:|\bOops\b|Kernel panic|\bstall(s|ed)?\b|general protection fault|blocked for more than'
# Words of the debug kernels' checkers: memory, races, undefined behaviour, objects, leaks; then lockdep and RCU.
fault_pattern+='|KASAN|KCSAN|UBSAN|ODEBUG|list_(add|del) |unreferenced object'
fault_pattern+='|\bcircular\b|recursive locking|inconsistent lock state|[Ii]nvalid wait context|lock inversion|INFO: trying to register'
fault_pattern+='|suspicious RCU usage|sleeping function called|scheduling while atomic|lock balance|still held|held lock freed'

# The modules whose data races and leaks are ours: the kernel's own are many, and somebody else's.
ours='\[(tickprof|planted)\]'

# Taints that only a fault sets: bad page, died, warned, soft lockup (Documentation/admin-guide/tainted-kernels.rst).
fault_taint=$((1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))

# Fault lines of a kernel log with their numbers, known harmless ones and data races that are not ours left out.
fault_lines() {
	data_races "$1" without-others | grep -aE "$fault_pattern" |
		grep -avE -f <(grep -vE '^#|^$' "$top/tests/vm/known-lines") || true
}

# Not by grep -q, which goes at the first line: who still writes to it then fails, and with pipefail all of it.
known_warning() {
	[ -n "$(grep -aE -f <(grep -vE '^#|^$' "$top/tests/vm/known-lines") "$1" | grep 'WARNING:')" ]
}

# data_races LOG WHAT: WHAT is "without-others", the log with line numbers and without reports of races in which no code
# of ours takes part, or "count-others", the number of these. A report goes from its headline to a row of "=".
data_races() {
	LC_ALL=C awk -v ours="$ours" -v what="$2" '
		function close_report() {
			if (!mine)
				others++
			else if (what != "count-others")
				printf "%s", report
			report = ""
			inside = 0
		}
		/BUG: KCSAN: / { inside = 1; mine = 0 }
		inside {
			report = report NR ":" $0 "\n"
			if ($0 ~ ours)
				mine = 1
			if (/==========/)
				close_report()
			next
		}
		what != "count-others" { print NR ":" $0 }
		END {
			if (inside)
				close_report()
			if (what == "count-others")
				print others + 0
		}' "$1"
}

judge() {
	local folder=$1 qemu_status=$2 log=$1/kernel.log kind=none number=- taint=0 rest faults taint_counts=$fault_taint
	[ ! -e "$folder/status" ] || read -r kind number taint rest <"$folder/status"
	faults=$(fault_lines "$log")
	# A warning that is known taints the kernel, too; any other stands in the log.
	! known_warning "$log" || taint_counts=$((fault_taint & ~(1 << 9)))
	reason=
	case $kind in
	exit)
		verdict=$number
		if [ -n "$faults" ] || [ $((taint & taint_counts)) -ne 0 ]; then
			verdict=125
			reason="the kernel reported a fault (taint $taint; the command's own status was $number)"
		fi
		;;
	timeout)
		verdict=124
		reason="the command had not ended after $timeout s"
		;;
	setup)
		verdict=123
		reason="the guest could not be set up: $number $taint $rest"
		;;
	*)
		verdict=125
		reason="the guest ended without the end marker"
		if [ "$qemu_status" -eq 134 ]; then
			verdict=122
			reason="the emulator died of an assertion of its own: this run tells nothing"
		elif stale_breakpoint "$log"; then
			verdict=122
			reason="the emulator executed a breakpoint that the guest's memory does not hold: this run tells nothing"
		elif [ -z "$faults" ] && [ "$qemu_status" -ge 124 ]; then
			verdict=124
			reason="the guest hung: neither end marker nor kernel fault"
		elif [ -z "$faults" ] && ! started "$log"; then
			verdict=123
			reason="the guest did not get as far as the command"
		fi
		;;
	esac
}

# Did the kernel die of nothing else than an int3 where its own dump shows another byte? The kernel takes the breakpoints
# of code that it patches out in steps that each CPU acknowledges. QEMU can miss a store into code that it is translating
# in another thread at that moment, when that thread has lost its processor between finding the page and storing to it
# (tlb_protect_code() against a store under way), and keeps the breakpoint that it has read. One guest in hundreds, on a
# machine with fewer processors than the guest.
stale_breakpoint() {
	local first=$(fault_lines "$1" | head -n 1)
	[[ $first == *'Oops: int3'* ]] || return
	grep -a -A 12 'Oops: int3' "$1" | grep -a -m 1 'Code: ' | grep -qvE ' cc <'
}

started() { grep -aq 'tickprof-vm: start' "$1"; }

report() {
	local folder=$1 faults
	say "$reason"
	faults=$(fault_lines "$folder/kernel.log" | head -n 20)
	if [ -n "$faults" ]; then
		say "kernel log $folder/kernel.log:"
		printf '%s\n' "$faults" >&2
	else
		say "kernel log $folder/kernel.log ends with:"
		tail -n 8 "$folder/kernel.log" >&2
	fi
	[ ! -s "$folder/registers" ] || say "what its CPUs did: $folder/registers"
	[ ! -s "$folder/processes" ] || say "what ran then: $folder/processes"
}
