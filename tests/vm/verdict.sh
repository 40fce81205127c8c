# SPDX-License-Identifier: GPL-2.0-only
# How a guest's run is judged. Sourced by tests/vm/run: judge RUN-FOLDER QEMU-STATUS sets verdict (the exit status) and
# reason (empty where the command's own status stands).

fault_pattern='\bBUG\b|WARNING:|\bOops\b|Kernel panic|KASAN|KCSAN|UBSAN|ODEBUG|\bcircular\b|unreferenced|\bstall(s|ed)?\b|general protection fault|blocked for more than|INFO: trying to register'

# Taints that only a fault sets: bad page, died, warned, soft lockup (Documentation/admin-guide/tainted-kernels.rst).
fault_taint=$((1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))

# Fault lines of a kernel log, known harmless ones left out.
fault_lines() {
	grep -anE "$fault_pattern" "$1" | grep -avE -f <(grep -vE '^#|^$' "$top/tests/vm/known-lines") || true
}

judge() {
	local folder=$1 qemu_status=$2 log=$1/kernel.log kind=none number=- taint=0 rest faults
	[ ! -e "$folder/status" ] || read -r kind number taint rest <"$folder/status"
	faults=$(fault_lines "$log")
	reason=
	case $kind in
	exit)
		verdict=$number
		if [ -n "$faults" ] || [ $((taint & fault_taint)) -ne 0 ]; then
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
		if [ -z "$faults" ] && [ "$qemu_status" -ge 124 ]; then
			verdict=124
			reason="the guest hung: neither end marker nor kernel fault"
		elif [ -z "$faults" ] && ! started "$log"; then
			verdict=123
			reason="the guest did not get as far as the command"
		fi
		;;
	esac
}

started() { grep -aq 'tickprof-vm: start' "$1"; }

# QEMU's multi-threaded emulation sometimes trips over the kernel's own text patching while booting. That one signature,
# before the command started, is the emulator's fault and worth another try.
emulator_flake() {
	! started "$1" && grep -aq 'Oops: int3' "$1" && grep -aq 'sched_clock_cpu' "$1"
}

# The same race in a running guest: code was patched on one CPU, another goes on executing the breakpoint that stood
# there meanwhile, again and again, and whoever patched waits for it. Nothing else may be wrong with such a run. It cannot
# happen where one thread emulates all CPUs, so it is proved by a second try there (tests/run does that).
lost_patch() {
	local others
	grep -aqE 'RIP: 0010:asm_exc_int3\+0x0/' "$1" || return 1
	others=$(fault_lines "$1" | grep -avE 'soft lockup|rcu.*stall|detected stalls|blocked for more than' || true)
	[ -z "$others" ]
}

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
	[ ! -s "$folder/processes" ] || say "what ran then: $folder/processes"
}
