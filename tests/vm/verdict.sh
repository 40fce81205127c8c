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
