# SPDX-License-Identifier: GPL-2.0-only
# Guests in which an instruction is a nanosecond and the same ones are run every time. Sourced by tests/bench/run, which
# has kernel_folder, module and $out, the folder of results.
#
# The processor: rdrand and rdseed would make runs differ; "rep movsb", which erms and fsrm have the kernel copy with,
# counts one instruction a byte and would so charge a copy eight times.
processor=max,-rdrand,-rdseed,-erms,-fsrm
# -static -no-pie, and frame pointers: known stacks.
cflags="-O2 -static -fno-pie -no-pie -fno-omit-frame-pointer -fcf-protection=none -Wall -Wextra -I$top/include/uapi"

compile() {
	local program
	for program in work session perfdata emit; do
		# shellcheck disable=SC2086 # several words
		[ "$out/$program" -nt "$top/tests/bench/$program.c" ] && [ "$out/$program" -nt "$top/include/uapi/linux/tickprof.h" ] ||
			cc $cflags -o "$out/$program" "$top/tests/bench/$program.c"
	done
}

pack() { (cd "$1" && find . -mindepth 1 | sort | cpio --quiet -o -H newc -R 0:0 --reproducible); }

# program_archive PROGRAM: prints the path of an archive of a program of this machine and the libraries it needs.
program_archive() {
	local file tree library archive
	file=$(readlink -f "$(command -v "$1")")
	archive=$out/$1.$(stat -c %Y.%s "$file").cpio
	if [ ! -e "$archive" ]; then
		tree=$(mktemp -d "$out/tree.XXXXXX")
		install -D "$file" "$tree/usr/bin/$1"
		ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
			install -D "$library" "$tree$library"
		done
		pack "$tree" >"$archive.new"
		mv "$archive.new" "$archive"
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
	tree=$(mktemp -d "$out/tree.XXXXXX")
	mkdir -p "$tree"/{bin,proc,sys,dev,tmp,usr/bin}
	cp "$(command -v busybox)" "$out/work" "$out/session" "$out/perfdata" "$out/emit" "$tree/bin/"
	install -m 755 "$top/tests/bench/init" "$tree/init"
	[ -z "$module" ] || cp "$module" "$tree/tickprof.ko"
	printf '%s\n' "$plan" >"$tree/plan"
	echo "TICK_NS=$tick_ns rate=$rate total_rate=$total_rate varied_rate=$varied_rate" >"$tree/settings"
	{ [ ${#archives[@]} = 0 ] || cat "${archives[@]}"; pack "$tree"; } >"$tree.cpio"
	# shellcheck disable=SC2086 # BENCH_QEMU is several words
	timeout -k 5 "$timeout" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-M q35 -m "$([ $# -gt 0 ] && echo 2G || echo 512M)" -smp 1 -accel tcg -cpu "$processor" \
		-icount "shift=0,sleep=off" -rtc "base=2026-01-01,clock=vm" -seed 42 \
		-kernel "$kernel_folder/vmlinux" -initrd "$tree.cpio" \
		-append "console=ttyS0 quiet tsc=reliable nokaslr oops=panic panic=-1" \
		-serial "file:$out/$name.log" -debugcon "file:$out/$name.emitted" ${BENCH_QEMU:-} </dev/null >&2 || status=$?
	rm -rf "$tree" "$tree.cpio"
	tr -d '\r' <"$out/$name.log" | sed -n 's/^bench: \(.*=.*\)/\1/p' >"$out/$name.results"
	if [ "$status" -ne 0 ] || ! grep -aq '^bench: end' "$out/$name.log" || [ -n "$(fault_lines "$out/$name.log")" ]; then
		say "guest '$name' failed (status $status); $out/$name.log ends with:"
		tail -n 15 "$out/$name.log" >&2
		return 1
	fi
}
