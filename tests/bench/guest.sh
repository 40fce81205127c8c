# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of tests/bench/run
# Guests in which an instruction is a nanosecond and the same ones are run every time. Sourced by tests/bench/run, which
# has kernel_folder and module, $out for what is kept and $work for what belongs to this run.
#
# The processor: rdrand and rdseed would make runs differ; "rep movsb", which erms and fsrm have the kernel copy with,
# counts one instruction a byte and would so charge a copy eight times.
processor=max,-rdrand,-rdseed,-erms,-fsrm
# -static -no-pie, and frame pointers: known stacks.
cflags="-O2 -static -fno-pie -no-pie -fno-omit-frame-pointer -fcf-protection=none -Wall -Wextra -I$top/include/uapi -I$top/include"

compile() {
	local program
	for program in work session perfdata emit; do
		# shellcheck disable=SC2086 # several words
		cc $cflags -o "$work/$program" "$top/tests/bench/$program.c"
	done
	# The same without frame pointers, and the unwind table for it.
	# shellcheck disable=SC2086
	cc ${cflags/-fno-omit-frame-pointer/-fomit-frame-pointer} -DNO_FRAME_POINTERS -Wl,--build-id -o "$work/work-cfi" "$top/tests/bench/work.c"
	"$build/ctl/tickprof" unwind-table -q -o "$work/work-cfi.table" "$work/work-cfi" >/dev/null || die "no tool: run make tool"
}

# Without times, so that equal trees make equal archives and guests do not differ by them.
pack() { (cd "$1" && find . -exec touch -h -d @0 {} + && find . -mindepth 1 | sort |
	cpio --quiet -o -H newc -R 0:0 --reproducible); }

# program_archive PROGRAM: prints the path of an archive of a program, given by name or by path, and the libraries that
# it needs.
program_archive() {
	local file tree library archive name=${1##*/}
	file=$(command -v "$1") || die "no $1 here: tests/deps bench, as make bench does, installs it"
	file=$(readlink -f "$file")
	archive=$out/$name.$(stat -c %Y.%s "$file").cpio
	if [ "${1%/*}" = "$work" ]; then archive=$work/$name.cpio; fi
	if [ ! -e "$archive" ]; then
		tree=$(mktemp -d "$work/tree.XXXXXX")
		install -D "$file" "$tree/usr/bin/$name"
		rm -f "$out/$name".*.cpio
		ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
			install -D "$library" "$tree$library"
		done
		pack "$tree" >"$tree.cpio"
		mv "$tree.cpio" "$archive"
		rm -rf "$tree"
	fi
	echo "$archive"
}

# guest NAME PLAN [PROGRAM…]: carries out PLAN in a guest that has these programs; leaves NAME.results, NAME.log and what
# the guest emitted in NAME.emitted. BENCH_QEMU holds further options for the emulator.
guest() {
	local name=$1 plan=$2 tree program archives=() status=0
	shift 2
	for program; do archives+=("$(program_archive "$program")"); done
	tree=$(mktemp -d "$work/tree.XXXXXX")
	mkdir -p "$tree"/{bin,proc,sys,dev,tmp,usr/bin}
	cp "$(command -v busybox)" "$work/work" "$work/work-cfi" "$work/work-cfi.table" "$work/session" "$work/perfdata" "$work/emit" "$tree/bin/"
	install -m 755 "$top/tests/bench/init" "$tree/init"
	cc -E -I"$top/include/uapi" -o "$tree/session.i" "$top/tests/bench/session.c"
	[ -z "$module" ] || cp "$module" "$tree/tickprof.ko"
	printf '%s\n' "$plan" >"$tree/plan"
	echo "TICK_NS=$tick_ns rate=$rate total_rate=$total_rate varied_rate=$varied_rate" >"$tree/settings"
	{ [ ${#archives[@]} = 0 ] || cat "${archives[@]}"; pack "$tree"; } >"$tree.cpio"
	# shellcheck disable=SC2086 # BENCH_QEMU is several words
	timeout -k 5 "$timeout" "$emulator" -nodefaults -no-user-config -display none -no-reboot \
		-M q35 -m "$([ $# -gt 0 ] && echo 2G || echo 512M)" -smp 1 -accel tcg -cpu "$processor" \
		-icount "shift=0,sleep=off" -rtc "base=2026-01-01,clock=vm" -seed 42 \
		-kernel "$kernel_folder/vmlinux" -initrd "$tree.cpio" \
		-append "console=ttyS0 quiet tsc=reliable nokaslr oops=panic panic=-1" \
		-serial "file:$work/$name.log" -debugcon "file:$work/$name.emitted" ${BENCH_QEMU:-} \
		</dev/null >&2 || status=$?
	rm -rf "$tree" "$tree.cpio"
	tr -d '\r' <"$work/$name.log" | sed -n 's/^bench: \(.*=.*\)/\1/p' >"$work/$name.results"
	if [ "$status" -ne 0 ] || ! grep -aq '^bench: end' "$work/$name.log" ||
		[ -n "$(fault_lines "$work/$name.log")" ]; then
		say "guest '$name' failed (status $status); $out/$name.log ends with:"
		tail -n 15 "$work/$name.log" >&2
		return 1
	fi
}
